#include "base/range.h"

#include "chance.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RANDOM_SUMS 300000

typedef unsigned __int128 wide;

/* One of the values where a sum wraps, or any. */
static uint64_t awkward(struct chance *chance)
{
    uint64_t any = chance_next(chance) >> chance_below(chance, 64);
    switch (chance_below(chance, 4)) {
    case 0:
        return chance_below(chance, 4);
    case 1:
        return UINT64_MAX - chance_below(chance, 4);
    case 2:
        return (UINT64_C(1) << chance_below(chance, 64)) + chance_below(chance, 3) - 1;
    default:
        return any;
    }
}

static uint64_t capped(wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

static void test_range_count_is_limit_less_first(void **state)
{
    (void)state;
    assert_true(range_count((struct range){3, 10}) == 7);
    assert_true(range_count((struct range){0, UINT64_MAX}) == UINT64_MAX);
    assert_true(range_count((struct range){UINT64_MAX, UINT64_MAX}) == 0);
}

static void test_range_is_empty_where_it_begins_and_ends_at_once(void **state)
{
    (void)state;
    assert_true(range_is_empty((struct range){0, 0}));
    assert_true(range_is_empty((struct range){UINT64_MAX, UINT64_MAX}));
    assert_false(range_is_empty((struct range){0, 1}));
    assert_false(range_is_empty((struct range){0, UINT64_MAX}));
}

static void test_range_min_and_max_choose(void **state)
{
    (void)state;
    assert_true(range_min(0, UINT64_MAX) == 0 && range_min(UINT64_MAX, 0) == 0);
    assert_true(range_max(0, UINT64_MAX) == UINT64_MAX && range_max(UINT64_MAX, 0) == UINT64_MAX);
    assert_true(range_min(5, 5) == 5 && range_max(5, 5) == 5);
    assert_true(range_min(4, 5) == 4 && range_max(4, 5) == 5);
}

static void test_range_sums_are_capped_at_the_extremes(void **state)
{
    (void)state;
    assert_true(range_add_capped(UINT64_MAX, 0) == UINT64_MAX);
    assert_true(range_add_capped(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(range_add_capped(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(range_add_capped(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(range_add_capped(1, 2) == 3);
    assert_true(range_multiply_capped(0, UINT64_MAX) == 0);
    assert_true(range_multiply_capped(UINT64_MAX, 0) == 0);
    assert_true(range_multiply_capped(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(range_multiply_capped(UINT64_MAX, 2) == UINT64_MAX);
    assert_true(range_multiply_capped(UINT64_C(1) << 32, UINT64_C(1) << 32) == UINT64_MAX);
    assert_true(range_multiply_capped(UINT64_C(1) << 32, UINT64_C(1) << 31) == UINT64_C(1) << 63);
}

static void test_range_sums_agree_with_arithmetic_of_128_bits(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (size_t i = 0; i < RANDOM_SUMS; i++) {
        uint64_t a = awkward(&chance);
        uint64_t b = awkward(&chance);
        if (range_add_capped(a, b) != capped((wide)a + b) ||
            range_multiply_capped(a, b) != capped((wide)a * b)) {
            fail_msg("%" PRIu64 " and %" PRIu64, a, b);
        }
    }
}

static void test_range_clamped_is_cut_at_the_capacity(void **state)
{
    (void)state;
    struct range whole = range_clamped(10, 5, 100);
    assert_true(whole.first == 10 && whole.limit == 15);
    struct range partial = range_clamped(97, 5, 100);
    assert_true(partial.first == 97 && partial.limit == 100);
    struct range none = range_clamped(100, 5, 100);
    assert_true(none.first == 100 && none.limit == 100);
    struct range beyond = range_clamped(101, 5, 100);
    assert_true(beyond.first == 101 && beyond.limit == 101);
}

/* As many positions as were asked for and are there; what a sum would give is never made. */
static void test_range_clamped_agrees_with_arithmetic_of_128_bits(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (size_t i = 0; i < RANDOM_SUMS; i++) {
        uint64_t mark = awkward(&chance);
        uint64_t count = awkward(&chance);
        uint64_t capacity = awkward(&chance);
        wide end = (wide)mark + count;
        end = end > capacity ? capacity : end;
        end = end < mark ? mark : end;
        struct range range = range_clamped(mark, count, capacity);
        if (range.first != mark || range.limit != end) {
            fail_msg("%" PRIu64 " from %" PRIu64 " below %" PRIu64 ": %" PRIu64 " to %" PRIu64,
                     count, mark, capacity, range.first, range.limit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range_count_is_limit_less_first),
        cmocka_unit_test(test_range_is_empty_where_it_begins_and_ends_at_once),
        cmocka_unit_test(test_range_min_and_max_choose),
        cmocka_unit_test(test_range_sums_are_capped_at_the_extremes),
        cmocka_unit_test(test_range_sums_agree_with_arithmetic_of_128_bits),
        cmocka_unit_test(test_range_clamped_is_cut_at_the_capacity),
        cmocka_unit_test(test_range_clamped_agrees_with_arithmetic_of_128_bits),
    };
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
