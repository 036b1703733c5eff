/* grpc_door: lets connections in, on one loop's thread, and deals each to the loop with the fewest.
 *
 * The law: as many come in as may be there, and no more from one address than may: the others
 * wait in the kernel's queue for the former, and are turned away for the latter. Once the service
 * stops, who comes is let in and out again.
 *
 * Threads: its loop's. */
#ifndef SEQD_FRONT_GRPC_DOOR_H
#define SEQD_FRONT_GRPC_DOOR_H

#include "base/error.h"
#include "grpc_loop.h"
#include "grpc_timer.h"
#include "listener.h"

#include <stdbool.h>
#include <stddef.h>

struct grpc_door {
    struct grpc_loop *loop;
    struct listener listeners[ENDPOINTS_MAX]; /* owned by the service's owner */
    size_t count;
    struct grpc_timer again; /* to open it again when the system had no means */
};

/* Watch the listeners. ERR_NO_MEMORY. Before the loop's thread runs. */
__attribute__((warn_unused_result)) enum error grpc_door_open(struct grpc_door *door,
                                                              struct grpc_loop *loop);

/* Is this what epoll was given for the door? Then it is answered. */
bool grpc_door_answer(struct grpc_door *door, void *mark);

#endif
