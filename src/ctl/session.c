#include "session.h"

#include "base/definition.h"
#include "refusal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum outcome session_open(const struct arguments *arguments, struct session *ret_session)
{
    *ret_session = (struct session){.json = arguments_has(arguments, OPTION_JSON)};
    enum outcome outcome = server_options(arguments, &ret_session->options);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    outcome = server_setup();
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    ret_session->server = server_open(&ret_session->options);
    if (ret_session->server == NULL) {
        return outcome_fail(OUTCOME_FAILED, "out of memory");
    }
    return OUTCOME_OK;
}

void session_close(struct session *session)
{
    server_close(session->server);
    session->server = NULL;
}

enum outcome session_check_name(const char *name)
{
    struct error_detail detail = {.text = ""};
    if (definition_check_name(name, strlen(name), &detail) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE, "%s", detail.text);
    }
    return OUTCOME_OK;
}

enum outcome session_ask(struct session *session, const struct question *question,
                         struct answer *ret_answer)
{
    struct error_detail detail = {.text = ""};
    struct answer answer = {.body = NULL};
    enum outcome outcome = server_ask(session->server, question, &answer, &detail);
    if (outcome != OUTCOME_OK) {
        return outcome_fail(outcome, "%s", detail.text);
    }
    if (!refusal_is_none(&answer)) {
        outcome = refusal_tell(&answer, address_name(&session->options.address), session->json);
        answer_free(&answer);
        return outcome;
    }
    *ret_answer = answer;
    return OUTCOME_OK;
}

enum outcome session_garbage(const struct session *session, const char *what)
{
    return outcome_fail(OUTCOME_FAILED,
                        "%s does not answer as a seqd would (%s); is it one? -u URL or -s SOCKET "
                        "names another",
                        address_name(&session->options.address), what);
}

enum outcome session_ask_json(struct session *session, const struct question *question,
                              struct answer *ret_answer, json_t **ret_object)
{
    struct answer answer = {.body = NULL};
    json_error_t error;
    enum outcome outcome = session_ask(session, question, &answer);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    json_t *object = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        outcome = session_garbage(session, object == NULL ? error.text : "no object");
        json_decref(object);
        answer_free(&answer);
        return outcome;
    }
    *ret_answer = answer;
    *ret_object = object;
    return OUTCOME_OK;
}

void session_path(char to[SESSION_PATH_SIZE], const char *name, const char *rest)
{
    (void)snprintf(to, SESSION_PATH_SIZE, "/v1/sequences/%s%s", name, rest);
}

void session_print_json(const json_t *value)
{
    (void)json_dumpf(value, stdout, JSON_COMPACT); /* main() looks for errors */
    (void)putchar('\n');
}

bool session_is_terminal(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}
