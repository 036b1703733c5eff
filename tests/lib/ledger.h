/* ledger: judges what many threads took from one sequence in this process, over all its lives.
 *
 * The law: it knows every lease that the store answered and every block that a thread received,
 * and from these alone it counts what was promised and not kept:
 *
 *   duplicated  positions that were received before (P1)
 *   outside     blocks with a position that no lease of this life covers (P2)
 *   unordered   blocks that do not lie above all that was received before they were asked for (P3)
 *   overtaken   blocks of those who stood in line and got, out of the lease that served them, more
 *               than somebody who asked later; but not where one who may have stood in front of
 *               them gave up: he may have asked for more than the lease held, which left it to
 *               those who pass by
 *
 * tests/lib/oracle.h judges what a client sees from outside; this one sees leases as well.
 *
 * Threads: one at a time; ledger_moment() any. */
#ifndef SEQD_TESTS_LIB_LEDGER_H
#define SEQD_TESTS_LIB_LEDGER_H

#include "base/range.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_POSITIONS_MAX (UINT64_C(1) << 30) /* a byte of memory each, up to the highest */

/* One block that was received. */
struct ledger_take {
    struct range positions;
    uint64_t floor;  /* every position received before the request was made lies below it */
    uint64_t asked;  /* ledger_moment() before the request was made */
    uint64_t queued; /* ledger_moment() when it was in line already; 0: it never was */
};

/* Somebody who stood in line and left it without a block. */
struct ledger_leave {
    uint64_t asked; /* ledger_moment() before the request was made */
    uint64_t left;  /* ledger_moment() when it stood in line no more */
};

struct ledger_verdict {
    uint64_t taken; /* positions received */
    uint64_t duplicated;
    uint64_t outside;
    uint64_t unordered;
    uint64_t overtaken;
};

/* One life of the sequence. */
struct ledger_life {
    uint64_t leased; /* positions */
    uint64_t taken;
    uint64_t waited; /* blocks of those who stood in line */
    uint64_t limit;  /* above every position received in any life until now */
};

struct ledger;

/* Never NULL: without memory the test ends. */
struct ledger *ledger_new(void);

/* NULL is accepted. */
void ledger_free(struct ledger *ledger);

/* The next of all moments. */
uint64_t ledger_moment(void);

/* What happened in this life, in any order. */
void ledger_lease(struct ledger *ledger, struct range lease);
void ledger_take(struct ledger *ledger, const struct ledger_take *take);
void ledger_leave(struct ledger *ledger, struct ledger_leave leave);

/* This life is over: judge it, and go on with the next. */
struct ledger_life ledger_end_life(struct ledger *ledger);

/* All lives that have ended. */
struct ledger_verdict ledger_verdict(const struct ledger *ledger);

/* Was every promise kept? Prints what was not, and the first block of each kind, as lines on
 * standard error that begin with `name`. */
bool ledger_is_good(const struct ledger *ledger, const char *name);

#endif
