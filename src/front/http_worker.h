/* http_worker: one thread of libmicrohttpd and the connections that it serves.
 *
 * The law: a worker never sees a listening socket. libmicrohttpd would shut it down at its stop,
 * and a socket that a service manager has passed would be dead for whoever comes next; so
 * connections are let in by the door (http_door) and handed to it.
 *
 * Threads: start and stop by the owner, admit by the door, load by any; the rest is its own. */
#ifndef SEQD_FRONT_HTTP_WORKER_H
#define SEQD_FRONT_HTTP_WORKER_H

#include "base/error.h"
#include "front/tls.h"
#include "guests.h"
#include "http_service.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

struct http_worker {
    struct http_service *service; /* constant, as are the next two */
    struct tls *tls;              /* NULL: it speaks plain HTTP */
    struct MHD_Daemon *daemon;
    _Atomic unsigned connections; /* it has, or was handed */
};

/* Start it in the caller's memory. `service` and `tls` are borrowed until the stop. ERR_NO_MEMORY
 * when there is no thread. */
__attribute__((warn_unused_result)) enum error
http_worker_start(struct http_worker *worker, struct http_service *service, struct tls *tls);

/* Close its connections and end the thread. Nothing may be admitted any more. */
void http_worker_stop(struct http_worker *worker);

/* Hand it the connection `fd` from `address`, which is given away in any case. The guest must have
 * come in; it leaves when the connection is closed, or at once when memory is out. */
void http_worker_admit(struct http_worker *worker, int fd, const struct sockaddr *address,
                       socklen_t size);

/* How many connections it has. */
unsigned http_worker_load(struct http_worker *worker);

#endif
