/* grpc_buffer: bytes that were put in and have not been taken out yet.
 *
 * The law: an empty buffer holds no memory but GRPC_BUFFER_OWN bytes of its own, so what is idle
 * costs nothing, and a few bytes take none. It must not be moved.
 *
 * Threads: one at a time. */
#ifndef SEQD_FRONT_GRPC_BUFFER_H
#define SEQD_FRONT_GRPC_BUFFER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define GRPC_BUFFER_OWN 64

/* A zeroed one is empty. */
struct grpc_buffer {
    uint8_t *bytes; /* owned, or `own`; NULL: none yet */
    size_t room;    /* of `bytes` */
    size_t start;   /* taken out so far */
    size_t end;     /* put in so far */
    uint8_t own[GRPC_BUFFER_OWN];
};

static inline size_t grpc_buffer_length(const struct grpc_buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline const uint8_t *grpc_buffer_bytes(const struct grpc_buffer *buffer)
{
    return buffer->bytes + buffer->start;
}

/* Make `length` (>= 1) bytes more of it and return where they are to be written; NULL when memory
 * is out, with the buffer as it was. */
__attribute__((warn_unused_result)) uint8_t *grpc_buffer_extend(struct grpc_buffer *buffer,
                                                                size_t length);

/* Put in `length` bytes. ERR_NO_MEMORY; none were put in then. */
__attribute__((warn_unused_result)) enum error grpc_buffer_put(struct grpc_buffer *buffer,
                                                               const void *bytes, size_t length);

/* Take out `length` bytes, which must be there. */
void grpc_buffer_take(struct grpc_buffer *buffer, size_t length);

/* Take out everything and free its memory. */
void grpc_buffer_clear(struct grpc_buffer *buffer);

#endif
