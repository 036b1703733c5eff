/* failure: foreign error codes to ours, for the kernel and for LMDB, each in its one function.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_STORE_FAILURE_H
#define SEQD_STORE_FAILURE_H

#include "base/error.h"

/* What an errno means here:
 * ERR_UNAVAILABLE  no room: ENOSPC, EDQUOT, and no file descriptor left.
 * ERR_INVALID      may not be written: EACCES, EPERM, EROFS.
 * ERR_NOT_FOUND    ENOENT. ERR_NO_MEMORY  ENOMEM. ERR_IO  all others. */
enum error failure_of_errno(int code);

/* What a return code of LMDB, which may be an errno, means; ERR_OK for 0. */
enum error failure_of_lmdb(int code);

#endif
