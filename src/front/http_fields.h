/* http_fields: what a request's headers and query say that matters here, picked in one pass.
 *
 * The law: nothing in a query is ignored (P7): a parameter that is not known is reported, and one
 * given twice is counted. Values are taken as they were sent; nothing is unescaped.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_FIELDS_H
#define SEQD_FRONT_HTTP_FIELDS_H

#include "http_accept.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_BODY_MAX 65536 /* bytes of a body that are read before it is refused */

/* Pointers are good until the request has ended. */
struct http_fields {
    struct http_accept accept;
    const char *authorization; /* the header of that name, or NULL; "" where there are several */
    const char *count;         /* the parameter of that name, or NULL; "" where it has no value */
    unsigned counts;           /* how often it is there */
    const char *unknown;       /* the first parameter of another name, or NULL */
    unsigned entries;          /* headers, parameters and cookies in all */
    bool prefetch;             /* a browser asks on suspicion that its user may want it */
    bool large_body;           /* a body of more than HTTP_BODY_MAX is announced */
};

void http_fields_read(struct MHD_Connection *connection, struct http_fields *ret_fields);

#endif
