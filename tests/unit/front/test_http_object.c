/* The bodies of requests: understood whole, or refused with what is wrong in them. */
#include "front/http_fields.h"
#include "http_stage.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATH "/v1/sequences/orders"

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_administer(stage);
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

static void create(struct http_stage *stage, const char *definition)
{
    http_stage_expect_json(stage, "PUT", PATH, definition, 201, "{\"name\":\"orders\"");
}

static void test_bodies_that_are_not_understood_are_refused(void **state)
{
    static const struct {
        const char *sent, *text;
    } cases[] = {
        {"[]", "the body is an array"},
        {"1", "not one JSON object"},
        {"null", "not one JSON object"},
        {"\"orders\"", "not one JSON object"},
        {"{} {}", "not one JSON object: end of file expected"},
        {"{}x", "not one JSON object"},
        {"{\"start\":1,}", "not one JSON object"},
        {"{'start':1}", "not one JSON object"},
        {"{\"start\":1,\"start\":1}", "duplicate object key near '\\\"start\\\"'"},
        {"{\"start\":1,\"st\\u0061rt\":2}", "duplicate"},
        {"{\"sart\":1}", "member 'sart' is not known here; 'kind', 'start'"},
        {"{\"Start\":1}", "member 'Start' is not known"},
        {"{\"\":1}", "member '' is not known"},
        {"{\"start\":1.0}", "start is a number with a point or an exponent"},
        {"{\"start\":1e3}", "start is a number with a point or an exponent"},
        {"{\"start\":9223372036854775808}", "too big integer"},
        {"{\"start\":\"9223372036854775808\"}", "start is \\\"9223372036854775808\\\""},
        {"{\"start\":\"\"}", "start is \\\"\\\", it must be a whole number from -92233"},
        {"{\"start\":\" 1\"}", "start is \\\" 1\\\""},
        {"{\"start\":\"1\\u00002\"}", "not one JSON object"},
        {"{\"start\":null}", "start is null"},
        {"{\"start\":true}", "start is true"},
        {"{\"start\":{\"a\":1}}", "start is an object"},
        {"{\"start\":[1]}", "start is an array"},
        {"{\"max_gap\":-1}", "max_gap is -1, it must be a whole number from 0 to 18446744"},
        {"{\"max_gap\":\"18446744073709551616\"}", "max_gap is"},
        {"{\"lease\":0}", "lease is 0, it must be \\\"auto\\\" or a whole number from 1"},
        {"{\"lease\":\"manual\"}", "lease is \\\"manual\\\""},
        {"{\"durability\":\"never\"}", "it must be \\\"lease\\\" or \\\"every\\\""},
        {"{\"durability\":1}", "durability is 1"},
        {"{\"kind\":\"clock\"}", "it must be \\\"counter\\\" or \\\"timestamp\\\""},
        {"{\"machine_bits\":256}", "machine_bits is 256, it must be a whole number from 0 to 255"},
        {"{\"start\":\"\xff\"}", "not one JSON object: unable to decode byte 0xff"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_stage_refuse_json(*state, "PUT", PATH, cases[i].sent, 400, "bad-body", cases[i].text);
    }
    http_stage_expect_problem(*state, "GET", PATH, "", 404, "unknown-sequence", "'orders'");
}

static void test_bodies_cut_at_any_byte_are_refused(void **state)
{
    static const char whole[] = "{\"start\":\"12\",\"max_gap\":34,\"durability\":\"every\"}";
    char cut[sizeof whole];

    for (size_t length = 1; length < sizeof whole - 1; length++) {
        memcpy(cut, whole, length);
        cut[length] = '\0';
        http_stage_refuse_json(*state, "PUT", PATH, cut, 400, "bad-body", "not one JSON object");
    }
    create(*state, whole);
}

static void test_bodies_nested_deeply_are_refused(void **state)
{
    enum {
        DEEP = 60000
    };
    char *body = malloc(DEEP + 1);

    assert_non_null(body);
    memset(body, '[', DEEP);
    body[DEEP] = '\0';
    http_stage_refuse_json(*state, "PUT", PATH, body, 400, "bad-body", "maximum parsing depth");
    for (size_t at = 0; at + 5 <= DEEP; at += 5) {
        memcpy(body + at, "{\"a\":", 5);
    }
    http_stage_refuse_json(*state, "PUT", PATH, body, 400, "bad-body", "maximum parsing depth");
    free(body);
}

/* 64 KiB of body is read, whatever is in it; one byte more is not. */
static void test_bodies_have_a_limit_to_the_byte(void **state)
{
    struct http_stage *stage = *state;
    char *body = malloc(HTTP_BODY_MAX + 2);
    struct http_answer answer;

    assert_non_null(body);
    memset(body, ' ', HTTP_BODY_MAX + 1);
    body[HTTP_BODY_MAX + 1] = '\0';
    memcpy(body, "{}", 2);
    http_stage_refuse_json(stage, "PUT", PATH, body, 413, "body-too-large", "65536");
    body[HTTP_BODY_MAX] = '\0';
    create(stage, body);
    free(body);

    /* In chunks its length is not known before it is there. */
    struct http_client *client = http_client_open(stage->port);
    char piece[4097];
    memset(piece, ' ', sizeof piece);
    assert_true(http_client_print(client, "PUT " PATH " HTTP/1.1\r\nHost: a\r\n"
                                          "Authorization: Bearer " TOKEN_A "\r\n"
                                          "Content-Type: application/json\r\n"
                                          "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 16; i++) {
        assert_true(http_client_print(client, "1001\r\n"));
        assert_true(http_client_send(client, piece, sizeof piece));
        assert_true(http_client_print(client, "\r\n"));
    }
    assert_true(http_client_print(client, "0\r\n\r\n"));
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 413, "body-too-large", "65552 bytes"));
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_bodies_have_to_be_json(void **state)
{
    static const char *const types[] = {
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/jsonx\r\n",
        "Content-Type: application/merge-patch+json\r\n",
        "",
    };
    char headers[128];

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        snprintf(headers, sizeof headers, "%sContent-Length: 2\r\n\r\n{}", types[i]);
        http_stage_expect_problem(*state, "PUT", PATH, headers, 415, "unsupported-media-type",
                                  "application/json");
    }
    http_stage_expect_problem(*state, "GET", PATH, "", 404, "unknown-sequence", "'orders'");
    http_stage_expect(
        *state, "PUT", PATH,
        "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", 201, NULL);
    http_stage_refuse_json(*state, "DELETE", PATH, "{}", 400, "body-refused", "takes no body");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies_that_are_not_understood_are_refused),
        TEST(test_bodies_cut_at_any_byte_are_refused),
        TEST(test_bodies_nested_deeply_are_refused),
        TEST(test_bodies_have_a_limit_to_the_byte),
        TEST(test_bodies_have_to_be_json),
    };
    return cmocka_run_group_tests_name("http_object", tests, NULL, NULL);
}
