/* http_cors: which pages a browser may let read the answers (the Fetch standard, "HTTP-CORS
 * protocol").
 *
 * The law: none, unless its origin stands in the list, byte for byte. Whether an answer says so
 * depends on who asks, so while there is a list every answer carries Vary: Origin. It gives no
 * right and takes none: it is the browser that keeps a page from what it has asked for.
 *
 * Threads: any; altered by the owner. */
#ifndef SEQD_FRONT_HTTP_CORS_H
#define SEQD_FRONT_HTTP_CORS_H

#include "front/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct http_cors {
    _Atomic bool on;                 /* there is a list */
    pthread_mutex_t lock;            /* a leaf */
    char origins[HTTP_ORIGINS_SIZE]; /* lock; with commas between */
};

/* Use the caller's memory; no origin is allowed. ERR_NO_MEMORY: the system has no more locks. */
__attribute__((warn_unused_result)) enum error http_cors_init(struct http_cors *cors);
void http_cors_fini(struct http_cors *cors);

/* Take over the list, in the form of struct http_options. */
void http_cors_alter(struct http_cors *cors, const char *origins);

/* Is there a list? */
static inline bool http_cors_on(struct http_cors *cors)
{
    /* order: relaxed. An answer that misses a change is one of before it. */
    return atomic_load_explicit(&cors->on, memory_order_relaxed);
}

/* Does it have `origin`? NULL, where a request has none, is not in it. */
bool http_cors_permits(struct http_cors *cors, const char *origin);

/* Add to any answer what it takes, for a request from `origin` or NULL. False: no memory. */
bool http_cors_add(struct http_cors *cors, const char *origin, struct MHD_Response *response);

/* Add to the answer of OPTIONS what a permitted page may ask for. False: no memory. */
bool http_cors_add_preflight(struct MHD_Response *response, const char *methods);

#endif
