/* Health checking and reflection, as gRPC's own tools ask for them. */
#include "grpc_stage.h"
#include "skip_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK_PATH "/grpc.health.v1.Health/Check"
#define WATCH_PATH "/grpc.health.v1.Health/Watch"
#define REFLECTION_PATH "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define ALPHA_PATH "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

enum {
    SERVING = 1,
    NOT_SERVING = 2,
    SERVICE_UNKNOWN = 3,
};

struct table {
    struct grpc_stage *stage;
    struct grpc_client *client;
};

static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    grpc_stage_open(table->stage);
    table->client = grpc_client_open(table->stage->port);
    *state = table;
    return 0;
}

static int close_stage(void **state)
{
    struct table *table = *state;

    grpc_client_close(table->client);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

static struct grpc_words about(unsigned field, const char *text)
{
    struct grpc_words words = grpc_words_empty();

    if (text != NULL) {
        grpc_words_add_text(&words, field, text, strlen(text));
    }
    return words;
}

static const struct grpc_answer *check(struct table *table, const char *service)
{
    struct grpc_ask ask = {.path = CHECK_PATH};
    struct grpc_words words = about(1, service);

    return grpc_client_call(table->client, &ask, words.bytes, words.length);
}

static int32_t watch(struct table *table, const char *service)
{
    struct grpc_ask ask = {.path = WATCH_PATH};
    struct grpc_words words = about(1, service);

    return grpc_client_begin(table->client, &ask, words.bytes, words.length, true);
}

/* A whole answer of either: a head, and field 1 with the status. */
static void expect_serving(const struct grpc_answer *answer, size_t at, int status)
{
    const uint8_t wanted[] = {0, 0, 0, 0, 2, 0x08, (uint8_t)status};

    assert_true(answer->length >= at + sizeof wanted);
    assert_memory_equal(answer->body + at, wanted, sizeof wanted);
}

static void fail_the_store(struct table *table)
{
    store_memory_fail(table->stage->house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    struct grpc_ask ask = {.path = "/seqd.v1.SequenceService/Next", .timeout = "50m"};
    struct grpc_words words = grpc_words_next(NULL, 1);
    (void)grpc_client_call(table->client, &ask, words.bytes, words.length); /* it needs a lease */
    house_wait_until(house_health_of(table->stage->house).failures >= KEEPER_FAILURES_UNREADY);
}

static void test_grpc_health_knows_the_server_and_the_service(void **state)
{
    struct table *table = *state;

    grpc_expect_status(check(table, NULL), 0, "");
    expect_serving(check(table, NULL), 0, SERVING);
    expect_serving(check(table, ""), 0, SERVING);
    expect_serving(check(table, "seqd.v1.SequenceService"), 0, SERVING);
    grpc_expect_status(check(table, "seqd.v1"), 5, "there is no service 'seqd.v1'");
    grpc_expect_status(check(table, "a\nb"), 3, "a byte that no name has");
}

static void test_grpc_health_follows_the_store(void **state)
{
    struct table *table = *state;

    fail_the_store(table);
    expect_serving(check(table, ""), 0, NOT_SERVING);
    store_memory_fail(table->stage->house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    house_wait_until(!house_health_of(table->stage->house).failing);
    expect_serving(check(table, ""), 0, SERVING);
}

/* Numbers that are leased are served still; what needs the disk waits for it. */
static void test_grpc_health_follows_a_store_that_hangs(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = "/seqd.v1.SequenceService/Next"};
    struct grpc_words words = grpc_words_next(NULL, 1);

    store_memory_hold(table->stage->house->disk);
    int32_t stream = grpc_client_begin(table->client, &ask, words.bytes, words.length, true);
    grpc_client_turn(table->client);
    assert_true(store_memory_wait_held(table->stage->house->disk, 10000));
    expect_serving(check(table, ""), 0, SERVING);
    skip_clock_ms(5001);
    expect_serving(check(table, ""), 0, NOT_SERVING);
    store_memory_release(table->stage->house->disk);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
    expect_serving(check(table, ""), 0, SERVING);
}

static void test_grpc_health_watch_tells_each_change_once(void **state)
{
    struct table *table = *state;
    int32_t stream = watch(table, "");
    const struct grpc_answer *answer = grpc_client_answer(table->client, stream);

    assert_true(grpc_client_await_body(table->client, stream, 7, 10000));
    expect_serving(answer, 0, SERVING);
    assert_false(grpc_client_await_body(table->client, stream, 8, 600)); /* nothing has changed */
    fail_the_store(table);
    assert_true(grpc_client_await_body(table->client, stream, 14, 10000));
    expect_serving(answer, 7, NOT_SERVING);
    store_memory_fail(table->stage->house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    assert_true(grpc_client_await_body(table->client, stream, 21, 10000));
    expect_serving(answer, 14, SERVING);
    assert_false(answer->closed);
}

static void test_grpc_health_watch_bears_an_unknown_service(void **state)
{
    struct table *table = *state;
    int32_t stream = watch(table, "later");

    assert_true(grpc_client_await_body(table->client, stream, 7, 10000));
    expect_serving(grpc_client_answer(table->client, stream), 0, SERVICE_UNKNOWN);
    assert_false(grpc_client_await_end(table->client, stream, 300));
    assert_int_equal(grpc_client_answer(table->client, stream)->length, 7);
}

static void test_grpc_health_watch_ends_with_the_service(void **state)
{
    struct table *table = *state;
    int32_t stream = watch(table, NULL);

    assert_true(grpc_client_await_body(table->client, stream, 7, 10000));
    assert_int_equal(grpc_drain(table->stage->grpc, 10000), 0);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    expect_serving(grpc_client_answer(table->client, stream), 7, NOT_SERVING);
    grpc_expect_status(grpc_client_answer(table->client, stream), 14, "the service is stopping");
}

static void test_grpc_health_watch_is_cancelled(void **state)
{
    struct table *table = *state;
    int32_t stream = watch(table, NULL);

    assert_true(grpc_client_await_body(table->client, stream, 7, 10000));
    grpc_client_reset(table->client, stream, 8);
    house_wait_until((grpc_client_turn(table->client),
                      grpc_stage_counted(table->stage, WATCH_PATH, "CANCELLED") == 1));
    expect_serving(check(table, ""), 0, SERVING);
}

/* ---- reflection ---- */

enum {
    HOST = 1,
    FILE_BY_NAME = 3,
    FILE_BY_SYMBOL = 4,
    EXTENSIONS_OF_TYPE = 6,
    LIST_SERVICES = 7,
};

/* Is `text` somewhere in the body? */
static bool holds(const struct grpc_answer *answer, const char *text)
{
    return memmem(answer->body, answer->length, text, strlen(text)) != NULL;
}

static const struct grpc_answer *reflect(struct table *table, const char *path,
                                         struct grpc_words words)
{
    struct grpc_ask ask = {.path = path};

    return grpc_client_call(table->client, &ask, words.bytes, words.length);
}

static void test_grpc_reflection_lists_every_service(void **state)
{
    struct table *table = *state;
    static const char *const paths[] = {REFLECTION_PATH, ALPHA_PATH};

    for (size_t i = 0; i < 2; i++) {
        const struct grpc_answer *answer = reflect(table, paths[i], about(LIST_SERVICES, "*"));

        grpc_expect_status(answer, 0, "");
        assert_true(holds(answer, "seqd.v1.SequenceService"));
        assert_true(holds(answer, "grpc.health.v1.Health"));
        assert_true(holds(answer, "grpc.reflection.v1.ServerReflection"));
        assert_true(holds(answer, "grpc.reflection.v1alpha.ServerReflection"));
    }
}

static void test_grpc_reflection_gives_the_file_of_a_symbol(void **state)
{
    struct table *table = *state;
    const struct grpc_answer *answer =
        reflect(table, REFLECTION_PATH, about(FILE_BY_SYMBOL, "seqd.v1.SequenceService.Next"));

    grpc_expect_status(answer, 0, "");
    assert_true(holds(answer, "seqd/v1/seqd.proto"));
    assert_true(holds(answer, "NextRequest"));
    answer = reflect(table, REFLECTION_PATH, about(FILE_BY_NAME, "grpc/health/v1/health.proto"));
    assert_true(holds(answer, "HealthCheckRequest"));
    assert_false(holds(answer, "NextRequest"));
}

static void test_grpc_reflection_says_what_is_not_there(void **state)
{
    struct table *table = *state;
    const struct grpc_answer *answer =
        reflect(table, REFLECTION_PATH, about(FILE_BY_SYMBOL, "seqd.v1.Nothing"));

    grpc_expect_status(answer, 0, ""); /* it is an answer, not the end of the call */
    assert_true(holds(answer, "there is no such file or symbol"));
    answer = reflect(table, REFLECTION_PATH, about(FILE_BY_NAME, "seqd.proto"));
    assert_true(holds(answer, "there is no such file or symbol"));
    answer = reflect(table, REFLECTION_PATH, about(EXTENSIONS_OF_TYPE, "seqd.v1.NextRequest"));
    assert_true(holds(answer, "no message here has extensions"));
    answer = reflect(table, REFLECTION_PATH, about(HOST, "here"));
    assert_true(holds(answer, "the request asks for nothing"));
    assert_true(holds(answer, "here")); /* the request comes back with its answer */
    grpc_expect_status(reflect(table, REFLECTION_PATH, about(FILE_BY_SYMBOL, "a\xff")), 13,
                       "no ServerReflectionRequest");
}

static void test_grpc_reflection_answers_one_after_another(void **state)
{
    struct table *table = *state;
    struct grpc_ask ask = {.path = ALPHA_PATH};
    struct grpc_words words = about(LIST_SERVICES, "");
    int32_t stream = grpc_client_begin(table->client, &ask, words.bytes, words.length, false);

    assert_true(grpc_client_await_body(table->client, stream, 100, 10000));
    size_t length = grpc_client_answer(table->client, stream)->length;
    words = about(FILE_BY_SYMBOL, "seqd.v1.NextRequest");
    grpc_client_send(table->client, stream, words.bytes, words.length, false);
    assert_true(grpc_client_await_body(table->client, stream, length + 100, 10000));
    grpc_client_send(table->client, stream, NULL, 0, true);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_health_knows_the_server_and_the_service),
        STAGE_TEST(test_grpc_health_follows_the_store),
        STAGE_TEST(test_grpc_health_watch_tells_each_change_once),
        STAGE_TEST(test_grpc_health_watch_bears_an_unknown_service),
        STAGE_TEST(test_grpc_health_watch_ends_with_the_service),
        STAGE_TEST(test_grpc_health_watch_is_cancelled),
        STAGE_TEST(test_grpc_reflection_lists_every_service),
        STAGE_TEST(test_grpc_reflection_gives_the_file_of_a_symbol),
        STAGE_TEST(test_grpc_reflection_says_what_is_not_there),
        STAGE_TEST(test_grpc_reflection_answers_one_after_another),
        /* It skips the clock, so that a keeper that pauses pauses for longer: the last. */
        STAGE_TEST(test_grpc_health_follows_a_store_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
