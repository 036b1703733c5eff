/* http_door: the one thread that lets connections in, and shows out those that are over their time.
 *
 * libmicrohttpd could accept by itself. But its way to stop accepting while its threads run
 * (MHD_quiesce_daemon) removes the socket from each thread's epoll set from outside, and aborts the
 * process when that thread was quicker. With a door of our own the stop is exact, the limit of
 * connections holds over all threads, and they are spread evenly.
 *
 * The law: none is accepted beyond the limit; the others wait in the kernel's queue until one goes.
 *
 * Threads: the owner. */
#ifndef SEQD_FRONT_HTTP_DOOR_H
#define SEQD_FRONT_HTTP_DOOR_H

#include "base/error.h"
#include "http_deadline.h"

#include <microhttpd.h>

#define HTTP_DOOR_TICK_MS 100 /* how late a connection may be shown out */

struct http_door;

/* Start the thread. `fd` listens and stays the caller's, as do the others, until http_door_stop().
 * ERR_NO_MEMORY when no thread can be had. */
__attribute__((warn_unused_result)) enum error http_door_start(int fd, struct MHD_Daemon *daemon,
                                                               struct http_deadline *deadline,
                                                               unsigned max_connections,
                                                               struct http_door **ret_door);

/* Accept nothing from now on; who knocks is refused by the kernel. Time goes on being kept. */
void http_door_shut(struct http_door *door);

/* Stop the thread and free. NULL is accepted. */
void http_door_stop(struct http_door *door);

#endif
