/* http_request: one connection, and the request that is on its way over it, if any.
 *
 * There is one at a time: libmicrohttpd begins the next when the answer to the last is sent. So the
 * memory is taken once, when the connection is opened, and a waiter in it stays where it is: a
 * suspended connection is not closed.
 *
 * Threads: the one that serves the connection; but between sequence_wait() and its `done`, the
 * waiter is core's. */
#ifndef SEQD_FRONT_HTTP_REQUEST_H
#define SEQD_FRONT_HTTP_REQUEST_H

#include "core/sequence.h"
#include "front/access.h"
#include "front/tls.h"
#include "http_block.h"
#include "http_body.h"
#include "http_deadline.h"
#include "http_fields.h"
#include "http_service.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits, so that a route can allow several. 0 is every other method. */
enum http_method {
    HTTP_OTHER = 0,
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_OPTIONS = 8,
    HTTP_PUT = 16,
    HTTP_PATCH = 32,
    HTTP_DELETE = 64,
};

/* What the next call of the handler finds. */
enum http_step {
    HTTP_STEP_HEADERS, /* headers are here; it is too early to answer */
    HTTP_STEP_BODY,    /* parts of the body come; with none left, it is time to answer */
    HTTP_STEP_LEASE,   /* the wait for a lease is over */
    HTTP_STEP_CHANGE,  /* the wait for an administrative change is over */
};

struct http_request {
    /* For as long as the connection is open. */
    struct http_service *service;
    struct MHD_Connection *connection;
    struct http_timed timed;
    struct access_client client;
    struct tls_identity *identity; /* that its TLS began with; NULL: it is plain */
    bool asked;                    /* a request line has come */
    bool answered;                 /* and a request before the present one was answered */

    /* From the request line on. */
    enum http_step step;
    struct http_body body;
    const char *target_end; /* of the request target as it was sent: its NUL */
    size_t target_length;

    /* From the headers on. */
    struct http_fields fields;
    enum http_method method;
    const char *path; /* as it was sent, ended by a NUL */
    const char *name; /* what the path says in the place of {name}; not ended by a NUL */
    size_t name_length;
    const char *item; /* likewise, in the place of the second {…} */
    size_t item_length;

    /* For a block. */
    struct sequence *sequence;
    enum http_format format;
    struct waiter waiter;
    struct http_block_stream stream;

    /* For an administrative change. */
    struct http_change *change;
};

#endif
