/* script: one life of a store over LMDB, from an empty directory to a clean stop, with the promise
 * checked on the way: whatever the disk does, no position is granted twice, and no mark falls below
 * what was granted.
 *
 * The script goes on after a failure as a keeper would: it recovers, keeps its floors, and asks
 * again.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_SCRIPT_H
#define SEQD_TESTS_LIB_SCRIPT_H

#include "base/range.h"
#include "dir.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_SEQUENCES 3
#define SCRIPT_ROUNDS 4
#define SCRIPT_COUNT 10 /* positions in each reserve */

/* What became known of one sequence. */
struct script_track {
    uint64_t granted_limit; /* above everything granted and not given back */
    uint64_t floor;         /* as a keeper keeps it */
    struct store_request lease;
};

/* Told of every grant, at once, and of a return: from then on all below `limit` counts as issued.
 * */
typedef void script_grant_fn(void *context, size_t sequence, uint64_t limit);

struct script {
    const struct dir *dir;
    script_grant_fn *on_grant; /* NULL: nobody is told */
    void *context;
    struct script_track tracks[SCRIPT_SEQUENCES];
    unsigned grants;
    unsigned failures; /* calls that did not return ERR_OK */
};

/* Live one life. Every wait for a healthier disk ends: after a few tries the script gives up,
 * closes, and returns false. */
bool script_run(struct script *script);

/* With the disk well again: open, compare every mark with `granted_limits`, and grant once more. */
void script_check(const struct dir *dir, const uint64_t granted_limits[SCRIPT_SEQUENCES]);

#endif
