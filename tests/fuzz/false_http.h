/* false_http: libmicrohttpd, played: one request at a time, of bytes that a fuzzer made, and the
 * answer that the front gives to it.
 *
 * The law: what the front may ask of a connection it is told as libmicrohttpd 0.9.75 would, with
 * the front's own unescaping, which is none. An answer is looked at as a client would see it: its
 * length is what was announced, and no header has a byte that ends it.
 *
 * Threads: one; a connection that is suspended may be resumed by any. */
#ifndef SEQD_TESTS_FUZZ_FALSE_HTTP_H
#define SEQD_TESTS_FUZZ_FALSE_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FALSE_HTTP_ENTRIES_MAX 64
#define FALSE_HTTP_HEADERS_MAX 16
#define FALSE_HTTP_BODY_MAX (1U << 16) /* bytes of an answer that are kept */

struct false_entry {
    enum MHD_ValueKind kind;
    const char *name;
    const char *value; /* NULL: none */
};

/* "METHOD TARGET\n", headers as "Name: value\n", "\n", the body. */
struct false_request {
    char *text; /* owned; what follows points into it */
    const char *method;
    const char *target; /* as it was sent */
    const char *path;
    const char *body;
    size_t body_length;
    size_t entry_count;
    struct false_entry entries[FALSE_HTTP_ENTRIES_MAX];
};

struct false_answer {
    unsigned status; /* 0: none was given */
    size_t header_count;
    struct {
        char *name;
        char *value;
    } headers[FALSE_HTTP_HEADERS_MAX];
    char *body; /* ends with a NUL; the first FALSE_HTTP_BODY_MAX bytes */
    uint64_t length;
};

/* Cut `size` bytes into a request. What follows the first NUL of the head is no more of it. */
void false_request_read(struct false_request *request, const uint8_t *data, size_t size);
void false_request_free(struct false_request *request);

/* The value of the parameter `name` when it is given once, else NULL. */
const char *false_request_parameter(const struct false_request *request, const char *name);

/* A connection over which `request` comes; it stays the caller's. */
struct MHD_Connection *false_connection_new(const struct false_request *request);
void false_connection_free(struct MHD_Connection *connection);

/* Wait until it is not suspended. Returns whether it was, since this was asked last. */
bool false_connection_wait(struct MHD_Connection *connection);

/* The answer that was queued, as it was sent; to be freed. At most one may have been. */
void false_connection_answer(struct MHD_Connection *connection, struct false_answer *ret_answer);
void false_answer_free(struct false_answer *answer);

/* The value of the header `name`, or NULL. */
const char *false_answer_header(const struct false_answer *answer, const char *name);

#endif
