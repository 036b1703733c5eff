/* http_outcome: the answers to administrative changes.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_OUTCOME_H
#define SEQD_FRONT_HTTP_OUTCOME_H

#include "core/admin.h"
#include "http_request.h"

#include <microhttpd.h>

/* What became of `admin`, which the core has answered. `admin->definition` is still what was asked
 * for; the rows of a ledger may be taken. */
enum MHD_Result http_outcome_reply(struct http_request *request, struct admin_request *admin);

/* The core has not answered in time. */
enum MHD_Result http_outcome_unknown(struct http_request *request);

#endif
