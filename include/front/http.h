/* http: the HTTP/1.1 face, on libmicrohttpd.
 *
 * The law: only the exact paths that say so take a number, and only for GET and POST; a request
 * that is refused takes none (P7). No thread waits for a lease: a request that has to wait is
 * suspended and resumed when its numbers are there (P6). Everything that a client can press on
 * has a limit with a name in `struct http_options`, and every refusal names it. It sees the
 * registry, sequences and the keeper's health; never a store or a lease.
 *
 * It listens on TCP addresses, a unix socket, and on sockets that it was given. A socket that it
 * was given belongs to the giver: it is closed here, and never shut down, so whoever knocks while
 * nobody serves waits for the next one that does.
 *
 * Threads: start, alter, drain and stop by the owner; the rest is its own. */
#ifndef SEQD_FRONT_HTTP_H
#define SEQD_FRONT_HTTP_H

#include "base/clock.h"
#include "base/definition.h"
#include "base/error.h"
#include "front/ground.h"
#include "front/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_INHERITED_MAX 16    /* sockets that were given */
#define HTTP_ORIGINS_SIZE 192    /* bytes of all allowed origins with commas and a NUL */
#define HTTP_URL_MAX 1024        /* bytes of path and query */
#define HTTP_COUNT_LIMIT 1000000 /* the most that max_count may be */
#define HTTP_BUFFER_MIN 2048     /* the least that buffer_bytes may be, … */
#define HTTP_BUFFER_MAX 65536    /* … and the most */

struct http_options {
    struct endpoints listen;
    char socket[PLACE_ADDRESS_SIZE];   /* path of the unix socket; empty: none */
    unsigned socket_mode;              /* the permissions of its file, 0 … 0777 */
    int inherited[HTTP_INHERITED_MAX]; /* sockets that listen already; … */
    unsigned inherited_count;          /* … with any, none is opened */
    enum place_tls tls;
    unsigned threads;         /* 1 … 256; 0 means one for each processor it may use */
    unsigned max_connections; /* 1 … 1,000,000, over all threads */
    uint64_t buffer_bytes;    /* of one connection; bounds the header of a request */

    /* The rest may be altered while it runs. */
    unsigned max_connections_per_address; /* an IPv6 address counts by its first 64 bits. 0: half of
                                           * max_connections, and none for loopback addresses */
    uint64_t max_count;                   /* numbers in one block, 1 … HTTP_COUNT_LIMIT */
    unsigned idle_timeout_ms;    /* a connection without a whole request line is closed then */
    unsigned request_timeout_ms; /* from request line to answer; then the connection is closed */
    unsigned wait_timeout_ms;    /* how long a request waits for a lease before it gets 503 */
    unsigned clock_warning_ms;   /* /readyz warns of a clock that is so far behind a sequence */
    char default_sequence[SEQUENCE_NAME_MAX + 1]; /* what GET / draws from */

    /* Origins whose pages a browser may let read the answers, each as a browser writes it, with
     * commas between and no blanks; empty: none. */
    char cors_origins[HTTP_ORIGINS_SIZE];
};

struct http;

/* Start listening and serving. The inherited sockets are given away with the call.
 * ERR_CONFLICT  an address and port, or the socket's path, are in use. ERR_INVALID  an address,
 *               path or inherited socket cannot be used, there is none at all, or one can be
 *               reached by other machines and that was not wanted. ERR_NO_MEMORY, ERR_IO. */
__attribute__((warn_unused_result)) enum error http_start(const struct http_options *options,
                                                          const struct ground *ground,
                                                          struct http **ret_http,
                                                          struct error_detail *detail);

/* How many places it listens on, and each of them; TCP addresses come first. */
size_t http_places(const struct http *http);
const struct place *http_place(const struct http *http, size_t index);

/* How long, at `now`, the connection that is longest past its time has been so: whose request has
 * been on its way, or which has been idle, for longer than every limit since the start allows. 0
 * when none is, which a thread that is stuck cannot keep up. In nanoseconds. Threads: any. */
uint64_t http_overdue_ns(struct http *http, struct instant now);

/* Take over what may be altered from `options`, for requests that begin after. */
void http_alter(struct http *http, const struct http_options *options);

/* Let nobody in any more, ask clients to leave (Connection: close), and wait until no request is on
 * its way, at most `timeout_ms`. Who has just come in may still ask; requests that come over open
 * connections are served. Returns how many are still on their way. Numbers that were taken are sent
 * when it returns 0. May be called again. */
unsigned http_drain(struct http *http, unsigned timeout_ms);

/* Stop and free. NULL is accepted. The registry must be closed before, so that nobody waits any
 * more; what was taken until then is still sent. The rest of core must still run. */
void http_stop(struct http *http);

#endif
