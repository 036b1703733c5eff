/* http_access: may this request do what its route does?
 *
 * The law: asked once for each request, before its parameters are looked at. Who may not is
 * answered 401 or 403, and counted; which tokens there are is not told.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_ACCESS_H
#define SEQD_FRONT_HTTP_ACCESS_H

#include "front/access.h"
#include "http_request.h"

#include <microhttpd.h>
#include <stdbool.h>

/* Just the question. */
bool http_access_covers(struct http_request *request, enum access_scope scope);

/* False when the request has been refused, with *ret_result to return. */
bool http_access_allows(struct http_request *request, enum access_scope scope,
                        enum MHD_Result *ret_result);

#endif
