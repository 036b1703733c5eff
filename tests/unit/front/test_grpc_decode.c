/* Decode and Range: what a number of a timestamp sequence says, and which numbers hold a span of
 * time. */
#include "grpc_stage.h"

#include <seqd/v1/seqd.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DECODE "/seqd.v1.SequenceService/Decode"
#define RANGE "/seqd.v1.SequenceService/Range"
#define EPOCH_MS INT64_C(1704067200000) /* 2024-01-01T00:00:00Z */
#define GONE INT64_MIN                  /* the field is left out */

struct table {
    struct grpc_stage *stage;
    struct grpc_client *client;
};

/* Machine 5 and node 3, beside a counter that is called 'default'. */
static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);
    struct definition events = definition_default_timestamp();

    assert_non_null(table);
    events.layout.machine_id = 5;
    events.layout.node_id = 3;
    table->stage = grpc_stage_new();
    house_declare(table->stage->house, "events", events);
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

/* Ask `path` about `sequence`, with two integers in fields 2 and 3. */
static const struct grpc_answer *ask(struct table *table, const char *path, const char *sequence,
                                     int64_t second, int64_t third)
{
    const struct grpc_ask wanted = {.path = path};
    struct grpc_words words = grpc_words_empty();

    grpc_words_add_text(&words, 1, sequence, strlen(sequence));
    if (second != GONE) {
        grpc_words_add_integer(&words, 2, (uint64_t)second);
    }
    if (third != GONE) {
        grpc_words_add_integer(&words, 3, (uint64_t)third);
    }
    return grpc_client_call(table->client, &wanted, words.bytes, words.length);
}

static Seqd__V1__DecodeResponse *decoded(struct table *table, int64_t number)
{
    const struct grpc_answer *answer = ask(table, DECODE, "events", number, GONE);

    grpc_expect_status(answer, 0, "");
    Seqd__V1__DecodeResponse *message =
        seqd__v1__decode_response__unpack(NULL, answer->length - 5, answer->body + 5);
    assert_non_null(message);
    return message;
}

static void test_grpc_decode_tells_what_a_number_says(void **state)
{
    struct table *table = *state;
    const int64_t number = INT64_C(1000) << 22 | 5 << 17 | 3 << 12 | 42;

    Seqd__V1__DecodeResponse *answer = decoded(table, number);
    assert_int_equal(answer->time_ms, EPOCH_MS + 1000);
    assert_int_equal(answer->machine, 5);
    assert_int_equal(answer->node, 3);
    assert_int_equal(answer->counter, 42);
    seqd__v1__decode_response__free_unpacked(answer, NULL);
    answer = decoded(table, 0);
    assert_int_equal(answer->time_ms, EPOCH_MS);
    seqd__v1__decode_response__free_unpacked(answer, NULL);
    answer = decoded(table, INT64_MAX);
    assert_int_equal(answer->machine, 31);
    assert_int_equal(answer->counter, 4095);
    seqd__v1__decode_response__free_unpacked(answer, NULL);
}

static void test_grpc_range_holds_every_number_of_a_span(void **state)
{
    struct table *table = *state;
    const struct grpc_answer *answer =
        ask(table, RANGE, "events", EPOCH_MS + 1000, EPOCH_MS + 1002);

    grpc_expect_status(answer, 0, "");
    Seqd__V1__RangeResponse *message =
        seqd__v1__range_response__unpack(NULL, answer->length - 5, answer->body + 5);
    assert_non_null(message);
    assert_int_equal(message->first, INT64_C(1000) << 22);
    assert_int_equal(message->last, (INT64_C(1002) << 22) - 1);
    seqd__v1__range_response__free_unpacked(message, NULL);
}

static void test_grpc_decode_is_of_timestamps_only(void **state)
{
    struct table *table = *state;

    grpc_expect_status(ask(table, DECODE, "", 7, GONE), 9, "'default' is of kind 'counter'");
    grpc_expect_status(ask(table, RANGE, "default", 1, 2), 9, "'default' is of kind 'counter'");
    grpc_expect_status(ask(table, DECODE, "nothing", 7, GONE), 5, "'nothing'");
    grpc_expect_status(ask(table, RANGE, "nothing", 1, 2), 5, "'nothing'");
}

static void test_grpc_decode_names_what_is_wrong(void **state)
{
    struct table *table = *state;

    grpc_expect_status(ask(table, DECODE, "events", GONE, GONE), 3, "number is missing");
    grpc_expect_status(ask(table, DECODE, "events", -1, GONE), 3,
                       "number is -1; it must be from 0 to 9223372036854775807");
    grpc_expect_status(ask(table, RANGE, "events", GONE, EPOCH_MS), 3, "must both be there");
    grpc_expect_status(ask(table, RANGE, "events", EPOCH_MS, GONE), 3, "must both be there");
    grpc_expect_status(ask(table, RANGE, "events", EPOCH_MS + 9, EPOCH_MS + 9), 3,
                       "ticks begin from 1704067200000 to 3903090455551");
    grpc_expect_status(ask(table, RANGE, "events", INT64_MAX, GONE + 1), 3, "no tick begins");
}

static void test_grpc_decode_refuses_what_is_no_message(void **state)
{
    struct table *table = *state;
    static const uint8_t cut[] = {0, 0, 0, 0, 3, 0x0a, 5, 'a'};
    const struct grpc_ask decode = {.path = DECODE};
    const struct grpc_ask range = {.path = RANGE};

    grpc_expect_status(grpc_client_call(table->client, &decode, cut, sizeof cut), 13,
                       "no DecodeRequest");
    grpc_expect_status(grpc_client_call(table->client, &range, cut, sizeof cut), 13,
                       "no RangeRequest");
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_decode_tells_what_a_number_says),
        STAGE_TEST(test_grpc_range_holds_every_number_of_a_span),
        STAGE_TEST(test_grpc_decode_is_of_timestamps_only),
        STAGE_TEST(test_grpc_decode_names_what_is_wrong),
        STAGE_TEST(test_grpc_decode_refuses_what_is_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
