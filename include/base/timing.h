/* timing: how often something took how long, in fixed steps of 1, 2.5 and 5 from 10 µs to 10
 * s.
 *
 * The law: an observation is counted in exactly one bucket, the first whose bound it does not
 * exceed. The caller guards it by a lock of its own.
 *
 * Threads: as the caller's lock says. */
#ifndef SEQD_BASE_TIMING_H
#define SEQD_BASE_TIMING_H

#include <stdint.h>

#define TIMING_BOUNDS 19 /* bounds; one bucket more, for what is above the last */

struct timing {
    uint64_t buckets[TIMING_BOUNDS + 1]; /* how many in each; not cumulative */
    uint64_t sum_ns;                     /* of all observations; stays at 2^64-1 when full */
    uint64_t count;
};

/* The upper bound of bucket `index`, below TIMING_BOUNDS, in nanoseconds, inclusive. */
uint64_t timing_bound_ns(unsigned index);

void timing_add(struct timing *timing, uint64_t took_ns);

#endif
