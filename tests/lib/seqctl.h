/* seqctl: runs the real seqctl, the one that the environment variable SEQCTL names, to its end.
 *
 * The law: it sees SEQD_URL as the only thing that names a server, and no token; a command line is
 * words between blanks. A run that does not end ends the test.
 *
 * Threads: any. */
#ifndef SEQD_TESTS_LIB_SEQCTL_H
#define SEQD_TESTS_LIB_SEQCTL_H

#include "daemon.h"

#include <stdint.h>

struct seqctl_run {
    int status;
    const char *out;
    const char *err;
    struct daemon *process; /* which owns the texts */
};

/* Run it against http://127.0.0.1:`port`. */
struct seqctl_run seqctl_run(uint16_t port, const char *line);

/* Run it with settings "NAME=value" of its own, ended by NULL, and no other. */
struct seqctl_run seqctl_run_with(const char *const *environment, const char *line);

/* Start it, and go on; seqctl_end() waits for its end. */
struct daemon *seqctl_start(const char *const *environment, const char *line);
struct seqctl_run seqctl_end(struct daemon *process);

void seqctl_free(struct seqctl_run *run);

/* The digits of the first member "name":"digits" in `json`; ends the test when there is none. */
uint64_t seqctl_member(const char *json, const char *name);

/* Run it; compare the exit status, all of standard output (NULL: any), and look for `err` in
 * standard error (NULL: it must be empty). Ends the test, with all that was said, when something
 * differs. */
void seqctl_expect(uint16_t port, const char *line, int status, const char *out, const char *err);
void seqctl_expect_with(const char *const *environment, const char *line, int status,
                        const char *out, const char *err);

#endif
