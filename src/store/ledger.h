/* ledger: the table of what was leased to whom, beside the records and in the same commits.
 *
 * The law: a row is written in the commit of the mark that it records, or that commit leaves it out
 * and says so; it is never there without its mark. The ledger never makes a commit fail: where the
 * disk or the map has no room, it evicts as many bytes as it writes, or leaves the row out; where
 * it is damaged, commits go on without it. Rows that are left out are counted in its head, and in
 * the meta record until that can be written.
 *
 * Rows are evicted oldest first, by age and by size, at most LEDGER_EVICTED_MAX for each row that
 * is written, so that no commit is held up by them.
 *
 * Threads: one at a time, within one write transaction. */
#ifndef SEQD_STORE_LEDGER_H
#define SEQD_STORE_LEDGER_H

#include "base/error.h"
#include "base/ledger_entry.h"
#include "environment.h"
#include "ledger_record.h"
#include "record.h"
#include "store/store.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#define LEDGER_EVICTED_MAX 4

struct ledger {
    bool none; /* constant, as the next two: no ledger is kept, and what there was is deleted */
    uint64_t age_ms;
    uint64_t size_bytes;

    /* Of the transaction that is tried. */
    struct meta *meta; /* as it will be; borrowed from begin to end, which sets its rows_owed */
    uint64_t nonce;    /* of its rows */
    uint32_t index;    /* of the next row */
    uint64_t left_out; /* rows without room */
    bool young;        /* its oldest row is not too old */
    bool failed;       /* it ended in an error of the ledger, before anything was written */
    bool skipping;     /* set by the caller before begin: it goes without rows */

    bool broken; /* the table is damaged: no rows until it is opened again */
};

/* A transaction begins to change things, and has changed all that it will. Both take the ledger as
 * it is: after ERR_OK the transaction may be committed. Else it must be aborted, and `failed` says
 * whether it was the ledger's fault: then it is tried again with `skipping`. */
__attribute__((warn_unused_result)) enum error ledger_begin(struct ledger *ledger,
                                                            struct environment *environment,
                                                            MDB_txn *txn, struct meta *meta,
                                                            struct error_detail *detail);
__attribute__((warn_unused_result)) enum error ledger_end(struct ledger *ledger,
                                                          struct environment *environment,
                                                          MDB_txn *txn,
                                                          struct error_detail *detail);

/* What moved. Of a lease nothing below `from` is issued, of which 0 says nothing. */
struct ledger_move {
    enum ledger_act act;
    struct range positions;
    uint64_t from;
};

/* Write a row about a move of `name`, of which `record` is as this transaction leaves it; none
 * where there are no positions. Errors as ledger_begin(). */
__attribute__((warn_unused_result)) enum error
ledger_note(struct ledger *ledger, struct environment *environment, MDB_txn *txn, const char *name,
            const struct record *record, const struct ledger_move *move,
            struct error_detail *detail);

/* Write a row of another data set as it is, whose id lies behind those of all rows that are there.
 * Errors as ledger_begin(). */
__attribute__((warn_unused_result)) enum error
ledger_carry(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
             const struct ledger_entry *entry, struct error_detail *detail);

/* So many rows of that other data set are lost: they count as left out here. */
void ledger_carry_lack(struct ledger *ledger, uint64_t count);

/* The way of store_ledger(); `meta` is that of the last commit. ERR_NOT_FOUND  no ledger is kept.
 * ERR_IO, ERR_CORRUPT  it cannot be read. Or what `visit` returned. */
__attribute__((warn_unused_result)) enum error
ledger_read(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
            const struct meta *meta, struct store_ledger_query *query, store_ledger_fn *visit,
            void *context, struct error_detail *detail);

#endif
