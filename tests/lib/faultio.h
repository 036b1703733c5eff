/* faultio: a disk that fails when a test says so.
 *
 * The law: this file defines pwrite, writev, pread, fsync, fdatasync, ftruncate and renameat, so a
 * program that uses it has them in place of the C library's, for its own calls and for liblmdb's.
 * They fail for files whose name ends as told, and are the C library's for all others.
 *
 * A test counts the calls of a script that runs well, then lets the script run again and again with
 * the 1st, 2nd, 3rd … call failing, until a run meets no fault.
 *
 * Threads: one at a time. */
#ifndef SEQD_TESTS_LIB_FAULTIO_H
#define SEQD_TESTS_LIB_FAULTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum faultio_kind {
    FAULTIO_EIO,    /* nothing happens, EIO */
    FAULTIO_ENOSPC, /* nothing happens, ENOSPC */
    FAULTIO_SHORT,  /* a write writes half of it and says so; a sync fails with EIO */
    FAULTIO_LATE,   /* it happens, and EIO comes back all the same */
    FAULTIO_STUCK,  /* as late, and the next call fails with EIO: what a caller would undo stays */
    FAULTIO_KILL,   /* the process dies, as by kill -9, before it happens */
};

/* Which calls count. */
enum faultio_calls {
    FAULTIO_ANY,        /* writes, syncs and truncations of the files told */
    FAULTIO_WRITES,     /* pwrite and writev */
    FAULTIO_SYNCS,      /* fsync and fdatasync */
    FAULTIO_DATA_SYNCS, /* fdatasync alone */
    FAULTIO_META,       /* a pwrite that syncs (O_DSYNC): LMDB's meta page */
};

/* The `first`-th call (from 1) of those that count, and the `times` - 1 after it, fail as `kind`.
 * */
struct faultio_plan {
    const char *ending; /* of the file's path; NULL: data.mdb and sentinel (also sentinel.new) */
    enum faultio_calls calls;
    unsigned first;
    unsigned times; /* UINT_MAX: for good */
    enum faultio_kind kind;
};

#define FAULTIO_PLANS_MAX 4

/* Forget all plans and counts: the disk is well. */
void faultio_reset(void);

/* Add a plan; its count begins now. With several, the first that wants a call fails it. */
void faultio_add(struct faultio_plan plan);

/* How many calls plan `index` (in the order of adding) has counted so far. */
unsigned faultio_counted(unsigned index);

/* How many calls were made to fail since the reset. */
unsigned faultio_failed(void);

/* From now on reads around the page cache of a path that ends so see one bit turned; NULL ends it.
 * */
void faultio_turn_direct_reads(const char *ending);

/* How many reads were turned since the reset. */
unsigned faultio_turned(void);

enum faultio_event_kind {
    FAULTIO_WRITTEN,      /* in the page cache: a power cut may keep it, in part, or not */
    FAULTIO_WRITTEN_DOWN, /* on the disk: a write that syncs (O_DSYNC) */
    FAULTIO_SYNCED,       /* all of the file, or folder, that was written before is on the disk */
    FAULTIO_RENAMED,      /* in the folder's cache: a power cut may keep it or not */
};

/* One call that succeeded. `path` (of what was renamed, the new one) and `bytes` are borrowed for
 * the observer's call. */
struct faultio_event {
    enum faultio_event_kind kind;
    const char *path;
    uint64_t offset;
    const void *bytes;
    size_t length;
};

typedef void faultio_observe_fn(void *context, const struct faultio_event *event);

/* From now on `observe` is told of every write, sync and renaming, of any file; NULL ends it. */
void faultio_observe(faultio_observe_fn *observe, void *context);

#endif
