/* http_accept: which of the two formats of a block a client would rather have, from its Accept
 * headers (RFC 9110, 12.5.1).
 *
 * The law: the most specific range that matches a format decides its weight; the format of greater
 * weight wins, and text/plain where they are equal. What cannot be parsed asks for nothing.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_HTTP_ACCEPT_H
#define SEQD_FRONT_HTTP_ACCEPT_H

#include <stdbool.h>

enum http_format {
    HTTP_FORMAT_NONE, /* neither is acceptable */
    HTTP_FORMAT_TEXT,
    HTTP_FORMAT_JSON,
};

/* What was asked of one format so far. */
struct http_weight {
    unsigned rank;      /* how specific the range is that decides: 0 none, 1 all, 2 type, 3 exact */
    unsigned thousands; /* 0 … 1000: q=1 is 1000 */
};

/* All zero before the first header. */
struct http_accept {
    bool asked; /* some range was named */
    struct http_weight text;
    struct http_weight json;
};

/* Take in the value of one Accept header; there may be several. */
void http_accept_add(struct http_accept *accept, const char *value);

enum http_format http_accept_choose(const struct http_accept *accept);

#endif
