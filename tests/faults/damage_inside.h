/* The inside of damage.h, shared by its two files: damage.c, which does it, and damage_judge.c,
 * which looks at what a start makes of it. */
#ifndef SEQD_TESTS_FAULTS_DAMAGE_INSIDE_H
#define SEQD_TESTS_FAULTS_DAMAGE_INSIDE_H

#include "damage.h"
#include "store/store_lmdb.h"

#define DAMAGE_COUNT 10 /* positions in each grant */

extern const char *const damage_names[DAMAGE_SEQUENCES];

/* What happens to the files of a running store. */
enum happening {
    HAPPENING_DATA_DELETED,
    HAPPENING_DATA_REPLACED,
    HAPPENING_DATA_OLDER, /* the same file with older bytes */
    HAPPENING_SENTINEL_DELETED,
    HAPPENING_SENTINEL_REPLACED,
    HAPPENING_LOCK_DELETED,
    HAPPENING_DIRECTORY_MOVED,
    HAPPENING_DIRECTORY_REPLACED,
    HAPPENINGS
};

/* What may come of it. */
enum damage_verdict damage_happening_expected(enum happening happening);

/* Open the store on `dir`; whose files they are does not count. */
enum error damage_start(const struct dir *dir, const struct dir *witness, struct store **ret_store,
                        struct error_detail *detail);

#endif
