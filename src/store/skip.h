/* skip: moves every mark of a data set forward, past all that a copy of it may lack.
 *
 * The law: after it no position is below a mark that was issued in the life that the copy does not
 * know, as long as that life issued no more than was skipped. Tombstones move as well: that life
 * may have made the sequence anew.
 *
 * Threads: one at a time, within one write transaction. */
#ifndef SEQD_STORE_SKIP_H
#define SEQD_STORE_SKIP_H

#include "base/error.h"
#include "environment.h"
#include "ledger.h"
#include "record.h"
#include "store/store_lmdb.h"

#include <lmdb.h>
#include <stdint.h>

struct skip {
    struct ledger *ledger;         /* where it is noted */
    uint64_t positions;            /* wanted: 0 … STORE_LMDB_SKIP_MAX */
    struct store_lmdb_moved moved; /* what came of it; good once the commit has succeeded */
};

/* Move the mark of `record`, of `name`, and write it: of a counter by `skip->positions` or to its
 * end; of a timestamp sequence to the last moment that could have been borrowed of time by
 * `now_ms`, ms since 1970. Errors as copies_write() and ledger_note(). */
enum error skip_record(struct skip *skip, struct environment *environment, MDB_txn *txn,
                       const char *name, struct record *record, int64_t now_ms,
                       struct error_detail *detail);

/* The `apply` of a struct change (dataset.h) with a struct skip as its context: every record, and
 * every one anew. ERR_CORRUPT  no copy of one is whole: which, in `detail`. */
enum error skip_all(struct environment *environment, MDB_txn *txn, void *context,
                    struct error_detail *detail);

#endif
