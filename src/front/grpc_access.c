#include "grpc_access.h"

#include <stdio.h>

static struct grpc_verdict refuse(struct grpc_call *call, enum access_verdict why,
                                  enum access_scope scope)
{
    struct refusals *refusals = &call->connection->loop->service->refusals;
    const char *needed = access_scope_name(scope);
    int fd = call->connection->wire.fd;
    struct grpc_verdict verdict = {.code = GRPC_UNAUTHENTICATED};

    switch (why) {
    case ACCESS_NO_TOKEN:
        refusals_note(refusals, REFUSAL_NO_TOKEN, fd);
        snprintf(verdict.text, sizeof verdict.text,
                 "this takes a token with scope '%s', sent as 'authorization: Bearer TOKEN'",
                 needed);
        return verdict;
    case ACCESS_BAD_TOKEN:
        refusals_note(refusals, REFUSAL_BAD_TOKEN, fd);
        snprintf(verdict.text, sizeof verdict.text,
                 "the token is unknown, malformed or expired; this takes one with scope '%s', sent "
                 "once as 'authorization: Bearer TOKEN'",
                 needed);
        return verdict;
    case ACCESS_GRANTED:
    case ACCESS_FORBIDDEN:
        break;
    }
    refusals_note(refusals, REFUSAL_FORBIDDEN, fd);
    verdict.code = GRPC_PERMISSION_DENIED;
    snprintf(verdict.text, sizeof verdict.text,
             "the token does not cover this: it takes scope '%s', and a pattern that matches the "
             "sequence, or '*' where it is about all",
             needed);
    return verdict;
}

struct grpc_verdict grpc_access(struct grpc_call *call, enum access_scope scope, const char *name,
                                size_t length)
{
    struct grpc_connection *connection = call->connection;
    enum access_verdict verdict =
        access_check(connection->loop->service->access, &connection->client,
                     grpc_head_authorization(&call->head), scope, name, length);

    return verdict == ACCESS_GRANTED ? (struct grpc_verdict){.code = GRPC_OK}
                                     : refuse(call, verdict, scope);
}
