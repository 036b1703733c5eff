/* copies: the records within a transaction, each kept twice.
 *
 * The law: both copies of a record are written in the same transaction, so they are equal unless
 * something damaged one. Where they are not, the newer whole copy counts, and what it says is taken
 * with a distance: its high-water mark moves up by a whole lease before it is believed. It never
 * moves down. Damage is repaired by the next write of the record.
 *
 * Threads: one at a time, within one write transaction. */
#ifndef SEQD_STORE_COPIES_H
#define SEQD_STORE_COPIES_H

#include "base/error.h"
#include "environment.h"
#include "record.h"
#include "store/store.h"

enum copies_state {
    COPIES_ABSENT,   /* there is no such sequence */
    COPIES_WHOLE,    /* both are whole and equal */
    COPIES_DOUBTFUL, /* one is damaged, missing or older: the mark was moved up */
    COPIES_DAMAGED,  /* none is whole */
};

/* Read the record of `name`. The return code is about the data file alone; what became of this
 * record is in `ret_state`. `ret_record` is written for COPIES_WHOLE and COPIES_DOUBTFUL, `detail`
 * also for COPIES_DAMAGED. ERR_IO, ERR_CORRUPT: the transaction is good for nothing more. */
__attribute__((warn_unused_result)) enum error
copies_read(struct environment *environment, MDB_txn *txn, const char *name,
            enum copies_state *ret_state, struct record *ret_record, struct error_detail *detail);

/* Write both copies. ERR_UNAVAILABLE (a full map), ERR_IO … */
__attribute__((warn_unused_result)) enum error copies_write(struct environment *environment,
                                                            MDB_txn *txn, const char *name,
                                                            const struct record *record,
                                                            struct error_detail *detail);

/* Visit every sequence that is no tombstone once, in the order of names. ERR_CORRUPT  no copy of a
 * record is whole; or what `visit` returned. */
__attribute__((warn_unused_result)) enum error copies_each(struct environment *environment,
                                                           MDB_txn *txn, store_visit_fn *visit,
                                                           void *context,
                                                           struct error_detail *detail);

/* The largest max_gap of its counters that can be read; 0: there is none. */
uint64_t copies_max_gap(struct environment *environment, MDB_txn *txn);

/* The name that comes after `name` (empty: the first) in either table, tombstones included; empty
 * when there is none. ERR_CORRUPT  it is no name. ERR_IO. */
__attribute__((warn_unused_result)) enum error copies_next(struct environment *environment,
                                                           MDB_txn *txn,
                                                           char name[SEQUENCE_NAME_MAX + 1],
                                                           struct error_detail *detail);

/* The newer of the meta record's whole copies.
 * ERR_CORRUPT  none is whole. ERR_FENCED  one is of a newer version. */
__attribute__((warn_unused_result)) enum error copies_read_meta(struct environment *environment,
                                                                MDB_txn *txn, struct meta *ret_meta,
                                                                struct error_detail *detail);

__attribute__((warn_unused_result)) enum error copies_write_meta(struct environment *environment,
                                                                 MDB_txn *txn,
                                                                 const struct meta *meta,
                                                                 struct error_detail *detail);

#endif
