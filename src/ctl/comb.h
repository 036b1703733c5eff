/* comb: the numbers of a run of positions, and whether two runs have one in common.
 *
 * The law: the answer is exact, whatever the increments and layouts; nothing is rounded and no sum
 * wraps. A comb is the numbers low + i × period + j for 0 <= i < teeth and 0 <= j < width.
 * Positions of a counter are one comb whose teeth are a number wide; those of a timestamp sequence
 * are three at most: the rest of a tick, whole ticks, the beginning of another.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_COMB_H
#define SEQD_CTL_COMB_H

#include "base/ledger_entry.h"
#include "base/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMBS_MAX 3 /* that a run of positions is made of */

struct comb {
    int64_t low;     /* the least number */
    uint64_t period; /* at least `width` */
    uint64_t teeth;  /* at least 1 */
    uint64_t width;  /* at least 1 */
};

/* How positions become numbers: that part of a row of the ledger. */
struct mapping {
    enum sequence_kind kind;
    int64_t start;        /* of a counter; 0 in a timestamp sequence, as the next one */
    int64_t increment;    /* never 0 in a counter */
    struct layout layout; /* of a timestamp sequence, without max_borrow; all 0 in a counter */
};

/* The least and the greatest number of a run of positions. */
struct comb_hull {
    int64_t low;
    int64_t high;
};

/* The number at `position`. */
int64_t mapping_number(const struct mapping *mapping, uint64_t position);

/* Does every one of `positions` give a number of 64 bits, and none the same as another? False also
 * where it is no mapping at all. */
bool mapping_holds(const struct mapping *mapping, struct range positions);

/* The position of `number`. False where no position has it. */
bool mapping_position(const struct mapping *mapping, int64_t number, uint64_t *ret_position);

/* Do positions of both mean the same but for the ids of machine and node? */
bool mapping_same_positions(const struct mapping *a, const struct mapping *b);

/* Can no position of `a` whatever have the number of one of `b`? Quick, for whole families. */
bool mapping_never_meet(const struct mapping *a, const struct mapping *b);

struct comb_hull comb_hull(const struct mapping *mapping, struct range positions);

/* Have both runs, neither empty, a number in common? `ret_number` is one of them then. */
bool comb_runs_meet(const struct mapping *a, struct range a_positions, const struct mapping *b,
                    struct range b_positions, int64_t *ret_number);

/* Have two combs a number in common? `ret_number` is one of them then. */
bool comb_meet(const struct comb *a, const struct comb *b, int64_t *ret_number);

#endif
