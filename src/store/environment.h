/* environment: one LMDB environment with our tables, from open to close.
 *
 * The law: LMDB's default durability. The data file is checked before LMDB may map it, and every
 * page that a commit writes was written with real zeros and synced before, so that neither a full
 * disk nor a lost write to a new block can break a renewal (ext4 forgets such a block without a
 * word).
 *
 * Threads: one at a time; one environment of a directory in a process. */
#ifndef SEQD_STORE_ENVIRONMENT_H
#define SEQD_STORE_ENVIRONMENT_H

#include "base/error.h"
#include "directory.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct environment {
    const struct directory *directory; /* borrowed */
    uint64_t map_size_bytes;           /* grows by environment_grow() and survives a close */
    uint64_t map_size_max_bytes;

    MDB_env *env;          /* owned; NULL when closed */
    MDB_dbi meta;          /* the data set as a whole */
    MDB_dbi sequence;      /* one record a sequence … */
    MDB_dbi mirror;        /* … and each of all these records once more */
    MDB_dbi ledger;        /* one row an act; of no account for what may be issued */
    bool tables_open;      /* the four above are good beyond the transaction that opened them */
    bool has_ledger;       /* … the last of them only where this says so: it may be damaged */
    bool full;             /* the last failure was a full map, found before anything was written */
    bool tight;            /* the disk or the map has not all the room that a commit might want */
    uint64_t ledger_pages; /* of the ledger, as of the last commit */
};

/* Make a new data file, filled with zeros to STORE_LMDB_ZEROS_BYTES and synced, and open it. There
 * is none yet. ERR_INVALID, ERR_UNAVAILABLE, ERR_IO, ERR_NO_MEMORY: closed again. */
__attribute__((warn_unused_result)) enum error environment_create(struct environment *environment,
                                                                  struct error_detail *detail);

/* Check the data file that is there, and open it.
 * ERR_CORRUPT  missing, cut or not LMDB's. ERR_FENCED  another version of LMDB's. Or as above. */
__attribute__((warn_unused_result)) enum error environment_open(struct environment *environment,
                                                                struct error_detail *detail);

/* Closed already is accepted. No transaction may be open. */
void environment_close(struct environment *environment);

/* Begin the one write transaction, with the tables open in it (made, where they are missing and
 * `create`). ERR_CORRUPT  a table is missing. ERR_IO, ERR_NO_MEMORY … */
__attribute__((warn_unused_result)) enum error environment_begin(struct environment *environment,
                                                                 bool create, MDB_txn **ret_txn,
                                                                 struct error_detail *detail);

/* Commit `*txn`, which is NULL afterwards whatever happens. ERR_OK: durable. Otherwise the outcome
 * is unknown, unless `environment->full`: then nothing was written. */
__attribute__((warn_unused_result)) enum error
environment_commit(struct environment *environment, MDB_txn **txn, struct error_detail *detail);

/* Let go of `*txn`, which may be NULL; nothing was written. */
void environment_abort(MDB_txn **txn);

/* Before a transaction: have as many pages behind the used ones filled with zeros as the largest
 * one could reach for, and the next. A disk too full for that is no failure: LMDB may do with the
 * pages it has, as long as what is kept does not grow; `tight` says so. ERR_IO … */
__attribute__((warn_unused_result)) enum error
environment_make_room(struct environment *environment, struct error_detail *detail);

/* May `txn` add a sequence, and the map still hold what renewing all of them takes? ERR_UNAVAILABLE
 * it would not; nothing has changed. ERR_IO … */
__attribute__((warn_unused_result)) enum error
environment_check_headroom(struct environment *environment, MDB_txn *txn,
                           struct error_detail *detail);

/* How many pages the ledger has within `txn`; remembered in `ledger_pages`. */
uint64_t environment_ledger_pages(struct environment *environment, MDB_txn *txn);

/* Double the map, after a failure with `full`. ERR_UNAVAILABLE  it is at its limit; `full` stays
 * set, and the environment is as good as before. ERR_IO, ERR_NO_MEMORY  it must be closed. */
__attribute__((warn_unused_result)) enum error environment_grow(struct environment *environment,
                                                                struct error_detail *detail);

/* The failed call `what` of LMDB, which returned `code`: sets `full`, the text and the code, which
 * is ERR_UNAVAILABLE, ERR_IO, ERR_CORRUPT, ERR_FENCED or ERR_NO_MEMORY. */
enum error environment_fail(struct environment *environment, int code, const char *what,
                            struct error_detail *detail);

#endif
