/* http_counters: how many requests were answered with which status, and what became of the
 * administrative changes.
 *
 * The law: a request's way shares no counter with another thread's: each thread adds to a slab of
 * its own, on its own cache lines, and the slabs are summed when somebody asks. (Threads beyond
 * HTTP_COUNTER_SLABS share; the sums stay exact.)
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_COUNTERS_H
#define SEQD_FRONT_HTTP_COUNTERS_H

#include "core/admin.h"

#include <stdatomic.h>
#include <stdint.h>

#define HTTP_COUNTER_SLABS 64

/* Every status that is answered; what is not listed is counted with the last, 0. */
#define HTTP_COUNTER_STATUSES 20

struct http_counter_slab {
    _Alignas(64) _Atomic uint64_t requests[HTTP_COUNTER_STATUSES];
};

/* What may become of an administrative change. */
#define HTTP_COUNTER_ACTIONS 6
#define HTTP_COUNTER_RESULTS 7

struct http_counters {
    struct http_counter_slab slabs[HTTP_COUNTER_SLABS];
    _Atomic uint64_t changes[HTTP_COUNTER_ACTIONS][HTTP_COUNTER_RESULTS];
};

/* One more request was answered with `status`. */
void http_counters_add(struct http_counters *counters, unsigned status);

/* The status in place `index`, below HTTP_COUNTER_STATUSES; 0 stands for all others. */
unsigned http_counters_status(unsigned index);

/* How many requests were answered with the status in place `index`. */
uint64_t http_counters_sum(struct http_counters *counters, unsigned index);

/* One more change has come to its end. ERR_PENDING: its client was told that nobody knows. */
void http_counters_change(struct http_counters *counters, enum admin_action action,
                          enum error error);

/* The names that stand for actions and results in labels. */
const char *http_counters_action(unsigned action);
const char *http_counters_result(unsigned result);

/* How many changes came to this end. */
uint64_t http_counters_changes(struct http_counters *counters, unsigned action, unsigned result);

#endif
