/* verifier: what the rows of several ledgers and backups prove together.
 *
 * The law: two leases of one name that share a number are found, whichever data sets, lives and
 * definitions they belong to, unless the record itself says why it is right: the number was given
 * back between them, or an administrator forced the sequence back, which is told. Rows count once
 * however many inputs hold them. Where the record could mean either, it is a finding, never
 * silence.
 *
 * Also looked for: one data set with two histories, leases below or above the mark, positions given
 * back that were not the giver's, generations that do not rise, rows that are missing.
 *
 * n rows take O(n log n) time, for each mapping of a name that can meet another one.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_VERIFIER_H
#define SEQD_CTL_VERIFIER_H

#include "history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINDINGS_MAX 100 /* that are kept of each kind; overlaps are not looked for beyond it */

enum finding_kind {
    /* What must not be. */
    FINDING_OVERLAP, /* `a` and `b` are leases of `number`, and of `count` in all; 0: not counted */
    FINDING_FORK,    /* `a` and `b` are one row of one data set, and differ; or `input` should
                             have `a`, and has not, nor any later row in common (`b` is `a`) */
    FINDING_WENT_BACK,    /* `a` begins below the mark `value` that the rows before it left */
    FINDING_BLIND_RETURN, /* `a` gave back positions below the mark `value`: not its own */
    FINDING_ABOVE_MARK,   /* `a` reaches above the mark `value` that `input` has */
    FINDING_GENERATION,   /* the generation of `b` is not above that of `a`, which came before */

    /* What is right, or cannot be helped, and has to be said. */
    FINDING_FORCED,  /* `a` moved the mark back by an administrator's will */
    FINDING_LOST,    /* `input` lacks `a`, though it has rows before and behind it */
    FINDING_PARTIAL, /* the rows of the commit of `a` before it are missing */

    FINDING_KINDS
};

#define FINDING_WRONG (FINDING_GENERATION + 1) /* kinds below it must not be */

struct finding {
    enum finding_kind kind;
    size_t a; /* rows of the history */
    size_t b;
    uint8_t input;
    uint64_t value;
    uint64_t count;
    int64_t number;
};

/* What was seen of a name. */
struct verdict_name {
    uint64_t rows;
    uint64_t leases;
    uint64_t leased;     /* positions, without those given back; UINT64_MAX: more than fit */
    uint64_t unrecorded; /* positions that marks passed over, and no row tells of */
    uint64_t again;      /* positions that were leased again because the mark was forced back */
    uint64_t overlaps;
    int64_t low; /* the least and the greatest number leased, if `leases` is not 0 */
    int64_t high;
};

struct verdict {
    struct finding *findings;
    size_t finding_count;
    uint64_t counts[FINDING_KINDS]; /* also of those that are not kept */
    struct verdict_name *names;     /* one for each name of the history */
    uint64_t rows;                  /* each once */
    uint64_t lives;
};

/* Judge all rows of `history`, whose rows are in their inputs' order. ERR_NO_MEMORY: nothing is
 * known. verdict_free() in any case. */
__attribute__((warn_unused_result)) enum error verifier_run(struct history *history,
                                                            struct verdict *ret_verdict);

/* Is there nothing that must not be? */
bool verdict_is_good(const struct verdict *verdict);

void verdict_free(struct verdict *verdict);

#endif
