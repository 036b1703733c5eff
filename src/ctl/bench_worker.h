/* bench_worker: one connection of a load: it asks for blocks, one after the other, and checks each.
 *
 * The law: every answer is looked at: the block has the count that was asked for, and lies behind
 * the one before on this connection, in the direction of the increment. What cannot go on (no such
 * sequence, no server) ends the worker and is kept for who joins it.
 *
 * Threads: start, join and fini by one thread; bench_worker_requests() by any. */
#ifndef SEQD_CTL_BENCH_WORKER_H
#define SEQD_CTL_BENCH_WORKER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "outcome.h"
#include "server.h"
#include "spans.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same for all of a load. */
struct bench_load {
    const struct server_options *options;
    const char *path; /* with count */
    uint64_t count;   /* numbers in each block */
    struct instant end;
    size_t spans_max;  /* of each worker; then it ends */
    atomic_bool *stop; /* set by anybody: end now */
};

struct bench_worker {
    const struct bench_load *load;
    pthread_t thread;
    atomic_uint_fast64_t requests; /* answered with a block, up to now */

    /* The thread's own, until it was joined. */
    struct histogram latencies; /* ns */
    struct spans spans;
    bool has_last;
    int64_t last;
    uint64_t disordered; /* blocks that do not lie behind the one before */
    uint64_t refused;    /* 503 and the like: asked again after a pause */
    enum outcome outcome;
    struct error_detail detail; /* when not OUTCOME_OK, and no answer is kept */
    struct answer answer;       /* the refusal that ended it; body NULL: none */
};

/* `worker` is zeros, and stays where it is until it was joined. ERR_UNAVAILABLE: no thread. */
__attribute__((warn_unused_result)) enum error bench_worker_start(struct bench_worker *worker,
                                                                  const struct bench_load *load);
void bench_worker_join(struct bench_worker *worker);
void bench_worker_fini(struct bench_worker *worker);

uint64_t bench_worker_requests(struct bench_worker *worker);

#endif
