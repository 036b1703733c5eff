#include "grpc_admin.h"

#include "grpc_change.h"
#include "grpc_counters.h"
#include "grpc_reply.h"
#include "grpc_show.h"

#include <seqd/v1/seqd.pb-c.h>

/* ---- the answer ---- */

/* End the call with what core said no with. */
static void refuse(struct grpc_call *call, const struct admin_request *admin)
{
    const char *text = admin->detail.text;

    switch (admin->error) {
    case ERR_INVALID:
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "%s", text);
        return;
    case ERR_NOT_FOUND:
        grpc_reply_end(call, GRPC_NOT_FOUND, "there is no sequence '%s'", admin->name);
        return;
    case ERR_CONFLICT:
        grpc_reply_end(
            call, admin->action == ADMIN_CREATE ? GRPC_ALREADY_EXISTS : GRPC_FAILED_PRECONDITION,
            "%s", text);
        return;
    case ERR_EXHAUSTED:
        grpc_reply_end(call, GRPC_OUT_OF_RANGE, "%s", text);
        return;
    case ERR_OK:
    case ERR_PENDING:
    case ERR_UNAVAILABLE:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_FENCED:
    case ERR_NO_MEMORY:
        break;
    }
    grpc_reply_end(call, GRPC_UNAVAILABLE, "the change cannot be made durable now: %s", text);
}

/* The sequence as a change has left it. False when the call has been ended, for it was refused. */
static bool show_changed(struct grpc_call *call, const struct admin_request *admin,
                         struct grpc_shown *ret_shown)
{
    if (admin->error != ERR_OK) {
        refuse(call, admin);
        return false;
    }
    grpc_show(ret_shown, admin->name, &admin->status);
    return true;
}

/* Hand it to core, or end the call when that cannot be. */
static void submit(struct grpc_call *call, struct grpc_change *change)
{
    if (change == NULL) {
        grpc_reply_end(call, GRPC_UNAVAILABLE, "memory is out; nothing was changed");
    } else {
        grpc_change_submit(change);
    }
}

static void object(struct grpc_call *call, const char *message)
{
    grpc_reply_end(call, GRPC_INTERNAL, "the message is no %s", message);
}

static void *unpack(struct grpc_call *call, const ProtobufCMessageDescriptor *descriptor,
                    const uint8_t *bytes, size_t length)
{
    void *message = grpc_arena_unpack(&call->connection->loop->arena, descriptor, bytes, length);

    if (message == NULL) {
        object(call, descriptor->short_name);
    }
    return message;
}

/* ---- Create ---- */

#define SAID(message, field, name) \
    ((message)->field##_is_case == SEQD__V1__DEFINITION__##name##_IS_##name)
#define TAKE(message, field, name, to) \
    do { \
        if (SAID(message, field, name)) { \
            (to) = (message)->field; \
        } \
    } while (0)

/* A number of bits, which has to fit before it is looked at. */
#define TAKE_BITS(message, field, name, to) \
    do { \
        if (SAID(message, field, name)) { \
            (to) = (message)->field > UINT8_MAX ? UINT8_MAX : (uint8_t)(message)->field; \
        } \
    } while (0)

static bool is_foreign(const Seqd__V1__Definition *given, enum sequence_kind kind)
{
    bool counter = SAID(given, start, START) || SAID(given, increment, INCREMENT) ||
                   SAID(given, min, MIN) || SAID(given, max, MAX);
    bool timestamp = SAID(given, epoch_ms, EPOCH_MS) || SAID(given, unit_ms, UNIT_MS) ||
                     SAID(given, machine_bits, MACHINE_BITS) || SAID(given, node_bits, NODE_BITS) ||
                     SAID(given, counter_bits, COUNTER_BITS) ||
                     SAID(given, machine_id, MACHINE_ID) || SAID(given, node_id, NODE_ID) ||
                     SAID(given, max_borrow_ms, MAX_BORROW_MS);

    return kind == SEQUENCE_COUNTER ? timestamp : counter;
}

static void read_counter(const Seqd__V1__Definition *given, struct definition *to)
{
    TAKE(given, increment, INCREMENT, to->increment);
    TAKE(given, min, MIN, to->min);
    TAKE(given, max, MAX, to->max);
    to->start = to->increment > 0 ? to->min : to->max;
    TAKE(given, start, START, to->start);
}

static void read_timestamp(const Seqd__V1__Definition *given, struct definition *to)
{
    struct layout *layout = &to->layout;

    TAKE(given, epoch_ms, EPOCH_MS, layout->epoch_ms);
    TAKE(given, unit_ms, UNIT_MS, layout->unit_ms);
    TAKE_BITS(given, machine_bits, MACHINE_BITS, layout->machine_bits);
    TAKE_BITS(given, node_bits, NODE_BITS, layout->node_bits);
    TAKE_BITS(given, counter_bits, COUNTER_BITS, layout->counter_bits);
    TAKE(given, machine_id, MACHINE_ID, layout->machine_id);
    TAKE(given, node_id, NODE_ID, layout->node_id);
    TAKE(given, max_borrow_ms, MAX_BORROW_MS, layout->max_borrow_ms);
    if (layout_check(layout, NULL) == ERR_OK) {
        to->max_gap = definition_max_gap_default(to);
    }
}

/* False for a number that names no durability. */
static bool read_durability(Seqd__V1__Durability given, enum durability *to)
{
    if (given == SEQD__V1__DURABILITY__DURABILITY_LEASE) {
        *to = DURABILITY_LEASE;
    } else if (given == SEQD__V1__DURABILITY__DURABILITY_EVERY) {
        *to = DURABILITY_EVERY;
    } else {
        return given == SEQD__V1__DURABILITY__DURABILITY_UNSPECIFIED;
    }
    return true;
}

/* False when the call has been ended. */
static bool read_definition(struct grpc_call *call, const Seqd__V1__Definition *given,
                            struct definition *ret_definition)
{
    struct error_detail detail;
    bool timestamp = given->kind == SEQD__V1__KIND__KIND_TIMESTAMP;
    struct definition definition =
        timestamp ? definition_default_timestamp() : definition_default();

    if (given->kind < 0 || given->kind > SEQD__V1__KIND__KIND_TIMESTAMP) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "kind is %d, which is none", (int)given->kind);
        return false;
    }
    if (is_foreign(given, definition.kind)) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT,
                       "the definition has fields of the other kind; this is a '%s'",
                       sequence_kind_name(definition.kind));
        return false;
    }
    if (timestamp) {
        read_timestamp(given, &definition);
    } else {
        read_counter(given, &definition);
    }
    TAKE(given, max_gap, MAX_GAP, definition.max_gap);
    TAKE(given, lease, LEASE, definition.lease);
    if (!read_durability(given->durability, &definition.durability)) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "durability is %d, which is none",
                       (int)given->durability);
        return false;
    }
    if (definition_check(&definition, &detail) != ERR_OK) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "%s", detail.text);
        return false;
    }
    *ret_definition = definition;
    return true;
}

static void answer_create(struct grpc_call *call, const struct admin_request *admin)
{
    Seqd__V1__CreateResponse answer = SEQD__V1__CREATE_RESPONSE__INIT;
    struct grpc_shown shown;

    if (!show_changed(call, admin, &shown)) {
        return;
    }
    answer.created = admin->created;
    answer.sequence = &shown.sequence;
    grpc_reply_only(call, &answer.base);
}

static void create_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    static const Seqd__V1__Definition nothing = SEQD__V1__DEFINITION__INIT;
    const Seqd__V1__CreateRequest *request =
        unpack(call, &seqd__v1__create_request__descriptor, bytes, length);
    const char *name =
        request != NULL ? grpc_show_name(call, request->sequence, ACCESS_ADMIN) : NULL;
    struct definition definition;

    if (name == NULL ||
        !read_definition(call, request->definition != NULL ? request->definition : &nothing,
                         &definition)) {
        return;
    }
    struct grpc_change *change = grpc_change_new(call, ADMIN_CREATE, name, answer_create);
    if (change != NULL) {
        change->admin.definition = definition;
    }
    submit(call, change);
}

const struct grpc_method grpc_create_method = {
    .path = "/seqd.v1.SequenceService/Create",
    .index = GRPC_METHOD_CREATE,
    .message = create_message,
};

/* ---- Alter ---- */

static void answer_alter(struct grpc_call *call, const struct admin_request *admin)
{
    Seqd__V1__AlterResponse answer = SEQD__V1__ALTER_RESPONSE__INIT;
    struct grpc_shown shown;

    if (!show_changed(call, admin, &shown)) {
        return;
    }
    answer.sequence = &shown.sequence;
    grpc_reply_only(call, &answer.base);
}

/* Which fields are to be altered. False for a durability that is none. */
static bool read_fields(const Seqd__V1__AlterRequest *request, struct definition *to,
                        unsigned *ret_fields)
{
    unsigned fields = 0;

    if (request->max_gap_is_case == SEQD__V1__ALTER_REQUEST__MAX_GAP_IS_MAX_GAP) {
        to->max_gap = request->max_gap;
        fields |= ADMIN_FIELD_MAX_GAP;
    }
    if (request->lease_is_case == SEQD__V1__ALTER_REQUEST__LEASE_IS_LEASE) {
        to->lease = request->lease;
        fields |= ADMIN_FIELD_LEASE;
    }
    if (request->max_borrow_ms_is_case == SEQD__V1__ALTER_REQUEST__MAX_BORROW_MS_IS_MAX_BORROW_MS) {
        to->layout.max_borrow_ms = request->max_borrow_ms;
        fields |= ADMIN_FIELD_MAX_BORROW;
    }
    if (request->durability != SEQD__V1__DURABILITY__DURABILITY_UNSPECIFIED) {
        fields |= ADMIN_FIELD_DURABILITY;
    }
    *ret_fields = fields;
    return read_durability(request->durability, &to->durability);
}

static void alter_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__AlterRequest *request =
        unpack(call, &seqd__v1__alter_request__descriptor, bytes, length);
    const char *name =
        request != NULL ? grpc_show_name(call, request->sequence, ACCESS_ADMIN) : NULL;
    struct definition definition = {.kind = SEQUENCE_COUNTER};
    unsigned fields = 0;

    if (name == NULL) {
        return;
    }
    if (!read_fields(request, &definition, &fields) || fields == 0) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT,
                       "name at least one of max_gap, lease, durability (1 or 2) and "
                       "max_borrow_ms");
        return;
    }
    struct grpc_change *change = grpc_change_new(call, ADMIN_ALTER, name, answer_alter);
    if (change != NULL) {
        change->admin.definition = definition;
        change->admin.fields = fields;
    }
    submit(call, change);
}

const struct grpc_method grpc_alter_method = {
    .path = "/seqd.v1.SequenceService/Alter",
    .index = GRPC_METHOD_ALTER,
    .message = alter_message,
};

/* ---- Advance ---- */

static void answer_advance(struct grpc_call *call, const struct admin_request *admin)
{
    Seqd__V1__AdvanceResponse answer = SEQD__V1__ADVANCE_RESPONSE__INIT;
    struct grpc_shown shown;

    if (!show_changed(call, admin, &shown)) {
        return;
    }
    answer.sequence = &shown.sequence;
    answer.rewound = admin->rewound;
    answer.repeat_first = admin->rewound ? admin->repeat_first : 0;
    answer.repeat_last = admin->rewound ? admin->repeat_last : 0;
    grpc_reply_only(call, &answer.base);
}

static void advance_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__AdvanceRequest *request =
        unpack(call, &seqd__v1__advance_request__descriptor, bytes, length);
    const char *name =
        request != NULL ? grpc_show_name(call, request->sequence, ACCESS_ADMIN) : NULL;

    if (name == NULL) {
        return;
    }
    if (request->past_is_case != SEQD__V1__ADVANCE_REQUEST__PAST_IS_PAST) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT,
                       "past is missing: the number after which to go on");
        return;
    }
    struct grpc_change *change = grpc_change_new(call, ADMIN_ADVANCE, name, answer_advance);
    if (change != NULL) {
        change->admin.past = request->past;
        change->admin.force = request->force != 0;
    }
    submit(call, change);
}

const struct grpc_method grpc_advance_method = {
    .path = "/seqd.v1.SequenceService/Advance",
    .index = GRPC_METHOD_ADVANCE,
    .message = advance_message,
};

/* ---- Drop ---- */

static void answer_drop(struct grpc_call *call, const struct admin_request *admin)
{
    Seqd__V1__DropResponse answer = SEQD__V1__DROP_RESPONSE__INIT;

    if (admin->error != ERR_OK) {
        refuse(call, admin);
        return;
    }
    answer.has_floor = admin->has_floor;
    answer.floor_low = admin->has_floor ? admin->floor_low : 0;
    answer.floor_high = admin->has_floor ? admin->floor_high : 0;
    grpc_reply_only(call, &answer.base);
}

static void drop_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const Seqd__V1__DropRequest *request =
        unpack(call, &seqd__v1__drop_request__descriptor, bytes, length);
    const char *name =
        request != NULL ? grpc_show_name(call, request->sequence, ACCESS_ADMIN) : NULL;

    if (name != NULL) {
        submit(call, grpc_change_new(call, ADMIN_DROP, name, answer_drop));
    }
}

const struct grpc_method grpc_drop_method = {
    .path = "/seqd.v1.SequenceService/Drop",
    .index = GRPC_METHOD_DROP,
    .message = drop_message,
};
