/* http_block: a block of numbers as text, one a line, each ended by '\n'.
 *
 * The law: the text is exact to the byte and its length is known before the first byte is written,
 * so an answer carries its Content-Length however large it is, and none is held in memory whole.
 *
 * Threads: any; what is passed in belongs to one thread at a time. */
#ifndef SEQD_FRONT_HTTP_BLOCK_H
#define SEQD_FRONT_HTTP_BLOCK_H

#include "base/definition.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_BLOCK_SMALL 100 /* numbers; up to here a block is written into one buffer */
#define HTTP_BLOCK_SMALL_SIZE ((size_t)HTTP_BLOCK_SMALL * TEXT_INT64_SIZE)

/* Bytes of the text of `block`. Numbers of one length are counted by arithmetic, not written. */
uint64_t http_block_length(const struct block *block);

/* Write `block`, of at most HTTP_BLOCK_SMALL numbers, at `to`, which has HTTP_BLOCK_SMALL_SIZE
 * bytes. Returns the length. */
size_t http_block_write(char *to, const struct block *block);

/* A block that is written piece by piece. */
struct http_block_stream {
    struct block block;
    uint64_t written; /* numbers that were begun */
    char line[TEXT_INT64_SIZE];
    size_t line_length; /* bytes of the line that was begun and did not fit, … */
    size_t line_used;   /* … and how many of them were given out */
};

void http_block_stream_start(struct http_block_stream *stream, const struct block *block);

/* Write the next bytes, at most `room` (>= 1), at `to`. Returns how many; 0 at the end. */
size_t http_block_stream_read(struct http_block_stream *stream, char *to, size_t room);

#endif
