/* held_port: a port of this machine that nobody else is given, and at which nobody listens until
 * the test lets somebody.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_LIB_HELD_PORT_H
#define SEQD_TESTS_LIB_HELD_PORT_H

#include <stdint.h>

struct held_port {
    int socket; /* bound, and never listening; others may bind to the port with SO_REUSEADDR */
    uint16_t port;
};

/* Ends the test where there is none. */
struct held_port held_port_take(void);
void held_port_free(struct held_port *held);

#endif
