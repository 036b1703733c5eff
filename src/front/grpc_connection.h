/* grpc_connection: one client's socket with its HTTP/2 session.
 *
 * The law: what waits to be sent is bounded by GRPC_CHUNK_SIZE, and while it waits nothing more
 * is read, so a client that does not read cannot make the service hold more. A connection that is
 * idle, too old, or stands still in the middle of something is closed; numbers that were taken
 * are sent before, where the client reads.
 *
 * Threads: its loop's. */
#ifndef SEQD_FRONT_GRPC_CONNECTION_H
#define SEQD_FRONT_GRPC_CONNECTION_H

#include "base/clock.h"
#include "front/access.h"
#include "grpc_buffer.h"
#include "grpc_loop.h"
#include "grpc_timer.h"
#include "grpc_wire.h"
#include "guests.h"
#include "refusals.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>

struct grpc_call;

enum grpc_farewell {
    GRPC_STAYS,
    GRPC_LEAVES,  /* asked to leave; calls that are on their way to us are served still */
    GRPC_LEFT,    /* told which call was the last */
    GRPC_LINGERS, /* our side is closed; what the client still sends is read and forgotten */
    GRPC_DEAD,    /* to be closed at the end of the round */
};

/* A connection on its way from the loop that let it in to the one that will serve it. */
struct grpc_newcomer {
    struct grpc_post post;
    int fd; /* it does not block */
    struct guest guest;
    bool secure; /* it speaks TLS */
};

struct grpc_connection {
    struct grpc_loop *loop;
    struct grpc_wire wire;
    struct guest guest;
    struct access_client client; /* what is known of its rights */
    uint32_t events;             /* that epoll watches for */
    nghttp2_session *session;
    struct grpc_connection *next; /* in the loop's list */
    struct grpc_connection **link;
    struct grpc_connection *next_touched;
    bool touched;
    bool idle; /* it had no call when it was finished last */
    enum grpc_farewell farewell;
    bool shake_writes;         /* the handshake waits for the socket to take more */
    bool condemned;            /* it is closed as soon as it was told why */
    bool broken;               /* nghttp2 had no memory to send: it cannot be taken apart */
    struct grpc_call *calls;   /* all that are open, the newest first */
    struct grpc_call *parched; /* those that may go on reading */
    struct grpc_buffer unsent; /* what the socket did not take */
    struct grpc_timer timer;
    struct instant opened;
    struct instant since;   /* it is idle, blocked or lingering */
    struct instant left_at; /* it was asked to leave, or told that it has */
    uint64_t patience;      /* frames that ask for nothing and are borne still */
    struct instant patience_at;
};

/* See to it that what it has to send is sent at the end of this round. */
static inline void grpc_connection_touch(struct grpc_connection *connection)
{
    if (!connection->touched) {
        connection->touched = true;
        connection->next_touched = connection->loop->touched;
        connection->loop->touched = connection;
    }
}

/* Close it at the end of this round, with nothing sent any more, and count why. */
static inline void grpc_connection_refuse(struct grpc_connection *connection, enum refusal refusal)
{
    refusals_note(&connection->loop->service->refusals, refusal, connection->wire.fd);
    connection->farewell = GRPC_DEAD;
    grpc_connection_touch(connection);
}

/* Take over its socket, and its place among the guests. It is closed when memory is out. */
void grpc_connection_open(struct grpc_loop *loop, const struct grpc_newcomer *newcomer);

/* The socket is ready for `events` of epoll. */
void grpc_connection_ready(struct grpc_connection *connection, uint32_t events);

/* Send what is there to send, as far as the socket takes it; a dead connection is closed and freed.
 * Only at the end of a round. */
void grpc_connection_finish(struct grpc_connection *connection);

/* Ask the client to leave. `at_once`: without waiting for what it may have sent meanwhile. */
void grpc_connection_leave(struct grpc_connection *connection, bool at_once);

/* End the calls that would go on for ever. */
void grpc_connection_end_calls(struct grpc_connection *connection);

/* Close and free it now. Not while its events are handled. */
void grpc_connection_close(struct grpc_connection *connection);

#endif
