/* http_json: writes one JSON object, and objects in it, into a buffer of a fixed size.
 *
 * The law: 64-bit numbers are written as strings, because JavaScript and others lose digits beyond
 * 2^53; text is escaped down to ASCII, so no byte that a client sent leaves as anything but text.
 * The caller sizes the buffer for the worst case; too small a one is a bug and ends the process.
 *
 * Threads: any; a writer belongs to one thread at a time. */
#ifndef SEQD_FRONT_HTTP_JSON_H
#define SEQD_FRONT_HTTP_JSON_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_JSON_ESCAPED_MAX 6 /* bytes that one byte of text may become */

struct http_json {
    char *buffer;
    size_t size;
    size_t length;
    unsigned depth; /* objects that were opened inside and not closed */
};

/* Begin an object in `buffer`, `size` bytes, borrowed until http_json_end(). */
void http_json_begin(struct http_json *json, char *buffer, size_t size);

/* Add a member. `key` is written as it is. */
void http_json_text(struct http_json *json, const char *key, const char *value);
void http_json_int64(struct http_json *json, const char *key, int64_t value);
void http_json_uint64(struct http_json *json, const char *key, uint64_t value);

/* Add a member whose value is written as it is: a small number, true, false, null. */
void http_json_plain(struct http_json *json, const char *key, const char *value);
void http_json_small(struct http_json *json, const char *key, uint64_t value);

/* Begin a member that is an object; what is added up to http_json_close() belongs to it. */
void http_json_open(struct http_json *json, const char *key);
void http_json_close(struct http_json *json);

/* End the object with "}\n". Returns the length of all of it. */
size_t http_json_end(struct http_json *json);

#endif
