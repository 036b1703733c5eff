/* wall_clock: where the time of day comes from, as a table, so that a test owns its clock.
 *
 * The law: nothing trusts it. It may stand still, step back or leap; whoever needs what only rises
 * keeps it itself. Deadlines and rates use base/clock.h.
 *
 * Threads: any. */
#ifndef SEQD_BASE_WALL_CLOCK_H
#define SEQD_BASE_WALL_CLOCK_H

#include "base/clock.h"

#include <stdint.h>

struct wall_clock {
    /* Milliseconds since 1970, UTC. Called on the way of every request. */
    int64_t (*wall_ms)(const struct wall_clock *clock);

    /* A moment that only rises, beside it. */
    struct instant (*monotonic)(const struct wall_clock *clock);
};

/* The system's: CLOCK_REALTIME and CLOCK_MONOTONIC. Static. */
const struct wall_clock *wall_clock_system(void);

static inline int64_t wall_clock_ms(const struct wall_clock *clock)
{
    return clock->wall_ms(clock);
}

/* How far the time of day stands ahead of the monotonic clock, in milliseconds: constant but for
 * steps. Either reading may be a little old. */
static inline int64_t wall_clock_ahead_ms(int64_t wall_ms, struct instant monotonic)
{
    return wall_ms - (int64_t)(monotonic.ns / CLOCK_NS_PER_MS);
}

#endif
