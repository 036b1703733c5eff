/* histogram: how long things took, in buckets of at most 1/16 of their value.
 *
 * The law: nothing is dropped; a quantile is never below the true one, and at most 1/16 above it.
 *
 * Threads: one at a time. A histogram is plain memory: zeros are an empty one, copying is
 * allowed. */
#ifndef SEQD_BASE_HISTOGRAM_H
#define SEQD_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 16 /* buckets for each doubling */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 61)

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* Add all that `from` holds to `to`. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value that a share of `thousandths` (1 … 1000) of all values does not exceed; 0 when
 * empty. */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned thousandths);

#endif
