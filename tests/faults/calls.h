/* calls: every call by which the store could be let down by the kernel or the C library, each of
 * which fails when a rig says so.
 *
 * The law: while armed, each call of this process is counted under its kind, and the one that was
 * told fails in the way that was told. These files define the functions themselves, so the store's
 * calls, liblmdb's and (of allocations) the C library's own all come here. Nothing is looked at but
 * the order of the calls: what is not to be counted is done while disarmed.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_FAULTS_CALLS_H
#define SEQD_TESTS_FAULTS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum call {
    CALL_OPEN,   /* open, openat */
    CALL_CLOSE,  /* close */
    CALL_LOOK,   /* fstat, fstatat, stat, statx, fstatfs, faccessat */
    CALL_LIST,   /* readdir */
    CALL_LOCK,   /* flock, fcntl */
    CALL_SEEK,   /* lseek */
    CALL_READ,   /* pread */
    CALL_MAP,    /* mmap */
    CALL_WRITE,  /* pwrite, writev */
    CALL_META,   /* a pwrite that syncs (O_DSYNC): LMDB's meta page */
    CALL_SYNC,   /* fsync, fdatasync */
    CALL_CUT,    /* ftruncate */
    CALL_RENAME, /* renameat */
    CALL_UNLINK, /* unlinkat */
    CALL_RANDOM, /* getrandom */
    CALL_MEMORY, /* malloc, calloc, realloc, posix_memalign */
    CALLS
};

enum fault_kind {
    FAULT_EIO,    /* nothing happens, EIO */
    FAULT_ENOSPC, /* nothing happens, ENOSPC */
    FAULT_EMFILE, /* nothing happens, EMFILE */
    FAULT_ENOMEM, /* nothing happens, ENOMEM */
    FAULT_SHORT,  /* half of it happens, and the call says so */
    FAULT_LATE,   /* it happens, and EIO comes back all the same */
    FAULT_STUCK,  /* as late, and the next call, whichever, fails: what a caller would undo stays */
    FAULT_SLOW,   /* it takes some milliseconds, and is well */
    FAULT_KILL,   /* the process dies, as by kill -9, before it happens */
    FAULT_DEAD,   /* EIO, and so each of its kind from then on */
    FAULT_FULL,   /* ENOSPC, likewise */
    FAULT_EMPTY,  /* ENOMEM, likewise */
    FAULT_KINDS
};

/* What may be said of a call. */
const char *call_name(enum call call);
const char *fault_name(enum fault_kind kind);
bool fault_fits(enum call call, enum fault_kind kind);

/* Does the fault end with one call, so that whoever asks again is served? */
bool fault_passes(enum fault_kind kind);

/* From now on count into `counts` (borrowed; may be shared with another process), and let the
 * `number`-th call (from 1) of kind `call` fail; 0: none. */
void calls_arm(uint64_t counts[CALLS], enum call call, uint64_t number, enum fault_kind kind);

/* From now on every call is the kernel's again, and none is counted. Returns how many were made to
 * fail. */
unsigned calls_disarm(void);

/* ... and how many were so far. */
unsigned calls_struck(void);

/* For the files that define the functions: what becomes of this call. */
enum course {
    COURSE_WELL,
    COURSE_FAILS, /* errno is set: do nothing */
    COURSE_HALF,
    COURSE_LATE, /* do it, then fail with EIO */
};

enum course calls_judge(enum call call);

#endif
