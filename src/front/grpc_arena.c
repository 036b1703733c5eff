#include "grpc_arena.h"

#include <string.h>

/* Before each piece stands its size. */
#define PIECE_HEAD 16

static void *take_piece(void *context, size_t size)
{
    struct grpc_arena *arena = context;
    size_t room = GRPC_ARENA_SIZE - arena->used;

    if (size > GRPC_ARENA_SIZE || (size + PIECE_HEAD + 15) / 16 * 16 > room) {
        return NULL;
    }
    uint8_t *piece = arena->bytes + arena->used;
    memcpy(piece, &size, sizeof size);
    arena->used += (size + PIECE_HEAD + 15) / 16 * 16;
    return piece + PIECE_HEAD;
}

/* All is given back at once. */
static void leave_piece(void *context, void *piece)
{
    (void)context;
    (void)piece;
}

void grpc_arena_init(struct grpc_arena *arena)
{
    arena->allocator =
        (ProtobufCAllocator){.alloc = take_piece, .free = leave_piece, .allocator_data = arena};
    arena->used = 0;
}

void *grpc_arena_unpack(struct grpc_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                        const uint8_t *bytes, size_t length)
{
    arena->used = 0;
    return protobuf_c_message_unpack(descriptor, &arena->allocator, length, bytes);
}

bool grpc_arena_text_is_whole(const struct grpc_arena *arena, const char *text)
{
    const uint8_t *piece = (const uint8_t *)text;
    size_t length = 0;

    while (text[length] >= 0x20 && text[length] < 0x7F) {
        length++;
    }
    if (text[length] != '\0') {
        return false;
    }
    if (length == 0 && (piece < arena->bytes || piece >= arena->bytes + GRPC_ARENA_SIZE)) {
        return true; /* the field was not sent */
    }
    size_t size = 0;
    memcpy(&size, piece - PIECE_HEAD, sizeof size);
    return size == length + 1;
}
