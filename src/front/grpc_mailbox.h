/* grpc_mailbox: what other threads hand to a loop's thread.
 *
 * The law: handing over takes no memory and does not block: what is handed over brings its own
 * post. Once the loop has seen a post, who sent it touches neither the post nor the mailbox.
 *
 * Threads: grpc_mailbox_post() and grpc_mailbox_wake() any; the rest the owner. Lock order: the
 * mailbox's lock is a leaf. */
#ifndef SEQD_FRONT_GRPC_MAILBOX_H
#define SEQD_FRONT_GRPC_MAILBOX_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>

struct grpc_loop;

struct grpc_post {
    struct grpc_post *next;                                          /* the mailbox's own */
    void (*arrived)(struct grpc_loop *loop, struct grpc_post *post); /* on the loop's thread */
};

struct grpc_mailbox {
    int event_fd; /* readable when there is something to see */
    pthread_mutex_t lock;
    struct grpc_post *first; /* lock; in the order of posting */
    struct grpc_post **end;  /* lock */
};

/* ERR_NO_MEMORY when there is no lock or no descriptor left. */
__attribute__((warn_unused_result)) enum error grpc_mailbox_init(struct grpc_mailbox *mailbox);
void grpc_mailbox_fini(struct grpc_mailbox *mailbox);

void grpc_mailbox_post(struct grpc_mailbox *mailbox, struct grpc_post *post);

/* Let the loop look around, with nothing in hand. */
void grpc_mailbox_wake(struct grpc_mailbox *mailbox);

/* Take everything that is there, in order, linked by `next`. */
struct grpc_post *grpc_mailbox_empty(struct grpc_mailbox *mailbox);

#endif
