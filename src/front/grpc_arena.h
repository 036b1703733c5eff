/* grpc_arena: the memory in which one message is unpacked, given back all at once.
 *
 * The law: a message cannot take more than GRPC_ARENA_SIZE however it is made; one that would is
 * refused. And a text of it is what was sent: protobuf-c hands out texts that end at their first
 * NUL, so one that holds a NUL would be taken for another; grpc_arena_text_is_whole() tells.
 *
 * Threads: one at a time. */
#ifndef SEQD_FRONT_GRPC_ARENA_H
#define SEQD_FRONT_GRPC_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_ARENA_SIZE ((size_t)64 * 1024)

struct grpc_arena {
    ProtobufCAllocator allocator; /* for the unpack functions */
    size_t used;
    _Alignas(16) uint8_t bytes[GRPC_ARENA_SIZE];
};

void grpc_arena_init(struct grpc_arena *arena);

/* Unpack a message that lives until the next call; NULL when it is malformed or needs more memory
 * than there is. */
void *grpc_arena_unpack(struct grpc_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                        const uint8_t *bytes, size_t length);

/* Is `text`, a field of a message that was unpacked here, free of a NUL in its middle, and of bytes
 * that no name and no symbol has (control characters, and all beyond ASCII)? */
bool grpc_arena_text_is_whole(const struct grpc_arena *arena, const char *text);

#endif
