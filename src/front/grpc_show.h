/* grpc_show: SequenceService.Get and SequenceService.List, and a sequence as a message.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_SHOW_H
#define SEQD_FRONT_GRPC_SHOW_H

#include "core/sequence.h"
#include "grpc_call.h"

#include <seqd/v1/seqd.pb-c.h>

extern const struct grpc_method grpc_get_method;
extern const struct grpc_method grpc_list_method;

/* A sequence as a message, with what it points to. */
struct grpc_shown {
    Seqd__V1__Sequence sequence;
    Seqd__V1__Definition definition;
};

/* `name` is borrowed for the message's life. */
void grpc_show(struct grpc_shown *shown, const char *name, const struct sequence_status *status);

/* The sequence that a request names, which is `default` where it names none, for who may read it.
 * NULL when the call was ended because of it. */
struct sequence *grpc_show_find(struct grpc_call *call, const char *name);

/* The name in a request, which is `default` where it is empty; NULL when the call was ended because
 * of it, or because the client may not do what `scope` says there. */
const char *grpc_show_name(struct grpc_call *call, const char *name, enum access_scope scope);

#endif
