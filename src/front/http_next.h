/* http_next: hands out blocks: `GET /` and `/v1/sequences/{name}/next`.
 *
 * The law: everything that can be refused is refused before numbers are taken, and HEAD takes none.
 * A request that finds nothing leased is suspended, without a thread, and its connection is resumed
 * by whoever ends its wait.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_NEXT_H
#define SEQD_FRONT_HTTP_NEXT_H

#include "http_request.h"

#include <microhttpd.h>

/* Answer, or suspend the connection. A path without a name draws from the default sequence. */
enum MHD_Result http_next(struct http_request *request);

/* The wait is over: answer with what came of it. */
enum MHD_Result http_next_go_on(struct http_request *request);

#endif
