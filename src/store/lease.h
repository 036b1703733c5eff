/* lease: what store_reserve() and store_give_back() do to the records, within a transaction.
 *
 * The law: a lease begins at or above the mark, and the mark moves to its end in the same
 * transaction, with its row in the ledger. A mark goes back only where record and lease are exactly
 * those of whoever gives back.
 *
 * Each is the `apply` of a struct change (dataset.h) and may run more than once. Errors as
 * copies_read(), copies_write() and ledger_note().
 *
 * Threads: one at a time, within one write transaction. */
#ifndef SEQD_STORE_LEASE_H
#define SEQD_STORE_LEASE_H

#include "base/error.h"
#include "base/range.h"
#include "environment.h"
#include "ledger.h"
#include "store/store.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one request or return comes to, held back until its commit has succeeded. */
struct lease_result {
    enum error error;
    struct range lease;
    uint64_t generation;
    bool accepted;
};

/* One call of store_reserve(). */
struct lease_reserving {
    struct ledger *ledger;
    struct store_request *requests;
    struct lease_result *results; /* as many */
    size_t count;
    uint64_t positions; /* leased, of counters: time is not used up by being asked for */
};

/* One call of store_give_back(). */
struct lease_giving {
    struct ledger *ledger;
    const struct store_return *returns;
    struct lease_result *results; /* as many */
    size_t count;
};

enum error lease_reserve(struct environment *environment, MDB_txn *txn, void *context,
                         struct error_detail *detail);
enum error lease_give_back(struct environment *environment, MDB_txn *txn, void *context,
                           struct error_detail *detail);

#endif
