/* definition: what a sequence is, as the administrator wrote it, and the arithmetic from position
 * to number.
 *
 * The law of a counter: number = start + position × increment. A position is 0-based and unsigned;
 * a definition that passed definition_check() has `definition_capacity()` positions, and every one
 * of them gives a number within min … max, so no issued number can wrap, whatever the signs. A
 * descending sequence is a positive position with a negative increment, nothing more.
 *
 * The law of a timestamp sequence stands in base/layout.h: positions are ticks and counter, and
 * their numbers rise as they do.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_DEFINITION_H
#define SEQD_BASE_DEFINITION_H

#include "base/error.h"
#include "base/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEQUENCE_NAME_MAX 128         /* bytes, without the NUL */
#define SEQUENCE_NUMBER_MAX INT64_MAX /* 2^63-1: fits a signed BIGINT */
#define SEQUENCE_NUMBER_MIN \
    (-INT64_MAX) /* so that every distance between two numbers fits 64 bits */
#define SEQUENCE_MAX_GAP_DEFAULT UINT64_C(100000)
#define SEQUENCE_MAX_GAP_DEFAULT_MS UINT64_C(10000) /* of a timestamp sequence */
#define SEQUENCE_MAX_GAP_MAX (UINT64_C(1) << 48)
#define SEQUENCE_LEASE_AUTO UINT64_C(0)

enum sequence_kind {
    SEQUENCE_COUNTER = 0,   /* one number after the other */
    SEQUENCE_TIMESTAMP = 1, /* numbers that hold the time at which they were issued */
};

enum durability {
    DURABILITY_LEASE = 0, /* a commit covers a lease; a crash loses at most max_gap positions */
    DURABILITY_EVERY =
        1, /* a commit covers exactly the blocks that wait for it; a crash loses none */
};

/* What is fixed once the sequence exists (kind, start … max, a layout's fields), and what may be
 * altered at any time. */
struct definition {
    enum sequence_kind kind;

    /* A counter's; all 0 in a timestamp sequence. */
    int64_t start;     /* the number at position 0; min <= start <= max */
    int64_t increment; /* never 0 */
    int64_t min;       /* no number below it; SEQUENCE_NUMBER_MIN … */
    int64_t max;       /* no number above it; … SEQUENCE_NUMBER_MAX */

    /* Positions that may be leased and not issued, 1 … SEQUENCE_MAX_GAP_MAX. Of a timestamp
     * sequence: how far the mark may stand ahead of both the clock and the numbers, in positions,
     * which are ticks << counter_bits. */
    uint64_t max_gap;
    uint64_t lease; /* positions a commit covers, SEQUENCE_LEASE_AUTO or 1 … max_gap */
    enum durability durability;

    struct layout layout; /* a timestamp sequence's; all 0 in a counter */
};

/* What one request gets: exactly `count` numbers first, first + increment, …, last. */
struct block {
    int64_t first;
    int64_t last;
    int64_t increment;
    uint64_t count;
};

/* A counter: start 1, increment 1, min 1, max 2^63-1, max_gap SEQUENCE_MAX_GAP_DEFAULT, lease auto,
 * durability lease. */
struct definition definition_default(void);

/* A timestamp sequence: layout_default(), the max_gap of definition_max_gap_default(), lease auto,
 * durability lease. */
struct definition definition_default_timestamp(void);

/* The max_gap of a definition that names none: SEQUENCE_MAX_GAP_DEFAULT for a counter; for a
 * timestamp sequence SEQUENCE_MAX_GAP_DEFAULT_MS under its layout, which is checked. */
uint64_t definition_max_gap_default(const struct definition *definition);

/* ERR_OK, or ERR_INVALID with the field, its value and its limit in `detail`. */
__attribute__((warn_unused_result)) enum error definition_check(const struct definition *definition,
                                                                struct error_detail *detail);

/* How many positions a checked definition has, 1 … 2^64-1. */
uint64_t definition_capacity(const struct definition *definition);

/* The number at `position` of a counter, and of the `position`th number of any block. */
static inline int64_t definition_number(int64_t start, int64_t increment, uint64_t position)
{
    /* Unsigned, so that the intermediate product may wrap: the true sum lies within min … max and
     * is what remains. */
    return (int64_t)((uint64_t)start + position * (uint64_t)increment);
}

/* The number at `position`, which must be below the capacity of a checked definition. */
static inline int64_t definition_number_at(const struct definition *definition, uint64_t position)
{
    return definition->kind == SEQUENCE_TIMESTAMP
               ? layout_number(&definition->layout, position)
               : definition_number(definition->start, definition->increment, position);
}

/* The first position of a checked definition whose number comes after `number`, in the direction of
 * the increment; the capacity where there is none. `number` need not be one of the sequence's. */
uint64_t definition_position_after(const struct definition *definition, int64_t number);

/* Numbers that one request may ask for, as far as the kind limits them; UINT64_MAX: not at all. */
static inline uint64_t definition_block_max(const struct definition *definition)
{
    return definition->kind == SEQUENCE_TIMESTAMP ? layout_tick_positions(&definition->layout)
                                                  : UINT64_MAX;
}

/* Do both describe the same numbers (kind; start, increment, min, max; a layout's epoch, unit and
 * bits)? What may be altered, a layout's ids too, is not compared. */
bool definition_same_numbers(const struct definition *a, const struct definition *b);

/* Are all fields equal? */
bool definition_equal(const struct definition *a, const struct definition *b);

/* ERR_OK when `name`, `length` bytes, matches [A-Za-z0-9][A-Za-z0-9._-]{0,127}; else ERR_INVALID,
 * the rule in `detail`. */
__attribute__((warn_unused_result)) enum error
definition_check_name(const char *name, size_t length, struct error_detail *detail);

/* What definition_same_numbers() compares, in words, for whoever has to choose between two. */
#define DEFINITION_TEXT_SIZE 160
void definition_describe(const struct definition *definition, char to[DEFINITION_TEXT_SIZE]);

/* "counter" or "timestamp". Static. */
const char *sequence_kind_name(enum sequence_kind kind);

/* "lease" or "every". Static. */
const char *durability_name(enum durability durability);

#endif
