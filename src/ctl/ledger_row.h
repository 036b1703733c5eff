/* ledger_row: rows of the ledger and marks of sequences, as a server's JSON and as a backup's lines
 * have them.
 *
 * The law: a row is understood whole or refused, and only if all its positions have numbers; what
 * JSON says of those numbers besides has to be true.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_CTL_LEDGER_ROW_H
#define SEQD_CTL_LEDGER_ROW_H

#include "base/definition.h"
#include "base/error.h"
#include "base/ledger_entry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How far a sequence is. */
struct ledger_mark {
    char name[SEQUENCE_NAME_MAX + 1];
    struct definition definition; /* kind, start, increment and layout; the rest is 0 */
    uint64_t mark;
    bool dropped;  /* a tombstone: definition and mark are those of its last life */
    bool running;  /* `position` is known, for a server told it */
    uint64_t next; /* position that is issued next */
};

/* A member of "ledger" in what GET /v1/ledger answers. ERR_CORRUPT, what is wrong in `detail`. */
__attribute__((warn_unused_result)) enum error
ledger_row_of_json(const json_t *row, struct ledger_entry *ret_entry, struct error_detail *detail);

/* What stands behind "ledger " in a line of a backup. ERR_CORRUPT likewise. */
__attribute__((warn_unused_result)) enum error
ledger_row_of_text(const char *text, struct ledger_entry *ret_entry, struct error_detail *detail);

/* What stands behind "missing " in the line of a backup that says what the ledger itself did not
 * have. ERR_CORRUPT likewise. */
__attribute__((warn_unused_result)) enum error ledger_lack_of_text(const char *text,
                                                                   uint64_t *ret_missing,
                                                                   uint64_t *ret_damaged,
                                                                   struct error_detail *detail);

/* A member of "sequences" in what GET /v1/sequences answers. ERR_CORRUPT likewise. */
__attribute__((warn_unused_result)) enum error ledger_mark_of_json(const json_t *sequence,
                                                                   struct ledger_mark *ret_mark,
                                                                   struct error_detail *detail);

/* What stands behind "sequence " in a line of a backup. ERR_CORRUPT likewise. */
__attribute__((warn_unused_result)) enum error
ledger_mark_of_text(const char *text, struct ledger_mark *ret_mark, struct error_detail *detail);

#endif
