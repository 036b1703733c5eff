/* grpc_pulse: the sign by which another thread sees that a loop lives.
 *
 * The law: a loop says when it is to be heard of next: by the next timer when it sleeps, at once
 * when it is at work. So one that hangs in its work, or sleeps through a timer, is overdue from
 * then on, and one that has nothing to do never is.
 *
 * Threads: sleeps and wakes the loop's; overdue any. */
#ifndef SEQD_FRONT_GRPC_PULSE_H
#define SEQD_FRONT_GRPC_PULSE_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdint.h>

struct grpc_pulse {
    _Atomic uint64_t due_ns; /* of the monotonic clock */
};

/* Before the thread of the loop is there: it is to be heard of from `now` on. */
void grpc_pulse_init(struct grpc_pulse *pulse, struct instant now);

/* It sleeps until something happens, or until `due`; the far end of time: only until something
 * happens. */
void grpc_pulse_sleeps(struct grpc_pulse *pulse, struct instant due);

/* It is awake, and at work since `now`. */
void grpc_pulse_wakes(struct grpc_pulse *pulse, struct instant now);

/* For how long, at `now`, it has been to be heard of; 0 when it has not. In nanoseconds. */
uint64_t grpc_pulse_overdue_ns(const struct grpc_pulse *pulse, struct instant now);

#endif
