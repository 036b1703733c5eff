/* timekeeper: what this process has seen of the wall clock: how it stepped, and which way.
 *
 * The law: a step is a change of the distance between wall clock and monotonic clock between two
 * looks, of TIMEKEEPER_STEP_MS at least. What a sequence does about it does not depend on a look
 * being taken in time: this counts for people.
 *
 * Threads: any. */
#ifndef SEQD_CORE_TIMEKEEPER_H
#define SEQD_CORE_TIMEKEEPER_H

#include "base/error.h"
#include "base/wall_clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define TIMEKEEPER_STEP_MS 5

struct timekeeper_steps {
    uint64_t forward; /* steps seen since the start */
    uint64_t backward;
    int64_t last_ms; /* the newest, below 0 when it went backward; 0: none yet */
};

struct timekeeper {
    const struct wall_clock *clock; /* constant; borrowed */
    pthread_mutex_t lock;
    int64_t ahead_ms;              /* lock; as of the last look */
    struct timekeeper_steps steps; /* lock */
};

/* Use the caller's memory, and take the first look. `clock` is borrowed until timekeeper_fini().
 * ERR_NO_MEMORY when the system has no more locks. */
__attribute__((warn_unused_result)) enum error timekeeper_init(struct timekeeper *timekeeper,
                                                               const struct wall_clock *clock);
void timekeeper_fini(struct timekeeper *timekeeper);

/* Look at the clocks, and count a step. */
void timekeeper_look(struct timekeeper *timekeeper);

/* Look, and say what was seen so far. */
void timekeeper_steps(struct timekeeper *timekeeper, struct timekeeper_steps *ret_steps);

#endif
