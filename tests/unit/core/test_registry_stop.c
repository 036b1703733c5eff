/* The registry at its end: closing, and giving back what was leased and never issued. */
#include "registry_stage.h"

#include "chance.h"

#include <stdio.h>
#include <stdlib.h>

static enum error settle(struct house *house, struct error_detail *detail)
{
    return registry_settle(house->registry, house->store, detail);
}

/* Take `count` numbers of the sequence; the last of them. */
static int64_t take_last(struct sequence *sequence, uint64_t count)
{
    struct sequence_status status;
    sequence_describe(sequence, &status);
    return house_must_take(sequence, count) + (int64_t)(count - 1) * status.definition.increment;
}

/* ---- closing ---- */

static void test_registry_close_refuses_whoever_comes(void **state)
{
    struct house *house = *state;
    struct block block;
    registry_stage_declare_many(house, 20);
    house_start(house);
    for (unsigned i = 0; i < 10; i++) {
        (void)house_must_take(registry_stage_find(house, i), 1); /* half of them hold a lease */
    }
    registry_close(house->registry);
    for (unsigned i = 0; i < 20; i++) {
        struct caller caller;
        assert_int_equal(sequence_take(registry_stage_find(house, i), 1, &block), ERR_UNAVAILABLE);
        assert_int_equal(sequence_take(registry_stage_find(house, i), 50, &block), ERR_UNAVAILABLE);
        house_ask(&caller, registry_stage_find(house, i), 1, HOUSE_PATIENCE_MS);
        assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    }
}

/* Even the waits for a commit that does not return, in every sequence. */
static void test_registry_close_ends_every_wait(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 30,
        CALLERS = 3
    };
    static struct caller callers[SEQUENCES][CALLERS];
    registry_stage_declare_many(house, SEQUENCES);
    store_memory_hold(house->disk);
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            house_ask(&callers[i][j], registry_stage_find(house, i), 1, HOUSE_PATIENCE_MS);
        }
    }
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    registry_close(house->registry);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            assert_int_equal(house_answer_to(&callers[i][j]), ERR_UNAVAILABLE);
        }
    }
    store_memory_release(house->disk);
}

static void test_registry_closes_twice_without_harm(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", registry_stage_definition(1));
    house_start(house);
    int64_t last = take_last(house_find(house, "a"), 5);
    registry_close(house->registry);
    registry_stage_stop(house);
    assert_int_equal(settle(house, NULL), ERR_OK);
    registry_stage_restart(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1),
                     last + registry_stage_definition(1).increment);
}

/* ---- giving back ---- */

/* P4: a clean stop loses none, in any sequence, and costs one commit. */
static void test_registry_settles_so_that_a_restart_goes_on_without_a_gap(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 100
    };
    int64_t last[SEQUENCES];
    registry_stage_declare_many(house, SEQUENCES);
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        last[i] = take_last(registry_stage_find(house, i), 1 + i % 13);
    }
    registry_stage_stop(house);
    uint64_t commits = store_memory_commits(house->disk);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(store_memory_commits(house->disk), commits + 1);
    registry_stage_restart(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_int_equal(house_must_take(registry_stage_find(house, i), 1),
                         last[i] + registry_stage_definition(i).increment);
    }
}

/* Many lives, each of which takes a little of each sequence: not one number is missing. */
static void test_registry_settles_over_many_lives_without_a_gap(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 5,
        LIVES = 40
    };
    struct chance chance = chance_from(chance_seed());
    int64_t last[SEQUENCES];
    registry_stage_declare_many(house, SEQUENCES);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        last[i] = registry_stage_definition(i).start - registry_stage_definition(i).increment;
    }
    for (unsigned life = 0; life < LIVES; life++) {
        registry_stage_restart(house);
        for (uint64_t takes = chance_below(&chance, 30); takes > 0; takes--) {
            unsigned i = (unsigned)chance_below(&chance, SEQUENCES);
            int64_t increment = registry_stage_definition(i).increment;
            uint64_t count = 1 + chance_below(&chance, 300);
            assert_int_equal(house_must_take(registry_stage_find(house, i), count),
                             last[i] + increment);
            last[i] += (int64_t)count * increment;
        }
        registry_stage_stop(house);
        assert_int_equal(settle(house, NULL), ERR_OK);
    }
}

static void test_registry_settles_more_than_one_commit_holds(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = STORE_REQUESTS_MAX + 500
    };
    static struct caller callers[SEQUENCES];
    registry_stage_declare_many(house, SEQUENCES);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        house_ask(&callers[i], registry_stage_find(house, i), 2, HOUSE_PATIENCE_MS);
    }
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_int_equal(house_answer_to(&callers[i]), ERR_OK);
    }
    registry_stage_stop(house);
    uint64_t commits = store_memory_commits(house->disk);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(store_memory_commits(house->disk), commits + 2);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        char name[STAGE_NAME_SIZE];
        assert_int_equal(registry_stage_mark(house, registry_stage_name(name, i)), 2);
    }
}

static void test_registry_settles_without_a_commit_when_nothing_is_left(void **state)
{
    struct house *house = *state;
    registry_stage_declare_many(house, 20);
    struct definition exact = house_every();
    house_declare(house, "exact", exact);
    house_start(house);
    (void)house_must_take(house_find(house, "exact"), 7); /* leased as asked for: nothing is left */
    registry_stage_stop(house);
    uint64_t commits = store_memory_commits(house->disk);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(store_memory_commits(house->disk), commits);
    assert_int_equal(registry_stage_mark(house, "exact"), 7);
}

/* The rest then becomes a gap, and what comes after lies above it. */
static void settle_over_a_failure(struct house *house, enum error error)
{
    struct error_detail detail = {""};
    house_declare(house, "a", registry_stage_definition(1));
    house_start(house);
    int64_t last = take_last(house_find(house, "a"), 3);
    registry_stage_stop(house);
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, error);
    assert_int_equal(settle(house, &detail), error);
    assert_true(strlen(detail.text) > 0);
    registry_stage_restart(house);
    assert_true(house_must_take(house_find(house, "a"), 1) > last);
}

static void test_registry_settle_returns_what_the_store_said(void **state)
{
    settle_over_a_failure(*state, ERR_IO);
}

static void test_registry_settle_returns_that_the_store_is_fenced(void **state)
{
    settle_over_a_failure(*state, ERR_FENCED);
}

static void test_registry_settle_tries_nothing_after_a_failure(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = STORE_REQUESTS_MAX + 500
    };
    static struct caller callers[SEQUENCES];
    registry_stage_declare_many(house, SEQUENCES);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        house_ask(&callers[i], registry_stage_find(house, i), 2, HOUSE_PATIENCE_MS);
    }
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_int_equal(house_answer_to(&callers[i]), ERR_OK);
    }
    registry_stage_stop(house);
    uint64_t commits = store_memory_commits(house->disk);
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(settle(house, NULL), ERR_IO);
    assert_int_equal(store_memory_commits(house->disk), commits + 1);
}

/* A blind write would take back what another owner has taken since, and issue it twice. */
static void test_registry_settle_never_rewinds_another_owner(void **state)
{
    struct house *house = *state;
    registry_stage_declare_many(house, 3);
    house_start(house);
    for (unsigned i = 0; i < 3; i++) {
        (void)house_must_take(registry_stage_find(house, i), 3);
    }
    registry_stage_stop(house);
    struct range elsewhere = store_memory_take_elsewhere(house->disk, "s1", 10);
    assert_int_equal(range_count(elsewhere), 10);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "s0"), 3);
    assert_int_equal(registry_stage_mark(house, "s1"), elsewhere.limit);
    assert_int_equal(registry_stage_mark(house, "s2"), 3);
}

/* The mark is the same again, and yet it is not ours any more: the generation says so. */
static void test_registry_settle_never_rewinds_a_lease_that_only_ends_where_ours_did(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", registry_stage_definition(1));
    house_start(house);
    (void)house_must_take(house_find(house, "a"), 3);
    registry_stage_stop(house);
    uint64_t mark = registry_stage_mark(house, "a");
    assert_true(mark > 3);
    assert_int_equal(store_memory_set_mark(house->disk, "a", 3), ERR_OK);
    assert_int_equal(range_count(store_memory_take_elsewhere(house->disk, "a", mark - 3)),
                     mark - 3);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "a"), mark);
}

/* A commit whose answer was lost has moved the mark: what is given back is not ours any more. */
static void test_registry_settle_leaves_alone_what_a_lost_answer_has_moved(void **state)
{
    struct house *house = *state;
    struct caller caller;
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    (void)house_must_take(house_find(house, "a"), 2);
    struct sequence_status before;
    house_wait_until((sequence_describe(house_find(house, "a"), &before), before.unissued > 0));
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_AFTER, ERR_UNAVAILABLE);
    house_ask(&caller, house_find(house, "a"), 50, HOUSE_PATIENCE_MS);
    house_wait_until(house_events(house, KEEPER_STORE_FAILED) > 0);
    registry_close(house->registry);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    registry_stage_stop(house);
    store_memory_fail(house->disk, 0, STORE_MEMORY_AFTER, ERR_OK);
    assert_int_equal(store_recover(house->store, NULL), ERR_OK);
    uint64_t mark = registry_stage_mark(house, "a");
    assert_true(mark > before.mark);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "a"), mark);
}

/* Of two leases that do not touch only the newer is given back: between them lies what another
 * owner has, and below the newer one nothing is ours to give. */
static void test_registry_settle_gives_back_the_newest_lease_only(void **state)
{
    struct house *house = *state;
    struct sequence_status status;
    struct block block;
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    struct sequence *a = house_find(house, "a");
    assert_int_equal(house_must_take(a, 1), 1);
    struct range elsewhere = store_memory_take_elsewhere(house->disk, "a", 7);
    while (sequence_describe(a, &status), status.mark < elsewhere.limit && status.unissued > 5) {
        assert_int_equal(sequence_take(a, 1, &block), ERR_OK); /* down to where it renews ahead */
    }
    house_wait_until((sequence_describe(a, &status), status.mark > elsewhere.limit));
    assert_true(status.next < elsewhere.first);
    registry_stage_stop(house);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "a"), elsewhere.limit);
}

/* A lease that came while the sequences were closed is given back whole. */
static void test_registry_settles_a_commit_that_was_under_way_at_the_close(void **state)
{
    struct house *house = *state;
    struct caller caller;
    house_declare(house, "a", house_fixed_lease(10));
    house_start(house);
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "a"), 4, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    registry_close(house->registry);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    store_memory_release(house->disk);
    registry_stage_stop(house);
    assert_int_equal(registry_stage_mark(house, "a"), 14);
    assert_int_equal(settle(house, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, "a"), 0);
}

static void test_registry_free_accepts_null(void **state)
{
    (void)state;
    registry_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_registry_close_refuses_whoever_comes),
        house_test(test_registry_close_ends_every_wait),
        house_test(test_registry_closes_twice_without_harm),
        house_test(test_registry_settles_so_that_a_restart_goes_on_without_a_gap),
        house_test(test_registry_settles_over_many_lives_without_a_gap),
        house_test(test_registry_settles_more_than_one_commit_holds),
        house_test(test_registry_settles_without_a_commit_when_nothing_is_left),
        house_test(test_registry_settle_returns_what_the_store_said),
        house_test(test_registry_settle_returns_that_the_store_is_fenced),
        house_test(test_registry_settle_tries_nothing_after_a_failure),
        house_test(test_registry_settle_never_rewinds_another_owner),
        house_test(test_registry_settle_never_rewinds_a_lease_that_only_ends_where_ours_did),
        house_test(test_registry_settle_leaves_alone_what_a_lost_answer_has_moved),
        house_test(test_registry_settle_gives_back_the_newest_lease_only),
        house_test(test_registry_settles_a_commit_that_was_under_way_at_the_close),
        cmocka_unit_test(test_registry_free_accepts_null),
    };
    return cmocka_run_group_tests_name("registry_stop", tests, NULL, NULL);
}
