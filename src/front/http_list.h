/* http_list: GET /v1/sequences, page by page.
 *
 * The law: a page lists what is there in the order of names, and what came or went between two
 * pages neither repeats nor hides another: the next page begins behind a name, not at a count. A
 * page is written as it is sent, so a slow reader holds little memory.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_LIST_H
#define SEQD_FRONT_HTTP_LIST_H

#include "http_request.h"

#include <microhttpd.h>

#define HTTP_LIST_LIMIT_MAX 1000 /* sequences in one page */
#define HTTP_LIST_LIMIT_DEFAULT 100

enum MHD_Result http_list(struct http_request *request);

#endif
