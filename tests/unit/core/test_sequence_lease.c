/* How much is leased and when, and what is given back at the clean stop. */
#include "sequence_stage.h"

/* ---- how much is leased, and when ---- */

static void test_sequence_holds_at_most_max_gap(void **state)
{
    (void)state;
    const uint64_t gaps[] = {1, 2, 3, 7, 100};
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        struct stage f;
        sequence_stage_open_with(&f, sequence_stage_with_gap(gaps[i]), 0);
        int64_t expected = 1;
        for (unsigned turn = 0; turn < 50; turn++) {
            struct store_request request;
            while (sequence_plan(f.sequence, f.now, &request)) {
                sequence_stage_publish_at(&f, request, f.mark, request.count);
                assert_in_range(sequence_stage_describe(&f).unissued, 1, gaps[i]);
            }
            f.now = clock_after(f.now, CLOCK_NS_PER_MS);
            assert_int_equal(sequence_stage_take_one(&f), expected++);
        }
        sequence_stage_close_all(&f);
    }
}

/* Blocks that jump over the threshold must not jump over the renewal. */
static void test_sequence_calls_its_keeper_when_a_block_jumps_over_the_threshold(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(100), 0);
    sequence_stage_renew(&f);
    (void)sequence_stage_has_rung(&f);
    assert_int_equal(sequence_take(f.sequence, 49, &block), ERR_OK);
    assert_false(sequence_stage_has_rung(&f));
    assert_int_equal(sequence_take(f.sequence, 31, &block), ERR_OK);
    assert_true(sequence_stage_has_rung(&f));
    sequence_stage_close_all(&f);
}

static void test_sequence_renews_ahead_of_need(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    (void)sequence_stage_has_rung(&f);
    for (unsigned taken = 1; taken <= 4; taken++) {
        (void)sequence_stage_take_one(&f);
        assert_false(sequence_stage_has_rung(&f));
    }
    (void)sequence_stage_take_one(&f);
    assert_true(sequence_stage_has_rung(&f));
    sequence_stage_renew(&f);
    for (int64_t expected = 6; expected <= 20; expected++) {
        assert_int_equal(sequence_stage_take_one(&f),
                         expected); /* nobody had to wait at the seam */
    }
    sequence_stage_close_all(&f);
}

/* A lease holds about a second's worth of numbers. */
static void test_sequence_lease_follows_the_rate(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_with_gap(1000000), 0);
    for (unsigned i = 0; i < 20; i++) {
        struct store_request request;
        if (sequence_plan(f.sequence, f.now, &request)) {
            sequence_stage_publish_at(&f, request, f.mark, request.count);
        }
        f.now = clock_after(f.now, 10 * CLOCK_NS_PER_MS);
        assert_int_equal(
            sequence_take(f.sequence, range_min(sequence_stage_describe(&f).unissued, 500), &block),
            ERR_OK);
    }
    assert_in_range(sequence_stage_describe(&f).lease_size, 25000,
                    100000); /* 500 in 10 ms are 50,000 in a second */
    sequence_stage_close_all(&f);
}

static void test_sequence_lease_doubles_when_somebody_had_to_wait(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_with_gap(1000000), 0);
    uint64_t before = sequence_stage_describe(&f).lease_size;
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&f, &patient);
    (void)sequence_stage_must_plan(&f);
    assert_int_equal(sequence_stage_describe(&f).lease_size, 2 * before);
    sequence_stage_close_all(&f);
}

static void test_sequence_lease_shrinks_when_it_grows_quiet(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_with_gap(1000000), 0);
    for (unsigned i = 0; i < 20; i++) {
        sequence_stage_renew(&f);
        struct block block;
        assert_int_equal(sequence_take(f.sequence, sequence_stage_describe(&f).unissued, &block),
                         ERR_OK);
        f.now = clock_after(f.now, 3600 * CLOCK_NS_PER_S);
    }
    assert_in_range(sequence_stage_describe(&f).lease_size, 1, 2);
    sequence_stage_close_all(&f);
}

static void test_sequence_fixed_lease_is_kept(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(25), 0);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sequence_stage_must_plan(&f).count, 25);
        f.now = clock_after(f.now, CLOCK_NS_PER_S);
    }
    sequence_stage_close_all(&f);
}

static void test_sequence_every_leases_exactly_what_waits(void **state)
{
    (void)state;
    struct stage f;
    struct definition definition = definition_default();
    definition.durability = DURABILITY_EVERY;
    sequence_stage_open_with(&f, definition, 0);
    struct patient a = sequence_stage_patient(2);
    struct patient b = sequence_stage_patient(3);
    sequence_stage_join(&f, &a);
    sequence_stage_join(&f, &b);
    struct store_request request = sequence_stage_must_plan(&f);
    assert_int_equal(request.count, 5);
    sequence_stage_publish_at(&f, request, 0, 5);
    sequence_stage_assert_granted(&a, 1, 2);
    sequence_stage_assert_granted(&b, 3, 5);
    assert_int_equal(sequence_stage_describe(&f).unissued, 0);
    sequence_stage_assert_must_wait(&f, 1);
    assert_false(sequence_stage_plans(&f));
    sequence_stage_close_all(&f);
}

static void test_sequence_altered_to_every_leases_nothing_ahead(void **state)
{
    (void)state;
    struct stage f;
    struct definition definition = sequence_stage_fixed_lease(2);
    sequence_stage_open_with(&f, definition, 0);
    sequence_stage_renew(&f);
    definition.durability = DURABILITY_EVERY;
    sequence_alter(f.sequence, &(struct store_entry){.definition = definition});
    assert_int_equal(sequence_stage_take_one(&f), 1); /* durable already */
    assert_int_equal(sequence_stage_take_one(&f), 2);
    assert_false(sequence_stage_plans(&f));
    sequence_stage_close_all(&f);
}

/* ---- the clean stop ---- */

static void test_sequence_closed_issues_nothing_and_settles_its_rest(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    sequence_close(f.sequence);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_UNAVAILABLE);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_string_equal(rest.name, "orders");
    assert_int_equal(rest.mark, 1);
    assert_int_equal(rest.lease_limit, 10);
    assert_int_equal(rest.generation, 7);
    sequence_stage_close_all(&f);
}

static void test_sequence_closed_ends_every_wait(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&f, &patient);
    sequence_close(f.sequence);
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    struct patient late = sequence_stage_patient(1);
    assert_int_equal(sequence_wait(f.sequence, &late.waiter), ERR_UNAVAILABLE);
    sequence_stage_close_all(&f);
}

static void test_sequence_with_nothing_leased_settles_nothing(void **state)
{
    (void)state;
    struct stage f;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    sequence_close(f.sequence);
    assert_false(sequence_settle(f.sequence, &rest));
    sequence_stage_close_all(&f);
}

/* The commit came back after the close: nobody gets its numbers, all of them are given back. */
static void test_sequence_settles_a_lease_that_came_after_the_close(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_take(f.sequence, 6, &block), ERR_OK);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_close(f.sequence);
    sequence_stage_publish_at(&f, request, 10, request.count);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_UNAVAILABLE);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 6);
    assert_int_equal(rest.lease_limit, 20);
    sequence_stage_close_all(&f);
}

/* A shared store has moved beyond the older lease: only the newest can be given back. */
static void test_sequence_settles_only_the_newest_of_two_leases(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_return rest;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_take(f.sequence, 6, &block), ERR_OK);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 10);
    sequence_close(f.sequence);
    assert_true(sequence_settle(f.sequence, &rest));
    assert_int_equal(rest.mark, 100);
    assert_int_equal(rest.lease_limit, 110);
    sequence_stage_close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_holds_at_most_max_gap),
        cmocka_unit_test(test_sequence_calls_its_keeper_when_a_block_jumps_over_the_threshold),
        cmocka_unit_test(test_sequence_renews_ahead_of_need),
        cmocka_unit_test(test_sequence_lease_follows_the_rate),
        cmocka_unit_test(test_sequence_lease_doubles_when_somebody_had_to_wait),
        cmocka_unit_test(test_sequence_lease_shrinks_when_it_grows_quiet),
        cmocka_unit_test(test_sequence_fixed_lease_is_kept),
        cmocka_unit_test(test_sequence_every_leases_exactly_what_waits),
        cmocka_unit_test(test_sequence_altered_to_every_leases_nothing_ahead),
        cmocka_unit_test(test_sequence_closed_issues_nothing_and_settles_its_rest),
        cmocka_unit_test(test_sequence_closed_ends_every_wait),
        cmocka_unit_test(test_sequence_with_nothing_leased_settles_nothing),
        cmocka_unit_test(test_sequence_settles_a_lease_that_came_after_the_close),
        cmocka_unit_test(test_sequence_settles_only_the_newest_of_two_leases),
    };
    return cmocka_run_group_tests_name("sequence_lease", tests, NULL, NULL);
}
