/* floor: the numbers of a name that may have been issued in its earlier lives, and the way past
 * them.
 *
 * The law: a floor only grows. It is one interval of numbers, so it holds also when the next life
 * counts by another increment, or the other way: what ascends begins above it, what descends begins
 * below it, and every later number lies farther away still.
 *
 * A floor is numbers, not positions: a position means nothing without the definition that it
 * belonged to.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_FLOOR_H
#define SEQD_BASE_FLOOR_H

#include "base/definition.h"
#include "base/error.h"
#include "base/range.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers from `low` to `high`, both of them; with `some` false none, and both are 0. */
struct floor {
    bool some;
    int64_t low;
    int64_t high;
};

/* The numbers at `positions` of the checked `definition`; those at or above the capacity do not
 * count. Of a timestamp sequence with whatever ids, for they may have been altered. */
struct floor floor_between(const struct definition *definition, struct range positions);

/* The least that covers both. */
struct floor floor_united(struct floor a, struct floor b);

/* `floor`, grown over the numbers at the positions below `mark` of the checked `definition`. */
struct floor floor_grown(struct floor floor, const struct definition *definition, uint64_t mark);

/* The first position of the checked `definition` that comes after all of `floor`: 0 when there is
 * none. ERR_EXHAUSTED  none of its numbers does; both in `detail`. */
__attribute__((warn_unused_result)) enum error floor_first(const struct floor *floor,
                                                           const struct definition *definition,
                                                           uint64_t *ret_position,
                                                           struct error_detail *detail);

#endif
