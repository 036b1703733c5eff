#include "describe.h"

#include "figure.h"
#include "table.h"
#include "value.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What a person wants to read behind the value. */
static void add_remark(struct table *table, const json_t *object, const char *key)
{
    static const struct {
        const char *key, *text;
    } remarks[] = {{"rate", "numbers a second"},
                   {"unissued", "what a crash would lose now"},
                   {"used_percent", "of all its numbers"},
                   {"max_borrow_ms", "ms ahead of the clock, at most"}};
    char text[FIGURE_SIZE];
    if (strcmp(key, "seconds_left") == 0 && json_is_string(json_object_get(object, key))) {
        table_add(table, "%s at this rate", figure_seconds(value_uint64(object, key, 0), text));
        return;
    }
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
        if (strcmp(remarks[i].key, key) == 0) {
            table_add(table, "%s", remarks[i].text);
            return;
        }
    }
    table_add(table, "%s", "");
}

/* Every member that is no object in its turn, in the server's order. */
static void show_members(const json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    char text[VALUE_SIZE];
    struct table *table = table_new("what\tvalue\tremark");
    /* The macro only reads the object, whatever it asks for. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char label[VALUE_SIZE];
        if (json_is_object(value)) {
            continue;
        }
        (void)snprintf(label, sizeof label, "%s", key);
        for (char *c = label; *c != '\0'; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        table_add(table, "%s", label);
        table_add(table, "%s", value_text(value, text));
        add_remark(table, object, key);
    }
    table_print_bare(table, stdout);
    table_free(table);
}

static bool is_whole(const json_t *object, const char *const *must)
{
    for (const char *const *member = must; *member != NULL; member++) {
        if (!json_is_string(json_object_get(object, *member))) {
            return false;
        }
    }
    return true;
}

static enum outcome ask(struct session *session, const struct question *question,
                        const struct description *description)
{
    struct answer answer = {.body = NULL};
    json_t *object = NULL;
    enum outcome outcome = session_ask_json(session, question, &answer, &object);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (!is_whole(object, description->must)) {
        outcome = session_garbage(session, "a part of the answer is missing");
    } else {
        if (description->tell != NULL) {
            description->tell(&answer, object);
        }
        if (session->json) {
            (void)fwrite(answer.body, 1, answer.length, stdout); /* main() looks for errors */
        } else if (description->show != NULL) {
            description->show(object);
        } else {
            show_members(object);
        }
    }
    json_decref(object);
    answer_free(&answer);
    return outcome;
}

enum outcome describe(const struct arguments *arguments, const struct description *description)
{
    struct session session;
    char path[SESSION_PATH_SIZE];
    struct question question = {.method = description->method,
                                .path = path,
                                .accept = SERVER_TYPE_JSON,
                                .body = description->body};
    enum outcome outcome = session_check_name(arguments->words[0]);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    session_path(path, arguments->words[0], description->rest);
    outcome = session_open(arguments, &session);
    if (outcome == OUTCOME_OK) {
        outcome = ask(&session, &question, description);
    }
    session_close(&session);
    return outcome;
}
