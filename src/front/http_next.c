#include "http_next.h"

#include "base/text.h"
#include "http_json.h"
#include "http_reply.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SHOWN_MAX 64 /* bytes of what a client sent that are repeated to it */

/* {"sequence":"…","first":"…","last":"…","count":…,"increment":"…"} */
#define BLOCK_JSON_SIZE (SEQUENCE_NAME_MAX + 4 * TEXT_INT64_SIZE + 80)

/* ---- what is asked ---- */

static enum MHD_Result refuse_unknown(struct http_request *request, const char *name)
{
    return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE, "there is no sequence '%s'",
                              name);
}

/* Find the sequence. False when the request has been refused, with *ret_result to return. */
static bool find_sequence(struct http_request *request, enum MHD_Result *ret_result)
{
    char name[SEQUENCE_NAME_MAX + 1] = "";

    if (request->name != NULL) {
        request->sequence =
            registry_find(request->service->registry, request->name, request->name_length);
        if (request->sequence == NULL) {
            memcpy(name, request->name, request->name_length); /* its length was checked */
        }
    } else {
        request->sequence = http_service_root(request->service, name);
    }
    if (request->sequence == NULL) {
        *ret_result = refuse_unknown(request, name);
    }
    return request->sequence != NULL;
}

/* The sequence that was found is no more. Is there another one of its name by now? */
static bool find_again(struct http_request *request)
{
    char name[SEQUENCE_NAME_MAX + 1];
    struct sequence *other =
        request->name != NULL
            ? registry_find(request->service->registry, request->name, request->name_length)
            : http_service_root(request->service, name);

    if (other != NULL) {
        request->sequence = other;
    }
    return other != NULL;
}

/* Read `count`. False when the request has been refused, with *ret_result to return. */
static bool read_count(struct http_request *request, enum MHD_Result *ret_result)
{
    uint64_t block_max = sequence_block_max(request->sequence);
    uint64_t max_count = http_service_max_count(request->service);
    max_count = max_count < block_max ? max_count : block_max;
    const char *text = http_fields_parameter(&request->fields, "count");
    uint64_t count = 1;

    if (text != NULL && (text_parse_uint64(text, max_count, &count) != ERR_OK || count == 0)) {
        *ret_result = http_reply_problem(
            request, HTTP_PROBLEM_BAD_COUNT,
            "count is '%.*s'; it must be a whole number from 1 to %" PRIu64 ", in decimal digits",
            SHOWN_MAX, text, max_count);
        return false;
    }
    request->waiter.count = count;
    return true;
}

/* Choose the format. False when the request has been refused, with *ret_result to return. */
static bool choose_format(struct http_request *request, enum MHD_Result *ret_result)
{
    request->format = http_accept_choose(&request->fields.accept);
    if (request->format == HTTP_FORMAT_NONE) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_NOT_ACCEPTABLE,
                                         "numbers come as text/plain or application/json; the "
                                         "Accept header wants neither");
        return false;
    }
    return true;
}

/* ---- the answer ---- */

static enum MHD_Result reply_json(struct http_request *request, const struct block *block)
{
    struct http_json json;
    char body[BLOCK_JSON_SIZE];

    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "sequence", sequence_name(request->sequence));
    http_json_int64(&json, "first", block->first);
    http_json_int64(&json, "last", block->last);
    http_json_small(&json, "count", block->count);
    http_json_int64(&json, "increment", block->increment);
    return http_reply_block(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}

static enum MHD_Result reply_block(struct http_request *request, const struct block *block)
{
    char body[HTTP_BLOCK_SMALL_SIZE];

    if (request->format == HTTP_FORMAT_JSON) {
        return reply_json(request, block);
    }
    if (block->count > HTTP_BLOCK_SMALL) {
        return http_reply_stream(request, block);
    }
    return http_reply_block(request, HTTP_TYPE_TEXT, body, http_block_write(body, block));
}

/* Is it the clock, which stands before the epoch? Then `detail` says so. */
static bool clock_refuses(struct sequence *sequence, struct error_detail *detail)
{
    struct sequence_status status;
    sequence_describe(sequence, &status);
    return status.times.before_epoch &&
           layout_check_clock(&status.definition.layout, status.times.clock_ms, detail) ==
               ERR_INVALID;
}

static enum MHD_Result reply_unavailable(struct http_request *request)
{
    struct error_detail detail;
    const char *name = sequence_name(request->sequence);

    if (http_service_draining(request->service)) {
        return http_reply_problem(request, HTTP_PROBLEM_STOPPING,
                                  "the service is stopping; '%s' gives no more numbers", name);
    }
    if (clock_refuses(request->sequence, &detail)) {
        return http_reply_problem(request, HTTP_PROBLEM_NO_LEASE, "'%s': %s", name, detail.text);
    }
    return http_reply_problem(request, HTTP_PROBLEM_NO_LEASE,
                              "no numbers of '%s' could be leased within %" PRIu64
                              " ms; none were taken",
                              name, http_service_wait_timeout_ms(request->service));
}

/* Answer with what came of a take or a wait. */
static enum MHD_Result reply_outcome(struct http_request *request, enum error error)
{
    switch (error) {
    case ERR_OK:
        return reply_block(request, &request->waiter.block);
    case ERR_EXHAUSTED:
        return http_reply_problem(request, HTTP_PROBLEM_EXHAUSTED,
                                  "%" PRIu64 " numbers were asked for, '%s' has %" PRIu64 " left",
                                  request->waiter.count, sequence_name(request->sequence),
                                  sequence_left(request->sequence));
    case ERR_NOT_FOUND:
        return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE,
                                  "there is no sequence '%s'", sequence_name(request->sequence));
    case ERR_PENDING:
    case ERR_INVALID:
    case ERR_CONFLICT:
    case ERR_UNAVAILABLE:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_FENCED:
    case ERR_NO_MEMORY:
        break;
    }
    return reply_unavailable(request);
}

/* ---- waiting ---- */

static struct http_request *request_of(struct waiter *waiter)
{
    return (struct http_request *)((char *)waiter - offsetof(struct http_request, waiter));
}

/* Is the client still there? One that has closed, or shut down its sending side, is not. */
static bool client_is_there(struct waiter *waiter)
{
    struct pollfd socket = {.fd = request_of(waiter)->timed.fd, .events = POLLRDHUP};

    return poll(&socket, 1, 0) == 0;
}

/* The wait is over. From the resumption on, the request belongs to its connection's thread. */
static void end_wait(struct waiter *waiter)
{
    struct http_request *request = request_of(waiter);
    struct http_service *service = request->service;

    MHD_resume_connection(request->connection);
    http_service_wait_ended(service);
}

/* Suspended first, then made known: `end_wait` may be called before sequence_wait() returns. */
static void wait_for_lease(struct http_request *request)
{
    struct waiter *waiter = &request->waiter;
    uint64_t timeout_ms = http_service_wait_timeout_ms(request->service);

    waiter->deadline = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    waiter->wanted = client_is_there;
    waiter->done = end_wait;
    request->step = HTTP_STEP_LEASE;
    http_timed_wait(&request->timed);
    http_service_wait_begins(request->service);
    MHD_suspend_connection(request->connection);
    enum error error = sequence_wait(request->sequence, waiter);
    if (error != ERR_PENDING) {
        waiter->error = error;
        end_wait(waiter);
    }
}

enum MHD_Result http_next_go_on(struct http_request *request)
{
    http_timed_go_on(&request->timed);
    return reply_outcome(request, request->waiter.error);
}

/* A request that comes over a connection that was kept open, when nothing is issued any more: the
 * connection is closed as if it had been before. Clients ask again then, over a new one, where the
 * next life answers; a 503 they would have to take for an answer. (RFC 9112, 9.3.1) */
static bool is_better_asked_again(const struct http_request *request)
{
    return request->answered && request->method == HTTP_GET &&
           http_service_draining(request->service);
}

enum MHD_Result http_next(struct http_request *request)
{
    enum MHD_Result result = MHD_NO;

    if (!find_sequence(request, &result) || !read_count(request, &result) ||
        !choose_format(request, &result)) {
        return result;
    }
    if (request->fields.prefetch) {
        return http_reply_problem(request, HTTP_PROBLEM_PREFETCH,
                                  "a prefetch takes no numbers; ask when they are needed");
    }
    if (request->method == HTTP_HEAD) {
        return http_reply_head(request, request->format == HTTP_FORMAT_JSON ? HTTP_TYPE_JSON
                                                                            : HTTP_TYPE_TEXT);
    }
    enum error error =
        sequence_take(request->sequence, request->waiter.count, &request->waiter.block);
    while (error == ERR_NOT_FOUND) { /* retired since it was found; another may be in its place */
        if (!find_sequence(request, &result)) {
            return result;
        }
        error = sequence_take(request->sequence, request->waiter.count, &request->waiter.block);
    }
    while (error == ERR_NOT_FOUND && find_again(request)) {
        error = sequence_take(request->sequence, request->waiter.count, &request->waiter.block);
    }
    if (error == ERR_PENDING) {
        wait_for_lease(request);
        return MHD_YES;
    }
    if (error == ERR_UNAVAILABLE && is_better_asked_again(request)) {
        return MHD_NO;
    }
    return reply_outcome(request, error);
}
