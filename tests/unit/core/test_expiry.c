/* The thread that ends waits at their deadlines, without any keeper; and that neither it nor the
 * keeper misses who joins at the wrong moment. */
#include "registry_stage.h"

#include <stdio.h>
#include <stdlib.h>

#define REJOINS 20

/* Everything but the keeper: no lease ever comes. */
static void start_expiry(struct house *house)
{
    assert_int_equal(expiry_start(&house->waits, &house->expiry), ERR_OK);
}

static void test_expiry_ends_every_wait_at_its_deadline(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 100,
        CALLERS = 3
    };
    static struct caller callers[SEQUENCES][CALLERS];
    registry_stage_declare_many(house, SEQUENCES);
    start_expiry(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            house_ask(&callers[i][j], registry_stage_find(house, i), 1, 1 + 17 * j);
        }
    }
    for (unsigned i = 0; i < SEQUENCES; i++) {
        for (unsigned j = 0; j < CALLERS; j++) {
            assert_int_equal(house_answer_to(&callers[i][j]), ERR_UNAVAILABLE);
            assert_true(clock_reached(callers[i][j].waiter.deadline, clock_now()));
        }
    }
}

/* One that ends early leaves the one before it and the one behind it in line. */
static void test_expiry_ends_nobody_before_the_deadline(void **state)
{
    struct house *house = *state;
    struct caller first;
    struct caller hasty;
    struct caller last;
    struct sequence_status status;
    registry_stage_declare_many(house, 1);
    start_expiry(house);
    house_ask(&first, registry_stage_find(house, 0), 1, HOUSE_PATIENCE_MS);
    house_ask(&hasty, registry_stage_find(house, 0), 1, 1);
    house_ask(&last, registry_stage_find(house, 0), 1, HOUSE_PATIENCE_MS);
    assert_int_equal(house_answer_to(&hasty), ERR_UNAVAILABLE);
    sequence_describe(registry_stage_find(house, 0), &status);
    assert_int_equal(status.waiters, 2);
    assert_int_equal(sem_trywait(&first.over), -1);
    assert_int_equal(sem_trywait(&last.over), -1);
    registry_close(house->registry);
    assert_int_equal(house_answer_to(&first), ERR_UNAVAILABLE);
    assert_int_equal(house_answer_to(&last), ERR_UNAVAILABLE);
}

static void test_expiry_finds_those_who_waited_before_it_was_started(void **state)
{
    struct house *house = *state;
    struct caller caller;
    registry_stage_declare_many(house, 1);
    house_ask(&caller, registry_stage_find(house, 0), 1, 1);
    start_expiry(house);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
}

static void test_expiry_stops_while_somebody_waits(void **state)
{
    struct house *house = *state;
    struct caller caller;
    registry_stage_declare_many(house, 1);
    start_expiry(house);
    house_ask(&caller, registry_stage_find(house, 0), 1, HOUSE_PATIENCE_MS);
    expiry_stop(house->expiry);
    house->expiry = NULL;
    assert_int_equal(sem_trywait(&caller.over), -1);
    registry_close(house->registry);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
}

static void test_expiry_stop_accepts_null(void **state)
{
    (void)state;
    expiry_stop(NULL);
}

/* ---- who joins at the wrong moment ---- */

/* Somebody who joins again from within `done`, when whoever calls it has had its look and is about
 * to leave. */
struct returner {
    struct waiter waiter; /* first, so that a waiter's address is the returner's */
    struct sequence *sequence;
    unsigned rejoins_left;
    bool gone;                /* when its turn comes */
    unsigned pulled_at_looks; /* how often its rope was still pulled while the keeper looked */
    sem_t over;
};

static bool returner_wanted(struct waiter *waiter)
{
    struct returner *returner = (struct returner *)waiter;
    struct rope *rope = sequence_renewal_rope(returner->sequence);
    /* order: relaxed. The thread that asks is the one that writes it, if it has. */
    bool pulled = atomic_load_explicit(&rope->pulled, memory_order_relaxed);
    returner->pulled_at_looks += pulled ? 1 : 0;
    return !returner->gone;
}

static void returner_done(struct waiter *waiter)
{
    struct returner *returner = (struct returner *)waiter;
    if (returner->rejoins_left == 0) {
        (void)sem_post(&returner->over); /* fails only beyond two thousand million posts */
        return;
    }
    returner->rejoins_left--;
    returner->gone = returner->gone && returner->rejoins_left > 0;
    if (waiter->deadline.ns != UINT64_MAX) {
        waiter->deadline = clock_after(clock_now(), CLOCK_NS_PER_MS);
    }
    assert_int_equal(sequence_wait(returner->sequence, waiter), ERR_PENDING);
}

/* Ask, and wait until it has returned as often as it wants; the last answer. */
static enum error last_answer(struct returner *returner)
{
    struct timespec until;
    assert_int_equal(sem_init(&returner->over, 0, 0), 0);
    assert_int_equal(sequence_wait(returner->sequence, &returner->waiter), ERR_PENDING);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOUSE_PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&returner->over, &until), 0);
    sem_destroy(&returner->over);
    return returner->waiter.error;
}

/* Expiry lets go of the rope first and looks after: who joins after the look rings again. */
static void test_expiry_misses_nobody_who_joins_behind_its_look(void **state)
{
    struct house *house = *state;
    struct returner returner = {.rejoins_left = REJOINS};
    registry_stage_declare_many(house, 1);
    start_expiry(house);
    returner.sequence = registry_stage_find(house, 0);
    returner.waiter = (struct waiter){.count = 1, .done = returner_done};
    returner.waiter.deadline = clock_after(clock_now(), CLOCK_NS_PER_MS);
    assert_int_equal(last_answer(&returner), ERR_UNAVAILABLE);
}

/* So does the keeper: one that has gone makes nothing due, and joins again when the keeper turns
 * away. */
static void test_keeper_misses_nobody_who_joins_behind_its_look(void **state)
{
    struct house *house = *state;
    struct returner returner = {.rejoins_left = REJOINS, .gone = true};
    house_declare(house, "a", house_every());
    house_start(house);
    returner.sequence = house_find(house, "a");
    returner.waiter = (struct waiter){.count = 1, .done = returner_done, .wanted = returner_wanted};
    returner.waiter.deadline = (struct instant){UINT64_MAX};
    assert_int_equal(last_answer(&returner), ERR_OK);
}

/* The same at the narrowest: while the plan looks, under the lock, the rope can be pulled. */
static void test_keeper_lets_go_of_the_rope_before_it_looks(void **state)
{
    struct house *house = *state;
    struct store_request request;
    struct returner returner = {0};
    house_declare(house, "a", house_every());
    returner.sequence = house_find(house, "a");
    returner.waiter = (struct waiter){.count = 1, .done = returner_done, .wanted = returner_wanted};
    returner.waiter.deadline = (struct instant){UINT64_MAX};
    assert_int_equal(sem_init(&returner.over, 0, 0), 0);
    assert_int_equal(sequence_wait(returner.sequence, &returner.waiter), ERR_PENDING);
    assert_non_null(bell_answer(&house->renewals, (struct instant){UINT64_MAX}));
    assert_true(sequence_plan(returner.sequence, clock_now(), &request));
    assert_int_equal(returner.pulled_at_looks, 0);
    registry_close(house->registry);
    assert_int_equal(sem_trywait(&returner.over), 0);
    sem_destroy(&returner.over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_expiry_ends_every_wait_at_its_deadline),
        house_test(test_expiry_ends_nobody_before_the_deadline),
        house_test(test_expiry_finds_those_who_waited_before_it_was_started),
        house_test(test_expiry_stops_while_somebody_waits),
        cmocka_unit_test(test_expiry_stop_accepts_null),
        house_test(test_expiry_misses_nobody_who_joins_behind_its_look),
        house_test(test_keeper_misses_nobody_who_joins_behind_its_look),
        house_test(test_keeper_lets_go_of_the_rope_before_it_looks),
    };
    return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
