/* fuzz_json: any bytes as the body of an administrator's request.
 *
 * The first byte says which: c creates, a alters, f advances (forward). What the front makes of the
 * body is looked at where it would hand it to the core: http_change.c is replaced.
 *
 * The law: what is handed on is a checked definition, with exactly the members that the body has,
 * each with exactly the value that stands there; what could not be altered is refused. All else is
 * a 400 that says why, and nothing is handed on. */
#include "law.h"

#include "front.h"
#include "front/http_change.h"
#include "front/http_reply.h"

#include "base/rfc3339.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct http_change *handed; /* what the front handed on with the last request */

/* ---- in the place of http_change.c ---- */

struct http_change *http_change_new(struct http_request *request, enum admin_action action)
{
    struct http_change *change = calloc(1, sizeof *change);

    law_holds(change != NULL && request->name_length <= SEQUENCE_NAME_MAX);
    change->admin.action = action;
    memcpy(change->admin.name, request->name, request->name_length);
    return change;
}

void http_change_free(struct http_change *change)
{
    law_holds(change != handed);
    free(change);
}

bool http_change_submit(struct http_change *change, struct http_request *request)
{
    law_holds(handed == NULL);
    handed = change;
    return http_reply_allowed(request, "handed on") == MHD_YES;
}

/* ---- what the body says, read by jansson alone ---- */

enum kind {
    NUMBER,
    WORD,
    MOMENT,
    FLAG
};

/* `value` as an integer, from a number or a string; a word of a list gives its value. */
static int64_t number_of(const json_t *value)
{
    int64_t number = 0;
    uint64_t large = 0;

    if (json_is_integer(value)) {
        return json_integer_value(value);
    }
    law_holds(json_is_string(value));
    const char *text = json_string_value(value);
    if (text_parse_int64(text, &number) != ERR_OK) {
        law_holds(text_parse_uint64(text, UINT64_MAX, &large) == ERR_OK);
        return (int64_t)large;
    }
    return number;
}

static int64_t word_of(const json_t *value)
{
    static const struct {
        const char *word;
        int64_t value;
    } words[] = {{"counter", SEQUENCE_COUNTER},
                 {"timestamp", SEQUENCE_TIMESTAMP},
                 {"lease", DURABILITY_LEASE},
                 {"every", DURABILITY_EVERY},
                 {"1ms", 1},
                 {"10ms", 10},
                 {"1s", 1000}};
    const char *text = json_string_value(value);

    law_holds(text != NULL);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, text) == 0) {
            return words[i].value;
        }
    }
    law_broken(__FILE__, __LINE__, "a word is one of the list");
}

/* Is `value` what `member` of the definition says? False for a member that there is not. */
static bool says_the_same(const struct definition *d, const char *member, const json_t *value)
{
    const struct {
        const char *name;
        int64_t is;
        enum kind kind;
    } all[] = {
        {"kind", (int64_t)d->kind, WORD},
        {"start", d->start, NUMBER},
        {"increment", d->increment, NUMBER},
        {"min", d->min, NUMBER},
        {"max", d->max, NUMBER},
        {"max_gap", (int64_t)d->max_gap, NUMBER},
        {"lease", (int64_t)d->lease, NUMBER},
        {"durability", (int64_t)d->durability, WORD},
        {"epoch", d->layout.epoch_ms, MOMENT},
        {"time_unit", d->layout.unit_ms, WORD},
        {"machine_bits", d->layout.machine_bits, NUMBER},
        {"node_bits", d->layout.node_bits, NUMBER},
        {"counter_bits", d->layout.counter_bits, NUMBER},
        {"machine_id", d->layout.machine_id, NUMBER},
        {"node_id", d->layout.node_id, NUMBER},
        {"max_borrow_ms", d->layout.max_borrow_ms, NUMBER},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int64_t ms = 0;
        if (strcmp(all[i].name, member) != 0) {
            continue;
        }
        if (strcmp(member, "lease") == 0 && json_is_string(value) &&
            strcmp(json_string_value(value), "auto") == 0) {
            return d->lease == SEQUENCE_LEASE_AUTO;
        }
        if (all[i].kind == MOMENT) {
            return rfc3339_parse(json_string_value(value), &ms, NULL) == ERR_OK && ms == all[i].is;
        }
        return (all[i].kind == WORD ? word_of(value) : number_of(value)) == all[i].is;
    }
    return false;
}

static void check_definition(json_t *body, const struct definition *definition)
{
    const char *name = NULL;
    json_t *value = NULL;

    json_object_foreach(body, name, value)
    {
        law_holds(says_the_same(definition, name, value));
    }
}

static void check_altered(json_t *body, const struct admin_request *admin)
{
    static const struct {
        const char *name;
        unsigned field;
    } alterable[] = {{"max_gap", ADMIN_FIELD_MAX_GAP},
                     {"lease", ADMIN_FIELD_LEASE},
                     {"durability", ADMIN_FIELD_DURABILITY},
                     {"max_borrow_ms", ADMIN_FIELD_MAX_BORROW}};
    size_t found = 0;

    for (size_t i = 0; i < sizeof alterable / sizeof alterable[0]; i++) {
        bool there = json_object_get(body, alterable[i].name) != NULL;
        law_holds(there == ((admin->fields & alterable[i].field) != 0));
        found += there ? 1 : 0;
    }
    law_holds(found >= 1 && found == json_object_size(body));
}

static void check_handed(char which, json_t *body)
{
    const struct admin_request *admin = &handed->admin;

    law_holds(strcmp(admin->name, "f") == 0);
    if (which == 'f') {
        law_holds(admin->action == ADMIN_ADVANCE && json_object_size(body) <= 2);
        law_holds(admin->past == number_of(json_object_get(body, "past")));
        law_holds(admin->force == json_is_true(json_object_get(body, "force")));
        return;
    }
    check_definition(body, &admin->definition);
    if (which == 'a') {
        law_holds(admin->action == ADMIN_ALTER);
        check_altered(body, admin);
    } else {
        law_holds(admin->action == ADMIN_CREATE);
        law_holds(definition_check(&admin->definition, NULL) == ERR_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"PUT", "PATCH", "POST"};
    static const char *const paths[] = {"/v1/sequences/f", "/v1/sequences/f",
                                        "/v1/sequences/f/advance"};
    static const char letters[] = "caf";
    const char *which = size > 0 && data[0] != 0 ? strchr(letters, data[0]) : NULL;
    struct false_answer answer;

    if (which == NULL) {
        return 0;
    }
    char *body = law_text(data + 1, size - 1);
    struct false_request request = {
        .text = body,
        .method = methods[which - letters],
        .target = paths[which - letters],
        .path = paths[which - letters],
        .body = body,
        .body_length = size - 1,
        .entry_count = 1,
        .entries = {{MHD_HEADER_KIND, "Content-Type", "application/json"}},
    };
    front_ask(&request, ACCESS_PEER_UNIX, &answer);
    if (handed != NULL) {
        json_t *object = size > 1 ? json_loadb(body, size - 1, 0, NULL) : json_object();
        law_holds(json_is_object(object));
        check_handed(*which, object);
        json_decref(object);
        free(handed);
        handed = NULL;
    } else {
        law_holds(answer.status == 400 || answer.status == 413);
    }
    false_answer_free(&answer);
    free(body);
    return 0;
}
