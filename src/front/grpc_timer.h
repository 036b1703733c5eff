/* grpc_timer: moments at which something is to be done, the next one first.
 *
 * The law: setting, moving and clearing one costs at most the logarithm of how many there are, and
 * nothing is allocated but the room of the heap.
 *
 * Threads: one at a time. */
#ifndef SEQD_FRONT_GRPC_TIMER_H
#define SEQD_FRONT_GRPC_TIMER_H

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Its owner's memory; zeroed but for `fire`, it is not set. */
struct grpc_timer {
    void (*fire)(struct grpc_timer *timer); /* it is not set any more when this is called */
    struct instant due;
    size_t place; /* in the heap, from 1; 0 when it is not set */
};

struct grpc_timers {
    struct grpc_timer **heap; /* owned; heap[0] is the next */
    size_t count;
    size_t room;
};

void grpc_timers_fini(struct grpc_timers *timers);

/* Set it to `due`, or move it there. ERR_NO_MEMORY; it is as it was then. */
__attribute__((warn_unused_result)) enum error
grpc_timer_set(struct grpc_timers *timers, struct grpc_timer *timer, struct instant due);

/* Clear it; one that is not set is accepted. */
void grpc_timer_clear(struct grpc_timers *timers, struct grpc_timer *timer);

/* Fire those whose moment has come. */
void grpc_timers_fire(struct grpc_timers *timers, struct instant now);

/* When the next is due; the far end of time when none is set. */
struct instant grpc_timers_next(const struct grpc_timers *timers);

/* Milliseconds until the next is due, rounded up so that nobody wakes too early; -1 when none is
 * set. For epoll_wait(). */
int grpc_timers_wait_ms(const struct grpc_timers *timers, struct instant now);

#endif
