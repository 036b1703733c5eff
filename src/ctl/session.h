/* session: what every command that talks to the server does: open, ask, and tell a refusal.
 *
 * The law: what a call here does not return as OUTCOME_OK it has said.
 *
 * Threads: one. */
#ifndef SEQD_CTL_SESSION_H
#define SEQD_CTL_SESSION_H

#include "arguments.h"
#include "outcome.h"
#include "server.h"

#include <jansson.h>
#include <stdbool.h>

#define SESSION_PATH_SIZE 1024 /* bytes of a path with its query, with the NUL */

struct session {
    struct server_options options;
    struct server *server;
    bool json; /* --json was given */
};

/* session_close() also after a failure. `ret_session` must stay where it is: its server points into
 * it. */
__attribute__((warn_unused_result)) enum outcome session_open(const struct arguments *arguments,
                                                              struct session *ret_session);
void session_close(struct session *session);

/* ERR_OK when `name` can be that of a sequence; else it says the rule: OUTCOME_USAGE. */
__attribute__((warn_unused_result)) enum outcome session_check_name(const char *name);

/* Ask; an answer that is not 2xx is told. */
__attribute__((warn_unused_result)) enum outcome
session_ask(struct session *session, const struct question *question, struct answer *ret_answer);

/* ... and the answer has to be a JSON object, which the caller gives back, as it frees the answer.
 */
__attribute__((warn_unused_result)) enum outcome session_ask_json(struct session *session,
                                                                  const struct question *question,
                                                                  struct answer *ret_answer,
                                                                  json_t **ret_object);

/* Say that an answer of 2xx is not what a seqd says: OUTCOME_FAILED. */
__attribute__((warn_unused_result)) enum outcome session_garbage(const struct session *session,
                                                                 const char *what);

/* The path of a sequence, `rest` behind it ("" or "/next"). */
void session_path(char to[SESSION_PATH_SIZE], const char *name, const char *rest);

/* One line of JSON to standard output. */
void session_print_json(const json_t *value);

/* Are both ends a person's? */
bool session_is_terminal(void);

#endif
