/* layout: how a timestamp sequence packs time, machine, node and counter into a number.
 *
 * The law: a number is, from its highest bit down,
 *
 *     0 | tick (the rest of the 63 bits) | machine | node | counter
 *
 * and a position is `tick << counter_bits | counter`: what is left of it without machine and node,
 * which are the same for every number of one node. Positions rise as numbers do, so the store, the
 * lease and the mark of a timestamp sequence are those of a counter. A tick is `unit_ms` long;
 * tick 0 begins at the epoch and is never used, so no number is 0. An id that does not fit its
 * field is refused, never or'ed into its neighbour.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_LAYOUT_H
#define SEQD_BASE_LAYOUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_BITS 63U /* of a number: it fits a signed BIGINT */
#define LAYOUT_ID_BITS_MAX 31U
#define LAYOUT_COUNTER_BITS_MAX 32U
#define LAYOUT_SPAN_MIN_MS INT64_C(631152000000)    /* 20 years of 365.25 days */
#define LAYOUT_TIME_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */
#define LAYOUT_BORROW_MAX_MS 3600000U
#define LAYOUT_EPOCH_DEFAULT_MS INT64_C(1704067200000) /* 2024-01-01T00:00:00Z */

/* All zero in a counter. Fixed once the sequence exists: epoch, unit and bits. The ids may be
 * altered, for they are not part of a position; max_borrow at any time. */
struct layout {
    int64_t epoch_ms;       /* where tick 0 begins, ms since 1970, 0 … LAYOUT_TIME_MAX_MS */
    uint32_t unit_ms;       /* the length of a tick: 1, 10 or 1000 */
    uint8_t machine_bits;   /* 0 … LAYOUT_ID_BITS_MAX */
    uint8_t node_bits;      /* 0 … LAYOUT_ID_BITS_MAX */
    uint8_t counter_bits;   /* 1 … LAYOUT_COUNTER_BITS_MAX */
    uint32_t machine_id;    /* below 2^machine_bits */
    uint32_t node_id;       /* below 2^node_bits */
    uint32_t max_borrow_ms; /* how far numbers may run ahead of time, 0 … LAYOUT_BORROW_MAX_MS */
};

/* What a number says. */
struct layout_parts {
    int64_t time_ms; /* where its tick begins, ms since 1970 */
    uint64_t tick;
    uint32_t machine;
    uint32_t node;
    uint32_t counter;
};

/* 41 bits of milliseconds since LAYOUT_EPOCH_DEFAULT_MS, which last until 2093, 5 of machine, 5 of
 * node, 12 of counter; ids 0, max_borrow 1 s. */
struct layout layout_default(void);

/* ERR_OK, or ERR_INVALID with the field, its value and its limit in `detail`. A time field has to
 * last LAYOUT_SPAN_MIN_MS and has to end before LAYOUT_TIME_MAX_MS. */
__attribute__((warn_unused_result)) enum error layout_check(const struct layout *layout,
                                                            struct error_detail *detail);

/* ---- of a checked layout ---- */

/* "1ms", "10ms" or "1s". Static. */
const char *layout_unit_name(const struct layout *layout);

/* Digits of a second's fraction that a tick tells: 3, 2 or 0. */
unsigned layout_unit_digits(const struct layout *layout);

/* Bits of the time field. */
static inline unsigned layout_time_bits(const struct layout *layout)
{
    return LAYOUT_BITS - layout->machine_bits - layout->node_bits - layout->counter_bits;
}

/* How many positions there are, those of tick 0 included: 2^(time bits + counter bits). */
static inline uint64_t layout_capacity(const struct layout *layout)
{
    return UINT64_C(1) << (layout_time_bits(layout) + layout->counter_bits);
}

/* Positions of one tick: the largest block, for a block never crosses a tick. */
static inline uint64_t layout_tick_positions(const struct layout *layout)
{
    return UINT64_C(1) << layout->counter_bits;
}

/* Machine and node, in their places in a number. */
static inline uint64_t layout_ids(const struct layout *layout)
{
    return ((uint64_t)layout->machine_id << layout->node_bits | layout->node_id)
           << layout->counter_bits;
}

/* The number at `position`, which must be below the capacity. */
static inline int64_t layout_number(const struct layout *layout, uint64_t position)
{
    uint64_t counter = position & (layout_tick_positions(layout) - 1);
    uint64_t tick = position >> layout->counter_bits;
    return (int64_t)(tick << (LAYOUT_BITS - layout_time_bits(layout)) | layout_ids(layout) |
                     counter);
}

/* What `number` (>= 0) says under this layout, whichever node made it. */
struct layout_parts layout_decode(const struct layout *layout, int64_t number);

/* The first position whose number, made by this layout's node, is above `number` (>= 0); the
 * capacity where there is none. */
uint64_t layout_position_after(const struct layout *layout, int64_t number);

/* The tick that `time_ms`, ms since 1970, falls into. False, with nothing written, before tick 1
 * begins. May lie beyond the time field: compare with the capacity. */
bool layout_tick(const struct layout *layout, int64_t time_ms, uint64_t *ret_tick);

/* The ticks that begin from `from_ms` on and before `to_ms`, as far as the time field has them, and
 * the least and the greatest number in them, whichever node made it. False when there is none. */
struct layout_range {
    int64_t first;
    int64_t last;
};
bool layout_range(const struct layout *layout, int64_t from_ms, int64_t to_ms,
                  struct layout_range *ret_range);

/* Where `tick`, within the time field, begins, ms since 1970. */
static inline int64_t layout_time_ms(const struct layout *layout, uint64_t tick)
{
    return layout->epoch_ms + (int64_t)tick * (int64_t)layout->unit_ms;
}

/* The last millisecond that the time field holds, ms since 1970. */
int64_t layout_end_ms(const struct layout *layout);

/* Does `now_ms`, what a clock says, lie in the time field?
 * ERR_INVALID    before tick 1: both moments, and what to do, in `detail`.
 * ERR_EXHAUSTED  behind the end: both in `detail`. */
__attribute__((warn_unused_result)) enum error
layout_check_clock(const struct layout *layout, int64_t now_ms, struct error_detail *detail);

/* Positions of `span_ms`, rounded up to whole ticks: for a max_gap. At most `max`. */
uint64_t layout_span(const struct layout *layout, uint64_t span_ms, uint64_t max);

/* Do both pack numbers alike? Compares epoch, unit and bits. */
bool layout_same_fields(const struct layout *a, const struct layout *b);

/* Are all members equal? */
bool layout_equal(const struct layout *a, const struct layout *b);

#endif
