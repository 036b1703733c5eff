/* store_lmdb: high-water marks in an LMDB environment on a local disk; one daemon, one directory.
 *
 * The law: LMDB's default durability and nothing less; opened once, after any fork; one writer.
 * Every record stands twice with version, generation and checksum, and a sentinel outside the
 * data file says that the directory was initialised and which commit came last, so that a
 * missing, emptied, truncated or older data file is refused rather than believed. Every byte is
 * in docs/DISK-FORMAT.md.
 *
 * Source of the rules: lmdb.h, "Caveats"; Rebello et al., "Can Applications Recover from fsync
 * Failures?" (ATC 2020). */
#ifndef SEQD_STORE_STORE_LMDB_H
#define SEQD_STORE_STORE_LMDB_H

#include "store/store.h"

#include <stdint.h>

#define STORE_LMDB_MAP_SIZE_DEFAULT (UINT64_C(64) << 20)
#define STORE_LMDB_MAP_SIZE_MIN (UINT64_C(64) << 10)
#define STORE_LMDB_MAP_SIZE_MAX (UINT64_C(16) << 30)
#define STORE_LMDB_ZEROS_BYTES (UINT64_C(1) << 20)

struct store_lmdb_options {
    const char *directory; /* borrowed for the open; must exist */
    /* Where the map starts, STORE_LMDB_MAP_SIZE_MIN … _MAX; it grows by doubling. */
    uint64_t map_size_bytes;
    /* Where it stops growing, within the same limits; 0: STORE_LMDB_MAP_SIZE_MAX. */
    uint64_t map_size_max_bytes;
};

/* Open the data directory, or initialise it when it is empty, and hold its lock (flock on the
 * directory) until store_close(). What a failure says in `detail` names the path, what was found,
 * and what to do.
 * ERR_NOT_FOUND    no such directory (it is never created: a mount that is missing must not look
 *                  like a fresh start).
 * ERR_INVALID      not a directory, read-only, or not empty and not ours; map size outside its
 *                  limits.
 * ERR_CONFLICT     another process holds it.
 * ERR_CORRUPT      ours, and damaged: a missing, empty, cut or older data file, or a bad meta
 *                  record.
 * ERR_FENCED       ours, written by a newer format.
 * ERR_UNAVAILABLE  the disk is full. ERR_IO  the disk refused. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
store_lmdb_open(const struct store_lmdb_options *options, struct store **ret_store,
                struct error_detail *detail);

#endif
