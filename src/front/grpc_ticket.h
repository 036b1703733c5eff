/* grpc_ticket: one wait for a lease, from the call that joined it to the loop that is told of its
 * end.
 *
 * The law: core owns the waiter until it says done, and a call may end before that: by a reset, a
 * deadline, or its connection's end. So the ticket is memory of its own. A call that goes leaves
 * its tickets behind: they are not wanted any more and take no number, and each is freed by the
 * loop when core has let go of it.
 *
 * Threads: the loop's; what core calls is marked so. */
#ifndef SEQD_FRONT_GRPC_TICKET_H
#define SEQD_FRONT_GRPC_TICKET_H

#include "base/clock.h"
#include "base/error.h"
#include "core/sequence.h"
#include "grpc_mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct grpc_call;

struct grpc_ticket {
    struct waiter waiter; /* core's from grpc_ticket_wait() until it is done */
    struct grpc_post post;
    struct grpc_mailbox *mailbox; /* of the loop */
    struct sequence *sequence;
    uint64_t tag;             /* of the request, where it has one */
    struct grpc_call *call;   /* NULL once it has gone */
    _Atomic bool gone;        /* the same, for core */
    struct grpc_ticket *next; /* in the call's list */
    struct grpc_ticket **link;
};

/* A ticket for `count` numbers until `deadline`, in the list that begins at `*first`. `arrived` is
 * called on the loop's thread when the wait is over. NULL when memory is out. */
__attribute__((warn_unused_result)) struct grpc_ticket *
grpc_ticket_new(struct grpc_call *call, struct grpc_ticket **first, struct sequence *sequence,
                uint64_t count, struct instant deadline);

/* Join those who wait. ERR_PENDING: `arrived` will be posted to `mailbox`. Else the answer
 * itself, as of sequence_wait(), and it will not. */
__attribute__((warn_unused_result)) enum error
grpc_ticket_wait(struct grpc_ticket *ticket, struct grpc_mailbox *mailbox,
                 void (*arrived)(struct grpc_loop *loop, struct grpc_post *post));

struct grpc_ticket *grpc_ticket_of_post(struct grpc_post *post);

/* Take it out of its call's list and free it; core must have let go of it. */
void grpc_ticket_free(struct grpc_ticket *ticket);

/* Leave every ticket of the list to its fate; the list is empty after. */
void grpc_tickets_abandon(struct grpc_ticket **first);

#endif
