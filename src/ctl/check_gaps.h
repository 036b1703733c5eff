/* check_gaps: why numbers between those that were received may be missing.
 *
 * The law: it says what may explain a gap, not what did. The numbers of a gap were issued after the
 * request that got the number below it was sent, and before the answer with the one above it came.
 * What a request of unknown outcome in that time may have taken comes first, each of its numbers
 * for one gap only; then, where the server was away in that time, a lease that its crash may have
 * lost; what is left was taken by others, or given up by the server.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_CHECK_GAPS_H
#define SEQD_CTL_CHECK_GAPS_H

#include "check_history.h"

/* Numbers that were never seen. */
struct check_gaps {
    uint64_t numbers; /* the sum of those below */
    uint64_t unknown;
    uint64_t restarts;
    uint64_t others;
};

struct check_alibis {
    struct check_loss *losses; /* of all connections, by the end; `count` is what is left of each */
    size_t loss_count;
    uint64_t longest_ns;        /* no loss took longer */
    struct check_span *outages; /* of all connections, joined where they overlap, by time */
    size_t outage_count;
};

/* ERR_NO_MEMORY: it owns nothing. */
__attribute__((warn_unused_result)) enum error
check_alibis_init(struct check_alibis *alibis, const struct check_history *histories, size_t count);
void check_alibis_fini(struct check_alibis *alibis);

/* Explain a gap of `numbers`, at least 1, that were issued within `window`, and add them to
 * `gaps`. */
void check_alibis_explain(struct check_alibis *alibis, uint64_t numbers, struct check_span window,
                          struct check_gaps *gaps);

#endif
