/* Bad requests against the real daemon: each is refused with its own status, its problem says what
 * the limit is, and no number is lost over it. */
#include "http_client.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEXT "/v1/sequences/default/next"

/* 129 bytes: one more than a name may have. */
#define LONG_NAME \
    "n123456789012345678901234567890123456789012345678901234567890123" \
    "12345678901234567890123456789012345678901234567890123456789012345"

struct refusal {
    const char *method, *target;
    int status;
    const char *said; /* in the body */
};

/* Each refusal is followed by the next number: none was lost. */
static void expect_refusals(const struct refusal *refusals, size_t count)
{
    struct stage stage = stage_open(NULL);
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        const struct refusal *refusal = &refusals[i];
        struct http_answer answer = http_ask(stage.port, refusal->method, refusal->target, "");
        if (answer.status != refusal->status || strstr(answer.body, refusal->said) == NULL) {
            fail_msg("%s '%s': %d '%s', expected %d and '%s' in it", refusal->method,
                     refusal->target, answer.status, answer.body, refusal->status, refusal->said);
        }
        char value[64] = "";
        assert_true(http_answer_header(&answer, "Content-Type", value, sizeof(value)));
        assert_string_equal(value, "application/problem+json");
        http_answer_free(&answer);
        assert_int_equal(stage_next(&stage, "/"), ++number);
    }
    stage_close(&stage);
}

static void test_refusals_of_counts_lose_no_number(void **state)
{
    (void)state;
    static const char *const counts[] = {
        "count=0",
        "count=-1",
        "count=1.5",
        "count=abc",
        "count=",
        "count",
        "count=10001",
        "count=2147483648",
        "count=4294967297",
        "count=9223372036854775807",
        "count=9223372036854775808",
        "count=18446744073709551615",
        "count=18446744073709551617",
        "count=340282366920938463463374607431768211457",
        "count=1&count=1",
        "count=1&count=2",
        "count=+1",
        "count=%2B1",
        "count=%201",
        "count=%31",
        "count=0x10",
        "count=1e3",
        "count=1%00",
        "count=1,2",
    };
    static const char *const roots[] = {"/?", NEXT "?"};
    struct stage stage = stage_open(NULL);
    int64_t number = 0;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (size_t root = 0; root < 2; root++) {
            char target[256];
            (void)snprintf(target, sizeof(target), "%s%s", roots[root], counts[i]);
            struct http_answer answer = http_ask(stage.port, "GET", target, "");
            bool twice = strchr(counts[i], '&') != NULL;
            if (answer.status != 400 || strstr(answer.body, "/problems/bad-count") == NULL ||
                strstr(answer.body, twice ? "once" : "from 1 to 10000") == NULL) {
                fail_msg("'%s': %d '%s'", target, answer.status, answer.body);
            }
            http_answer_free(&answer);
            assert_int_equal(stage_next(&stage, "/"), ++number);
        }
    }
    stage_close(&stage);
}

static void test_refusals_of_names_lose_no_number(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"GET", "/v1/sequences/unknown/next", 404, "unknown-sequence"},
        {"GET", "/v1/sequences/unknown", 404, "unknown-sequence"},
        {"GET", "/v1/sequences/Default/next", 404, "unknown-sequence"},
        {"GET", "/v1/sequences//next", 400, "bad-name"},
        {"GET", "/v1/sequences/" LONG_NAME "/next", 400, "128"},
        {"GET", "/v1/sequences/d%65fault/next", 400, "bad-name"},
        {"GET", "/v1/sequences/default%00/next", 400, "bad-name"},
        {"GET", "/v1/sequences/default%2Fnext", 400, "bad-name"},
        {"GET", "/v1/sequences/../next", 400, "bad-name"},
        {"GET", "/v1/sequences/.default/next", 400, "bad-name"},
        {"GET", "/v1/sequences/-default/next", 400, "bad-name"},
        {"GET", "/v1/sequences/default+/next", 400, "bad-name"},
        {"GET",
         "/v1/sequences/d\xc3\xa9"
         "fault/next",
         400, "bad-name"},
        {"GET", "/v1/sequences/default;x/next", 400, "bad-name"},
    };
    expect_refusals(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

static void test_refusals_of_paths_lose_no_number(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"GET", "/nothing", 404, "unknown-path"},
        {"GET", "//", 404, "unknown-path"},
        {"GET", "/v1", 404, "unknown-path"},
        {"GET", "/v1/sequences/default/", 404, "unknown-path"},
        {"GET", NEXT "/", 404, "unknown-path"},
        {"GET", NEXT "/next", 404, "unknown-path"},
        {"GET", "/v1/sequences/../../etc/passwd", 404, "unknown-path"},
        {"GET", "/../../../../etc/passwd", 404, "unknown-path"},
        {"GET", "/V1/sequences/default/next", 404, "unknown-path"},
        {"GET", "/favicon.ico", 404, "unknown-path"},
        {"GET", NEXT "?cuont=2", 400, "unknown-parameter"},
        {"GET", NEXT "?count=2&x", 400, "unknown-parameter"},
        {"GET", "/healthz?count=1", 400, "unknown-parameter"},
    };
    expect_refusals(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

static void test_refusals_of_methods_name_what_is_allowed_and_lose_no_number(void **state)
{
    (void)state;
    static const char *const methods[] = {"put", "TRACE", "CONNECT", "get", "X"};
    static const struct {
        const char *target, *allow;
    } targets[] = {
        {"/", "GET, HEAD, POST, OPTIONS"},
        {NEXT, "GET, HEAD, POST, OPTIONS"},
        {"/v1/sequences/default", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
        {"/healthz", "GET, HEAD, OPTIONS"},
    };
    struct stage stage = stage_open(NULL);
    int64_t number = 0;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
            struct http_answer answer = http_ask(stage.port, methods[i], targets[t].target, "");
            char allow[64] = "";
            assert_int_equal(answer.status, 405);
            assert_true(http_answer_header(&answer, "Allow", allow, sizeof(allow)));
            assert_string_equal(allow, targets[t].allow);
            http_answer_free(&answer);
            assert_int_equal(stage_next(&stage, "/"), ++number);
        }
    }
    stage_close(&stage);
}

static void test_refusals_of_headers_and_bodies_lose_no_number(void **state)
{
    (void)state;
    static const struct {
        const char *method, *headers;
        int status;
    } refusals[] = {
        {"GET", "Accept: image/png\r\n", 406},
        {"GET", "Accept: text/plain;q=0\r\n", 406},
        {"GET", "Purpose: prefetch\r\n", 503},
        {"POST", "Content-Length: 5\r\n\r\ncount", 400},
        {"POST", "Content-Length: 99999999\r\nExpect: 100-continue\r\n", 413},
    };
    struct stage stage = stage_open(NULL);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        stage_expect_status(&stage, refusals[i].method, NEXT, refusals[i].headers,
                            refusals[i].status);
        assert_int_equal(stage_next(&stage, "/"), (int64_t)i + 1);
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_of_counts_lose_no_number),
        cmocka_unit_test(test_refusals_of_names_lose_no_number),
        cmocka_unit_test(test_refusals_of_paths_lose_no_number),
        cmocka_unit_test(test_refusals_of_methods_name_what_is_allowed_and_lose_no_number),
        cmocka_unit_test(test_refusals_of_headers_and_bodies_lose_no_number),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
