/* The commands about one sequence. */

#include "base/text.h"
#include "commands.h"
#include "confirm.h"
#include "describe.h"
#include "value.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALL_MAX UINT32_MAX /* widths, ids, milliseconds */

static const char *const sequence_members[] = {"name", "issued", NULL};

/* ---- the definition, as the options say it ---- */

enum form {
    FORM_WORD,   /* the server knows the words */
    FORM_NUMBER, /* of 64 bits: a string in JSON */
    FORM_SMALL,  /* a number in JSON */
};

static const struct member {
    enum option_id id;
    const char *name;
    enum form form;
} members[] = {
    {OPTION_KIND, "kind", FORM_WORD},
    {OPTION_START, "start", FORM_NUMBER},
    {OPTION_INCREMENT, "increment", FORM_NUMBER},
    {OPTION_MIN, "min", FORM_NUMBER},
    {OPTION_MAX, "max", FORM_NUMBER},
    {OPTION_MAX_GAP, "max_gap", FORM_NUMBER},
    {OPTION_LEASE, "lease", FORM_WORD},
    {OPTION_DURABILITY, "durability", FORM_WORD},
    {OPTION_EPOCH, "epoch", FORM_WORD},
    {OPTION_TIME_UNIT, "time_unit", FORM_WORD},
    {OPTION_MACHINE_BITS, "machine_bits", FORM_SMALL},
    {OPTION_NODE_BITS, "node_bits", FORM_SMALL},
    {OPTION_COUNTER_BITS, "counter_bits", FORM_SMALL},
    {OPTION_MACHINE_ID, "machine_id", FORM_SMALL},
    {OPTION_NODE_ID, "node_id", FORM_SMALL},
    {OPTION_MAX_BORROW, "max_borrow_ms", FORM_SMALL},
};

static enum outcome add_member(const struct arguments *arguments, const struct member *member,
                               json_t *body)
{
    const char *text = arguments->values[member->id];
    int64_t number = 0;
    uint64_t small = 0;
    enum outcome outcome = OUTCOME_OK;
    json_t *value = NULL;
    switch (member->form) {
    case FORM_NUMBER:
        if (text_parse_int64(text, &number) != ERR_OK) {
            return outcome_fail(OUTCOME_USAGE,
                                "--%s is '%s', it must be a whole number within 64 bits",
                                arguments_option(member->id)->name, text);
        }
        value = json_string(text);
        break;
    case FORM_SMALL:
        outcome = arguments_number(arguments, member->id, 0, SMALL_MAX, 0, &small);
        if (outcome != OUTCOME_OK) {
            return outcome;
        }
        value = json_integer((json_int_t)small);
        break;
    case FORM_WORD:
        value = json_string(text);
        break;
    }
    if (json_object_set_new(body, member->name, value) != 0) {
        return outcome_fail(OUTCOME_USAGE, "--%s is no UTF-8, or memory is out",
                            arguments_option(member->id)->name);
    }
    return OUTCOME_OK;
}

/* The options as a JSON object, to be freed. OUTCOME_OK only with one. */
static enum outcome make_definition(const struct arguments *arguments, char **ret_body)
{
    json_t *body = json_object();
    enum outcome outcome = OUTCOME_OK;
    for (size_t i = 0; i < sizeof members / sizeof members[0] && outcome == OUTCOME_OK; i++) {
        if (arguments_has(arguments, members[i].id)) {
            outcome = add_member(arguments, &members[i], body);
        }
    }
    if (outcome == OUTCOME_OK) {
        *ret_body = json_dumps(body, JSON_COMPACT);
        if (*ret_body == NULL) {
            outcome = outcome_fail(OUTCOME_FAILED, "out of memory");
        }
    }
    json_decref(body);
    return outcome;
}

/* ---- show, create, alter ---- */

enum outcome show_run(const struct arguments *arguments)
{
    struct description description = {.method = "GET", .rest = "", .must = sequence_members};
    return describe(arguments, &description);
}

static void tell_created(const struct answer *answer, const json_t *sequence)
{
    const char *name = json_string_value(json_object_get(sequence, "name"));
    if (answer->status == 201) {
        fprintf(stderr, "'%s' is created.\n", name);
    } else {
        fprintf(stderr, "'%s' is there already, and as you want it.\n", name);
    }
}

static enum outcome send_definition(const struct arguments *arguments,
                                    struct description *description)
{
    char *body = NULL;
    enum outcome outcome = make_definition(arguments, &body);
    if (outcome == OUTCOME_OK) {
        description->body = body;
        outcome = describe(arguments, description);
    }
    free(body);
    return outcome;
}

enum outcome create_run(const struct arguments *arguments)
{
    struct description description = {
        .method = "PUT", .rest = "", .must = sequence_members, .tell = tell_created};
    return send_definition(arguments, &description);
}

enum outcome alter_run(const struct arguments *arguments)
{
    struct description description = {.method = "PATCH", .rest = "", .must = sequence_members};
    bool something = false;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        something = something || arguments_has(arguments, members[i].id);
    }
    if (!something) {
        return outcome_fail(OUTCOME_USAGE, "nothing is to be altered: give --max-gap, --lease, "
                                           "--durability or --max-borrow");
    }
    return send_definition(arguments, &description);
}

/* ---- advance ---- */

static void tell_advanced(const struct answer *answer, const json_t *sequence)
{
    char first[VALUE_SIZE];
    char last[VALUE_SIZE];
    const json_t *repeat = json_object_get(sequence, "may_repeat");
    (void)answer;
    if (json_is_object(repeat)) {
        outcome_say("numbers from %s to %s may be given out again",
                    value_member(repeat, "first", first), value_member(repeat, "last", last));
    }
}

enum outcome advance_run(const struct arguments *arguments)
{
    char body[96];
    char question[SESSION_PATH_SIZE];
    const char *past = arguments->words[1];
    bool force = arguments_has(arguments, OPTION_FORCE);
    int64_t number = 0;
    struct description description = {.method = "POST",
                                      .rest = "/advance",
                                      .body = body,
                                      .must = sequence_members,
                                      .tell = tell_advanced};
    if (text_parse_int64(past, &number) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE, "PAST is '%s', it must be a whole number within 64 bits",
                            past);
    }
    if (force) {
        (void)snprintf(question, sizeof question,
                       "If that goes back, numbers of '%s' may be given out twice. Do it?",
                       arguments->words[0]);
        enum outcome outcome = confirm(arguments, question);
        if (outcome != OUTCOME_OK) {
            return outcome;
        }
    }
    (void)snprintf(body, sizeof body, "{\"past\":\"%" PRId64 "\",\"force\":%s}", number,
                   force ? "true" : "false");
    return describe(arguments, &description);
}

/* ---- drop ---- */

static void show_dropped(const json_t *object)
{
    char name[VALUE_SIZE];
    char low[VALUE_SIZE];
    char high[VALUE_SIZE];
    const json_t *floor = json_object_get(object, "floor");
    printf("'%s' is dropped; ", value_member(object, "name", name));
    if (json_is_object(floor)) {
        printf("numbers from %s to %s never come again under this name.\n",
               value_member(floor, "low", low), value_member(floor, "high", high));
    } else {
        puts("it has given out no number.");
    }
}

enum outcome drop_run(const struct arguments *arguments)
{
    static const char *const must[] = {"name", NULL};
    struct description description = {
        .method = "DELETE", .rest = "", .must = must, .show = show_dropped};
    char question[SESSION_PATH_SIZE];
    enum outcome outcome = session_check_name(arguments->words[0]);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    (void)snprintf(question, sizeof question,
                   "Drop '%s'? Who asks for its numbers is refused from then on.",
                   arguments->words[0]);
    outcome = confirm(arguments, question);
    return outcome != OUTCOME_OK ? outcome : describe(arguments, &description);
}

/* ---- decode ---- */

enum outcome decode_run(const struct arguments *arguments)
{
    static const char *const must[] = {"number", "time", NULL};
    char rest[64];
    int64_t number = 0;
    struct description description = {.method = "GET", .rest = rest, .must = must};
    if (text_parse_int64(arguments->words[1], &number) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE,
                            "NUMBER is '%s', it must be a whole number within 64 bits",
                            arguments->words[1]);
    }
    (void)snprintf(rest, sizeof rest, "/decode/%" PRId64, number);
    return describe(arguments, &description);
}
