/* outcome: how a command ended, and the one way in which it says so.
 *
 * The law: an outcome is the exit status of seqctl, so its values do not change from release to
 * release. What went wrong is said once, on standard error, by who decides that it ends the
 * command; what others wrote is shown without its control bytes, so no server can play tricks on
 * a terminal.
 *
 * Threads: any. */
#ifndef SEQD_CTL_OUTCOME_H
#define SEQD_CTL_OUTCOME_H

#include <stdio.h>

enum outcome {
    OUTCOME_OK = 0,
    OUTCOME_FAILED = 1,      /* the server refused for a reason that has no status of its own */
    OUTCOME_USAGE = 2,       /* the command line is wrong; nothing was asked */
    OUTCOME_UNREACHABLE = 3, /* no server, or the connection broke before a whole answer */
    OUTCOME_NOT_FOUND = 4,   /* no such sequence */
    OUTCOME_CONFLICT = 5,    /* exists otherwise, would rewind, is exhausted, has another kind */
    OUTCOME_FORBIDDEN = 6,   /* no token, a bad one, or one that may not */
    OUTCOME_UNAVAILABLE = 7, /* not now; trying again later may help */
    OUTCOME_UNREADABLE = 8,  /* a ledger or a backup cannot be read whole; it proves nothing */
};

/* Write "seqctl: ", the text and a line end to standard error. */
__attribute__((format(printf, 1, 2))) void outcome_say(const char *format, ...);

/* Say it, and return `outcome`, so that a failure is one statement. */
__attribute__((format(printf, 2, 3), warn_unused_result)) enum outcome
outcome_fail(enum outcome outcome, const char *format, ...);

/* Write text of others with each control byte as '?', but for line ends and tabs. */
void outcome_print(FILE *to, const char *text);

#endif
