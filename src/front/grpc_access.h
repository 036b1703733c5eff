/* grpc_access: may the client of a call do this? The rights are those of HTTP.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_ACCESS_H
#define SEQD_FRONT_GRPC_ACCESS_H

#include "front/access.h"
#include "grpc_call.h"
#include "grpc_status.h"

#include <stddef.h>

struct grpc_verdict {
    enum grpc_code code; /* GRPC_OK: it may */
    char text[192];      /* else what it takes */
};

/* `name`, of `length` bytes, is the sequence's; NULL when it is about no one sequence. */
struct grpc_verdict grpc_access(struct grpc_call *call, enum access_scope scope, const char *name,
                                size_t length);

#endif
