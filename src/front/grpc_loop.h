/* grpc_loop: one thread that serves its share of the connections with epoll.
 *
 * The law: whatever belongs to a connection is touched by its loop's thread alone. Other threads
 * reach it through the mailbox only. What was changed is sent at the end of the round in which it
 * was, so answers that come together leave together.
 *
 * Threads: grpc_loop_*() the owner's; the rest its own. */
#ifndef SEQD_FRONT_GRPC_LOOP_H
#define SEQD_FRONT_GRPC_LOOP_H

#include "base/clock.h"
#include "base/error.h"
#include "grpc_arena.h"
#include "grpc_counters.h"
#include "grpc_look.h"
#include "grpc_mailbox.h"
#include "grpc_pool.h"
#include "grpc_pulse.h"
#include "grpc_service.h"
#include "grpc_timer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_CHUNK_SIZE ((size_t)64 * 1024) /* read, and written, at a time */

struct grpc_connection;
struct grpc_door;
struct grpc_session_kind;

struct grpc_loop {
    struct grpc_service *service;         /* constant, as are the next three */
    const struct grpc_session_kind *kind; /* of its connections' sessions */
    struct grpc_loop *crew;               /* all loops of the service, this among them */
    unsigned index;                       /* of this one */
    int epoll_fd;
    struct grpc_door *door; /* of the one loop that lets connections in; else NULL */
    pthread_t thread;
    struct grpc_mailbox mailbox;
    _Atomic unsigned connection_count; /* also those that are on their way to it */
    struct grpc_pulse pulse;

    /* Its thread's own. */
    struct instant now; /* when this round began */
    struct grpc_look look;
    struct grpc_timers timers;
    struct grpc_connection *connections; /* all */
    struct grpc_connection *touched;     /* those that have something to send, perhaps */
    unsigned calls;                      /* that are open */
    unsigned tickets;                    /* that core has */
    enum grpc_phase phase;               /* that it has seen */
    struct grpc_counters counters;
    struct grpc_arena arena;
    struct grpc_pool pool;
    uint8_t input[GRPC_CHUNK_SIZE];
    uint8_t output[GRPC_CHUNK_SIZE];
};

/* Start the thread of crew[index]; the door, or NULL, is borrowed. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
grpc_loop_start(struct grpc_loop *crew, unsigned index, struct grpc_service *service,
                const struct grpc_session_kind *kind, struct grpc_door *door);

/* Let it look at the phase. */
void grpc_loop_wake(struct grpc_loop *loop);

/* Wait for the end of its thread, which comes with the phase GRPC_ENDS. */
void grpc_loop_join(struct grpc_loop *loop);

/* Close what is left and free what it owns, after every loop of the crew was joined. */
void grpc_loop_fini(struct grpc_loop *loop);

#endif
