#include "grpc_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

uint8_t *grpc_buffer_extend(struct grpc_buffer *buffer, size_t length)
{
    assert(length >= 1);
    if (length > buffer->room - buffer->end && buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, grpc_buffer_length(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (length > buffer->room - buffer->end) {
        size_t room = buffer->room < ROOM_MIN ? ROOM_MIN : buffer->room;

        while (length > room - buffer->end) {
            room *= 2;
        }
        uint8_t *bytes = realloc(buffer->bytes, room);
        if (bytes == NULL) {
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->room = room;
    }
    buffer->end += length;
    return buffer->bytes + buffer->end - length;
}

enum error grpc_buffer_put(struct grpc_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0) {
        return ERR_OK;
    }
    uint8_t *to = grpc_buffer_extend(buffer, length);
    if (to == NULL) {
        return ERR_NO_MEMORY;
    }
    memcpy(to, bytes, length);
    return ERR_OK;
}

void grpc_buffer_take(struct grpc_buffer *buffer, size_t length)
{
    assert(length <= grpc_buffer_length(buffer));
    buffer->start += length;
    if (buffer->start == buffer->end) {
        grpc_buffer_clear(buffer);
    }
}

void grpc_buffer_clear(struct grpc_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct grpc_buffer){.bytes = NULL};
}
