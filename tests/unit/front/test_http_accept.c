/* Which format an Accept header asks for. */
#include "front/http_accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* What comes of one header. */
struct expectation {
    const char *value;
    enum http_format format;
};

static enum http_format chosen(const char *value)
{
    struct http_accept accept = {.asked = false};

    http_accept_add(&accept, value);
    return http_accept_choose(&accept);
}

static void check(const struct expectation *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum http_format format = chosen(expected[i].value);

        if (format != expected[i].format) {
            fail_msg("'%s' gives %d, not %d", expected[i].value, (int)format,
                     (int)expected[i].format);
        }
    }
}

#define CHECK(table) check(table, sizeof(table) / sizeof(table)[0])

static void test_accept_without_a_wish_gives_text(void **state)
{
    static const struct expectation table[] = {
        {"", HTTP_FORMAT_TEXT},
        {" , ,", HTTP_FORMAT_TEXT},
        {"*/*", HTTP_FORMAT_TEXT},
        {"*/*;q=0.1", HTTP_FORMAT_TEXT},
    };
    const struct http_accept none = {.asked = false};

    (void)state;
    CHECK(table);
    assert_int_equal(http_accept_choose(&none), HTTP_FORMAT_TEXT);
}

static void test_accept_gives_what_is_named(void **state)
{
    static const struct expectation table[] = {
        {"text/plain", HTTP_FORMAT_TEXT},
        {"TEXT/Plain", HTTP_FORMAT_TEXT},
        {"text/*", HTTP_FORMAT_TEXT},
        {"application/json", HTTP_FORMAT_JSON},
        {"Application/JSON", HTTP_FORMAT_JSON},
        {"application/*", HTTP_FORMAT_JSON},
        {"application/json;charset=utf-8", HTTP_FORMAT_JSON},
        {"text/html, application/json", HTTP_FORMAT_JSON},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTTP_FORMAT_TEXT},
        {"application/json, */*;q=0.5", HTTP_FORMAT_JSON},
        {"application/json, text/*;q=0.5", HTTP_FORMAT_JSON},
        {"\tapplication/json \t", HTTP_FORMAT_JSON},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_prefers_the_greater_weight(void **state)
{
    static const struct expectation table[] = {
        {"text/plain;q=0.5, application/json", HTTP_FORMAT_JSON},
        {"application/json;q=0.5, text/plain", HTTP_FORMAT_TEXT},
        {"application/json;q=0.5, text/plain;q=0.499", HTTP_FORMAT_JSON},
        {"application/json;q=0.001, text/plain;q=0", HTTP_FORMAT_JSON},
        {"application/json ; Q=0.5 , text/plain ; q=0.4", HTTP_FORMAT_JSON},
        {"application/json;q=1.000, text/plain;q=0.999", HTTP_FORMAT_JSON},
        {"application/json;q=1., text/plain;q=0.9", HTTP_FORMAT_JSON},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_gives_text_where_both_are_wanted_alike(void **state)
{
    static const struct expectation table[] = {
        {"application/json, text/plain, */*", HTTP_FORMAT_TEXT},
        {"application/json, text/plain", HTTP_FORMAT_TEXT},
        {"application/json;q=0.3, text/plain;q=0.3", HTTP_FORMAT_TEXT},
        {"application/*, text/*", HTTP_FORMAT_TEXT},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_lets_the_most_specific_range_decide(void **state)
{
    static const struct expectation table[] = {
        {"text/*, text/plain;q=0, application/json;q=0.1", HTTP_FORMAT_JSON},
        {"text/plain;q=0, */*", HTTP_FORMAT_JSON},
        {"*/*, text/plain;q=0", HTTP_FORMAT_JSON},
        {"text/plain;q=0.1, text/*;q=0.9, application/json;q=0.5", HTTP_FORMAT_JSON},
        {"application/json;q=0, application/*, text/plain;q=0.1", HTTP_FORMAT_TEXT},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_gives_nothing_where_neither_is_wanted(void **state)
{
    static const struct expectation table[] = {
        {"text/html", HTTP_FORMAT_NONE},
        {"image/*", HTTP_FORMAT_NONE},
        {"text/plain;q=0", HTTP_FORMAT_NONE},
        {"*/*;q=0", HTTP_FORMAT_NONE},
        {"*/*;q=0.000", HTTP_FORMAT_NONE},
        {"text", HTTP_FORMAT_NONE},
        {"*", HTTP_FORMAT_NONE},
        {"text/plainer", HTTP_FORMAT_NONE},
        {"xtext/plain", HTTP_FORMAT_NONE},
        {"application/json5", HTTP_FORMAT_NONE},
        {"application/problem+json", HTTP_FORMAT_NONE},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_takes_no_wish_from_what_is_malformed(void **state)
{
    static const struct expectation table[] = {
        {"text/plain;q=2", HTTP_FORMAT_NONE},
        {"text/plain;q=1.001", HTTP_FORMAT_NONE},
        {"text/plain;q=-1", HTTP_FORMAT_NONE},
        {"text/plain;q=", HTTP_FORMAT_NONE},
        {"text/plain;q=a", HTTP_FORMAT_NONE},
        {"text/plain;q=0.1234", HTTP_FORMAT_NONE},
        {"text/plain;q=10", HTTP_FORMAT_NONE},
        {"text/plain;q=0,5", HTTP_FORMAT_NONE},
        {"text/plain;q=0.5.5", HTTP_FORMAT_NONE},
        {"text/plain;q=.5", HTTP_FORMAT_NONE},
        {"text/plain;q=9, application/json;q=0.1", HTTP_FORMAT_JSON},
    };

    (void)state;
    CHECK(table);
}

/* Commas and semicolons in quotes separate nothing, and an open quote runs to the end. */
static void test_accept_reads_quoted_parameters_over(void **state)
{
    static const struct expectation table[] = {
        {"text/plain;x=\"a,application/json\";q=0.1, image/png", HTTP_FORMAT_TEXT},
        {"text/html;x=\"a\\\", text/plain, \", application/json", HTTP_FORMAT_JSON},
        {"text/html;x=\", text/plain", HTTP_FORMAT_NONE},
        {"text/html;x=\"\\", HTTP_FORMAT_NONE},
    };

    (void)state;
    CHECK(table);
}

static void test_accept_adds_several_headers_up(void **state)
{
    struct http_accept accept = {.asked = false};

    (void)state;
    http_accept_add(&accept, "text/plain;q=0.5");
    assert_int_equal(http_accept_choose(&accept), HTTP_FORMAT_TEXT);
    http_accept_add(&accept, "application/json");
    assert_int_equal(http_accept_choose(&accept), HTTP_FORMAT_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_without_a_wish_gives_text),
        cmocka_unit_test(test_accept_gives_what_is_named),
        cmocka_unit_test(test_accept_prefers_the_greater_weight),
        cmocka_unit_test(test_accept_gives_text_where_both_are_wanted_alike),
        cmocka_unit_test(test_accept_lets_the_most_specific_range_decide),
        cmocka_unit_test(test_accept_gives_nothing_where_neither_is_wanted),
        cmocka_unit_test(test_accept_takes_no_wish_from_what_is_malformed),
        cmocka_unit_test(test_accept_reads_quoted_parameters_over),
        cmocka_unit_test(test_accept_adds_several_headers_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
