/* check_worker: one connection of a load, to check or to measure a server: it asks for blocks, one
 * after the other, and writes down what came of each.
 *
 * The law: nothing is left out and nothing is made better: what it has attempted is what its
 * history adds up to. A worker that cannot go on ends all, and says why.
 *
 * Threads: start, join and fini by one thread; check_worker_answered() by any. */
#ifndef SEQD_CTL_CHECK_WORKER_H
#define SEQD_CTL_CHECK_WORKER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "check_history.h"
#include "check_way.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same for all of a check. */
struct check_load {
    uint64_t count;    /* numbers that each request asks for */
    int64_t increment; /* what the first block said; 0: none has come */
    struct instant start;
    struct instant end;
    uint64_t requests; /* of all connections; 0: no limit */
    size_t takes_max;  /* of each connection; then it ends */
    bool through;      /* a server that is away is waited for */

    /* Atomic: of all workers. */
    atomic_uint_fast64_t begun; /* requests */
    atomic_bool stop;           /* set by anybody: end now */
};

struct check_worker {
    struct check_load *load;
    const struct check_way *way;
    uint32_t connection;
    pthread_t thread;
    atomic_uint_fast64_t answered; /* requests, up to now */

    /* The thread's own, until it was joined. */
    struct check_history history;
    struct histogram latencies; /* ns, of answers with success */
    bool away;                  /* the server has not answered since away_ns */
    uint64_t away_ns;
    bool full;              /* it ended at takes_max */
    enum outcome outcome;   /* what ended all; OUTCOME_OK: this was not it */
    struct check_reply end; /* ... and the reply that did */
};

/* Ask until the first block has come, which says what the increment is, or none will: before any
 * thread. It may be started then. */
void check_worker_begin(struct check_worker *worker);

/* `worker` has load, way and connection, and stays where it is until it was joined.
 * ERR_UNAVAILABLE: no thread. */
__attribute__((warn_unused_result)) enum error check_worker_start(struct check_worker *worker);
void check_worker_join(struct check_worker *worker);
void check_worker_fini(struct check_worker *worker);

uint64_t check_worker_answered(struct check_worker *worker);

#endif
