#include "base/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_timing_counts_a_bound_in_its_own_bucket(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TIMING_BOUNDS; i++) {
        struct timing timing = {0};
        timing_add(&timing, timing_bound_ns(i));
        assert_int_equal(timing.buckets[i], 1);
        timing_add(&timing, timing_bound_ns(i) + 1);
        assert_int_equal(timing.buckets[i + 1], 1);
        assert_int_equal(timing.count, 2);
    }
}

static void test_timing_bounds_rise(void **state)
{
    (void)state;
    for (unsigned i = 1; i < TIMING_BOUNDS; i++) {
        assert_true(timing_bound_ns(i) > timing_bound_ns(i - 1));
    }
    assert_int_equal(timing_bound_ns(0), 10000);
    assert_int_equal(timing_bound_ns(TIMING_BOUNDS - 1), UINT64_C(10000000000));
}

static void test_timing_sum_does_not_wrap(void **state)
{
    (void)state;
    struct timing timing = {0};
    timing_add(&timing, UINT64_MAX);
    timing_add(&timing, 5);
    assert_true(timing.sum_ns == UINT64_MAX);
    assert_int_equal(timing.buckets[TIMING_BOUNDS], 1);
    assert_int_equal(timing.buckets[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timing_counts_a_bound_in_its_own_bucket),
        cmocka_unit_test(test_timing_bounds_rise),
        cmocka_unit_test(test_timing_sum_does_not_wrap),
    };
    return cmocka_run_group_tests_name("timing", tests, NULL, NULL);
}
