#include "grpc_take.h"

#include "core/registry.h"
#include "core/sequence.h"
#include "grpc_access.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static enum grpc_taken
refuse(struct grpc_refusal_text *refusal, enum grpc_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(refusal->text, sizeof refusal->text, format, arguments); /* cut: still a text */
    va_end(arguments);
    refusal->code = code;
    return GRPC_REFUSED;
}

static enum grpc_taken refuse_unavailable(struct grpc_call *call, const char *name,
                                          struct grpc_refusal_text *refusal)
{
    struct grpc_service *service = call->connection->loop->service;

    if (grpc_call_is_late(call)) {
        return refuse(refusal, GRPC_DEADLINE_EXCEEDED, "the deadline has passed; none were taken");
    }
    if (grpc_service_phase(service) != GRPC_SERVES) {
        return refuse(refusal, GRPC_UNAVAILABLE,
                      "the service is stopping; '%s' gives no more numbers", name);
    }
    return refuse(refusal, GRPC_UNAVAILABLE,
                  "no numbers of '%s' could be leased within %" PRIu64 " ms; none were taken", name,
                  grpc_service_wait_ns(service) / CLOCK_NS_PER_MS);
}

/* What came of a take or a wait. */
static enum grpc_taken judge(struct grpc_call *call, struct sequence *sequence, uint64_t count,
                             enum error error, struct grpc_refusal_text *refusal)
{
    const char *name = sequence_name(sequence);

    switch (error) {
    case ERR_OK:
        return GRPC_TAKEN;
    case ERR_PENDING:
        return GRPC_WAITS;
    case ERR_EXHAUSTED:
        return refuse(refusal, GRPC_OUT_OF_RANGE,
                      "%" PRIu64 " numbers were asked for, '%s' has %" PRIu64 " left", count, name,
                      sequence_left(sequence));
    case ERR_NOT_FOUND:
        return refuse(refusal, GRPC_NOT_FOUND, "there is no sequence '%s' any more", name);
    case ERR_NO_MEMORY:
        return refuse(refusal, GRPC_UNAVAILABLE, "memory is out; none were taken");
    case ERR_INVALID:
    case ERR_CONFLICT:
    case ERR_UNAVAILABLE:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_FENCED:
        break;
    }
    return refuse_unavailable(call, name, refusal);
}

/* May this client draw from the sequence? False with the refusal. */
static bool may_issue(struct grpc_call *call, const char *name, size_t length,
                      struct grpc_refusal_text *refusal)
{
    struct grpc_verdict verdict = grpc_access(call, ACCESS_ISSUE, name, length);

    if (verdict.code != GRPC_OK) {
        (void)refuse(refusal, verdict.code, "%s", verdict.text);
    }
    return verdict.code == GRPC_OK;
}

/* The sequence that is wished, or NULL with the refusal. */
static struct sequence *find(struct grpc_call *call, const char *name,
                             struct grpc_refusal_text *refusal)
{
    struct grpc_loop *loop = call->connection->loop;
    struct grpc_service *service = loop->service;

    if (!grpc_arena_text_is_whole(&loop->arena, name)) {
        (void)refuse(refusal, GRPC_INVALID_ARGUMENT,
                     "sequence holds a byte that no name has; names match "
                     "[A-Za-z0-9][A-Za-z0-9._-]{0,%d}",
                     SEQUENCE_NAME_MAX - 1);
        return NULL;
    }
    size_t length = strlen(name);
    if (length == 0) {
        name = service->default_name;
        length = service->default_length;
    }
    if (length > SEQUENCE_NAME_MAX) {
        (void)refuse(refusal, GRPC_INVALID_ARGUMENT, "sequence has %zu bytes, %d at most", length,
                     SEQUENCE_NAME_MAX);
        return NULL;
    }
    if (!may_issue(call, name, length, refusal)) {
        return NULL;
    }
    struct sequence *sequence = registry_find(service->registry, name, length);
    if (sequence == NULL) {
        (void)refuse(refusal, GRPC_NOT_FOUND, "there is no sequence '%s'", name);
    }
    return sequence;
}

static enum grpc_taken refuse_count(struct grpc_refusal_text *refusal, int64_t count,
                                    uint64_t max_count)
{
    return refuse(refusal, GRPC_INVALID_ARGUMENT,
                  "count is %" PRId64 "; it must be from 1 to %" PRIu64, count, max_count);
}

enum grpc_taken grpc_take(struct grpc_call *call, const struct grpc_wish *wish,
                          struct block *ret_block, struct grpc_refusal_text *ret_refusal)
{
    struct grpc_service *service = call->connection->loop->service;
    uint64_t max_count = grpc_service_max_count(service);
    uint64_t count = wish->has_count ? (uint64_t)wish->count : 1;

    if (wish->has_count && (wish->count < 1 || count > max_count)) {
        return refuse_count(ret_refusal, wish->count, max_count);
    }
    struct sequence *sequence = find(call, wish->sequence, ret_refusal);
    if (sequence == NULL) {
        return GRPC_REFUSED;
    }
    if (count > sequence_block_max(sequence)) {
        return refuse_count(ret_refusal, wish->count, sequence_block_max(sequence));
    }
    if (grpc_call_is_late(call)) {
        return refuse_unavailable(call, sequence_name(sequence), ret_refusal);
    }
    enum error error = sequence_take(sequence, count, ret_block);
    if (error == ERR_PENDING) {
        error = grpc_call_wait(call, sequence, count, wish->tag, ret_block);
    }
    return judge(call, sequence, count, error, ret_refusal);
}

enum grpc_taken grpc_take_granted(struct grpc_call *call, const struct grpc_ticket *ticket,
                                  struct block *ret_block, struct grpc_refusal_text *ret_refusal)
{
    if (ticket->waiter.error == ERR_OK) {
        *ret_block = ticket->waiter.block;
    }
    return judge(call, ticket->sequence, ticket->waiter.count, ticket->waiter.error, ret_refusal);
}
