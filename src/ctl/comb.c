#include "comb.h"

#include <assert.h>

/* Every sum and product of two values of 64 bits fits. */
typedef __int128 wide; /* a number of 128 bits has no other name */

/* ---- mappings ---- */

static uint64_t step_of(const struct mapping *mapping)
{
    return mapping->increment > 0 ? (uint64_t)mapping->increment : 0 - (uint64_t)mapping->increment;
}

int64_t mapping_number(const struct mapping *mapping, uint64_t position)
{
    return mapping->kind == SEQUENCE_TIMESTAMP
               ? layout_number(&mapping->layout, position)
               : definition_number(mapping->start, mapping->increment, position);
}

bool mapping_holds(const struct mapping *mapping, struct range positions)
{
    if (positions.first >= positions.limit) {
        return false;
    }
    if (mapping->kind == SEQUENCE_TIMESTAMP) {
        return layout_check(&mapping->layout, NULL) == ERR_OK &&
               positions.limit <= layout_capacity(&mapping->layout);
    }
    /* A product of 64 bits by 63 and a sign fits 128, and so does the sum. */
    wide last = (wide)mapping->start + (wide)(positions.limit - 1) * mapping->increment;
    return mapping->kind == SEQUENCE_COUNTER && mapping->increment != 0 && last >= INT64_MIN &&
           last <= INT64_MAX;
}

bool mapping_position(const struct mapping *mapping, int64_t number, uint64_t *ret_position)
{
    if (mapping->kind == SEQUENCE_TIMESTAMP) {
        if (number < 0) {
            return false;
        }
        struct layout_parts parts = layout_decode(&mapping->layout, number);
        *ret_position = parts.tick << mapping->layout.counter_bits | parts.counter;
        return layout_number(&mapping->layout, *ret_position) == number;
    }
    wide distance = (wide)number - mapping->start;
    distance = mapping->increment > 0 ? distance : -distance;
    if (distance < 0 || distance % step_of(mapping) != 0) {
        return false;
    }
    *ret_position = (uint64_t)(distance / step_of(mapping));
    return true;
}

bool mapping_same_positions(const struct mapping *a, const struct mapping *b)
{
    return a->kind == b->kind && a->start == b->start && a->increment == b->increment &&
           layout_same_fields(&a->layout, &b->layout);
}

/* ---- the numbers of a run ---- */

struct comb_hull comb_hull(const struct mapping *mapping, struct range positions)
{
    int64_t first = mapping_number(mapping, positions.first);
    int64_t last = mapping_number(mapping, positions.limit - 1);
    return (struct comb_hull){.low = first < last ? first : last,
                              .high = first < last ? last : first};
}

static struct comb one_tooth(const struct mapping *mapping, struct range positions)
{
    uint64_t width = range_count(positions);
    return (struct comb){mapping_number(mapping, positions.first), width, 1, width};
}

static uint64_t tick_period(const struct layout *layout)
{
    return UINT64_C(1) << (LAYOUT_BITS - layout_time_bits(layout));
}

/* The rest of the first tick, the whole ones, and the beginning of the last. */
static size_t ticks_of(const struct mapping *mapping, struct range positions,
                       struct comb to[COMBS_MAX])
{
    uint64_t width = layout_tick_positions(&mapping->layout);
    uint64_t behind = positions.first % width;
    uint64_t head = behind == 0 ? 0 : range_min(width - behind, range_count(positions));
    uint64_t whole = (range_count(positions) - head) / width;
    uint64_t at = positions.first + head;
    size_t count = 0;
    if (head > 0) {
        to[count++] = one_tooth(mapping, (struct range){positions.first, at});
    }
    if (whole > 0) {
        to[count++] =
            (struct comb){mapping_number(mapping, at), tick_period(&mapping->layout), whole, width};
        at += whole * width;
    }
    if (at < positions.limit) {
        to[count++] = one_tooth(mapping, (struct range){at, positions.limit});
    }
    return count;
}

static size_t combs_of(const struct mapping *mapping, struct range positions,
                       struct comb to[COMBS_MAX])
{
    assert(positions.first < positions.limit);
    if (mapping->kind == SEQUENCE_TIMESTAMP) {
        return ticks_of(mapping, positions, to);
    }
    to[0] = (struct comb){comb_hull(mapping, positions).low, step_of(mapping),
                          range_count(positions), 1};
    return 1;
}

/* ---- two combs ---- */

/* The least i >= 0 with low <= i × step mod modulus <= high, where 0 <= low <= high < modulus and
 * 0 <= step < modulus; -1 where there is none. Each step down halves the modulus. */
static wide first_hit(wide step, wide modulus, wide low, wide high)
{
    if (low == 0) {
        return 0;
    }
    if (step == 0) {
        return -1;
    }
    if (step > modulus - step) { /* the same seen from the other end: smaller steps */
        wide mirrored = modulus - high;
        high = modulus - low;
        low = mirrored;
        step = modulus - step;
    }
    wide i = (low + step - 1) / step;
    if (i * step <= high) {
        return i; /* within the first round */
    }
    /* No multiple of the step lies in low … high, so some round has to shift one in: how many
     * rounds is the same question, modulo the step. */
    wide rounds =
        first_hit(modulus % step, step, (step - high % step) % step, (step - low % step) % step);
    return rounds < 0 ? -1 : (low + modulus * rounds + step - 1) / step;
}

/* The least i >= 0 for which `offset` + i × step, offset >= 0, falls into one of the places
 * 0 … window - 1 of each period; -1 where there is none. */
static wide first_in_window(wide offset, wide step, wide period, wide window)
{
    wide place = offset % period;
    if (place < window) {
        return 0;
    }
    return first_hit(step % period, period, period - place, period - place + window - 1);
}

static wide last_of(const struct comb *comb)
{
    return (wide)(comb->teeth - 1) * comb->period + comb->width - 1;
}

/* All that follows counts from b->low. A tooth of `a` that begins at x meets one of `b` when x +
 * a->width - 1 lies less than both widths behind where a tooth of `b` begins. A tooth of `a` that
 * reaches out of what `b` spans holds an end of it, so it meets. */
bool comb_meet(const struct comb *a, const struct comb *b, int64_t *ret_number)
{
    wide begin = (wide)a->low - b->low;
    wide reach = (wide)a->width - 1;
    wide end = last_of(b);
    if (begin > end || begin + last_of(a) < 0) {
        return false;
    }
    wide first = begin + reach >= 0 ? 0 : (-(begin + reach) + a->period - 1) / a->period;
    wide last = (end - begin) / a->period;
    last = last < (wide)a->teeth - 1 ? last : (wide)a->teeth - 1;
    wide i =
        first_in_window(begin + first * a->period + reach, a->period, b->period, reach + b->width);
    if (i < 0 || i > last - first) {
        return false;
    }
    wide x = begin + (first + i) * a->period;
    wide common = x > 0 ? x : 0;
    if (common % b->period >= b->width) { /* the tooth of `b` begins within that of `a` */
        common += b->period - common % b->period;
    }
    assert(common <= end && common <= x + reach);
    *ret_number = (int64_t)(b->low + common);
    return true;
}

bool comb_runs_meet(const struct mapping *a, struct range a_positions, const struct mapping *b,
                    struct range b_positions, int64_t *ret_number)
{
    struct comb a_combs[COMBS_MAX];
    struct comb b_combs[COMBS_MAX];
    size_t a_count = combs_of(a, a_positions, a_combs);
    size_t b_count = combs_of(b, b_positions, b_combs);
    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            if (comb_meet(&a_combs[i], &b_combs[j], ret_number)) {
                return true;
            }
        }
    }
    return false;
}

/* The comb that the numbers of all positions are taken from, without its ends. */
static struct comb grid_of(const struct mapping *mapping)
{
    if (mapping->kind == SEQUENCE_TIMESTAMP) {
        return (struct comb){(int64_t)layout_ids(&mapping->layout), tick_period(&mapping->layout),
                             1, layout_tick_positions(&mapping->layout)};
    }
    return (struct comb){mapping->start, step_of(mapping), 1, 1};
}

bool mapping_never_meet(const struct mapping *a, const struct mapping *b)
{
    struct comb x = grid_of(a);
    struct comb y = grid_of(b);
    wide offset = ((wide)x.low - y.low) % (wide)y.period + (wide)y.period + (wide)x.width - 1;
    return first_in_window(offset, x.period, y.period, (wide)x.width + y.width - 1) < 0;
}
