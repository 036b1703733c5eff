/* http_counters: how many requests were answered with which status.
 *
 * The law: a request's way shares no counter with another thread's: each thread adds to a slab of
 * its own, on its own cache lines, and the slabs are summed when somebody asks. (Threads beyond
 * HTTP_COUNTER_SLABS share; the sums stay exact.)
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_COUNTERS_H
#define SEQD_FRONT_HTTP_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define HTTP_COUNTER_SLABS 64

/* Every status that is answered; what is not listed is counted with the last, 0. */
#define HTTP_COUNTER_STATUSES 20

struct http_counter_slab {
    _Alignas(64) _Atomic uint64_t requests[HTTP_COUNTER_STATUSES];
};

struct http_counters {
    struct http_counter_slab slabs[HTTP_COUNTER_SLABS];
};

/* One more request was answered with `status`. */
void http_counters_add(struct http_counters *counters, unsigned status);

/* The status in place `index`, below HTTP_COUNTER_STATUSES; 0 stands for all others. */
unsigned http_counters_status(unsigned index);

/* How many requests were answered with the status in place `index`. */
uint64_t http_counters_sum(struct http_counters *counters, unsigned index);

#endif
