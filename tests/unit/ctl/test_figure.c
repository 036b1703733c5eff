#include "ctl/figure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_figure_groups_digits(void **state)
{
    (void)state;
    char text[FIGURE_SIZE];
    assert_string_equal(figure_grouped(0, text), "0");
    assert_string_equal(figure_grouped(999, text), "999");
    assert_string_equal(figure_grouped(1000, text), "1,000");
    assert_string_equal(figure_grouped(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void test_figure_says_seconds_in_two_units(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{0, "0 s"},
                 {59, "59 s"},
                 {60, "1 min"},
                 {185, "3 min 5 s"},
                 {3600, "1 h"},
                 {3660 + 59, "1 h 1 min"},
                 {86400 * 2 + 3600 * 4 + 7, "2 d 4 h"},
                 {UINT64_C(31536000) * 2, "2 years"},
                 {UINT64_C(92233720368547), "2,924,712 years"},
                 {UINT64_MAX, "584,942,417,355 years"}};
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(figure_seconds(cases[i].seconds, text), cases[i].text);
    }
}

static void test_figure_says_latencies_with_three_digits(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {{0, "0 ns"},
                 {999, "999 ns"},
                 {1000, "1.00 us"},
                 {12345, "12.3 us"},
                 {999999, "999.9 us"},
                 {4050000, "4.05 ms"},
                 {1200000000, "1.20 s"},
                 {UINT64_MAX, "18446744073.7 s"}};
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(figure_ns(cases[i].ns, text), cases[i].text);
    }
}

static void test_figure_rate_overflows_nowhere(void **state)
{
    (void)state;
    assert_int_equal(figure_rate(0, 0), 0);
    assert_int_equal(figure_rate(500, 1000000000), 500);
    assert_int_equal(figure_rate(3, 2000000000), 1);
    assert_int_equal(figure_rate(1999, 1999000000), 1000);
    assert_int_equal(figure_rate(7, 1), 7000); /* less than a millisecond counts as one */
    assert_true(figure_rate(UINT64_MAX, UINT64_C(1000) * 1000000) ==
                UINT64_MAX / 1000 * 1000 + 615);
}

static void test_figure_parses_durations_with_units_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t seconds; /* 0: refused */
    } cases[] = {{"1s", 1},
                 {"30min", 1800},
                 {"12h", 43200},
                 {"90d", 7776000},
                 {"1y", 31536000},
                 {"100y", 3153600000},
                 {"101y", 0},
                 {"0d", 0},
                 {"90", 0},
                 {"d", 0},
                 {"-1d", 0},
                 {" 1d", 0},
                 {"1 d", 0},
                 {"1dd", 0},
                 {"1.5d", 0},
                 {"", 0},
                 {"99999999999999999999999999999999999999999999999999999999s", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t seconds = 0;
        enum error error = figure_parse_duration(cases[i].text, &seconds);
        assert_int_equal(error, cases[i].seconds != 0 ? ERR_OK : ERR_INVALID);
        assert_int_equal(seconds, cases[i].seconds);
    }
}

static void test_figure_parses_seconds_with_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms; /* 0: refused */
    } cases[] = {{"1", 1000},   {"0.5", 500},
                 {"0.25", 250}, {"0.125", 125},
                 {"60", 60000}, {"0.1", 100},
                 {"0.099", 0},  {"60.001", 0},
                 {"61", 0},     {"1.", 0},
                 {".5", 0},     {"1.2345", 0},
                 {"1e1", 0},    {"-1", 0},
                 {"", 0},       {"99999999999999999999999999999999999999999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ms = 0;
        enum error error = figure_parse_seconds(cases[i].text, 100, 60000, &ms);
        assert_int_equal(error, cases[i].ms != 0 ? ERR_OK : ERR_INVALID);
        assert_int_equal(ms, cases[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure_groups_digits),
        cmocka_unit_test(test_figure_says_seconds_in_two_units),
        cmocka_unit_test(test_figure_says_latencies_with_three_digits),
        cmocka_unit_test(test_figure_rate_overflows_nowhere),
        cmocka_unit_test(test_figure_parses_durations_with_units_only),
        cmocka_unit_test(test_figure_parses_seconds_with_decimals),
    };
    return cmocka_run_group_tests_name("figure", tests, NULL, NULL);
}
