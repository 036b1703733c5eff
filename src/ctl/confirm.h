/* confirm: asks a person whether that is meant.
 *
 * The law: only a terminal is asked; a script that says --force or drop means it.
 *
 * Threads: one. */
#ifndef SEQD_CTL_CONFIRM_H
#define SEQD_CTL_CONFIRM_H

#include "arguments.h"
#include "outcome.h"

/* Show `question` and read a line. OUTCOME_OK: yes, or nobody is to be asked (no terminal, or
 * --yes). Else it says that nothing was changed: OUTCOME_FAILED. */
__attribute__((warn_unused_result)) enum outcome confirm(const struct arguments *arguments,
                                                         const char *question);

#endif
