/* Calls that find nothing leased: they wait without a thread, and every end of the wait. */
#include "grpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct table {
    struct grpc_stage *stage;
    struct grpc_client *client;
};

static const struct grpc_ask next = {.path = GRPC_NEXT_PATH};

static int build(void **state, unsigned wait_timeout_ms)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    house_declare(table->stage->house, "other", definition_default());
    table->stage->options.wait_timeout_ms = wait_timeout_ms;
    grpc_stage_open(table->stage);
    table->client = grpc_client_open(table->stage->port);
    *state = table;
    return 0;
}

static int open_stage(void **state)
{
    return build(state, 30000);
}

static int open_impatient(void **state)
{
    return build(state, 50);
}

static int close_stage(void **state)
{
    struct table *table = *state;

    grpc_client_close(table->client);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

static int32_t begin(struct grpc_client *client, const struct grpc_ask *ask, const char *sequence,
                     int64_t count)
{
    struct grpc_words words = grpc_words_next(sequence, count);
    int32_t stream = grpc_client_begin(client, ask, words.bytes, words.length, true);

    grpc_client_turn(client);
    return stream;
}

/* Shut the gate of the store and let one call wait before it. */
static int32_t wait_at_gate(struct table *table, const struct grpc_ask *ask, int64_t count)
{
    store_memory_hold(table->stage->house->disk);
    int32_t stream = begin(table->client, ask, "default", count);
    grpc_stage_await_waiters(table->stage, "default", 1);
    assert_true(store_memory_wait_held(table->stage->house->disk, 10000));
    return stream;
}

static void release(struct table *table)
{
    store_memory_release(table->stage->house->disk);
}

static const struct grpc_answer *end_of(struct table *table, int32_t stream)
{
    assert_true(grpc_client_await_end(table->client, stream, 20000));
    return grpc_client_answer(table->client, stream);
}

static void test_grpc_wait_ends_with_the_commit(void **state)
{
    struct table *table = *state;
    int32_t stream = wait_at_gate(table, &next, 3);

    assert_false(grpc_client_await_end(table->client, stream, 50));
    release(table);
    struct grpc_block block = grpc_expect_block(end_of(table, stream));
    assert_int_equal(block.first, 1);
    assert_int_equal(block.last, 3);
}

/* P6: while calls wait, what needs no lease is served at once, over the same connection. */
static void test_grpc_wait_holds_up_nobody(void **state)
{
    struct table *table = *state;
    int32_t waiting[64];

    assert_int_equal(
        grpc_expect_block(end_of(table, begin(table->client, &next, "other", 1))).first, 1);
    waiting[0] = wait_at_gate(table, &next, 1);
    for (size_t i = 1; i < 64; i++) {
        waiting[i] = begin(table->client, &next, "default", 1);
    }
    grpc_stage_await_waiters(table->stage, "default", 64);
    for (int64_t i = 2; i < 20; i++) {
        int32_t other = begin(table->client, &next, "other", 1);
        assert_int_equal(grpc_expect_block(end_of(table, other)).first, i);
    }
    release(table);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(grpc_expect_block(end_of(table, waiting[i])).first, i + 1);
    }
}

static void test_grpc_wait_ends_with_the_deadline_of_the_call(void **state)
{
    struct table *table = *state;
    struct grpc_ask hurried = {.path = GRPC_NEXT_PATH, .timeout = "300m"};
    int32_t stream = wait_at_gate(table, &hurried, 5);

    grpc_expect_status(end_of(table, stream), 4, "none were taken");
    grpc_stage_await_waiters(table->stage, "default", 0);
    release(table);
    assert_int_equal(grpc_stage_next(table->client), 1);
}

static void test_grpc_wait_ends_with_the_patience_of_the_service(void **state)
{
    struct table *table = *state;

    /* It waits for too short a time to be seen waiting. */
    store_memory_hold(table->stage->house->disk);
    int32_t stream = begin(table->client, &next, "default", 5);
    grpc_expect_status(end_of(table, stream), 14,
                       "no numbers of 'default' could be leased within 50 ms; none were taken");
    release(table);
    assert_int_equal(grpc_stage_next(table->client), 1);
}

static void test_grpc_wait_of_a_call_that_was_reset_takes_no_number(void **state)
{
    struct table *table = *state;
    int32_t stream = wait_at_gate(table, &next, 5);

    grpc_client_reset(table->client, stream, 8);
    grpc_client_ping(table->client); /* answered after the reset was read */
    assert_true(grpc_client_await_pongs(table->client, 1, 10000));
    release(table);
    assert_int_equal(grpc_stage_next(table->client), 1);
    grpc_stage_await_waiters(table->stage, "default", 0);
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "CANCELLED"), 1);
}

/* The waiter is core's until it is done, whatever becomes of its connection. */
static void test_grpc_wait_of_a_connection_that_is_gone_takes_no_number(void **state)
{
    struct table *table = *state;
    struct grpc_client *other = grpc_client_open(table->stage->port);

    (void)wait_at_gate(table, &next, 5);
    (void)begin(other, &next, "default", 7);
    grpc_stage_await_waiters(table->stage, "default", 2);
    grpc_client_close(other);
    house_wait_until(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "CANCELLED") == 1);
    release(table);
    house_wait_until(grpc_stage_issued(table->stage, "default") == 5);
    assert_int_equal(grpc_stage_next(table->client), 6);
}

/* A failed commit covers nothing: the call waits on, and gets what the next one covers. */
static void test_grpc_wait_survives_a_failed_commit(void **state)
{
    struct table *table = *state;

    store_memory_fail(table->stage->house->disk, 2, STORE_MEMORY_AFTER, ERR_IO);
    int32_t stream = begin(table->client, &next, "default", 1);
    struct grpc_block block = grpc_expect_block(end_of(table, stream));
    assert_true(block.first > 1); /* what the first one may have reached is burnt */
}

/* Many calls are reset, time out or are answered while commits come and go: each ends once. */
static void test_grpc_wait_bears_every_order_of_events(void **state)
{
    struct table *table = *state;
    struct grpc_ask hurried = {.path = GRPC_NEXT_PATH, .timeout = "3m"};

    for (int round = 0; round < 60; round++) {
        int32_t streams[16];

        store_memory_hold(table->stage->house->disk);
        for (int i = 0; i < 16; i++) {
            /* Larger than what is leased, so it has to wait. */
            streams[i] = begin(table->client, i % 4 == 1 ? &hurried : &next, "other", 10000);
        }
        for (int i = 0; i < 16; i += 4) {
            grpc_client_reset(table->client, streams[i], 8);
        }
        release(table);
        for (int i = 0; i < 16; i++) {
            const struct grpc_answer *answer = end_of(table, streams[i]);
            assert_true(answer->code == 0 || answer->code == 4 ||
                        (i % 4 == 0 && answer->code == -1));
        }
    }
    grpc_stage_await_waiters(table->stage, "other", 0);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_wait_ends_with_the_commit),
        STAGE_TEST(test_grpc_wait_holds_up_nobody),
        STAGE_TEST(test_grpc_wait_ends_with_the_deadline_of_the_call),
        cmocka_unit_test_setup_teardown(test_grpc_wait_ends_with_the_patience_of_the_service,
                                        open_impatient, close_stage),
        STAGE_TEST(test_grpc_wait_of_a_call_that_was_reset_takes_no_number),
        STAGE_TEST(test_grpc_wait_of_a_connection_that_is_gone_takes_no_number),
        STAGE_TEST(test_grpc_wait_survives_a_failed_commit),
        STAGE_TEST(test_grpc_wait_bears_every_order_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
