/* One name through many lives while threads draw from it: dropped, created anew by another step or
 * the other way, advanced, with commits that fail and lives that end in a crash. Each number that
 * anybody got is written down; no number may come twice, but those that a forced move backward has
 * named.
 *
 * The amount of work is fixed: SCALE= multiplies it, SEED= brings a run back (its random choices,
 * not its timing). */
#include "registry_stage.h"

#include "admin_stage.h"
#include "chance.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TAKERS 4
#define COUNT_MAX 5
#define NUMBERS (INT64_C(1) << 22) /* from -NUMBERS / 2 on */
#define MAX_GAP 40
#define LIVES 3
#define WATCH_S 60

struct plan {
    unsigned changes; /* in a life of the service */
    uint64_t share_positions;
    bool faults;
    bool backward;
};

struct stress {
    struct house *house;
    struct plan plan;
    struct chance chance;
    _Atomic bool over;
    _Atomic uint64_t blocks;
    _Atomic uint64_t refused;      /* found no sequence, or it was gone when asked */
    _Atomic uint64_t wrong;        /* answers that cannot be */
    _Atomic unsigned char *issued; /* how often each number was answered, up to 255 */
    bool *may_repeat;              /* the administrator's thread; then the test's */
    uint64_t repeated;
};

static size_t place(int64_t number)
{
    return (size_t)(number + NUMBERS / 2);
}

static void count(_Atomic uint64_t *counter)
{
    /* order: relaxed. A count that is read when the threads have ended. */
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t read_count(_Atomic uint64_t *counter)
{
    /* order: relaxed, as above. */
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void pause_a_little(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL); /* cut short: just as well */
}

/* ---- those who draw ---- */

static void write_down(struct stress *stress, const struct block *block)
{
    for (uint64_t i = 0; i < block->count; i++) {
        int64_t number = definition_number(block->first, block->increment, i);
        if (number < -NUMBERS / 2 || number >= NUMBERS / 2) {
            count(&stress->wrong);
            return;
        }
        /* order: relaxed. Looked at when the threads have ended. */
        atomic_fetch_add_explicit(&stress->issued[place(number)], 1, memory_order_relaxed);
    }
    count(&stress->blocks);
}

struct taker {
    struct stress *stress;
    struct caller caller;
};

static void taker_done(struct waiter *waiter)
{
    sem_post(&((struct caller *)waiter)->over);
}

/* As a front does: find, take, and wait where nothing is leased. */
static enum error draw(struct taker *taker, uint64_t wanted, struct block *ret_block)
{
    struct sequence *sequence = registry_find(taker->stress->house->registry, "a", 1);
    if (sequence == NULL) {
        return ERR_NOT_FOUND;
    }
    enum error error = sequence_take(sequence, wanted, ret_block);
    if (error != ERR_PENDING) {
        return error;
    }
    taker->caller.waiter = (struct waiter){.count = wanted, .done = taker_done};
    taker->caller.waiter.deadline = clock_after(clock_now(), WATCH_S * CLOCK_NS_PER_S);
    error = sequence_wait(sequence, &taker->caller.waiter);
    if (error == ERR_PENDING) {
        while (sem_wait(&taker->caller.over) != 0) {
        }
        error = taker->caller.waiter.error;
    }
    *ret_block = taker->caller.waiter.block;
    return error;
}

static void *take(void *argument)
{
    struct taker *taker = argument;
    struct stress *stress = taker->stress;
    uint64_t wanted = 0;
    /* order: relaxed. An end that is seen late costs some blocks more. */
    while (!atomic_load_explicit(&stress->over, memory_order_relaxed)) {
        struct block block = {0};
        wanted = wanted % COUNT_MAX + 1;
        switch (draw(taker, wanted, &block)) {
        case ERR_OK:
            write_down(stress, &block);
            break;
        case ERR_NOT_FOUND:
        case ERR_UNAVAILABLE:
        case ERR_EXHAUSTED:
            count(&stress->refused);
            pause_a_little();
            break;
        case ERR_PENDING:
        case ERR_INVALID:
        case ERR_CONFLICT:
        case ERR_IO:
        case ERR_CORRUPT:
        case ERR_FENCED:
        case ERR_NO_MEMORY:
            count(&stress->wrong);
            break;
        }
    }
    return NULL;
}

/* ---- the administrator: nothing is asserted, for the others have to leave first ---- */

static struct definition any_definition(struct stress *stress)
{
    struct definition definition = house_fixed_lease(1 + chance_below(&stress->chance, MAX_GAP));
    definition.max_gap = MAX_GAP;
    definition.min = -NUMBERS / 2;
    definition.max = NUMBERS / 2 - 1;
    definition.start = (int64_t)chance_below(&stress->chance, 2000) - 1000;
    definition.increment = 1 + (int64_t)chance_below(&stress->chance, 3);
    if (chance_below(&stress->chance, 2) == 0) {
        definition.increment = -definition.increment;
    }
    if (chance_below(&stress->chance, 4) == 0) {
        definition.lease = SEQUENCE_LEASE_AUTO;
        definition.durability = DURABILITY_EVERY;
    }
    return definition;
}

static struct admin_request ask(struct stress *stress, struct admin_request request)
{
    static const enum error errors[] = {ERR_IO, ERR_UNAVAILABLE};
    if (stress->plan.faults && chance_below(&stress->chance, 6) == 0) {
        store_memory_fail_after(stress->house->disk, chance_below(&stress->chance, 4), 1,
                                chance_below(&stress->chance, 2) == 0 ? STORE_MEMORY_BEFORE
                                                                      : STORE_MEMORY_AFTER,
                                errors[chance_below(&stress->chance, 2)]);
    }
    struct admin_request answer = admin_stage_ask(stress->house, request);
    if (answer.error != ERR_OK && answer.error != ERR_UNAVAILABLE &&
        answer.error != ERR_NOT_FOUND && answer.error != ERR_CONFLICT &&
        answer.error != ERR_EXHAUSTED) {
        count(&stress->wrong);
    }
    return answer;
}

/* What is answered from now on lies beyond `past`. */
static void check_beyond(struct stress *stress, int64_t past, int64_t increment)
{
    struct taker self = {.stress = stress};
    struct block block;
    sem_init(&self.caller.over, 0, 0);
    if (draw(&self, 1, &block) == ERR_OK) {
        write_down(stress, &block);
        if (increment > 0 ? block.first <= past : block.first >= past) {
            count(&stress->wrong);
        }
    }
    sem_destroy(&self.caller.over);
}

static void allow(struct stress *stress, const struct admin_request *answer)
{
    /* A move backward whose outcome is unknown counts as well: it may be met after a crash. */
    if (answer->error != ERR_OK && answer->error != ERR_UNAVAILABLE) {
        return;
    }
    for (int64_t number = answer->repeat_first;
         (answer->rewound || answer->error == ERR_UNAVAILABLE) && number <= answer->repeat_last;
         number++) {
        stress->may_repeat[place(number)] = true;
    }
}

static void advance(struct stress *stress)
{
    struct sequence_status status;
    struct sequence *sequence = registry_find(stress->house->registry, "a", 1);
    if (sequence == NULL) {
        return;
    }
    sequence_describe(sequence, &status);
    uint64_t there = range_min(status.next, status.capacity - 1);
    bool back = stress->plan.backward && chance_below(&stress->chance, 3) == 0;
    uint64_t step = chance_below(&stress->chance, back ? 300 : 2 * MAX_GAP);
    uint64_t target =
        back ? there - range_min(there, step) : range_min(there + step, status.capacity - 1);
    int64_t past = definition_number_at(&status.definition, target);
    struct admin_request answer = ask(stress, admin_stage_advance("a", past, back));
    allow(stress, &answer);
    if (answer.error == ERR_OK) {
        check_beyond(stress, past, answer.status.definition.increment);
    }
}

static void change(struct stress *stress)
{
    if (chance_below(&stress->chance, 3) > 0) {
        advance(stress);
    } else if (ask(stress, admin_stage_drop("a")).error == ERR_OK &&
               registry_find(stress->house->registry, "a", 1) != NULL) {
        count(&stress->wrong);
    }
    if (registry_find(stress->house->registry, "a", 1) == NULL) {
        (void)ask(stress, admin_stage_create("a", any_definition(stress))); /* or the next time */
    }
}

/* The others get their turn between two changes. */
static void let_them_draw(struct stress *stress)
{
    uint64_t seen = read_count(&stress->blocks) + read_count(&stress->refused);
    struct instant give_up = clock_after(clock_now(), WATCH_S * CLOCK_NS_PER_S);
    while (read_count(&stress->blocks) + read_count(&stress->refused) < seen + 2 * TAKERS) {
        pause_a_little();
        if (clock_reached(give_up, clock_now())) {
            count(&stress->wrong);
            return;
        }
    }
}

/* ---- a life, and the verdict ---- */

static void live(struct stress *stress)
{
    struct taker takers[TAKERS];
    pthread_t threads[TAKERS];
    atomic_init(&stress->over, false);
    for (unsigned i = 0; i < TAKERS; i++) {
        takers[i].stress = stress;
        assert_int_equal(sem_init(&takers[i].caller.over, 0, 0), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, take, &takers[i]), 0);
    }
    for (unsigned i = 0; i < stress->plan.changes; i++) {
        change(stress);
        let_them_draw(stress);
    }
    /* order: relaxed, as in take(). */
    atomic_store_explicit(&stress->over, true, memory_order_relaxed);
    registry_close(stress->house->registry); /* ends every wait */
    for (unsigned i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sem_destroy(&takers[i].caller.over);
    }
    store_memory_fail(stress->house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
}

static void judge(struct stress *stress)
{
    for (int64_t number = -NUMBERS / 2; number < NUMBERS / 2; number++) {
        /* order: relaxed. The threads have ended. */
        unsigned times = atomic_load_explicit(&stress->issued[place(number)], memory_order_relaxed);
        if (times > 1 && !stress->may_repeat[place(number)]) {
            fail_msg("%" PRId64 " was answered %u times", number, times);
        }
        stress->repeated += times > 1 ? 1 : 0;
    }
    assert_int_equal(read_count(&stress->wrong), 0);
    assert_true(read_count(&stress->blocks) > stress->plan.changes);
}

static void run(struct house *house, struct plan plan)
{
    struct stress stress = {.house = house, .plan = plan};
    uint64_t seed = chance_seed();
    stress.chance = chance_from(seed);
    stress.issued = calloc((size_t)NUMBERS, sizeof stress.issued[0]);
    stress.may_repeat = calloc((size_t)NUMBERS, sizeof stress.may_repeat[0]);
    assert_true(stress.issued != NULL && stress.may_repeat != NULL);
    stress.plan.changes = (unsigned)(plan.changes * knob("SCALE", 1, 1000000));
    if (plan.share_positions > 0) {
        store_memory_share(house->disk, plan.share_positions, seed);
    }
    house_start(house);
    for (unsigned life = 0; life < LIVES; life++) {
        live(&stress);
        registry_stage_restart(house); /* nothing was given back: a crash */
    }
    judge(&stress);
    print_message("    %" PRIu64 " blocks, %" PRIu64 " refused, %" PRIu64 " numbers repeated\n",
                  read_count(&stress.blocks), read_count(&stress.refused), stress.repeated);
    assert_true(plan.backward || stress.repeated == 0);
    free((void *)stress.issued);
    free(stress.may_repeat);
}

static void test_admin_stress_repeats_no_number(void **state)
{
    run(*state, (struct plan){.changes = 300});
}

static void test_admin_stress_repeats_no_number_over_a_shared_store(void **state)
{
    run(*state, (struct plan){.changes = 300, .share_positions = 20});
}

static void test_admin_stress_repeats_no_number_while_commits_fail(void **state)
{
    run(*state, (struct plan){.changes = 120, .share_positions = 20, .faults = true});
}

static void test_admin_stress_repeats_only_what_it_was_told_to(void **state)
{
    run(*state, (struct plan){.changes = 300, .backward = true});
}

static void test_admin_stress_repeats_only_what_it_was_told_to_while_commits_fail(void **state)
{
    run(*state, (struct plan){.changes = 120, .faults = true, .backward = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_admin_stress_repeats_no_number),
        house_test(test_admin_stress_repeats_no_number_over_a_shared_store),
        house_test(test_admin_stress_repeats_no_number_while_commits_fail),
        house_test(test_admin_stress_repeats_only_what_it_was_told_to),
        house_test(test_admin_stress_repeats_only_what_it_was_told_to_while_commits_fail),
    };
    return cmocka_run_group_tests_name("admin_stress", tests, NULL, NULL);
}
