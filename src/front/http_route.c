#include "http_route.h"

#include "front/access.h"
#include "front/http.h"
#include "http_access.h"
#include "http_admin.h"
#include "http_assets.h"
#include "http_decode.h"
#include "http_ledger.h"
#include "http_list.h"
#include "http_metrics.h"
#include "http_next.h"
#include "http_reply.h"
#include "http_show.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ALLOW_SIZE 64   /* bytes of an Allow header's value */
#define RECORD_BYTES 80 /* what libmicrohttpd takes of the buffer for each header or parameter */
#define SHOWN_MAX 64    /* bytes of what a client sent that are repeated to it */
#define ACTIONS_MAX 4   /* of one path */

/* What some methods do on a path. */
struct action {
    unsigned
        methods; /* of enum http_method; HEAD comes with GET, OPTIONS with all; 0 ends a list */
    enum access_scope scope;
    bool takes_body;
    const char *parameters[HTTP_PARAMETERS_MAX]; /* that the query may have; NULL ends them */
    enum MHD_Result (*answer)(struct http_request *request);
};

struct route {
    const char *pattern; /* {…} stands for everything up to the next '/'; two of them at most */
    struct action actions[ACTIONS_MAX + 1];
};

/* clang-format off */
/* What is asked for most comes first. */
static const struct route routes[] = {
    {"/", {{HTTP_GET | HTTP_POST, ACCESS_ISSUE, false, {"count"}, http_next}}},
    {"/v1/sequences/{name}/next", {
        {HTTP_GET | HTTP_POST, ACCESS_ISSUE, false, {"count"}, http_next}}},
    {"/v1/sequences/{name}", {
        {HTTP_GET, ACCESS_READ, false, {NULL}, http_show_sequence},
        {HTTP_PUT, ACCESS_ADMIN, true, {NULL}, http_admin_create},
        {HTTP_PATCH, ACCESS_ADMIN, true, {NULL}, http_admin_alter},
        {HTTP_DELETE, ACCESS_ADMIN, false, {NULL}, http_admin_drop}}},
    {"/v1/sequences/{name}/advance", {
        {HTTP_POST, ACCESS_ADMIN, true, {NULL}, http_admin_advance}}},
    {"/v1/sequences/{name}/decode/{number}", {
        {HTTP_GET, ACCESS_READ, false, {NULL}, http_decode}}},
    {"/v1/sequences/{name}/range", {
        {HTTP_GET, ACCESS_READ, false, {"from", "to"}, http_decode_range}}},
    {"/v1/sequences", {{HTTP_GET, ACCESS_READ, false, {"prefix", "limit", "after"}, http_list}}},
    {"/v1/ledger", {
        {HTTP_GET, ACCESS_READ, false, {"sequence", "number", "after", "limit"}, http_ledger}}},
    {"/v1/backup", {{HTTP_GET, ACCESS_ADMIN, false, {NULL}, http_admin_backup}}},
    {"/healthz", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_show_health}}},
    {"/readyz", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_show_readiness}}},
    {"/metrics", {{HTTP_GET, ACCESS_READ, false, {NULL}, http_metrics}}},
    {"/openapi.yaml", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"/openapi.json", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"/docs", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets_move}}},
    {"/docs/", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"/docs/start.js", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"/docs/swagger-ui-bundle.js", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"/docs/swagger-ui.css", {{HTTP_GET, ACCESS_PUBLIC, false, {NULL}, http_assets}}},
    {"*", {{0}}}, /* "OPTIONS *" asks what the server can do at all */
};
/* clang-format on */

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    {"GET", HTTP_GET},     {"HEAD", HTTP_HEAD},     {"POST", HTTP_POST},       {"PUT", HTTP_PUT},
    {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS},
};

static enum http_method method_of(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(name, methods[i].name) == 0) {
            return methods[i].method;
        }
    }
    return HTTP_OTHER;
}

/* ---- the path ---- */

/* Does `path` match? Fills the request's name and item where the pattern has such places. */
static bool matches(const char *pattern, const char *path, struct http_request *request)
{
    const char *found[2] = {NULL, NULL};
    size_t length[2] = {0, 0};
    unsigned places = 0;

    for (;;) {
        size_t literal = strcspn(pattern, "{");
        if (pattern[literal] == '\0') {
            break;
        }
        if (strncmp(pattern, path, literal) != 0) {
            return false;
        }
        assert(places < 2);
        found[places] = path + literal;
        length[places] = strcspn(found[places], "/");
        path = found[places] + length[places];
        pattern = strchr(pattern, '}') + 1;
        places++;
    }
    if (strcmp(pattern, path) != 0) {
        return false;
    }
    request->name = found[0];
    request->name_length = length[0];
    request->item = found[1];
    request->item_length = length[1];
    return true;
}

static const struct route *find_route(struct http_request *request, const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (matches(routes[i].pattern, path, request)) {
            return &routes[i];
        }
    }
    return NULL;
}

/* ---- the method ---- */

/* What `method` does on `route`, or NULL. */
static const struct action *find_action(const struct route *route, enum http_method method)
{
    unsigned wanted = method == HTTP_HEAD ? HTTP_GET : method;

    for (const struct action *action = route->actions; action->methods != 0; action++) {
        if ((action->methods & wanted) != 0) {
            return action;
        }
    }
    return NULL;
}

static void write_allow(char allow[ALLOW_SIZE], const struct route *route)
{
    unsigned allowed = HTTP_OPTIONS;
    size_t length = 0;

    for (const struct action *action = route->actions; action->methods != 0; action++) {
        allowed |= action->methods | ((action->methods & HTTP_GET) != 0 ? HTTP_HEAD : 0);
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if ((allowed & methods[i].method) != 0) {
            length += (size_t)snprintf(allow + length, ALLOW_SIZE - length, "%s%s",
                                       length > 0 ? ", " : "", methods[i].name);
        }
    }
    assert(length < ALLOW_SIZE);
}

bool http_route_takes_body(struct http_request *request, const char *path, const char *method)
{
    const struct route *route = find_route(request, path);
    const struct action *action = route != NULL ? find_action(route, method_of(method)) : NULL;

    /* A stranger's body is not kept: there is room for so many at a time. */
    return action != NULL && action->takes_body && http_access_covers(request, action->scope);
}

/* ---- the rest of the request ---- */

/* The limits of what is read before the path counts. False when the request has been refused. */
static bool check_size(struct http_request *request, enum MHD_Result *ret_result)
{
    if (request->target_length > HTTP_URL_MAX) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_TARGET_TOO_LONG,
                                         "path and query have %zu bytes, the limit is %d",
                                         request->target_length, HTTP_URL_MAX);
        return false;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t used =
        (info != NULL ? info->header_size : 0) + (size_t)request->fields.entries * RECORD_BYTES;
    size_t limit = request->service->buffer_bytes - HTTP_ANSWER_BYTES;
    if (used > limit) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_HEADER_TOO_LARGE,
                                         "the request's head takes %zu bytes, %d of them for each "
                                         "header or parameter; the limit is %zu",
                                         used, RECORD_BYTES, limit);
        return false;
    }
    return true;
}

/* Which parameters `action` knows, in words: "; 'count' is", or "". */
static void write_known(char known[SHOWN_MAX * 2], const struct action *action)
{
    size_t length = 0;

    known[0] = '\0';
    for (size_t i = 0; action->parameters[i] != NULL; i++) {
        bool last = action->parameters[i + 1] == NULL;
        length += (size_t)snprintf(known + length, SHOWN_MAX * 2 - length, "%s'%s'",
                                   i == 0 ? "; " : (last ? " and " : ", "), action->parameters[i]);
    }
    if (length > 0) {
        length += (size_t)snprintf(known + length, SHOWN_MAX * 2 - length, "%s",
                                   action->parameters[1] != NULL ? " are" : " is");
    }
    assert(length < SHOWN_MAX * 2);
}

static bool knows(const struct action *action, const char *name)
{
    for (size_t i = 0; action->parameters[i] != NULL; i++) {
        if (strcmp(action->parameters[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Each parameter is known, and there once. False when the request has been refused. */
static bool check_parameters(struct http_request *request, const struct action *action,
                             enum MHD_Result *ret_result)
{
    const struct http_fields *fields = &request->fields;
    char known[SHOWN_MAX * 2];

    for (unsigned i = 0; i < fields->parameter_count; i++) {
        const char *name = fields->parameters[i].name;
        if (!knows(action, name)) {
            write_known(known, action);
            *ret_result =
                http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_PARAMETER,
                                   "parameter '%.*s' is not known here%s", SHOWN_MAX, name, known);
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(fields->parameters[j].name, name) == 0) {
                *ret_result = http_reply_problem(
                    request,
                    strcmp(name, "count") == 0 ? HTTP_PROBLEM_BAD_COUNT
                                               : HTTP_PROBLEM_BAD_PARAMETER,
                    "parameter '%s' is given more than once; give it once", name);
                return false;
            }
        }
    }
    return true;
}

/* "application/json", perhaps with parameters behind it. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";

    return type != NULL && strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr("; \t", type[sizeof json - 1]) != NULL;
}

/* Where a body came, it is wanted and whole. False when the request has been refused. */
static bool check_body(struct http_request *request, const struct action *action,
                       enum MHD_Result *ret_result)
{
    const struct http_body *body = &request->body;

    if (body->length == 0) {
        return true;
    }
    if (!action->takes_body) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_BODY_REFUSED,
                                         "this takes no body; the limit is 0 bytes");
    } else if (body->length > HTTP_BODY_MAX) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_BODY_TOO_LARGE,
                                         "the body has %" PRIu64 " bytes, the limit is %d",
                                         body->length, HTTP_BODY_MAX);
    } else if (!is_json(request->fields.content_type)) {
        *ret_result =
            http_reply_problem(request, HTTP_PROBLEM_MEDIA_TYPE,
                               "the body is '%.*s', it must be application/json", SHOWN_MAX,
                               request->fields.content_type != NULL ? request->fields.content_type
                                                                    : "of no stated type");
    } else if (body->crowded) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_BUSY,
                                         "all bodies together may have %" PRIu64
                                         " bytes at a time, and so many are on their way",
                                         HTTP_BODIES_MAX);
    } else {
        return true;
    }
    return false;
}

static bool check_name(struct http_request *request, enum MHD_Result *ret_result)
{
    struct error_detail detail;

    if (request->name == NULL ||
        definition_check_name(request->name, request->name_length, &detail) == ERR_OK) {
        return true;
    }
    *ret_result = http_reply_problem(request, HTTP_PROBLEM_BAD_NAME, "%s", detail.text);
    return false;
}

/* OPTIONS takes what any method of the path takes: nothing comes of it. */
static enum MHD_Result answer_options(struct http_request *request, const struct route *route)
{
    char allow[ALLOW_SIZE];

    write_allow(allow, route);
    return http_reply_allowed(request, allow);
}

enum MHD_Result http_route(struct http_request *request, const char *path, const char *method)
{
    enum MHD_Result result = MHD_NO;
    char allow[ALLOW_SIZE];

    request->path = path;
    if (!check_size(request, &result)) {
        return result;
    }
    const struct route *route = find_route(request, path);
    if (route == NULL) {
        return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_PATH, "there is no path '%.*s'",
                                  SHOWN_MAX, path);
    }
    if (!check_name(request, &result)) {
        return result;
    }
    request->method = method_of(method);
    if (request->method == HTTP_OPTIONS) {
        return answer_options(request, route);
    }
    const struct action *action = find_action(route, request->method);
    if (action == NULL) {
        write_allow(allow, route);
        return http_reply_not_allowed(request, method, allow);
    }
    if (!http_access_allows(request, action->scope, &result)) {
        return result;
    }
    if (!check_parameters(request, action, &result) || !check_body(request, action, &result)) {
        return result;
    }
    return action->answer(request);
}
