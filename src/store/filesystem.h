/* filesystem: may LMDB's map and seqd's syncs be trusted on the file system of an open folder?
 *
 * The law: what is known to be remote, shared by machines, or kept in memory is refused. LMDB must
 * not be mapped over a network, for two machines would each see a map of their own; and what lies
 * in memory has forgotten every number by the next boot. What is not known is taken for a disk, or
 * each new file system of Linux would have to be learnt before it could be used. An overlay counts
 * as the disk below it: its upper layer is an ordinary folder there, with its syncs and inodes.
 *
 * Threads: any. */
#ifndef SEQD_STORE_FILESYSTEM_H
#define SEQD_STORE_FILESYSTEM_H

#include "base/error.h"

#include <stdint.h>

/* What is wrong with the file system whose statfs(2) says `type`: a few words for a person, static;
 * NULL: nothing that is known. */
const char *filesystem_objection(uint64_t type);

/* Look at the file system of the folder open as `fd`; `path` is for the text.
 * ERR_INVALID  it is one that is refused. ERR_IO … it does not say. */
__attribute__((warn_unused_result)) enum error filesystem_check(int fd, const char *path,
                                                                struct error_detail *detail);

#endif
