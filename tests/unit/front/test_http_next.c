/* Blocks over HTTP: which numbers, in which form, and what takes none. */
#include "http_stage.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* From `start` by `increment`, between `min` and `max`. */
static struct definition stepping(int64_t start, int64_t increment, int64_t min, int64_t max)
{
    struct definition definition = definition_default();

    definition.start = start;
    definition.increment = increment;
    definition.min = min;
    definition.max = max;
    return definition;
}

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    stage->options.max_count = HTTP_COUNT_LIMIT;
    http_stage_add(stage, "down", stepping(2, -1, SEQUENCE_NUMBER_MIN, SEQUENCE_NUMBER_MAX));
    http_stage_add(stage, "wide", stepping(-1500000, 37, SEQUENCE_NUMBER_MIN, SEQUENCE_NUMBER_MAX));
    http_stage_add(stage, "lowest",
                   stepping(SEQUENCE_NUMBER_MIN, 1, SEQUENCE_NUMBER_MIN, SEQUENCE_NUMBER_MAX));
    http_stage_add(stage, "short", stepping(1, 1, 1, 5));
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    http_stage_close(*state);
    free(*state);
    return 0;
}

static void test_http_root_gives_the_next_number(void **state)
{
    http_stage_expect(*state, "GET", "/", "", 200, "1\n");
    http_stage_expect(*state, "GET", "/", "", 200, "2\n");
    http_stage_expect(*state, "POST", "/", "Content-Length: 0\r\n", 200, "3\n");
}

static void test_http_root_and_path_draw_from_one_sequence(void **state)
{
    http_stage_expect(*state, "GET", "/", "", 200, "1\n");
    http_stage_expect(*state, "GET", "/v1/sequences/default/next", "", 200, "2\n");
    http_stage_expect(*state, "POST", "/v1/sequences/default/next", "", 200, "3\n");
}

static void test_http_root_draws_from_what_it_was_altered_to(void **state)
{
    struct http_stage *stage = *state;

    http_stage_expect(stage, "GET", "/", "", 200, "1\n");
    snprintf(stage->options.default_sequence, sizeof stage->options.default_sequence, "down");
    http_alter(stage->http, &stage->options);
    http_stage_expect(stage, "GET", "/", "", 200, "2\n");
    http_stage_expect(stage, "GET", "/", "", 200, "1\n");
    snprintf(stage->options.default_sequence, sizeof stage->options.default_sequence, "default");
    http_alter(stage->http, &stage->options);
    http_stage_expect(stage, "GET", "/", "", 200, "2\n");
}

static void test_http_count_gives_a_whole_block(void **state)
{
    http_stage_expect(*state, "GET", "/?count=3", "", 200, "1\n2\n3\n");
    http_stage_expect(*state, "GET", "/v1/sequences/default/next?count=2", "", 200, "4\n5\n");
    http_stage_expect(*state, "POST", "/v1/sequences/default/next?count=1", "", 200, "6\n");
}

static void test_http_descending_numbers_cross_zero(void **state)
{
    http_stage_expect(*state, "GET", "/v1/sequences/down/next?count=4", "", 200, "2\n1\n0\n-1\n");
    http_stage_expect(*state, "GET", "/v1/sequences/down/next?count=2",
                      "Accept: application/json\r\n", 200,
                      "{\"sequence\":\"down\",\"first\":\"-2\",\"last\":\"-3\",\"count\":2,"
                      "\"increment\":\"-1\"}\n");
}

static void test_http_the_least_number_is_exact(void **state)
{
    http_stage_expect(*state, "GET", "/v1/sequences/lowest/next?count=2", "", 200,
                      "-9223372036854775807\n-9223372036854775806\n");
}

static void test_http_text_says_what_it_is(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer = http_ask(stage->port, "GET", "/", "");
    char value[64];

    assert_true(http_answer_header(&answer, "Content-Type", value, sizeof value));
    assert_string_equal(value, "text/plain; charset=utf-8");
    assert_true(http_answer_header(&answer, "Cache-Control", value, sizeof value));
    assert_string_equal(value, "no-store");
    assert_true(http_answer_header(&answer, "Content-Length", value, sizeof value));
    assert_string_equal(value, "2");
    http_answer_free(&answer);
}

static void test_http_json_gives_the_numbers_as_strings(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer =
        http_ask(stage->port, "GET", "/?count=3", "Accept: application/json\r\n");
    char type[64];

    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"sequence\":\"default\",\"first\":\"1\",\"last\":\"3\","
                                     "\"count\":3,\"increment\":\"1\"}\n");
    assert_true(http_answer_header(&answer, "Content-Type", type, sizeof type));
    assert_string_equal(type, "application/json");
    http_answer_free(&answer);
}

/* HEAD and OPTIONS answer as GET would, and the next number shows that they took none. */
static void test_http_head_and_options_take_nothing(void **state)
{
    struct http_stage *stage = *state;

    http_stage_expect(stage, "GET", "/", "", 200, "1\n");
    http_stage_expect(stage, "HEAD", "/", "", 200, "");
    http_stage_expect(stage, "HEAD", "/v1/sequences/default/next?count=7", "", 200, "");
    http_stage_expect(stage, "HEAD", "/?count=0", "", 400, "");
    http_stage_expect(stage, "HEAD", "/", "Accept: image/png\r\n", 406, "");
    http_stage_expect(stage, "OPTIONS", "/", "", 204, "");
    http_stage_expect(stage, "OPTIONS", "/v1/sequences/default/next", "", 204, "");
    http_stage_expect(stage, "OPTIONS", "*", "", 204, "");
    http_stage_expect(stage, "GET", "/", "", 200, "2\n");
    assert_int_equal(http_stage_status(stage, "default").issued, 2);
}

/* No length is known, so none is stated, and not a byte follows the header. */
static void test_http_head_sends_no_body_and_no_length(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = http_client_ask(client, "HEAD", "/", "");
    char type[64];

    assert_true(http_answer_header(&answer, "Content-Type", type, sizeof type));
    assert_string_equal(type, "text/plain; charset=utf-8");
    assert_int_equal(http_answer_count(&answer, "Content-Length"), 0);
    assert_true(http_client_closed(client, 10000));
    http_answer_free(&answer);
    http_client_close(client);
}

static void expect_allowed(struct http_stage *stage, const char *path, const char *allowed)
{
    struct http_answer answer = http_ask(stage->port, "OPTIONS", path, "");
    char value[64] = "";

    assert_int_equal(answer.status, 204);
    assert_true(http_answer_header(&answer, "Allow", value, sizeof value));
    assert_string_equal(value, allowed);
    http_answer_free(&answer);
}

/* Numbers are not to be taken for anything else by a browser, which says who it is. */
static void test_http_a_browser_is_told_not_to_sniff(void **state)
{
    static const char browser[] = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n";
    static const char *const targets[] = {"/", "/?count=200", "/v1/sequences/default/next"};
    struct http_stage *stage = *state;
    char value[32] = "";

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct http_answer answer = http_ask(stage->port, "GET", targets[i], browser);
        assert_int_equal(answer.status, 200);
        assert_true(http_answer_header(&answer, "X-Content-Type-Options", value, sizeof value));
        assert_string_equal(value, "nosniff");
        http_answer_free(&answer);
    }
    struct http_answer answer = http_ask(stage->port, "GET", "/", "User-Agent: curl/8\r\n");
    assert_int_equal(http_answer_count(&answer, "X-Content-Type-Options"), 0);
    http_answer_free(&answer);
}

/* What waits behind a request in the pipeline never takes the room of its answer, however many
 * headers it has. */
static void test_http_a_full_pipeline_leaves_room_for_answers(void **state)
{
    enum {
        MANY = 100
    };
    struct http_stage *stage = *state;

    for (int headers = 1; headers < 32; headers++) {
        struct http_client *client = http_client_open(stage->port);
        uint64_t issued = http_stage_status(stage, "default").issued;
        char *text = NULL;
        size_t length = 0;
        FILE *pipeline = open_memstream(&text, &length);
        assert_non_null(pipeline);
        for (int i = 0; i < MANY; i++) {
            fprintf(pipeline, "GET / HTTP/1.1\r\nHost: a\r\n");
            for (int j = 0; j < headers; j++) {
                fprintf(pipeline, "a: b\r\n");
            }
            fprintf(pipeline, "\r\n");
        }
        assert_int_equal(fclose(pipeline), 0);
        assert_true(http_client_send(client, text, length));
        free(text);
        for (int i = 0; i < MANY; i++) {
            struct http_answer answer;
            assert_int_equal(http_client_receive(client, 10000, false, &answer),
                             HTTP_CLIENT_ANSWERED);
            assert_int_equal(answer.status, 200);
            http_answer_free(&answer);
        }
        assert_int_equal(http_stage_status(stage, "default").issued, issued + MANY);
        http_client_close(client);
    }
}

static int open_small_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    stage->options.buffer_bytes = 4096;
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static void test_http_options_tells_the_methods_of_each_path(void **state)
{
    expect_allowed(*state, "/", "GET, HEAD, POST, OPTIONS");
    expect_allowed(*state, "/v1/sequences/default/next", "GET, HEAD, POST, OPTIONS");
    expect_allowed(*state, "/v1/sequences/default", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    expect_allowed(*state, "/v1/sequences/default/advance", "POST, OPTIONS");
    expect_allowed(*state, "/v1/sequences", "GET, HEAD, OPTIONS");
    expect_allowed(*state, "/healthz", "GET, HEAD, OPTIONS");
    expect_allowed(*state, "/readyz", "GET, HEAD, OPTIONS");
}

/* Ask for `count` numbers and compare the whole body, byte for byte. */
static void expect_block(struct http_stage *stage, const char *name, int64_t first,
                         int64_t increment, unsigned count)
{
    char target[64];
    char *expected = malloc((size_t)count * 21 + 22);
    size_t length = 0;

    assert_non_null(expected);
    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(expected + length, 22, "%" PRId64 "\n",
                                   first + (int64_t)i * increment);
    }
    snprintf(target, sizeof target, "/v1/sequences/%s/next?count=%u", name, count);
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    assert_int_equal(answer.status, 200);
    assert_false(answer.chunked);
    assert_int_equal(answer.body_length, length);
    assert_memory_equal(answer.body, expected, length);
    http_answer_free(&answer);
    free(expected);
}

/* Also larger than any lease: max_gap of these sequences is 100,000. */
static void test_http_large_blocks_are_exact_to_the_byte(void **state)
{
    expect_block(*state, "default", 1, 1, 100);
    expect_block(*state, "default", 101, 1, 101);
    expect_block(*state, "default", 202, 1, 100000);
    expect_block(*state, "down", 2, -1, 100000);
    expect_block(*state, "wide", -1500000, 37, 100000);
}

static void test_http_a_block_larger_than_a_lease_is_whole(void **state)
{
    expect_block(*state, "default", 1, 1, 250000);
}

static void test_http_a_large_block_leaves_the_connection_open(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = http_client_ask(client, "GET", "/?count=5000", "");

    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    answer = http_client_ask(client, "GET", "/", "");
    assert_string_equal(answer.body, "5001\n");
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_the_last_numbers_are_given_and_no_more(void **state)
{
    http_stage_expect(*state, "GET", "/v1/sequences/short/next?count=3", "", 200, "1\n2\n3\n");
    http_stage_expect_problem(*state, "GET", "/v1/sequences/short/next?count=3", "", 409,
                              "exhausted", "3 numbers were asked for, 'short' has 2 left");
    http_stage_expect(*state, "GET", "/v1/sequences/short/next?count=2", "", 200, "4\n5\n");
    http_stage_expect_problem(*state, "GET", "/v1/sequences/short/next", "", 409, "exhausted",
                              "1 numbers were asked for, 'short' has 0 left");
}

static void test_http_a_connection_serves_request_after_request(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    char expected[16];

    for (int i = 1; i <= 100; i++) {
        struct http_answer answer = http_client_ask(client, "GET", "/", "");

        snprintf(expected, sizeof expected, "%d\n", i);
        assert_string_equal(answer.body, expected);
        http_answer_free(&answer);
    }
    http_client_close(client);
}

static void test_http_pipelined_requests_are_answered_in_order(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;

    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "GET /?count=200 HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_int_equal(strncmp(answer.body, "2\n3\n", 4), 0);
    http_answer_free(&answer);
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "ok\n");
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_the_older_protocol_is_served(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;

    assert_true(http_client_print(client, "GET /?count=150 HTTP/1.0\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_length, 9 * 2 + 90 * 3 + 51 * 4);
    http_answer_free(&answer);
    assert_true(http_client_closed(client, 10000));
    http_client_close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_root_gives_the_next_number),
        TEST(test_http_root_and_path_draw_from_one_sequence),
        TEST(test_http_root_draws_from_what_it_was_altered_to),
        TEST(test_http_count_gives_a_whole_block),
        TEST(test_http_descending_numbers_cross_zero),
        TEST(test_http_the_least_number_is_exact),
        TEST(test_http_text_says_what_it_is),
        TEST(test_http_json_gives_the_numbers_as_strings),
        TEST(test_http_head_and_options_take_nothing),
        TEST(test_http_head_sends_no_body_and_no_length),
        TEST(test_http_a_browser_is_told_not_to_sniff),
        cmocka_unit_test_setup_teardown(test_http_a_full_pipeline_leaves_room_for_answers,
                                        open_small_stage, close_stage),
        TEST(test_http_options_tells_the_methods_of_each_path),
        TEST(test_http_large_blocks_are_exact_to_the_byte),
        TEST(test_http_a_block_larger_than_a_lease_is_whole),
        TEST(test_http_a_large_block_leaves_the_connection_open),
        TEST(test_http_the_last_numbers_are_given_and_no_more),
        TEST(test_http_a_connection_serves_request_after_request),
        TEST(test_http_pipelined_requests_are_answered_in_order),
        TEST(test_http_the_older_protocol_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
