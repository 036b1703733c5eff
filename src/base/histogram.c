#include "base/histogram.h"

#include <assert.h>
#include <stddef.h>

/* Below HISTOGRAM_STEPS a bucket is a value; from there each doubling has HISTOGRAM_STEPS of
 * them. */
static size_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS) {
        return value;
    }
    unsigned exponent = 63 - (unsigned)__builtin_clzll(value);
    uint64_t step = (value >> (exponent - 4)) % HISTOGRAM_STEPS;
    return (exponent - 3) * HISTOGRAM_STEPS + step;
}

/* The highest value of a bucket. */
static uint64_t bucket_limit(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS) {
        return bucket;
    }
    unsigned shift = (unsigned)(bucket / HISTOGRAM_STEPS) - 1;
    uint64_t lowest = (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
    return lowest + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        to->buckets[bucket] += from->buckets[bucket];
    }
    to->count += from->count;
    to->max = from->max > to->max ? from->max : to->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned thousandths)
{
    /* By division first: a count is far from 2^54, but need not be for this to hold. */
    uint64_t wanted = histogram->count / 1000 * thousandths;
    wanted += (histogram->count % 1000 * thousandths + 999) / 1000;
    uint64_t seen = 0;
    for (size_t bucket = 0;; bucket++) {
        assert(bucket < HISTOGRAM_BUCKETS); /* all that were counted are in a bucket */
        seen += histogram->buckets[bucket];
        if (seen >= wanted) {
            uint64_t limit = bucket_limit(bucket);
            return limit < histogram->max ? limit : histogram->max;
        }
    }
}
