/* A sequence, step by step, where something ends or comes too late: the last position, the close
 * while a commit runs, the end of time, and a clock that falls behind the epoch. */
#include "timed_stage.h"

#include "base/range.h"

/* ---- counters ---- */

static void test_sequence_free_accepts_null(void **state)
{
    (void)state;
    sequence_free(NULL);
}

/* The lease is as large as was asked and ends where the sequence does: that was the last one. */
static void test_sequence_knows_its_end_by_the_limit_of_a_whole_lease(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct patient patient = sequence_stage_patient(10);
    struct definition definition = sequence_stage_ending_at(10);
    definition.durability = DURABILITY_EVERY;
    sequence_stage_open_with(&f, definition, 0);
    sequence_stage_join(&f, &patient);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 0, 10);
    sequence_stage_assert_granted(&patient, 1, 10);
    assert_true(sequence_stage_describe(&f).exhausted);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    assert_false(sequence_stage_plans(&f));
    assert_int_equal(sequence_left(f.sequence), 0);
    sequence_stage_close_all(&f);
}

/* Moved past all of its numbers: nothing is left, though the store has not said so yet. */
static void test_sequence_advanced_to_its_capacity_has_nothing_left(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_entry entry = {.mark = 1000, .generation = 9};
    sequence_stage_open_with(&f, sequence_stage_ending_at(1000), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_left(f.sequence), 1000);
    sequence_advance(f.sequence, 1000, &entry);
    assert_int_equal(sequence_left(f.sequence), 0);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    assert_int_equal(sequence_take(f.sequence, UINT64_MAX, &block), ERR_EXHAUSTED);
    sequence_stage_close_all(&f);
}

/* 2^35 numbers in two seconds: their product with nanoseconds does not fit 64 bits. */
static void test_sequence_lease_follows_a_rate_beyond_64_bits_of_nanoseconds(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    uint64_t many = UINT64_C(1) << 35;
    sequence_stage_open_with(&f, sequence_stage_with_gap(many), 0);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 0, 100);
    struct patient patient = sequence_stage_patient(many);
    sequence_stage_join(&f, &patient);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, many);
    assert_int_equal(patient.waiter.error, ERR_OK);
    assert_int_equal(sequence_take(f.sequence, 100, &block), ERR_OK);
    f.now = clock_after(f.now, 2 * CLOCK_NS_PER_S);
    (void)sequence_stage_must_plan(&f);
    assert_in_range(sequence_stage_describe(&f).rate, many / 2 / 10 * 9, many / 2 / 10 * 11);
    sequence_stage_close_all(&f);
}

static struct store_request plan_and_close(struct stage *f)
{
    struct store_request request = sequence_stage_must_plan(f);
    sequence_close(f->sequence);
    return request;
}

/* The sequence had come to its end meanwhile. */
static void test_sequence_settles_as_before_when_nothing_came_after_the_close(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_take(f.sequence, 6, &block), ERR_OK);
    sequence_stage_publish_at(&f, plan_and_close(&f), 10, 0);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 6);
    assert_int_equal(rest.lease_limit, 10);
    sequence_stage_close_all(&f);
}

/* A lease [0, 10) with 6 taken, a spare [100, 110), and a commit for somebody who needs more. */
static struct store_request close_with_a_spare(struct stage *f)
{
    struct block block;
    sequence_stage_open_with(f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(f);
    assert_int_equal(sequence_take(f->sequence, 6, &block), ERR_OK);
    sequence_stage_publish_at(f, sequence_stage_must_plan(f), 100, 10);
    struct patient patient = sequence_stage_patient(50);
    sequence_stage_join(f, &patient);
    struct store_request request = plan_and_close(f);
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    return request;
}

static void test_sequence_settles_the_spare_and_what_continued_it_after_the_close(void **state)
{
    (void)state;
    struct stage f;
    struct store_return rest;
    sequence_stage_publish_at(&f, close_with_a_spare(&f), 110, 50);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 100);
    assert_int_equal(rest.lease_limit, 160);
    sequence_stage_close_all(&f);
}

/* The store's mark has moved on beyond the spare: it is lost. */
static void test_sequence_settles_only_the_last_lease_where_it_stands_apart(void **state)
{
    (void)state;
    struct stage f;
    struct store_return rest;
    sequence_stage_publish_at(&f, close_with_a_spare(&f), 200, 50);
    assert_int_equal(sequence_stage_describe(&f).burnt, 10);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 200);
    assert_int_equal(rest.lease_limit, 250);
    sequence_stage_close_all(&f);
}

/* Nor does it move for a lease of nothing, wherever that would have begun. */
static void test_sequence_settles_the_spare_when_nothing_came_after_the_close(void **state)
{
    (void)state;
    struct stage f;
    struct store_return rest;
    sequence_stage_publish_at(&f, close_with_a_spare(&f), 200, 0);
    assert_int_equal(sequence_stage_describe(&f).burnt, 0);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 100);
    assert_int_equal(rest.lease_limit, 110);
    sequence_stage_close_all(&f);
}

/* A lease [0, 10) with 6 taken, a spare [100, 110): moved before it, to it, and into it. */
static void test_sequence_advanced_into_its_spare_keeps_the_rest_of_it(void **state)
{
    (void)state;
    static const struct {
        uint64_t position;
        int64_t next; /* number */
        uint64_t burnt;
    } moves[] = {{50, 101, 4}, {100, 101, 4}, {105, 106, 9}};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct stage f;
        struct block block;
        struct store_entry entry = {.mark = 110, .generation = 9};
        sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
        sequence_stage_renew(&f);
        assert_int_equal(sequence_take(f.sequence, 6, &block), ERR_OK);
        sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 10);
        sequence_advance(f.sequence, moves[i].position, &entry);
        assert_int_equal(sequence_stage_describe(&f).burnt, moves[i].burnt);
        assert_int_equal(sequence_stage_take_one(&f), moves[i].next);
        sequence_stage_close_all(&f);
    }
}

/* Its numbers belong to the floor of its name by then. */
static void test_sequence_retired_settles_nothing(void **state)
{
    (void)state;
    struct stage f;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    sequence_retire(f.sequence, ERR_NOT_FOUND);
    assert_false(sequence_settle(f.sequence, &rest));
    sequence_stage_close_all(&f);
}

/* What a forecast goes by: numbers of a counter, and time of a timestamp sequence. */
static void test_sequence_pace_is_that_of_numbers_or_of_time(void **state)
{
    (void)state;
    struct sequence_status status = {.definition = definition_default(), .rate = 42};
    assert_int_equal(sequence_pace(&status), 42);
    status.definition = definition_default_timestamp();
    assert_int_equal(sequence_pace(&status), 1000 * TIMED_TICK);
    status.definition.layout.unit_ms = 10;
    assert_int_equal(sequence_pace(&status), 100 * TIMED_TICK);
}

/* ---- timestamps ---- */

/* All that is leased lies in the future of a clock that falls back before any number was issued. */
static void test_timed_refuses_a_clock_that_falls_behind_the_epoch(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, LAYOUT_EPOCH_DEFAULT_MS + 1);
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&s.stage, &patient);
    patient.gone = true; /* the lease comes, and nobody takes of it */
    struct store_request request = {.name = "orders", .count = 1000 * TIMED_TICK};
    sequence_stage_publish_at(&s.stage, request, 0, request.count);
    assert_int_equal(patient.waiter.error, ERR_UNAVAILABLE);
    fake_clock_step(&s.fake, -1000);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_UNAVAILABLE);
    fake_clock_step(&s.fake, 1000);
    assert_true(timed_stage_take_one(&s).tick == 1);
    timed_stage_close(&s);
}

/* In the last lease that there is: whoever waits for time gets it, and the rest are refused. */
static void test_timed_waits_for_time_in_its_last_lease(void **state)
{
    (void)state;
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(0);
    struct patient patients[3];
    timed_stage_open(&s, definition, 0, layout_end_ms(&definition.layout) - 1);
    assert_int_equal(timed_stage_take(&s, TIMED_TICK).count, TIMED_TICK);
    assert_true(sequence_stage_describe(&s.stage).exhausted);
    for (size_t i = 0; i < 3; i++) {
        patients[i] = sequence_stage_patient(TIMED_TICK / 2 + (i == 2 ? 1 : 0));
        sequence_stage_join(&s.stage, &patients[i]);
    }
    (void)sequence_stage_has_rung(&s.stage);
    assert_true(sequence_expire(s.stage.sequence, s.stage.now));
    assert_int_equal(patients[0].times_done, 0);
    assert_false(sequence_stage_has_rung(&s.stage)); /* the store has no more to give */
    assert_false(sequence_stage_plans(&s.stage));
    fake_clock_pass(&s.fake, 1);
    assert_false(sequence_expire(s.stage.sequence, s.stage.now));
    assert_int_equal(patients[0].waiter.error, ERR_OK);
    assert_int_equal(patients[1].waiter.error, ERR_OK);
    struct layout_parts parts = layout_decode(&s.layout, patients[1].waiter.block.last);
    assert_true(parts.time_ms == layout_end_ms(&s.layout) && parts.counter == TIMED_TICK - 1);
    sequence_stage_assert_refused(&patients[2], ERR_EXHAUSTED);
    timed_stage_close(&s);
}

/* A client that went while it waited for time takes no number from who comes behind it. */
static void test_timed_gives_no_number_to_a_client_that_has_gone(void **state)
{
    (void)state;
    struct timed_stage s;
    struct patient gone = sequence_stage_patient(TIMED_TICK);
    struct patient patient = sequence_stage_patient(TIMED_TICK);
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, TIMED_TICK);
    sequence_stage_join(&s.stage, &gone);
    sequence_stage_join(&s.stage, &patient);
    gone.gone = true;
    fake_clock_pass(&s.fake, 1);
    assert_false(sequence_expire(s.stage.sequence, s.stage.now));
    sequence_stage_assert_refused(&gone, ERR_UNAVAILABLE);
    assert_int_equal(patient.waiter.error, ERR_OK);
    assert_true(layout_decode(&s.layout, patient.waiter.block.first).time_ms == TIMED_START_MS + 1);
    timed_stage_close(&s);
}

/* Time goes on from the number that it was moved past, within the lease and beyond it, also where
 * the clock stands before it and nothing may be borrowed. */
static void test_timed_advanced_goes_on_behind_the_number(void **state)
{
    (void)state;
    static const uint64_t ahead_ms[] = {100, 5000};
    for (size_t i = 0; i < sizeof ahead_ms / sizeof ahead_ms[0]; i++) {
        struct timed_stage s;
        timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
        (void)timed_stage_take(&s, 1);
        uint64_t tick = (uint64_t)(TIMED_START_MS - LAYOUT_EPOCH_DEFAULT_MS) + ahead_ms[i];
        struct store_entry entry = {.mark = range_max(tick * TIMED_TICK + 7, s.stage.mark),
                                    .generation = 9};
        sequence_advance(s.stage.sequence, tick * TIMED_TICK + 7, &entry);
        s.stage.mark = entry.mark;
        struct layout_parts parts = timed_stage_take_one(&s);
        assert_true(parts.tick == tick && parts.counter == 7);
        fake_clock_pass(&s.fake, 1);
        assert_true(timed_stage_take(&s, TIMED_TICK).count == TIMED_TICK);
        timed_stage_close(&s);
    }
}

/* The spare ends where the sequence does: who waits for time in the lease gets it there, who needs
 * more goes on in the spare. */
static void test_timed_waits_for_time_before_its_last_spare(void **state)
{
    (void)state;
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(0);
    struct patient small = sequence_stage_patient(5);
    struct patient large = sequence_stage_patient(200);
    timed_stage_open(&s, definition, 0, layout_end_ms(&definition.layout) - 1);
    uint64_t capacity = sequence_stage_describe(&s.stage).capacity;
    uint64_t first = capacity - 2 * TIMED_TICK;
    struct store_request request = {.name = "orders", .count = TIMED_TICK + 10};
    sequence_stage_publish_at(&s.stage, request, first, request.count);
    assert_int_equal(timed_stage_take(&s, TIMED_TICK).count, TIMED_TICK);
    sequence_stage_join(&s.stage, &small);
    sequence_stage_join(&s.stage, &large);
    request.count = capacity - (first + TIMED_TICK + 100);
    sequence_stage_publish_at(&s.stage, request, first + TIMED_TICK + 100, request.count);
    assert_true(sequence_stage_describe(&s.stage).exhausted);
    (void)sequence_stage_has_rung(&s.stage);
    assert_true(sequence_expire(s.stage.sequence, s.stage.now));
    assert_int_equal(small.times_done + large.times_done, 0);
    fake_clock_pass(&s.fake, 1);
    assert_false(sequence_expire(s.stage.sequence, s.stage.now));
    assert_int_equal(layout_decode(&s.layout, small.waiter.block.first).counter, 0);
    assert_int_equal(large.waiter.error, ERR_OK);
    assert_int_equal(layout_decode(&s.layout, large.waiter.block.first).counter, 100);
    assert_false(sequence_stage_has_rung(&s.stage));
    timed_stage_close(&s);
}

/* What was under way when it was closed comes back, and calls for nothing more. */
static void test_timed_closed_calls_the_keeper_no_more(void **state)
{
    (void)state;
    struct timed_stage s;
    struct patient patient = sequence_stage_patient(1);
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    sequence_stage_join(&s.stage, &patient);
    assert_true(sequence_stage_has_rung(&s.stage));
    struct store_request request = sequence_stage_must_plan(&s.stage);
    sequence_close(s.stage.sequence);
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    sequence_stage_publish_at(&s.stage, request, request.floor, request.count);
    assert_false(sequence_stage_has_rung(&s.stage));
    assert_false(sequence_stage_plans(&s.stage));
    timed_stage_close(&s);
}

/* As a reload may do it while everything is being closed: nothing is issued by it. */
static void test_timed_closed_takes_other_ids_and_issues_nothing(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct store_return rest;
    struct definition definition = timed_stage_borrowing(0);
    timed_stage_open(&s, definition, 0, TIMED_START_MS);
    (void)timed_stage_take(&s, 1);
    uint64_t limit = s.stage.mark;
    sequence_close(s.stage.sequence);
    assert_false(sequence_stage_plans(&s.stage));
    definition.layout.node_id = 7;
    sequence_stage_alter(&s.stage, definition);
    assert_int_equal(sequence_stage_describe(&s.stage).definition.layout.node_id, 7);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_UNAVAILABLE);
    assert_true(sequence_settle(s.stage.sequence, &rest));
    assert_int_equal(rest.lease_limit, limit);
    timed_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_free_accepts_null),
        cmocka_unit_test(test_sequence_knows_its_end_by_the_limit_of_a_whole_lease),
        cmocka_unit_test(test_sequence_advanced_to_its_capacity_has_nothing_left),
        cmocka_unit_test(test_sequence_lease_follows_a_rate_beyond_64_bits_of_nanoseconds),
        cmocka_unit_test(test_sequence_settles_as_before_when_nothing_came_after_the_close),
        cmocka_unit_test(test_sequence_settles_the_spare_and_what_continued_it_after_the_close),
        cmocka_unit_test(test_sequence_settles_only_the_last_lease_where_it_stands_apart),
        cmocka_unit_test(test_sequence_settles_the_spare_when_nothing_came_after_the_close),
        cmocka_unit_test(test_sequence_advanced_into_its_spare_keeps_the_rest_of_it),
        cmocka_unit_test(test_sequence_retired_settles_nothing),
        cmocka_unit_test(test_sequence_pace_is_that_of_numbers_or_of_time),
        cmocka_unit_test(test_timed_refuses_a_clock_that_falls_behind_the_epoch),
        cmocka_unit_test(test_timed_waits_for_time_in_its_last_lease),
        cmocka_unit_test(test_timed_waits_for_time_before_its_last_spare),
        cmocka_unit_test(test_timed_gives_no_number_to_a_client_that_has_gone),
        cmocka_unit_test(test_timed_advanced_goes_on_behind_the_number),
        cmocka_unit_test(test_timed_closed_calls_the_keeper_no_more),
        cmocka_unit_test(test_timed_closed_takes_other_ids_and_issues_nothing),
    };
    return cmocka_run_group_tests_name("sequence_edges", tests, NULL, NULL);
}
