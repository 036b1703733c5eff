#include "base/clock.h"

#include <assert.h>
#include <time.h>

static struct instant read_clock(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0); /* the clock exists on every Linux that this runs on */
    return (struct instant){(uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec};
}

struct instant clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

struct instant clock_now_coarse(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}
