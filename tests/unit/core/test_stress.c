/* The whole core under a crowd: eight threads draw blocks from three sequences, each of its own
 * kind, over a store that is bent in every way, through many lives; the ledger judges.
 *
 * The amount of work is fixed: SCALE= multiplies it, SEED= brings a run back (its random choices,
 * not its timing). */
#include "registry_stage.h"

#include "chance.h"
#include "crowd.h"
#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 8
#define SEQUENCES 3
#define COUNT_MAX 20
#define WATCH_S 60 /* a life that takes longer has come to a stop */
#define STALLS_OF_A_LIFE 3
#define FAULTS_OF_A_LIFE 4

/* What happens to a sequence over its lives. */
struct plan {
    unsigned lives;
    uint64_t requests;        /* of all threads, in a life, before it is closed */
    uint64_t share_positions; /* what another node takes between two leases, at most */
    bool faults;              /* commits fail now and then, with an outcome unknown */
    bool stalls;              /* commits stand still until everybody has run out of patience */
    unsigned gone_one_in;
    bool crashes; /* every other life ends without giving anything back */
};

struct stress {
    struct house *house;
    struct plan plan;
    struct chance chance;
    struct sequence *sequences[SEQUENCES];
    struct ledger *ledgers[SEQUENCES];
    uint64_t max_gap[SEQUENCES]; /* 0 for the one that commits each block */
    uint64_t waited;             /* blocks of those who stood in line */
    const char *broken; /* what was seen to be wrong while the crowd was at work; or NULL */
};

static const char *const names[SEQUENCES] = {"narrow", "every", "adaptive"};

static void declare_all(struct stress *stress)
{
    struct definition narrow = definition_default();
    narrow.max_gap = 1;
    struct definition every = house_every();
    every.start = 1000000000;
    every.increment = -3;
    every.min = SEQUENCE_NUMBER_MIN;
    struct definition adaptive = definition_default();
    adaptive.start = -7;
    adaptive.increment = 5;
    adaptive.min = SEQUENCE_NUMBER_MIN;
    adaptive.max_gap = 3000;
    house_declare(stress->house, names[0], narrow);
    house_declare(stress->house, names[1], every);
    house_declare(stress->house, names[2], adaptive);
    stress->max_gap[0] = narrow.max_gap;
    stress->max_gap[1] = 0;
    stress->max_gap[2] = adaptive.max_gap;
}

/* Nobody gives up before a lease comes, so nothing is leased for somebody who has left. */
static bool is_patient(const struct stress *stress)
{
    return !stress->plan.stalls && stress->plan.gone_one_in == 0;
}

/* The leases continue each other, and nothing is burnt. */
static bool is_smooth(const struct stress *stress)
{
    return stress->plan.share_positions == 0 && !stress->plan.faults;
}

/* ---- while the crowd is at work: nothing is asserted, for its threads have to leave first ---- */

static void pause_a_little(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* cut short: just as well */
}

/* P4, at any moment: a crash now would lose max_gap positions at most. */
static void watch_gaps(struct stress *stress)
{
    for (unsigned i = 0; i < SEQUENCES && is_patient(stress); i++) {
        struct sequence_status status;
        sequence_describe(stress->sequences[i], &status);
        if (status.unissued > stress->max_gap[i]) {
            stress->broken = "a crash would have lost more than max_gap";
        }
    }
}

static void break_a_few_commits(struct stress *stress)
{
    static const enum error errors[] = {ERR_IO, ERR_UNAVAILABLE};
    store_memory_fail_after(stress->house->disk, chance_below(&stress->chance, 20),
                            1 + chance_below(&stress->chance, 3),
                            chance_below(&stress->chance, 2) == 0 ? STORE_MEMORY_BEFORE
                                                                  : STORE_MEMORY_AFTER,
                            errors[chance_below(&stress->chance, 2)]);
}

/* P5: with a commit that does not return everybody is refused in time. */
static void stand_still(struct stress *stress, struct crowd *crowd)
{
    store_memory_hold(stress->house->disk);
    uint64_t refusals = crowd_refusals_least(crowd);
    struct instant give_up = clock_after(clock_now(), HOUSE_PATIENCE_MS * CLOCK_NS_PER_MS);
    while (crowd_refusals_least(crowd) == refusals && stress->broken == NULL) {
        pause_a_little();
        if (clock_reached(give_up, clock_now())) {
            stress->broken = "a wait did not end at its deadline while a commit stood still";
        }
    }
    store_memory_pass(stress->house->disk, (unsigned)chance_below(&stress->chance, 3));
    store_memory_release(stress->house->disk);
}

/* Trouble, spread evenly over the requests of a life. */
static void watch(struct stress *stress, struct crowd *crowd)
{
    const struct plan *plan = &stress->plan;
    unsigned troubles = plan->stalls ? STALLS_OF_A_LIFE : 0;
    uint64_t next_stall = plan->requests / (troubles + 1);
    uint64_t next_fault = plan->requests / (FAULTS_OF_A_LIFE + 1);
    uint64_t requests = 0;
    struct instant give_up = clock_after(clock_now(), WATCH_S * CLOCK_NS_PER_S);
    while ((requests = crowd_requests(crowd)) < plan->requests && stress->broken == NULL) {
        watch_gaps(stress);
        if (clock_reached(give_up, clock_now())) {
            stress->broken = "the crowd came to a stop";
        }
        if (plan->stalls && requests >= next_stall) {
            stand_still(stress, crowd);
            next_stall += plan->requests / (troubles + 1);
        }
        if (plan->faults && requests >= next_fault) {
            break_a_few_commits(stress);
            next_fault += plan->requests / (FAULTS_OF_A_LIFE + 1);
        }
        pause_a_little();
    }
}

/* ---- after each life ---- */

/* What the store answered with ERR_OK since lease `first`. */
static void tell_leases(struct stress *stress, size_t first)
{
    size_t count = store_memory_lease_count(stress->house->disk);
    for (size_t i = first; i < count; i++) {
        struct store_memory_lease lease = store_memory_lease_at(stress->house->disk, i);
        for (unsigned j = 0; j < SEQUENCES && lease.answered; j++) {
            if (strcmp(lease.name, names[j]) == 0) {
                ledger_lease(stress->ledgers[j], lease.range);
            }
        }
    }
}

/* Give back what is left; a store that failed last has to recover first. */
static void settle(struct stress *stress)
{
    struct house *house = stress->house;
    assert_int_equal(store_recover(house->store, NULL), ERR_OK);
    assert_int_equal(registry_settle(house->registry, house->store, NULL), ERR_OK);
}

/* The books of one sequence over the life that has ended, `refused` positions of which nobody got:
 * every position that was leased was issued, given up, or is left; what is left is bounded; and
 * what is durable lies above all that was received, by exactly the loss where nothing else moved
 * it. */
static void audit(struct stress *stress, unsigned i, uint64_t refused, bool settled)
{
    struct ledger_life life = ledger_end_life(stress->ledgers[i]);
    struct sequence_status status;
    sequence_describe(stress->sequences[i], &status);
    assert_int_equal(status.issued, life.taken);
    assert_int_equal(status.waiters, 0);
    assert_int_equal(life.leased, status.issued + status.burnt + status.unissued);
    assert_in_range(status.unissued, 0, stress->max_gap[i] + refused);
    stress->waited += life.waited;

    uint64_t mark = registry_stage_mark(stress->house, names[i]);
    assert_in_range(mark, life.limit, UINT64_MAX);
    if (is_smooth(stress)) {
        uint64_t lost = settled ? 0 : status.unissued;
        assert_int_equal(status.burnt, 0);
        if (life.taken > 0 || settled) {
            assert_int_equal(mark - life.limit, lost);
        }
    }
}

static void live(struct stress *stress, bool settled)
{
    struct house *house = stress->house;
    uint64_t refused[SEQUENCES];
    struct crowd_options options = {
        .threads = THREADS,
        .seed = chance_next(&stress->chance),
        .count_max = COUNT_MAX,
        .wait_max_ms = stress->plan.stalls ? 25 : 0,
        .gone_one_in = stress->plan.gone_one_in,
    };
    size_t leases = store_memory_lease_count(house->disk);
    registry_stage_restart(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        stress->sequences[i] = house_find(house, names[i]);
    }
    struct crowd *crowd = crowd_start(&options, stress->sequences, SEQUENCES);
    watch(stress, crowd);
    crowd_leave(crowd);
    registry_close(house->registry); /* in the middle of it all */
    uint64_t wrong = crowd_join(crowd, stress->ledgers, refused);
    if (stress->broken != NULL || wrong > 0) {
        fail_msg("%s, %" PRIu64 " answers wrong", stress->broken != NULL ? stress->broken : "but",
                 wrong);
    }
    registry_stage_stop(house);
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    tell_leases(stress, leases);
    if (settled) {
        settle(stress);
    }
    for (unsigned i = 0; i < SEQUENCES; i++) {
        audit(stress, i, refused[i], settled);
    }
}

static void run(struct house *house, struct plan plan)
{
    struct stress stress = {.house = house, .plan = plan};
    uint64_t seed = chance_seed();
    bool good = true;
    stress.plan.requests = plan.requests * knob("SCALE", 1, 1000000);
    stress.chance = chance_from(seed);
    declare_all(&stress);
    if (plan.share_positions > 0) {
        store_memory_share(house->disk, plan.share_positions, seed);
    }
    for (unsigned i = 0; i < SEQUENCES; i++) {
        stress.ledgers[i] = ledger_new();
    }
    for (unsigned life = 0; life < plan.lives; life++) {
        live(&stress, !plan.crashes || life % 2 == 0);
    }
    for (unsigned i = 0; i < SEQUENCES; i++) {
        good = ledger_is_good(stress.ledgers[i], names[i]) && good;
        ledger_free(stress.ledgers[i]);
    }
    assert_true(good);
    assert_true(stress.waited > 0); /* else the test has tested nothing of interest */
}

/* ---- the ways in which it is bent ---- */

static void test_stress_keeps_every_promise_over_one_owners_store(void **state)
{
    run(*state, (struct plan){.lives = 1, .requests = 20000});
}

static void test_stress_keeps_every_promise_over_a_shared_store(void **state)
{
    run(*state, (struct plan){.lives = 1, .requests = 20000, .share_positions = 40});
}

static void test_stress_keeps_every_promise_while_commits_fail(void **state)
{
    run(*state, (struct plan){.lives = 3, .requests = 3000, .faults = true});
}

static void test_stress_keeps_every_promise_while_commits_of_a_shared_store_fail(void **state)
{
    run(*state, (struct plan){.lives = 3, .requests = 3000, .share_positions = 40, .faults = true});
}

static void test_stress_keeps_every_promise_when_nobody_has_patience(void **state)
{
    run(*state, (struct plan){.lives = 4, .requests = 1500, .stalls = true, .gone_one_in = 6});
}

static void test_stress_loses_nothing_over_clean_stops(void **state)
{
    run(*state, (struct plan){.lives = 30, .requests = 500});
}

static void test_stress_loses_no_more_than_max_gap_over_crashes(void **state)
{
    run(*state, (struct plan){.lives = 30, .requests = 500, .crashes = true});
}

static void test_stress_keeps_every_promise_with_all_of_it_at_once(void **state)
{
    run(*state, (struct plan){.lives = 6,
                              .requests = 1000,
                              .share_positions = 40,
                              .faults = true,
                              .stalls = true,
                              .gone_one_in = 6,
                              .crashes = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_stress_keeps_every_promise_over_one_owners_store),
        house_test(test_stress_keeps_every_promise_over_a_shared_store),
        house_test(test_stress_keeps_every_promise_while_commits_fail),
        house_test(test_stress_keeps_every_promise_while_commits_of_a_shared_store_fail),
        house_test(test_stress_keeps_every_promise_when_nobody_has_patience),
        house_test(test_stress_loses_nothing_over_clean_stops),
        house_test(test_stress_loses_no_more_than_max_gap_over_crashes),
        house_test(test_stress_keeps_every_promise_with_all_of_it_at_once),
    };
    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
