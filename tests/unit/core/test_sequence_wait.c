/* Those who wait for a lease, and what they get when the numbers end. */
#include "sequence_stage.h"

/* ---- those who wait ---- */

static void test_sequence_grants_waiters_in_order(void **state)
{
    (void)state;
    struct stage f;
    struct patient a = sequence_stage_patient(2);
    struct patient b = sequence_stage_patient(3);
    struct patient c = sequence_stage_patient(1);
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_join(&f, &a);
    sequence_stage_join(&f, &b);
    sequence_stage_join(&f, &c);
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&a, 1, 2);
    sequence_stage_assert_granted(&b, 3, 5);
    sequence_stage_assert_granted(&c, 6, 6);
    assert_true(a.turn < b.turn && b.turn < c.turn);
    assert_int_equal(sequence_stage_take_one(&f), 7);
    sequence_stage_close_all(&f);
}

/* The block is larger than the lease, than max_gap, and than what is left: it is leased and
 * granted as a whole. */
static void test_sequence_grants_a_block_larger_than_any_lease(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_with_gap(4), 0);
    struct patient patient = sequence_stage_patient(1000);
    sequence_stage_join(&f, &patient);
    struct store_request request = sequence_stage_must_plan(&f);
    assert_in_range(request.count, 1000, 1004);
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_granted(&patient, 1, 1000);
    assert_in_range(sequence_stage_describe(&f).unissued, 0, 4);
    sequence_stage_close_all(&f);
}

/* The rest of the old lease goes to the first in line together with the new one: no gap, no
 * overtaking. */
static void test_sequence_grants_across_the_seam_of_two_leases(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    struct patient patient = sequence_stage_patient(6);
    sequence_stage_join(&f, &patient);
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&patient, 2, 7);
    assert_int_equal(sequence_stage_describe(&f).burnt, 0);
    sequence_stage_close_all(&f);
}

static void test_sequence_lets_nobody_overtake_the_first_in_line(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    struct patient large = sequence_stage_patient(10);
    struct patient small = sequence_stage_patient(1);
    sequence_stage_join(&f, &large);
    sequence_stage_join(&f, &small);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_granted(&large, 1, 10);
    sequence_stage_assert_granted(&small, 11, 11);
    sequence_stage_close_all(&f);
}

/* Joined while the commit ran, and more than it brought: stays in line and calls the keeper
 * again. */
static void test_sequence_that_still_waits_calls_again(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    struct patient first = sequence_stage_patient(1);
    struct patient late = sequence_stage_patient(50);
    sequence_stage_join(&f, &first);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_join(&f, &late);
    (void)sequence_stage_has_rung(&f);
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_granted(&first, 1, 1);
    assert_int_equal(late.times_done, 0);
    assert_true(sequence_stage_has_rung(&f));
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&late, 2, 51);
    sequence_stage_close_all(&f);
}

/* What is left would do for the second in line, but not for the first. */
static void test_sequence_keeps_the_line_when_the_first_does_not_fit(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    struct patient first = sequence_stage_patient(1);
    struct patient large = sequence_stage_patient(50);
    struct patient small = sequence_stage_patient(1);
    sequence_stage_join(&f, &first);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_join(&f, &large);
    sequence_stage_join(&f, &small);
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_granted(&first, 1, 1);
    assert_int_equal(small.times_done, 0);
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&large, 2, 51);
    sequence_stage_assert_granted(&small, 52, 52);
    sequence_stage_close_all(&f);
}

/* The first in line asks for more than the lease holds, so the rest is left to those who come by.
 * `large` will have left when the time is `f->now` + 1000 ns, or as soon as somebody looks. */
static void stand_behind(struct stage *f, struct patient *large, struct patient *small)
{
    struct patient first = sequence_stage_patient(1);
    sequence_stage_open_with(f, sequence_stage_fixed_lease(4), 0);
    large->waiter.deadline = clock_after(f->now, 1000);
    sequence_stage_join(f, &first);
    struct store_request request = sequence_stage_must_plan(f);
    sequence_stage_join(f, large);
    sequence_stage_join(f, small);
    sequence_stage_publish_at(f, request, 0, request.count);
    sequence_stage_assert_granted(&first, 1, 1);
    assert_int_equal(sequence_stage_take_one(f), 2);
    assert_int_equal(small->times_done, 0);
}

/* ... and when he gives up, the second is served at once, and nobody comes by any more. */
static void assert_second_is_served(struct stage *f, const struct patient *large,
                                    const struct patient *small)
{
    sequence_stage_assert_refused(large, ERR_UNAVAILABLE);
    sequence_stage_assert_granted(small, 3, 4);
    sequence_stage_close_all(f);
}

static void test_sequence_serves_the_second_when_the_time_of_the_first_is_up(void **state)
{
    (void)state;
    struct stage f;
    struct patient large = sequence_stage_patient(50);
    struct patient small = sequence_stage_patient(2);
    stand_behind(&f, &large, &small);
    assert_false(sequence_expire(f.sequence, clock_after(f.now, 1000)));
    assert_second_is_served(&f, &large, &small);
}

static void test_sequence_serves_the_second_when_the_first_has_gone(void **state)
{
    (void)state;
    struct stage f;
    struct patient large = sequence_stage_patient(50);
    struct patient small = sequence_stage_patient(2);
    struct store_request request;
    stand_behind(&f, &large, &small);
    f.now = clock_after(f.now, 1000);
    (void)sequence_plan(f.sequence, f.now, &request); /* whether a renewal is due is not asked */
    assert_second_is_served(&f, &large, &small);
}

/* Nor is the third served past a second who does not fit either. */
static void test_sequence_keeps_the_line_when_the_second_does_not_fit(void **state)
{
    (void)state;
    struct stage f;
    struct patient large = sequence_stage_patient(50);
    struct patient second = sequence_stage_patient(40);
    struct patient third = sequence_stage_patient(1);
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    large.waiter.deadline = clock_after(f.now, 1000);
    sequence_stage_join(&f, &large);
    sequence_stage_join(&f, &second);
    sequence_stage_join(&f, &third);
    assert_true(sequence_expire(f.sequence, clock_after(f.now, 1000)));
    sequence_stage_assert_refused(&large, ERR_UNAVAILABLE);
    assert_int_equal(third.times_done, 0);
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&second, 1, 40);
    sequence_stage_assert_granted(&third, 41, 41);
    sequence_stage_close_all(&f);
}

static void test_sequence_ends_a_wait_at_its_deadline_and_gives_it_no_number(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    struct patient patient = sequence_stage_patient(1);
    patient.waiter.deadline = (struct instant){1000};
    sequence_stage_join(&f, &patient);
    assert_true(sequence_expire(f.sequence, (struct instant){999}));
    assert_int_equal(patient.times_done, 0);
    assert_false(sequence_expire(f.sequence, (struct instant){1000}));
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    sequence_stage_close_all(&f);
}

/* The deadline came while the commit ran, and nobody had looked yet. */
static void test_sequence_grants_nothing_after_the_deadline(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&f, &patient);
    struct store_request request = sequence_stage_must_plan(&f);
    patient.waiter.deadline = f.now;
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    sequence_stage_close_all(&f);
}

static void test_sequence_gives_no_number_to_a_client_that_has_gone(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    struct patient gone = sequence_stage_patient(2);
    struct patient stays = sequence_stage_patient(1);
    sequence_stage_join(&f, &gone);
    sequence_stage_join(&f, &stays);
    struct store_request request = sequence_stage_must_plan(&f);
    gone.gone = true;
    sequence_stage_publish_at(&f, request, 0, request.count);
    sequence_stage_assert_refused(&gone, ERR_UNAVAILABLE);
    sequence_stage_assert_granted(&stays, 1, 1);
    sequence_stage_close_all(&f);
}

static void test_sequence_asks_nothing_of_the_store_for_those_who_have_gone(void **state)
{
    (void)state;
    struct stage f;
    struct definition definition = definition_default();
    definition.durability = DURABILITY_EVERY;
    sequence_stage_open_with(&f, definition, 0);
    struct patient patient = sequence_stage_patient(2);
    sequence_stage_join(&f, &patient);
    patient.gone = true;
    assert_false(sequence_stage_plans(&f));
    sequence_stage_assert_refused(&patient, ERR_UNAVAILABLE);
    sequence_stage_close_all(&f);
}

/* A lease came between take and wait: the answer is given at once and `done` is not called. */
static void test_sequence_wait_answers_at_once_when_a_lease_has_come(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_assert_must_wait(&f, 1);
    sequence_stage_renew(&f);
    struct patient patient = sequence_stage_patient(1);
    assert_int_equal(sequence_wait(f.sequence, &patient.waiter), ERR_OK);
    assert_int_equal(patient.waiter.block.first, 1);
    assert_int_equal(patient.times_done, 0);
    sequence_stage_close_all(&f);
}

static void test_sequence_rings_both_bells_when_the_first_waiter_comes(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&f, &patient);
    assert_true(sequence_stage_has_rung(&f));
    struct rope *rope = bell_answer(&f.waits, (struct instant){1});
    assert_non_null(rope);
    assert_ptr_equal(sequence_of_rope(rope), f.sequence);
    sequence_stage_close_all(&f);
}

/* ---- the end of the numbers ---- */

static void test_sequence_clamps_the_last_lease_and_then_refuses(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_ending_at(5), 0);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_publish_at(&f, request, 0, 5);
    for (int64_t expected = 1; expected <= 5; expected++) {
        assert_int_equal(sequence_stage_take_one(&f), expected);
    }
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    assert_true(sequence_stage_describe(&f).exhausted);
    assert_false(sequence_stage_plans(&f));
    sequence_stage_close_all(&f);
}

static void test_sequence_that_ended_stays_ended_after_a_restart(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_ending_at(5), 5);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    struct patient patient = sequence_stage_patient(1);
    assert_int_equal(sequence_wait(f.sequence, &patient.waiter), ERR_EXHAUSTED);
    assert_int_equal(sequence_left(f.sequence), 0);
    sequence_stage_close_all(&f);
}

/* All of the last numbers can be had: those of the old lease together with those of the new. */
static void test_sequence_serves_the_last_block_across_the_seam(void **state)
{
    (void)state;
    struct stage f;
    struct definition definition = sequence_stage_ending_at(6);
    definition.lease = 4;
    sequence_stage_open_with(&f, definition, 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    struct patient patient = sequence_stage_patient(5);
    sequence_stage_join(&f, &patient);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 4, 2);
    sequence_stage_assert_granted(&patient, 2, 6);
    sequence_stage_close_all(&f);
}

/* Five are left: who asks for six is told so, who asks for five behind him gets them. */
static void test_sequence_refuses_only_those_who_ask_for_more_than_is_left(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_ending_at(8), 0);
    struct patient first = sequence_stage_patient(3);
    struct patient too_large = sequence_stage_patient(6);
    struct patient fits = sequence_stage_patient(5);
    sequence_stage_join(&f, &first);
    sequence_stage_join(&f, &too_large);
    sequence_stage_join(&f, &fits);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 0, 8);
    sequence_stage_assert_granted(&first, 1, 3);
    sequence_stage_assert_refused(&too_large, ERR_EXHAUSTED);
    sequence_stage_assert_granted(&fits, 4, 8);
    assert_int_equal(sequence_left(f.sequence), 0);
    sequence_stage_close_all(&f);
}

/* Another node took the last numbers: the lease comes back empty. */
static void test_sequence_refuses_when_the_lease_comes_back_empty(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_ending_at(8), 0);
    struct patient patient = sequence_stage_patient(1);
    sequence_stage_join(&f, &patient);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 8, 0);
    sequence_stage_assert_refused(&patient, ERR_EXHAUSTED);
    struct block block;
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED); /* and nobody waits */
    sequence_stage_close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_grants_waiters_in_order),
        cmocka_unit_test(test_sequence_grants_a_block_larger_than_any_lease),
        cmocka_unit_test(test_sequence_grants_across_the_seam_of_two_leases),
        cmocka_unit_test(test_sequence_lets_nobody_overtake_the_first_in_line),
        cmocka_unit_test(test_sequence_that_still_waits_calls_again),
        cmocka_unit_test(test_sequence_keeps_the_line_when_the_first_does_not_fit),
        cmocka_unit_test(test_sequence_serves_the_second_when_the_time_of_the_first_is_up),
        cmocka_unit_test(test_sequence_serves_the_second_when_the_first_has_gone),
        cmocka_unit_test(test_sequence_keeps_the_line_when_the_second_does_not_fit),
        cmocka_unit_test(test_sequence_ends_a_wait_at_its_deadline_and_gives_it_no_number),
        cmocka_unit_test(test_sequence_grants_nothing_after_the_deadline),
        cmocka_unit_test(test_sequence_gives_no_number_to_a_client_that_has_gone),
        cmocka_unit_test(test_sequence_asks_nothing_of_the_store_for_those_who_have_gone),
        cmocka_unit_test(test_sequence_wait_answers_at_once_when_a_lease_has_come),
        cmocka_unit_test(test_sequence_rings_both_bells_when_the_first_waiter_comes),
        cmocka_unit_test(test_sequence_clamps_the_last_lease_and_then_refuses),
        cmocka_unit_test(test_sequence_that_ended_stays_ended_after_a_restart),
        cmocka_unit_test(test_sequence_serves_the_last_block_across_the_seam),
        cmocka_unit_test(test_sequence_refuses_only_those_who_ask_for_more_than_is_left),
        cmocka_unit_test(test_sequence_refuses_when_the_lease_comes_back_empty),
    };
    return cmocka_run_group_tests_name("sequence_wait", tests, NULL, NULL);
}
