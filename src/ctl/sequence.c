/* The commands that show or change one sequence, and the list of all. */

#include "base/text.h"
#include "commands.h"
#include "figure.h"
#include "session.h"
#include "table.h"
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST_PAGE 1000 /* sequences that one request asks for */

/* ---- showing ---- */

/* What a person wants to read behind the value. */
static void add_remark(struct table *table, const json_t *sequence, const char *key)
{
    char text[FIGURE_SIZE];
    if (strcmp(key, "seconds_left") == 0 && !json_is_null(json_object_get(sequence, key))) {
        table_add(table, "%s at this rate", figure_seconds(value_uint64(sequence, key, 0), text));
    } else if (strcmp(key, "rate") == 0) {
        table_add(table, "numbers a second");
    } else if (strcmp(key, "unissued") == 0) {
        table_add(table, "what a crash would lose now");
    } else if (strcmp(key, "used_percent") == 0) {
        table_add(table, "of all its numbers");
    } else {
        table_add(table, "%s", "");
    }
}

static void show(json_t *sequence)
{
    const char *key = NULL;
    json_t *value = NULL;
    char text[VALUE_SIZE];
    struct table *table = table_new("what\tvalue\tremark");
    json_object_foreach(sequence, key, value)
    {
        if (json_is_object(value)) {
            continue;
        }
        char label[VALUE_SIZE];
        (void)snprintf(label, sizeof label, "%s", key);
        for (char *c = label; *c != '\0'; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        table_add(table, "%s", label);
        table_add(table, "%s", value_text(value, text));
        add_remark(table, sequence, key);
    }
    table_print_bare(table, stdout);
    table_free(table);
}

/* Does the answer describe a sequence? */
static bool is_sequence(const json_t *object)
{
    return json_is_string(json_object_get(object, "name")) &&
           json_is_string(json_object_get(object, "issued"));
}

/* Ask for a sequence object. With --json it is printed as it came; otherwise `told`, which may be
 * NULL, says what was done, and the sequence is shown. */
static enum outcome ask_and_show(struct session *session, const struct question *question,
                                 void (*told)(const struct answer *answer, const json_t *sequence))
{
    struct answer answer = {.body = NULL};
    json_t *sequence = NULL;
    enum outcome outcome = session_ask_json(session, question, &answer, &sequence);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (!is_sequence(sequence)) {
        outcome = session_garbage(session, "this is no sequence");
    } else if (session->json) {
        (void)fwrite(answer.body, 1, answer.length, stdout); /* main() looks for errors */
    } else {
        if (told != NULL) {
            told(&answer, sequence);
        }
        show(sequence);
    }
    json_decref(sequence);
    answer_free(&answer);
    return outcome;
}

/* The whole life of a command that sends one question about one sequence. */
static enum outcome run_one(const struct arguments *arguments, struct question *question,
                            const char *rest,
                            void (*told)(const struct answer *answer, const json_t *sequence))
{
    struct session session;
    char path[SESSION_PATH_SIZE];
    session_path(path, arguments->words[0], rest);
    question->path = path;
    question->accept = SERVER_TYPE_JSON;
    enum outcome outcome = session_open(arguments, &session);
    if (outcome == OUTCOME_OK) {
        outcome = ask_and_show(&session, question, told);
    }
    session_close(&session);
    return outcome;
}

enum outcome show_run(const struct arguments *arguments)
{
    struct question question = {.method = "GET"};
    enum outcome outcome = session_check_name(arguments->words[0]);
    return outcome != OUTCOME_OK ? outcome : run_one(arguments, &question, "", NULL);
}
