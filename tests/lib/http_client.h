/* http_client: one connection to a server on this machine, for tests: it sends whatever bytes it is
 * told to, well-formed or not, and reads one answer at a time.
 *
 * The law: nothing is hidden. Bytes go out as they are given, nothing is retried, a connection that
 * broke stays broken; an answer counts as one only when it is whole. What the server sends beyond
 * one answer is kept for the next, so pipelined requests are read one by one. No call blocks longer
 * than its `timeout_ms`.
 *
 * A call that a test is certain of (connecting to a server that it has started itself) ends the
 * test with a message on standard error when it fails; the others return what happened.
 *
 * Threads: one client is used by one thread at a time. */
#ifndef SEQD_TESTS_LIB_HTTP_CLIENT_H
#define SEQD_TESTS_LIB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_TIMEOUT_MS 10000

struct http_client;

enum http_client_result {
    HTTP_CLIENT_ANSWERED,  /* a whole answer was read */
    HTTP_CLIENT_CLOSED,    /* the server closed, or reset, the connection before a whole answer */
    HTTP_CLIENT_SILENT,    /* no whole answer within the time; what came so far is kept */
    HTTP_CLIENT_MALFORMED, /* what came is not HTTP/1.x: a bug of the server */
};

/* One answer. Owns its memory: http_answer_free(). */
struct http_answer {
    int status;
    char *head; /* status line and header lines, each ended by "\r\n"; with a NUL */
    char *body; /* decoded of chunks; with a NUL that is not counted */
    size_t body_length;
    bool chunked;
};

/* Connect to 127.0.0.1:`port`, or return NULL when nobody listens or `timeout_ms` is over. */
struct http_client *http_client_try(uint16_t port, unsigned timeout_ms);

/* Connect; ends the test when that fails. */
struct http_client *http_client_open(uint16_t port);

/* Connect to the unix socket at `path`, or return NULL, with errno, when that fails. */
struct http_client *http_client_unix(const char *path);

/* Speak over the stream socket `fd`, which is connected, does not block, and is given away. */
struct http_client *http_client_adopt(int fd);

/* Close and free. NULL is accepted. */
void http_client_close(struct http_client *client);

/* The socket, for polling and for options; the client keeps owning it. */
int http_client_socket(const struct http_client *client);

/* Send all `length` bytes. False when the server closed, or does not read for 10 s. Never raises
 * SIGPIPE. */
bool http_client_send(struct http_client *client, const void *bytes, size_t length);

/* Send formatted text. */
__attribute__((format(printf, 2, 3))) bool http_client_print(struct http_client *client,
                                                             const char *format, ...);

/* Close the sending side only: the server sees the end of input. */
void http_client_shut(struct http_client *client);

/* Read one answer, which the test frees when it is HTTP_CLIENT_ANSWERED and is untouched otherwise.
 * `bodyless`: it answers HEAD, so no body follows whatever Content-Length says. */
enum http_client_result http_client_receive(struct http_client *client, unsigned timeout_ms,
                                            bool bodyless, struct http_answer *ret_answer);

/* Has the server closed its side, with nothing unread before? Waits up to `timeout_ms` for it. */
bool http_client_closed(struct http_client *client, unsigned timeout_ms);

/* From now on http_client_ask() and those below it send this bearer token, which is borrowed; NULL
 * is none. Before any thread is started. */
void http_client_authorize(const char *token);

/* "METHOD TARGET" with a Host header and `headers` (may be "", else lines that end in "\r\n"), one
 * answer within 10 s; ends the test when there is none. */
struct http_answer http_client_ask(struct http_client *client, const char *method,
                                   const char *target, const char *headers);

/* As http_client_ask() over a connection of its own. */
struct http_answer http_ask(uint16_t port, const char *method, const char *target,
                            const char *headers);

/* As http_ask(), with the JSON text `body`, whose type and length go before it. */
struct http_answer http_ask_json(uint16_t port, const char *method, const char *target,
                                 const char *body);

/* The value of header `name` (any case) copied to `ret_value`, cut to `size`; false when it is not
 * there. */
bool http_answer_header(const struct http_answer *answer, const char *name, char *ret_value,
                        size_t size);

/* How often header `name` is there. */
unsigned http_answer_count(const struct http_answer *answer, const char *name);

/* Free what the answer owns, and empty it. */
void http_answer_free(struct http_answer *answer);

#endif
