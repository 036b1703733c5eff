/* Whether two runs of positions share a number, against a count of them one by one. */
#include "chance.h"
#include "ctl/comb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define RANDOM_PAIRS 200000

static struct chance chance;

static bool comb_has(const struct comb *comb, __int128 number)
{
    __int128 distance = number - comb->low;
    return distance >= 0 && distance / comb->period < comb->teeth &&
           distance % comb->period < comb->width;
}

static bool meet_one_by_one(const struct comb *a, const struct comb *b)
{
    for (uint64_t tooth = 0; tooth < a->teeth; tooth++) {
        for (uint64_t i = 0; i < a->width; i++) {
            if (comb_has(b, (__int128)a->low + (__int128)tooth * a->period + i)) {
                return true;
            }
        }
    }
    return false;
}

static struct comb random_comb(int64_t base, uint64_t period_max)
{
    uint64_t period = 1 + chance_below(&chance, period_max);
    return (struct comb){.low = base + (int64_t)chance_below(&chance, 60),
                         .period = period,
                         .teeth = 1 + chance_below(&chance, 8),
                         .width = 1 + chance_below(&chance, period)};
}

static void check_combs(const struct comb *a, const struct comb *b)
{
    int64_t number = 0;
    bool wanted = meet_one_by_one(a, b);
    if (comb_meet(a, b, &number) != wanted ||
        (wanted && (!comb_has(a, number) || !comb_has(b, number)))) {
        fail_msg("%lld +%llu x%llu w%llu and %lld +%llu x%llu w%llu: %d, %lld", (long long)a->low,
                 (unsigned long long)a->period, (unsigned long long)a->teeth,
                 (unsigned long long)a->width, (long long)b->low, (unsigned long long)b->period,
                 (unsigned long long)b->teeth, (unsigned long long)b->width, wanted,
                 (long long)number);
    }
}

static void test_comb_meet_is_exact(void **state)
{
    (void)state;
    static const int64_t bases[] = {-30, 0, INT64_MIN, INT64_MAX - 400, 1000};
    for (unsigned i = 0; i < RANDOM_PAIRS; i++) {
        int64_t base = bases[i % (sizeof bases / sizeof bases[0])];
        struct comb a = random_comb(base, 30);
        struct comb b = random_comb(base, 1 + chance_below(&chance, 30));
        check_combs(&a, &b);
    }
}

/* The same with the whole width of 64 bits: what both hold was put there, or cannot be there. */
static void test_comb_meet_is_exact_at_full_width(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RANDOM_PAIRS; i++) {
        uint64_t step = UINT64_C(1) << chance_below(&chance, 40);
        uint64_t factor_a = 1 + 2 * chance_below(&chance, 1000);
        uint64_t factor_b = 1 + 2 * chance_below(&chance, 1000);
        uint64_t teeth_a = 1 + chance_below(&chance, 1000);
        uint64_t teeth_b = 1 + chance_below(&chance, 1000);
        int64_t common = (int64_t)(chance_next(&chance) >> 4);
        struct comb a = {common, step * factor_a, teeth_a, 1};
        struct comb b = {common, step * factor_b, teeth_b, 1};
        a.low -= (int64_t)(chance_below(&chance, teeth_a) * a.period);
        b.low -= (int64_t)(chance_below(&chance, teeth_b) * b.period);
        int64_t number = 0;
        assert_true(comb_meet(&a, &b, &number));
        assert_true(comb_has(&a, number) && comb_has(&b, number));
        if (step > 1) {
            b.low += (int64_t)(1 + chance_below(&chance, step - 1)); /* of another remainder */
            assert_false(comb_meet(&a, &b, &number));
        }
    }
}

static void test_comb_meet_takes_the_extremes(void **state)
{
    (void)state;
    const struct comb all = {INT64_MIN, UINT64_MAX, 1, UINT64_MAX};
    const struct comb last = {INT64_MAX - 1, 1, 1, 1};
    const struct comb ends = {INT64_MIN, UINT64_MAX, 2, 1};
    const struct comb top = {INT64_MAX, 1, 1, 1};
    const struct comb middle = {INT64_MIN + 1, 1, 1, UINT64_MAX - 1};
    int64_t number = 0;
    assert_true(comb_meet(&all, &last, &number) && number == INT64_MAX - 1);
    assert_true(comb_meet(&ends, &top, &number) && number == INT64_MAX);
    assert_true(comb_meet(&top, &ends, &number) && number == INT64_MAX);
    assert_false(comb_meet(&all, &top, &number));
    assert_false(comb_meet(&ends, &middle, &number));
    assert_false(comb_meet(&middle, &ends, &number));
}

/* ---- mappings ---- */

static struct mapping counter(int64_t start, int64_t increment)
{
    return (struct mapping){.kind = SEQUENCE_COUNTER, .start = start, .increment = increment};
}

static struct mapping timestamp(uint8_t machine_bits, uint8_t node_bits, uint8_t counter_bits,
                                uint32_t machine, uint32_t node)
{
    struct layout layout = layout_default();
    layout.machine_bits = machine_bits;
    layout.node_bits = node_bits;
    layout.counter_bits = counter_bits;
    layout.machine_id = machine;
    layout.node_id = node;
    layout.max_borrow_ms = 0;
    return (struct mapping){.kind = SEQUENCE_TIMESTAMP, .layout = layout};
}

static bool runs_meet(struct mapping a, struct range x, struct mapping b, struct range y)
{
    int64_t number = 0;
    uint64_t position = 0;
    bool met = comb_runs_meet(&a, x, &b, y, &number);
    if (met) {
        assert_true(mapping_position(&a, number, &position));
        assert_true(position >= x.first && position < x.limit);
        assert_true(mapping_position(&b, number, &position));
        assert_true(position >= y.first && position < y.limit);
    }
    return met;
}

static void test_mapping_odd_and_even_never_meet(void **state)
{
    (void)state;
    struct mapping odd = counter(1, 2);
    struct mapping even = counter(2, 2);
    struct mapping down = counter(1000000, -1);
    struct range whole = {0, UINT64_C(1) << 62};
    assert_true(mapping_never_meet(&odd, &even));
    assert_false(runs_meet(odd, whole, even, whole));
    assert_false(mapping_never_meet(&odd, &down));
    assert_true(runs_meet(odd, whole, down, (struct range){0, 2}));
    assert_false(runs_meet(odd, whole, down, (struct range){0, 1}));
    assert_true(runs_meet(down, (struct range){999998, 1000000}, even, (struct range){0, 1}));
    assert_false(runs_meet(down, (struct range){999999, 1000001}, even, (struct range){0, 1}));
}

static void test_mapping_of_other_ids_never_meet(void **state)
{
    (void)state;
    struct mapping one = timestamp(5, 5, 12, 1, 2);
    struct mapping other = timestamp(5, 5, 12, 1, 3);
    struct mapping split = timestamp(0, 10, 12, 0, 1 << 5 | 2);
    struct mapping wide = timestamp(0, 8, 14, 0, 1 << 3);
    struct range whole = {UINT64_C(1) << 12, UINT64_C(1) << 50};
    assert_true(mapping_never_meet(&one, &other));
    assert_false(runs_meet(one, whole, other, whole));
    /* The same bits under other names are the same numbers. */
    assert_false(mapping_never_meet(&one, &split));
    assert_true(runs_meet(one, whole, split, whole));
    /* A wider counter reaches over what is an id there. */
    assert_false(mapping_never_meet(&one, &wide));
    assert_true(runs_meet(one, whole, wide, whole));
}

/* A run that begins and ends within ticks, against the same positions one by one. */
static void test_mapping_runs_of_ticks_are_exact(void **state)
{
    (void)state;
    struct mapping stamp = timestamp(10, 10, 2, 5, 7);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t first = 4 + chance_below(&chance, 40);
        struct range run = {first, first + 1 + chance_below(&chance, 20)};
        uint64_t at = 4 + chance_below(&chance, 60);
        int64_t number = mapping_number(&stamp, at);
        int64_t shift = (int64_t)chance_below(&chance, 9) - 4;
        uint64_t position = 0;
        bool wanted = mapping_position(&stamp, number + shift, &position) &&
                      position >= run.first && position < run.limit;
        assert_int_equal(runs_meet(stamp, run, counter(number + shift, 1), (struct range){0, 1}),
                         wanted);
        assert_int_equal(
            runs_meet(counter(number + shift, 1000000007), (struct range){0, 1}, stamp, run),
            wanted);
    }
}

/* An increment that is no power of two walks over the ticks' counters, and may hit one late. */
static void test_mapping_counters_meet_timestamps_exactly(void **state)
{
    (void)state;
    struct mapping stamp = timestamp(3, 3, 2, 3, 5);
    for (unsigned i = 0; i < 2000; i++) {
        struct mapping steps =
            counter((int64_t)chance_below(&chance, 2000), 1 + (int64_t)chance_below(&chance, 700));
        struct range run = {chance_below(&chance, 20), 0};
        run.limit = run.first + 1 + chance_below(&chance, 60);
        struct range ticks = {4 + chance_below(&chance, 30), 0};
        ticks.limit = ticks.first + 1 + chance_below(&chance, 60);
        bool wanted = false;
        for (uint64_t p = run.first; p < run.limit; p++) {
            uint64_t position = 0;
            wanted = wanted || (mapping_position(&stamp, mapping_number(&steps, p), &position) &&
                                position >= ticks.first && position < ticks.limit);
        }
        assert_int_equal(runs_meet(steps, run, stamp, ticks), wanted);
        assert_int_equal(runs_meet(stamp, ticks, steps, run), wanted);
        assert_true(!wanted || !mapping_never_meet(&steps, &stamp));
        assert_true(!wanted || !mapping_never_meet(&stamp, &steps));
    }
}

/* Of whole families, in both orders, against all places of one period. */
static void test_mapping_never_meet_is_exact(void **state)
{
    (void)state;
    unsigned never = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t id = (uint32_t)chance_below(&chance, 8);
        struct mapping stamp = timestamp(0, 3, (uint8_t)(1 + chance_below(&chance, 4)), 0, id);
        struct mapping steps = counter((int64_t)chance_below(&chance, 200) + 1,
                                       INT64_C(1) << chance_below(&chance, 9));
        uint64_t period = UINT64_C(1) << (3 + stamp.layout.counter_bits);
        bool meet = false;
        for (uint64_t p = 0; p < period; p++) {
            uint64_t position = 0;
            meet = meet || mapping_position(&stamp, mapping_number(&steps, p), &position);
        }
        assert_int_equal(mapping_never_meet(&stamp, &steps), !meet);
        assert_int_equal(mapping_never_meet(&steps, &stamp), !meet);
        never += !meet;
    }
    assert_true(never > 1000 && never < 19000);
}

static void test_mapping_holds_what_fits_64_bits(void **state)
{
    (void)state;
    struct mapping up = counter(INT64_MAX - 10, 5);
    struct mapping down = counter(INT64_MIN + 10, -5);
    struct mapping none = counter(1, 0);
    struct mapping stamp = timestamp(5, 5, 12, 0, 0);
    struct mapping wrong = timestamp(5, 5, 12, 32, 0);
    assert_true(mapping_holds(&up, (struct range){0, 3}));
    assert_false(mapping_holds(&up, (struct range){0, 4}));
    assert_false(mapping_holds(&up, (struct range){3, UINT64_MAX}));
    assert_true(mapping_holds(&down, (struct range){2, 3}));
    assert_false(mapping_holds(&down, (struct range){2, 4}));
    assert_false(mapping_holds(&up, (struct range){2, 2}));
    assert_false(mapping_holds(&none, (struct range){0, 1}));
    assert_true(mapping_holds(&stamp, (struct range){0, layout_capacity(&stamp.layout)}));
    assert_false(mapping_holds(&stamp, (struct range){0, layout_capacity(&stamp.layout) + 1}));
    assert_false(mapping_holds(&wrong, (struct range){0, 1}));
}

static void test_mapping_position_is_the_way_back(void **state)
{
    (void)state;
    struct mapping up = counter(-5, 3);
    struct mapping down = counter(100, -7);
    uint64_t position = 0;
    assert_true(mapping_position(&up, 1, &position) && position == 2);
    assert_false(mapping_position(&up, 2, &position));
    assert_false(mapping_position(&up, -8, &position));
    assert_true(mapping_position(&down, 86, &position) && position == 2);
    assert_false(mapping_position(&down, 107, &position));
    struct mapping far = counter(INT64_MIN, 1);
    assert_true(mapping_position(&far, INT64_MAX, &position) && position == UINT64_MAX);
    struct mapping stamp = timestamp(5, 5, 12, 1, 2);
    assert_true(mapping_position(&stamp, mapping_number(&stamp, 123456), &position));
    assert_int_equal(position, 123456);
    assert_false(mapping_position(&stamp, mapping_number(&stamp, 123456) + 4096, &position));
    assert_false(mapping_position(&stamp, -1, &position));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comb_meet_is_exact),
        cmocka_unit_test(test_comb_meet_is_exact_at_full_width),
        cmocka_unit_test(test_comb_meet_takes_the_extremes),
        cmocka_unit_test(test_mapping_odd_and_even_never_meet),
        cmocka_unit_test(test_mapping_of_other_ids_never_meet),
        cmocka_unit_test(test_mapping_runs_of_ticks_are_exact),
        cmocka_unit_test(test_mapping_counters_meet_timestamps_exactly),
        cmocka_unit_test(test_mapping_never_meet_is_exact),
        cmocka_unit_test(test_mapping_holds_what_fits_64_bits),
        cmocka_unit_test(test_mapping_position_is_the_way_back),
    };
    chance = chance_from(chance_seed());
    return cmocka_run_group_tests_name("comb", tests, NULL, NULL);
}
