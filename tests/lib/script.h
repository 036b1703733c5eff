/* script: one life of a store over LMDB, from an empty directory to a clean stop, with the promise
 * checked on the way: whatever the disk does, no position is granted twice, and no mark falls below
 * what was granted.
 *
 * The script goes on after a failure as a keeper would: it recovers, keeps its floors, and asks
 * again. Beside the sequences that are only leased from there is one that lives several times: it
 * is moved, dropped, and defined anew the other way, and none of its numbers may come again.
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

/* What is known to be so, whatever happens to the disk from now on. Each fact begins as 0, which
 * says nothing. */
enum script_fact {
    /* 0 … SCRIPT_SEQUENCES - 1: every position of that sequence below it counts as issued. */
    SCRIPT_HIGHEST = SCRIPT_SEQUENCES, /* of the one that lives several times: no number … */
    SCRIPT_LOWEST,   /* … from UINT64_MAX minus this to that may come again … */
    SCRIPT_BACKWARD, /* … unless this is 1, and until the next drop */
    SCRIPT_FACTS
};

/* What became known of one sequence. */
struct script_track {
    uint64_t floor; /* as a keeper keeps it */
    struct store_request lease;
};

/* Told of every fact as soon as it is one; of one that ends, before it does. */
typedef void script_fact_fn(void *context, size_t fact, uint64_t value);

struct script {
    const struct dir *dir;
    const char *witness;     /* the path of one elsewhere, borrowed; NULL: none */
    script_fact_fn *on_fact; /* NULL: nobody is told */
    /* The last thing in a life, before its clean stop. False: it gives up. NULL: nothing. */
    bool (*at_last)(struct script *script, struct store *store);
    void *context; /* of both */
    /* The data set was restored from one whose ledger lacks rows, and a backup does not say how
     * many. */
    bool rows_lost;
    uint64_t facts[SCRIPT_FACTS];
    struct script_track tracks[SCRIPT_SEQUENCES];
    unsigned grants;
    unsigned failures; /* calls that did not return ERR_OK */
};

/* Live one life. Every wait for a healthier disk ends: after a few tries the script gives up,
 * closes, and returns false. */
bool script_run(struct script *script);

/* From now on scripts and checks take copied directories for the original. */
void script_take_copies(void);

/* From now on a call may also fail for want of memory. */
void script_may_lack_memory(void);

/* With the disk well again: open, hold what is there against the script's facts, and grant once
 * more. Does the ledger lack no row? */
bool script_check(const struct script *script);

#endif
