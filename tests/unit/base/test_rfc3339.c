#include "base/rfc3339.h"

#include "chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define RANDOM_MOMENTS 200000

static int64_t must_parse(const char *text)
{
    struct error_detail detail = {""};
    int64_t ms = -1;
    if (rfc3339_parse(text, &ms, &detail) != ERR_OK) {
        fail_msg("'%s' is refused: %s", text, detail.text);
    }
    return ms;
}

static void test_rfc3339_parse_takes_every_form(void **state)
{
    (void)state;
    assert_true(must_parse("1970-01-01T00:00:00Z") == 0);
    assert_true(must_parse("1970-01-01T00:00:00.001Z") == 1);
    assert_true(must_parse("9999-12-31T23:59:59.999Z") == RFC3339_MAX_MS);
    assert_true(must_parse("2024-01-01T00:00:00Z") == INT64_C(1704067200000));
    assert_true(must_parse("2024-02-29T12:00:00z") == INT64_C(1709208000000));
    assert_true(must_parse("2024-02-29t12:00:00.5Z") == INT64_C(1709208000500));
    assert_true(must_parse("2024-02-29T12:00:00.050000000000Z") == INT64_C(1709208000050));
    assert_true(must_parse("2024-02-29T13:30:00+01:30") == INT64_C(1709208000000));
    assert_true(must_parse("2024-02-28T23:00:00-13:00") == INT64_C(1709208000000));
    assert_true(must_parse("2024-02-29T12:00:00-00:00") == INT64_C(1709208000000));
    assert_true(must_parse("1969-12-31T23:00:00-01:00") == 0);
    assert_true(must_parse("2000-02-29T00:00:00Z") == INT64_C(951782400000));
}

static void test_rfc3339_parse_refuses_and_says_why(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "no moment"},
        {"2024-01-01", "no moment"},
        {"2024-01-01T00:00Z", "no moment"},
        {"2024-01-01 00:00:00Z", "no moment"},
        {"2024-01-01T00:00:00", "no moment"},
        {"2024-01-01T00:00:00Z ", "no moment"},
        {" 2024-01-01T00:00:00Z", "no moment"},
        {"2024-01-01T00:00:00.Z", "no moment"},
        {"2024-01-01T00:00:00,5Z", "no moment"},
        {"2024-01-01T00:00:00+0100", "no moment"},
        {"2024-01-01T00:00:00z+01:00", "no moment"},
        {"2024-01-01T00:00:00+24:00", "no moment"},
        {"2024-01-01T00:00:00+01:60", "no moment"},
        {"24-01-01T00:00:00Z", "no moment"},
        {"+024-01-01T00:00:00Z", "no moment"},
        {"2024-1-01T00:00:00Z", "no moment"},
        {"2016-12-31T23:59:60Z", "leap second"},
        {"2024-01-01T00:00:00.00010Z", "finer than a millisecond"},
        {"2024-01-01T00:00:00.0001Z", "finer than a millisecond"},
        {"2024-00-01T00:00:00Z", "does not exist"},
        {"2024-13-01T00:00:00Z", "does not exist"},
        {"2024-01-00T00:00:00Z", "does not exist"},
        {"2024-04-31T00:00:00Z", "does not exist"},
        {"2023-02-29T00:00:00Z", "does not exist"},
        {"2100-02-29T00:00:00Z", "does not exist"},
        {"2024-01-01T24:00:00Z", "does not exist"},
        {"2024-01-01T00:60:00Z", "does not exist"},
        {"2024-01-01T00:00:61Z", "does not exist"},
        {"1969-12-31T23:59:59.999Z", "1970 to 9999"},
        {"0000-01-01T00:00:00Z", "1970 to 9999"},
        {"9999-12-31T23:59:59.999-00:01", "1970 to 9999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error_detail detail = {""};
        int64_t ms = 4711;
        assert_int_equal(rfc3339_parse(cases[i].text, &ms, &detail), ERR_INVALID);
        assert_int_equal(rfc3339_parse(cases[i].text, &ms, NULL), ERR_INVALID);
        assert_int_equal(ms, 4711);
        if (strstr(detail.text, cases[i].says) == NULL) {
            fail_msg("'%s' does not say '%s'", detail.text, cases[i].says);
        }
    }
}

/* May `c` stand in the place of `right` in a moment? A digit for a digit, a small letter, another
 * sign. What comes of it need not exist. */
static bool is_like(char right, char c)
{
    bool digit = c >= '0' && c <= '9';
    switch (right) {
    case 'T':
        return c == 'T' || c == 't';
    case '+':
        return c == '+' || c == '-';
    case '-':
    case ':':
    case '.':
        return c == right;
    default:
        return digit;
    }
}

/* Every byte in every place, and every length: a text is understood whole or refused. */
static void test_rfc3339_parse_refuses_any_other_byte_in_any_place(void **state)
{
    (void)state;
    static const char right[] = "2024-02-20T12:13:14.150+01:10";
    for (size_t at = 0; at < sizeof right - 1; at++) {
        for (int c = 0; c < 256; c++) {
            char text[sizeof right];
            struct error_detail detail = {""};
            int64_t ms = 0;
            memcpy(text, right, sizeof right);
            text[at] = (char)c;
            bool taken = rfc3339_parse(text, &ms, &detail) == ERR_OK ||
                         strstr(detail.text, "no moment") == NULL;
            /* An hour of 29 or a minute of 60 is no offset; nor is there a fraction of nothing. */
            bool no_offset = (at == 24 && c > '2') || (at == 27 && c > '5');
            if (taken != (is_like(right[at], (char)c) && !no_offset)) {
                fail_msg("byte %d at %zu of '%s' is %s", c, at, right, taken ? "taken" : "refused");
            }
        }
    }
}

static void check_text(int64_t ms, unsigned digits, const char *text)
{
    char to[RFC3339_SIZE];
    rfc3339_format(to, ms, digits);
    assert_string_equal(to, text);
}

static void test_rfc3339_format_cuts_and_does_not_round(void **state)
{
    (void)state;
    check_text(0, 0, "1970-01-01T00:00:00Z");
    check_text(999, 0, "1970-01-01T00:00:00Z");
    check_text(999, 1, "1970-01-01T00:00:00.9Z");
    check_text(999, 2, "1970-01-01T00:00:00.99Z");
    check_text(7, 3, "1970-01-01T00:00:00.007Z");
    check_text(RFC3339_MAX_MS, 3, "9999-12-31T23:59:59.999Z");
    check_text(INT64_C(1709208000000), 3, "2024-02-29T12:00:00.000Z");
}

/* Against the C library, and back again; the first and last days of months come often. */
static void test_rfc3339_agrees_with_the_c_library(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (unsigned i = 0; i < RANDOM_MOMENTS; i++) {
        int64_t ms = (int64_t)chance_below(&chance, (uint64_t)RFC3339_MAX_MS + 1);
        char ours[RFC3339_SIZE];
        char theirs[64];
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        size_t length = strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(theirs + length, sizeof theirs - length, ".%03dZ", (int)(ms % 1000));
        rfc3339_format(ours, ms, 3);
        assert_string_equal(ours, theirs);
        assert_true(must_parse(ours) == ms);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339_parse_takes_every_form),
        cmocka_unit_test(test_rfc3339_parse_refuses_and_says_why),
        cmocka_unit_test(test_rfc3339_parse_refuses_any_other_byte_in_any_place),
        cmocka_unit_test(test_rfc3339_format_cuts_and_does_not_round),
        cmocka_unit_test(test_rfc3339_agrees_with_the_c_library),
    };
    return cmocka_run_group_tests_name("rfc3339", tests, NULL, NULL);
}
