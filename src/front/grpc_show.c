#include "grpc_show.h"

#include "core/registry.h"
#include "grpc_access.h"
#include "grpc_counters.h"
#include "grpc_reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIST_DEFAULT 100

/* A field of a oneof that stands for an optional one: its case, and its value. */
#define SAY(message, field, name, said) \
    do { \
        (message)->field##_is_case = SEQD__V1__DEFINITION__##name##_IS_##name; \
        (message)->field = (said); \
    } while (0)

static void show_counter(Seqd__V1__Definition *message, const struct definition *definition)
{
    message->kind = SEQD__V1__KIND__KIND_COUNTER;
    SAY(message, start, START, definition->start);
    SAY(message, increment, INCREMENT, definition->increment);
    SAY(message, min, MIN, definition->min);
    SAY(message, max, MAX, definition->max);
}

static void show_timestamp(Seqd__V1__Definition *message, const struct layout *layout)
{
    message->kind = SEQD__V1__KIND__KIND_TIMESTAMP;
    SAY(message, epoch_ms, EPOCH_MS, layout->epoch_ms);
    SAY(message, unit_ms, UNIT_MS, layout->unit_ms);
    SAY(message, machine_bits, MACHINE_BITS, layout->machine_bits);
    SAY(message, node_bits, NODE_BITS, layout->node_bits);
    SAY(message, counter_bits, COUNTER_BITS, layout->counter_bits);
    SAY(message, machine_id, MACHINE_ID, layout->machine_id);
    SAY(message, node_id, NODE_ID, layout->node_id);
    SAY(message, max_borrow_ms, MAX_BORROW_MS, layout->max_borrow_ms);
}

static void show_definition(Seqd__V1__Definition *message, const struct definition *definition)
{
    seqd__v1__definition__init(message);
    switch (definition->kind) {
    case SEQUENCE_COUNTER:
        show_counter(message, definition);
        break;
    case SEQUENCE_TIMESTAMP:
        show_timestamp(message, &definition->layout);
        break;
    }
    SAY(message, max_gap, MAX_GAP, definition->max_gap);
    SAY(message, lease, LEASE, definition->lease);
    message->durability = definition->durability == DURABILITY_EVERY
                              ? SEQD__V1__DURABILITY__DURABILITY_EVERY
                              : SEQD__V1__DURABILITY__DURABILITY_LEASE;
}

void grpc_show(struct grpc_shown *shown, const char *name, const struct sequence_status *status)
{
    Seqd__V1__Sequence *message = &shown->sequence;

    show_definition(&shown->definition, &status->definition);
    seqd__v1__sequence__init(message);
    message->name = (char *)(uintptr_t)name;
    message->definition = &shown->definition;
    message->exhausted = status->exhausted;
    message->position = status->next;
    message->left = status->next < status->capacity ? status->capacity - status->next : 0;
    message->mark = status->mark;
    message->unissued = status->unissued;
    message->issued = status->issued;
    message->burnt = status->burnt;
    message->waiters = status->waiters;
    message->rate = status->rate;
}

static bool may(struct grpc_call *call, enum access_scope scope, const char *name)
{
    struct grpc_verdict verdict = grpc_access(call, scope, name, name != NULL ? strlen(name) : 0);

    if (verdict.code != GRPC_OK) {
        grpc_reply_end(call, verdict.code, "%s", verdict.text);
    }
    return verdict.code == GRPC_OK;
}

static bool is_text(struct grpc_call *call, const char *what, const char *text)
{
    if (!grpc_arena_text_is_whole(&call->connection->loop->arena, text)) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "%s holds a byte that no name has", what);
        return false;
    }
    if (strlen(text) > SEQUENCE_NAME_MAX) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "%s has %zu bytes, %d at most", what,
                       strlen(text), SEQUENCE_NAME_MAX);
        return false;
    }
    return true;
}

const char *grpc_show_name(struct grpc_call *call, const char *name, enum access_scope scope)
{
    if (!is_text(call, "sequence", name)) {
        return NULL;
    }
    if (name[0] == '\0') {
        name = call->connection->loop->service->default_name;
    }
    return may(call, scope, name) ? name : NULL;
}

struct sequence *grpc_show_find(struct grpc_call *call, const char *name)
{
    struct registry *registry = call->connection->loop->service->registry;

    name = grpc_show_name(call, name, ACCESS_READ);
    if (name == NULL) {
        return NULL;
    }
    struct sequence *sequence = registry_find(registry, name, strlen(name));
    if (sequence == NULL) {
        grpc_reply_end(call, GRPC_NOT_FOUND, "there is no sequence '%s'", name);
    }
    return sequence;
}

/* ---- Get ---- */

static void get_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__GetRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__get_request__descriptor, bytes, length);
    Seqd__V1__GetResponse answer = SEQD__V1__GET_RESPONSE__INIT;
    struct sequence_status status;
    struct grpc_shown shown;

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no GetRequest");
        return;
    }
    struct sequence *sequence = grpc_show_find(call, request->sequence);
    if (sequence == NULL) {
        return;
    }
    sequence_describe(sequence, &status);
    grpc_show(&shown, sequence_name(sequence), &status);
    answer.sequence = &shown.sequence;
    grpc_reply_only(call, &answer.base);
}

const struct grpc_method grpc_get_method = {
    .path = "/seqd.v1.SequenceService/Get",
    .index = GRPC_METHOD_GET,
    .message = get_message,
};

/* ---- List ---- */

struct page {
    struct grpc_shown *shown;
    Seqd__V1__Sequence **list;
    size_t count;
};

static void add_sequence(void *context, struct sequence *sequence)
{
    struct page *page = context;
    struct sequence_status status;

    sequence_describe(sequence, &status);
    grpc_show(&page->shown[page->count], sequence_name(sequence), &status);
    page->list[page->count] = &page->shown[page->count].sequence;
    page->count++;
}

static void reply_page(struct grpc_call *call, const Seqd__V1__ListRequest *request, size_t limit)
{
    struct page page = {.shown = calloc(limit, sizeof *page.shown),
                        .list = calloc(limit, sizeof *page.list)};
    Seqd__V1__ListResponse answer = SEQD__V1__LIST_RESPONSE__INIT;

    if (page.shown == NULL || page.list == NULL) {
        grpc_reply_end(call, GRPC_RESOURCE_EXHAUSTED, "memory is out");
    } else {
        bool more = registry_list(call->connection->loop->service->registry,
                                  request->prefix[0] != '\0' ? request->prefix : NULL,
                                  request->after[0] != '\0' ? request->after : NULL, limit,
                                  add_sequence, &page);
        answer.n_sequences = page.count;
        answer.sequences = page.list;
        if (more && page.count > 0) {
            answer.after = page.list[page.count - 1]->name;
        }
        grpc_reply_only(call, &answer.base);
    }
    free(page.shown);
    free(page.list);
}

static void list_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__ListRequest *request = grpc_arena_unpack(
        &call->connection->loop->arena, &seqd__v1__list_request__descriptor, bytes, length);

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no ListRequest");
        return;
    }
    bool limited = request->limit_is_case == SEQD__V1__LIST_REQUEST__LIMIT_IS_LIMIT;
    int32_t limit = limited ? request->limit : LIST_DEFAULT;
    if (!is_text(call, "prefix", request->prefix) || !is_text(call, "after", request->after) ||
        !may(call, ACCESS_READ, NULL)) {
        return;
    }
    if (limit < 1 || limit > REGISTRY_LIST_MAX) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "limit is %d; it must be from 1 to %d", limit,
                       REGISTRY_LIST_MAX);
        return;
    }
    reply_page(call, request, (size_t)limit);
}

const struct grpc_method grpc_list_method = {
    .path = "/seqd.v1.SequenceService/List",
    .index = GRPC_METHOD_LIST,
    .message = list_message,
};
