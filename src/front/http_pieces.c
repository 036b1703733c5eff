#include "http_pieces.h"

#include <microhttpd.h>
#include <string.h>

ssize_t http_pieces_read(void *context, uint64_t position, char *to, size_t room)
{
    struct http_pieces *pieces = context;
    size_t length = 0;

    (void)position; /* the library asks for one byte after the other */
    while (length < room && (pieces->used < pieces->length || pieces->next(pieces))) {
        size_t left = pieces->length - pieces->used;
        size_t step = left < room - length ? left : room - length;
        memcpy(to + length, pieces->text + pieces->used, step);
        pieces->used += step;
        length += step;
    }
    return length > 0 ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}
