/* Those who wait for a lease, and what they get when the numbers end. */
#include "sequence_stage.h"

/* ---- those who wait ---- */

static void test_sequence_grants_waiters_in_order(void **state)
{
    (void)state;
    struct fixture f;
    struct patient a = patient_with(2);
    struct patient b = patient_with(3);
    struct patient c = patient_with(1);
    open_with(&f, fixed_lease(10), 0);
    join(&f, &a);
    join(&f, &b);
    join(&f, &c);
    renew(&f);
    assert_granted(&a, 1, 2);
    assert_granted(&b, 3, 5);
    assert_granted(&c, 6, 6);
    assert_true(a.turn < b.turn && b.turn < c.turn);
    assert_int_equal(take_one(&f), 7);
    close_all(&f);
}

/* The block is larger than the lease, than max_gap, and than what is left: it is leased and
 * granted as a whole. */
static void test_sequence_grants_a_block_larger_than_any_lease(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, with_gap(4), 0);
    struct patient patient = patient_with(1000);
    join(&f, &patient);
    struct store_request request = must_plan(&f);
    assert_in_range(request.count, 1000, 1004);
    publish_at(&f, request, 0, request.count);
    assert_granted(&patient, 1, 1000);
    assert_in_range(describe(&f).unissued, 0, 4);
    close_all(&f);
}

/* The rest of the old lease goes to the first in line together with the new one: no gap, no
 * overtaking. */
static void test_sequence_grants_across_the_seam_of_two_leases(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(4), 0);
    renew(&f);
    assert_int_equal(take_one(&f), 1);
    struct patient patient = patient_with(6);
    join(&f, &patient);
    renew(&f);
    assert_granted(&patient, 2, 7);
    assert_int_equal(describe(&f).burnt, 0);
    close_all(&f);
}

static void test_sequence_lets_nobody_overtake_the_first_in_line(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(2), 0);
    struct patient large = patient_with(10);
    struct patient small = patient_with(1);
    join(&f, &large);
    join(&f, &small);
    struct store_request request = must_plan(&f);
    publish_at(&f, request, 0, request.count);
    assert_granted(&large, 1, 10);
    assert_granted(&small, 11, 11);
    close_all(&f);
}

/* Joined while the commit ran, and more than it brought: stays in line and calls the keeper
 * again. */
static void test_sequence_that_still_waits_calls_again(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(2), 0);
    struct patient first = patient_with(1);
    struct patient late = patient_with(50);
    join(&f, &first);
    struct store_request request = must_plan(&f);
    join(&f, &late);
    (void)has_rung(&f);
    publish_at(&f, request, 0, request.count);
    assert_granted(&first, 1, 1);
    assert_int_equal(late.times_done, 0);
    assert_true(has_rung(&f));
    renew(&f);
    assert_granted(&late, 2, 51);
    close_all(&f);
}

/* What is left would do for the second in line, but not for the first. */
static void test_sequence_keeps_the_line_when_the_first_does_not_fit(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(2), 0);
    struct patient first = patient_with(1);
    struct patient large = patient_with(50);
    struct patient small = patient_with(1);
    join(&f, &first);
    struct store_request request = must_plan(&f);
    join(&f, &large);
    join(&f, &small);
    publish_at(&f, request, 0, request.count);
    assert_granted(&first, 1, 1);
    assert_int_equal(small.times_done, 0);
    renew(&f);
    assert_granted(&large, 2, 51);
    assert_granted(&small, 52, 52);
    close_all(&f);
}

static void test_sequence_ends_a_wait_at_its_deadline_and_gives_it_no_number(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(2), 0);
    struct patient patient = patient_with(1);
    patient.waiter.deadline = (struct instant){1000};
    join(&f, &patient);
    assert_true(sequence_expire(f.sequence, (struct instant){999}));
    assert_int_equal(patient.times_done, 0);
    assert_false(sequence_expire(f.sequence, (struct instant){1000}));
    assert_refused(&patient, ERR_UNAVAILABLE);
    renew(&f);
    assert_int_equal(take_one(&f), 1);
    close_all(&f);
}

/* The deadline came while the commit ran, and nobody had looked yet. */
static void test_sequence_grants_nothing_after_the_deadline(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(2), 0);
    struct patient patient = patient_with(1);
    join(&f, &patient);
    struct store_request request = must_plan(&f);
    patient.waiter.deadline = f.now;
    publish_at(&f, request, 0, request.count);
    assert_refused(&patient, ERR_UNAVAILABLE);
    assert_int_equal(take_one(&f), 1);
    close_all(&f);
}

static void test_sequence_gives_no_number_to_a_client_that_has_gone(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(4), 0);
    struct patient gone = patient_with(2);
    struct patient stays = patient_with(1);
    join(&f, &gone);
    join(&f, &stays);
    struct store_request request = must_plan(&f);
    gone.gone = true;
    publish_at(&f, request, 0, request.count);
    assert_refused(&gone, ERR_UNAVAILABLE);
    assert_granted(&stays, 1, 1);
    close_all(&f);
}

static void test_sequence_asks_nothing_of_the_store_for_those_who_have_gone(void **state)
{
    (void)state;
    struct fixture f;
    struct definition definition = definition_default();
    definition.durability = DURABILITY_EVERY;
    open_with(&f, definition, 0);
    struct patient patient = patient_with(2);
    join(&f, &patient);
    patient.gone = true;
    assert_false(plans(&f));
    assert_refused(&patient, ERR_UNAVAILABLE);
    close_all(&f);
}

/* A lease came between take and wait: the answer is given at once and `done` is not called. */
static void test_sequence_wait_answers_at_once_when_a_lease_has_come(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(4), 0);
    assert_must_wait(&f, 1);
    renew(&f);
    struct patient patient = patient_with(1);
    assert_int_equal(sequence_wait(f.sequence, &patient.waiter), ERR_OK);
    assert_int_equal(patient.waiter.block.first, 1);
    assert_int_equal(patient.times_done, 0);
    close_all(&f);
}

static void test_sequence_rings_both_bells_when_the_first_waiter_comes(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, fixed_lease(4), 0);
    struct patient patient = patient_with(1);
    join(&f, &patient);
    assert_true(has_rung(&f));
    struct rope *rope = bell_answer(&f.waits, (struct instant){1});
    assert_non_null(rope);
    assert_ptr_equal(sequence_of_rope(rope), f.sequence);
    close_all(&f);
}

/* ---- the end of the numbers ---- */

static void test_sequence_clamps_the_last_lease_and_then_refuses(void **state)
{
    (void)state;
    struct fixture f;
    struct block block;
    open_with(&f, ending_at(5), 0);
    struct store_request request = must_plan(&f);
    publish_at(&f, request, 0, 5);
    for (int64_t expected = 1; expected <= 5; expected++) {
        assert_int_equal(take_one(&f), expected);
    }
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    assert_true(describe(&f).exhausted);
    assert_false(plans(&f));
    close_all(&f);
}

static void test_sequence_that_ended_stays_ended_after_a_restart(void **state)
{
    (void)state;
    struct fixture f;
    struct block block;
    open_with(&f, ending_at(5), 5);
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    struct patient patient = patient_with(1);
    assert_int_equal(sequence_wait(f.sequence, &patient.waiter), ERR_EXHAUSTED);
    assert_int_equal(sequence_left(f.sequence), 0);
    close_all(&f);
}

/* All of the last numbers can be had: those of the old lease together with those of the new. */
static void test_sequence_serves_the_last_block_across_the_seam(void **state)
{
    (void)state;
    struct fixture f;
    struct definition definition = ending_at(6);
    definition.lease = 4;
    open_with(&f, definition, 0);
    renew(&f);
    assert_int_equal(take_one(&f), 1);
    struct patient patient = patient_with(5);
    join(&f, &patient);
    publish_at(&f, must_plan(&f), 4, 2);
    assert_granted(&patient, 2, 6);
    close_all(&f);
}

/* Five are left: who asks for six is told so, who asks for five behind him gets them. */
static void test_sequence_refuses_only_those_who_ask_for_more_than_is_left(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, ending_at(8), 0);
    struct patient first = patient_with(3);
    struct patient too_large = patient_with(6);
    struct patient fits = patient_with(5);
    join(&f, &first);
    join(&f, &too_large);
    join(&f, &fits);
    publish_at(&f, must_plan(&f), 0, 8);
    assert_granted(&first, 1, 3);
    assert_refused(&too_large, ERR_EXHAUSTED);
    assert_granted(&fits, 4, 8);
    assert_int_equal(sequence_left(f.sequence), 0);
    close_all(&f);
}

/* Another node took the last numbers: the lease comes back empty. */
static void test_sequence_refuses_when_the_lease_comes_back_empty(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, ending_at(8), 0);
    struct patient patient = patient_with(1);
    join(&f, &patient);
    publish_at(&f, must_plan(&f), 8, 0);
    assert_refused(&patient, ERR_EXHAUSTED);
    struct block block;
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED); /* and nobody waits */
    close_all(&f);
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
