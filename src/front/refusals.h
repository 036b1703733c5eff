/* refusals: what clients were denied, counted by kind, and told in the log.
 *
 * The law: each refusal is counted; of each kind at most one line is logged in
 * REFUSALS_QUIET_MS, which says how many there were, so that nobody can fill a disk by being
 * refused.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_REFUSALS_H
#define SEQD_FRONT_REFUSALS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define REFUSALS_QUIET_MS 10000

enum refusal {
    REFUSAL_NO_TOKEN,
    REFUSAL_BAD_TOKEN,
    REFUSAL_FORBIDDEN,
    REFUSAL_ADDRESS_LIMIT, /* too many connections from one address */
    REFUSAL_IDLE,          /* no whole request line in time */
    REFUSAL_SLOW,          /* no whole request, or its answer not read, in time */
    REFUSAL_TLS,           /* no TLS, or given up before the first request */
    REFUSAL_RESOURCES,     /* no descriptor or memory for one more connection */

    /* Of gRPC only. */
    REFUSAL_FLOOD,    /* too many frames that ask for nothing */
    REFUSAL_PROTOCOL, /* what came is not HTTP/2 */
};

#define REFUSALS 10                 /* kinds, … */
#define REFUSALS_HTTP REFUSAL_FLOOD /* … those that HTTP knows come first */

struct refusals {
    struct {
        _Atomic uint64_t count;
        _Atomic uint64_t told;     /* of them, by the last line */
        _Atomic uint64_t quiet_ns; /* until then; a moment of the monotonic clock */
    } kinds[REFUSALS];             /* all zero at the start */
};

/* One more, over the connection with socket `fd`. */
void refusals_note(struct refusals *refusals, enum refusal kind, int fd);

uint64_t refusals_count(struct refusals *refusals, enum refusal kind);

/* The kind's word in metrics and documentation: "no-token". */
const char *refusal_name(enum refusal kind);

#endif
