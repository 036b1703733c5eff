/* http_route: which path and method lead where, what each may say, and which right it takes.
 *
 * The law: a path leads somewhere only if it is exactly one of the table, byte for byte as it was
 * sent: no escapes, no dots, no second spelling. What is refused takes no number.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_ROUTE_H
#define SEQD_FRONT_HTTP_ROUTE_H

#include "http_request.h"

#include <microhttpd.h>
#include <stdbool.h>

#define HTTP_ANSWER_BYTES 1024 /* of a connection's buffer that the header of an answer may need */

/* Should the body of this request be kept? Called before its first byte is. */
bool http_route_takes_body(struct http_request *request, const char *path, const char *method);

/* Answer a request whose headers and body were read. */
enum MHD_Result http_route(struct http_request *request, const char *path, const char *method);

#endif
