/* identity: is this the very file, on the very machine, that the sentinel remembers?
 *
 * The law: a file is known by its inode number and the moment at which the file system made it
 * (where it keeps one), which no program can set. So every file that was copied, unpacked, cloned
 * or restored is another one, and one that was renamed or moved within its file system is the same.
 * The device number is left out: it changes from one mount to the next.
 *
 * Threads: any. */
#ifndef SEQD_STORE_IDENTITY_H
#define SEQD_STORE_IDENTITY_H

#include "base/error.h"
#include "record.h"
#include "sentinel.h"
#include "store/store_lmdb.h"

#include <stdbool.h>
#include <stdint.h>

/* Which file is open as `fd`. ERR_IO with errno set. */
__attribute__((warn_unused_result)) enum error identity_of_file(int fd,
                                                                struct sentinel_file *ret_file);

/* What a start found. */
struct identity_found {
    struct sentinel_file data;
    struct sentinel_file sentinel;
    const uint8_t *machine; /* STORE_LMDB_MACHINE_SIZE bytes, all zero: unknown */
};

/* Hold what was found against what `slot` remembers, as far as `counts` wants. What is unknown on
 * either side (the moment, the machine) is not held against it. ERR_FENCED  what differs, in
 * `detail`. */
__attribute__((warn_unused_result)) enum error identity_check(const struct sentinel_slot *slot,
                                                              const struct identity_found *found,
                                                              enum store_lmdb_identity counts,
                                                              struct error_detail *detail);

/* How far to move every mark of a copy whose meta record is `meta`: ten times `max_gap`, the
 * largest of its counters, or what the highest rate that it remembers came to until `now_ms`. */
uint64_t identity_propose_skip(const struct meta *meta, uint64_t max_gap, int64_t now_ms);

#endif
