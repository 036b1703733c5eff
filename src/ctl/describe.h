/* describe: asks a question whose answer is one JSON object, and shows it.
 *
 * Threads: one. */
#ifndef SEQD_CTL_DESCRIBE_H
#define SEQD_CTL_DESCRIBE_H

#include "arguments.h"
#include "outcome.h"
#include "session.h"

#include <jansson.h>

struct description {
    const char *method;
    const char *rest;        /* of the path, behind the name of words[0] */
    const char *body;        /* JSON; NULL: none */
    const char *const *must; /* members of the answer that have to be strings, ended by NULL */
    /* Says on standard error what was done; NULL: there is nothing to say. */
    void (*tell)(const struct answer *answer, const json_t *object);
    /* Prints the answer for people; NULL: member by member, in a table. */
    void (*show)(const json_t *object);
};

/* The whole life of a command about the sequence words[0]: check the name, ask, tell, show. With
 * --json the answer is printed as it came. */
__attribute__((warn_unused_result)) enum outcome describe(const struct arguments *arguments,
                                                          const struct description *description);

#endif
