/* A timestamp sequence, step by step: the ends of time, the mark, what may be altered, and nodes.
 * */
#include "timed_stage.h"

#include <stdlib.h>

/* ---- both ends of time ---- */

static void test_timed_issues_its_last_tick_and_then_is_exhausted(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct definition definition = timed_stage_borrowing(1000);
    definition.layout.machine_id = definition.layout.node_id = 31;
    int64_t end_ms = layout_end_ms(&definition.layout);
    timed_stage_open(&s, definition, 0, end_ms - 1);
    assert_true(timed_stage_take_one(&s).time_ms == end_ms - 1);
    fake_clock_pass(&s.fake, 1);
    assert_true(timed_stage_take_one(&s).time_ms == end_ms);
    block = timed_stage_take(&s, TIMED_TICK - 2); /* counters 2 to 4095 */
    assert_true(block.last == INT64_MAX);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_EXHAUSTED);
    fake_clock_pass(&s.fake, 1);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_EXHAUSTED);
    assert_true(sequence_stage_describe(&s.stage).exhausted);
    timed_stage_close(&s);
}

/* Nothing is ever reserved there, so a clock that comes back from beyond the end costs nothing. */
static void test_timed_refuses_a_clock_beyond_the_end_and_takes_it_back(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct definition definition = timed_stage_borrowing(1000);
    timed_stage_open(&s, definition, 0, layout_end_ms(&definition.layout) + 1);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_EXHAUSTED);
    assert_false(sequence_stage_plans(&s.stage));
    fake_clock_step(&s.fake, TIMED_START_MS - fake_clock_ms(&s.fake));
    assert_true(timed_stage_take_one(&s).time_ms == TIMED_START_MS);
    timed_stage_close(&s);
}

static void test_timed_end_refuses_those_who_do_not_fit(void **state)
{
    (void)state;
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(0);
    struct patient large = sequence_stage_patient(TIMED_TICK);
    struct patient small = sequence_stage_patient(10);
    timed_stage_open(&s, definition, 0, layout_end_ms(&definition.layout));
    sequence_stage_join(&s.stage, &small);
    sequence_stage_join(&s.stage, &large);
    timed_stage_renew(&s);
    assert_int_equal(small.waiter.error, ERR_OK);
    sequence_stage_assert_refused(&large, ERR_EXHAUSTED);
    timed_stage_close(&s);
}

static void test_timed_issues_nothing_before_its_epoch(void **state)
{
    (void)state;
    static const int64_t early_ms[] = {0, LAYOUT_EPOCH_DEFAULT_MS - 1, LAYOUT_EPOCH_DEFAULT_MS};
    for (size_t i = 0; i < sizeof early_ms / sizeof early_ms[0]; i++) {
        struct timed_stage s;
        struct block block;
        struct patient patient = sequence_stage_patient(1);
        timed_stage_open(&s, timed_stage_borrowing(1000), 0, early_ms[i]);
        assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_UNAVAILABLE);
        assert_int_equal(sequence_wait(s.stage.sequence, &patient.waiter), ERR_UNAVAILABLE);
        assert_false(sequence_stage_plans(&s.stage));
        assert_true(timed_stage_times(&s).before_epoch);
        fake_clock_step(&s.fake, LAYOUT_EPOCH_DEFAULT_MS + 1 - early_ms[i]);
        struct layout_parts parts = timed_stage_take_one(&s);
        assert_true(parts.tick == 1);
        assert_false(timed_stage_times(&s).before_epoch);
        timed_stage_close(&s);
    }
}

/* A clock that has lost its battery: where there is a mark, it goes on from there. */
static void test_timed_goes_on_from_its_mark_before_the_epoch(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), UINT64_C(5000) * TIMED_TICK, 0);
    struct layout_parts parts = timed_stage_take_one(&s);
    assert_true(parts.tick == 5000 && parts.counter == 0);
    timed_stage_close(&s);
}

/* ---- the mark ---- */

/* A start goes on at a whole tick, so that numbers of two lives, with two ids, share none. */
static void test_timed_starts_behind_its_mark_at_a_whole_tick(void **state)
{
    (void)state;
    struct timed_stage s;
    uint64_t tick = (uint64_t)(TIMED_START_MS - LAYOUT_EPOCH_DEFAULT_MS) + 3600000;
    timed_stage_open(&s, timed_stage_borrowing(0), tick * TIMED_TICK + 1, TIMED_START_MS);
    struct layout_parts parts = timed_stage_take_one(&s);
    assert_true(parts.tick == tick + 1 && parts.counter == 0);
    /* The mark is where time stands: it goes on from there at the full rate of the layout. */
    for (unsigned i = 0; i < 3000; i++) {
        fake_clock_pass(&s.fake, 1);
        (void)timed_stage_take(&s, TIMED_TICK);
        timed_stage_renew(&s);
    }
    timed_stage_close(&s);
}

static void test_timed_lease_reaches_ahead_of_the_clock_and_grows_in_use(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, 1);
    assert_true(timed_stage_times(&s).mark_ms == TIMED_START_MS + 250);
    for (unsigned ms = 0; ms < 20000; ms++) {
        fake_clock_pass(&s.fake, 1);
        (void)timed_stage_take(&s, 1);
        timed_stage_renew(&s);
        assert_in_range(timed_stage_times(&s).mark_ms - fake_clock_ms(&s.fake), 1, 3000);
    }
    assert_in_range(timed_stage_times(&s).mark_ms - fake_clock_ms(&s.fake), 1499, 3000);
    /* Idle, it writes nothing; and then it begins anew, small. */
    fake_clock_pass(&s.fake, 3600000);
    assert_false(sequence_stage_has_rung(&s.stage));
    assert_int_equal(sequence_stage_describe(&s.stage).unissued, 0);
    (void)timed_stage_take(&s, 1);
    assert_true(timed_stage_times(&s).mark_ms == fake_clock_ms(&s.fake) + 250);
    timed_stage_close(&s);
}

static void test_timed_lease_never_exceeds_max_gap(void **state)
{
    (void)state;
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(0);
    definition.max_gap = 40 * TIMED_TICK;
    timed_stage_open(&s, definition, 0, TIMED_START_MS);
    for (unsigned ms = 0; ms < 1000; ms++) {
        (void)timed_stage_take(&s, 1);
        timed_stage_renew(&s);
        assert_in_range(sequence_stage_describe(&s.stage).unissued, 1, 40 * TIMED_TICK);
        fake_clock_pass(&s.fake, 1);
    }
    timed_stage_close(&s);
}

static void test_timed_clean_stop_gives_the_rest_back(void **state)
{
    (void)state;
    struct timed_stage s;
    struct store_return rest;
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, TIMED_START_MS);
    struct layout_parts parts = layout_decode(&s.layout, timed_stage_take(&s, 10).last);
    sequence_close(s.stage.sequence);
    assert_true(sequence_settle(s.stage.sequence, &rest));
    assert_true(rest.mark == parts.tick * TIMED_TICK + 10);
    assert_true(rest.lease_limit == s.stage.mark);
    timed_stage_close(&s);
}

/* A commit failed after it had perhaps moved the mark far: the next lease is for what lies behind.
 * */
static void test_timed_renews_behind_what_was_burnt(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(0), 0, TIMED_START_MS);
    (void)timed_stage_take(&s, 1);
    fake_clock_pass(&s.fake, 200);
    (void)timed_stage_take(&s, 1); /* and calls for the next lease */
    struct store_request request = sequence_stage_must_plan(&s.stage);
    uint64_t burnt_limit = request.floor + 5000 * TIMED_TICK;
    sequence_stage_burn(&s.stage, request, burnt_limit);
    request = sequence_stage_must_plan(&s.stage);
    assert_true(request.floor == burnt_limit);
    assert_in_range(request.count, 2 * TIMED_TICK, 3000 * TIMED_TICK);
    timed_stage_close(&s);
}

/* ---- what may be altered ---- */

static void test_timed_other_ids_begin_a_tick_of_their_own(void **state)
{
    (void)state;
    struct timed_stage s;
    struct definition definition = timed_stage_borrowing(1000);
    definition.layout.node_id = 9;
    timed_stage_open(&s, definition, 0, TIMED_START_MS);
    int64_t last = timed_stage_take(&s, 1).first;
    struct layout_parts before = layout_decode(&s.layout, last);
    for (uint32_t node = 9; node-- > 0;) { /* each smaller than the one before */
        definition.layout.node_id = node;
        definition.layout.machine_id = node;
        sequence_stage_alter(&s.stage, definition);
        struct block block = timed_stage_take(&s, 1);
        struct layout_parts parts = layout_decode(&s.layout, block.first);
        assert_true(block.first > last && parts.tick == before.tick + 1);
        assert_int_equal(parts.node, node);
        assert_int_equal(parts.machine, node);
        last = block.first;
        before = parts;
        timed_stage_renew(&s);
    }
    timed_stage_close(&s);
}

static void test_timed_max_borrow_can_be_altered(void **state)
{
    (void)state;
    struct timed_stage s;
    struct block block;
    struct definition definition = timed_stage_borrowing(0);
    timed_stage_open(&s, definition, 0, TIMED_START_MS);
    (void)timed_stage_take(&s, TIMED_TICK);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_PENDING);
    definition.layout.max_borrow_ms = 5;
    sequence_stage_alter(&s.stage, definition);
    assert_int_equal(sequence_take(s.stage.sequence, 1, &block), ERR_OK);
    timed_stage_close(&s);
}

/* ---- what is said of it ---- */

static void test_timed_describe_counts_numbers_and_not_positions(void **state)
{
    (void)state;
    struct timed_stage s;
    timed_stage_open(&s, timed_stage_borrowing(1000), 0, TIMED_START_MS);
    for (unsigned i = 0; i < 50; i++) {
        (void)timed_stage_take(&s, 3);
        fake_clock_pass(&s.fake, 10);
        timed_stage_renew(&s);
    }
    struct sequence_status status = sequence_stage_describe(&s.stage);
    assert_int_equal(status.issued, 150);
    assert_true(status.times.clock_ms == fake_clock_ms(&s.fake));
    assert_true(status.times.next_ms == fake_clock_ms(&s.fake));
    assert_true(status.times.end_ms == layout_end_ms(&s.layout));
    assert_int_equal(status.times.borrowed_ms, 0);
    assert_true(status.unissued <= status.definition.max_gap);
    fake_clock_step(&s.fake, -5000);
    status = sequence_stage_describe(&s.stage);
    assert_int_equal(status.times.borrowed_ms, 4990);
    timed_stage_close(&s);
}

/* ---- eight nodes ---- */

static int by_first(const void *a, const void *b)
{
    const struct block *left = a;
    const struct block *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

/* A second's worth of each, in blocks of all sizes; merged, no two blocks touch the same number. */
static void test_timed_eight_nodes_never_meet(void **state)
{
    (void)state;
    enum {
        NODES = 8,
        BLOCKS = 40000
    };
    struct block *blocks = calloc((size_t)NODES * BLOCKS, sizeof *blocks);
    assert_non_null(blocks);
    size_t count = 0;
    for (uint32_t node = 0; node < NODES; node++) {
        struct timed_stage s;
        struct definition definition = timed_stage_borrowing(1000);
        uint64_t issued = 0;
        definition.layout.machine_id = node / 4;
        definition.layout.node_id = node % 4;
        timed_stage_open(&s, definition, 0, TIMED_START_MS);
        for (unsigned i = 0; issued < 1000 * TIMED_TICK; i++) {
            uint64_t size = i % 8 == 0 ? TIMED_TICK : 1 + (i * 37) % 50;
            assert_true(count < (size_t)NODES * BLOCKS);
            blocks[count++] = timed_stage_take(&s, size);
            issued += size;
            timed_stage_renew(&s);
            fake_clock_pass(&s.fake, i % 8 == 0 ? 1 : 0);
        }
        timed_stage_close(&s);
    }
    qsort(blocks, count, sizeof *blocks, by_first);
    for (size_t i = 1; i < count; i++) {
        assert_true(blocks[i].first > blocks[i - 1].last);
    }
    free(blocks);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timed_issues_its_last_tick_and_then_is_exhausted),
        cmocka_unit_test(test_timed_refuses_a_clock_beyond_the_end_and_takes_it_back),
        cmocka_unit_test(test_timed_end_refuses_those_who_do_not_fit),
        cmocka_unit_test(test_timed_issues_nothing_before_its_epoch),
        cmocka_unit_test(test_timed_goes_on_from_its_mark_before_the_epoch),
        cmocka_unit_test(test_timed_starts_behind_its_mark_at_a_whole_tick),
        cmocka_unit_test(test_timed_lease_reaches_ahead_of_the_clock_and_grows_in_use),
        cmocka_unit_test(test_timed_lease_never_exceeds_max_gap),
        cmocka_unit_test(test_timed_clean_stop_gives_the_rest_back),
        cmocka_unit_test(test_timed_renews_behind_what_was_burnt),
        cmocka_unit_test(test_timed_other_ids_begin_a_tick_of_their_own),
        cmocka_unit_test(test_timed_max_borrow_can_be_altered),
        cmocka_unit_test(test_timed_describe_counts_numbers_and_not_positions),
        cmocka_unit_test(test_timed_eight_nodes_never_meet),
    };
    return cmocka_run_group_tests_name("timed_mark", tests, NULL, NULL);
}
