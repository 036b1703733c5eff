/* refusal: what the server said instead of what was asked for, for people and for scripts.
 *
 * The law: the server's own words come first, then what to do next. The exit status depends on the
 * status and the problem's type alone.
 *
 * Threads: any. */
#ifndef SEQD_CTL_REFUSAL_H
#define SEQD_CTL_REFUSAL_H

#include "outcome.h"
#include "server.h"

#include <stdbool.h>

/* Is it an answer of the kind that was asked for? */
bool refusal_is_none(const struct answer *answer);

/* The outcome that an answer other than 2xx means. */
enum outcome refusal_outcome(const struct answer *answer);

/* Say what was refused and what to do; with `json` the problem is passed through to standard
 * output, too. `from` names the server. Returns refusal_outcome(). */
__attribute__((warn_unused_result)) enum outcome refusal_tell(const struct answer *answer,
                                                              const char *from, bool json);

#endif
