/* A timestamp sequence after a pause: its next lease begins at the mark, long ago, and issues
 * nothing before the time at which it was planned, whatever the clock does then. The ledger says so
 * of it. */
#include "timed_stage.h"

#define HOUR_MS INT64_C(3600000)

static uint64_t position_of(const struct timed_stage *s, int64_t number)
{
    struct layout_parts parts = layout_decode(&s->layout, number);
    return parts.tick << s->layout.counter_bits | parts.counter;
}

static uint64_t present(struct timed_stage *s)
{
    return (uint64_t)(fake_clock_ms(&s->fake) - LAYOUT_EPOCH_DEFAULT_MS) * TIMED_TICK;
}

/* One number was issued, an hour ago. */
static void open_and_pause(struct timed_stage *s, struct definition definition)
{
    timed_stage_open(s, definition, 0, TIMED_START_MS);
    (void)timed_stage_take(s, 1);
    fake_clock_pass(&s->fake, HOUR_MS);
    s->stage.now = s->fake.clock.monotonic(&s->fake.clock);
}

static void publish(struct timed_stage *s, const struct store_request *request)
{
    sequence_stage_publish_at(&s->stage, *request, request->floor, request->count);
}

static void test_timed_lease_is_issued_from_where_it_was_planned(void **state)
{
    (void)state;
    struct timed_stage s;
    struct patient patient = sequence_stage_patient(1);
    struct block block;
    open_and_pause(&s, timed_stage_borrowing(1000));
    sequence_stage_join(&s.stage, &patient);
    uint64_t from = present(&s);
    struct store_request request = sequence_stage_must_plan(&s.stage);
    assert_true(request.from == from && request.floor < from);
    fake_clock_step(&s.fake, -HOUR_MS / 2); /* while it is committed */
    publish(&s, &request);
    assert_int_equal(patient.times_done, 1);
    assert_int_equal(patient.waiter.error, ERR_OK);
    assert_true(position_of(&s, patient.waiter.block.first) >= from);
    for (int i = 0; i < 100; i++) { /* nobody has to wait: this time has been */
        assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK);
        assert_true(position_of(&s, block.first) >= from);
    }
    timed_stage_close(&s);
}

/* What is left of the old lease may be taken until the new one is there, by a clock that stepped
 * back; then no more. */
static void test_timed_lease_leaves_nothing_open_behind_it(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    open_and_pause(&s, timed_stage_borrowing(1000));
    struct store_request request = sequence_stage_must_plan(&s.stage);
    fake_clock_step(&s.fake, -HOUR_MS);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK);
    assert_true(position_of(&s, block.first) < request.floor); /* of the old one */
    publish(&s, &request);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK);
    assert_true(position_of(&s, block.first) >= request.from);
    timed_stage_close(&s);
}

static void test_timed_lease_ahead_of_the_clock_is_issued_whole(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    timed_stage_open(&s, timed_stage_borrowing(5000), 0, TIMED_START_MS);
    int64_t first = timed_stage_take(&s, TIMED_TICK).first;
    fake_clock_pass(&s.fake, 200);
    fake_clock_step(&s.fake, -200);
    s.stage.now = s.fake.clock.monotonic(&s.fake.clock);
    uint64_t left = sequence_stage_describe(&s.stage).unissued;
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK);
    while (left > TIMED_TICK) { /* all that is leased, so that another is due */
        assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK, &block), ERR_OK);
        left = sequence_stage_describe(&s.stage).unissued;
    }
    struct store_request request = sequence_stage_must_plan(&s.stage);
    assert_true(request.from == position_of(&s, first) && request.from < request.floor);
    publish(&s, &request);
    struct block next;
    assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK, &next), ERR_OK);
    assert_true(position_of(&s, next.first) == position_of(&s, block.last) + 1);
    timed_stage_close(&s);
}

/* The low bits go on over pauses as over ticks, so that they are even. */
static void test_timed_counter_rolls_on_over_pauses(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    for (uint64_t i = 0; i < 2 * TIMED_TICK; i++) {
        struct layout_parts parts = timed_stage_take_one(&s);
        assert_true(parts.counter == i % TIMED_TICK);
        assert_true(parts.time_ms == fake_clock_ms(&s.fake));
        fake_clock_pass(&s.fake, 10000);
    }
    timed_stage_close(&s);
}

/* With no lease ahead each request is a commit, and not two: it asks for what it will get. */
static void test_timed_every_request_is_one_commit(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 1, TIMED_TICK, 3, TIMED_TICK - 1, TIMED_TICK, 7};
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(1000);
    definition.durability = DURABILITY_EVERY;
    timed_stage_open(&s, definition, 0, TIMED_START_MS);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct patient patient = sequence_stage_patient(counts[i]);
        struct patient second = sequence_stage_patient(counts[i]);
        sequence_stage_join(&s.stage, &patient);
        sequence_stage_join(&s.stage, &second);
        timed_stage_renew(&s);
        assert_int_equal(patient.times_done, 1);
        assert_int_equal(second.times_done, 1);
        assert_int_equal(second.waiter.error, ERR_OK);
        assert_int_equal(sequence_stage_describe(&s.stage).unissued, 0);
        fake_clock_pass(&s.fake, i % 2 == 0 ? 1 : HOUR_MS);
    }
    timed_stage_close(&s);
}

/* Set aside, for somebody has still time in the old one: what is over goes off it at once. */
static void test_timed_spare_is_issued_from_where_it_was_planned(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct store_return rest;
    open_and_pause(&s, timed_stage_borrowing(1000));
    struct store_request request = sequence_stage_must_plan(&s.stage);
    sequence_stage_publish_at(&s.stage, request, request.floor + 5, request.count);
    fake_clock_step(&s.fake, -HOUR_MS);
    uint64_t last = 0;
    while (last < request.from) {
        assert_int_equal(sequence_take(s.stage.sequence, TIMED_TICK, &block), ERR_OK);
        last = position_of(&s, block.first);
        assert_true(last < request.floor || last >= request.from);
    }
    sequence_close(s.stage.sequence);
    assert_true(sequence_settle(s.stage.sequence, &rest));
    assert_true(rest.mark > request.from && rest.lease_limit == s.stage.mark);
    timed_stage_close(&s);
}

/* A clock beyond the end may come back: it says nothing of the time that has been. */
static void test_timed_plan_believes_no_clock_beyond_the_end(void **state)
{
    (void)state;
    struct timed_stage s;
    struct patient patient = sequence_stage_patient(1);
    struct definition definition = timed_stage_borrowing(0);
    open_and_pause(&s, definition);
    sequence_stage_join(&s.stage, &patient);
    fake_clock_step(&s.fake, layout_end_ms(&definition.layout) + 1 - fake_clock_ms(&s.fake));
    struct store_request request = sequence_stage_must_plan(&s.stage);
    assert_true(request.from == 0);
    fake_clock_step(&s.fake, TIMED_START_MS + HOUR_MS - fake_clock_ms(&s.fake));
    publish(&s, &request);
    assert_int_equal(patient.waiter.error, ERR_OK);
    assert_true(layout_decode(&s.layout, patient.waiter.block.first).time_ms ==
                TIMED_START_MS + HOUR_MS);
    timed_stage_close(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timed_lease_is_issued_from_where_it_was_planned),
        cmocka_unit_test(test_timed_lease_leaves_nothing_open_behind_it),
        cmocka_unit_test(test_timed_lease_ahead_of_the_clock_is_issued_whole),
        cmocka_unit_test(test_timed_counter_rolls_on_over_pauses),
        cmocka_unit_test(test_timed_every_request_is_one_commit),
        cmocka_unit_test(test_timed_spare_is_issued_from_where_it_was_planned),
        cmocka_unit_test(test_timed_plan_believes_no_clock_beyond_the_end),
    };
    return cmocka_run_group_tests_name("timed from", tests, NULL, NULL);
}
