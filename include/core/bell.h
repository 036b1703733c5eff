/* bell: many threads ring it, one thread answers.
 *
 * The law: what rings owns a rope. A rope that is pulled already is not pulled twice, so ringing
 * costs one load when the answer is still on its way, and the list of pulled ropes needs no
 * memory of its own. This is how a sequence calls for its keeper without knowing it: nothing
 * calls up.
 *
 * Threads: bell_ring() and bell_stop() any; the others the one thread that answers. Lock order: a
 * sequence's lock may be held while ringing; nothing is locked while the bell's lock is held. */
#ifndef SEQD_CORE_BELL_H
#define SEQD_CORE_BELL_H

#include "base/clock.h"
#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct rope {
    _Atomic bool pulled;
    struct rope *next; /* bell->lock while in the bell; then the thread that answers */
    void *owner;       /* what rang; constant */
};

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    struct rope *first; /* lock; in the order of ringing */
    struct rope **end;  /* lock */
    bool stopped;       /* lock */
};

/* Use the caller's memory. ERR_NO_MEMORY when the system has no more locks. */
__attribute__((warn_unused_result)) enum error bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

void rope_init(struct rope *rope, void *owner);

/* Put `rope` on the list and wake the one who answers, unless it is there already. Never blocks
 * on I/O. */
void bell_ring(struct bell *bell, struct rope *rope);

/* Wait until something rings, `until` is reached, or the bell is stopped. Returns the ropes in
 * the order of ringing, linked by `next`, or NULL. Each stays pulled until bell_release(). */
struct rope *bell_answer(struct bell *bell, struct instant until);

/* Wait until `until` or until the bell is stopped; what rings meanwhile stays on the list. */
void bell_sleep(struct bell *bell, struct instant until);

/* From now on `rope` may be pulled again. Called before its owner is looked at, so that what
 * happens after the look rings anew. */
void bell_release(struct rope *rope);

/* No more waiting, now and later. */
void bell_stop(struct bell *bell);
bool bell_stopped(struct bell *bell);

#endif
