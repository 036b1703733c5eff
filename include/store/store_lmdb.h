/* store_lmdb: high-water marks in an LMDB environment on a local disk; one daemon, one directory.
 *
 * The law: LMDB's default durability and nothing less; opened once, after any fork; one writer.
 * Every record stands twice with version, generation and checksum, and a sentinel outside the
 * data file says that the directory was initialised, which commit came last, and in which files on
 * which machine. So a missing, emptied, truncated or older data file is refused rather than
 * believed, and so is a directory that was copied, restored or cloned, until somebody adopts it.
 * Every byte is in docs/DISK-FORMAT.md.
 *
 * Source of the rules: lmdb.h, "Caveats"; Rebello et al., "Can Applications Recover from fsync
 * Failures?" (ATC 2020). */
#ifndef SEQD_STORE_STORE_LMDB_H
#define SEQD_STORE_STORE_LMDB_H

#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_LMDB_MAP_SIZE_DEFAULT (UINT64_C(64) << 20)
#define STORE_LMDB_MAP_SIZE_MIN (UINT64_C(64) << 10)
#define STORE_LMDB_MAP_SIZE_MAX (UINT64_C(16) << 30)
#define STORE_LMDB_NEW_PERCENT \
    80 /* of the largest map may hold sequences; the rest is to renew them */
#define STORE_LMDB_ZEROS_BYTES (UINT64_C(1) << 20)
#define STORE_LMDB_LEDGER_AGE_DEFAULT_MS (UINT64_C(90) * 24 * 3600 * 1000)
#define STORE_LMDB_LEDGER_SIZE_DEFAULT (UINT64_C(16) << 20)
#define STORE_LMDB_LEDGER_SIZE_MIN (UINT64_C(1) << 20)
#define STORE_LMDB_LEDGER_SIZE_MAX (UINT64_C(256) << 20)
#define STORE_LMDB_MACHINE_SIZE 16                    /* bytes of a hashed machine id */
#define STORE_LMDB_SKIP_MAX ((UINT64_C(1) << 63) - 1) /* positions that an adoption may skip */

/* What of a data directory must be as it was at its last use, else it counts as a copy. */
enum store_lmdb_identity {
    STORE_LMDB_IDENTITY_ALL = 0, /* both of: */
    STORE_LMDB_IDENTITY_FILE,    /* the files: inode and the moment they were made */
    STORE_LMDB_IDENTITY_MACHINE, /* the machine id */
    STORE_LMDB_IDENTITY_NONE,
};

struct store_lmdb_options {
    const char *directory; /* borrowed for the open; must exist */
    /* Where the map starts, STORE_LMDB_MAP_SIZE_MIN … _MAX; it grows by doubling. */
    uint64_t map_size_bytes;
    /* Where it stops growing, and where it starts at the most, within the same limits; 0:
     * STORE_LMDB_MAP_SIZE_MAX. At STORE_LMDB_NEW_PERCENT of it no new sequence is made. */
    uint64_t map_size_max_bytes;
    /* The path of a witness on another file system, borrowed for the open; NULL: none. Commits that
     * it cannot be told of count as failures of the disk. */
    const char *witness;
    /* Also a file system that is remote, shared or in memory: for tests, and who knows better. */
    bool any_filesystem;
    enum store_lmdb_identity identity;
    uint8_t machine[STORE_LMDB_MACHINE_SIZE]; /* the machine id, hashed; all zero: unknown */

    /* How long the ledger remembers, and how much. Its size is that of its pages in the data file,
     * STORE_LMDB_LEDGER_SIZE_MIN … _MAX. */
    uint64_t ledger_age_ms;     /* 0: STORE_LMDB_LEDGER_AGE_DEFAULT_MS */
    uint64_t ledger_size_bytes; /* 0: STORE_LMDB_LEDGER_SIZE_DEFAULT */
    bool no_ledger;             /* keep none, and delete the one that is there */
};

/* Open the data directory, or initialise it when it is empty, and hold its lock (flock on the
 * directory) until store_close(). What a failure says in `detail` names the path, what was found,
 * and what to do.
 * ERR_NOT_FOUND    no such directory (it is never created: a mount that is missing must not look
 *                  like a fresh start).
 * ERR_INVALID      not a directory, read-only, or not empty and not ours; on a file system that is
 *                  not a disk of this machine; a size outside its limits.
 * ERR_CONFLICT     another process holds it.
 * ERR_CORRUPT      ours, and damaged: a missing, empty, cut or older data file, or a bad meta
 *                  record.
 * ERR_FENCED       ours, and written by a newer format; or a copy: what differs, and what to type,
 *                  in `detail`.
 * ERR_UNAVAILABLE  the disk is full. ERR_IO  the disk refused. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
store_lmdb_open(const struct store_lmdb_options *options, struct store **ret_store,
                struct error_detail *detail);

/* What an adoption or a restore did. */
struct store_lmdb_moved {
    uint64_t counters;   /* counter sequences moved forward, tombstones included */
    uint64_t timestamps; /* timestamp sequences moved to what may have been borrowed of the clock */
    uint64_t exhausted;  /* of the counters: they have no number left */
};

/* Take the closed data directory as it is, copy or not, for the one and only: every counter's mark
 * moves forward by `skip` positions (0 … STORE_LMDB_SKIP_MAX), every timestamp sequence's to the
 * end of what may be borrowed of time now; a new incarnation begins, and the sentinel is made anew.
 * All marks move in one commit. A call that failed or was cut off may be repeated: the marks then
 * may have moved already, and move again. `options->identity` does not count.
 * ERR_NOT_FOUND  no directory, or no data set in it. ERR_CONFLICT  a daemon has it. Others as
 * store_lmdb_open(). */
__attribute__((warn_unused_result)) enum error
store_lmdb_adopt(const struct store_lmdb_options *options, uint64_t skip,
                 struct store_lmdb_moved *ret_moved, struct error_detail *detail);

/* How far to skip when the `length` bytes at `backup`, what store_backup() wrote, are restored now.
 * ERR_CORRUPT, ERR_FENCED  they are not whole, or of another format: the line in `detail`. */
__attribute__((warn_unused_result)) enum error store_lmdb_propose_skip(const char *backup,
                                                                       size_t length,
                                                                       uint64_t *ret_skip,
                                                                       struct error_detail *detail);

/* Make a new data set, with an instance of its own, of an empty directory and a backup, and move
 * its marks as an adoption does. A call that failed or was cut off has issued nothing and may be
 * repeated. ERR_INVALID  the directory is not empty. ERR_CORRUPT, ERR_FENCED  as above. Others as
 * store_lmdb_open(). */
__attribute__((warn_unused_result)) enum error
store_lmdb_restore(const struct store_lmdb_options *options, const char *backup, size_t length,
                   uint64_t skip, struct store_lmdb_moved *ret_moved, struct error_detail *detail);

#endif
