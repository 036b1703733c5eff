/* grpc_health: grpc.health.v1, the health of the whole server ("") and of seqd.v1.SequenceService,
 * which are the same: SERVING when /readyz says ready.
 *
 * Source: gRPC, "Health checking protocol".
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_HEALTH_H
#define SEQD_FRONT_GRPC_HEALTH_H

#include "grpc_call.h"

#define GRPC_WATCH_MS 250 /* between two looks of a Watch */

extern const struct grpc_method grpc_check_method;
extern const struct grpc_method grpc_watch_method;

#endif
