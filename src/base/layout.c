#include "base/layout.h"

#include "base/range.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <inttypes.h>

#define MS_PER_YEAR (LAYOUT_SPAN_MIN_MS / 20)

static_assert(LAYOUT_COUNTER_BITS_MAX <= 32, "a counter is decoded into 32 bits");
static_assert(LAYOUT_ID_BITS_MAX < 32, "2^bits has to fit 32 bits");

struct layout layout_default(void)
{
    return (struct layout){
        .epoch_ms = LAYOUT_EPOCH_DEFAULT_MS,
        .unit_ms = 1,
        .machine_bits = 5,
        .node_bits = 5,
        .counter_bits = 12,
        .max_borrow_ms = 1000,
    };
}

static enum error check_field(const char *name, unsigned bits, unsigned min, unsigned max,
                              struct error_detail *detail)
{
    if (bits < min || bits > max) {
        return error_fail(detail, ERR_INVALID, "%s is %u, it must be %u to %u", name, bits, min,
                          max);
    }
    return ERR_OK;
}

static enum error check_id(const char *name, uint32_t id, unsigned bits,
                           struct error_detail *detail)
{
    uint32_t limit = UINT32_C(1) << bits;
    if (id >= limit) {
        return error_fail(detail, ERR_INVALID,
                          "%s_id is %" PRIu32 ", it must be below %" PRIu32 ", for %s_bits is %u",
                          name, id, limit, name, bits);
    }
    return ERR_OK;
}

/* How long the time field lasts, INT64_MAX where that is beyond the year 9999. */
static int64_t span_ms(const struct layout *layout)
{
    unsigned bits = layout_time_bits(layout);
    bool fits = bits < 48; /* 2^48 × 1000 ms is some 9,000,000 years */
    int64_t span = fits ? (INT64_C(1) << bits) * (int64_t)layout->unit_ms : INT64_MAX;
    return span <= LAYOUT_TIME_MAX_MS ? span : INT64_MAX;
}

static enum error check_time(const struct layout *layout, struct error_detail *detail)
{
    unsigned others = (unsigned)layout->machine_bits + layout->node_bits + layout->counter_bits;
    unsigned bits = others < LAYOUT_BITS ? LAYOUT_BITS - others : 0;
    int64_t span = bits == 0 ? 0 : span_ms(layout);
    if (span < LAYOUT_SPAN_MIN_MS) {
        return error_fail(detail, ERR_INVALID,
                          "machine_bits %u, node_bits %u and counter_bits %u leave %u of 63 bits "
                          "for the time, which last %" PRId64 " years at a time_unit of %" PRIu32
                          " ms; it must be %" PRId64 " years: take bits from them, or a longer "
                          "time_unit",
                          layout->machine_bits, layout->node_bits, layout->counter_bits, bits,
                          span / MS_PER_YEAR, layout->unit_ms, LAYOUT_SPAN_MIN_MS / MS_PER_YEAR);
    }
    if (span > LAYOUT_TIME_MAX_MS - layout->epoch_ms) {
        return error_fail(detail, ERR_INVALID,
                          "machine_bits %u, node_bits %u and counter_bits %u leave %u of 63 bits "
                          "for the time, which lasts beyond the year 9999: give the others more",
                          layout->machine_bits, layout->node_bits, layout->counter_bits, bits);
    }
    return ERR_OK;
}

enum error layout_check(const struct layout *layout, struct error_detail *detail)
{
    if (layout->epoch_ms < 0 || layout->epoch_ms > LAYOUT_TIME_MAX_MS) {
        return error_fail(detail, ERR_INVALID,
                          "epoch is %" PRId64 " ms after 1970, it must lie within the years 1970 "
                          "to 9999",
                          layout->epoch_ms);
    }
    if (layout->unit_ms != 1 && layout->unit_ms != 10 && layout->unit_ms != 1000) {
        return error_fail(detail, ERR_INVALID,
                          "time_unit is %" PRIu32 " ms, it must be 1 ms, 10 ms or 1 s",
                          layout->unit_ms);
    }
    if (layout->max_borrow_ms > LAYOUT_BORROW_MAX_MS) {
        return error_fail(detail, ERR_INVALID,
                          "max_borrow is %" PRIu32 " ms, it must be %u ms at most",
                          layout->max_borrow_ms, LAYOUT_BORROW_MAX_MS);
    }
    enum error error =
        check_field("machine_bits", layout->machine_bits, 0, LAYOUT_ID_BITS_MAX, detail);
    if (error == ERR_OK) {
        error = check_field("node_bits", layout->node_bits, 0, LAYOUT_ID_BITS_MAX, detail);
    }
    if (error == ERR_OK) {
        error =
            check_field("counter_bits", layout->counter_bits, 1, LAYOUT_COUNTER_BITS_MAX, detail);
    }
    if (error == ERR_OK) {
        error = check_time(layout, detail);
    }
    if (error == ERR_OK) {
        error = check_id("machine", layout->machine_id, layout->machine_bits, detail);
    }
    if (error == ERR_OK) {
        error = check_id("node", layout->node_id, layout->node_bits, detail);
    }
    return error;
}

static uint32_t low_bits(uint64_t value, unsigned bits)
{
    return (uint32_t)(value & ((UINT64_C(1) << bits) - 1));
}

const char *layout_unit_name(const struct layout *layout)
{
    return layout->unit_ms == 1 ? "1ms" : (layout->unit_ms == 10 ? "10ms" : "1s");
}

unsigned layout_unit_digits(const struct layout *layout)
{
    /* An epoch that is no whole second shows in every time. */
    if (layout->unit_ms == 1000 && layout->epoch_ms % 1000 == 0) {
        return 0;
    }
    return layout->unit_ms == 10 && layout->epoch_ms % 10 == 0 ? 2 : 3;
}

struct layout_parts layout_decode(const struct layout *layout, int64_t number)
{
    assert(number >= 0);
    uint64_t rest = (uint64_t)number;
    struct layout_parts parts;
    parts.counter = low_bits(rest, layout->counter_bits);
    rest >>= layout->counter_bits;
    parts.node = low_bits(rest, layout->node_bits);
    rest >>= layout->node_bits;
    parts.machine = low_bits(rest, layout->machine_bits);
    parts.tick = rest >> layout->machine_bits;
    parts.time_ms = layout_time_ms(layout, parts.tick);
    return parts;
}

uint64_t layout_position_after(const struct layout *layout, int64_t number)
{
    struct layout_parts parts = layout_decode(layout, number);
    uint64_t ids = layout_ids(layout) >> layout->counter_bits;
    uint64_t its_ids = (uint64_t)parts.machine << layout->node_bits | parts.node;
    uint64_t position = parts.tick << layout->counter_bits;
    if (its_ids > ids) {
        position += layout_tick_positions(layout); /* all of ours in its tick are below it */
    } else if (its_ids == ids) {
        position += (uint64_t)parts.counter + 1;
    }
    assert(position <= layout_capacity(layout));
    return position;
}

bool layout_tick(const struct layout *layout, int64_t time_ms, uint64_t *ret_tick)
{
    int64_t unit_ms = (int64_t)layout->unit_ms;
    if (time_ms < layout->epoch_ms || time_ms - layout->epoch_ms < unit_ms) {
        return false;
    }
    *ret_tick = (uint64_t)(time_ms - layout->epoch_ms) / layout->unit_ms;
    return true;
}

/* The first tick that begins at `time_ms` or after it; tick 0 counts. */
static uint64_t tick_from(const struct layout *layout, int64_t time_ms)
{
    if (time_ms <= layout->epoch_ms) {
        return 0;
    }
    uint64_t since_ms = (uint64_t)(time_ms - layout->epoch_ms);
    return since_ms / layout->unit_ms + (since_ms % layout->unit_ms != 0 ? 1 : 0);
}

bool layout_range(const struct layout *layout, int64_t from_ms, int64_t to_ms,
                  struct layout_range *ret_range)
{
    uint64_t ticks = UINT64_C(1) << layout_time_bits(layout);
    uint64_t first = tick_from(layout, from_ms);
    uint64_t limit = range_min(tick_from(layout, to_ms), ticks);
    if (first >= limit) {
        return false;
    }
    unsigned shift = LAYOUT_BITS - layout_time_bits(layout);
    *ret_range = (struct layout_range){
        .first = (int64_t)(first << shift),
        .last = (int64_t)((limit - 1) << shift | ((UINT64_C(1) << shift) - 1)),
    };
    return true;
}

int64_t layout_end_ms(const struct layout *layout)
{
    return layout_time_ms(layout, (UINT64_C(1) << layout_time_bits(layout)) - 1) +
           (int64_t)layout->unit_ms - 1;
}

enum error layout_check_clock(const struct layout *layout, int64_t now_ms,
                              struct error_detail *detail)
{
    uint64_t tick = 0;
    bool begun = layout_tick(layout, now_ms, &tick);
    if (begun && now_ms <= layout_end_ms(layout)) {
        return ERR_OK;
    }
    char now[RFC3339_SIZE] = "the years before 1970";
    char bound[RFC3339_SIZE];
    if (now_ms >= 0) {
        rfc3339_format(now, now_ms < RFC3339_MAX_MS ? now_ms : RFC3339_MAX_MS, 3);
    }
    rfc3339_format(bound, begun ? layout_end_ms(layout) : layout->epoch_ms, 3);
    if (!begun) {
        return error_fail(
            detail, ERR_INVALID,
            "the clock says %s, and the epoch is %s: no number can hold a time before "
            "its epoch; set the clock",
            now, bound);
    }
    return error_fail(detail, ERR_EXHAUSTED,
                      "the clock says %s, and the time field ended at %s: set the clock, or begin "
                      "a sequence with a later epoch",
                      now, bound);
}

uint64_t layout_span(const struct layout *layout, uint64_t span_ms, uint64_t max)
{
    uint64_t ticks = span_ms / layout->unit_ms + (span_ms % layout->unit_ms != 0 ? 1 : 0);
    return range_min(range_multiply_capped(ticks, layout_tick_positions(layout)), max);
}

bool layout_same_fields(const struct layout *a, const struct layout *b)
{
    return a->epoch_ms == b->epoch_ms && a->unit_ms == b->unit_ms &&
           a->machine_bits == b->machine_bits && a->node_bits == b->node_bits &&
           a->counter_bits == b->counter_bits;
}

bool layout_equal(const struct layout *a, const struct layout *b)
{
    return layout_same_fields(a, b) && a->machine_id == b->machine_id && a->node_id == b->node_id &&
           a->max_borrow_ms == b->max_borrow_ms;
}
