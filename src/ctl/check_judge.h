/* check_judge: what the histories of a check prove, in Jepsen's words.
 *
 * The law: from what the connections received alone, and exactly:
 *
 *   duplicated  numbers that were answered before: answers less distinct numbers (P1)
 *   disordered  takes that hold a number below one of an answer that was whole before their request
 *               was sent (P3), to the nanosecond: what overlaps in time has no order
 *   strayed     takes that do not lie on the grid of the sequence, a whole number of steps from the
 *               others (P7)
 *   gaps        numbers on the grid between the lowest and the highest that nobody received
 *
 * Ranks rise with the sequence, whatever its direction (check_history.h). Of strays only those that
 * share a grid are compared with each other.
 *
 * It takes 24 KiB of stack, and of memory what the losses and outages take. Time: n log c for n
 * takes on c connections; where a connection's numbers fall, which no right server does, they are
 * sorted.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_CHECK_JUDGE_H
#define SEQD_CTL_CHECK_JUDGE_H

#include "check_gaps.h"
#include "check_history.h"

#define CHECK_EXAMPLES 3

/* Two takes that cannot both be right. */
struct check_pair {
    struct check_take earlier; /* whose answer was whole first */
    struct check_take later;
    uint64_t rank; /* duplicated: the first number in both; disordered: of `earlier`, the number
                      that should be below those of `later` */
};

struct check_verdict {
    uint64_t attempted; /* = answered + failed + unknown + wrong */
    uint64_t answered;
    uint64_t failed;
    uint64_t unknown;
    uint64_t wrong;
    uint64_t numbers; /* received, each as often as it came */
    uint64_t lowest;  /* rank; of no meaning while `numbers` is 0 */
    uint64_t highest;
    uint64_t duplicated;
    uint64_t repeats; /* takes with a number that was answered before */
    uint64_t disordered;
    uint64_t strayed;
    struct check_gaps gaps;
    uint64_t outages;
    struct check_pair duplicates[CHECK_EXAMPLES]; /* the first of the repeats, by rank */
    struct check_pair disorders[CHECK_EXAMPLES];  /* ..., by time */
    struct check_take strays[CHECK_EXAMPLES];     /* ..., by rank */
    struct check_wrong first_wrong;               /* where `wrong` > 0 */
};

/* `histories`  `count` of them, 1 to CHECK_CONNECTIONS_MAX; their takes are sorted anew.
 * `step`       from one rank to the next, at least 1.
 * ERR_NO_MEMORY: nothing is judged. */
__attribute__((warn_unused_result)) enum error check_judge(struct check_history *histories,
                                                           size_t count, uint64_t step,
                                                           struct check_verdict *ret_verdict);

/* Was anything promised and not kept? */
bool check_verdict_is_good(const struct check_verdict *verdict);

#endif
