/* http_peer: who is on the other side of a connection, in words for the log.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_PEER_H
#define SEQD_FRONT_HTTP_PEER_H

#include "peer.h"

#include <microhttpd.h>

/* "127.0.0.1:4242", "[::1]:4242", or "user 1000 (process 4242)" over a unix socket. */
void http_peer_write(struct MHD_Connection *connection, char to[PEER_SIZE]);

#endif
