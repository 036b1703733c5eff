/* http_show: what can be looked at without taking a number: a sequence, and how the service is.
 *
 * The law: /healthz says that the process serves, nothing more; /readyz says whether it is worth
 * sending requests here, and if not, why.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_SHOW_H
#define SEQD_FRONT_HTTP_SHOW_H

#include "http_request.h"

#include <microhttpd.h>

enum MHD_Result http_show_sequence(struct http_request *request);
enum MHD_Result http_show_health(struct http_request *request);
enum MHD_Result http_show_readiness(struct http_request *request);

#endif
