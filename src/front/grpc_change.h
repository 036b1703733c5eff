/* grpc_change: an administrative change from the call that asked for it to the loop that is told
 * what became of it.
 *
 * The law: core owns the request until it is done, and the call may end before that; so the
 * change is memory of its own, and freed when core has let go of it. What became of it is logged
 * in one line in any case.
 *
 * Threads: the loop's. */
#ifndef SEQD_FRONT_GRPC_CHANGE_H
#define SEQD_FRONT_GRPC_CHANGE_H

#include "core/admin.h"
#include "grpc_call.h"
#include "peer.h"

#define GRPC_PEER_SIZE (PEER_SIZE + 16) /* " over gRPC" stands behind it */

struct grpc_change {
    struct admin_request admin; /* core's from the submission until it is done */
    struct grpc_post post;
    struct grpc_mailbox *mailbox;
    struct grpc_call *call; /* NULL once it has gone */
    char peer[GRPC_PEER_SIZE];

    /* Answer the call, which is still there. */
    void (*answer)(struct grpc_call *call, const struct admin_request *admin);
};

/* A change of `name`, all zero but for name and action, which becomes the call's. NULL when
 * memory is out. `name` has SEQUENCE_NAME_MAX bytes at most. */
__attribute__((warn_unused_result)) struct grpc_change *
grpc_change_new(struct grpc_call *call, enum admin_action action, const char *name,
                void (*answer)(struct grpc_call *call, const struct admin_request *admin));

/* Hand it to core. */
void grpc_change_submit(struct grpc_change *change);

#endif
