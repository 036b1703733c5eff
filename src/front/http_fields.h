/* http_fields: what a request's headers and query say that matters here, picked in one pass.
 *
 * The law: nothing in a query is ignored (P7): every parameter is kept, so that the route can name
 * one that it does not know, or that is given twice. Values are taken as they were sent; nothing is
 * unescaped.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_FIELDS_H
#define SEQD_FRONT_HTTP_FIELDS_H

#include "http_accept.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_BODY_MAX 65536 /* bytes of a request's body */

/* Of a query. No route knows as many, so of so many one is unknown or given twice. */
#define HTTP_PARAMETERS_MAX 8

struct http_parameter {
    const char *name;
    const char *value; /* "" where it has none */
};

/* Pointers are good until the request has ended. */
struct http_fields {
    struct http_accept accept;
    const char *authorization; /* the header of that name, or NULL; "" where there are several */
    const char *content_type;  /* NULL where there is none, as the next two */
    const char *origin;        /* of the page that a browser asks for */
    const char *asked_method;  /* Access-Control-Request-Method: this is a preflight */
    unsigned entries;          /* headers, parameters and cookies in all */
    bool browser;              /* it says that it is one */
    bool prefetch;             /* a browser asks on suspicion that its user may want it */
    bool large_body;           /* a body of more than HTTP_BODY_MAX is announced */
    unsigned parameter_count;  /* HTTP_PARAMETERS_MAX at most, the first ones */
    struct http_parameter parameters[HTTP_PARAMETERS_MAX];
};

void http_fields_read(struct MHD_Connection *connection, struct http_fields *ret_fields);

/* The value of the parameter `name`, or NULL. */
const char *http_fields_parameter(const struct http_fields *fields, const char *name);

#endif
