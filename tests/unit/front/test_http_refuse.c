/* What a client may get wrong: each mistake has its status, says what was wrong and the limit, and
 * takes no number. */
#include "http_stage.h"

#include <microhttpd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_open(stage);
    assert_int_equal(http_stage_warm(stage, "default"), 1);
    *state = stage;
    return 0;
}

/* Whatever was refused: the numbers go on where they were. */
static int close_stage(void **state)
{
    struct http_stage *stage = *state;
    int64_t next = http_stage_warm(stage, "default");
    uint64_t issued = http_stage_status(stage, "default").issued;

    http_stage_close(stage);
    free(stage);
    return next == 2 && issued == 2 ? 0 : -1;
}

/* Send `bytes` as they are: the connection is closed, or the answer is a refusal, of `status` where
 * that is not 0. */
static void expect_raw(struct http_stage *stage, const void *bytes, size_t length, int status)
{
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = {0};

    assert_true(http_client_send(client, bytes, length));
    enum http_client_result result = http_client_receive(client, 10000, false, &answer);
    if (status != 0 || result == HTTP_CLIENT_ANSWERED) {
        assert_int_equal(result, HTTP_CLIENT_ANSWERED);
        assert_in_range(answer.status, status != 0 ? status : 400, status != 0 ? status : 499);
    } else {
        assert_int_equal(result, HTTP_CLIENT_CLOSED);
    }
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_a_count_that_is_none_is_refused(void **state)
{
    static const char *const counts[] = {
        "0",
        "-1",
        "1.5",
        "abc",
        "",
        "+1",
        "%201",
        "+",
        "1%00",
        "%31",
        "0x10",
        "1e3",
        "10001",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    };
    char target[256];

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        snprintf(target, sizeof target, "/?count=%s", counts[i]);
        http_stage_expect_problem(*state, "GET", target, "", 400, "bad-count",
                                  "it must be a whole number from 1 to 10000");
        snprintf(target, sizeof target, "/v1/sequences/default/next?count=%s", counts[i]);
        http_stage_expect_problem(*state, "POST", target, "", 400, "bad-count",
                                  "it must be a whole number from 1 to 10000");
    }
    http_stage_expect_problem(*state, "GET", "/?count", "", 400, "bad-count", "count is ''");
}

static void test_http_the_largest_count_is_served_and_no_larger(void **state)
{
    struct http_stage *stage = *state;

    stage->options.max_count = 7;
    http_alter(stage->http, &stage->options);
    http_stage_expect_problem(stage, "GET", "/?count=8", "", 400, "bad-count",
                              "count is '8'; it must be a whole number from 1 to 7,");
    stage->options.max_count = 1;
    http_alter(stage->http, &stage->options);
    http_stage_expect_problem(stage, "GET", "/?count=2", "", 400, "bad-count", "from 1 to 1,");
}

static void test_http_a_count_given_twice_is_refused(void **state)
{
    http_stage_expect_problem(*state, "GET", "/?count=1&count=1", "", 400, "bad-count",
                              "'count' is given more than once; give it once");
    http_stage_expect_problem(*state, "GET", "/v1/sequences/default/next?count=1&count", "", 400,
                              "bad-count", "'count' is given more than once; give it once");
}

static void test_http_an_unknown_parameter_is_named(void **state)
{
    static const char *const targets[] = {
        "/?cuont=3",
        "/?count=1&cuont=3",
        "/?cuont",
        "/v1/sequences/default/next?cuont=1",
        "/v1/sequences/default?cuont=1",
        "/healthz?cuont=1",
        "/readyz?cuont=1",
    };

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        http_stage_expect_problem(*state, "GET", targets[i], "", 400, "unknown-parameter",
                                  "parameter 'cuont' is not known here");
    }
    http_stage_expect_problem(*state, "GET", "/v1/sequences/default?count=1", "", 400,
                              "unknown-parameter", "parameter 'count' is not known here");
    http_stage_expect_problem(*state, "GET", "/?Count=1", "", 400, "unknown-parameter", "'Count'");
    http_stage_expect_problem(*state, "GET", "/?=1", "", 400, "unknown-parameter", "''");
    http_stage_expect_problem(*state, "GET", "/?%63ount=1", "", 400, "unknown-parameter",
                              "'%63ount'");
}

static void test_http_a_name_outside_the_rule_is_refused(void **state)
{
    static const char *const names[] = {
        "",    ".",        "..",  "-a",  "_a",  ".a",        "a%20b", "default%00x",
        "a%",  "%2e%2e",   "a+b", "a~",  "a:b", "d\xc3\xa9", "a\\b",  "a;b",
        "a@b", "default*", "a,b", "(a)", "a'b", "a\"b",
    };
    char target[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(target, sizeof target, "/v1/sequences/%s/next", names[i]);
        http_stage_expect_problem(*state, "GET", target, "", 400, "bad-name", "name");
        snprintf(target, sizeof target, "/v1/sequences/%s", names[i]);
        http_stage_expect_problem(*state, "GET", target, "", 400, "bad-name", "name");
    }
}

static void test_http_the_longest_name_is_looked_for_and_no_longer(void **state)
{
    char name[SEQUENCE_NAME_MAX + 2];
    char target[256];

    memset(name, 'a', sizeof name);
    snprintf(target, sizeof target, "/v1/sequences/%.*s/next", SEQUENCE_NAME_MAX, name);
    http_stage_expect_problem(*state, "GET", target, "", 404, "unknown-sequence", "aaaa'");
    snprintf(target, sizeof target, "/v1/sequences/%.*s/next", SEQUENCE_NAME_MAX + 1, name);
    http_stage_expect_problem(*state, "GET", target, "", 400, "bad-name", "128");
}

static void test_http_an_unknown_sequence_is_named(void **state)
{
    struct http_stage *stage = *state;

    http_stage_expect_problem(stage, "GET", "/v1/sequences/orders/next", "", 404,
                              "unknown-sequence", "there is no sequence 'orders'");
    http_stage_expect_problem(stage, "GET", "/v1/sequences/orders", "", 404, "unknown-sequence",
                              "there is no sequence 'orders'");
    http_stage_expect_problem(stage, "GET", "/v1/sequences/Default/next", "", 404,
                              "unknown-sequence", "'Default'");
    snprintf(stage->options.default_sequence, sizeof stage->options.default_sequence, "other");
    http_alter(stage->http, &stage->options);
    http_stage_expect_problem(stage, "GET", "/", "", 404, "unknown-sequence",
                              "there is no sequence 'other'");
}

static void test_http_only_exact_paths_lead_somewhere(void **state)
{
    static const char *const paths[] = {
        "/favicon.ico",
        "/robots.txt",
        "/index.html",
        "//",
        "/v1",
        "/v2/sequences/a",
        "/v1/sequences/default/",
        "/v1/sequences//next/",
        "/v1/sequences/default/next/",
        "/v1/sequences/default/nexT",
        "/v1/sequences/default/../default/next",
        "/v1/../v1/sequences/default/next",
        "/../",
        "/.",
        "/%2f",
        "/healthz/",
        "/V1/sequences/default/next",
        "/v1/sequences/default//next",
        "/v1%2fsequences/default/next",
        "*",
        "healthz",
        "http://127.0.0.1/",
    };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct http_stage *stage = *state;
        struct http_answer answer = http_ask(stage->port, "GET", paths[i], "");

        if (strcmp(paths[i], "*") == 0) {
            assert_true(http_answer_is_problem(&answer, 405, "method-not-allowed", "'GET'"));
        } else {
            assert_true(http_answer_is_problem(&answer, 404, "unknown-path", "there is no path"));
        }
        http_answer_free(&answer);
    }
}

static void expect_not_allowed(struct http_stage *stage, const char *method, const char *path,
                               const char *allowed)
{
    struct http_answer answer = http_ask(stage->port, method, path, "");
    char value[64] = "";

    assert_true(http_answer_is_problem(&answer, 405, "method-not-allowed", method));
    assert_true(http_answer_header(&answer, "Allow", value, sizeof value));
    assert_string_equal(value, allowed);
    http_answer_free(&answer);
}

static void test_http_a_wrong_method_is_told_the_right_ones(void **state)
{
    static const char *const methods[] = {"PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        expect_not_allowed(*state, methods[i], "/", "GET, HEAD, POST, OPTIONS");
        expect_not_allowed(*state, methods[i], "/v1/sequences/default/next",
                           "GET, HEAD, POST, OPTIONS");
        expect_not_allowed(*state, methods[i], "/healthz", "GET, HEAD, OPTIONS");
    }
    expect_not_allowed(*state, "POST", "/v1/sequences/default",
                       "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    expect_not_allowed(*state, "GET", "/v1/sequences/default/advance", "POST, OPTIONS");
    expect_not_allowed(*state, "POST", "/readyz", "GET, HEAD, OPTIONS");
}

static void test_http_formats_that_are_not_offered_are_refused(void **state)
{
    http_stage_expect_problem(*state, "GET", "/", "Accept: image/png\r\n", 406, "not-acceptable",
                              "text/plain or application/json");
    http_stage_expect_problem(*state, "GET", "/",
                              "Accept: text/plain;q=0, application/json;q=0\r\n", 406,
                              "not-acceptable", "Accept");
}

static void test_http_a_prefetch_takes_nothing(void **state)
{
    static const char *const headers[] = {"Purpose: prefetch\r\n", "Sec-Purpose: prefetch\r\n",
                                          "sec-purpose: prefetch;prerender\r\n",
                                          "X-Moz: prefetch\r\n", "X-Purpose: preview\r\n"};

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        http_stage_expect_problem(*state, "GET", "/", headers[i], 503, "prefetch-refused",
                                  "prefetch");
    }
}

static void test_http_a_body_is_read_and_refused(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;

    assert_true(http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
                                          "hello"
                                          "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 400, "body-refused",
                                       "this takes no body; the limit is 0 bytes"));
    http_answer_free(&answer);
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "ok\n");
    http_answer_free(&answer);
    assert_true(http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\n"
                                          "5\r\nhello\r\n0\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 400, "body-refused",
                                       "this takes no body; the limit is 0 bytes"));
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_a_large_body_is_refused_before_it_is_sent(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;

    assert_true(http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\n"
                                          "Content-Length: 65537\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 413, "body-too-large", "65536"));
    http_answer_free(&answer);
    assert_true(http_client_closed(client, 10000));
    http_client_close(client);
}

static void test_http_a_body_without_end_is_cut_off(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;
    char piece[1024];

    memset(piece, 'x', sizeof piece);
    assert_true(http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\n"));
    bool sent = true;
    for (int i = 0; i < 10000 && sent; i++) {
        sent = http_client_print(client, "400\r\n") &&
               http_client_send(client, piece, sizeof piece) && http_client_print(client, "\r\n");
    }
    assert_false(sent);
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_CLOSED);
    http_client_close(client);
}

static void test_http_a_long_target_is_told_the_limit(void **state)
{
    char target[HTTP_URL_MAX + 2];

    memset(target, 'a', sizeof target);
    memcpy(target, "/?count=1&", 10);
    target[HTTP_URL_MAX + 1] = '\0';
    http_stage_expect_problem(*state, "GET", target, "", 414, "target-too-long",
                              "have 1025 bytes, the limit is 1024");
    target[HTTP_URL_MAX] = '\0';
    http_stage_expect_problem(*state, "GET", target, "", 400, "unknown-parameter", "aaa");
}

/* libmicrohttpd answers by itself what does not fit its buffer. */
static void test_http_a_target_of_a_mebibyte_is_refused(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;
    char *target = malloc(1 << 20);

    assert_non_null(target);
    memset(target, 'a', 1 << 20);
    assert_true(http_client_print(client, "GET /"));
    (void)http_client_send(client, target, 1 << 20); /* it may close before it has read all */
    free(target);
    enum http_client_result result = http_client_receive(client, 10000, false, &answer);
    if (result == HTTP_CLIENT_ANSWERED) {
        assert_int_equal(answer.status, 414);
        http_answer_free(&answer);
    } else {
        assert_int_equal(result, HTTP_CLIENT_CLOSED);
    }
    http_client_close(client);
}

/* At every size of header there is an answer, or no number is taken. */
static void test_http_a_large_header_takes_nothing_without_an_answer(void **state)
{
    struct http_stage *stage = *state;
    char header[9000];
    unsigned refused = 0;
    unsigned given = 0;

    for (int size = 6000; size < 8400; size += 20) {
        struct http_client *client = http_client_open(stage->port);
        struct http_answer answer = {0};

        memset(header, 'x', sizeof header);
        header[size] = '\0';
        assert_true(
            http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", header));
        enum http_client_result result = http_client_receive(client, 10000, false, &answer);
        if (result == HTTP_CLIENT_ANSWERED && answer.status == 200) {
            given++;
        } else if (result == HTTP_CLIENT_ANSWERED) {
            assert_int_equal(answer.status, 431);
            refused++;
        }
        http_answer_free(&answer);
        http_client_close(client);
    }
    assert_true(refused > 10);
    assert_int_equal(http_stage_status(stage, "default").issued, 1 + given);
}

static int close_after_numbers(void **state)
{
    http_stage_close(*state);
    free(*state);
    return 0;
}

static void test_http_many_headers_are_refused_before_a_number_is_taken(void **state)
{
    char headers[200 * 8 + 1];

    headers[0] = '\0';
    for (int i = 0; i < 86; i++) {
        memcpy(headers + (size_t)i * 6, "X: y\r\n", 7);
    }
    http_stage_expect_problem(*state, "GET", "/", headers, 431, "header-too-large",
                              "the limit is 7168");
}

static void test_http_a_hidden_byte_is_refused(void **state)
{
    static const char after_root[] = "GET /\0x HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char in_name[] = "GET /v1/sequences/default\0x/next HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char after_path[] = "GET /v1/sequences/default/next\0 HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char in_count[] = "GET /?count=1\0000 HTTP/1.1\r\nHost: a\r\n\r\n";
    /* libmicrohttpd 1.0 closes such a connection by itself, with no answer. */
    int status = strncmp(MHD_get_version(), "0.9.", 4) == 0 ? 400 : 0;

    expect_raw(*state, after_root, sizeof after_root - 1, status);
    expect_raw(*state, in_name, sizeof in_name - 1, status);
    expect_raw(*state, after_path, sizeof after_path - 1, status);
    expect_raw(*state, in_count, sizeof in_count - 1, status);
}

static void test_http_what_is_not_http_gets_no_number(void **state)
{
    static const char no_host[] = "GET / HTTP/1.1\r\n\r\n";
    static const char space[] = "GET / / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char rubbish[] = "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n";

    expect_raw(*state, no_host, sizeof no_host - 1, 400);
    expect_raw(*state, space, sizeof space - 1, 0);
    expect_raw(*state, rubbish, sizeof rubbish - 1, 0);
}

/* What a client sent comes back as text, however it looks. */
static void test_http_what_is_repeated_is_escaped(void **state)
{
    http_stage_expect_problem(*state, "GET", "/?count=\"\\\x01\xff<", "", 400, "bad-count",
                              "count is '\\\"\\\\\\u0001\\u00ff<'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_a_count_that_is_none_is_refused),
        TEST(test_http_the_largest_count_is_served_and_no_larger),
        TEST(test_http_a_count_given_twice_is_refused),
        TEST(test_http_an_unknown_parameter_is_named),
        TEST(test_http_a_name_outside_the_rule_is_refused),
        TEST(test_http_the_longest_name_is_looked_for_and_no_longer),
        TEST(test_http_an_unknown_sequence_is_named),
        TEST(test_http_only_exact_paths_lead_somewhere),
        TEST(test_http_a_wrong_method_is_told_the_right_ones),
        TEST(test_http_formats_that_are_not_offered_are_refused),
        TEST(test_http_a_prefetch_takes_nothing),
        TEST(test_http_a_body_is_read_and_refused),
        TEST(test_http_a_large_body_is_refused_before_it_is_sent),
        TEST(test_http_a_body_without_end_is_cut_off),
        TEST(test_http_a_long_target_is_told_the_limit),
        TEST(test_http_a_target_of_a_mebibyte_is_refused),
        cmocka_unit_test_setup_teardown(test_http_a_large_header_takes_nothing_without_an_answer,
                                        open_stage, close_after_numbers),
        TEST(test_http_many_headers_are_refused_before_a_number_is_taken),
        TEST(test_http_a_hidden_byte_is_refused),
        TEST(test_http_what_is_not_http_gets_no_number),
        TEST(test_http_what_is_repeated_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
