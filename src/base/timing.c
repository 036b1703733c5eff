#include "base/timing.h"

#include "base/range.h"

#include <assert.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

static const uint64_t bounds_ns[TIMING_BOUNDS] = {
    10 * US, 25 * US, 50 * US,  100 * US, 250 * US, 500 * US, 1 * MS,    2500 * US, 5 * MS, 10 * MS,
    25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S,    2500 * MS, 5 * S,     10 * S,
};

uint64_t timing_bound_ns(unsigned index)
{
    assert(index < TIMING_BOUNDS);
    return bounds_ns[index];
}

void timing_add(struct timing *timing, uint64_t took_ns)
{
    unsigned index = 0;
    while (index < TIMING_BOUNDS && took_ns > bounds_ns[index]) {
        index++;
    }
    timing->buckets[index]++;
    timing->sum_ns = range_add_capped(timing->sum_ns, took_ns);
    timing->count++;
}
