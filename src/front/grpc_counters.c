#include "grpc_counters.h"

#include <assert.h>

/* Only one thread adds, so this needs no atomic addition. */
static void add_one(_Atomic uint64_t *count)
{
    /* order: relaxed, both; they pair with nothing, because a count stands alone. */
    uint64_t value = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, value + 1, memory_order_relaxed);
}

void grpc_count_call(struct grpc_counters *counters, unsigned method, enum grpc_code code)
{
    assert(method < GRPC_METHODS && (unsigned)code < GRPC_CODES);
    add_one(&counters->calls[method][code]);
}

uint64_t grpc_counted_calls(const struct grpc_counters *counters, unsigned method,
                            enum grpc_code code)
{
    /* order: relaxed; see add_one(). */
    return atomic_load_explicit(&counters->calls[method][code], memory_order_relaxed);
}

void grpc_count_look(struct grpc_counters *counters, bool found)
{
    add_one(&counters->looks[found]);
}

uint64_t grpc_counted_looks(const struct grpc_counters *counters, bool found)
{
    /* order: relaxed; see add_one(). */
    return atomic_load_explicit(&counters->looks[found], memory_order_relaxed);
}
