/* How much is used up, and when the rest will be. */
#include "base/forecast.h"
#include "chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static unsigned used(uint64_t next, uint64_t capacity)
{
    return forecast_of(next, capacity, 0).used_percent;
}

static void test_forecast_rounds_the_share_down(void **state)
{
    (void)state;
    assert_int_equal(used(0, 1), 0);
    assert_int_equal(used(1, 1), 100);
    assert_int_equal(used(1, 3), 33);
    assert_int_equal(used(2, 3), 66);
    assert_int_equal(used(799, 1000), 79);
    assert_int_equal(used(800, 1000), 80);
    assert_int_equal(used(949, 1000), 94);
    assert_int_equal(used(950, 1000), 95);
    assert_int_equal(used(999, 1000), 99);
    assert_int_equal(used(1000, 1000), 100);
}

static void test_forecast_is_exact_where_a_hundredfold_would_wrap(void **state)
{
    (void)state;
    const uint64_t whole = UINT64_MAX; /* = 5 × 3689348814741910323 */
    const uint64_t fifth = UINT64_C(3689348814741910323);
    assert_int_equal(used(4 * fifth, whole), 80);
    assert_int_equal(used(4 * fifth - 1, whole), 79);
    assert_int_equal(used(whole - 1, whole), 99);
    assert_int_equal(used(whole, whole), 100);
    assert_int_equal(used((uint64_t)INT64_MAX / 2, (uint64_t)INT64_MAX), 49);
    assert_int_equal(used((uint64_t)INT64_MAX / 2 + 1, (uint64_t)INT64_MAX), 50);
}

/* Where nothing wraps, it is plain arithmetic. */
static void test_forecast_agrees_with_plain_arithmetic(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (int i = 0; i < 100000; i++) {
        uint64_t whole = 1 + chance_below(&chance, UINT64_C(1) << (1 + chance_below(&chance, 56)));
        uint64_t part = chance_below(&chance, whole + 1);
        assert_int_equal(used(part, whole), part * 100 / whole);
    }
}

static void test_forecast_tells_what_is_left_and_until_when(void **state)
{
    (void)state;
    struct forecast some = forecast_of(10, 110, 7);
    assert_int_equal(some.left, 100);
    assert_true(some.ends);
    assert_int_equal(some.seconds_left, 14);

    struct forecast idle = forecast_of(10, 110, 0);
    assert_false(idle.ends);
    assert_int_equal(idle.seconds_left, 0);

    struct forecast gone = forecast_of(111, 110, 7);
    assert_int_equal(gone.left, 0);
    assert_int_equal(gone.used_percent, 100);
    assert_int_equal(gone.seconds_left, 0);
}

/* What docs/API.md promises of the largest capacity. */
static void test_forecast_of_all_numbers_is_what_is_documented(void **state)
{
    (void)state;
    const uint64_t all = (uint64_t)INT64_MAX;
    const uint64_t year = 365 * 86400;
    assert_int_equal(forecast_of(0, all, 10000).seconds_left / year, 29247120);
    assert_int_equal(forecast_of(0, all, 1000000).seconds_left / year, 292471);
    assert_int_equal(forecast_of(0, all, 100000000).seconds_left / year, 2924);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecast_rounds_the_share_down),
        cmocka_unit_test(test_forecast_is_exact_where_a_hundredfold_would_wrap),
        cmocka_unit_test(test_forecast_agrees_with_plain_arithmetic),
        cmocka_unit_test(test_forecast_tells_what_is_left_and_until_when),
        cmocka_unit_test(test_forecast_of_all_numbers_is_what_is_documented),
    };
    return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
