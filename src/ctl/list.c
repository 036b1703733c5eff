#include "base/definition.h"
#include "commands.h"
#include "figure.h"
#include "session.h"
#include "table.h"
#include "value.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PAGE 1000 /* sequences that one request asks for: the most that the server gives */

/* What is asked for, and what came so far. */
struct listing {
    struct session session;
    const char *prefix;
    char after[SEQUENCE_NAME_MAX + 1]; /* "": from the beginning */
    json_t *sequences;
};

/* Take a page over, and where the next one begins. */
static enum outcome take_page(struct listing *listing, const json_t *page, bool *ret_more)
{
    json_t *sequences = json_object_get(page, "sequences");
    const json_t *after = json_object_get(page, "after");
    const json_t *sequence = NULL;
    size_t index = 0;
    json_array_foreach(sequences, index, sequence)
    {
        if (!json_is_string(json_object_get(sequence, "name"))) {
            return session_garbage(&listing->session, "a sequence has no name");
        }
    }
    bool more = json_is_string(after);
    /* The same place again would go on for ever. */
    if (!json_is_array(sequences) || !(more || json_is_null(after)) ||
        (more && (json_string_length(after) > SEQUENCE_NAME_MAX ||
                  strcmp(json_string_value(after), listing->after) <= 0))) {
        return session_garbage(&listing->session, "this is no list of sequences");
    }
    if (json_array_extend(listing->sequences, sequences) != 0) {
        return outcome_fail(OUTCOME_FAILED, "out of memory");
    }
    if (more) {
        (void)snprintf(listing->after, sizeof listing->after, "%s", json_string_value(after));
    }
    *ret_more = more;
    return OUTCOME_OK;
}

static enum outcome ask_page(struct listing *listing, bool *ret_more)
{
    char path[SESSION_PATH_SIZE];
    struct question question = {.method = "GET", .path = path, .accept = SERVER_TYPE_JSON};
    struct answer answer = {.body = NULL};
    json_t *page = NULL;
    /* What names are made of needs no escapes. */
    (void)snprintf(path, sizeof path, "/v1/sequences?limit=%d%s%s%s%s", PAGE,
                   listing->prefix[0] != '\0' ? "&prefix=" : "", listing->prefix,
                   listing->after[0] != '\0' ? "&after=" : "", listing->after);
    enum outcome outcome = session_ask_json(&listing->session, &question, &answer, &page);
    if (outcome == OUTCOME_OK) {
        outcome = take_page(listing, page, ret_more);
        json_decref(page);
        answer_free(&answer);
    }
    return outcome;
}

static void add_row(struct table *table, const json_t *sequence)
{
    static const char *const plain[] = {"name", "kind", "next", "left"};
    char text[VALUE_SIZE];
    char figure[FIGURE_SIZE];
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        table_add(table, "%s", value_member(sequence, plain[i], text));
    }
    table_add(table, "%s %%", value_member(sequence, "used_percent", text));
    table_add(table, "%s", figure_grouped(value_uint64(sequence, "rate", 0), figure));
    if (json_is_string(json_object_get(sequence, "seconds_left"))) {
        table_add(table, "%s", figure_seconds(value_uint64(sequence, "seconds_left", 0), figure));
    } else {
        table_add(table, "-");
    }
}

static void print(const struct listing *listing, bool names_only)
{
    const json_t *sequence = NULL;
    size_t index = 0;
    struct table *table = table_new("name\tkind\t>next\t>left\t>used\t>per second\tlasts");
    json_array_foreach(listing->sequences, index, sequence)
    {
        if (names_only) {
            puts(json_string_value(json_object_get(sequence, "name")));
        } else {
            add_row(table, sequence);
        }
    }
    table_print(table, stdout);
    table_free(table);
}

static enum outcome ask_all(struct listing *listing)
{
    bool more = true;
    enum outcome outcome = OUTCOME_OK;
    while (more && outcome == OUTCOME_OK) {
        outcome = ask_page(listing, &more);
    }
    return outcome;
}

static void finish(struct listing *listing, bool names_only)
{
    if (listing->session.json) {
        json_t *all = json_pack("{s:O}", "sequences", listing->sequences);
        session_print_json(all);
        json_decref(all);
    } else {
        print(listing, names_only);
        if (json_array_size(listing->sequences) == 0 && !names_only) {
            fputs(listing->prefix[0] != '\0' ? "No sequence begins so.\n"
                                             : "There is no sequence; 'seqctl create NAME'.\n",
                  stderr);
        }
    }
}

enum outcome list_run(const struct arguments *arguments)
{
    struct listing listing = {.prefix = arguments->word_count > 0 ? arguments->words[0] : "",
                              .sequences = json_array()};
    enum outcome outcome = OUTCOME_OK;
    if (listing.prefix[0] != '\0') {
        outcome = session_check_name(listing.prefix);
    }
    if (outcome == OUTCOME_OK) {
        outcome = session_open(arguments, &listing.session);
    }
    if (outcome == OUTCOME_OK) {
        outcome = ask_all(&listing);
    }
    if (outcome == OUTCOME_OK) {
        finish(&listing, arguments_has(arguments, OPTION_NAMES_ONLY));
    }
    session_close(&listing.session);
    json_decref(listing.sequences);
    return outcome;
}
