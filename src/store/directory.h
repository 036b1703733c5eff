/* directory: the data directory, its lock, and what lies in it.
 *
 * The law: one process at a time holds a data directory, by flock(2) on the directory itself, so
 * there is no lock file that somebody could delete. The descriptor is held for life, and every
 * commit asks whether the path still leads to it: a directory that was moved away or replaced
 * belongs to somebody else.
 *
 * Threads: one at a time. */
#ifndef SEQD_STORE_DIRECTORY_H
#define SEQD_STORE_DIRECTORY_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

#define DIRECTORY_DATA "data.mdb"     /* LMDB's data file */
#define DIRECTORY_LOCK "lock.mdb"     /* LMDB's lock table; may be deleted while seqd is stopped */
#define DIRECTORY_SENTINEL "sentinel" /* the witness, see sentinel.h */
#define DIRECTORY_SENTINEL_NEW "sentinel.new" /* the same before it is renamed */

struct directory {
    bool any_filesystem; /* set before the open: also one that filesystem.h refuses */
    char path[PATH_MAX]; /* absolute */
    int fd;              /* owned; holds the lock */
};

/* Open and lock the directory at `path`; directory_close() ends it.
 * ERR_NOT_FOUND  there is none. ERR_INVALID  it is no directory, permissions are missing, or its
 *                file system is refused.
 * ERR_CONFLICT   another process, or another store of this one, holds it. ERR_IO. */
__attribute__((warn_unused_result)) enum error
directory_open(struct directory *directory, const char *path, struct error_detail *detail);

void directory_close(struct directory *directory);

/* Whether a sentinel of ours lies in it; if not it is empty: `lost+found`, and the leftover of an
 * initialisation that had not begun, do not count.
 * ERR_INVALID  it holds files and no sentinel; the first of them by name in `detail`.
 * ERR_CORRUPT  it holds a data file and no sentinel. ERR_IO. */
__attribute__((warn_unused_result)) enum error
directory_survey(const struct directory *directory, bool *ret_ours, struct error_detail *detail);

/* ERR_NOT_FOUND  no data file lies in it. ERR_IO … */
__attribute__((warn_unused_result)) enum error
directory_check_data(const struct directory *directory, struct error_detail *detail);

/* ERR_FENCED when the path leads elsewhere by now, or `name` in it is no longer the file open as
 * `fd`. ERR_IO, ERR_INVALID …  it cannot be told. */
__attribute__((warn_unused_result)) enum error
directory_still_holds(const struct directory *directory, const char *name, int fd,
                      struct error_detail *detail);

/* Delete `name`; one that is not there is no failure. ERR_INVALID, ERR_IO. */
__attribute__((warn_unused_result)) enum error
directory_remove(const struct directory *directory, const char *name, struct error_detail *detail);

/* Make the names in it durable. ERR_IO, ERR_UNAVAILABLE. */
__attribute__((warn_unused_result)) enum error directory_sync(const struct directory *directory,
                                                              struct error_detail *detail);

/* The failed call `what` on `name` (NULL: the directory), with errno still set: the text in
 * `detail`, with what to do where permissions or room are missing, and the code. */
enum error directory_fail(const struct directory *directory, const char *what, const char *name,
                          struct error_detail *detail);

#endif
