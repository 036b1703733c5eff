/* A timestamp sequence, step by step: how the clock, the counter and borrowing make its numbers. */
#include "timed_stage.h"

/* ---- the clock ---- */

static void test_timed_numbers_hold_the_time(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(timed_stage_take_one(&s).time_ms == fake_clock_ms(&s.fake));
        fake_clock_pass(&s.fake, 1 + i % 7);
    }
    timed_stage_close(&s);
}

static void test_timed_goes_on_from_the_highest_when_the_clock_steps_back(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {1, 5, 1000, 3600000, 1000 * INT64_C(86400000)};
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS + 2000 * INT64_C(86400000));
    int64_t last = timed_stage_take(&s, 1).first;
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        fake_clock_step(&s.fake, -steps_ms[i]);
        for (unsigned j = 0; j < 10; j++) {
            /* Nothing is refused and nobody waits: the very next number. */
            assert_true(timed_stage_take(&s, 1).first == last + 1);
            last++;
        }
    }
    fake_clock_step(&s.fake, 2000 * INT64_C(86400000));
    struct layout_parts parts = timed_stage_take_one(&s);
    assert_true(parts.time_ms == fake_clock_ms(&s.fake));
    timed_stage_close(&s);
}

/* The clock leaps an hour and comes back: what it brought up is not borrowed time. */
static void test_timed_is_not_held_up_by_a_clock_that_leapt(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    timed_stage_open(&s, timed_stage_borrowing(10), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, 1);
    fake_clock_step(&s.fake, 3600000);
    (void)timed_stage_take(&s, 1);
    fake_clock_step(&s.fake, -3600000);
    for (unsigned ms = 0; ms < 5000; ms++) {
        fake_clock_pass(&s.fake, 1);
        if (sequence_take(s.stage.sequence, TIMED_TICK, &block) != ERR_OK) {
            (void)timed_stage_take(&s, TIMED_TICK); /* for a lease, never for time */
        }
        timed_stage_renew(&s);
    }
    timed_stage_close(&s);
}

/* ---- the counter ---- */

/* One number every other millisecond: each of the low bits is as often 0 as 1. */
static void test_timed_counter_rolls_on_over_ticks(void **state)
{
    (void)state;
    enum {
        NUMBERS = 100000,
        RESIDUES = 16
    };
    struct timed_stage s;
    unsigned counts[RESIDUES] = {0};
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, TIMED_START_MS);
    for (unsigned i = 0; i < NUMBERS; i++) {
        counts[timed_stage_take(&s, 1).first % RESIDUES]++;
        fake_clock_pass(&s.fake, 2);
        timed_stage_renew(&s);
    }
    for (unsigned i = 0; i < RESIDUES; i++) {
        assert_in_range(counts[i], NUMBERS / RESIDUES * 9 / 10, NUMBERS / RESIDUES * 11 / 10);
    }
    timed_stage_close(&s);
}

static void test_timed_block_stays_within_its_tick(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, TIMED_START_MS);
    int64_t before = 0;
    for (uint64_t count = 1; count <= TIMED_TICK; count = count * 3 / 2 + 1) {
        struct block block = timed_stage_take(&s, count);
        struct layout_parts first = layout_decode(&s.layout, block.first);
        struct layout_parts last = layout_decode(&s.layout, block.last);
        assert_true(first.tick == last.tick);
        assert_true(last.counter - first.counter == count - 1);
        assert_true(block.count == count && block.increment == 1 && block.first > before);
        before = block.last;
    }
    timed_stage_close(&s);
}

/* What does not fit behind the counter begins at 0 of the clock's tick, when that is fresh. */
static void test_timed_block_that_does_not_fit_uses_a_fresh_tick_first(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, 100);
    fake_clock_pass(&s.fake, 1);
    struct layout_parts parts = layout_decode(&s.layout, timed_stage_take(&s, TIMED_TICK).first);
    assert_true(parts.time_ms == fake_clock_ms(&s.fake));
    assert_int_equal(parts.counter, 0);
    timed_stage_close(&s);
}

static void test_timed_refuses_more_than_a_tick_holds(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct patient patient = sequence_stage_patient(TIMED_TICK + 1);
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, TIMED_START_MS);
    assert_true(sequence_block_max(s.stage.sequence) == TIMED_TICK);
    assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK + 1, &block), ERR_INVALID);
    assert_int_equal(sequence_take(s.stage.sequence, UINT64_MAX, &block), ERR_INVALID);
    assert_int_equal(sequence_wait(s.stage.sequence, &patient.waiter), ERR_INVALID);
    assert_int_equal(timed_stage_take(&s, TIMED_TICK).count, TIMED_TICK);
    assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK + 1, &block), ERR_INVALID);
    timed_stage_close(&s);
}

/* ---- borrowing ---- */

static void test_timed_borrows_up_to_max_borrow_and_then_waits(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct patient patient = sequence_stage_patient(TIMED_TICK);
    timed_stage_open(&s, timed_stage_borrowing(20), 0, TIMED_START_MS);
    for (int64_t i = 0; i <= 20; i++) {
        struct layout_parts parts =
            layout_decode(&s.layout, timed_stage_take(&s, TIMED_TICK).first);
        assert_true(parts.time_ms == TIMED_START_MS + i);
        timed_stage_renew(&s);
    }
    assert_int_equal(timed_stage_times(&s).borrowed_ms, 20);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_PENDING);
    sequence_stage_join(&s.stage, &patient);
    timed_stage_renew(&s);
    assert_true(sequence_expire(s.stage.sequence, (struct instant){1}));
    assert_int_equal(patient.times_done, 0);
    fake_clock_pass(&s.fake, 1);
    assert_false(sequence_expire(s.stage.sequence, (struct instant){1}));
    assert_int_equal(patient.times_done, 1);
    assert_true(layout_decode(&s.layout, patient.waiter.block.first).time_ms ==
                TIMED_START_MS + 21);
    timed_stage_close(&s);
}

/* Time frees room for the first of those who wait, and somebody else asks at that moment. */
static void test_timed_serves_those_who_wait_in_order_and_nobody_before(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct patient first = sequence_stage_patient(TIMED_TICK);
    struct patient second = sequence_stage_patient(TIMED_TICK);
    struct patient third = sequence_stage_patient(1);
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, TIMED_TICK);
    sequence_stage_join(&s.stage, &first);
    sequence_stage_join(&s.stage, &second);
    fake_clock_pass(&s.fake, 1);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_PENDING);
    sequence_stage_join(&s.stage, &third);
    (void)sequence_expire(s.stage.sequence, (struct instant){1});
    assert_int_equal(first.times_done, 1);
    assert_int_equal(second.times_done + third.times_done, 0);
    assert_int_equal(first.turn, 2);
    fake_clock_pass(&s.fake, 5);
    assert_false(sequence_expire(s.stage.sequence, (struct instant){1}));
    assert_int_equal(second.turn, 3);
    assert_int_equal(third.turn, 4);
    /* Each holds the time at which it came, or the first one free after it: no tick is wasted. */
    assert_true(layout_decode(&s.layout, first.waiter.block.first).time_ms == TIMED_START_MS + 1);
    assert_true(layout_decode(&s.layout, second.waiter.block.first).time_ms == TIMED_START_MS + 2);
    assert_true(layout_decode(&s.layout, third.waiter.block.first).time_ms == TIMED_START_MS + 3);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK); /* the way is free */
    timed_stage_close(&s);
}

static void test_timed_wait_for_time_ends_at_its_deadline(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct patient patient = sequence_stage_patient(TIMED_TICK);
    struct patient gone = sequence_stage_patient(TIMED_TICK);
    patient.waiter.deadline = (struct instant){1000};
    gone.gone = true;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, TIMED_TICK);
    sequence_stage_join(&s.stage, &patient);
    sequence_stage_join(&s.stage, &gone);
    assert_true(sequence_expire(s.stage.sequence, (struct instant){999}));
    fake_clock_pass(&s.fake, 1);
    assert_false(sequence_expire(s.stage.sequence, (struct instant){1000}));
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    sequence_stage_assert_refused(&gone, ERR_UNAVAILABLE);
    assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK, &block),
                     ERR_OK); /* took no number */
    timed_stage_close(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timed_numbers_hold_the_time),
        cmocka_unit_test(test_timed_goes_on_from_the_highest_when_the_clock_steps_back),
        cmocka_unit_test(test_timed_is_not_held_up_by_a_clock_that_leapt),
        cmocka_unit_test(test_timed_counter_rolls_on_over_ticks),
        cmocka_unit_test(test_timed_block_stays_within_its_tick),
        cmocka_unit_test(test_timed_block_that_does_not_fit_uses_a_fresh_tick_first),
        cmocka_unit_test(test_timed_refuses_more_than_a_tick_holds),
        cmocka_unit_test(test_timed_borrows_up_to_max_borrow_and_then_waits),
        cmocka_unit_test(test_timed_serves_those_who_wait_in_order_and_nobody_before),
        cmocka_unit_test(test_timed_wait_for_time_ends_at_its_deadline),
    };
    return cmocka_run_group_tests_name("sequence_timed", tests, NULL, NULL);
}
