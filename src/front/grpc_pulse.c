#include "grpc_pulse.h"

void grpc_pulse_init(struct grpc_pulse *pulse, struct instant now)
{
    atomic_init(&pulse->due_ns, now.ns);
}

void grpc_pulse_sleeps(struct grpc_pulse *pulse, struct instant due)
{
    /* order: relaxed; who reads one that is a moment old sees a loop that lived a moment ago. It
     * pairs with nothing. */
    atomic_store_explicit(&pulse->due_ns, due.ns, memory_order_relaxed);
}

void grpc_pulse_wakes(struct grpc_pulse *pulse, struct instant now)
{
    /* order: relaxed; as above. */
    atomic_store_explicit(&pulse->due_ns, now.ns, memory_order_relaxed);
}

uint64_t grpc_pulse_overdue_ns(const struct grpc_pulse *pulse, struct instant now)
{
    /* order: relaxed; as above. */
    struct instant due = {.ns = atomic_load_explicit(&pulse->due_ns, memory_order_relaxed)};

    return clock_elapsed(due, now);
}
