#include "base/definition.h"

#include "base/rfc3339.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static_assert(
    SEQUENCE_NUMBER_MAX > 0 && SEQUENCE_NUMBER_MIN == -SEQUENCE_NUMBER_MAX,
    "every distance between two numbers has to fit 64 bits, with room for one more position");

struct definition definition_default(void)
{
    return (struct definition){
        .start = 1,
        .increment = 1,
        .min = 1,
        .max = SEQUENCE_NUMBER_MAX,
        .max_gap = SEQUENCE_MAX_GAP_DEFAULT,
        .lease = SEQUENCE_LEASE_AUTO,
        .durability = DURABILITY_LEASE,
    };
}

struct definition definition_default_timestamp(void)
{
    struct definition definition = {.kind = SEQUENCE_TIMESTAMP,
                                    .lease = SEQUENCE_LEASE_AUTO,
                                    .durability = DURABILITY_LEASE,
                                    .layout = layout_default()};
    definition.max_gap = definition_max_gap_default(&definition);
    return definition;
}

uint64_t definition_max_gap_default(const struct definition *d)
{
    return d->kind == SEQUENCE_TIMESTAMP
               ? layout_span(&d->layout, SEQUENCE_MAX_GAP_DEFAULT_MS, SEQUENCE_MAX_GAP_MAX)
               : SEQUENCE_MAX_GAP_DEFAULT;
}

static enum error check_numbers(const struct definition *d, struct error_detail *detail)
{
    if (d->increment == 0) {
        return error_fail(detail, ERR_INVALID,
                          "increment is 0, it must be a number above or below 0");
    }
    if (d->min < SEQUENCE_NUMBER_MIN) {
        return error_fail(detail, ERR_INVALID, "min is %" PRId64 ", the least is %" PRId64, d->min,
                          SEQUENCE_NUMBER_MIN);
    }
    if (d->min > d->max) {
        return error_fail(detail, ERR_INVALID, "min is %" PRId64 ", above max, %" PRId64, d->min,
                          d->max);
    }
    if (d->start < d->min || d->start > d->max) {
        return error_fail(detail, ERR_INVALID,
                          "start is %" PRId64 ", it must lie within min %" PRId64
                          " and max %" PRId64,
                          d->start, d->min, d->max);
    }
    return ERR_OK;
}

/* What belongs to the other kind stands at 0: a field that would be passed over is a mistake. */
static enum error check_kind(const struct definition *d, struct error_detail *detail)
{
    static const struct layout none = {0};
    switch (d->kind) {
    case SEQUENCE_COUNTER:
        if (!layout_equal(&d->layout, &none)) {
            return error_fail(detail, ERR_INVALID,
                              "epoch, time_unit, bits, ids and max_borrow belong to kind "
                              "'timestamp', and the kind is 'counter'");
        }
        return check_numbers(d, detail);
    case SEQUENCE_TIMESTAMP:
        if (d->start != 0 || d->increment != 0 || d->min != 0 || d->max != 0) {
            return error_fail(detail, ERR_INVALID,
                              "start, increment, min and max belong to kind 'counter', and the "
                              "kind is 'timestamp'");
        }
        return layout_check(&d->layout, detail);
    }
    return error_fail(detail, ERR_INVALID, "kind is neither 'counter' nor 'timestamp'");
}

enum error definition_check(const struct definition *d, struct error_detail *detail)
{
    enum error error = check_kind(d, detail);
    if (error != ERR_OK) {
        return error;
    }
    if (d->max_gap < 1 || d->max_gap > SEQUENCE_MAX_GAP_MAX) {
        return error_fail(detail, ERR_INVALID, "max_gap is %" PRIu64 ", it must be 1 to %" PRIu64,
                          d->max_gap, SEQUENCE_MAX_GAP_MAX);
    }
    if (d->lease != SEQUENCE_LEASE_AUTO && d->lease > d->max_gap) {
        return error_fail(detail, ERR_INVALID,
                          "lease is %" PRIu64 ", it must be 'auto' or 1 to max_gap, %" PRIu64,
                          d->lease, d->max_gap);
    }
    if (d->durability != DURABILITY_LEASE && d->durability != DURABILITY_EVERY) {
        return error_fail(detail, ERR_INVALID, "durability is neither 'lease' nor 'every'");
    }
    return ERR_OK;
}

static uint64_t step_of(const struct definition *d)
{
    assert(d->increment != 0);
    return d->increment > 0 ? (uint64_t)d->increment : 0 - (uint64_t)d->increment;
}

uint64_t definition_capacity(const struct definition *d)
{
    if (d->kind == SEQUENCE_TIMESTAMP) {
        return layout_capacity(&d->layout);
    }
    assert(d->min <= d->start && d->start <= d->max);
    uint64_t way = d->increment > 0 ? (uint64_t)d->max - (uint64_t)d->start
                                    : (uint64_t)d->start - (uint64_t)d->min;
    return way / step_of(d) + 1; /* way <= 2^64-2, so one more always fits */
}

uint64_t definition_position_after(const struct definition *d, int64_t number)
{
    if (d->kind == SEQUENCE_TIMESTAMP) {
        return number < 0 ? 0 : layout_position_after(&d->layout, number);
    }
    bool before_start = d->increment > 0 ? number < d->start : number > d->start;
    if (before_start) {
        return 0;
    }
    uint64_t way = d->increment > 0 ? (uint64_t)number - (uint64_t)d->start
                                    : (uint64_t)d->start - (uint64_t)number;
    uint64_t passed = way / step_of(d); /* the last position at or before `number` */
    uint64_t capacity = definition_capacity(d);
    return passed < capacity ? passed + 1 : capacity;
}

bool definition_same_numbers(const struct definition *a, const struct definition *b)
{
    return a->kind == b->kind && a->start == b->start && a->increment == b->increment &&
           a->min == b->min && a->max == b->max && layout_same_fields(&a->layout, &b->layout);
}

bool definition_equal(const struct definition *a, const struct definition *b)
{
    return definition_same_numbers(a, b) && a->max_gap == b->max_gap && a->lease == b->lease &&
           a->durability == b->durability && layout_equal(&a->layout, &b->layout);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

enum error definition_check_name(const char *name, size_t length, struct error_detail *detail)
{
    if (length == 0 || length > SEQUENCE_NAME_MAX) {
        return error_fail(detail, ERR_INVALID, "the name has %zu bytes, it must have 1 to %d",
                          length, SEQUENCE_NAME_MAX);
    }
    for (size_t i = 0; i < length; i++) {
        bool inner = i > 0 && (name[i] == '.' || name[i] == '_' || name[i] == '-');
        if (!is_alphanumeric(name[i]) && !inner) {
            return error_fail(
                detail, ERR_INVALID,
                "the name has a character that is not allowed at byte %zu, it must match "
                "[A-Za-z0-9][A-Za-z0-9._-]{0,%d}",
                i, SEQUENCE_NAME_MAX - 1);
        }
    }
    return ERR_OK;
}

void definition_describe(const struct definition *d, char to[DEFINITION_TEXT_SIZE])
{
    int length = 0;
    if (d->kind == SEQUENCE_TIMESTAMP) {
        char epoch[RFC3339_SIZE];
        rfc3339_format(epoch, d->layout.epoch_ms, 3);
        length = snprintf(to, DEFINITION_TEXT_SIZE,
                          "kind timestamp, epoch %s, time_unit %" PRIu32 "ms, machine_bits %u, "
                          "node_bits %u, counter_bits %u",
                          epoch, d->layout.unit_ms, d->layout.machine_bits, d->layout.node_bits,
                          d->layout.counter_bits);
    } else {
        length = snprintf(to, DEFINITION_TEXT_SIZE,
                          "start %" PRId64 ", increment %" PRId64 ", min %" PRId64 ", max %" PRId64,
                          d->start, d->increment, d->min, d->max);
    }
    assert(length > 0 && length < DEFINITION_TEXT_SIZE);
}

const char *sequence_kind_name(enum sequence_kind kind)
{
    switch (kind) {
    case SEQUENCE_COUNTER:
        return "counter";
    case SEQUENCE_TIMESTAMP:
        return "timestamp";
    }
    return "unknown";
}

const char *durability_name(enum durability durability)
{
    switch (durability) {
    case DURABILITY_LEASE:
        return "lease";
    case DURABILITY_EVERY:
        return "every";
    }
    return "unknown";
}
