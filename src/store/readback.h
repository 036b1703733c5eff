/* readback: is what we see of a file what really lies on the disk?
 *
 * The law: after a failed write the page cache may go on showing data that never reached the disk,
 * clean and forever, and a restarted process sees the same cache. So before the data file is
 * trusted, dirty pages are written, clean ones dropped, and the rest is compared with a read around
 * the cache. Reading it all also turns a bad sector into an error here, where a mapping would kill
 * the process.
 *
 * Source: Rebello et al., "Can Applications Recover from fsync Failures?" (ATC 2020).
 *
 * Threads: one at a time; nobody may have the file mapped. */
#ifndef SEQD_STORE_READBACK_H
#define SEQD_STORE_READBACK_H

#include "base/error.h"
#include "directory.h"

#include <stdint.h>

/* Check the file `name`, at least `size_min_bytes` long. Where the file system has no direct reads
 * (tmpfs), reading it all is the check.
 * ERR_CORRUPT  missing or shorter. ERR_IO  unreadable, or disk and cache differ. ERR_INVALID  may
 * not be written. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error readback_check(const struct directory *directory,
                                                              const char *name,
                                                              uint64_t size_min_bytes,
                                                              struct error_detail *detail);

#endif
