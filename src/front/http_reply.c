#include "http_reply.h"

#include "base/error.h"
#include "http_cors.h"
#include "http_json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define STREAM_PIECE_BYTES 16384 /* of a large block: what one connection holds in memory */

/* The worst case: every byte of the detail escaped, and the rest of the object. */
#define PROBLEM_SIZE (ERROR_DETAIL_SIZE * HTTP_JSON_ESCAPED_MAX + 512 + HTTP_PROBLEM_MORE)

struct problem {
    const char *type; /* a reference relative to the server: the documentation explains each */
    const char *title;
    unsigned status;
};

static const struct problem problems[] = {
    [HTTP_PROBLEM_MALFORMED] = {"/problems/malformed-request", "Malformed request", 400},
    [HTTP_PROBLEM_BAD_NAME] = {"/problems/bad-name", "Not a sequence name", 400},
    [HTTP_PROBLEM_BAD_COUNT] = {"/problems/bad-count", "Count out of range", 400},
    [HTTP_PROBLEM_UNKNOWN_PARAMETER] = {"/problems/unknown-parameter", "Unknown parameter", 400},
    [HTTP_PROBLEM_BAD_PARAMETER] = {"/problems/bad-parameter", "Parameter out of range", 400},
    [HTTP_PROBLEM_BODY_REFUSED] = {"/problems/body-refused", "No body wanted", 400},
    [HTTP_PROBLEM_NO_TOKEN] = {"/problems/unauthenticated", "A token is needed", 401},
    [HTTP_PROBLEM_BAD_TOKEN] = {"/problems/unauthenticated", "A token is needed", 401},
    [HTTP_PROBLEM_FORBIDDEN] = {"/problems/forbidden", "Not allowed", 403},
    [HTTP_PROBLEM_BAD_BODY] = {"/problems/bad-body", "Body not understood", 400},
    [HTTP_PROBLEM_BAD_DEFINITION] = {"/problems/bad-definition", "No such sequence can be", 400},
    [HTTP_PROBLEM_UNKNOWN_PATH] = {"/problems/unknown-path", "No such path", 404},
    [HTTP_PROBLEM_UNKNOWN_SEQUENCE] = {"/problems/unknown-sequence", "No such sequence", 404},
    [HTTP_PROBLEM_NO_LEDGER] = {"/problems/no-ledger", "No ledger is kept", 404},
    [HTTP_PROBLEM_METHOD] = {"/problems/method-not-allowed", "Method not allowed", 405},
    [HTTP_PROBLEM_NOT_ACCEPTABLE] = {"/problems/not-acceptable", "Format not offered", 406},
    [HTTP_PROBLEM_EXHAUSTED] = {"/problems/exhausted", "Sequence exhausted", 409},
    [HTTP_PROBLEM_CONFLICT] = {"/problems/conflict", "Exists with another definition", 409},
    [HTTP_PROBLEM_WRONG_KIND] = {"/problems/wrong-kind", "Not a timestamp sequence", 409},
    [HTTP_PROBLEM_WOULD_REWIND] = {"/problems/would-rewind", "Numbers would come again", 409},
    [HTTP_PROBLEM_BODY_TOO_LARGE] = {"/problems/body-too-large", "Body too large", 413},
    [HTTP_PROBLEM_TARGET_TOO_LONG] = {"/problems/target-too-long", "Path and query too long", 414},
    [HTTP_PROBLEM_MEDIA_TYPE] = {"/problems/unsupported-media-type", "Not JSON", 415},
    [HTTP_PROBLEM_HEADER_TOO_LARGE] = {"/problems/header-too-large", "Headers too large", 431},
    [HTTP_PROBLEM_PREFETCH] = {"/problems/prefetch-refused", "No numbers on suspicion", 503},
    [HTTP_PROBLEM_NO_LEASE] = {"/problems/no-lease", "No numbers at the moment", 503},
    [HTTP_PROBLEM_NOT_READY] = {"/problems/not-ready", "Not ready", 503},
    [HTTP_PROBLEM_STOPPING] = {"/problems/stopping", "The service is stopping", 503},
    [HTTP_PROBLEM_NOT_WRITABLE] = {"/problems/not-writable", "No changes at the moment", 503},
    [HTTP_PROBLEM_BUSY] = {"/problems/too-busy", "Too much at a time", 503},
};

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* Queue `response`, which is given away, unless it is not `complete` for want of memory. */
static enum MHD_Result queue_complete(struct http_request *request, unsigned status,
                                      struct MHD_Response *response, bool complete)
{
    if (http_service_draining(request->service)) {
        complete = complete && add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    if (http_cors_on(&request->service->cors)) {
        complete =
            complete && http_cors_add(&request->service->cors, request->fields.origin, response);
    }
    enum MHD_Result result =
        complete ? MHD_queue_response(request->connection, status, response) : MHD_NO;
    if (result == MHD_YES) {
        http_counters_add(&request->service->counters, status);
    }
    MHD_destroy_response(response);
    return result;
}

/* Queue `response`, which may be NULL and is given away. `extra` may be NULL. `plain`: it
 * is numbers. */
static enum MHD_Result queue(struct http_request *request, unsigned status,
                             struct MHD_Response *response, const char *type,
                             const struct http_header *extra, bool plain)
{
    if (response == NULL) {
        return MHD_NO;
    }
    bool complete = add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (type != NULL) {
        complete = complete && add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    }
    /* Only browsers sniff, and each header of a block costs a thirtieth of its way. */
    if (!plain || request->fields.browser) {
        complete = complete && add_header(response, "X-Content-Type-Options", "nosniff");
    }
    if (extra != NULL) {
        complete = complete && add_header(response, extra->name, extra->value);
    }
    return queue_complete(request, status, response, complete);
}

static struct MHD_Response *copy_of(const char *body, size_t length)
{
    /* The library only reads what it is told to copy; its prototype says less. */
    return MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_MUST_COPY);
}

enum MHD_Result http_reply_block(struct http_request *request, const char *type, const char *body,
                                 size_t length)
{
    return queue(request, 200, copy_of(body, length), type, NULL, true);
}

static ssize_t read_stream(void *context, uint64_t position, char *to, size_t room)
{
    struct http_block_stream *stream = context;
    size_t length = http_block_stream_read(stream, to, room);

    (void)position; /* the library asks for one byte after the other */
    return length > 0 ? (ssize_t)length : MHD_CONTENT_READER_END_OF_STREAM;
}

enum MHD_Result http_reply_stream(struct http_request *request, const struct block *block)
{
    http_block_stream_start(&request->stream, block);
    struct MHD_Response *response = MHD_create_response_from_callback(
        http_block_length(block), STREAM_PIECE_BYTES, read_stream, &request->stream, NULL);
    return queue(request, 200, response, HTTP_TYPE_TEXT, NULL, true);
}

enum MHD_Result http_reply_written(struct http_request *request, const char *type,
                                   MHD_ContentReaderCallback read, void *context,
                                   MHD_ContentReaderFreeCallback release)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_PIECE_BYTES, read, context, release);
    if (response == NULL) {
        release(context);
    }
    return queue(request, 200, response, type, NULL, false);
}

static ssize_t read_nothing(void *context, uint64_t position, char *to, size_t room)
{
    (void)context;
    (void)position;
    (void)to;
    (void)room;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

enum MHD_Result http_reply_head(struct http_request *request, const char *type)
{
    /* A length of 0 would be a lie about GET. Chunks have no length, but libmicrohttpd 0.9.75 sends
     * the last of them, which a client takes for the start of its next answer: so no chunks, and
     * the connection is closed. */
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);
    if (response != NULL && MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                                     MHD_RO_END) != MHD_YES) {
        MHD_destroy_response(response);
        return MHD_NO;
    }
    return queue(request, 200, response, type, NULL, true);
}

enum MHD_Result http_reply_page(struct http_request *request, const char *type, const char *body,
                                size_t length)
{
    return queue(request, 200, copy_of(body, length), type, NULL, false);
}

enum MHD_Result http_reply_constant(struct http_request *request, unsigned status,
                                    const struct http_header *headers, size_t count,
                                    const char *body, size_t length)
{
    /* The library only reads what is said to persist; its prototype says less. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_PERSISTENT);
    bool complete = true;

    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < count; i++) {
        complete = complete && add_header(response, headers[i].name, headers[i].value);
    }
    return queue_complete(request, status, response, complete);
}

enum MHD_Result http_reply_created(struct http_request *request, const char *location,
                                   const char *body, size_t length)
{
    struct http_header header = {MHD_HTTP_HEADER_LOCATION, location};

    return queue(request, 201, copy_of(body, length), HTTP_TYPE_JSON, &header, false);
}

enum MHD_Result http_reply_allowed(struct http_request *request, const char *allow)
{
    const struct http_fields *fields = &request->fields;
    struct http_header header = {MHD_HTTP_HEADER_ALLOW, allow};
    struct MHD_Response *response = copy_of("", 0);

    if (response != NULL && fields->asked_method != NULL &&
        http_cors_permits(&request->service->cors, fields->origin) &&
        !http_cors_add_preflight(response, allow)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return queue(request, 204, response, NULL, &header, false);
}

/* `extra` and `add_members` may be NULL. */
static enum MHD_Result
reply_problem(struct http_request *request, enum http_problem problem,
              const struct http_header *extra, const char *detail,
              void (*add_members)(struct http_json *json, const void *context), const void *context)
{
    const struct problem *entry = &problems[problem];
    struct http_json json;
    char body[PROBLEM_SIZE];

    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "type", entry->type);
    http_json_text(&json, "title", entry->title);
    http_json_small(&json, "status", entry->status);
    http_json_text(&json, "detail", detail);
    if (add_members != NULL) {
        add_members(&json, context);
    }
    return queue(request, entry->status, copy_of(body, http_json_end(&json)),
                 "application/problem+json", extra, false);
}

enum MHD_Result http_reply_not_allowed(struct http_request *request, const char *method,
                                       const char *allow)
{
    struct http_header header = {MHD_HTTP_HEADER_ALLOW, allow};
    char detail[ERROR_DETAIL_SIZE];

    snprintf(detail, sizeof detail, "method '%.32s' is not allowed here; these are: %s", method,
             allow);
    return reply_problem(request, HTTP_PROBLEM_METHOD, &header, detail, NULL, NULL);
}

/* The header that belongs to a problem; NULL: none. */
static const struct http_header *header_of(enum http_problem problem)
{
    static const struct http_header soon = {MHD_HTTP_HEADER_RETRY_AFTER, "1"};
    static const struct http_header bring = {MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                             "Bearer realm=\"seqd\""};
    static const struct http_header bring_other = {
        MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"seqd\", error=\"invalid_token\""};

    if (problem == HTTP_PROBLEM_NO_TOKEN) {
        return &bring;
    }
    if (problem == HTTP_PROBLEM_BAD_TOKEN) {
        return &bring_other;
    }
    return problems[problem].status == 503 ? &soon : NULL;
}

enum MHD_Result http_reply_problem(struct http_request *request, enum http_problem problem,
                                   const char *format, ...)
{
    char detail[ERROR_DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    return reply_problem(request, problem, header_of(problem), detail, NULL, NULL);
}

enum MHD_Result http_reply_problem_with(struct http_request *request, enum http_problem problem,
                                        void (*add)(struct http_json *json, const void *context),
                                        const void *context, const char *detail)
{
    return reply_problem(request, problem, header_of(problem), detail, add, context);
}
