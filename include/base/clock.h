/* clock: moments and spans of monotonic time that cannot be mixed up.
 *
 * The law: deadlines and rates use the monotonic clock, so a step of the wall clock changes
 * neither. A moment is a `struct instant`; the only way to a span is clock_elapsed().
 *
 * Threads: any. */
#ifndef SEQD_BASE_CLOCK_H
#define SEQD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S UINT64_C(1000000000)

/* A moment: nanoseconds of CLOCK_MONOTONIC. */
struct instant {
    uint64_t ns;
};

/* Now, to the nanosecond (vDSO, about 25 ns). */
struct instant clock_now(void);

/* Now, to the kernel's tick of 1 to 10 ms, at a quarter of the cost: for time-outs on the way of
 * every request. */
struct instant clock_now_coarse(void);

/* `ns` after `from`; the far end of time where the sum does not fit. */
static inline struct instant clock_after(struct instant from, uint64_t ns)
{
    return (struct instant){ns > UINT64_MAX - from.ns ? UINT64_MAX : from.ns + ns};
}

/* Nanoseconds from `from` to `to`; 0 when `to` is not after `from`. */
static inline uint64_t clock_elapsed(struct instant from, struct instant to)
{
    return to.ns > from.ns ? to.ns - from.ns : 0;
}

/* Is `moment` now or past, seen from `now`? */
static inline bool clock_reached(struct instant moment, struct instant now)
{
    return now.ns >= moment.ns;
}

#endif
