/* ledger_entry: one row of the ledger: what was leased, given back, skipped or moved, by whom, and
 * which numbers that were.
 *
 * The laws: a row says by itself which numbers it is about. It carries what maps its positions to
 * numbers, as it was at that commit, so no later definition of the name changes what it says. And
 * it is told from any other: two copies of one data set that go on for themselves write rows that
 * may be alike in all but the nonce.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_LEDGER_ENTRY_H
#define SEQD_BASE_LEDGER_ENTRY_H

#include "base/definition.h"
#include "base/error.h"
#include "base/range.h"

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_INSTANCE_SIZE 16 /* bytes of an instance or incarnation id */
#define LEDGER_ID_SIZE 32       /* bytes of a row's id as text, with its NUL */

enum ledger_act {
    LEDGER_LEASE = 1,   /* the positions may be issued from this commit on */
    LEDGER_RETURN = 2,  /* a clean stop gave them back: they may be leased again */
    LEDGER_ADVANCE = 3, /* the mark was moved over them: skipped */
    LEDGER_REWIND = 4,  /* the mark was forced back below them: they may be leased again */
    LEDGER_ADOPT = 5,   /* an adoption or a restore moved the mark over them: skipped */
};

#define LEDGER_ACTS 5

/* The commit that wrote a row, and the row's place among those of that commit, from 0. Commits
 * count from 1, so {0, 0} lies before every row. */
struct ledger_id {
    uint64_t commit;
    uint32_t index;
};

struct ledger_entry {
    struct ledger_id id;
    enum ledger_act act;
    char name[SEQUENCE_NAME_MAX + 1];
    uint64_t time_ms; /* wall clock when the commit began, ms since 1970 */
    uint8_t instance[LEDGER_INSTANCE_SIZE];
    uint8_t incarnation[LEDGER_INSTANCE_SIZE];
    uint64_t nonce;         /* random, of that commit; 0 where the system had none to give */
    uint64_t generation;    /* of the sequence's record, as of this commit */
    struct range positions; /* never empty */
    /* In them, or their limit: nothing of a lease below it was issued, for that was time that had
     * passed when it was planned. Without any such: the first. */
    uint64_t from;

    /* What makes numbers of them. */
    enum sequence_kind kind;
    int64_t start;        /* a counter's; 0 in a timestamp sequence, as the next one */
    int64_t increment;    /* never 0 in a counter */
    struct layout layout; /* a timestamp sequence's, without max_borrow; all 0 in a counter */
};

/* A row about all of `positions` of the sequence `name` with `definition`; id, time, nonce and the
 * two ids of the data set are left 0. */
struct ledger_entry ledger_entry_of(const char *name, const struct definition *definition,
                                    enum ledger_act act, struct range positions,
                                    uint64_t generation);

/* ERR_OK, or ERR_INVALID with what no row can say in `detail`: an unknown act, a name that is none,
 * no positions, a `from` outside, or what makes no numbers. */
__attribute__((warn_unused_result)) enum error ledger_entry_check(const struct ledger_entry *entry,
                                                                  struct error_detail *detail);

/* The number at `position`, one of the positions of a checked row. */
int64_t ledger_entry_number(const struct ledger_entry *entry, uint64_t position);

/* Is `number` that of one of the positions of a checked row? */
bool ledger_entry_covers(const struct ledger_entry *entry, int64_t number);

/* Below 0 when `a` was written before `b`, 0 when they are the same, else above 0. */
int ledger_id_compare(struct ledger_id a, struct ledger_id b);

/* "1234.0", and back. ERR_INVALID  it is not that. */
void ledger_id_format(struct ledger_id id, char to[LEDGER_ID_SIZE]);
__attribute__((warn_unused_result)) enum error ledger_id_parse(const char *text,
                                                               struct ledger_id *ret_id);

/* "lease", "return", "advance", "rewind" or "adopt". Static. */
const char *ledger_act_name(enum ledger_act act);

/* ERR_INVALID  no act has that name. */
__attribute__((warn_unused_result)) enum error ledger_act_parse(const char *text,
                                                                enum ledger_act *ret_act);

#endif
