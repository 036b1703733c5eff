/* grpc_next: the two messages of seqd.v1.SequenceService/Next, as they lie on the wire, so that
 * seqctl asks over gRPC without the libraries that a server of gRPC needs.
 *
 * The law: what is read is one frame of gRPC, uncompressed and whole, with one message of protobuf
 * in it, whose fields may come in any order and of which unknown ones are passed over; anything
 * else is refused.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_GRPC_NEXT_H
#define SEQD_CTL_GRPC_NEXT_H

#include "base/definition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_NEXT_PATH "/seqd.v1.SequenceService/Next"
#define GRPC_NEXT_SIZE 256 /* bytes for any request: a name has 128 at most */

/* Write the frame that asks for `count` numbers of the sequence `name`, and return its length.
 * `count`  1 to INT64_MAX. */
size_t grpc_next_write(char to[GRPC_NEXT_SIZE], const char *name, uint64_t count);

/* Read the frame of an answer. A field that is left out is 0, as protobuf has it. False: it is no
 * such frame. */
bool grpc_next_read(const char *bytes, size_t length, struct block *ret_block);

#endif
