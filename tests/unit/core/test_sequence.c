/* What a sequence issues, and out of which lease. One thread plays fronts and keeper in the order
 * that each test wants. */
#include "sequence_stage.h"

/* ---- durable first ---- */

/* The store's mark says what may have been issued before; nothing below it or above it is ours
 * without a lease. */
static void test_sequence_issues_nothing_before_a_lease(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, definition_default(), 50);
    sequence_stage_assert_must_wait(&f, 1);
    assert_int_equal(sequence_stage_describe(&f).unissued, 0);
    sequence_stage_close_all(&f);
}

static void test_sequence_starts_at_the_mark(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, definition_default(), 50);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f),
                     51); /* position 50 of a sequence that starts at 1 */
    sequence_stage_close_all(&f);
}

static void test_sequence_issues_every_position_of_a_lease_once(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    for (int64_t expected = 1; expected <= 10; expected++) {
        assert_int_equal(sequence_stage_take_one(&f), expected);
    }
    sequence_stage_assert_must_wait(&f, 1);
    sequence_stage_close_all(&f);
}

static void test_sequence_continues_without_a_gap_from_lease_to_lease(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(2), 0);
    for (int64_t expected = 1; expected <= 100; expected += 2) {
        sequence_stage_renew(&f);
        assert_int_equal(sequence_stage_take_one(&f), expected);
        assert_int_equal(sequence_stage_take_one(&f), expected + 1);
    }
    assert_int_equal(sequence_stage_describe(&f).burnt, 0);
    sequence_stage_close_all(&f);
}

static void test_sequence_takes_a_block_whole_or_not_at_all(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_take(f.sequence, 7, &block), ERR_OK);
    assert_int_equal(block.first, 1);
    assert_int_equal(block.last, 7);
    sequence_stage_assert_must_wait(&f, 4);
    assert_int_equal(sequence_take(f.sequence, 3, &block), ERR_OK);
    assert_int_equal(block.first, 8);
    sequence_stage_close_all(&f);
}

/* A count near 2^64 must not wrap into a small one. */
static void test_sequence_refuses_a_count_beyond_the_end_of_all_numbers(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, definition_default(), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_take(f.sequence, UINT64_MAX, &block), ERR_EXHAUSTED);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    sequence_stage_close_all(&f);
}

static void test_sequence_descends_by_a_negative_increment(void **state)
{
    (void)state;
    struct stage f;
    struct definition definition = definition_default();
    definition.start = 10;
    definition.min = -5;
    definition.increment = -3;
    sequence_stage_open_with(&f, definition, 0);
    struct patient patient = sequence_stage_patient(3);
    sequence_stage_join(&f, &patient);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_publish_at(&f, request, 0, 6); /* 10, 7, 4, 1, -2, -5 */
    sequence_stage_assert_granted(&patient, 10, 4);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), -2);
    assert_int_equal(sequence_stage_take_one(&f), -5);
    struct block block;
    assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_EXHAUSTED);
    sequence_stage_close_all(&f);
}

/* ---- what a failed commit leaves ---- */

static void test_sequence_never_issues_what_a_failed_commit_may_have_reached(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_assert_must_wait(&f, 1);
    sequence_stage_burn(&f, sequence_stage_must_plan(&f), 10);
    sequence_stage_assert_must_wait(&f, 1);
    struct store_request request = sequence_stage_must_plan(&f);
    assert_int_equal(request.floor, 10);
    sequence_stage_publish_at(&f, request, 10, 10);
    assert_int_equal(sequence_stage_take_one(&f), 11);
    sequence_stage_close_all(&f);
}

static void test_sequence_floor_never_goes_down(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 0);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_burn(&f, request, 30);
    sequence_stage_burn(&f, request, 20);
    assert_int_equal(sequence_stage_must_plan(&f).floor, 30);
    sequence_stage_close_all(&f);
}

static void test_sequence_issues_the_rest_of_its_lease_while_the_store_fails(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    sequence_stage_burn(&f, sequence_stage_must_plan(&f), 8);
    assert_int_equal(sequence_stage_take_one(&f), 3);
    assert_int_equal(sequence_stage_take_one(&f), 4);
    sequence_stage_assert_must_wait(&f, 1);
    sequence_stage_close_all(&f);
}

/* ---- leases that are not contiguous ---- */

static void test_sequence_uses_the_lease_up_before_the_spare(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100,
                              4); /* another node had 4 … 99 */
    assert_int_equal(sequence_stage_describe(&f).unissued, 6);
    assert_int_equal(sequence_stage_take_one(&f), 3);
    assert_int_equal(sequence_stage_take_one(&f), 4);
    assert_int_equal(sequence_stage_take_one(&f), 101);
    assert_int_equal(sequence_stage_describe(&f).burnt, 0);
    sequence_stage_close_all(&f);
}

static void test_sequence_leaves_a_rest_that_is_too_short_for_the_spare(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 4);
    assert_int_equal(sequence_take(f.sequence, 3, &block), ERR_OK);
    assert_int_equal(block.first, 101);
    assert_int_equal(sequence_stage_take_one(&f),
                     104); /* never 3 or 4 again: an answer above them was given */
    assert_int_equal(sequence_stage_describe(&f).burnt, 2);
    sequence_stage_close_all(&f);
}

/* P6: a large block waits for the store; who fits into the spare does not wait behind it. */
static void test_sequence_serves_the_spare_while_a_large_block_waits(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 4);
    assert_int_equal(sequence_stage_take_one(&f), 3);
    assert_int_equal(sequence_stage_take_one(&f), 4);
    struct patient large = sequence_stage_patient(50);
    sequence_stage_join(&f, &large);
    assert_int_equal(sequence_stage_take_one(&f), 101);
    struct store_request request = sequence_stage_must_plan(&f);
    sequence_stage_publish_at(&f, request, 200, request.count);
    sequence_stage_assert_granted(&large, 201, 250);
    sequence_stage_close_all(&f);
}

static void test_sequence_asks_for_no_second_spare(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    assert_true(sequence_stage_has_rung(&f));
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 4);
    (void)sequence_stage_has_rung(&f);
    assert_int_equal(sequence_stage_take_one(&f), 3);
    assert_false(sequence_stage_has_rung(&f));
    assert_int_equal(sequence_stage_take_one(&f), 4);
    assert_int_equal(sequence_stage_take_one(&f), 101);
    assert_int_equal(sequence_stage_take_one(&f), 102);
    assert_true(sequence_stage_has_rung(&f)); /* the spare is in use, and half of it is gone */
    sequence_stage_close_all(&f);
}

static void test_sequence_that_waits_is_granted_from_the_new_lease(void **state)
{
    (void)state;
    struct stage f;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_stage_take_one(&f), 1);
    assert_int_equal(sequence_stage_take_one(&f), 2);
    struct patient patient = sequence_stage_patient(9);
    sequence_stage_join(&f, &patient);
    sequence_stage_publish_at(&f, sequence_stage_must_plan(&f), 100, 13);
    sequence_stage_assert_granted(&patient, 101, 109);
    assert_int_equal(sequence_stage_take_one(&f),
                     110); /* 3 and 4 are below an answer that was given: they are burnt */
    assert_int_equal(sequence_stage_describe(&f).burnt, 2);
    sequence_stage_close_all(&f);
}

/* ---- what is shown ---- */

static void test_sequence_describe_adds_up(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    sequence_stage_open_with(&f, sequence_stage_fixed_lease(10), 40);
    sequence_stage_renew(&f);
    assert_int_equal(sequence_take(f.sequence, 3, &block), ERR_OK);
    struct sequence_status status = sequence_stage_describe(&f);
    assert_int_equal(status.next, 43);
    assert_int_equal(status.mark, 50);
    assert_int_equal(status.unissued, 7);
    assert_int_equal(status.issued, 3);
    assert_int_equal(status.waiters, 0);
    assert_int_equal(status.waited, 0);
    assert_int_equal(status.capacity, INT64_MAX);
    assert_int_equal(sequence_left(f.sequence), (uint64_t)INT64_MAX - 43);
    sequence_stage_close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_issues_nothing_before_a_lease),
        cmocka_unit_test(test_sequence_starts_at_the_mark),
        cmocka_unit_test(test_sequence_issues_every_position_of_a_lease_once),
        cmocka_unit_test(test_sequence_continues_without_a_gap_from_lease_to_lease),
        cmocka_unit_test(test_sequence_takes_a_block_whole_or_not_at_all),
        cmocka_unit_test(test_sequence_refuses_a_count_beyond_the_end_of_all_numbers),
        cmocka_unit_test(test_sequence_descends_by_a_negative_increment),
        cmocka_unit_test(test_sequence_never_issues_what_a_failed_commit_may_have_reached),
        cmocka_unit_test(test_sequence_floor_never_goes_down),
        cmocka_unit_test(test_sequence_issues_the_rest_of_its_lease_while_the_store_fails),
        cmocka_unit_test(test_sequence_uses_the_lease_up_before_the_spare),
        cmocka_unit_test(test_sequence_leaves_a_rest_that_is_too_short_for_the_spare),
        cmocka_unit_test(test_sequence_serves_the_spare_while_a_large_block_waits),
        cmocka_unit_test(test_sequence_asks_for_no_second_spare),
        cmocka_unit_test(test_sequence_that_waits_is_granted_from_the_new_lease),
        cmocka_unit_test(test_sequence_describe_adds_up),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
