#include "base/text.h"
#include "commands.h"
#include "session.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Are these `count` whole numbers, one a line? An answer of somebody else must not pass as keys. */
static bool is_block(char *text, uint64_t count)
{
    uint64_t lines = 0;
    for (char *line = text; *line != '\0';) {
        int64_t number = 0;
        char *end = strchr(line, '\n');
        if (end == NULL) {
            return false;
        }
        *end = '\0';
        bool good = text_parse_int64(line, &number) == ERR_OK;
        *end = '\n';
        if (!good) {
            return false;
        }
        lines++;
        line = end + 1;
    }
    return lines == count;
}

/* Print the numbers of a text answer, or the block of a JSON one. */
static enum outcome take(struct session *session, const struct question *question, uint64_t count)
{
    struct answer answer = {.body = NULL};
    json_t *block = NULL;
    enum outcome outcome = session->json ? session_ask_json(session, question, &answer, &block)
                                         : session_ask(session, question, &answer);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (session->json ? !json_is_string(json_object_get(block, "first"))
                      : strlen(answer.body) != answer.length || !is_block(answer.body, count)) {
        outcome = session_garbage(session, "these are not the numbers that were asked for");
    } else {
        (void)fwrite(answer.body, 1, answer.length, stdout); /* main() looks for errors */
    }
    json_decref(block);
    answer_free(&answer);
    return outcome;
}

enum outcome next_run(const struct arguments *arguments)
{
    struct session session;
    char path[SESSION_PATH_SIZE];
    char rest[64];
    uint64_t count = 1;
    enum outcome outcome = session_check_name(arguments->words[0]);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (arguments->word_count > 1 &&
        (text_parse_uint64(arguments->words[1], UINT64_MAX, &count) != ERR_OK || count == 0)) {
        return outcome_fail(OUTCOME_USAGE, "COUNT is '%s', it must be a whole number from 1 on",
                            arguments->words[1]);
    }
    (void)snprintf(rest, sizeof rest, "/next?count=%" PRIu64, count);
    session_path(path, arguments->words[0], rest);
    outcome = session_open(arguments, &session);
    if (outcome == OUTCOME_OK) {
        struct question question = {.method = "POST",
                                    .path = path,
                                    .accept = session.json ? SERVER_TYPE_JSON : SERVER_TYPE_TEXT};
        outcome = take(&session, &question, count);
    }
    session_close(&session);
    return outcome;
}
