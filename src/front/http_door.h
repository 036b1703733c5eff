/* http_door: the thread that lets connections in and hands each to the worker that has least to do.
 *
 * The law: as many come in as may be there, and no more from one address than may; the others wait
 * in the kernel's queue for the former, and are turned away for the latter. Once the door is shut
 * nobody is taken out of the queue of an inherited socket any more: who stands there waits for the
 * next one that serves.
 *
 * Threads: the owner. */
#ifndef SEQD_FRONT_HTTP_DOOR_H
#define SEQD_FRONT_HTTP_DOOR_H

#include "base/error.h"
#include "http_service.h"
#include "http_worker.h"
#include "listener.h"

#include <stddef.h>

/* Who serves the connections of one kind. */
struct http_crew {
    struct http_worker *workers;
    unsigned count;
};

struct http_door;

/* Open it: start the thread. All is borrowed until the door is shut: `listeners`, at most
 * ENDPOINTS_MAX + 1 or HTTP_INHERITED_MAX of them, and the crews for plain connections and for
 * TLS. ERR_NO_MEMORY when there is no thread or descriptor. */
__attribute__((warn_unused_result)) enum error
http_door_open(struct http_service *service, const struct listener *listeners, size_t count,
               struct http_crew plain, struct http_crew secure, struct http_door **ret_door);

/* Shut it: end the thread, after whoever has knocked at a socket of our own was let in. Free. NULL
 * is accepted. */
void http_door_shut(struct http_door *door);

#endif
