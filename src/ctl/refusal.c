#include "refusal.h"

#include "table.h"
#include "value.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What to do next, by the problem's type. */
static const struct advice {
    const char *type;
    const char *text;
} advices[] = {
    {"/problems/unknown-sequence",
     "'seqctl list' shows what there is, 'seqctl create NAME' makes a sequence"},
    {"/problems/unknown-path", "is the server older than this seqctl? 'seqctl status' tells"},
    {"/problems/unauthenticated",
     "give a token with -t FILE or $SEQD_TOKEN ('seqctl help token'), or use the server's unix "
     "socket"},
    {"/problems/forbidden", "take a token with a wider scope or another pattern of names"},
    {"/problems/bad-count", "ask for less at a time, or raise max_count of section [http]"},
    {"/problems/exhausted", "'seqctl show NAME' tells what is left"},
    {"/problems/conflict",
     "'seqctl alter' changes max_gap, lease and durability; the rest is fixed at the creation"},
    {"/problems/would-rewind", "--force goes back all the same; numbers may then come twice"},
    {"/problems/no-ledger", "ledger_age of section [seqd] makes the server keep one"},
    {"/problems/wrong-kind", "only sequences of kind timestamp carry a time"},
};

bool refusal_is_none(const struct answer *answer)
{
    return answer->status >= 200 && answer->status <= 299;
}

/* The problem object; NULL when the answer is none. The caller gives it back. */
static json_t *problem_of(const struct answer *answer)
{
    if (strcmp(answer->type, SERVER_TYPE_PROBLEM) != 0) {
        return NULL;
    }
    json_t *problem = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(problem) || !json_is_string(json_object_get(problem, "type"))) {
        json_decref(problem); /* accepts NULL */
        return NULL;
    }
    return problem;
}

static const char *text_of(const json_t *problem, const char *member)
{
    return json_string_value(json_object_get(problem, member)); /* NULL: no text */
}

static enum outcome outcome_of(long status, const char *type)
{
    switch (status) {
    case 401:
    case 403:
        return OUTCOME_FORBIDDEN;
    case 404:
        /* A path that the server does not know is no missing sequence. */
        return strcmp(type, "/problems/unknown-sequence") == 0 ? OUTCOME_NOT_FOUND : OUTCOME_FAILED;
    case 409:
        return OUTCOME_CONFLICT;
    case 429:
    case 503:
        return OUTCOME_UNAVAILABLE;
    default:
        return OUTCOME_FAILED;
    }
}

enum outcome refusal_outcome(const struct answer *answer)
{
    json_t *problem = problem_of(answer);
    enum outcome outcome =
        problem != NULL ? outcome_of(answer->status, text_of(problem, "type")) : OUTCOME_FAILED;
    json_decref(problem);
    return outcome;
}

/* The members of `existing` and `wanted` side by side, those that differ. */
static void show_conflict(const json_t *problem)
{
    json_t *existing = json_object_get(problem, "existing");
    const json_t *wanted = json_object_get(problem, "wanted");
    const char *key = NULL;
    json_t *there = NULL;
    char text[VALUE_SIZE];
    if (!json_is_object(existing) || !json_is_object(wanted)) {
        return;
    }
    struct table *table = table_new("differs\t>existing\t>wanted");
    json_object_foreach(existing, key, there)
    {
        const json_t *here = json_object_get(wanted, key);
        if (here == NULL || !json_equal(there, here)) {
            table_add(table, "%s", key);
            table_add(table, "%s", value_text(there, text));
            table_add(table, "%s", value_text(here, text));
        }
    }
    table_print(table, stderr);
    table_free(table);
}

static void advise(const char *type, const struct answer *answer)
{
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (strcmp(advices[i].type, type) == 0) {
            outcome_say("%s", advices[i].text);
        }
    }
    if (answer->retry_after_s > 0) {
        outcome_say("try again in %u s", answer->retry_after_s);
    }
}

enum outcome refusal_tell(const struct answer *answer, const char *from, bool json)
{
    json_t *problem = problem_of(answer);
    if (problem == NULL) {
        return outcome_fail(OUTCOME_FAILED,
                            "%s answers %ld, and not as a seqd would; is it one? -u URL or -s "
                            "SOCKET names another",
                            from, answer->status);
    }
    const char *type = text_of(problem, "type");
    const char *detail = text_of(problem, "detail");
    const char *title = text_of(problem, "title");
    if (json) {
        (void)fwrite(answer->body, 1, answer->length, stdout); /* main() looks for errors */
    }
    outcome_say("%s", detail != NULL ? detail : title != NULL ? title : type);
    show_conflict(problem);
    advise(type, answer);
    enum outcome outcome = outcome_of(answer->status, type);
    json_decref(problem);
    return outcome;
}
