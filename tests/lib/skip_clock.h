/* skip_clock: the clock of everything in this process, which a test can have skip some time.
 *
 * The law: it never goes back, and runs as the real one does between two skips. Who sleeps in the
 * kernel sleeps on; what wakes after sees the new time.
 *
 * Included by one file of a program, which the makefile links with WRAP_<program> := clock_now.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_LIB_SKIP_CLOCK_H
#define SEQD_TESTS_LIB_SKIP_CLOCK_H

#include "base/clock.h"

#include <stdatomic.h>

struct instant __real_clock_now(void);
struct instant __wrap_clock_now(void);

static _Atomic uint64_t skip_clock_ns;

struct instant __wrap_clock_now(void)
{
    /* order: relaxed; it stands alone. */
    uint64_t skipped_ns = atomic_load_explicit(&skip_clock_ns, memory_order_relaxed);

    return (struct instant){.ns = __real_clock_now().ns + skipped_ns};
}

static inline void skip_clock_ms(uint64_t ms)
{
    /* order: relaxed; who wakes after sees it, or a moment later. */
    atomic_fetch_add_explicit(&skip_clock_ns, ms * CLOCK_NS_PER_MS, memory_order_relaxed);
}

#endif
