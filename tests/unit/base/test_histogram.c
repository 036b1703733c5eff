#include "base/histogram.h"

#include "chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define VALUES 2000

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Against the sorted values themselves, which are spread over all sizes. */
static void test_histogram_quantiles_are_never_below_and_little_above(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    static struct histogram histogram;
    static uint64_t values[VALUES];
    histogram = (struct histogram){.count = 0};
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = chance_next(&chance) >> chance_below(&chance, 64);
        histogram_add(&histogram, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), compare);
    static const unsigned thousandths[] = {1, 10, 500, 900, 990, 999, 1000};
    for (size_t i = 0; i < sizeof(thousandths) / sizeof(thousandths[0]); i++) {
        uint64_t exact = values[(thousandths[i] * VALUES + 999) / 1000 - 1];
        uint64_t told = histogram_quantile(&histogram, thousandths[i]);
        assert_true(told >= exact);
        assert_true(told - exact <= exact / HISTOGRAM_STEPS);
    }
    assert_true(histogram_quantile(&histogram, 1000) == values[VALUES - 1]);
}

static void test_histogram_takes_the_smallest_and_the_largest(void **state)
{
    (void)state;
    static struct histogram histogram;
    histogram_add(&histogram, 0);
    histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram_quantile(&histogram, 500), 0);
    assert_true(histogram_quantile(&histogram, 501) == UINT64_MAX);
}

static void test_histogram_merge_is_as_if_one_had_taken_all(void **state)
{
    (void)state;
    static struct histogram one;
    static struct histogram other;
    static struct histogram all;
    for (uint64_t value = 0; value < 1000; value++) {
        histogram_add(value % 3 == 0 ? &one : &other, value * value);
        histogram_add(&all, value * value);
    }
    histogram_merge(&one, &other);
    assert_memory_equal(&one, &all, sizeof all);
}

static void test_histogram_of_nothing_is_zero(void **state)
{
    (void)state;
    static const struct histogram histogram;
    assert_int_equal(histogram_quantile(&histogram, 990), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_quantiles_are_never_below_and_little_above),
        cmocka_unit_test(test_histogram_takes_the_smallest_and_the_largest),
        cmocka_unit_test(test_histogram_merge_is_as_if_one_had_taken_all),
        cmocka_unit_test(test_histogram_of_nothing_is_zero),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
