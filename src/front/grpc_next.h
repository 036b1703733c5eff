/* grpc_next: the methods that give numbers: SequenceService.Next and SequenceService.Stream.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_NEXT_H
#define SEQD_FRONT_GRPC_NEXT_H

#include "grpc_call.h"

/* One request, one block. */
extern const struct grpc_method grpc_next_method;

/* Many requests over one call, each answered with its tag; those that have to wait let others
 * pass. A request that is refused is answered so, and the call goes on. */
extern const struct grpc_method grpc_stream_method;

#endif
