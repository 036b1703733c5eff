/* grpc_decode: SequenceService.Decode and SequenceService.Range: what a number of a timestamp
 * sequence says, and which numbers hold a span of time.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_DECODE_H
#define SEQD_FRONT_GRPC_DECODE_H

#include "grpc_call.h"

extern const struct grpc_method grpc_decode_method;
extern const struct grpc_method grpc_range_method;

#endif
