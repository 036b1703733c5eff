#include "http_pieces.h"

#include <assert.h>
#include <microhttpd.h>
#include <string.h>

void http_pieces_begin(struct http_pieces *pieces, const char *beginning)
{
    pieces->length = strlen(beginning);
    assert(pieces->length <= pieces->size);
    memcpy(pieces->text, beginning, pieces->length);
}

/* Write what comes next. False when all was written. */
static bool next(struct http_pieces *pieces)
{
    if (pieces->ended) {
        return false;
    }
    pieces->used = 0;
    if (pieces->written == pieces->count) {
        pieces->length = pieces->end(pieces, pieces->text, pieces->size);
        pieces->ended = true;
        return true;
    }
    size_t comma = pieces->written > 0 ? 1 : 0;
    pieces->text[0] = ',';
    pieces->length =
        comma + pieces->item(pieces, pieces->written++, pieces->text + comma, pieces->size - comma);
    return true;
}

ssize_t http_pieces_read(void *context, uint64_t position, char *to, size_t room)
{
    struct http_pieces *pieces = context;
    size_t length = 0;

    (void)position; /* the library asks for one byte after the other */
    while (length < room && (pieces->used < pieces->length || next(pieces))) {
        size_t left = pieces->length - pieces->used;
        size_t step = left < room - length ? left : room - length;
        memcpy(to + length, pieces->text + pieces->used, step);
        pieces->used += step;
        length += step;
    }
    return length > 0 ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}
