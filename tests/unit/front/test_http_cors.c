/* CORS: off unless an origin is listed, and then for exactly that one. */
#include "http_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LISTED "https://a.example,http://localhost:3000"
#define PREFLIGHT "Access-Control-Request-Method: PUT\r\n"

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
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

static void list(struct http_stage *stage, const char *origins)
{
    snprintf(stage->options.cors_origins, sizeof stage->options.cors_origins, "%s", origins);
    http_alter(stage->http, &stage->options);
}

/* Ask, and compare what the answer allows (NULL: nothing), and whether it says that it varies. */
static void expect(struct http_stage *stage, const char *method, const char *target,
                   const char *headers, const char *allowed, bool varies)
{
    struct http_answer answer = http_ask(stage->port, method, target, headers);
    char value[128] = "";
    bool allows = http_answer_header(&answer, "Access-Control-Allow-Origin", value, sizeof value);

    assert_int_equal(allows, allowed != NULL);
    assert_string_equal(value, allowed != NULL ? allowed : "");
    assert_int_equal(http_answer_count(&answer, "Vary"), varies ? 1 : 0);
    http_answer_free(&answer);
}

static void test_cors_is_off_by_default(void **state)
{
    expect(*state, "GET", "/", "Origin: https://a.example\r\n", NULL, false);
    expect(*state, "OPTIONS", "/", PREFLIGHT "Origin: https://a.example\r\n", NULL, false);
}

static void test_cors_allows_what_is_listed_and_nothing_like_it(void **state)
{
    static const char *const others[] = {
        "https://a.exampl",
        "https://a.example2",
        "http://a.example",
        "https://a.example:443",
        "https://A.example",
        "https://b.a.example",
        "null",
        "*",
        "https://a.example,http://localhost:3000",
        "http://localhost",
        "",
        "https://a.example/",
        "http://localhost:3000 x",
    };
    char header[128];

    list(*state, LISTED);
    expect(*state, "GET", "/", "Origin: https://a.example\r\n", "https://a.example", true);
    expect(*state, "GET", "/", "Origin: http://localhost:3000\r\n", "http://localhost:3000", true);
    expect(*state, "GET", "/", "", NULL, true);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(header, sizeof header, "Origin: %s\r\n", others[i]);
        expect(*state, "GET", "/", header, NULL, true);
    }
}

static void test_cors_is_on_every_kind_of_answer(void **state)
{
    static const char *const targets[] = {
        "/",        "/?count=200", "/?count=0",     "/v1/sequences", "/v1/sequences/default",
        "/metrics", "/nowhere",    "/openapi.json", "/docs",         "/v1/sequences/none",
    };

    list(*state, LISTED);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        expect(*state, "GET", targets[i], "Origin: https://a.example\r\n", "https://a.example",
               true);
    }
    expect(*state, "DELETE", "/", "Origin: https://a.example\r\n", "https://a.example", true);
}

static void test_cors_answers_a_preflight_of_a_listed_origin_only(void **state)
{
    struct http_stage *stage = *state;
    char value[128] = "";

    list(stage, LISTED);
    struct http_answer answer = http_ask(stage->port, "OPTIONS", "/v1/sequences/default",
                                         PREFLIGHT "Origin: https://a.example\r\n");
    assert_int_equal(answer.status, 204);
    assert_true(http_answer_header(&answer, "Access-Control-Allow-Methods", value, sizeof value));
    assert_string_equal(value, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert_true(http_answer_header(&answer, "Access-Control-Allow-Headers", value, sizeof value));
    assert_string_equal(value, "Accept, Authorization, Content-Type");
    assert_true(http_answer_header(&answer, "Access-Control-Allow-Origin", value, sizeof value));
    assert_int_equal(http_answer_count(&answer, "Access-Control-Max-Age"), 1);
    http_answer_free(&answer);

    static const char *const others[] = {PREFLIGHT "Origin: https://b.example\r\n",
                                         "Origin: https://a.example\r\n", PREFLIGHT};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        answer = http_ask(stage->port, "OPTIONS", "/", others[i]);
        assert_int_equal(answer.status, 204);
        assert_int_equal(http_answer_count(&answer, "Access-Control-Allow-Methods"), 0);
        http_answer_free(&answer);
    }
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

static void test_cors_follows_a_change_of_the_list(void **state)
{
    list(*state, LISTED);
    expect(*state, "GET", "/", "Origin: https://a.example\r\n", "https://a.example", true);
    list(*state, "https://b.example");
    expect(*state, "GET", "/", "Origin: https://a.example\r\n", NULL, true);
    expect(*state, "GET", "/", "Origin: https://b.example\r\n", "https://b.example", true);
    list(*state, "");
    expect(*state, "GET", "/", "Origin: https://b.example\r\n", NULL, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cors_is_off_by_default),
        TEST(test_cors_allows_what_is_listed_and_nothing_like_it),
        TEST(test_cors_is_on_every_kind_of_answer),
        TEST(test_cors_answers_a_preflight_of_a_listed_origin_only),
        TEST(test_cors_follows_a_change_of_the_list),
    };
    return cmocka_run_group_tests_name("http_cors", tests, NULL, NULL);
}
