/* http_reply: the answers: bodies, headers, and the list of all problems.
 *
 * The law: every answer but a constant one carries Cache-Control: no-store, and every refusal is
 * application/problem+json (RFC 9457) with a type that does not change from release to release; 503
 * says when to come back, and 401 what to bring.
 *
 * Each function queues one answer and returns what the handler has to return. MHD_NO, without an
 * answer, when memory is out: the connection is closed then.
 *
 * Threads: the one that serves the connection. */
#ifndef SEQD_FRONT_HTTP_REPLY_H
#define SEQD_FRONT_HTTP_REPLY_H

#include "http_json.h"
#include "http_request.h"

#include <microhttpd.h>
#include <stddef.h>

#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"
#define HTTP_TYPE_JSON "application/json"

#define HTTP_PROBLEM_MORE 2048 /* bytes that the members of one problem may take */

enum http_problem {
    HTTP_PROBLEM_MALFORMED,
    HTTP_PROBLEM_BAD_NAME,
    HTTP_PROBLEM_BAD_COUNT,
    HTTP_PROBLEM_UNKNOWN_PARAMETER,
    HTTP_PROBLEM_BAD_PARAMETER,
    HTTP_PROBLEM_BODY_REFUSED,
    HTTP_PROBLEM_NO_TOKEN,
    HTTP_PROBLEM_BAD_TOKEN,
    HTTP_PROBLEM_FORBIDDEN,
    HTTP_PROBLEM_BAD_BODY,
    HTTP_PROBLEM_BAD_DEFINITION,
    HTTP_PROBLEM_UNKNOWN_PATH,
    HTTP_PROBLEM_UNKNOWN_SEQUENCE,
    HTTP_PROBLEM_NO_LEDGER,
    HTTP_PROBLEM_METHOD,
    HTTP_PROBLEM_NOT_ACCEPTABLE,
    HTTP_PROBLEM_EXHAUSTED,
    HTTP_PROBLEM_CONFLICT,
    HTTP_PROBLEM_WRONG_KIND,
    HTTP_PROBLEM_WOULD_REWIND,
    HTTP_PROBLEM_BODY_TOO_LARGE,
    HTTP_PROBLEM_TARGET_TOO_LONG,
    HTTP_PROBLEM_MEDIA_TYPE,
    HTTP_PROBLEM_HEADER_TOO_LARGE,
    HTTP_PROBLEM_PREFETCH,
    HTTP_PROBLEM_NO_LEASE,
    HTTP_PROBLEM_NOT_READY,
    HTTP_PROBLEM_STOPPING,
    HTTP_PROBLEM_BUSY,
    HTTP_PROBLEM_NOT_WRITABLE,
};

/* 200 with the `length` bytes at `body`, which are copied. */
enum MHD_Result http_reply_block(struct http_request *request, const char *type, const char *body,
                                 size_t length);

/* 200 with the text of `block`, which may be of any size: it is written as it is sent. */
enum MHD_Result http_reply_stream(struct http_request *request, const struct block *block);

/* 200 with what `read` writes piece by piece until it says MHD_CONTENT_READER_END_OF_STREAM.
 * `release` is called with `context` once nothing of it is needed any more, also when this fails.
 */
enum MHD_Result http_reply_written(struct http_request *request, const char *type,
                                   MHD_ContentReaderCallback read, void *context,
                                   MHD_ContentReaderFreeCallback release);

/* 200 to a HEAD, when the length of what GET would answer is not known. Closes the connection. */
enum MHD_Result http_reply_head(struct http_request *request, const char *type);

/* 200 with the `length` bytes at `body`, which are copied. For what people and machines look at. */
enum MHD_Result http_reply_page(struct http_request *request, const char *type, const char *body,
                                size_t length);

struct http_header {
    const char *name;
    const char *value;
};

/* `status` with `count` headers, no other of our own, and the `length` bytes at `body`, which are
 * not copied: they stay as they are for as long as the process lives. */
enum MHD_Result http_reply_constant(struct http_request *request, unsigned status,
                                    const struct http_header *headers, size_t count,
                                    const char *body, size_t length);

/* 201 with JSON, and where it is. */
enum MHD_Result http_reply_created(struct http_request *request, const char *location,
                                   const char *body, size_t length);

/* 204, and what is allowed here. */
enum MHD_Result http_reply_allowed(struct http_request *request, const char *allow);

/* 405, and what is allowed here. */
enum MHD_Result http_reply_not_allowed(struct http_request *request, const char *method,
                                       const char *allow);

/* A refusal; the text says what was wrong, and the limit. */
__attribute__((format(printf, 3, 4))) enum MHD_Result
http_reply_problem(struct http_request *request, enum http_problem problem, const char *format,
                   ...);

/* A refusal with members of its own, which `add` adds behind the usual ones: HTTP_PROBLEM_MORE
 * bytes at most. */
enum MHD_Result http_reply_problem_with(struct http_request *request, enum http_problem problem,
                                        void (*add)(struct http_json *json, const void *context),
                                        const void *context, const char *detail);

#endif
