/* witness: an ordinary client that draws numbers one by one while something happens to a server.
 *
 * The law: every request must be answered with 200, over the connection that is open or a new one;
 * whatever else happens to one is a failure. It comes from 127.0.0.2, so it shares no address with
 * those on 127.0.0.1.
 *
 * Threads: the owner; it has one of its own. */
#ifndef SEQD_TESTS_LIB_WITNESS_H
#define SEQD_TESTS_LIB_WITNESS_H

#include "base/histogram.h"

#include <stdint.h>

struct witness;

struct testimony {
    uint64_t requests;
    uint64_t failures;
    struct histogram latency_ns; /* connecting included, where that was needed */
};

/* Begin to draw from 127.0.0.1:`port`; where `path` is not NULL, from that unix socket instead. */
struct witness *witness_start(uint16_t port, const char *path);

/* Stop, free, and tell what it saw. */
void witness_stop(struct witness *witness, struct testimony *ret_testimony);

#endif
