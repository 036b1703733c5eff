/* load: many keep-alive connections that ask a server for numbers as fast as it answers, and tell
 * an oracle of every request and every answer.
 *
 * The law: a number counts as acknowledged when its answer was read whole, and as nothing else
 * otherwise. Each connection has one request on its way; the connections together have as many as
 * there are connections. One thread drives them all, so "received before it was sent" is the order
 * of that thread's own reads and writes, and the oracle's order in time is exact.
 *
 * A server may die under it. What is in the sockets by then is still read and counts; a request
 * whose connection ended is reported as lost. A connection that the server closed is opened again
 * at once; when nobody listens any more, the load rests until it is attached to the next server:
 * it never goes on knocking at a port that may be somebody else's by now.
 *
 *   load_start() ─► load_attach(port) ─► load_wait() … ─► load_detach() ─► oracle_crash() ─┐
 *                        ▲─────────────────────────────────────────────────────────────────┘
 *
 * Oracles belong to the load while it is attached, and to the caller while it is detached.
 *
 * Threads: all calls by one thread; the load has one of its own. */
#ifndef SEQD_TESTS_LIB_LOAD_H
#define SEQD_TESTS_LIB_LOAD_H

#include "base/histogram.h"
#include "oracle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_CONNECTIONS_MAX 4096
#define LOAD_COUNT_MAX 500 /* numbers in one request: its answer fits the buffer of a connection */

/* Some connections that do the same. */
struct load_target {
    const char *sequence;  /* its blocks, as text and JSON, by GET and POST; NULL: GET /, singly */
    unsigned connections;  /* 1 … LOAD_CONNECTIONS_MAX over all targets */
    uint64_t count_max;    /* each request asks for 1 … count_max, at most LOAD_COUNT_MAX */
    uint64_t numbers;      /* how many to receive in all; 0 is no end */
    struct oracle *oracle; /* several targets may share one */
};

struct load_options {
    const struct load_target *targets; /* borrowed for the load's life */
    size_t target_count;
    uint64_t seed;
};

/* What one target has done so far. */
struct load_progress {
    uint64_t requests; /* answered with numbers */
    uint64_t numbers;
    uint64_t refused;            /* requests answered with 503 or 409 */
    uint64_t unanswered;         /* requests whose connection ended first */
    uint64_t connections;        /* opened */
    struct histogram latency_ns; /* of the requests that were answered with numbers */
};

enum load_state {
    LOAD_BUSY,     /* it goes on */
    LOAD_FINISHED, /* every target has its numbers */
    LOAD_REFUSED,  /* nobody listens on the port any more */
    LOAD_FAILED,   /* an answer was malformed: load_failure() tells */
};

struct load;

/* Start the thread, attached to nothing. Never NULL: without memory or threads the test ends. */
struct load *load_start(const struct load_options *options);

/* Ask the server on 127.0.0.1:`port` from now on. */
void load_attach(struct load *load, uint16_t port);

/* Wait until it is no longer LOAD_BUSY, at most `timeout_ms`, and return what it is then. */
enum load_state load_wait(struct load *load, unsigned timeout_ms);

/* Send nothing more, wait until each request on its way is answered or its connection ended, and
 * close all. False when that takes more than `timeout_ms`: a server that neither answers nor goes;
 * the connections are closed then, too. */
bool load_detach(struct load *load, unsigned timeout_ms);

void load_progress(struct load *load, size_t target, struct load_progress *ret_progress);

/* The first answer that was no answer, or NULL. Valid until load_free(). */
const char *load_failure(struct load *load);

/* Detach, end the thread, free. NULL is accepted. */
void load_free(struct load *load);

#endif
