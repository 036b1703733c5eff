/* edit: what an administrator's calls do to the record of one sequence, within a transaction.
 *
 * The law: no edit brings back a number. The floor grows over what the record may have issued
 * before its definition, its mark or its life changes; a mark goes down only in edit_advance()
 * backward.
 *
 * Each is the `apply` of a struct change (dataset.h), with a struct edit as its context, and may
 * run more than once. ERR_CORRUPT  no copy of the record is whole: a new one in its place would
 * begin again at 0. Others as copies_read(), copies_write() and ledger_note().
 *
 * Threads: one at a time, within one write transaction. */
#ifndef SEQD_STORE_EDIT_H
#define SEQD_STORE_EDIT_H

#include "base/definition.h"
#include "base/error.h"
#include "environment.h"
#include "ledger.h"
#include "record.h"
#include "store/store.h"

#include <lmdb.h>
#include <stdint.h>

struct edit {
    const char *name;
    struct ledger *ledger;               /* where an advance is noted */
    const struct definition *definition; /* edit_define() */
    const struct store_move *move;       /* edit_advance() */

    /* What came of it; good once the commit has succeeded. */
    enum error outcome;      /* ERR_OK; ERR_NOT_FOUND, ERR_EXHAUSTED, ERR_UNAVAILABLE: no change */
    struct error_detail why; /* of the outcome */
    struct record record;    /* as written */
    uint64_t mark_before;    /* edit_advance() */
};

/* store_define(), store_drop(), store_advance(). */
enum error edit_define(struct environment *environment, MDB_txn *txn, void *context,
                       struct error_detail *detail);
enum error edit_drop(struct environment *environment, MDB_txn *txn, void *context,
                     struct error_detail *detail);
enum error edit_advance(struct environment *environment, MDB_txn *txn, void *context,
                        struct error_detail *detail);

#endif
