#include "fake_clock.h"

static int64_t read_wall(const struct wall_clock *clock)
{
    /* order: relaxed, as everywhere here. A clock orders nothing. */
    return atomic_load_explicit(&((const struct fake_clock *)clock)->wall_ms, memory_order_relaxed);
}

static struct instant read_monotonic(const struct wall_clock *clock)
{
    /* order: relaxed, as above. */
    return (struct instant){atomic_load_explicit(&((const struct fake_clock *)clock)->monotonic_ns,
                                                 memory_order_relaxed)};
}

void fake_clock_init(struct fake_clock *fake, int64_t wall_ms)
{
    fake->clock = (struct wall_clock){read_wall, read_monotonic};
    atomic_init(&fake->wall_ms, wall_ms);
    atomic_init(&fake->monotonic_ns, 3600 * CLOCK_NS_PER_S);
}

void fake_clock_pass(struct fake_clock *fake, uint64_t ms)
{
    /* order: relaxed, as above. */
    atomic_fetch_add_explicit(&fake->monotonic_ns, ms * CLOCK_NS_PER_MS, memory_order_relaxed);
    fake_clock_step(fake, (int64_t)ms);
}

void fake_clock_step(struct fake_clock *fake, int64_t ms)
{
    /* order: relaxed, as above. */
    atomic_fetch_add_explicit(&fake->wall_ms, ms, memory_order_relaxed);
}

int64_t fake_clock_ms(struct fake_clock *fake)
{
    return read_wall(&fake->clock);
}
