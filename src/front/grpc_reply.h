/* grpc_reply: what goes back to the client: messages, and the status that ends a call.
 *
 * The law: a call ends once, with one status. A status without a message before it goes out as one
 * block of headers ("trailers only"); what was answered before the end is sent before the status.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_REPLY_H
#define SEQD_FRONT_GRPC_REPLY_H

#include "grpc_call.h"
#include "grpc_status.h"

#include <protobuf-c/protobuf-c.h>

#define GRPC_RETRY_MS 1000 /* after UNAVAILABLE */
#define GRPC_RETRY_TEXT "1000"

/* Answer with `message`. Nothing happens after the call has ended. */
void grpc_reply(struct grpc_call *call, const ProtobufCMessage *message);

/* End the call. The text may say anything; bytes that cannot stand in a header are encoded. */
__attribute__((format(printf, 3, 4))) void
grpc_reply_end(struct grpc_call *call, enum grpc_code code, const char *format, ...);

/* End it well. */
void grpc_reply_ok(struct grpc_call *call);

/* Answer with `message` and end well: the whole of a call with one answer. */
void grpc_reply_only(struct grpc_call *call, const ProtobufCMessage *message);

/* Answer with an HTTP status, to what is no gRPC call. */
void grpc_reply_http(struct grpc_call *call, unsigned status);

#endif
