/* grpc_wire: the bytes of one connection, in the clear or through TLS.
 *
 * The law: nothing blocks. Over TLS nothing but the handshake is spoken before it is over, and only
 * HTTP/2 after it: a client that does not say so by ALPN is sent away.
 *
 * Threads: the connection's loop's. */
#ifndef SEQD_FRONT_GRPC_WIRE_H
#define SEQD_FRONT_GRPC_WIRE_H

#include "base/error.h"
#include "front/tls.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct grpc_wire {
    int fd;                        /* owned; it does not block */
    gnutls_session_t session;      /* owned; NULL: in the clear */
    struct tls_identity *identity; /* held while there is a session */
    bool shaken;                   /* the handshake is over, or there is none */
};

enum grpc_shake {
    GRPC_SHAKEN,      /* it is over */
    GRPC_SHAKE_READS, /* the client is to say more */
    GRPC_SHAKE_WRITES,
    GRPC_SHAKE_FAILED,
};

/* Take over `fd`. `tls` NULL: in the clear; else it is borrowed for the call and `priorities` for
 * the connection's life. ERR_NO_MEMORY; `fd` is still the caller's then. */
__attribute__((warn_unused_result)) enum error
grpc_wire_open(struct grpc_wire *wire, int fd, struct tls *tls, gnutls_priority_t priorities);

/* Go on with the handshake. */
enum grpc_shake grpc_wire_shake(struct grpc_wire *wire);

/* As recv(2) and send(2): -1 with EAGAIN when it would block, another errno when it is broken. What
 * was refused with EAGAIN has to be sent again. */
ssize_t grpc_wire_read(struct grpc_wire *wire, void *to, size_t room);
ssize_t grpc_wire_write(struct grpc_wire *wire, const void *bytes, size_t length);

/* Is there something to read that the kernel does not know of? */
bool grpc_wire_holds(const struct grpc_wire *wire);

/* Close our side, as far as that needs no waiting. False when it is broken. */
bool grpc_wire_shut(struct grpc_wire *wire);

void grpc_wire_close(struct grpc_wire *wire);

#endif
