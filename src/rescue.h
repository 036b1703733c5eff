/* rescue: acts on a data directory that a start has refused, or that is to become one.
 *
 * Threads: one at a time. */
#ifndef SEQD_RESCUE_H
#define SEQD_RESCUE_H

#include "store/store_lmdb.h"

#include <stdbool.h>
#include <stdint.h>

/* store_lmdb_adopt(); logs what it did, or why not. */
bool rescue_adopt(const struct store_lmdb_options *options, uint64_t skip);

/* store_lmdb_restore() of the file `path`; likewise. With `skip` NULL it refuses, and proposes
 * one. */
bool rescue_restore(const struct store_lmdb_options *options, const char *path,
                    const uint64_t *skip);

#endif
