/* peer: who is on the other side of a connection, in words for the log.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_PEER_H
#define SEQD_FRONT_PEER_H

#include <sys/socket.h>

#define PEER_SIZE 80 /* bytes, with the NUL */

/* "127.0.0.1:4242" or "[::1]:4242"; "an unknown client" for what is no address of TCP, or NULL. */
void peer_write(const struct sockaddr *address, char to[PEER_SIZE]);

#endif
