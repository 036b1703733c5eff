/* http_assets: the description of the interface and the pages that show it, from memory.
 *
 * The law: a page asks no other host for anything, and its Content-Security-Policy holds the
 * browser to that. What is stored compressed is sent so, whatever Accept-Encoding says: all that
 * show these pages can read it. An answer may be kept, and has to be asked for again by its tag.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_ASSETS_H
#define SEQD_FRONT_HTTP_ASSETS_H

#include "http_request.h"

#include <microhttpd.h>

/* Answer with the asset at the request's path. */
enum MHD_Result http_assets(struct http_request *request);

/* Send who left out the last '/' to the page. */
enum MHD_Result http_assets_move(struct http_request *request);

#endif
