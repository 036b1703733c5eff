#include "grpc_ticket.h"

#include <stddef.h>
#include <stdlib.h>

static struct grpc_ticket *ticket_of(struct waiter *waiter)
{
    return (struct grpc_ticket *)((char *)waiter - offsetof(struct grpc_ticket, waiter));
}

/* Called by core. */
static bool still_wanted(struct waiter *waiter)
{
    /* order: relaxed; a call that goes at this very moment may lose the number, as one that goes
     * right after. It pairs with nothing. */
    return !atomic_load_explicit(&ticket_of(waiter)->gone, memory_order_relaxed);
}

/* Called by core. */
static void tell_loop(struct waiter *waiter)
{
    struct grpc_ticket *ticket = ticket_of(waiter);

    grpc_mailbox_post(ticket->mailbox, &ticket->post);
}

struct grpc_ticket *grpc_ticket_new(struct grpc_call *call, struct grpc_ticket **first,
                                    struct sequence *sequence, uint64_t count,
                                    struct instant deadline)
{
    struct grpc_ticket *ticket = calloc(1, sizeof *ticket);

    if (ticket == NULL) {
        return NULL;
    }
    ticket->waiter.count = count;
    ticket->waiter.deadline = deadline;
    ticket->waiter.wanted = still_wanted;
    ticket->waiter.done = tell_loop;
    ticket->sequence = sequence;
    ticket->call = call;
    ticket->next = *first;
    ticket->link = first;
    if (*first != NULL) {
        (*first)->link = &ticket->next;
    }
    *first = ticket;
    return ticket;
}

enum error grpc_ticket_wait(struct grpc_ticket *ticket, struct grpc_mailbox *mailbox,
                            void (*arrived)(struct grpc_loop *loop, struct grpc_post *post))
{
    ticket->mailbox = mailbox;
    ticket->post.arrived = arrived;
    return sequence_wait(ticket->sequence, &ticket->waiter);
}

struct grpc_ticket *grpc_ticket_of_post(struct grpc_post *post)
{
    return (struct grpc_ticket *)((char *)post - offsetof(struct grpc_ticket, post));
}

static void take_out(struct grpc_ticket *ticket)
{
    if (ticket->link != NULL) {
        *ticket->link = ticket->next;
        if (ticket->next != NULL) {
            ticket->next->link = ticket->link;
        }
        ticket->link = NULL;
    }
}

void grpc_ticket_free(struct grpc_ticket *ticket)
{
    take_out(ticket);
    free(ticket);
}

void grpc_tickets_abandon(struct grpc_ticket **first)
{
    while (*first != NULL) {
        struct grpc_ticket *ticket = *first;

        take_out(ticket);
        ticket->call = NULL;
        /* order: relaxed; see still_wanted(). */
        atomic_store_explicit(&ticket->gone, true, memory_order_relaxed);
    }
}
