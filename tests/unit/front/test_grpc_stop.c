/* The stop: clients are asked to leave, every call ends with a number or UNAVAILABLE, and what came
 * too late is known to have come too late. */
#include "grpc_raw.h"
#include "grpc_stage.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNAVAILABLE 14

static int open_stage(void **state)
{
    struct grpc_stage *stage = grpc_stage_new();

    grpc_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    grpc_stage_close(*state);
    return 0;
}

static void stop(struct grpc_stage *stage)
{
    registry_close(stage->house->registry);
    grpc_stop(stage->grpc);
    stage->grpc = NULL;
}

static const struct grpc_ask next = {.path = GRPC_NEXT_PATH};

static int32_t begin_next(struct grpc_client *client)
{
    struct grpc_words words = grpc_words_next(NULL, 1);
    int32_t stream = grpc_client_begin(client, &next, words.bytes, words.length, true);

    grpc_client_turn(client);
    return stream;
}

/* First with the highest number there is, then, when the client must have heard, with the last
 * one. */
static void test_grpc_drain_asks_clients_to_leave(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = grpc_client_open(stage->port);

    store_memory_hold(stage->house->disk);
    int32_t stream = begin_next(client);
    grpc_stage_await_waiters(stage, "default", 1);
    (void)grpc_drain(stage->grpc, 0);
    assert_true(grpc_client_await_goaway(client, 1, 10000));
    assert_int_equal(grpc_client_goodbye(client)->code, 0);
    assert_int_equal(grpc_client_goodbye(client)->last_stream, INT32_MAX);
    assert_true(grpc_client_await_goaway(client, 2, 10000));
    assert_int_equal(grpc_client_goodbye(client)->last_stream, 1);
    store_memory_release(stage->house->disk);
    assert_true(grpc_client_await_end(client, stream, 10000));
    assert_int_equal(grpc_expect_block(grpc_client_answer(client, stream)).first, 1);
    assert_true(grpc_client_await_close(client, 10000));
    grpc_client_close(client);
}

/* Between the two GOAWAYs a call may be on its way; it is served. */
static void test_grpc_drain_serves_what_is_on_its_way(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = grpc_client_open(stage->port);

    assert_int_equal(grpc_stage_next(client), 1);
    (void)grpc_drain(stage->grpc, 0);
    struct grpc_words words = grpc_words_next(NULL, 1);
    int32_t stream = grpc_client_begin(client, &next, words.bytes, words.length, true);
    assert_true(grpc_client_await_end(client, stream, 10000));
    assert_int_equal(grpc_expect_block(grpc_client_answer(client, stream)).first, 2);
    assert_true(grpc_client_await_close(client, 10000));
    grpc_client_close(client);
}

/* A client that has not heard yet: between the two GOAWAYs its call is served. The second one
 * waits for the answer to a ping, which this client never gives. */
static void test_grpc_drain_waits_for_who_has_not_heard(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_raw *raw = grpc_raw_open(stage->port);
    static const uint8_t empty_message[5];

    grpc_raw_preface(raw);
    (void)grpc_raw_await(raw, (struct grpc_verdict){.acks = 1});
    assert_int_equal(grpc_drain(stage->grpc, 10000), 0);
    struct grpc_verdict verdict = grpc_raw_await(raw, (struct grpc_verdict){.goaway = true});
    assert_true(verdict.goaway && verdict.code == 0 && !verdict.closed);
    grpc_raw_call(raw, 1, 0);
    grpc_raw_frame(raw, DATA, END_STREAM, 1, empty_message, sizeof empty_message);
    verdict = grpc_raw_await(raw, (struct grpc_verdict){.headers = 2});
    assert_int_equal(verdict.headers, 2); /* of the answer, and behind it */
    assert_int_equal(grpc_stage_counted(stage, GRPC_NEXT_PATH, "OK"), 1);
    grpc_raw_close(raw);
}

/* It has as long for that as for a request. */
static void test_grpc_drain_sees_off_who_never_hears(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_raw *raw = grpc_raw_open(stage->port);

    stage->options.request_timeout_ms = 500;
    grpc_alter(stage->grpc, &stage->options);
    grpc_raw_preface(raw);
    (void)grpc_raw_await(raw, (struct grpc_verdict){.acks = 1});
    assert_int_equal(grpc_drain(stage->grpc, 10000), 0);
    struct grpc_verdict verdict = grpc_raw_exchange(raw, 20000);
    assert_true(verdict.goaway && verdict.code == 0 && verdict.closed);
    grpc_raw_close(raw);
}

static void test_grpc_drain_lets_nobody_in(void **state)
{
    struct grpc_stage *stage = *state;

    assert_int_equal(grpc_drain(stage->grpc, 10000), 0);
    struct grpc_client *client = grpc_client_open(stage->port);
    assert_true(grpc_client_await_close(client, 10000));
    assert_int_equal(grpc_client_goodbye(client)->goaways, 0);
    grpc_client_close(client);
}

static void test_grpc_drain_waits_for_calls(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = grpc_client_open(stage->port);

    store_memory_hold(stage->house->disk);
    int32_t stream = begin_next(client);
    grpc_stage_await_waiters(stage, "default", 1);
    assert_int_equal(grpc_drain(stage->grpc, 50), 1);
    store_memory_release(stage->house->disk);
    assert_true(grpc_client_await_end(client, stream, 10000));
    assert_int_equal(grpc_expect_block(grpc_client_answer(client, stream)).first, 1);
    assert_int_equal(grpc_drain(stage->grpc, 10000), 0);
    grpc_client_close(client);
}

static void test_grpc_stop_answers_those_who_wait(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = grpc_client_open(stage->port);

    store_memory_hold(stage->house->disk);
    int32_t stream = begin_next(client);
    grpc_stage_await_waiters(stage, "default", 1);
    (void)grpc_drain(stage->grpc, 0);
    stop(stage);
    assert_true(grpc_client_await_end(client, stream, 10000));
    grpc_expect_status(grpc_client_answer(client, stream), UNAVAILABLE,
                       "the service is stopping; 'default' gives no more numbers");
    grpc_client_close(client);
}

static void test_grpc_stop_does_not_wait_for_who_does_not_answer(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *silent = grpc_client_open(stage->port); /* not even a preface */
    struct grpc_client *half = grpc_client_open(stage->port);
    static const uint8_t piece[] = {0, 0};

    (void)grpc_client_begin(half, &next, piece, sizeof piece, false);
    grpc_client_turn(half);
    stop(stage);
    assert_true(grpc_client_await_close(silent, 10000));
    grpc_client_close(silent);
    grpc_client_close(half);
}

static void test_grpc_stop_bears_a_ticket_without_a_call(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = grpc_client_open(stage->port);

    store_memory_hold(stage->house->disk);
    (void)begin_next(client);
    grpc_stage_await_waiters(stage, "default", 1);
    grpc_client_close(client);
    house_wait_until(grpc_stage_counted(stage, GRPC_NEXT_PATH, "CANCELLED") == 1);
    stop(stage);
}

/* ---- under load ---- */

#define CLIENTS 8
#define IN_FLIGHT 32

struct load {
    struct grpc_stage *stage;
    pthread_t thread;
    struct grpc_client *client;
    uint64_t answered;
    uint64_t refused;
    uint64_t untouched; /* the server has said that it never saw them, or was not sent them */
    uint64_t lost;      /* ended some other way */
    int64_t last;
    uint64_t disorder;
    bool failed;
};

/* A client's library begins nothing more once it was asked to leave. It takes the connection for
 * over when no call is open then, and passes over the second GOAWAY. */
static void judge(struct load *load, int32_t stream)
{
    const struct grpc_answer *answer = grpc_client_answer(load->client, stream);
    const struct grpc_goodbye *goodbye = grpc_client_goodbye(load->client);
    struct grpc_block block;
    size_t at = 0;

    if (answer->closed && answer->code == 0 &&
        grpc_words_read_next(answer->body, answer->length, &at, &block)) {
        load->answered++;
        load->disorder += block.first <= load->last ? 1 : 0;
        load->last = block.first;
    } else if (answer->closed && answer->code == UNAVAILABLE) {
        load->refused++;
    } else if (!answer->begun || answer->reset == REFUSED_STREAM ||
               (goodbye->goaways > 0 && stream > goodbye->last_stream)) {
        load->untouched++;
    } else {
        load->lost++;
    }
}

/* Ask until the service has gone. */
static void *ask_on(void *context)
{
    struct load *load = context;
    bool gone = false;

    for (int round = 0; !gone && round < 120; round++) {
        int32_t streams[IN_FLIGHT];

        for (size_t i = 0; i < IN_FLIGHT; i++) {
            streams[i] = begin_next(load->client);
        }
        for (size_t i = 0; i < IN_FLIGHT; i++) {
            gone = !grpc_client_await_end(load->client, streams[i], 10000) || gone;
        }
        for (size_t i = 0; i < IN_FLIGHT; i++) {
            judge(load, streams[i]);
        }
        gone = gone || grpc_client_goodbye(load->client)->goaways > 0;
    }
    return NULL;
}

/* Every number that was taken is answered: the last one is the count of all. */
static void test_grpc_stop_under_load_loses_no_call_and_no_number(void **state)
{
    struct grpc_stage *stage = *state;
    struct load loads[CLIENTS];
    uint64_t answered = 0;
    uint64_t lost = 0;
    uint64_t ended = 0;

    memset(loads, 0, sizeof loads);
    for (size_t i = 0; i < CLIENTS; i++) {
        loads[i].stage = stage;
        loads[i].client = grpc_client_open(stage->port);
        assert_int_equal(pthread_create(&loads[i].thread, NULL, ask_on, &loads[i]), 0);
    }
    house_wait_until(grpc_stage_counted(stage, GRPC_NEXT_PATH, "OK") > 2000);
    struct sequence *sequence = house_find(stage->house, "default");
    (void)grpc_drain(stage->grpc, 5000);
    stop(stage);
    struct sequence_status status;
    sequence_describe(sequence, &status);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(loads[i].thread, NULL), 0);
        grpc_client_close(loads[i].client);
        answered += loads[i].answered;
        lost += loads[i].lost;
        ended += loads[i].refused + loads[i].untouched;
    }
    print_message("answered %llu, refused or untouched %llu\n", (unsigned long long)answered,
                  (unsigned long long)ended);
    assert_int_equal(lost, 0);
    assert_int_equal(answered, status.issued);
    assert_int_equal(answered, status.next); /* from 1 on, without a gap */
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_drain_asks_clients_to_leave),
        STAGE_TEST(test_grpc_drain_serves_what_is_on_its_way),
        STAGE_TEST(test_grpc_drain_waits_for_who_has_not_heard),
        STAGE_TEST(test_grpc_drain_sees_off_who_never_hears),
        STAGE_TEST(test_grpc_drain_lets_nobody_in),
        STAGE_TEST(test_grpc_drain_waits_for_calls),
        STAGE_TEST(test_grpc_stop_answers_those_who_wait),
        STAGE_TEST(test_grpc_stop_does_not_wait_for_who_does_not_answer),
        STAGE_TEST(test_grpc_stop_bears_a_ticket_without_a_call),
        STAGE_TEST(test_grpc_stop_under_load_loses_no_call_and_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
