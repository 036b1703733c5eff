/* The keeper and the expiry with their real threads, over a store that fails, hangs and comes
 * back. */
#include "core_house.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- failures ---- */

static void fail_and_recover(struct house *house, enum store_memory_fault fault, int64_t expected)
{
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    store_memory_fail(house->disk, 1, fault, ERR_IO);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), expected);
    assert_int_equal(house_events(house, KEEPER_STORE_FAILED), 1);
    assert_int_equal(house_events(house, KEEPER_STORE_RECOVERED), 1);
    assert_int_equal(store_memory_recoveries(house->disk), 1);
}

/* The range of the first attempt, 1 to 11 (10 and the one that waited), is never issued. */
static void test_keeper_burns_what_a_failed_commit_tried(void **state)
{
    fail_and_recover(*state, STORE_MEMORY_BEFORE, 12);
}

static void test_keeper_burns_what_a_commit_did_whose_answer_was_lost(void **state)
{
    fail_and_recover(*state, STORE_MEMORY_AFTER, 12);
}

/* A long outage burns one lease, not one for each attempt. */
static void test_keeper_burns_once_for_an_outage(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    store_memory_fail(house->disk, 5, STORE_MEMORY_BEFORE, ERR_UNAVAILABLE);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 12);
    assert_int_equal(house_health_of(house).failed_commits, 1);
    assert_int_equal(house_events(house, KEEPER_STORE_FAILED), 1);
}

static void test_keeper_issues_what_is_leased_while_the_store_fails(void **state)
{
    struct house *house = *state;
    struct caller caller;
    struct block block;
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    house_wait_until(house_health_of(house).busy_ns == 0 && house_health_of(house).commits == 1);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    for (int64_t expected = 2; expected <= 11; expected++) {
        assert_int_equal(sequence_take(house_find(house, "a"), 1, &block), ERR_OK);
        assert_int_equal(block.first, expected);
    }
    house_ask(&caller, house_find(house, "a"), 1, 30);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    house_wait_until(house_health_of(house).failures >= KEEPER_FAILURES_UNREADY);
    assert_true(strlen(house_health_of(house).detail.text) > 0);
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    assert_true(house_must_take(house_find(house, "a"), 1) > 11); /* and it recovers by itself */
    assert_false(house_health_of(house).failing);
}

/* P5: the keeper sits in a commit that does not return; the wait ends all the same. */
static void test_keeper_that_hangs_does_not_hold_a_wait_beyond_its_deadline(void **state)
{
    struct house *house = *state;
    struct caller caller;
    house_declare(house, "a", definition_default());
    house_start(house);
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "a"), 1, 50);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    assert_true(house_health_of(house).busy_ns > 0);
    store_memory_release(house->disk);
    assert_int_equal(house_must_take(house_find(house, "a"), 1),
                     1); /* who was refused took no number */
}

static void test_keeper_keeps_a_damaged_record_from_harming_the_others(void **state)
{
    struct house *house = *state;
    struct caller bad;
    house_declare(house, "bad", house_every());
    house_declare(house, "good", house_every());
    assert_int_equal(store_memory_damage(house->disk, "bad", true), ERR_OK);
    house_start(house);
    house_ask(&bad, house_find(house, "bad"), 1, 200);
    assert_int_equal(house_must_take(house_find(house, "good"), 1), 1);
    assert_int_equal(house_answer_to(&bad), ERR_UNAVAILABLE);
    assert_int_equal(house_events(house, KEEPER_SEQUENCE_FAILED), 1);
    assert_int_equal(house_events(house, KEEPER_STORE_FAILED), 0);
}

/* ---- errands ---- */

struct definition_errand {
    struct errand errand;
    struct registry *registry;
    enum error declared;
    enum error error;
    sem_t over;
};

static enum error declare_late(struct errand *errand, struct store *store,
                               struct error_detail *detail)
{
    struct definition_errand *self = (struct definition_errand *)errand;
    struct definition definition = definition_default();
    self->declared = registry_declare(self->registry, store, "late", &definition, detail);
    return store_has_failed(self->declared) ? self->declared : ERR_OK;
}

static void errand_done(struct errand *errand, enum error error)
{
    struct definition_errand *self = (struct definition_errand *)errand;
    self->error = error;
    sem_post(&self->over);
}

static enum error run_errand(struct house *house, struct definition_errand *errand)
{
    *errand = (struct definition_errand){.errand = {.run = declare_late, .done = errand_done},
                                         .registry = house->registry,
                                         .declared = ERR_PENDING};
    assert_int_equal(sem_init(&errand->over, 0, 0), 0);
    keeper_submit(house->keeper, &errand->errand);
    assert_int_equal(sem_wait(&errand->over), 0);
    sem_destroy(&errand->over);
    return errand->error;
}

static void test_keeper_runs_an_errand_between_commits(void **state)
{
    struct house *house = *state;
    struct definition_errand errand;
    house_start(house);
    assert_int_equal(run_errand(house, &errand), ERR_OK);
    assert_int_equal(errand.declared, ERR_OK);
    assert_int_equal(house_must_take(house_find(house, "late"), 1), 1);
}

static void test_keeper_refuses_errands_while_the_store_fails(void **state)
{
    struct house *house = *state;
    struct definition_errand errand;
    struct caller caller;
    house_declare(house, "a", definition_default());
    house_start(house);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    house_ask(&caller, house_find(house, "a"), 1, 30);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    house_wait_until(house_health_of(house).failing);
    assert_int_equal(run_errand(house, &errand), ERR_UNAVAILABLE);
    assert_int_equal(errand.declared, ERR_PENDING); /* it was not run */
}

/* The errand itself broke the store: it recovers before anybody else asks. */
static void test_keeper_recovers_after_an_errand_that_failed(void **state)
{
    struct house *house = *state;
    struct definition_errand errand;
    house_declare(house, "a", definition_default());
    house_start(house);
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(run_errand(house, &errand), ERR_OK);
    assert_int_equal(errand.declared, ERR_IO);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    assert_int_equal(store_memory_recoveries(house->disk), 1);
}

/* Errands come and go while the store fails; whoever else rang meanwhile is served after the
 * recovery. */
static void test_keeper_loses_nobody_when_errands_come_during_a_failure(void **state)
{
    struct house *house = *state;
    struct definition_errand errand;
    struct caller x;
    struct caller y;
    house_declare(house, "x", house_every());
    house_declare(house, "y", house_every());
    house_start(house);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    house_ask(&x, house_find(house, "x"), 1, HOUSE_PATIENCE_MS);
    house_wait_until(house_health_of(house).failing);
    assert_int_equal(run_errand(house, &errand), ERR_UNAVAILABLE);
    house_ask(&y, house_find(house, "y"), 1, HOUSE_PATIENCE_MS);
    assert_int_equal(run_errand(house, &errand), ERR_UNAVAILABLE);
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    assert_int_equal(house_answer_to(&x), ERR_OK);
    assert_int_equal(house_answer_to(&y), ERR_OK);
}

/* More are due than one commit holds, and the first commit fails: the store is not asked again
 * before it recovered (the store in memory would end the test), and everybody is served in the
 * end. */
static void test_keeper_asks_no_more_after_the_first_of_several_commits_failed(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = STORE_REQUESTS_MAX + 300
    };
    static struct caller callers[SEQUENCES];
    char name[16];
    for (unsigned i = 0; i < SEQUENCES; i++) {
        snprintf(name, sizeof name, "s%u", i);
        house_declare(house, name, house_every());
    }
    store_memory_fail(house->disk, 2, STORE_MEMORY_BEFORE, ERR_IO);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        snprintf(name, sizeof name, "s%u", i);
        house_ask(&callers[i], house_find(house, name), 1, HOUSE_PATIENCE_MS);
    }
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_int_equal(house_answer_to(&callers[i]), ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_keeper_burns_what_a_failed_commit_tried),
        house_test(test_keeper_burns_what_a_commit_did_whose_answer_was_lost),
        house_test(test_keeper_burns_once_for_an_outage),
        house_test(test_keeper_issues_what_is_leased_while_the_store_fails),
        house_test(test_keeper_that_hangs_does_not_hold_a_wait_beyond_its_deadline),
        house_test(test_keeper_keeps_a_damaged_record_from_harming_the_others),
        house_test(test_keeper_runs_an_errand_between_commits),
        house_test(test_keeper_refuses_errands_while_the_store_fails),
        house_test(test_keeper_recovers_after_an_errand_that_failed),
        house_test(test_keeper_loses_nobody_when_errands_come_during_a_failure),
        house_test(test_keeper_asks_no_more_after_the_first_of_several_commits_failed),
    };
    return cmocka_run_group_tests_name("keeper_failure", tests, NULL, NULL);
}
