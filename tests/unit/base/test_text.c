#include "base/text.h"

#include "chance.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_TEXTS 300000
#define DIGITS_MAX 38 /* any number of so many digits fits 127 bits */
#define UNTOUCHED UINT64_C(0x5eed5eed5eed5eed)

/* Parse, and expect `value`. */
static void accepts_uint64(const char *text, uint64_t max, uint64_t value)
{
    uint64_t got = UNTOUCHED;
    if (text_parse_uint64(text, max, &got) != ERR_OK || got != value) {
        fail_msg("'%s', at most %" PRIu64 ": %" PRIu64, text, max, got);
    }
}

static void refuses_uint64(const char *text, uint64_t max)
{
    uint64_t got = UNTOUCHED;
    if (text_parse_uint64(text, max, &got) != ERR_INVALID) {
        fail_msg("'%s', at most %" PRIu64 ": %" PRIu64, text, max, got);
    }
    assert_true(got == UNTOUCHED);
}

static void accepts_int64(const char *text, int64_t value)
{
    int64_t got = -1;
    if (text_parse_int64(text, &got) != ERR_OK || got != value) {
        fail_msg("'%s': %" PRId64, text, got);
    }
}

static void refuses_int64(const char *text)
{
    int64_t got = 77;
    if (text_parse_int64(text, &got) != ERR_INVALID) {
        fail_msg("'%s': %" PRId64, text, got);
    }
    assert_int_equal(got, 77);
}

static void test_text_parse_uint64_takes_digits_whole(void **state)
{
    (void)state;
    accepts_uint64("0", UINT64_MAX, 0);
    accepts_uint64("7", UINT64_MAX, 7);
    accepts_uint64("1234567890", UINT64_MAX, 1234567890);
    accepts_uint64("18446744073709551615", UINT64_MAX, UINT64_MAX);
    accepts_uint64("01", UINT64_MAX, 1);
    accepts_uint64("00000000000000000000000000000000000000000000000042", UINT64_MAX, 42);
    accepts_uint64("0", 0, 0);
    accepts_uint64("000", 0, 0);
}

static void test_text_parse_uint64_refuses_all_but_digits(void **state)
{
    (void)state;
    const char *const texts[] = {"",    " ",   "+1", "-1",  "-0",  " 1",  "1 ",       "\t1", "1\n",
                                 "0x1", "1e3", "1.", "1.0", "1,0", "1_0", "\xd9\xa1", "one", "1a",
                                 "a1",  "/",   ":",  "--1", "inf", "0b1", "1\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refuses_uint64(texts[i], UINT64_MAX);
    }
}

/* Every byte that is not a digit, in first, middle and last place. */
static void test_text_parse_uint64_refuses_each_other_byte(void **state)
{
    (void)state;
    for (int byte = 1; byte <= 255; byte++) {
        for (size_t place = 0; place < 3; place++) {
            char text[] = "111";
            text[place] = (char)byte;
            if (byte < '0' || byte > '9') {
                refuses_uint64(text, UINT64_MAX);
            }
        }
    }
}

static void test_text_parse_uint64_refuses_what_is_above_its_limit(void **state)
{
    (void)state;
    refuses_uint64("18446744073709551616", UINT64_MAX);
    refuses_uint64("18446744073709551620", UINT64_MAX);
    refuses_uint64("28446744073709551615", UINT64_MAX);
    refuses_uint64("184467440737095516150", UINT64_MAX);
    refuses_uint64("36893488147419103233", UINT64_MAX); /* 2^65 + 1, which wraps to 1 */
    refuses_uint64("99999999999999999999999999999999999999", UINT64_MAX);
    refuses_uint64("1", 0);
    refuses_uint64("10", 9);
    refuses_uint64("9", 8);
    accepts_uint64("1000", 1000, 1000);
    refuses_uint64("1001", 1000);
    refuses_uint64("9223372036854775808", INT64_MAX);
    accepts_uint64("9223372036854775807", INT64_MAX, INT64_MAX);
}

/* Digits drawn at random, against arithmetic wide enough for all of them. */
static void test_text_parse_uint64_agrees_with_arithmetic_of_128_bits(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (size_t i = 0; i < RANDOM_TEXTS; i++) {
        char text[DIGITS_MAX + 1] = "";
        unsigned __int128 value = 0;
        size_t digits = 1 + chance_below(&chance, DIGITS_MAX);
        for (size_t j = 0; j < digits; j++) {
            uint64_t digit = chance_below(&chance, 10);
            text[j] = (char)('0' + digit);
            value = value * 10 + digit;
        }
        uint64_t max = chance_next(&chance) >> chance_below(&chance, 64);
        /* Half of the limits lie close to the value, on either side. */
        if (chance_below(&chance, 2) == 0) {
            max = (uint64_t)value + chance_below(&chance, 3) - 1;
        }
        if (value <= max) {
            accepts_uint64(text, max, (uint64_t)value);
        } else {
            refuses_uint64(text, max);
        }
    }
}

static void test_text_parse_int64_takes_both_signs_to_the_limits(void **state)
{
    (void)state;
    accepts_int64("0", 0);
    accepts_int64("-0", 0);
    accepts_int64("-1", -1);
    accepts_int64("-01", -1);
    accepts_int64("9223372036854775807", INT64_MAX);
    accepts_int64("-9223372036854775807", -INT64_MAX);
    accepts_int64("-9223372036854775808", INT64_MIN);
    refuses_int64("9223372036854775808");
    refuses_int64("-9223372036854775809");
    refuses_int64("18446744073709551615");
    refuses_int64("-18446744073709551615");
    refuses_int64("-18446744073709551617"); /* wraps to -1 */
}

static void test_text_parse_int64_refuses_all_but_sign_and_digits(void **state)
{
    (void)state;
    const char *const texts[] = {"",   "-",   "--1", "+1",  " 1",   "- 1", "-1 ",
                                 "1-", "-+1", "+-1", "0x1", "-0x1", "1.5", "-1e3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refuses_int64(texts[i]);
    }
}

/* ---- formatting ---- */

/* Format `value`: the text must be printf's, end there, and parse back. */
static void round_trips(int64_t value)
{
    char text[TEXT_INT64_SIZE + 8];
    char expected[TEXT_INT64_SIZE + 8];
    memset(text, '#', sizeof text);
    size_t length = text_format_int64(text, value);
    int expected_length = snprintf(expected, sizeof expected, "%" PRId64, value);
    if (length != (size_t)expected_length || memcmp(text, expected, length) != 0) {
        fail_msg("%s: '%.*s'", expected, (int)sizeof text, text);
    }
    assert_true(length < TEXT_INT64_SIZE);
    for (size_t i = length; i < sizeof text; i++) {
        assert_int_equal(text[i], '#');
    }
    text[length] = '\0';
    accepts_int64(text, value);
}

static void test_text_format_int64_is_exact_at_every_length(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (int digits = 1; digits <= 19; digits++) {
        round_trips((int64_t)power);
        round_trips((int64_t)(power - 1));
        round_trips(-(int64_t)power);
        round_trips(-(int64_t)(power - 1));
        power *= 10;
    }
    round_trips(INT64_MAX);
    round_trips(INT64_MAX - 1);
    round_trips(-INT64_MAX);
    round_trips(INT64_MIN);
}

static void test_text_format_int64_parses_back(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (size_t i = 0; i < RANDOM_TEXTS; i++) {
        round_trips((int64_t)chance_next(&chance) >> chance_below(&chance, 64));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_parse_uint64_takes_digits_whole),
        cmocka_unit_test(test_text_parse_uint64_refuses_all_but_digits),
        cmocka_unit_test(test_text_parse_uint64_refuses_each_other_byte),
        cmocka_unit_test(test_text_parse_uint64_refuses_what_is_above_its_limit),
        cmocka_unit_test(test_text_parse_uint64_agrees_with_arithmetic_of_128_bits),
        cmocka_unit_test(test_text_parse_int64_takes_both_signs_to_the_limits),
        cmocka_unit_test(test_text_parse_int64_refuses_all_but_sign_and_digits),
        cmocka_unit_test(test_text_format_int64_is_exact_at_every_length),
        cmocka_unit_test(test_text_format_int64_parses_back),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
