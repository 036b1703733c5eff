#include "http_route.h"

#include "front/access.h"
#include "front/http.h"
#include "http_access.h"
#include "http_assets.h"
#include "http_metrics.h"
#include "http_next.h"
#include "http_reply.h"
#include "http_show.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ALLOW_SIZE 64   /* bytes of an Allow header's value */
#define RECORD_BYTES 80 /* what libmicrohttpd takes of the buffer for each header or parameter */
#define SHOWN_MAX 64    /* bytes of what a client sent that are repeated to it */

struct route {
    const char *pattern; /* {name} stands for everything up to the next '/' */
    unsigned methods;    /* of enum http_method; HEAD comes with GET, OPTIONS with all */
    enum access_scope scope;
    bool counts; /* the parameter `count` is known here */
    enum MHD_Result (*answer)(struct http_request *request);
};

/* What is asked for most comes first. */
static const struct route routes[] = {
    {"/", HTTP_GET | HTTP_POST, ACCESS_ISSUE, true, http_next},
    {"/v1/sequences/{name}/next", HTTP_GET | HTTP_POST, ACCESS_ISSUE, true, http_next},
    {"/v1/sequences/{name}", HTTP_GET, ACCESS_READ, false, http_show_sequence},
    {"/healthz", HTTP_GET, ACCESS_PUBLIC, false, http_show_health},
    {"/readyz", HTTP_GET, ACCESS_PUBLIC, false, http_show_readiness},
    {"/metrics", HTTP_GET, ACCESS_READ, false, http_metrics},
    {"/openapi.yaml", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"/openapi.json", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"/docs", HTTP_GET, ACCESS_PUBLIC, false, http_assets_move},
    {"/docs/", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"/docs/start.js", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"/docs/swagger-ui-bundle.js", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"/docs/swagger-ui.css", HTTP_GET, ACCESS_PUBLIC, false, http_assets},
    {"*", HTTP_OTHER, ACCESS_PUBLIC, false,
     NULL}, /* "OPTIONS *" asks what the server can do at all */
};

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    {"GET", HTTP_GET},
    {"HEAD", HTTP_HEAD},
    {"POST", HTTP_POST},
    {"OPTIONS", HTTP_OPTIONS},
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

static unsigned methods_of(const struct route *route)
{
    return route->methods | HTTP_OPTIONS | ((route->methods & HTTP_GET) != 0 ? HTTP_HEAD : 0);
}

/* Does `path` match? Fills the request's name when the pattern has one. */
static bool matches(const char *pattern, const char *path, struct http_request *request)
{
    const char *brace = strchr(pattern, '{');

    if (brace == NULL) {
        return strcmp(pattern, path) == 0;
    }
    size_t before = (size_t)(brace - pattern);
    if (strncmp(pattern, path, before) != 0) {
        return false;
    }
    const char *name = path + before;
    size_t length = strcspn(name, "/");
    if (strcmp(name + length, strchr(brace, '}') + 1) != 0) {
        return false;
    }
    request->name = name;
    request->name_length = length;
    return true;
}

static const struct route *find_route(struct http_request *request, const char *path)
{
    request->name = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (matches(routes[i].pattern, path, request)) {
            return &routes[i];
        }
    }
    return NULL;
}

static void write_allow(char allow[ALLOW_SIZE], unsigned allowed)
{
    size_t length = 0;

    allow[0] = '\0';
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if ((allowed & methods[i].method) != 0) {
            length += (size_t)snprintf(allow + length, ALLOW_SIZE - length, "%s%s",
                                       length > 0 ? ", " : "", methods[i].name);
        }
    }
}

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

/* What the request says beyond its path. False when the request has been refused. */
static bool check_fields(struct http_request *request, const struct route *route,
                         enum MHD_Result *ret_result)
{
    const struct http_fields *fields = &request->fields;
    const char *unknown = fields->unknown;

    if (unknown == NULL && fields->counts > 0 && !route->counts) {
        unknown = "count";
    }
    if (unknown != NULL) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_PARAMETER,
                                         "parameter '%.*s' is not known here%s", SHOWN_MAX, unknown,
                                         route->counts ? "; 'count' is" : "");
        return false;
    }
    if (request->body_bytes > 0) {
        *ret_result = http_reply_problem(request, HTTP_PROBLEM_BODY_REFUSED,
                                         "nothing here takes a body; the limit is 0 bytes");
        return false;
    }
    return true;
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
    if ((methods_of(route) & request->method) == 0) {
        write_allow(allow, methods_of(route));
        return http_reply_not_allowed(request, method, allow);
    }
    /* Who asks what is allowed, as browsers do before they send a token, need not have one. */
    if (request->method != HTTP_OPTIONS && !http_access_allows(request, route->scope, &result)) {
        return result;
    }
    if (!check_fields(request, route, &result)) {
        return result;
    }
    if (request->method == HTTP_OPTIONS) {
        write_allow(allow, methods_of(route));
        return http_reply_allowed(request, allow);
    }
    return route->answer(request);
}
