#include "base/definition.h"

#include <assert.h>
#include <inttypes.h>

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

enum error definition_check(const struct definition *d, struct error_detail *detail)
{
    enum error error = check_numbers(d, detail);
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

uint64_t definition_capacity(const struct definition *d)
{
    assert(d->increment != 0);
    assert(d->min <= d->start && d->start <= d->max);
    uint64_t way = d->increment > 0 ? (uint64_t)d->max - (uint64_t)d->start
                                    : (uint64_t)d->start - (uint64_t)d->min;
    uint64_t step = d->increment > 0 ? (uint64_t)d->increment : 0 - (uint64_t)d->increment;
    return way / step + 1; /* way <= 2^64-2, so one more always fits */
}

bool definition_same_numbers(const struct definition *a, const struct definition *b)
{
    return a->start == b->start && a->increment == b->increment && a->min == b->min &&
           a->max == b->max;
}

bool definition_equal(const struct definition *a, const struct definition *b)
{
    return definition_same_numbers(a, b) && a->max_gap == b->max_gap && a->lease == b->lease &&
           a->durability == b->durability;
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
