/* check_crew: the workers of one load, from the first to the verdict.
 *
 * The law: connection i asks the way i % way_count; what ended the load early is told once, in the
 * words of the connection that met it first. OUTCOME_FAILED comes from here only where a server is
 * none, or refused; a broken promise is for the verdict to say.
 *
 * Threads: one; workers run within check_crew_run(). */
#ifndef SEQD_CTL_CHECK_CREW_H
#define SEQD_CTL_CHECK_CREW_H

#include "check_judge.h"
#include "check_way.h"
#include "check_worker.h"
#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_crew {
    struct check_load load; /* count, requests and through; the rest is check_crew_make()'s */
    const struct check_way *ways;
    size_t way_count;
    uint64_t connections;         /* 1 to CHECK_CONNECTIONS_MAX */
    uint64_t seconds;             /* at most */
    struct check_worker *workers; /* `connections` of them; NULL before they are made */
    uint64_t ns;                  /* that the load took */
};

/* The time begins to run. OUTCOME_UNAVAILABLE: no memory, and it was said. */
__attribute__((warn_unused_result)) enum outcome check_crew_make(struct check_crew *crew);

/* Ask for the first block, by the first connection, before it is known what they all have to be. A
 * server that is away or refuses ends the load, whatever `through` says; one that is not ready is
 * waited for. check_crew_end() says what came of it; no block, and load.increment stays 0. */
void check_crew_begin(struct check_crew *crew);

/* Let them work until the end. OUTCOME_FAILED: not all threads could be started; it was said. */
__attribute__((warn_unused_result)) enum outcome check_crew_run(struct check_crew *crew);

/* Say what ended the load before its time; OUTCOME_OK: nothing did. With `json` a refusal is passed
 * through to standard output, too. */
__attribute__((warn_unused_result)) enum outcome check_crew_end(const struct check_crew *crew,
                                                                bool json);

/* Judge all that the workers took; once. OUTCOME_UNAVAILABLE: no memory, and it was said. */
__attribute__((warn_unused_result)) enum outcome
check_crew_judge(struct check_crew *crew, struct check_verdict *ret_verdict);

/* Accepts one that was not made. */
void check_crew_fini(struct check_crew *crew);

#endif
