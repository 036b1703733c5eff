#include "grpc_next.h"

#include "grpc_counters.h"
#include "grpc_reply.h"
#include "grpc_take.h"

#include <assert.h>
#include <seqd/v1/seqd.pb-c.h>

static void fill(Seqd__V1__NextResponse *answer, const struct block *block)
{
    answer->first = block->first;
    answer->last = block->last;
    answer->count = (int64_t)block->count;
    answer->increment = block->increment;
}

/* ---- Next ---- */

static void answer_next(struct grpc_call *call, enum grpc_taken taken, const struct block *block,
                        const struct grpc_refusal_text *refusal)
{
    Seqd__V1__NextResponse answer = SEQD__V1__NEXT_RESPONSE__INIT;

    switch (taken) {
    case GRPC_TAKEN:
        fill(&answer, block);
        grpc_reply_only(call, &answer.base);
        return;
    case GRPC_REFUSED:
        grpc_reply_end(call, refusal->code, "%s", refusal->text);
        return;
    case GRPC_WAITS:
        return;
    }
}

static void next_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    struct block block;
    struct grpc_refusal_text refusal;
    const Seqd__V1__NextRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__next_request__descriptor, bytes, length);

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no NextRequest");
        return;
    }
    const struct grpc_wish wish = {
        .sequence = request->sequence,
        .has_count = request->count_is_case == SEQD__V1__NEXT_REQUEST__COUNT_IS_COUNT,
        .count = request->count,
    };
    enum grpc_taken taken = grpc_take(call, &wish, &block, &refusal);
    answer_next(call, taken, &block, &refusal);
}

static void next_granted(struct grpc_call *call, struct grpc_ticket *ticket)
{
    struct block block;
    struct grpc_refusal_text refusal;
    enum grpc_taken taken = grpc_take_granted(call, ticket, &block, &refusal);

    answer_next(call, taken, &block, &refusal);
}

const struct grpc_method grpc_next_method = {
    .path = "/seqd.v1.SequenceService/Next",
    .index = GRPC_METHOD_NEXT,
    .message = next_message,
    .granted = next_granted,
};

/* ---- Stream ---- */

static void answer_stream(struct grpc_call *call, uint64_t tag, enum grpc_taken taken,
                          const struct block *block, struct grpc_refusal_text *refusal)
{
    Seqd__V1__StreamResponse answer = SEQD__V1__STREAM_RESPONSE__INIT;
    Seqd__V1__NextResponse numbers = SEQD__V1__NEXT_RESPONSE__INIT;
    Seqd__V1__StreamFailure failure = SEQD__V1__STREAM_FAILURE__INIT;

    answer.tag = tag;
    switch (taken) {
    case GRPC_TAKEN:
        fill(&numbers, block);
        answer.result_case = SEQD__V1__STREAM_RESPONSE__RESULT_BLOCK;
        answer.block = &numbers;
        break;
    case GRPC_REFUSED:
        failure.code = (int32_t)refusal->code;
        failure.message = refusal->text;
        failure.retry_after_ms = refusal->code == GRPC_UNAVAILABLE ? GRPC_RETRY_MS : 0;
        answer.result_case = SEQD__V1__STREAM_RESPONSE__RESULT_FAILURE;
        answer.failure = &failure;
        break;
    case GRPC_WAITS:
        return;
    }
    grpc_reply(call, &answer.base);
}

static void stream_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    struct block block;
    struct grpc_refusal_text refusal;
    const Seqd__V1__StreamRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__stream_request__descriptor, bytes, length);

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "a message is no StreamRequest");
        return;
    }
    const struct grpc_wish wish = {
        .sequence = request->sequence,
        .has_count = request->count_is_case == SEQD__V1__STREAM_REQUEST__COUNT_IS_COUNT,
        .count = request->count,
        .tag = request->tag,
    };
    enum grpc_taken taken = grpc_take(call, &wish, &block, &refusal);
    answer_stream(call, wish.tag, taken, &block, &refusal);
}

static void stream_granted(struct grpc_call *call, struct grpc_ticket *ticket)
{
    struct block block;
    struct grpc_refusal_text refusal;
    enum grpc_taken taken = grpc_take_granted(call, ticket, &block, &refusal);

    answer_stream(call, ticket->tag, taken, &block, &refusal);
}

/* What was read is answered before the end. */
static void stream_leave(struct grpc_call *call)
{
    call->leaving = true;
    grpc_call_resume(call);
}

const struct grpc_method grpc_stream_method = {
    .path = "/seqd.v1.SequenceService/Stream",
    .index = GRPC_METHOD_STREAM,
    .streams = true,
    .message = stream_message,
    .granted = stream_granted,
    .leave = stream_leave,
};
