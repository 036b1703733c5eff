/* grpc_take: numbers for one request, whichever method brought it.
 *
 * The law: what is refused takes no number, and the refusal names the limit; a call whose deadline
 * has passed takes none.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_TAKE_H
#define SEQD_FRONT_GRPC_TAKE_H

#include "base/definition.h"
#include "grpc_call.h"
#include "grpc_status.h"

#include <stdbool.h>
#include <stdint.h>

/* What a request asks for. */
struct grpc_wish {
    const char *sequence; /* a field of a message in the loop's arena; empty: the default one */
    bool has_count;
    int64_t count;
    uint64_t tag;
};

/* Why there are no numbers. */
struct grpc_refusal_text {
    enum grpc_code code;
    char text[384];
};

enum grpc_taken {
    GRPC_TAKEN,   /* the block is there */
    GRPC_WAITS,   /* the method's granted() will be called */
    GRPC_REFUSED, /* the reason is there */
};

enum grpc_taken grpc_take(struct grpc_call *call, const struct grpc_wish *wish,
                          struct block *ret_block, struct grpc_refusal_text *ret_refusal);

/* What came of a wait: GRPC_TAKEN or GRPC_REFUSED. */
enum grpc_taken grpc_take_granted(struct grpc_call *call, const struct grpc_ticket *ticket,
                                  struct block *ret_block, struct grpc_refusal_text *ret_refusal);

#endif
