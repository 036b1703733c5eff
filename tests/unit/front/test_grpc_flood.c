/* What a hostile client may send: floods of frames that ask for nothing, resets, endless headers,
 * too many streams, rubbish. Bytes go out as a test writes them, without a library between; what
 * comes back is read frame by frame. After each, others are served as before. */
#include "grpc_raw.h"
#include "grpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 5000 /* frames of a flood */

struct table {
    struct grpc_stage *stage;
    struct grpc_raw *raw;
};

static int open_with(void **state, unsigned max_streams)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    table->stage->options.max_streams = max_streams;
    grpc_stage_open(table->stage);
    table->raw = grpc_raw_open(table->stage->port);
    *state = table;
    return 0;
}

static int open_stage(void **state)
{
    return open_with(state, 1000);
}

static int open_narrow(void **state)
{
    return open_with(state, 10);
}

static int close_stage(void **state)
{
    struct table *table = *state;
    struct grpc_client *other = grpc_client_open(table->stage->port);

    assert_true(grpc_stage_next(other) >= 1);
    grpc_client_close(other);
    grpc_raw_close(table->raw);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

/* ---- what comes back ---- */

/* The server closes with this GOAWAY, and counts it so. */
static void expect_sent_away(struct table *table, uint32_t code, const char *reason)
{
    struct grpc_verdict verdict = grpc_raw_exchange(table->raw, 20000);

    assert_true(verdict.closed);
    assert_true(verdict.goaway);
    assert_int_equal(verdict.code, code);
    if (reason != NULL) {
        assert_int_equal(grpc_stage_refused(table->stage, reason), 1);
    }
}

static void expect_calm(struct table *table)
{
    struct grpc_verdict verdict = grpc_raw_exchange(table->raw, 20000);

    assert_true(verdict.closed && verdict.goaway);
    assert_int_equal(verdict.code, ENHANCE_YOUR_CALM);
    assert_string_equal(verdict.words, "too_many_pings");
    assert_true(verdict.acks <= 1300);
    assert_int_equal(grpc_stage_refused(table->stage, "flood"), 1);
}

/* ---- floods ---- */

static void test_grpc_flood_of_pings(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (int i = 0; i < MANY; i++) {
        grpc_raw_frame(table->raw, PING, 0, 0, "12345678", 8);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_settings(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (int i = 0; i < MANY; i++) {
        grpc_raw_frame(table->raw, SETTINGS, 0, 0, "\0\4\0\1\0\0", 6);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_priorities(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (int i = 0; i < MANY; i++) {
        grpc_raw_frame(table->raw, PRIORITY, 0, 1, "\0\0\0\0\1", 5);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_empty_data(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_call(table->raw, 1, 0);
    for (int i = 0; i < MANY; i++) {
        grpc_raw_frame(table->raw, DATA, 0, 1, NULL, 0);
    }
    expect_calm(table);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

/* CVE-2023-44487: a call that is reset at once costs more than it is worth. */
static void test_grpc_flood_of_resets(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (uint32_t i = 0; i < MANY; i++) {
        grpc_raw_call(table->raw, 2 * i + 1, 0);
        grpc_raw_number(table->raw, RST_STREAM, 2 * i + 1, CANCEL);
    }
    struct grpc_verdict verdict = grpc_raw_exchange(table->raw, 20000);
    assert_true(verdict.closed && verdict.goaway);
    assert_true(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "CANCELLED") <= 1200);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

/* The patience grows again, and no client that behaves comes near its end. */
static void test_grpc_flood_is_no_busy_client(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (int i = 0; i < 900; i++) {
        grpc_raw_frame(table->raw, PING, 0, 0, "12345678", 8);
    }
    struct grpc_verdict verdict = grpc_raw_await(table->raw, (struct grpc_verdict){.acks = 901});
    assert_false(verdict.closed || verdict.goaway);
    assert_int_equal(verdict.acks, 901);
}

/* CVE-2024-28182: headers that never end. */
static void test_grpc_flood_of_continuations(void **state)
{
    struct table *table = *state;
    uint8_t head[256];

    grpc_raw_preface(table->raw);
    grpc_raw_frame(table->raw, HEADERS, 0, 1, head, grpc_raw_put_head(head));
    for (int i = 0; i < MANY; i++) {
        grpc_raw_frame(table->raw, CONTINUATION, 0, 1, head,
                       grpc_raw_put_field(head, "x-more", "y"));
    }
    struct grpc_verdict verdict = grpc_raw_exchange(table->raw, 20000);
    assert_true(verdict.closed);
    assert_int_equal(grpc_stage_refused(table->stage, "protocol") +
                         grpc_stage_refused(table->stage, "flood"),
                     1);
}

/* A small block of headers that unpacks to a large one. */
static void test_grpc_flood_of_packed_headers(void **state)
{
    struct table *table = *state;
    static uint8_t block[16000];
    size_t length = grpc_raw_put_head(block);
    char value[100];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    size_t at = length;
    length += grpc_raw_put_field(block + length, "x-large", value);
    block[at] = 0x40; /* indexed from now on, as the newest entry: 62 */
    memset(block + length, 0x80 | 62, sizeof block - length);
    grpc_raw_preface(table->raw);
    grpc_raw_frame(table->raw, HEADERS, END_HEADERS | END_STREAM, 1, block, sizeof block);
    struct grpc_verdict verdict = grpc_raw_await(table->raw, (struct grpc_verdict){.headers = 1});
    assert_int_equal(verdict.headers, 1); /* RESOURCE_EXHAUSTED */
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "RESOURCE_EXHAUSTED"), 1);
}

/* ---- limits of HTTP/2 ---- */

static void test_grpc_streams_beyond_the_limit_are_refused(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    for (uint32_t i = 0; i < 15; i++) {
        grpc_raw_call(table->raw, 2 * i + 1, 0);
    }
    grpc_raw_frame(table->raw, PING, 0, 0, "12345678", 8); /* its answer: all were seen */
    struct grpc_verdict verdict =
        grpc_raw_await(table->raw, (struct grpc_verdict){.acks = 2, .resets = 5});
    /* Before it has acknowledged the limit, a client is told; it may try again. */
    assert_int_equal(verdict.resets, 5);
    assert_int_equal(verdict.reset, REFUSED_STREAM);
    assert_false(verdict.closed);
}

static void test_grpc_frame_that_is_too_large_ends_the_connection(void **state)
{
    struct table *table = *state;
    static const uint8_t bytes[20000];

    grpc_raw_preface(table->raw);
    grpc_raw_call(table->raw, 1, 0);
    grpc_raw_frame(table->raw, DATA, 0, 1, bytes, sizeof bytes);
    expect_sent_away(table, FRAME_SIZE_ERROR, NULL);
}

static void test_grpc_window_that_overflows_ends_the_connection(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_number(table->raw, WINDOW_UPDATE, 0, 0x7FFFFFFF);
    expect_sent_away(table, FLOW_CONTROL_ERROR, NULL);
}

static void test_grpc_headers_that_are_none_end_the_connection(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_frame(table->raw, HEADERS, END_HEADERS | END_STREAM, 1, "\xff\xff\xff\xff\xff", 5);
    expect_sent_away(table, COMPRESSION_ERROR, NULL);
}

static void test_grpc_frames_out_of_place_end_the_connection(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_frame(table->raw, DATA, 0, 3, "x", 1); /* of a stream that was never opened */
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_even_streams_end_the_connection(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_call(table->raw, 2, END_STREAM);
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_client_may_not_push(void **state)
{
    struct table *table = *state;

    grpc_raw_preface(table->raw);
    grpc_raw_frame(table->raw, PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2", 4);
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_does_not_speak_http_1(void **state)
{
    struct table *table = *state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    grpc_raw_add(table->raw, text, sizeof text - 1);
    struct grpc_verdict verdict = grpc_raw_exchange(table->raw, 20000);
    assert_true(verdict.closed);
    assert_int_equal(grpc_stage_refused(table->stage, "protocol"), 1);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_flood_of_pings),
        STAGE_TEST(test_grpc_flood_of_settings),
        STAGE_TEST(test_grpc_flood_of_priorities),
        STAGE_TEST(test_grpc_flood_of_empty_data),
        STAGE_TEST(test_grpc_flood_of_resets),
        STAGE_TEST(test_grpc_flood_is_no_busy_client),
        STAGE_TEST(test_grpc_flood_of_continuations),
        STAGE_TEST(test_grpc_flood_of_packed_headers),
        cmocka_unit_test_setup_teardown(test_grpc_streams_beyond_the_limit_are_refused, open_narrow,
                                        close_stage),
        STAGE_TEST(test_grpc_frame_that_is_too_large_ends_the_connection),
        STAGE_TEST(test_grpc_window_that_overflows_ends_the_connection),
        STAGE_TEST(test_grpc_headers_that_are_none_end_the_connection),
        STAGE_TEST(test_grpc_frames_out_of_place_end_the_connection),
        STAGE_TEST(test_grpc_even_streams_end_the_connection),
        STAGE_TEST(test_grpc_client_may_not_push),
        STAGE_TEST(test_grpc_does_not_speak_http_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
