#include "base/wall_clock.h"

#include <assert.h>
#include <time.h>

#define MS_PER_S 1000

static int64_t system_wall_ms(const struct wall_clock *clock)
{
    struct timespec now;
    (void)clock;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    assert(failed == 0); /* the clock exists on every Linux that this runs on */
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / (int64_t)CLOCK_NS_PER_MS;
}

static struct instant system_monotonic(const struct wall_clock *clock)
{
    (void)clock;
    return clock_now();
}

const struct wall_clock *wall_clock_system(void)
{
    static const struct wall_clock system = {system_wall_ms, system_monotonic};
    return &system;
}
