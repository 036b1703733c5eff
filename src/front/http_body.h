/* http_body: the body of one request, kept while it comes in.
 *
 * The law: a client cannot make the server hold more than it says. One body has HTTP_BODY_MAX bytes
 * at most, all that are kept at a time HTTP_BODIES_MAX bytes at most, and a body that no route
 * wants is counted and not kept. What is too much is read on, to HTTP_BODY_READ_MAX, so that its
 * client can be told; then the connection is cut.
 *
 * Threads: a body belongs to the thread that serves its connection; the sum is atomic. */
#ifndef SEQD_FRONT_HTTP_BODY_H
#define SEQD_FRONT_HTTP_BODY_H

#include "http_fields.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_READ_MAX (2 * HTTP_BODY_MAX)
#define HTTP_BODIES_MAX (UINT64_C(16) << 20) /* bytes of all bodies that are kept at a time */

/* What all bodies of a server take. */
struct http_bodies {
    _Atomic uint64_t bytes;
};

struct http_body {
    char *bytes;     /* the first `length` of them, or NULL where none is kept; owned */
    size_t room;     /* bytes allocated */
    uint64_t length; /* bytes that came, kept or not */
    bool wanted;     /* set before the first byte comes: the route takes a body */
    bool crowded;    /* HTTP_BODIES_MAX was reached, or memory was out: nothing is kept */
};

/* Take in `length` more bytes. False when the connection has to be cut. */
bool http_body_add(struct http_body *body, struct http_bodies *bodies, const char *bytes,
                   size_t length);

/* The request has ended: free what it held, and be ready for the next. */
void http_body_reset(struct http_body *body, struct http_bodies *bodies);

#endif
