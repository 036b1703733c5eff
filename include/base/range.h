/* range: a half-open run of positions, and sums that cannot wrap.
 *
 * The law: positions are compared by subtraction (`count > limit - next`), never by adding first;
 * a sum that has to be made goes through a helper here. Positions are 0-based; a number is made
 * of one only in base/definition.h.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_RANGE_H
#define SEQD_BASE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* Positions [first, limit). Empty when first == limit; first <= limit always. */
struct range {
    uint64_t first;
    uint64_t limit;
};

/* How many positions `range` holds. */
static inline uint64_t range_count(struct range range)
{
    return range.limit - range.first;
}

static inline bool range_is_empty(struct range range)
{
    return range.first == range.limit;
}

static inline uint64_t range_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t range_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* a + b, or UINT64_MAX where the sum does not fit. For sizes and targets, never for a number that
 * is issued. */
static inline uint64_t range_add_capped(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* a × b, or UINT64_MAX where the product does not fit. For sizes and targets, never for a number
 * that is issued. */
static inline uint64_t range_multiply_capped(uint64_t a, uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

/* Up to `count` positions from `mark`, none at or above `capacity`: the last, partial lease is
 * cut here and only here. Empty (first == limit == mark) when mark >= capacity. */
static inline struct range range_clamped(uint64_t mark, uint64_t count, uint64_t capacity)
{
    uint64_t left = mark < capacity ? capacity - mark : 0;
    return (struct range){.first = mark, .limit = mark + range_min(count, left)};
}

#endif
