/* http_ledger: GET /v1/ledger, page by page: what was leased to whom.
 *
 * The law: rows come oldest first, and the next page begins behind a row, so what is written or
 * forgotten between two pages neither repeats nor hides another. The keeper reads a page, between
 * two commits; it is written as it is sent.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_LEDGER_H
#define SEQD_FRONT_HTTP_LEDGER_H

#include "core/admin.h"
#include "http_request.h"

#include <microhttpd.h>

#define HTTP_LEDGER_LIMIT_DEFAULT 100 /* rows in a page that names no limit */

/* Answer, or suspend the connection until the keeper has read the page. */
enum MHD_Result http_ledger(struct http_request *request);

/* The page is there: answer with it. Takes its rows. */
enum MHD_Result http_ledger_reply(struct http_request *request, struct admin_request *admin);

#endif
