/* http_refusals: what clients were denied, counted by kind, and told in the log.
 *
 * The law: each refusal is counted; of each kind at most one line is logged in
 * HTTP_REFUSALS_QUIET_MS, which says how many there were, so that nobody can fill a disk by being
 * refused.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_REFUSALS_H
#define SEQD_FRONT_HTTP_REFUSALS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define HTTP_REFUSALS_QUIET_MS 10000

enum http_refusal {
    HTTP_REFUSAL_NO_TOKEN,
    HTTP_REFUSAL_BAD_TOKEN,
    HTTP_REFUSAL_FORBIDDEN,
    HTTP_REFUSAL_ADDRESS_LIMIT, /* too many connections from one address */
    HTTP_REFUSAL_IDLE,          /* no whole request line in time */
    HTTP_REFUSAL_SLOW,          /* no whole request, or its answer not read, in time */
    HTTP_REFUSAL_TLS,           /* no TLS, or given up before the first request */
    HTTP_REFUSAL_RESOURCES,     /* no descriptor or memory for one more connection */

    /* Of gRPC only. */
    HTTP_REFUSAL_FLOOD,    /* too many frames that ask for nothing */
    HTTP_REFUSAL_PROTOCOL, /* what came is not HTTP/2 */
};

#define HTTP_REFUSALS 10                      /* kinds, … */
#define HTTP_REFUSALS_HTTP HTTP_REFUSAL_FLOOD /* … those that HTTP knows come first */

struct http_refusals {
    struct {
        _Atomic uint64_t count;
        _Atomic uint64_t told;     /* of them, by the last line */
        _Atomic uint64_t quiet_ns; /* until then; a moment of the monotonic clock */
    } kinds[HTTP_REFUSALS];        /* all zero at the start */
};

/* One more, over the connection with socket `fd`. */
void http_refusals_note(struct http_refusals *refusals, enum http_refusal kind, int fd);

uint64_t http_refusals_count(struct http_refusals *refusals, enum http_refusal kind);

/* The kind's word in metrics and documentation: "no-token". */
const char *http_refusal_name(enum http_refusal kind);

#endif
