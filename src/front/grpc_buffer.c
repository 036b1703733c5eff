#include "grpc_buffer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Make room for `room` bytes, which are more than there is room for. False when memory is out. */
static bool grow(struct grpc_buffer *buffer, size_t room)
{
    bool owned = buffer->bytes != NULL && buffer->bytes != buffer->own;
    uint8_t *bytes = realloc(owned ? buffer->bytes : NULL, room);

    if (bytes == NULL) {
        return false;
    }
    if (!owned) {
        memcpy(bytes, buffer->own, buffer->end);
    }
    buffer->bytes = bytes;
    buffer->room = room;
    return true;
}

uint8_t *grpc_buffer_extend(struct grpc_buffer *buffer, size_t length)
{
    assert(length >= 1);
    if (buffer->bytes == NULL) {
        buffer->bytes = buffer->own;
        buffer->room = sizeof buffer->own;
    }
    if (length > buffer->room - buffer->end && buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, grpc_buffer_length(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (length > buffer->room - buffer->end) {
        size_t room = buffer->room;

        while (length > room - buffer->end) {
            room *= 2;
        }
        if (!grow(buffer, room)) {
            return NULL;
        }
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
    if (buffer->bytes != buffer->own) {
        free(buffer->bytes);
    }
    buffer->bytes = NULL;
    buffer->room = 0;
    buffer->start = 0;
    buffer->end = 0;
}
