/* The numbers of earlier lives, and the way past them. */
#include "base/floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct definition counter(int64_t start, int64_t increment)
{
    struct definition definition = definition_default();
    definition.start = start;
    definition.increment = increment;
    definition.min = SEQUENCE_NUMBER_MIN;
    return definition;
}

static struct floor from_to(int64_t low, int64_t high)
{
    return (struct floor){.some = true, .low = low, .high = high};
}

static void assert_floor(struct floor floor, int64_t low, int64_t high)
{
    assert_true(floor.some);
    assert_int_equal(floor.low, low);
    assert_int_equal(floor.high, high);
}

static void test_floor_covers_exactly_what_lies_below_the_mark(void **state)
{
    (void)state;
    struct floor none = {.some = false};
    struct definition up = counter(10, 5);
    struct definition down = counter(10, -5);
    assert_false(floor_grown(none, &up, 0).some);
    assert_floor(floor_grown(none, &up, 1), 10, 10);
    assert_floor(floor_grown(none, &up, 4), 10, 25);
    assert_floor(floor_grown(none, &down, 1), 10, 10);
    assert_floor(floor_grown(none, &down, 4), -5, 10);
}

static void test_floor_only_grows(void **state)
{
    (void)state;
    struct definition up = counter(10, 5);
    assert_floor(floor_grown(from_to(12, 13), &up, 2), 10, 15);
    assert_floor(floor_grown(from_to(-3, 99), &up, 2), -3, 99);
    assert_floor(floor_grown(from_to(-3, 11), &up, 0), -3, 11);
    assert_floor(floor_united(from_to(1, 2), from_to(5, 6)), 1, 6);
    assert_floor(floor_united(from_to(5, 6), from_to(1, 2)), 1, 6);
    assert_floor(floor_united((struct floor){.some = false}, from_to(1, 2)), 1, 2);
    assert_floor(floor_united(from_to(1, 2), (struct floor){.some = false}), 1, 2);
}

/* The mark of a damaged record is moved up, perhaps beyond the end. */
static void test_floor_ends_where_the_sequence_does(void **state)
{
    (void)state;
    struct definition definition = counter(1, 1);
    definition.max = 7;
    assert_floor(floor_grown((struct floor){.some = false}, &definition, UINT64_MAX), 1, 7);
    assert_false(floor_between(&definition, (struct range){7, UINT64_MAX}).some);
    assert_floor(floor_between(&definition, (struct range){6, UINT64_MAX}), 7, 7);
}

static void test_floor_of_a_part_covers_that_part(void **state)
{
    (void)state;
    struct definition up = counter(10, 5);
    struct definition down = counter(10, -5);
    assert_floor(floor_between(&up, (struct range){2, 4}), 20, 25);
    assert_floor(floor_between(&down, (struct range){2, 4}), -5, 0);
    assert_false(floor_between(&up, (struct range){4, 4}).some);
}

static uint64_t first_of(struct floor floor, struct definition definition)
{
    uint64_t position = 0;
    assert_int_equal(floor_first(&floor, &definition, &position, NULL), ERR_OK);
    return position;
}

static void test_floor_is_left_upwards_or_downwards(void **state)
{
    (void)state;
    assert_int_equal(first_of((struct floor){.some = false}, counter(10, 5)), 0);
    assert_int_equal(first_of(from_to(-5, 24), counter(10, 5)), 3);
    assert_int_equal(first_of(from_to(-5, 25), counter(10, 5)), 4);
    assert_int_equal(first_of(from_to(-5, 9), counter(10, 5)), 0);
    assert_int_equal(first_of(from_to(-4, 25), counter(10, -5)), 3);
    assert_int_equal(first_of(from_to(-5, 25), counter(10, -5)), 4);
    assert_int_equal(first_of(from_to(11, 25), counter(10, -5)), 0);
}

/* What ascends begins above the floor even where all its numbers lie below: a name's numbers go
 * one way as long as its increment does. */
static void test_floor_is_not_crept_up_on(void **state)
{
    (void)state;
    struct floor floor = from_to(100, 200);
    struct definition definition = counter(1, 1);
    struct error_detail detail;
    uint64_t position = 4711;
    definition.max = 50;
    assert_int_equal(floor_first(&floor, &definition, &position, &detail), ERR_EXHAUSTED);
    assert_int_equal(position, 4711);
    assert_non_null(strstr(detail.text, "100 to 200"));
    assert_non_null(strstr(detail.text, "50"));
    definition.max = 200;
    assert_int_equal(floor_first(&floor, &definition, &position, NULL), ERR_EXHAUSTED);
    definition.max = 201;
    assert_int_equal(floor_first(&floor, &definition, &position, NULL), ERR_OK);
    assert_int_equal(position, 200);
}

static void test_floor_holds_at_the_ends_of_the_numbers(void **state)
{
    (void)state;
    struct floor none = {.some = false};
    struct definition all = counter(SEQUENCE_NUMBER_MIN, 1);
    struct definition back = counter(SEQUENCE_NUMBER_MAX, -1);
    uint64_t position;
    struct floor full = floor_grown(none, &all, UINT64_MAX);
    assert_floor(full, SEQUENCE_NUMBER_MIN, SEQUENCE_NUMBER_MAX);
    assert_int_equal(floor_first(&full, &all, &position, NULL), ERR_EXHAUSTED);
    assert_int_equal(floor_first(&full, &back, &position, NULL), ERR_EXHAUSTED);
    struct floor most = floor_grown(none, &all, UINT64_MAX - 1);
    assert_int_equal(first_of(most, all), UINT64_MAX - 1);
    assert_int_equal(first_of(from_to(0, SEQUENCE_NUMBER_MAX), back), (uint64_t)INT64_MAX + 1);
}

/* Its ids are no part of a position and may be altered, so the floor is one over all of them. */
static void test_floor_of_a_timestamp_covers_whole_ticks_of_any_node(void **state)
{
    (void)state;
    struct definition definition = definition_default_timestamp();
    struct definition other = definition;
    uint64_t mark = layout_tick_positions(&definition.layout) * 5 + 3;
    definition.layout.node_id = 7;
    other.layout.machine_id = 31;
    other.layout.node_id = 31;
    struct floor floor = floor_grown((struct floor){.some = false}, &definition, mark);
    assert_int_equal(floor.low, 0);
    for (uint64_t i = 0; i < mark; i++) {
        assert_in_range(definition_number_at(&other, i), floor.low, floor.high);
    }
    assert_true(definition_number_at(&other, first_of(floor, other)) > floor.high);
    definition.layout.node_id = 0;
    assert_true(definition_number_at(&definition, first_of(floor, definition)) > floor.high);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floor_covers_exactly_what_lies_below_the_mark),
        cmocka_unit_test(test_floor_only_grows),
        cmocka_unit_test(test_floor_ends_where_the_sequence_does),
        cmocka_unit_test(test_floor_of_a_part_covers_that_part),
        cmocka_unit_test(test_floor_is_left_upwards_or_downwards),
        cmocka_unit_test(test_floor_is_not_crept_up_on),
        cmocka_unit_test(test_floor_holds_at_the_ends_of_the_numbers),
        cmocka_unit_test(test_floor_of_a_timestamp_covers_whole_ticks_of_any_node),
    };
    return cmocka_run_group_tests_name("floor", tests, NULL, NULL);
}
