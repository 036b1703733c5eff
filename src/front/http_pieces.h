/* http_pieces: a body that is written piece by piece as the client takes it, for what is too long
 * to be held whole.
 *
 * The law: a piece is written only when all before it was taken, so one at a time is in memory, and
 * its bytes go out once and in order.
 *
 * Threads: one at a time; the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_PIECES_H
#define SEQD_FRONT_HTTP_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The first member of what holds a body until its last byte was taken. */
struct http_pieces {
    /* Write the next piece to `text`, and set `length`, and `used` to the bytes at its beginning
     * that are left out. False when all was written. */
    bool (*next)(struct http_pieces *pieces);
    char *text;    /* owned by the holder; the first piece stands there from the beginning */
    size_t length; /* bytes of the piece */
    size_t used;   /* bytes of it that were taken */
};

/* The MHD_ContentReaderCallback of http_reply_written(), with the holder as its context. */
ssize_t http_pieces_read(void *context, uint64_t position, char *to, size_t room);

#endif
