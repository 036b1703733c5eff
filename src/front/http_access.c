#include "http_access.h"

#include "http_reply.h"
#include "refusals.h"

#include <string.h>

static enum access_verdict check_name(struct http_request *request, enum access_scope scope,
                                      const char *name, size_t length)
{
    return access_check(request->service->access, &request->client, request->fields.authorization,
                        scope, name, length);
}

/* `GET /` names no sequence, and draws from one all the same. */
static enum access_verdict check_root(struct http_request *request, enum access_scope scope)
{
    char name[SEQUENCE_NAME_MAX + 1];
    struct sequence *root = http_service_root(request->service, name);
    const char *found = root != NULL ? sequence_name(root) : name;

    return check_name(request, scope, found, strlen(found));
}

static enum access_verdict check(struct http_request *request, enum access_scope scope)
{
    enum access_verdict verdict = check_name(request, scope, request->name, request->name_length);

    if (verdict == ACCESS_FORBIDDEN && scope == ACCESS_ISSUE && request->name == NULL) {
        verdict = check_root(request, scope);
    }
    return verdict;
}

bool http_access_covers(struct http_request *request, enum access_scope scope)
{
    return check(request, scope) == ACCESS_GRANTED;
}

static enum MHD_Result refuse(struct http_request *request, enum access_verdict verdict,
                              const char *needed)
{
    struct refusals *refusals = &request->service->refusals;

    switch (verdict) {
    case ACCESS_NO_TOKEN:
        refusals_note(refusals, REFUSAL_NO_TOKEN, request->timed.fd);
        return http_reply_problem(request, HTTP_PROBLEM_NO_TOKEN,
                                  "this takes a token with scope '%s', sent as 'Authorization: "
                                  "Bearer TOKEN'",
                                  needed);
    case ACCESS_BAD_TOKEN:
        refusals_note(refusals, REFUSAL_BAD_TOKEN, request->timed.fd);
        return http_reply_problem(request, HTTP_PROBLEM_BAD_TOKEN,
                                  "the token is unknown, malformed or expired; this takes one with "
                                  "scope '%s', sent once as 'Authorization: Bearer TOKEN'",
                                  needed);
    case ACCESS_GRANTED:
    case ACCESS_FORBIDDEN:
        break;
    }
    refusals_note(refusals, REFUSAL_FORBIDDEN, request->timed.fd);
    return http_reply_problem(request, HTTP_PROBLEM_FORBIDDEN,
                              "the token does not cover this: it takes scope '%s', and a pattern "
                              "that matches the sequence, or '*' where it is about all",
                              needed);
}

bool http_access_allows(struct http_request *request, enum access_scope scope,
                        enum MHD_Result *ret_result)
{
    enum access_verdict verdict = check(request, scope);

    if (verdict == ACCESS_GRANTED) {
        return true;
    }
    *ret_result = refuse(request, verdict, access_scope_name(scope));
    return false;
}
