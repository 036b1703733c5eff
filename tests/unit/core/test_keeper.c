/* The keeper with its real thread, over the store in memory and its gate: renewals. */
#include "core_house.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- renewals ---- */

static void test_keeper_leases_for_the_first_request(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", definition_default());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
}

static void test_keeper_publishes_only_after_the_commit_has_returned(void **state)
{
    struct house *house = *state;
    struct block block;
    struct caller caller;
    house_declare(house, "a", definition_default());
    house_start(house);
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    assert_int_equal(sequence_take(house_find(house, "a"), 1, &block), ERR_PENDING);
    assert_int_equal(sem_trywait(&caller.over), -1);
    store_memory_release(house->disk);
    assert_int_equal(house_answer_to(&caller), ERR_OK);
}

/* Whatever rang while a commit was under way shares the next one. */
static void test_keeper_commits_once_for_all_that_wait(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 50,
        CALLERS = 4
    };
    static struct caller callers[SEQUENCES][CALLERS];
    struct caller first;
    house_declare(house, "first", house_every());
    for (unsigned i = 0; i < SEQUENCES; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", i);
        house_declare(house, name, house_every());
    }
    house_start(house);
    store_memory_hold(house->disk);
    house_ask(&first, house_find(house, "first"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    uint64_t before = store_memory_commits(house->disk);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", i);
        for (unsigned j = 0; j < CALLERS; j++) {
            house_ask(&callers[i][j], house_find(house, name), j + 1, HOUSE_PATIENCE_MS);
        }
    }
    store_memory_release(house->disk);
    assert_int_equal(house_answer_to(&first), ERR_OK);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            assert_int_equal(house_answer_to(&callers[i][j]), ERR_OK);
        }
    }
    assert_in_range(store_memory_commits(house->disk) - before, 1, 2);
}

/* P6: with numbers left, nobody waits for the disk of another sequence. */
static void test_keeper_in_a_commit_stops_nobody_who_has_a_lease(void **state)
{
    struct house *house = *state;
    struct caller caller;
    house_declare(house, "a", house_fixed_lease(100));
    house_declare(house, "b", house_every());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    house_wait_until(house_health_of(house).busy_ns == 0 && house_health_of(house).commits == 1);
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "b"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    for (int64_t expected = 2; expected <= 100; expected++) {
        struct block block;
        assert_int_equal(sequence_take(house_find(house, "a"), 1, &block), ERR_OK);
        assert_int_equal(block.first, expected);
    }
    store_memory_release(house->disk);
    assert_int_equal(house_answer_to(&caller), ERR_OK);
}

/* A renewal that comes in time: after the first, nobody who takes one at a time at a modest pace
 * ever waits. */
static void test_keeper_renews_before_the_lease_ends(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", house_fixed_lease(100));
    house_start(house);
    struct sequence *a = house_find(house, "a");
    int64_t expected = house_must_take(a, 1) + 1;
    for (unsigned round = 0; round < 20; round++) {
        struct sequence_status status;
        house_wait_until((sequence_describe(a, &status), status.unissued > 50));
        for (unsigned i = 0; i < 50; i++) {
            struct block block;
            assert_int_equal(sequence_take(a, 1, &block), ERR_OK);
            assert_int_equal(block.first, expected++);
        }
    }
}

static uint64_t in_buckets(const struct timing *timing)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= TIMING_BOUNDS; i++) {
        count += timing->buckets[i];
    }
    return count;
}

static void test_keeper_counts_commits_and_how_long_they_take(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", house_every());
    house_start(house);
    store_memory_delay(house->disk, 3);
    for (unsigned i = 0; i < 5; i++) {
        (void)house_must_take(house_find(house, "a"), 1);
    }
    house_wait_until(house_health_of(house).renewals == 5);
    struct keeper_health health = house_health_of(house);
    assert_int_equal(health.commits, 5);
    assert_int_equal(in_buckets(&health.commit_times), 5);
    assert_int_equal(in_buckets(&health.renewal_times), 5);
    assert_true(health.commit_times.sum_ns >= 5 * 3 * CLOCK_NS_PER_MS);
    assert_true(health.renewal_times.sum_ns >= health.commit_times.sum_ns);
    assert_int_equal(health.commit_times.buckets[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_keeper_leases_for_the_first_request),
        house_test(test_keeper_publishes_only_after_the_commit_has_returned),
        house_test(test_keeper_commits_once_for_all_that_wait),
        house_test(test_keeper_in_a_commit_stops_nobody_who_has_a_lease),
        house_test(test_keeper_renews_before_the_lease_ends),
        house_test(test_keeper_counts_commits_and_how_long_they_take),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
