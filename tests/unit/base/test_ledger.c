/* The judge of the stress tests is judged first. */
#include "ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int open_ledger(void **state)
{
    *state = ledger_new();
    return 0;
}

static int close_ledger(void **state)
{
    ledger_free(*state);
    return 0;
}

#define ledger_test(test) cmocka_unit_test_setup_teardown(test, open_ledger, close_ledger)

static void lease(struct ledger *ledger, uint64_t first, uint64_t limit)
{
    ledger_lease(ledger, (struct range){first, limit});
}

/* Positions `first` to `limit` - 1, asked for and received at once, above `floor`. */
static void take(struct ledger *ledger, uint64_t first, uint64_t limit, uint64_t floor)
{
    struct ledger_take taken = {
        .positions = {first, limit}, .floor = floor, .asked = ledger_moment()};
    ledger_take(ledger, &taken);
}

/* The same by somebody who asked and stood in line at these moments; `queued` 0: who did not. */
static void take_at(struct ledger *ledger, uint64_t first, uint64_t limit, uint64_t asked,
                    uint64_t queued)
{
    struct ledger_take taken = {.positions = {first, limit}, .asked = asked, .queued = queued};
    ledger_take(ledger, &taken);
}

static void test_ledger_passes_what_is_right(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 20, 30);
    lease(ledger, 0, 10);
    lease(ledger, 10, 15);
    take(ledger, 8, 12, 8);
    take(ledger, 0, 8, 0);
    take(ledger, 20, 30, 12);
    struct ledger_life life = ledger_end_life(ledger);
    assert_true(ledger_is_good(ledger, "right"));
    assert_int_equal(life.leased, 25);
    assert_int_equal(life.taken, 22);
    assert_int_equal(life.limit, 30);
    assert_int_equal(ledger_verdict(ledger).taken, 22);
}

static void test_ledger_passes_a_life_without_anything(void **state)
{
    struct ledger *ledger = *state;
    struct ledger_life life = ledger_end_life(ledger);
    assert_true(ledger_is_good(ledger, "nothing"));
    assert_int_equal(life.taken, 0);
    assert_int_equal(life.limit, 0);
}

static void test_ledger_finds_positions_received_twice(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    take(ledger, 0, 5, 0);
    take(ledger, 3, 7, 0);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).duplicated, 2);
    assert_false(ledger_is_good(ledger, "as it should"));
}

static void test_ledger_finds_positions_received_in_an_earlier_life(void **state)
{
    struct ledger *ledger = *state;
    for (int life = 0; life < 2; life++) {
        lease(ledger, 0, 10);
        take(ledger, 0, 5, 0);
        (void)ledger_end_life(ledger); /* its verdict is what counts */
    }
    assert_int_equal(ledger_verdict(ledger).duplicated, 5);
}

static void test_ledger_finds_blocks_outside_every_lease(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 10, 20);
    lease(ledger, 30, 40);
    lease(ledger, 40, 50);
    take(ledger, 9, 11, 0);  /* begins before */
    take(ledger, 18, 21, 0); /* ends behind */
    take(ledger, 22, 23, 0); /* between */
    take(ledger, 38, 42, 0); /* over a seam: right */
    take(ledger, 49, 51, 0);
    take(ledger, 60, 61, 0);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).outside, 5);
    assert_false(ledger_is_good(ledger, "as it should"));
}

static void test_ledger_knows_the_leases_of_this_life_only(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    take(ledger, 0, 5, 0);
    (void)ledger_end_life(ledger); /* right so far */
    take(ledger, 5, 6, 0);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).outside, 1);
}

static void test_ledger_finds_blocks_below_what_was_received_before(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    take(ledger, 0, 1, 0);
    take(ledger, 1, 2, 2);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).unordered, 1);
    assert_false(ledger_is_good(ledger, "as it should"));
}

static void test_ledger_finds_who_was_overtaken_within_a_lease(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    lease(ledger, 10, 20);
    take_at(ledger, 10, 11, 102, 0); /* came when the next stood in line */
    take_at(ledger, 11, 12, 100, 101);
    take_at(ledger, 12, 13, 103, 0);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).overtaken, 1);
    assert_false(ledger_is_good(ledger, "as it should"));
}

/* Whoever fits into the rest of an old lease does not wait behind one who does not fit. */
static void test_ledger_allows_to_use_up_an_earlier_lease(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    lease(ledger, 10, 20);
    take_at(ledger, 7, 8, 102, 0);
    take_at(ledger, 8, 14, 100, 101); /* begins in the old lease, and needed the new one */
    take_at(ledger, 14, 15, 104, 105);
    take_at(ledger, 15, 16, 103, 0);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).overtaken, 0);
    take_at(ledger, 20, 21, 1, 0);
    lease(ledger, 20, 30);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_true(ledger_is_good(ledger, "right"));
}

/* Who stood in front of him asked for more than the lease held, and gave up. */
static void test_ledger_allows_to_pass_one_who_stood_behind_another(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    ledger_leave(ledger, (struct ledger_leave){.asked = 90, .left = 110});
    take_at(ledger, 0, 1, 102, 0);
    take_at(ledger, 1, 2, 100, 101);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_true(ledger_is_good(ledger, "right"));
}

/* Those who gave up came after him, or had gone when he was passed. */
static void test_ledger_finds_who_was_overtaken_and_stood_behind_nobody(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    ledger_leave(ledger, (struct ledger_leave){.asked = 103, .left = 110});
    ledger_leave(ledger, (struct ledger_leave){.asked = 80, .left = 105});
    ledger_leave(ledger, (struct ledger_leave){.asked = 70, .left = 90});
    take_at(ledger, 0, 1, 106, 0);
    take_at(ledger, 1, 2, 100, 101);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).overtaken, 1);
}

/* Of those who came before him the last to leave counts, not the last to come. */
static void test_ledger_knows_all_who_stood_in_front(void **state)
{
    struct ledger *ledger = *state;
    lease(ledger, 0, 10);
    ledger_leave(ledger, (struct ledger_leave){.asked = 95, .left = 98});
    ledger_leave(ledger, (struct ledger_leave){.asked = 90, .left = 110});
    take_at(ledger, 0, 1, 102, 0);
    take_at(ledger, 1, 2, 100, 101);
    (void)ledger_end_life(ledger);   /* its verdict is what counts */
    take_at(ledger, 10, 11, 102, 0); /* what was in an earlier life counts no more */
    take_at(ledger, 11, 12, 100, 101);
    lease(ledger, 10, 20);
    (void)ledger_end_life(ledger); /* its verdict is what counts */
    assert_int_equal(ledger_verdict(ledger).overtaken, 1);
}

static void test_ledger_moments_rise(void **state)
{
    (void)state;
    uint64_t first = ledger_moment();
    assert_true(first > 0);
    assert_true(ledger_moment() > first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ledger_test(test_ledger_passes_what_is_right),
        ledger_test(test_ledger_passes_a_life_without_anything),
        ledger_test(test_ledger_finds_positions_received_twice),
        ledger_test(test_ledger_finds_positions_received_in_an_earlier_life),
        ledger_test(test_ledger_finds_blocks_outside_every_lease),
        ledger_test(test_ledger_knows_the_leases_of_this_life_only),
        ledger_test(test_ledger_finds_blocks_below_what_was_received_before),
        ledger_test(test_ledger_finds_who_was_overtaken_within_a_lease),
        ledger_test(test_ledger_allows_to_use_up_an_earlier_lease),
        ledger_test(test_ledger_allows_to_pass_one_who_stood_behind_another),
        ledger_test(test_ledger_finds_who_was_overtaken_and_stood_behind_nobody),
        ledger_test(test_ledger_knows_all_who_stood_in_front),
        cmocka_unit_test(test_ledger_moments_rise),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
