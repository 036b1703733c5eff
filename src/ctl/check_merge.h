/* check_merge: walks the takes of many connections as one row, in the order of one of their
 * properties.
 *
 * The law: each history is sorted by that property already; they are read where they lie, so a
 * walk takes no memory that grows with them. Of equal takes the one of the lower connection comes
 * first.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_CHECK_MERGE_H
#define SEQD_CTL_CHECK_MERGE_H

#include "check_history.h"

enum check_key {
    CHECK_BY_SENT,
    CHECK_BY_ENDED,
    CHECK_BY_LOW,
};

struct check_merge {
    const struct check_history *histories;
    enum check_key key;
    size_t heap_count;
    uint32_t heap[CHECK_CONNECTIONS_MAX]; /* histories with a take left, the least on top */
    size_t at[CHECK_CONNECTIONS_MAX];     /* the next take of each history */
};

/* `histories` are `count`, 1 to CHECK_CONNECTIONS_MAX, and stay as they are during the walk. */
void check_merge_init(struct check_merge *merge, const struct check_history *histories,
                      size_t count, enum check_key key);

/* The next take; NULL at the end. It belongs to its history. */
const struct check_take *check_merge_peek(const struct check_merge *merge);
void check_merge_pass(struct check_merge *merge);

#endif
