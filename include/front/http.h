/* http: the HTTP/1.1 face, on libmicrohttpd.
 *
 * The law: only the exact paths that say so take a number, and only for GET and POST; a request
 * that is refused takes none (P7). No thread waits for a lease: a request that has to wait is
 * suspended and resumed when its numbers are there (P6). Everything that a client can press on
 * has a limit with a name in `struct http_options`, and every refusal names it. It sees the
 * registry, sequences and the keeper's health; never a store or a lease.
 *
 * Threads: start, alter, drain and stop by the owner; the rest is its own. */
#ifndef SEQD_FRONT_HTTP_H
#define SEQD_FRONT_HTTP_H

#include "base/error.h"
#include "core/keeper.h"
#include "core/registry.h"

#include <stdint.h>

#define HTTP_ADDRESS_SIZE 64     /* bytes of a numeric address with its NUL */
#define HTTP_URL_MAX 1024        /* bytes of path and query */
#define HTTP_COUNT_LIMIT 1000000 /* the most that max_count may be */
#define HTTP_BUFFER_MIN 2048     /* the least that buffer_bytes may be, … */
#define HTTP_BUFFER_MAX 65536    /* … and the most */

struct http_options {
    char address[HTTP_ADDRESS_SIZE]; /* numeric IPv4 or IPv6 address to listen on, no brackets */
    uint16_t port;                   /* 0 lets the kernel choose; http_port() tells */
    unsigned threads;                /* 1 … 256; 0 means one for each processor it may use */
    unsigned max_connections;        /* 1 … 1,000,000, over all threads */
    uint64_t buffer_bytes;           /* of one connection; bounds the header of a request */

    /* The rest may be altered while it runs. */
    uint64_t max_count;          /* numbers in one block, 1 … HTTP_COUNT_LIMIT */
    unsigned idle_timeout_ms;    /* a connection without a whole request line is closed then */
    unsigned request_timeout_ms; /* from request line to answer; then the connection is closed */
    unsigned wait_timeout_ms;    /* how long a request waits for a lease before it gets 503 */
    char default_sequence[SEQUENCE_NAME_MAX + 1]; /* what GET / draws from */
};

struct http;

/* Start listening and serving. `registry` and `keeper` are borrowed until http_stop().
 * ERR_CONFLICT  the address and port are in use. ERR_INVALID  the address cannot be used.
 *               ERR_NO_MEMORY, ERR_IO. */
__attribute__((warn_unused_result)) enum error
http_start(const struct http_options *options, struct registry *registry, struct keeper *keeper,
           struct http **ret_http, struct error_detail *detail);

/* The port that is listened on. */
uint16_t http_port(const struct http *http);

/* How long, at `now`, the connection that is longest past its time has been so: whose request has
 * been on its way, or which has been idle, for longer than every limit since the start allows. 0
 * when none is, which a thread that is stuck cannot keep up. In nanoseconds. Threads: any. */
uint64_t http_overdue_ns(struct http *http, struct instant now);

/* Take over what may be altered from `options`, for requests that begin after. */
void http_alter(struct http *http, const struct http_options *options);

/* Serve no new connection, ask clients to leave (Connection: close), and wait until no request
 * is on its way, at most `timeout_ms`. Requests that come meanwhile over open connections are
 * served. Returns how many are still on their way. Numbers that were taken are sent when it
 * returns 0. May be called again. */
unsigned http_drain(struct http *http, unsigned timeout_ms);

/* Stop and free. NULL is accepted. The registry must be closed before, so that nobody waits any
 * more; what was taken until then is still sent. The rest of core must still run. */
void http_stop(struct http *http);

#endif
