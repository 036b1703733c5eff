#include "http_outcome.h"

#include "http_json.h"
#include "http_ledger.h"
#include "http_reply.h"
#include "http_sequence.h"

#include <inttypes.h>
#include <stdio.h>

#define LOCATION_SIZE (sizeof "/v1/sequences/" + SEQUENCE_NAME_MAX)

/* The sequence, as it is now. */
static enum MHD_Result reply_sequence(struct http_request *request,
                                      const struct admin_request *admin)
{
    char body[HTTP_SEQUENCE_JSON_SIZE + 128]; /* may_repeat, too */
    char location[LOCATION_SIZE];
    struct http_json json;

    http_json_begin(&json, body, sizeof body);
    http_sequence_write(&json, admin->name, &admin->status);
    if (admin->rewound) {
        http_json_open(&json, "may_repeat");
        http_json_int64(&json, "first", admin->repeat_first);
        http_json_int64(&json, "last", admin->repeat_last);
        http_json_close(&json);
    }
    size_t length = http_json_end(&json);
    if (!admin->created) {
        return http_reply_page(request, HTTP_TYPE_JSON, body, length);
    }
    (void)snprintf(location, sizeof location, "/v1/sequences/%s", admin->name);
    return http_reply_created(request, location, body, length);
}

static enum MHD_Result reply_dropped(struct http_request *request,
                                     const struct admin_request *admin)
{
    char body[SEQUENCE_NAME_MAX + 128];
    struct http_json json;

    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "name", admin->name);
    if (admin->has_floor) {
        http_json_open(&json, "floor");
        http_json_int64(&json, "low", admin->floor_low);
        http_json_int64(&json, "high", admin->floor_high);
        http_json_close(&json);
    } else {
        http_json_plain(&json, "floor", "null");
    }
    return http_reply_page(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}

static enum MHD_Result reply_done(struct http_request *request, struct admin_request *admin)
{
    switch (admin->action) {
    case ADMIN_CREATE:
    case ADMIN_ALTER:
    case ADMIN_ADVANCE:
        return reply_sequence(request, admin);
    case ADMIN_DROP:
        return reply_dropped(request, admin);
    case ADMIN_BACKUP:
        return http_reply_page(request, HTTP_TYPE_TEXT, admin->text, admin->text_length);
    case ADMIN_LEDGER:
        return http_ledger_reply(request, admin);
    }
    return MHD_NO;
}

/* Both definitions, so that whoever reads it sees the difference. */
static void add_definitions(struct http_json *json, const void *context)
{
    const struct admin_request *admin = context;

    http_json_open(json, "existing");
    http_sequence_define(json, &admin->status.definition);
    http_json_close(json);
    http_json_open(json, "wanted");
    http_sequence_define(json, &admin->definition);
    http_json_close(json);
}

static enum MHD_Result reply_conflict(struct http_request *request,
                                      const struct admin_request *admin)
{
    if (admin->action == ADMIN_CREATE) {
        return http_reply_problem_with(request, HTTP_PROBLEM_CONFLICT, add_definitions, admin,
                                       admin->detail.text);
    }
    return http_reply_problem(request, HTTP_PROBLEM_WOULD_REWIND, "%s; 'force' permits it",
                              admin->detail.text);
}

static enum MHD_Result reply_not_found(struct http_request *request,
                                       const struct admin_request *admin)
{
    if (admin->action == ADMIN_LEDGER) {
        return http_reply_problem(request, HTTP_PROBLEM_NO_LEDGER, "%s", admin->detail.text);
    }
    return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE, "there is no sequence '%s'",
                              admin->name);
}

enum MHD_Result http_outcome_reply(struct http_request *request, struct admin_request *admin)
{
    switch (admin->error) {
    case ERR_OK:
        return reply_done(request, admin);
    case ERR_INVALID:
        return http_reply_problem(request, HTTP_PROBLEM_BAD_DEFINITION, "%s", admin->detail.text);
    case ERR_NOT_FOUND:
        return reply_not_found(request, admin);
    case ERR_CONFLICT:
        return reply_conflict(request, admin);
    case ERR_EXHAUSTED:
        return http_reply_problem(request, HTTP_PROBLEM_EXHAUSTED, "%s", admin->detail.text);
    case ERR_PENDING:
    case ERR_UNAVAILABLE:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_FENCED:
    case ERR_NO_MEMORY:
        break;
    }
    return http_reply_problem(request, HTTP_PROBLEM_NOT_WRITABLE, "%s", admin->detail.text);
}

enum MHD_Result http_outcome_unknown(struct http_request *request)
{
    if (http_service_draining(request->service)) {
        return http_reply_problem(request, HTTP_PROBLEM_STOPPING,
                                  "the service is stopping; whether the change of '%.*s' was made "
                                  "is not known, asking again finds out",
                                  (int)request->name_length, request->name);
    }
    if (request->name == NULL) {
        return http_reply_problem(request, HTTP_PROBLEM_NOT_WRITABLE,
                                  "the store has not answered within %" PRIu64
                                  " ms; there is no answer now, ask again",
                                  http_service_wait_timeout_ms(request->service));
    }
    return http_reply_problem(request, HTTP_PROBLEM_NOT_WRITABLE,
                              "the store has not answered within %" PRIu64
                              " ms; whether the change of '%.*s' is made is not known, asking "
                              "again finds out",
                              http_service_wait_timeout_ms(request->service),
                              (int)request->name_length, request->name);
}
