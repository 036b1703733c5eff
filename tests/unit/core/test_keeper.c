/* The keeper and the expiry with their real threads, over the store in memory and its gate. */
#include "store_memory.h"

#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* a test that waits longer than this has failed */

struct house {
    struct store_memory_disk *disk;
    struct store *store;
    struct bell renewals;
    struct bell waits;
    struct registry *registry;
    struct keeper *keeper;
    struct expiry *expiry;
    _Atomic unsigned events[3]; /* how often each keeper_event was told */
};

static void count_event(void *context, enum keeper_event event, enum error error, const char *text)
{
    struct house *house = context;
    (void)error;
    (void)text;
    /* order: relaxed. A count that a test polls. */
    atomic_fetch_add_explicit(&house->events[event], 1, memory_order_relaxed);
}

static unsigned events(struct house *house, enum keeper_event event)
{
    /* order: relaxed, as above. */
    return atomic_load_explicit(&house->events[event], memory_order_relaxed);
}

/* Everything but the fronts, as the roof would build it. */
static int build(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    assert_non_null(house);
    house->disk = store_memory_disk_new();
    struct store_memory_options options = {.disk = house->disk};
    assert_int_equal(store_memory_open(&options, &house->store), ERR_OK);
    assert_int_equal(bell_init(&house->renewals), ERR_OK);
    assert_int_equal(bell_init(&house->waits), ERR_OK);
    assert_int_equal(
        registry_open(house->store, &house->renewals, &house->waits, &house->registry, NULL),
        ERR_OK);
    *state = house;
    return 0;
}

static void declare(struct house *house, const char *name, struct definition definition)
{
    assert_int_equal(registry_declare(house->registry, house->store, name, &definition, NULL),
                     ERR_OK);
}

static void start(struct house *house)
{
    struct keeper_options options = {.store = house->store,
                                     .renewals = &house->renewals,
                                     .event = count_event,
                                     .context = house};
    assert_int_equal(keeper_start(&options, &house->keeper), ERR_OK);
    assert_int_equal(expiry_start(&house->waits, &house->expiry), ERR_OK);
}

static int tear_down(void **state)
{
    struct house *house = *state;
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    store_memory_release(house->disk);
    registry_close(house->registry);
    keeper_stop(house->keeper);
    expiry_stop(house->expiry);
    registry_free(house->registry);
    store_close(house->store);
    store_memory_disk_free(house->disk);
    bell_fini(&house->renewals);
    bell_fini(&house->waits);
    free(house);
    return 0;
}

static struct sequence *find(struct house *house, const char *name)
{
    struct sequence *sequence = registry_find(house->registry, name, strlen(name));
    assert_non_null(sequence);
    return sequence;
}

/* A request that waits; `over` is posted when it is done. */
struct caller {
    struct waiter waiter;
    sem_t over;
};

static void caller_done(struct waiter *waiter)
{
    sem_post(&((struct caller *)waiter)->over);
}

static void ask(struct caller *caller, struct sequence *sequence, uint64_t count,
                unsigned patience_ms)
{
    *caller = (struct caller){.waiter = {.count = count, .done = caller_done}};
    caller->waiter.deadline = clock_after(clock_now(), patience_ms * CLOCK_NS_PER_MS);
    assert_int_equal(sem_init(&caller->over, 0, 0), 0);
    enum error error = sequence_wait(sequence, &caller->waiter);
    if (error != ERR_PENDING) { /* else the waiter belongs to core until it is done */
        caller->waiter.error = error;
        sem_post(&caller->over);
    }
}

static enum error answer_to(struct caller *caller)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&caller->over, &until), 0);
    sem_destroy(&caller->over);
    return caller->waiter.error;
}

static int64_t must_take(struct sequence *sequence, uint64_t count)
{
    struct caller caller;
    ask(&caller, sequence, count, PATIENCE_MS);
    assert_int_equal(answer_to(&caller), ERR_OK);
    return caller.waiter.block.first;
}

/* Poll until the condition holds; the test has failed when it does not in time. */
#define wait_until(condition)                                                               \
    do {                                                                                    \
        struct instant deadline_ = clock_after(clock_now(), PATIENCE_MS * CLOCK_NS_PER_MS); \
        while (!(condition)) {                                                              \
            assert_false(clock_reached(deadline_, clock_now()));                            \
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);                         \
        }                                                                                   \
    } while (0)

static struct keeper_health health_of(struct house *house)
{
    struct keeper_health health;
    keeper_health(house->keeper, &health);
    return health;
}

static struct definition every(void)
{
    struct definition definition = definition_default();
    definition.durability = DURABILITY_EVERY;
    return definition;
}

static struct definition fixed_lease(uint64_t lease)
{
    struct definition definition = definition_default();
    definition.lease = lease;
    return definition;
}

/* ---- renewals ---- */

static void test_keeper_leases_for_the_first_request(void **state)
{
    struct house *house = *state;
    declare(house, "a", definition_default());
    start(house);
    assert_int_equal(must_take(find(house, "a"), 1), 1);
}

static void test_keeper_publishes_only_after_the_commit_has_returned(void **state)
{
    struct house *house = *state;
    struct block block;
    struct caller caller;
    declare(house, "a", definition_default());
    start(house);
    store_memory_hold(house->disk);
    ask(&caller, find(house, "a"), 1, PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, PATIENCE_MS));
    assert_int_equal(sequence_take(find(house, "a"), 1, &block), ERR_PENDING);
    assert_int_equal(sem_trywait(&caller.over), -1);
    store_memory_release(house->disk);
    assert_int_equal(answer_to(&caller), ERR_OK);
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
    declare(house, "first", every());
    for (unsigned i = 0; i < SEQUENCES; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", i);
        declare(house, name, every());
    }
    start(house);
    store_memory_hold(house->disk);
    ask(&first, find(house, "first"), 1, PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, PATIENCE_MS));
    uint64_t before = store_memory_commits(house->disk);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", i);
        for (unsigned j = 0; j < CALLERS; j++) {
            ask(&callers[i][j], find(house, name), j + 1, PATIENCE_MS);
        }
    }
    store_memory_release(house->disk);
    assert_int_equal(answer_to(&first), ERR_OK);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            assert_int_equal(answer_to(&callers[i][j]), ERR_OK);
        }
    }
    assert_in_range(store_memory_commits(house->disk) - before, 1, 2);
}

/* P6: with numbers left, nobody waits for the disk of another sequence. */
static void test_keeper_in_a_commit_stops_nobody_who_has_a_lease(void **state)
{
    struct house *house = *state;
    struct caller caller;
    declare(house, "a", fixed_lease(100));
    declare(house, "b", every());
    start(house);
    assert_int_equal(must_take(find(house, "a"), 1), 1);
    wait_until(health_of(house).busy_ns == 0 && health_of(house).commits == 1);
    store_memory_hold(house->disk);
    ask(&caller, find(house, "b"), 1, PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, PATIENCE_MS));
    for (int64_t expected = 2; expected <= 100; expected++) {
        struct block block;
        assert_int_equal(sequence_take(find(house, "a"), 1, &block), ERR_OK);
        assert_int_equal(block.first, expected);
    }
    store_memory_release(house->disk);
    assert_int_equal(answer_to(&caller), ERR_OK);
}

/* A renewal that comes in time: after the first, nobody who takes one at a time at a modest pace
 * ever waits. */
static void test_keeper_renews_before_the_lease_ends(void **state)
{
    struct house *house = *state;
    declare(house, "a", fixed_lease(100));
    start(house);
    struct sequence *a = find(house, "a");
    int64_t expected = must_take(a, 1) + 1;
    for (unsigned round = 0; round < 20; round++) {
        struct sequence_status status;
        wait_until((sequence_describe(a, &status), status.unissued > 50));
        for (unsigned i = 0; i < 50; i++) {
            struct block block;
            assert_int_equal(sequence_take(a, 1, &block), ERR_OK);
            assert_int_equal(block.first, expected++);
        }
    }
}

/* ---- failures ---- */

static void fail_and_recover(struct house *house, enum store_memory_fault fault, int64_t expected)
{
    declare(house, "a", fixed_lease(10));
    start(house);
    store_memory_fail(house->disk, 1, fault, ERR_IO);
    assert_int_equal(must_take(find(house, "a"), 1), expected);
    assert_int_equal(events(house, KEEPER_STORE_FAILED), 1);
    assert_int_equal(events(house, KEEPER_STORE_RECOVERED), 1);
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
    declare(house, "a", fixed_lease(10));
    start(house);
    store_memory_fail(house->disk, 5, STORE_MEMORY_BEFORE, ERR_UNAVAILABLE);
    assert_int_equal(must_take(find(house, "a"), 1), 12);
    assert_int_equal(health_of(house).failed_commits, 1);
    assert_int_equal(events(house, KEEPER_STORE_FAILED), 1);
}

static void test_keeper_issues_what_is_leased_while_the_store_fails(void **state)
{
    struct house *house = *state;
    struct caller caller;
    struct block block;
    declare(house, "a", fixed_lease(10));
    start(house);
    assert_int_equal(must_take(find(house, "a"), 1), 1);
    wait_until(health_of(house).busy_ns == 0 && health_of(house).commits == 1);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    for (int64_t expected = 2; expected <= 11; expected++) {
        assert_int_equal(sequence_take(find(house, "a"), 1, &block), ERR_OK);
        assert_int_equal(block.first, expected);
    }
    ask(&caller, find(house, "a"), 1, 30);
    assert_int_equal(answer_to(&caller), ERR_UNAVAILABLE);
    wait_until(health_of(house).failures >= KEEPER_FAILURES_UNREADY);
    assert_true(strlen(health_of(house).detail.text) > 0);
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    assert_true(must_take(find(house, "a"), 1) > 11); /* and it recovers by itself */
    assert_false(health_of(house).failing);
}

/* P5: the keeper sits in a commit that does not return; the wait ends all the same. */
static void test_keeper_that_hangs_does_not_hold_a_wait_beyond_its_deadline(void **state)
{
    struct house *house = *state;
    struct caller caller;
    declare(house, "a", definition_default());
    start(house);
    store_memory_hold(house->disk);
    ask(&caller, find(house, "a"), 1, 50);
    assert_int_equal(answer_to(&caller), ERR_UNAVAILABLE);
    assert_true(health_of(house).busy_ns > 0);
    store_memory_release(house->disk);
    assert_int_equal(must_take(find(house, "a"), 1), 1); /* who was refused took no number */
}

static void test_keeper_keeps_a_damaged_record_from_harming_the_others(void **state)
{
    struct house *house = *state;
    struct caller bad;
    declare(house, "bad", every());
    declare(house, "good", every());
    assert_int_equal(store_memory_damage(house->disk, "bad", true), ERR_OK);
    start(house);
    ask(&bad, find(house, "bad"), 1, 200);
    assert_int_equal(must_take(find(house, "good"), 1), 1);
    assert_int_equal(answer_to(&bad), ERR_UNAVAILABLE);
    assert_int_equal(events(house, KEEPER_SEQUENCE_FAILED), 1);
    assert_int_equal(events(house, KEEPER_STORE_FAILED), 0);
}

/* ---- errands ---- */

struct definition_errand {
    struct errand errand;
    struct registry *registry;
    enum error declared;
    enum error error;
    sem_t over;
};

static void declare_late(struct errand *errand, struct store *store)
{
    struct definition_errand *self = (struct definition_errand *)errand;
    struct definition definition = definition_default();
    self->declared = registry_declare(self->registry, store, "late", &definition, NULL);
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
    start(house);
    assert_int_equal(run_errand(house, &errand), ERR_OK);
    assert_int_equal(errand.declared, ERR_OK);
    assert_int_equal(must_take(find(house, "late"), 1), 1);
}

static void test_keeper_refuses_errands_while_the_store_fails(void **state)
{
    struct house *house = *state;
    struct definition_errand errand;
    struct caller caller;
    declare(house, "a", definition_default());
    start(house);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    ask(&caller, find(house, "a"), 1, 30);
    assert_int_equal(answer_to(&caller), ERR_UNAVAILABLE);
    wait_until(health_of(house).failing);
    assert_int_equal(run_errand(house, &errand), ERR_UNAVAILABLE);
    assert_int_equal(errand.declared, ERR_PENDING); /* it was not run */
}

int main(void)
{
#define house_test(test) cmocka_unit_test_setup_teardown(test, build, tear_down)
    const struct CMUnitTest tests[] = {
        house_test(test_keeper_leases_for_the_first_request),
        house_test(test_keeper_publishes_only_after_the_commit_has_returned),
        house_test(test_keeper_commits_once_for_all_that_wait),
        house_test(test_keeper_in_a_commit_stops_nobody_who_has_a_lease),
        house_test(test_keeper_renews_before_the_lease_ends),
        house_test(test_keeper_burns_what_a_failed_commit_tried),
        house_test(test_keeper_burns_what_a_commit_did_whose_answer_was_lost),
        house_test(test_keeper_burns_once_for_an_outage),
        house_test(test_keeper_issues_what_is_leased_while_the_store_fails),
        house_test(test_keeper_that_hangs_does_not_hold_a_wait_beyond_its_deadline),
        house_test(test_keeper_keeps_a_damaged_record_from_harming_the_others),
        house_test(test_keeper_runs_an_errand_between_commits),
        house_test(test_keeper_refuses_errands_while_the_store_fails),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
