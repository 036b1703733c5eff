/* spans: every block that was received, to see whether two hold the same number.
 *
 * The law: a block counts as all the numbers from its lowest to its highest, for seqd gives out no
 * number of another block between them; the check is exact then.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_SPANS_H
#define SEQD_CTL_SPANS_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct span {
    int64_t low;
    int64_t high; /* at least low */
};

/* Zeros are an empty one. */
struct spans {
    struct span *items;
    size_t count;
    size_t room;
};

/* ERR_NO_MEMORY: it is not added. */
__attribute__((warn_unused_result)) enum error spans_add(struct spans *spans, struct span span);

/* Add all of `from`. ERR_NO_MEMORY: none is added. */
__attribute__((warn_unused_result)) enum error spans_add_all(struct spans *to,
                                                             const struct spans *from);

/* How many spans share a number with one that begins before them; sorts the spans. */
uint64_t spans_overlaps(struct spans *spans);

void spans_free(struct spans *spans);

#endif
