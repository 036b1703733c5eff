/* crew: the threads of a load, from their start to their end, while somebody watches.
 *
 * The law: a load ends when its time is over, when a thread says so, or when ^C or SIGTERM comes;
 * it always ends by joining every thread that was started, so what they found is whole. Progress
 * goes to standard error: a bar on a terminal, a line a second elsewhere.
 *
 * Threads: one. While crew_run() runs, it takes SIGINT and SIGTERM. */
#ifndef SEQD_CTL_CREW_H
#define SEQD_CTL_CREW_H

#include "base/clock.h"
#include "base/error.h"
#include "outcome.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct crew {
    size_t count; /* threads */
    struct instant start;
    struct instant end;
    uint64_t whole;    /* requests that are all there are to make; 0: the time decides */
    atomic_bool *stop; /* set by anybody, and by crew_run(): end now */

    /* Of the thread `index`. ERR_UNAVAILABLE: no thread. */
    enum error (*begin)(void *context, size_t index);
    void (*join)(void *context, size_t index);
    /* Requests answered up to now, by all. */
    uint64_t (*done)(void *context);
    void *context;
};

/* Start all, wait for the end, join all.
 * `ret_ns`  written always: from the start to the end of the load, without the joins.
 * OUTCOME_FAILED when not all threads could be started, and it was said. */
__attribute__((warn_unused_result)) enum outcome crew_run(const struct crew *crew,
                                                          uint64_t *ret_ns);

#endif
