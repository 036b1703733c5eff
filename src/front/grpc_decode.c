#include "grpc_decode.h"

#include "base/layout.h"
#include "core/sequence.h"
#include "grpc_counters.h"
#include "grpc_reply.h"
#include "grpc_show.h"

#include <inttypes.h>
#include <seqd/v1/seqd.pb-c.h>
#include <stdbool.h>

/* The layout of the timestamp sequence that is asked about. False when the call has been ended. */
static bool find_layout(struct grpc_call *call, const char *name, struct layout *ret_layout)
{
    struct sequence_status status;
    struct sequence *sequence = grpc_show_find(call, name);

    if (sequence == NULL) {
        return false;
    }
    sequence_describe(sequence, &status);
    if (status.definition.kind != SEQUENCE_TIMESTAMP) {
        grpc_reply_end(call, GRPC_FAILED_PRECONDITION,
                       "'%s' is of kind '%s'; only the numbers of a timestamp sequence hold a time",
                       sequence_name(sequence), sequence_kind_name(status.definition.kind));
        return false;
    }
    *ret_layout = status.definition.layout;
    return true;
}

/* ---- Decode ---- */

static void decode_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__DecodeRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__decode_request__descriptor, bytes, length);
    Seqd__V1__DecodeResponse answer = SEQD__V1__DECODE_RESPONSE__INIT;
    struct layout layout;

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no DecodeRequest");
        return;
    }
    if (!find_layout(call, request->sequence, &layout)) {
        return;
    }
    if (request->number_is_case != SEQD__V1__DECODE_REQUEST__NUMBER_IS_NUMBER) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "number is missing");
        return;
    }
    if (request->number < 0) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT,
                       "number is %" PRId64 "; it must be from 0 to %" PRId64, request->number,
                       INT64_MAX);
        return;
    }
    struct layout_parts parts = layout_decode(&layout, request->number);
    answer.time_ms = parts.time_ms;
    answer.machine = parts.machine;
    answer.node = parts.node;
    answer.counter = parts.counter;
    grpc_reply_only(call, &answer.base);
}

const struct grpc_method grpc_decode_method = {
    .path = "/seqd.v1.SequenceService/Decode",
    .index = GRPC_METHOD_DECODE,
    .message = decode_message,
};

/* ---- Range ---- */

static void range_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__RangeRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__range_request__descriptor, bytes, length);
    Seqd__V1__RangeResponse answer = SEQD__V1__RANGE_RESPONSE__INIT;
    struct layout layout;
    struct layout_range range;

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no RangeRequest");
        return;
    }
    if (!find_layout(call, request->sequence, &layout)) {
        return;
    }
    if (request->from_ms_is_case != SEQD__V1__RANGE_REQUEST__FROM_MS_IS_FROM_MS ||
        request->to_ms_is_case != SEQD__V1__RANGE_REQUEST__TO_MS_IS_TO_MS) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "from_ms and to_ms must both be there");
        return;
    }
    if (!layout_range(&layout, request->from_ms, request->to_ms, &range)) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT,
                       "no tick begins from from_ms on and before to_ms; from_ms must be the "
                       "earlier one, and ticks begin from %" PRId64 " to %" PRId64,
                       layout.epoch_ms, layout_end_ms(&layout));
        return;
    }
    answer.first = range.first;
    answer.last = range.last;
    grpc_reply_only(call, &answer.base);
}

const struct grpc_method grpc_range_method = {
    .path = "/seqd.v1.SequenceService/Range",
    .index = GRPC_METHOD_RANGE,
    .message = range_message,
};
