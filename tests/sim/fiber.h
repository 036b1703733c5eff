/* fiber: threads that are played by one, so that one seed decides everything.
 *
 * The law: at each fiber_step() the next to run is drawn from the seed. A fiber that waits for a
 * lock, a condition or a moment is not drawn. Where all wait, simulated time jumps to the next
 * moment that somebody waits for; where there is none, the simulation has found a standstill.
 *
 * fiber_life() plays one life of a process: it ends when the first fiber returns, or at once, like
 * SIGKILL, when fiber_kill() is called; every other fiber, its locks and its memory are gone then.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_SIM_FIBER_H
#define SEQD_TESTS_SIM_FIBER_H

#include "chance.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define FIBERS_MAX 16
#define FIBER_STACK_BYTES 65536
#define FIBER_MEMORY_BYTES (1u << 20) /* of one life */
#define FIBER_STEP_NS 100             /* that a step takes */

struct fiber;

struct fiber_mutex {
    struct fiber *owner; /* of the life `life`; of an earlier one: nobody */
    uint64_t life;
};

struct fiber_condition {
    uint64_t signals; /* how often anybody was to be woken */
};

enum fiber_end {
    FIBER_RETURNED,
    FIBER_KILLED,
    FIBER_STANDSTILL, /* all wait, and nothing will wake them */
    FIBER_ENDLESS,    /* more steps than `steps_max` */
};

/* Play `first(argument)` and all that it starts. `calm`: of how many steps one changes the fiber;
 * `kill_at`: the step at which the life is ended, 0 for never. */
enum fiber_end fiber_life(void (*first)(void *argument), void *argument, struct chance *chance,
                          unsigned calm, uint64_t kill_at, uint64_t steps_max);

/* Somebody else may go on here. Outside a life it does nothing. */
void fiber_step(void);

/* What stands in for a function of the C library returns 0, as that does. */
struct fiber *fiber_start(void *(*run)(void *argument), void *argument);
int fiber_create(struct fiber **ret_fiber, void *(*run)(void *argument), void *argument);
int fiber_join(struct fiber *fiber);

int fiber_mutex_init(struct fiber_mutex *mutex);
int fiber_mutex_lock(struct fiber_mutex *mutex);
int fiber_mutex_unlock(struct fiber_mutex *mutex);

int fiber_condition_init(struct fiber_condition *condition);
/* 0, or ETIMEDOUT at `until` (NULL: never). */
int fiber_condition_wait(struct fiber_condition *condition, struct fiber_mutex *mutex,
                         const struct timespec *until);
int fiber_condition_signal(struct fiber_condition *condition);
int fiber_condition_broadcast(struct fiber_condition *condition);

int fiber_sleep(const struct timespec *span);
void fiber_sleep_ns(uint64_t ns);

/* Wait until `*flag`. */
void fiber_await(const bool *flag);

/* Simulated time, from 1 s on; it goes on over lives. */
uint64_t fiber_now_ns(void);

/* Zeroed memory of this life; NULL, now and then, where `fiber_scarce` asks for it. */
void *fiber_allocate(size_t count, size_t size);

/* For what needs no end here. */
int fiber_forget(const volatile void *object);

/* From now on one of `of` allocations fails; 0: none. */
void fiber_scarce(unsigned of);

#endif
