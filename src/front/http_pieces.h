/* http_pieces: a body with a list in it, written piece by piece as the client takes it, for what is
 * too long to be held whole.
 *
 * The law: a piece is written only when all before it was taken, so one at a time is in memory, and
 * its bytes go out once and in order: the beginning, each item with a comma between, the end.
 *
 * Threads: one at a time; the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_PIECES_H
#define SEQD_FRONT_HTTP_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The first member of what holds a body until its last byte was taken; that sets the first five,
 * the rest begins as zeros. */
struct http_pieces {
    /* Write item `index` to `to`, which has room for it; its length. */
    size_t (*item)(struct http_pieces *pieces, size_t index, char *to, size_t room);
    /* Likewise all that comes after the last item. */
    size_t (*end)(struct http_pieces *pieces, char *to, size_t room);
    char *text;   /* where a piece is written; owned by the holder */
    size_t size;  /* bytes of it: a comma and the longest item, the beginning, the end */
    size_t count; /* items */

    size_t written; /* items that are in `text` or were taken */
    bool ended;     /* the end is in `text` or was taken */
    size_t length;  /* bytes in `text` */
    size_t used;    /* bytes of them that were taken */
};

/* The body begins with `beginning`, which ends where the first item stands. */
void http_pieces_begin(struct http_pieces *pieces, const char *beginning);

/* The MHD_ContentReaderCallback of http_reply_written(), with the holder as its context. */
ssize_t http_pieces_read(void *context, uint64_t position, char *to, size_t room);

#endif
