/* waiters: the queue of those who wait for a lease of one sequence, first come first served.
 *
 * Threads: guarded by the lock of the sequence that owns the queue; waiters_finish() by whoever
 * took them out. */
#ifndef SEQD_CORE_WAITERS_H
#define SEQD_CORE_WAITERS_H

#include "core/sequence.h"

struct waiters {
    struct waiter *first;
    struct waiter **end;
    uint64_t length;
};

void waiters_init(struct waiters *waiters);
void waiters_append(struct waiters *waiters, struct waiter *waiter);

/* Move every waiter for which `matches` says yes to the end of `to`, with `error` as its answer;
 * the order is kept. */
void waiters_move(struct waiters *from, struct waiters *to, enum error error,
                  bool (*matches)(void *context, struct waiter *waiter), void *context);

/* Take the first one out of a queue that is not empty. */
struct waiter *waiters_take_first(struct waiters *waiters);

/* Append all of `from` to `to`, and leave `from` empty. */
void waiters_concatenate(struct waiters *to, struct waiters *from);

/* Call `done` of each, in order, and leave the queue empty. No lock may be held. */
void waiters_finish(struct waiters *waiters);

#endif
