/* http_decode: what a number of a timestamp sequence says, and which numbers hold a span of time.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_DECODE_H
#define SEQD_FRONT_HTTP_DECODE_H

#include "http_request.h"

#include <microhttpd.h>

/* GET …/decode/{number}: time, machine, node and counter, by the sequence's layout. Nobody is asked
 * whether the number was issued. */
enum MHD_Result http_decode(struct http_request *request);

/* GET …/range?from=&to=: the least and the greatest number, of any node, that holds a time from
 * `from` on and before `to`; for "BETWEEN first AND last". */
enum MHD_Result http_decode_range(struct http_request *request);

#endif
