/* ground: what a front stands on, HTTP as gRPC.
 *
 * Ownership: all of it is borrowed until the front is stopped. */
#ifndef SEQD_FRONT_GROUND_H
#define SEQD_FRONT_GROUND_H

#include "core/keeper.h"
#include "core/registry.h"
#include "front/access.h"
#include "front/tls.h"

#include <stdbool.h>

struct grpc;

struct ground {
    struct registry *registry;
    struct keeper *keeper;
    struct access *access;
    struct tls *tls;       /* NULL: there is no certificate, and so no TLS */
    bool remote_is_wanted; /* a listener that another machine can reach is no mistake */
    struct grpc *grpc;     /* whose metrics HTTP shows with its own; NULL: there is none */
};

#endif
