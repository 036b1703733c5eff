#include "base/layout.h"

#include "chance.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_LAYOUTS 200000
#define DAY_MS INT64_C(86400000)

static struct layout fields(uint32_t unit_ms, uint8_t machine, uint8_t node, uint8_t counter)
{
    struct layout layout = layout_default();
    layout.unit_ms = unit_ms;
    layout.machine_bits = machine;
    layout.node_bits = node;
    layout.counter_bits = counter;
    return layout;
}

static void test_layout_default_is_what_the_header_says(void **state)
{
    (void)state;
    struct layout layout = layout_default();
    assert_int_equal(layout_check(&layout, NULL), ERR_OK);
    assert_int_equal(layout_time_bits(&layout), 41);
    assert_true(layout_tick_positions(&layout) == 4096);
    assert_true(layout_capacity(&layout) == UINT64_C(1) << 53);
    assert_true(layout.epoch_ms == (INT64_C(54) * 365 + 13) * DAY_MS); /* 2024-01-01 */
    assert_true(layout_end_ms(&layout) == layout.epoch_ms + (INT64_C(1) << 41) - 1);
}

/* ---- what is refused, and how ---- */

static void check_refused(struct layout layout, const char *const says[3])
{
    struct error_detail detail = {""};
    assert_int_equal(layout_check(&layout, &detail), ERR_INVALID);
    assert_int_equal(layout_check(&layout, NULL), ERR_INVALID);
    for (size_t i = 0; i < 3 && says[i] != NULL; i++) {
        if (strstr(detail.text, says[i]) == NULL) {
            fail_msg("'%s' does not say '%s'", detail.text, says[i]);
        }
    }
}

static void test_layout_check_names_field_value_and_limit(void **state)
{
    (void)state;
    struct layout early = layout_default(), late = early, unit = early, borrow = early,
                  machine = early, node = early, ends = early;
    early.epoch_ms = -1;
    late.epoch_ms = LAYOUT_TIME_MAX_MS + 1;
    unit.unit_ms = 100;
    borrow.max_borrow_ms = LAYOUT_BORROW_MAX_MS + 1;
    machine.machine_id = 32;
    node.node_id = UINT32_MAX;
    ends.epoch_ms = LAYOUT_TIME_MAX_MS - (INT64_C(1) << 41) + 1;
    check_refused(early, (const char *const[3]){"epoch", "-1", "1970"});
    check_refused(late, (const char *const[3]){"epoch", "9999"});
    check_refused(unit, (const char *const[3]){"time_unit is 100", "1 ms, 10 ms or 1 s"});
    check_refused(borrow, (const char *const[3]){"max_borrow is 3600001", "3600000"});
    check_refused(machine, (const char *const[3]){"machine_id is 32", "below 32", "bits is 5"});
    check_refused(node, (const char *const[3]){"node_id is 4294967295", "below 32"});
    check_refused(ends, (const char *const[3]){"41 of 63", "9999"});
    check_refused(fields(1, 32, 0, 1), (const char *const[3]){"machine_bits is 32", "0 to 31"});
    check_refused(fields(1, 0, 32, 1), (const char *const[3]){"node_bits is 32", "0 to 31"});
    check_refused(fields(1, 5, 5, 0), (const char *const[3]){"counter_bits is 0", "1 to 32"});
    check_refused(fields(1000, 0, 0, 33), (const char *const[3]){"counter_bits is 33"});
    check_refused(fields(1, 31, 31, 32), (const char *const[3]){"leave 0 of 63", "20 years"});
    check_refused(fields(1, 5, 5, 31), (const char *const[3]){"leave 22 of 63", "20 years"});
}

/* The shortest time field that lasts 20 years, and one bit less; the longest, and one more. */
static void test_layout_check_wants_twenty_years_and_no_year_10000(void **state)
{
    (void)state;
    const struct {
        uint32_t unit_ms;
        unsigned shortest;
        unsigned longest;
    } units[] = {{1, 40, 47}, {10, 36, 44}, {1000, 30, 37}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (unsigned bits = 1; bits <= 62; bits++) {
            unsigned others = 63 - bits;
            uint8_t counter = (uint8_t)(others > 32 ? 32 : others);
            uint8_t machine = (uint8_t)((others - counter) / 2);
            struct layout layout =
                fields(units[i].unit_ms, machine, (uint8_t)(others - counter - machine), counter);
            assert_int_equal(layout_time_bits(&layout), bits);
            bool good = bits >= units[i].shortest && bits <= units[i].longest;
            assert_int_equal(layout_check(&layout, NULL), good ? ERR_OK : ERR_INVALID);
        }
    }
}

static void test_layout_check_takes_the_highest_ids(void **state)
{
    (void)state;
    struct layout layout = fields(1, 3, 7, 13);
    layout.machine_id = 7;
    layout.node_id = 127;
    assert_int_equal(layout_check(&layout, NULL), ERR_OK);
    layout.machine_id = 8;
    assert_int_equal(layout_check(&layout, NULL), ERR_INVALID);
    layout.machine_id = 7;
    layout.node_id = 128;
    assert_int_equal(layout_check(&layout, NULL), ERR_INVALID);
    layout = fields(1, 0, 0, 22);
    assert_int_equal(layout_check(&layout, NULL), ERR_OK);
    layout.node_id = 1;
    assert_int_equal(layout_check(&layout, NULL), ERR_INVALID);
}

/* ---- from position to number, and back ---- */

static void test_layout_number_puts_each_field_in_its_place(void **state)
{
    (void)state;
    struct layout layout = fields(1, 4, 6, 8);
    layout.machine_id = 0xA;
    layout.node_id = 0x15;
    assert_true(layout_number(&layout, UINT64_C(0x123456789) << 8 | 0xEF) ==
                (INT64_C(0x123456789) << 18 | INT64_C(0xA) << 14 | INT64_C(0x15) << 8 | 0xEF));
    struct layout_parts parts =
        layout_decode(&layout, INT64_C(0x123456789) << 18 | INT64_C(0xA) << 14 | 0x15 << 8 | 0xEF);
    assert_true(parts.tick == UINT64_C(0x123456789));
    assert_true(parts.time_ms == layout.epoch_ms + INT64_C(0x123456789));
    assert_int_equal(parts.machine, 0xA);
    assert_int_equal(parts.node, 0x15);
    assert_int_equal(parts.counter, 0xEF);
}

static void test_layout_last_number_is_the_largest_bigint(void **state)
{
    (void)state;
    struct layout layout = layout_default();
    layout.machine_id = 31;
    layout.node_id = 31;
    assert_true(layout_number(&layout, layout_capacity(&layout) - 1) == INT64_MAX);
    struct layout_parts parts = layout_decode(&layout, INT64_MAX);
    assert_true(parts.tick == (UINT64_C(1) << 41) - 1);
    assert_true(parts.time_ms == layout_end_ms(&layout));
    assert_int_equal(parts.counter, 4095);
}

/* A layout that passed the check, drawn from everything that can. */
static struct layout draw_layout(struct chance *chance)
{
    static const uint32_t units[] = {1, 10, 1000};
    struct layout layout;
    do {
        layout = fields(units[chance_below(chance, 3)], (uint8_t)chance_below(chance, 32),
                        (uint8_t)chance_below(chance, 32), (uint8_t)(1 + chance_below(chance, 32)));
        layout.epoch_ms = (int64_t)chance_below(chance, 4000000) * DAY_MS / 2;
        layout.machine_id = (uint32_t)chance_below(chance, UINT64_C(1) << layout.machine_bits);
        layout.node_id = (uint32_t)chance_below(chance, UINT64_C(1) << layout.node_bits);
    } while (layout_check(&layout, NULL) != ERR_OK);
    return layout;
}

static bool comes_back(const struct layout *layout, uint64_t position)
{
    int64_t number = layout_number(layout, position);
    struct layout_parts parts = layout_decode(layout, number);
    return number >= 0 && parts.machine == layout->machine_id && parts.node == layout->node_id &&
           (parts.tick << layout->counter_bits | parts.counter) == position &&
           parts.time_ms == layout->epoch_ms + (int64_t)(parts.tick * layout->unit_ms) &&
           layout_position_after(layout, number) == position + 1 &&
           layout_position_after(layout, number - (number > 0)) == position + (number == 0);
}

static void test_layout_numbers_rise_with_positions_and_come_back(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    for (unsigned i = 0; i < RANDOM_LAYOUTS; i++) {
        struct layout layout = draw_layout(&chance);
        uint64_t capacity = layout_capacity(&layout);
        uint64_t a = chance_below(&chance, capacity);
        uint64_t b = chance_below(&chance, capacity);
        assert_true(comes_back(&layout, a));
        assert_true(comes_back(&layout, capacity - 1));
        assert_int_equal(a < b, layout_number(&layout, a) < layout_number(&layout, b));
        assert_int_equal(a == b, layout_number(&layout, a) == layout_number(&layout, b));
    }
}

/* Whoever made the number: what comes next is the least of ours that is above it. */
static void test_layout_position_after_counts_with_the_ids_of_others(void **state)
{
    (void)state;
    struct layout layout = fields(1, 4, 6, 8);
    struct layout other = layout;
    layout.machine_id = 3;
    layout.node_id = 9;
    const uint64_t tick = UINT64_C(777) << 8;
    other.machine_id = 3;
    other.node_id = 10;
    assert_true(layout_position_after(&layout, layout_number(&other, tick | 5)) == tick + 256);
    other.machine_id = 4;
    other.node_id = 0;
    assert_true(layout_position_after(&layout, layout_number(&other, tick | 5)) == tick + 256);
    other.machine_id = 2;
    other.node_id = 63;
    assert_true(layout_position_after(&layout, layout_number(&other, tick | 5)) == tick);
    layout.machine_id = 15;
    layout.node_id = 63;
    assert_true(layout_position_after(&layout, INT64_MAX) == layout_capacity(&layout));
}

/* ---- time ---- */

static void test_layout_tick_begins_after_the_epoch(void **state)
{
    (void)state;
    static const uint32_t units[] = {1, 10, 1000};
    for (size_t i = 0; i < 3; i++) {
        struct layout layout = fields(units[i], 5, 5, 12);
        int64_t epoch = layout.epoch_ms;
        uint64_t tick = 4711;
        assert_false(layout_tick(&layout, INT64_MIN, &tick));
        assert_false(layout_tick(&layout, 0, &tick));
        assert_false(layout_tick(&layout, epoch - 1, &tick));
        assert_false(layout_tick(&layout, epoch, &tick)); /* number 0 lies there */
        assert_false(layout_tick(&layout, epoch + (int64_t)units[i] - 1, &tick));
        assert_int_equal(tick, 4711);
        assert_true(layout_tick(&layout, epoch + (int64_t)units[i], &tick));
        assert_int_equal(tick, 1);
        assert_true(layout_time_ms(&layout, tick) == epoch + (int64_t)units[i]);
        assert_true(layout_tick(&layout, epoch + 2 * (int64_t)units[i] - 1, &tick));
        assert_int_equal(tick, 1);
    }
}

static void test_layout_tick_at_the_end_of_the_time_field(void **state)
{
    (void)state;
    struct layout layout = fields(10, 5, 5, 16);
    uint64_t tick = 0;
    uint64_t last = layout_capacity(&layout) >> layout.counter_bits;
    assert_true(layout_tick(&layout, layout_end_ms(&layout), &tick));
    assert_true(tick == last - 1);
    assert_true(layout_tick(&layout, layout_end_ms(&layout) + 1, &tick));
    assert_true(tick == last);
}

static void test_layout_range_takes_whole_ticks_from_and_before(void **state)
{
    (void)state;
    struct layout layout = fields(10, 2, 3, 18); /* 40 bits of time above 23 others */
    int64_t epoch = layout.epoch_ms;
    struct layout_range range = {0};
    assert_true(layout_range(&layout, epoch + 20, epoch + 40, &range));
    assert_true(range.first == INT64_C(2) << 23 && range.last == (INT64_C(4) << 23) - 1);
    assert_true(layout_range(&layout, epoch + 11, epoch + 41, &range)); /* ticks 2, 3 and 4 */
    assert_true(range.first == INT64_C(2) << 23 && range.last == (INT64_C(5) << 23) - 1);
    assert_false(layout_range(&layout, epoch + 11, epoch + 20, &range));
    assert_false(layout_range(&layout, epoch + 20, epoch + 20, &range));
    assert_false(layout_range(&layout, epoch + 40, epoch + 20, &range));
    assert_false(layout_range(&layout, 0, epoch, &range));
    assert_false(layout_range(&layout, layout_end_ms(&layout) + 1, INT64_MAX, &range));
    assert_true(layout_range(&layout, 0, INT64_MAX, &range));
    assert_true(range.first == 0 && range.last == INT64_MAX);
}

static void test_layout_unit_says_its_name_and_digits(void **state)
{
    (void)state;
    struct layout layout = fields(1, 5, 5, 12);
    assert_string_equal(layout_unit_name(&layout), "1ms");
    assert_int_equal(layout_unit_digits(&layout), 3);
    layout.unit_ms = 10;
    assert_string_equal(layout_unit_name(&layout), "10ms");
    assert_int_equal(layout_unit_digits(&layout), 2);
    layout.epoch_ms += 5; /* shows in every time */
    assert_int_equal(layout_unit_digits(&layout), 3);
    layout.epoch_ms -= 5;
    layout.unit_ms = 1000;
    assert_string_equal(layout_unit_name(&layout), "1s");
    assert_int_equal(layout_unit_digits(&layout), 0);
    layout.epoch_ms++;
    assert_int_equal(layout_unit_digits(&layout), 3);
}

static void test_layout_check_clock_names_both_moments(void **state)
{
    (void)state;
    struct layout layout = layout_default();
    struct error_detail detail;
    int64_t end_ms = layout_end_ms(&layout);
    assert_int_equal(layout_check_clock(&layout, layout.epoch_ms + 1, NULL), ERR_OK);
    assert_int_equal(layout_check_clock(&layout, end_ms, NULL), ERR_OK);
    assert_int_equal(layout_check_clock(&layout, layout.epoch_ms, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "says 2024-01-01T00:00:00.000Z"));
    assert_non_null(strstr(detail.text, "epoch is 2024-01-01T00:00:00.000Z"));
    assert_int_equal(layout_check_clock(&layout, -1, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "before 1970"));
    assert_int_equal(layout_check_clock(&layout, end_ms + 1, &detail), ERR_EXHAUSTED);
    assert_non_null(strstr(detail.text, "ended at 2093-09-06T15:47:35.551Z"));
    assert_int_equal(layout_check_clock(&layout, INT64_MAX, &detail), ERR_EXHAUSTED);
    assert_non_null(strstr(detail.text, "says 9999-12-31"));
}

static void test_layout_span_rounds_up_and_is_capped(void **state)
{
    (void)state;
    struct layout layout = fields(1000, 0, 0, 20);
    assert_true(layout_span(&layout, 0, UINT64_MAX) == 0);
    assert_true(layout_span(&layout, 1, UINT64_MAX) == 1 << 20);
    assert_true(layout_span(&layout, 1000, UINT64_MAX) == 1 << 20);
    assert_true(layout_span(&layout, 1001, UINT64_MAX) == 2 << 20);
    assert_true(layout_span(&layout, UINT64_MAX, 99) == 99);
}

static void test_layout_same_fields_leaves_ids_and_borrow_out(void **state)
{
    (void)state;
    const struct layout a = layout_default();
    struct layout fixed[] = {a, a, a, a, a};
    struct layout loose[] = {a, a, a};
    fixed[0].epoch_ms++;
    fixed[1].unit_ms = 10;
    fixed[2].machine_bits++;
    fixed[3].node_bits++;
    fixed[4].counter_bits++;
    loose[0].machine_id = 1;
    loose[1].node_id = 1;
    loose[2].max_borrow_ms++;
    assert_true(layout_same_fields(&a, &a) && layout_equal(&a, &a));
    for (size_t i = 0; i < 5; i++) {
        assert_false(layout_same_fields(&a, &fixed[i]));
        assert_false(layout_equal(&a, &fixed[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(layout_same_fields(&a, &loose[i]));
        assert_false(layout_equal(&a, &loose[i]));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_default_is_what_the_header_says),
        cmocka_unit_test(test_layout_check_names_field_value_and_limit),
        cmocka_unit_test(test_layout_check_wants_twenty_years_and_no_year_10000),
        cmocka_unit_test(test_layout_check_takes_the_highest_ids),
        cmocka_unit_test(test_layout_number_puts_each_field_in_its_place),
        cmocka_unit_test(test_layout_last_number_is_the_largest_bigint),
        cmocka_unit_test(test_layout_numbers_rise_with_positions_and_come_back),
        cmocka_unit_test(test_layout_position_after_counts_with_the_ids_of_others),
        cmocka_unit_test(test_layout_tick_begins_after_the_epoch),
        cmocka_unit_test(test_layout_tick_at_the_end_of_the_time_field),
        cmocka_unit_test(test_layout_range_takes_whole_ticks_from_and_before),
        cmocka_unit_test(test_layout_unit_says_its_name_and_digits),
        cmocka_unit_test(test_layout_check_clock_names_both_moments),
        cmocka_unit_test(test_layout_span_rounds_up_and_is_capped),
        cmocka_unit_test(test_layout_same_fields_leaves_ids_and_borrow_out),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
