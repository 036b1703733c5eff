/* forecast: how much of a sequence is used up, and when the rest will be at its present rate.
 *
 * The law: exact integers, rounded down; no double and no sum that wraps, whatever the capacity.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_FORECAST_H
#define SEQD_BASE_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

struct forecast {
    uint64_t left;         /* positions that are not issued */
    unsigned used_percent; /* 0 … 100; 100 only when nothing is left */
    bool ends;             /* at the present rate there is an end */
    uint64_t seconds_left; /* until then; 0 where there is none */
};

/* Of `capacity` (>= 1) positions the one at `next` comes next, beyond them all when none is left;
 * `rate` positions go in a second. */
struct forecast forecast_of(uint64_t next, uint64_t capacity, uint64_t rate);

#endif
