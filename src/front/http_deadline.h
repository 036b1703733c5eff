/* http_deadline: every open connection, what it is busy with since when, and the limits of time.
 *
 * The law: a connection that brings no whole request line within the idle limit, or whose request
 * is not answered within the request limit, is shut down, however busily its bytes drip; what TLS
 * needs before the first request counts as well. A request that waits for a lease has a deadline of
 * its own and is left alone. An idle connection whose client has ended its side and left nothing to
 * read is shut down as well: libmicrohttpd 0.9.75 takes a short read for the last, so an end that
 * came together with a request goes unnoticed (recv_param_adapter() in its connection.c; its events
 * are edges). A connection leaves the list before its socket is closed, so no socket
 * that got the same number later is ever shut down.
 *
 * libmicrohttpd's own timeout starts anew with each byte, which is why it is not used.
 *
 * Threads: each connection's phases by the thread that serves it; the rest any. */
#ifndef SEQD_FRONT_HTTP_DEADLINE_H
#define SEQD_FRONT_HTTP_DEADLINE_H

#include "base/clock.h"
#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_FRESH_MS 250 /* from the opening of a connection to its first request, usually */
#define HTTP_LOOK_MS \
    1000 /* idle for so long: has the client ended? Twice as long: shut down then */

/* One connection, for as long as it is open. */
struct http_timed {
    _Atomic uint64_t mark; /* phase, and since when; the thread that serves it writes */
    int fd;                /* constant */
    bool over;             /* lock of the list; it was shut down */
    bool ended;            /* lock; the client had ended when it was looked at … */
    uint64_t looked;       /* lock; … under this mark */
    struct http_timed *next;
    struct http_timed *previous; /* both: lock of the list */
};

struct http_deadline {
    pthread_mutex_t lock;
    pthread_cond_t ended;     /* a request has ended, while somebody waits for quiet */
    struct http_timed *first; /* lock */
    unsigned expected;        /* lock; connections that were let in and are not in the list yet */
    _Atomic bool watched;     /* somebody waits for quiet */
    _Atomic uint64_t idle_ns;
    _Atomic uint64_t request_ns;
    _Atomic uint64_t longest_ns; /* the highest limit there has been */
};

/* Use the caller's memory. ERR_NO_MEMORY when the system has no more locks. */
__attribute__((warn_unused_result)) enum error http_deadline_init(struct http_deadline *deadline);
void http_deadline_fini(struct http_deadline *deadline);

/* The limits, from now on. */
void http_deadline_limit(struct http_deadline *deadline, unsigned idle_ms, unsigned request_ms);

/* A connection was let in, and will be added; or it will not. */
void http_deadline_expect(struct http_deadline *deadline);
void http_deadline_unexpect(struct http_deadline *deadline);

/* A connection that was expected was opened on socket `fd`; it has asked nothing yet. */
void http_deadline_add(struct http_deadline *deadline, struct http_timed *timed, int fd);

/* It is about to be closed. Was it shut down because its time was over? */
bool http_deadline_remove(struct http_deadline *deadline, struct http_timed *timed);

/* Shut down what is over its limit. Each is told to `over` once, before: `idle` when it brought no
 * request line. `over` must not call back. */
void http_deadline_reap(struct http_deadline *deadline,
                        void (*over)(void *context, int fd, bool idle), void *context);

/* How long past the highest limit there has been the last connection is; 0 when none is. Those that
 * wait for a lease count: their own deadline is below the request limit. Reaping and the threads
 * that serve keep this at 0, or a moment. */
uint64_t http_deadline_overdue_ns(struct http_deadline *deadline, struct instant now);

/* Wait until no request is on its way, or `until`. Returns how many are. A connection that has just
 * been opened counts for HTTP_FRESH_MS, because its request may be on its way. What this thread did
 * before is seen by every request that is not counted here. */
unsigned http_deadline_wait_quiet(struct http_deadline *deadline, struct instant until);

/* ---- the phases of a connection ---- */

/* A request line is here. */
void http_timed_begin(struct http_timed *timed);

/* The request waits for a lease, and does so no longer: its time starts anew. */
void http_timed_wait(struct http_timed *timed);
void http_timed_go_on(struct http_timed *timed);

/* The request was answered, or given up. */
void http_timed_end(struct http_timed *timed, struct http_deadline *deadline);

#endif
