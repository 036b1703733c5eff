#include "http_admin.h"

#include "base/definition.h"
#include "core/admin.h"
#include "http_change.h"
#include "http_object.h"
#include "http_outcome.h"
#include "http_reply.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- what is asked ---- */

static const struct http_word kinds[] = {
    {"counter", SEQUENCE_COUNTER}, {"timestamp", SEQUENCE_TIMESTAMP}, {NULL, 0}};
static const struct http_word durabilities[] = {
    {"lease", DURABILITY_LEASE}, {"every", DURABILITY_EVERY}, {NULL, 0}};
static const struct http_word leases[] = {{"auto", SEQUENCE_LEASE_AUTO}, {NULL, 0}};
static const struct http_word units[] = {{"1ms", 1}, {"10ms", 10}, {"1s", 1000}, {NULL, 0}};

#define OF_DEFINITION(field) \
    .offset = offsetof(struct definition, field), .size = sizeof(((struct definition *)NULL)->field)

/* The places of the members in the table below. */
enum member {
    MEMBER_KIND,
    MEMBER_START,
    MEMBER_INCREMENT,
    MEMBER_MIN,
    MEMBER_MAX,
    MEMBER_MAX_GAP,
    MEMBER_LEASE,
    MEMBER_DURABILITY,
    MEMBER_EPOCH,
    MEMBER_TIME_UNIT,
    MEMBER_MACHINE_BITS,
    MEMBER_NODE_BITS,
    MEMBER_COUNTER_BITS,
    MEMBER_MACHINE_ID,
    MEMBER_NODE_ID,
    MEMBER_MAX_BORROW,
    MEMBERS,
};

#define BIT(member) (UINT32_C(1) << (member))
#define OF_COUNTER (BIT(MEMBER_START) | BIT(MEMBER_INCREMENT) | BIT(MEMBER_MIN) | BIT(MEMBER_MAX))
#define ALTERABLE \
    (BIT(MEMBER_MAX_GAP) | BIT(MEMBER_LEASE) | BIT(MEMBER_DURABILITY) | BIT(MEMBER_MAX_BORROW))
#define OF_TIMESTAMP \
    (BIT(MEMBER_EPOCH) | BIT(MEMBER_TIME_UNIT) | BIT(MEMBER_MACHINE_BITS) | \
     BIT(MEMBER_NODE_BITS) | BIT(MEMBER_COUNTER_BITS) | BIT(MEMBER_MACHINE_ID) | \
     BIT(MEMBER_NODE_ID) | BIT(MEMBER_MAX_BORROW))

static const struct http_member members[MEMBERS] = {
    [MEMBER_KIND] = {"kind", HTTP_MEMBER_WORD, OF_DEFINITION(kind), .words = kinds},
    [MEMBER_START] = {"start", HTTP_MEMBER_SIGNED, OF_DEFINITION(start)},
    [MEMBER_INCREMENT] = {"increment", HTTP_MEMBER_SIGNED, OF_DEFINITION(increment)},
    [MEMBER_MIN] = {"min", HTTP_MEMBER_SIGNED, OF_DEFINITION(min)},
    [MEMBER_MAX] = {"max", HTTP_MEMBER_SIGNED, OF_DEFINITION(max)},
    [MEMBER_MAX_GAP] = {"max_gap", HTTP_MEMBER_UNSIGNED, OF_DEFINITION(max_gap)},
    [MEMBER_LEASE] = {"lease", HTTP_MEMBER_UNSIGNED, OF_DEFINITION(lease), .min = 1,
                      .words = leases},
    [MEMBER_DURABILITY] = {"durability", HTTP_MEMBER_WORD, OF_DEFINITION(durability),
                           .words = durabilities},
    [MEMBER_EPOCH] = {"epoch", HTTP_MEMBER_TIME, OF_DEFINITION(layout.epoch_ms)},
    [MEMBER_TIME_UNIT] = {"time_unit", HTTP_MEMBER_WORD, OF_DEFINITION(layout.unit_ms),
                          .words = units},
    [MEMBER_MACHINE_BITS] = {"machine_bits", HTTP_MEMBER_UNSIGNED,
                             OF_DEFINITION(layout.machine_bits)},
    [MEMBER_NODE_BITS] = {"node_bits", HTTP_MEMBER_UNSIGNED, OF_DEFINITION(layout.node_bits)},
    [MEMBER_COUNTER_BITS] = {"counter_bits", HTTP_MEMBER_UNSIGNED,
                             OF_DEFINITION(layout.counter_bits)},
    [MEMBER_MACHINE_ID] = {"machine_id", HTTP_MEMBER_UNSIGNED, OF_DEFINITION(layout.machine_id)},
    [MEMBER_NODE_ID] = {"node_id", HTTP_MEMBER_UNSIGNED, OF_DEFINITION(layout.node_id)},
    [MEMBER_MAX_BORROW] = {"max_borrow_ms", HTTP_MEMBER_UNSIGNED,
                           OF_DEFINITION(layout.max_borrow_ms)},
};

/* Read the body. False when the request has been refused, with *ret_result to return. */
static bool read_body(struct http_request *request, const struct http_member *table, size_t count,
                      void *fields, uint32_t *ret_given, enum MHD_Result *ret_result)
{
    const struct http_body *body = &request->body;
    struct error_detail detail;

    enum error error = http_object_read(body->bytes, (size_t)body->length, table, count, fields,
                                        ret_given, &detail);
    if (error == ERR_OK) {
        return true;
    }
    *ret_result = error == ERR_INVALID
                      ? http_reply_problem(request, HTTP_PROBLEM_BAD_BODY, "%s", detail.text)
                      : MHD_NO; /* memory is out */
    return false;
}

static enum MHD_Result refuse_definition(struct http_request *request, const char *text)
{
    return http_reply_problem(request, HTTP_PROBLEM_BAD_DEFINITION, "%s", text);
}

/* The first member that is given. */
static const char *name_of(uint32_t given)
{
    size_t i = 0;
    while ((given & BIT(i)) == 0) {
        i++;
    }
    return members[i].name;
}

/* ---- asking for it ---- */

/* Hand the change to the core. */
static enum MHD_Result submit(struct http_request *request, struct http_change *change)
{
    if (http_service_draining(request->service) || !http_change_submit(change, request)) {
        http_change_free(change);
        return http_reply_problem(request, HTTP_PROBLEM_STOPPING,
                                  "the service is stopping; nothing is changed any more");
    }
    return MHD_YES;
}

/* What stands in the body, and the defaults for what does not, as in the configuration. False when
 * the request has been refused, with *ret_result to return. */
static bool read_definition(struct http_request *request, struct definition *ret_definition,
                            enum MHD_Result *ret_result)
{
    struct definition given_as = definition_default();
    struct error_detail detail;
    uint32_t given = 0;

    /* Once for the kind, which decides the defaults, and once more over them. */
    if (!read_body(request, members, MEMBERS, &given_as, &given, ret_result)) {
        return false;
    }
    bool counter = given_as.kind == SEQUENCE_COUNTER;
    uint32_t foreign = given & (counter ? OF_TIMESTAMP : OF_COUNTER);
    if (foreign != 0) {
        *ret_result = http_reply_problem(
            request, HTTP_PROBLEM_BAD_DEFINITION, "%s belongs to the kind '%s', and this is a '%s'",
            name_of(foreign), counter ? "timestamp" : "counter", sequence_kind_name(given_as.kind));
        return false;
    }
    *ret_definition = counter ? definition_default() : definition_default_timestamp();
    if (!read_body(request, members, MEMBERS, ret_definition, &given, ret_result)) {
        return false;
    }
    if (counter && (given & BIT(MEMBER_START)) == 0) {
        ret_definition->start =
            ret_definition->increment > 0 ? ret_definition->min : ret_definition->max;
    }
    if (!counter && (given & BIT(MEMBER_MAX_GAP)) == 0 &&
        layout_check(&ret_definition->layout, &detail) == ERR_OK) {
        ret_definition->max_gap = definition_max_gap_default(ret_definition);
    }
    if (definition_check(ret_definition, &detail) != ERR_OK) {
        *ret_result = refuse_definition(request, detail.text);
        return false;
    }
    return true;
}

enum MHD_Result http_admin_create(struct http_request *request)
{
    enum MHD_Result result = MHD_NO;
    struct definition definition;

    if (!read_definition(request, &definition, &result)) {
        return result;
    }
    struct http_change *change = http_change_new(request, ADMIN_CREATE);
    if (change == NULL) {
        return MHD_NO;
    }
    change->admin.definition = definition;
    return submit(request, change);
}

enum MHD_Result http_admin_alter(struct http_request *request)
{
    static const enum admin_field fields[MEMBERS] = {
        [MEMBER_MAX_GAP] = ADMIN_FIELD_MAX_GAP,
        [MEMBER_LEASE] = ADMIN_FIELD_LEASE,
        [MEMBER_DURABILITY] = ADMIN_FIELD_DURABILITY,
        [MEMBER_MAX_BORROW] = ADMIN_FIELD_MAX_BORROW,
    };
    enum MHD_Result result = MHD_NO;
    struct definition definition = {.kind = SEQUENCE_COUNTER};
    uint32_t given = 0;

    if (!read_body(request, members, MEMBERS, &definition, &given, &result)) {
        return result;
    }
    if ((given & ~ALTERABLE) != 0) {
        return http_reply_problem(request, HTTP_PROBLEM_BAD_DEFINITION,
                                  "%s is fixed once the sequence exists; max_gap, lease, "
                                  "durability and max_borrow_ms may be altered",
                                  name_of(given & ~ALTERABLE));
    }
    if (given == 0) {
        return refuse_definition(request, "nothing is to be altered; name at least one of max_gap, "
                                          "lease, durability and max_borrow_ms");
    }
    struct http_change *change = http_change_new(request, ADMIN_ALTER);
    if (change == NULL) {
        return MHD_NO;
    }
    change->admin.definition = definition;
    for (size_t i = 0; i < MEMBERS; i++) {
        change->admin.fields |= (given & BIT(i)) != 0 ? (unsigned)fields[i] : 0;
    }
    return submit(request, change);
}

/* The body of an advance. */
struct way {
    int64_t past;
    bool force;
};

enum MHD_Result http_admin_advance(struct http_request *request)
{
    static const struct http_member table[] = {
        {"past", HTTP_MEMBER_SIGNED, offsetof(struct way, past), sizeof(int64_t), 0, NULL},
        {"force", HTTP_MEMBER_FLAG, offsetof(struct way, force), sizeof(bool), 0, NULL},
    };
    enum MHD_Result result = MHD_NO;
    struct way way = {.past = 0};
    uint32_t given = 0;

    if (!read_body(request, table, sizeof table / sizeof table[0], &way, &given, &result)) {
        return result;
    }
    if ((given & 1) == 0) {
        return http_reply_problem(request, HTTP_PROBLEM_BAD_BODY,
                                  "past is missing: the number after which to go on");
    }
    struct http_change *change = http_change_new(request, ADMIN_ADVANCE);
    if (change == NULL) {
        return MHD_NO;
    }
    change->admin.past = way.past;
    change->admin.force = way.force;
    return submit(request, change);
}

enum MHD_Result http_admin_drop(struct http_request *request)
{
    struct http_change *change = http_change_new(request, ADMIN_DROP);

    return change != NULL ? submit(request, change) : MHD_NO;
}

enum MHD_Result http_admin_backup(struct http_request *request)
{
    if (request->method == HTTP_HEAD) {
        return http_reply_head(request, HTTP_TYPE_TEXT);
    }
    struct http_change *change = http_change_new(request, ADMIN_BACKUP);

    return change != NULL ? submit(request, change) : MHD_NO;
}

enum MHD_Result http_admin_go_on(struct http_request *request)
{
    struct http_change *change = request->change;

    http_timed_go_on(&request->timed);
    request->change = NULL;
    if (change == NULL) {
        return http_outcome_unknown(request);
    }
    enum MHD_Result result = http_outcome_reply(request, &change->admin);
    http_change_free(change);
    return result;
}
