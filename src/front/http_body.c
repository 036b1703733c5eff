#include "http_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 1024 /* bytes; most bodies are smaller */

/* Take `bytes` more of what all may have. */
static bool take_share(struct http_bodies *bodies, size_t bytes)
{
    /* order: relaxed, both; a sum stands alone, and the memory itself is the caller's own. */
    uint64_t before = atomic_fetch_add_explicit(&bodies->bytes, bytes, memory_order_relaxed);
    if (before > HTTP_BODIES_MAX - bytes) {
        atomic_fetch_sub_explicit(&bodies->bytes, bytes, memory_order_relaxed);
        return false;
    }
    return true;
}

static void drop_bytes(struct http_body *body, struct http_bodies *bodies)
{
    /* order: relaxed; see take_share(). */
    atomic_fetch_sub_explicit(&bodies->bytes, body->room, memory_order_relaxed);
    free(body->bytes);
    body->bytes = NULL;
    body->room = 0;
}

/* See to it that `length` bytes have room. */
static bool grow(struct http_body *body, struct http_bodies *bodies, size_t length)
{
    size_t room = body->room > 0 ? body->room : ROOM_MIN;

    while (room < length) {
        room *= 2;
    }
    if (room == body->room) {
        return true;
    }
    if (!take_share(bodies, room - body->room)) {
        return false;
    }
    char *bytes = realloc(body->bytes, room);
    if (bytes == NULL) {
        /* order: relaxed; see take_share(). */
        atomic_fetch_sub_explicit(&bodies->bytes, room - body->room, memory_order_relaxed);
        return false;
    }
    body->bytes = bytes;
    body->room = room;
    return true;
}

bool http_body_add(struct http_body *body, struct http_bodies *bodies, const char *bytes,
                   size_t length)
{
    if (length > HTTP_BODY_READ_MAX - body->length) {
        return false;
    }
    uint64_t before = body->length;
    body->length += length;
    if (!body->wanted || body->crowded || body->length > HTTP_BODY_MAX) {
        drop_bytes(body, bodies);
        return true;
    }
    if (!grow(body, bodies, (size_t)body->length)) {
        body->crowded = true;
        drop_bytes(body, bodies);
        return true;
    }
    memcpy(body->bytes + before, bytes, length);
    return true;
}

void http_body_reset(struct http_body *body, struct http_bodies *bodies)
{
    if (body->bytes != NULL) {
        drop_bytes(body, bodies);
    }
    *body = (struct http_body){.bytes = NULL};
}
