/* load_connection: one connection of a load, as a state machine over a socket that never blocks.
 *
 * The law: what is sent and what is read whole goes to the oracle at once, in the order in which it
 * happens; a request that ends any other way is reported as lost.
 *
 * Threads: one drives all connections of a load. */
#ifndef SEQD_TESTS_LIB_LOAD_CONNECTION_H
#define SEQD_TESTS_LIB_LOAD_CONNECTION_H

#include "base/clock.h"
#include "chance.h"
#include "load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_BUFFER_SIZE 16384
#define LOAD_FAILURE_SIZE 256

enum load_phase {
    LOAD_PHASE_CLOSED,
    LOAD_PHASE_CONNECTING,
    LOAD_PHASE_IDLE,    /* connected, nothing on its way */
    LOAD_PHASE_WAITING, /* a request is on its way */
};

struct load_connection {
    size_t target;
    enum load_phase phase;
    int socket;
    struct instant not_before; /* rests until then */

    uint64_t connection_after; /* the oracle's */

    /* The request on its way. */
    uint64_t count;
    bool json;
    uint64_t sent_after;
    struct instant sent;

    size_t length; /* of what was received */
    char buffer[LOAD_BUFFER_SIZE];
};

/* What the connections of a load share. */
struct load_work {
    struct load_options options;
    struct load_progress *progress; /* of each target */
    uint64_t *asked;                /* of each target: numbers received or on their way */
    struct chance chance;
    int epoll;     /* an event's data is its connection */
    uint16_t port; /* 0 while nothing may be sent */
    enum load_state state;
    char failure[LOAD_FAILURE_SIZE];
};

/* Open the connection if it is closed, send a request if it may. Returns for how many ms at most
 * epoll may wait, -1 for any time. */
int load_connection_press(struct load_work *work, struct load_connection *connection,
                          struct instant now);

/* epoll has found the socket ready. */
void load_connection_serve(struct load_work *work, struct load_connection *connection);

void load_connection_close(struct load_work *work, struct load_connection *connection);

/* End the test: errno says why. */
__attribute__((noreturn)) void load_die(const char *what);

#endif
