/* store: the contract of every place that remembers high-water marks.
 *
 * The law: when store_reserve() has returned ERR_OK, the new high-water marks are durable, and no
 * other call, process, restart or node will ever be given a position of those leases. When it has
 * returned anything else, nothing was reserved that may be issued, now or later: what the attempt
 * may have reached is burnt.
 *
 * A name outlives its sequence. A dropped sequence leaves a tombstone, which keeps the floor of the
 * name: the numbers that may have been issued in all its lives. Whatever is defined under the name
 * later begins beyond them. Only store_advance() backward, which an administrator forces, lets
 * numbers come again, and only until the next drop.
 *
 * What a caller may not assume, because a store that several nodes share cannot give it: that a
 * lease continues the one before, that an answer comes soon, or that a failed call changed
 * nothing.
 *
 * Threads: one thread at a time owns a store, from open to close (the keeper, between start and
 * stop). Calls may block on a disk or a network for as long as those take. */
#ifndef SEQD_STORE_STORE_H
#define SEQD_STORE_STORE_H

#include "base/definition.h"
#include "base/error.h"
#include "base/floor.h"
#include "base/ledger_entry.h"
#include "base/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STORE_REQUESTS_MAX 1024    /* sequences in one commit */
#define STORE_LEDGER_PAGE_MAX 1000 /* rows of the ledger in one call */
#define STORE_LEDGER_SCAN_MAX 5000 /* rows that one call looks at */

/* One remembered sequence. */
struct store_entry {
    char name[SEQUENCE_NAME_MAX + 1];
    struct definition definition;
    uint64_t mark;       /* high-water mark: no position at or above it has ever been issued */
    uint64_t generation; /* changes with every durable change of this record */
    /* Numbers that may have been issued before: in earlier lives of the name, and above the mark
     * before it was moved backward. */
    struct floor floor;
};

/* One move of a sequence's mark, by an administrator's will. */
struct store_move {
    uint64_t position; /* 0 … capacity */
    bool backward;     /* false: the mark becomes `position` unless it is there or beyond already */

    /* Written by the store when the call returned ERR_OK: every position ever leased lay below. */
    uint64_t mark_before;
};

/* One sequence's part of a commit: what the caller wants, and what it got. */
struct store_request {
    const char *name; /* borrowed for the call */
    uint64_t count;   /* positions wanted, >= 1 */
    /* The lease starts at or above it, whatever the store remembers; 0: the caller knows none. */
    uint64_t floor;
    /* Nothing of the lease below it will be issued: for the ledger. 0: all of it may be. */
    uint64_t from;

    /* Written by the store when the call as a whole returned ERR_OK. */
    /* ERR_OK; ERR_NOT_FOUND; ERR_CORRUPT: this record is damaged beyond both copies. The other
     * requests of the commit are not affected. */
    enum error error;
    struct range lease;  /* up to `count` positions, fewer or none only where the sequence ends */
    uint64_t generation; /* the record's generation as of this commit */

    /* Written by the store whatever the call returned: no position below it may be issued out of
     * this attempt, and it is the least `floor` of every later request. On ERR_OK it equals
     * lease.limit. */
    uint64_t burnt_limit;
};

/* One sequence's unissued rest, given back at a clean stop. The record changes only if its mark
 * and generation are still exactly those of the lease that we own. */
struct store_return {
    const char *name;     /* borrowed for the call */
    uint64_t generation;  /* of the commit that made the lease */
    uint64_t lease_limit; /* upper bound of the lease: the mark that we expect to find */
    uint64_t mark;        /* the new mark, <= lease_limit: the first position never issued */

    /* Written by the store when the call returned ERR_OK: false when the record had moved on. */
    bool accepted;
};

/* Called once for each entry; a return other than ERR_OK ends the walk and is forwarded. The
 * entry is borrowed, and the store may not be called from within. */
typedef enum error store_visit_fn(void *context, const struct store_entry *entry,
                                  struct error_detail *detail);

/* Which rows of the ledger are asked for, and what became of it. */
struct store_ledger_query {
    const char *name; /* of that sequence, borrowed for the call; NULL: of every one */
    bool has_number;  /* only rows whose positions have this number */
    int64_t number;
    struct ledger_id after; /* rows behind this one; commit 0: from the oldest on */
    size_t limit;           /* rows, 1 … STORE_LEDGER_PAGE_MAX */

    /* Written by the store when the call returned ERR_OK. */
    bool more;               /* there are rows behind `last` that were not looked at */
    struct ledger_id last;   /* the last row that was looked at; `after` where there was none */
    struct ledger_id oldest; /* that is kept; commit 0: there is none */
    uint64_t damaged;        /* rows that were passed over, because they are damaged */
    uint64_t missing; /* rows that were never written for want of room, since the data set began */
};

/* Called once for each row, oldest first; otherwise as store_visit_fn. */
typedef enum error store_ledger_fn(void *context, const struct ledger_entry *entry,
                                   struct error_detail *detail);

struct store;

/* A store is a struct whose first member is `struct store`. */
struct store_operations {
    enum error (*each)(struct store *store, store_visit_fn *visit, void *context,
                       struct error_detail *detail);
    enum error (*define)(struct store *store, const char *name, const struct definition *definition,
                         struct store_entry *ret_entry, struct error_detail *detail);
    enum error (*reserve)(struct store *store, struct store_request *requests, size_t count,
                          struct error_detail *detail);
    enum error (*give_back)(struct store *store, struct store_return *returns, size_t count,
                            struct error_detail *detail);
    enum error (*drop)(struct store *store, const char *name, struct store_entry *ret_entry,
                       struct error_detail *detail);
    enum error (*advance)(struct store *store, const char *name, struct store_move *move,
                          struct store_entry *ret_entry, struct error_detail *detail);
    enum error (*backup)(struct store *store, FILE *to, struct error_detail *detail);
    enum error (*ledger)(struct store *store, struct store_ledger_query *query,
                         store_ledger_fn *visit, void *context, struct error_detail *detail);
    enum error (*recover)(struct store *store, struct error_detail *detail);
    void (*close)(struct store *store);
};

struct store {
    const struct store_operations *operations;
};

/* Does this answer of a call mean that the store needs store_recover() before it is asked again? */
static inline bool store_has_failed(enum error error)
{
    return error == ERR_UNAVAILABLE || error == ERR_IO || error == ERR_CORRUPT ||
           error == ERR_FENCED || error == ERR_NO_MEMORY;
}

/* Visit every sequence that the store remembers, in no stated order; no tombstones. For the start,
 * before anything is reserved.
 * ERR_CORRUPT  a record is damaged beyond both copies, its name in `detail`. ERR_IO. Or what
 *              `visit` returned. */
__attribute__((warn_unused_result)) static inline enum error
store_each(struct store *store, store_visit_fn *visit, void *context, struct error_detail *detail)
{
    return store->operations->each(store, visit, context, detail);
}

/* Remember `definition` (checked by the caller) under `name` (checked by the caller), durably. A
 * new sequence starts with mark 0; one that exists keeps its mark when its numbers stay the same
 * (definition_same_numbers()). Where they change, and where there is a tombstone, the mark is the
 * first position beyond the name's floor, so no definition brings a number back. Whether replacing
 * is right is the caller's decision.
 * `ret_entry`  what is remembered now; written on ERR_OK.
 * ERR_EXHAUSTED    the name's floor leaves no number of this definition; nothing has changed.
 * ERR_UNAVAILABLE  no room or out of reach; the outcome is unknown, calling again is safe after
 *                  store_recover(). A new name is refused before there is no room to renew the
 *                  others.
 * ERR_IO, ERR_CORRUPT, ERR_FENCED as for store_reserve(). */
__attribute__((warn_unused_result)) static inline enum error
store_define(struct store *store, const char *name, const struct definition *definition,
             struct store_entry *ret_entry, struct error_detail *detail)
{
    return store->operations->define(store, name, definition, ret_entry, detail);
}

/* Reserve positions for `count` sequences (1 … STORE_REQUESTS_MAX, no name twice) in one durable
 * commit.
 * ERR_UNAVAILABLE  no room, or out of reach; may pass. ERR_IO  the disk refused. In both the
 *                  outcome is unknown, `burnt_limit` of each request says what is lost, and every
 *                  later call but store_recover() and store_close() returns ERR_UNAVAILABLE until
 *                  store_recover() has returned ERR_OK. (A store that knows that nothing was
 *                  touched, because it is full, may go on without; recovering is right all the
 *                  same.)
 * ERR_FENCED       the data set has another owner: as above, and store_recover() will fail. */
__attribute__((warn_unused_result)) static inline enum error
store_reserve(struct store *store, struct store_request *requests, size_t count,
              struct error_detail *detail)
{
    return store->operations->reserve(store, requests, count, detail);
}

/* Give back the unissued rest of leases, in one durable commit, by compare-and-set. After it the
 * caller issues nothing. A failure loses no safety: the rest becomes a gap. Errors as for
 * store_reserve(). */
__attribute__((warn_unused_result)) static inline enum error
store_give_back(struct store *store, struct store_return *returns, size_t count,
                struct error_detail *detail)
{
    return store->operations->give_back(store, returns, count, detail);
}

/* Drop `name` (checked by the caller) durably. The tombstone's floor covers everything below the
 * mark: what is leased counts as issued. From then on store_reserve() and store_give_back() know no
 * such sequence. A tombstone is dropped once more without harm, so that a drop whose outcome was
 * unknown can be repeated.
 * `ret_entry`  the tombstone; written on ERR_OK.
 * ERR_NOT_FOUND    the name was never defined; nothing has changed.
 * ERR_UNAVAILABLE, ERR_IO  the outcome is unknown: on the disk it may be dropped.
 * ERR_CORRUPT, ERR_FENCED  as for store_reserve(). */
__attribute__((warn_unused_result)) static inline enum error
store_drop(struct store *store, const char *name, struct store_entry *ret_entry,
           struct error_detail *detail)
{
    return store->operations->drop(store, name, ret_entry, detail);
}

/* Move the mark of `name` durably. Forward nothing is lost but positions. Backward, numbers from
 * the new mark to the old one may be issued again; the floor grows over them first, for the next
 * drop. Leases made before a move backward are the caller's to forget.
 * `ret_entry`  as it is now; written on ERR_OK.
 * ERR_NOT_FOUND    no such sequence, or a tombstone; nothing has changed.
 * ERR_UNAVAILABLE, ERR_IO  the outcome is unknown: nothing below `position` may be issued of a
 *                  forward move, and no mark below the old one may be relied on of a backward one.
 * ERR_CORRUPT, ERR_FENCED  as for store_reserve(). */
__attribute__((warn_unused_result)) static inline enum error
store_advance(struct store *store, const char *name, struct store_move *move,
              struct store_entry *ret_entry, struct error_detail *detail)
{
    return store->operations->advance(store, name, move, ret_entry, detail);
}

/* Write all that is remembered, tombstones too, as of the last commit, to `to`, as text that only a
 * restore reads. Errors of `to` are the caller's to look for. ERR_CORRUPT  a record is damaged
 * beyond both copies, its name in `detail`. ERR_IO, ERR_UNAVAILABLE  as store_each(). */
__attribute__((warn_unused_result)) static inline enum error
store_backup(struct store *store, FILE *to, struct error_detail *detail)
{
    return store->operations->backup(store, to, detail);
}

/* Visit rows of the ledger. Each commit that moves a mark writes a row for each move: what
 * store_reserve() leased, what store_give_back() took back, what store_advance() went over in
 * either direction, and what an adoption skipped; nothing where no position was moved over. The
 * oldest rows are forgotten by and by, as the store's owner wishes, and where there is no room the
 * newest may be missing, which `missing` counts: no lease waits for its row.
 * A call looks at no more than STORE_LEDGER_SCAN_MAX rows; with `more`, there is a next page behind
 * `last`, also where this one is empty.
 * ERR_NOT_FOUND    no ledger is kept.
 * ERR_IO, ERR_CORRUPT  the ledger cannot be read; the store serves on. ERR_UNAVAILABLE  as
 *                  store_each(). Or what `visit` returned. */
__attribute__((warn_unused_result)) static inline enum error
store_ledger(struct store *store, struct store_ledger_query *query, store_ledger_fn *visit,
             void *context, struct error_detail *detail)
{
    return store->operations->ledger(store, query, visit, context, detail);
}

/* After a failure: let go of everything, open afresh, read back what is really on the disk, and
 * make one durable commit that covers no number. ERR_OK: the store may be trusted again.
 * Otherwise the code of what still stands in the way; call again later. Harmless when nothing had
 * failed. */
__attribute__((warn_unused_result)) static inline enum error
store_recover(struct store *store, struct error_detail *detail)
{
    return store->operations->recover(store, detail);
}

/* Close and free. NULL is accepted. Gives nothing back by itself. */
static inline void store_close(struct store *store)
{
    if (store != NULL) {
        store->operations->close(store);
    }
}

#endif
