/* fake_clock: a wall clock and a monotonic clock that stand still until a test moves them.
 *
 * Threads: any; what several threads set and read is atomic. */
#ifndef SEQD_TESTS_LIB_FAKE_CLOCK_H
#define SEQD_TESTS_LIB_FAKE_CLOCK_H

#include "base/wall_clock.h"

#include <stdatomic.h>

struct fake_clock {
    struct wall_clock clock; /* first, so that its address is the fake's */
    _Atomic int64_t wall_ms;
    _Atomic uint64_t monotonic_ns;
};

/* The wall at `wall_ms`, the monotonic clock at an hour. */
void fake_clock_init(struct fake_clock *fake, int64_t wall_ms);

/* Time passes: both clocks move. */
void fake_clock_pass(struct fake_clock *fake, uint64_t ms);

/* The wall clock is set: it alone moves, by `ms`, forward or back. */
void fake_clock_step(struct fake_clock *fake, int64_t ms);

int64_t fake_clock_ms(struct fake_clock *fake);

#endif
