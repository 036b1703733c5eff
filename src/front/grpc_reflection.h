/* grpc_reflection: grpc.reflection.v1 and v1alpha, by which tools learn the services without a
 * file.
 *
 * The two differ in name only: their messages are the same bytes.
 *
 * Source: gRPC, "Server reflection protocol".
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_REFLECTION_H
#define SEQD_FRONT_GRPC_REFLECTION_H

#include "grpc_call.h"

extern const struct grpc_method grpc_reflection_method;
extern const struct grpc_method grpc_reflection_alpha_method;

#endif
