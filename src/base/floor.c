#include "base/floor.h"

#include <inttypes.h>

struct floor floor_united(struct floor a, struct floor b)
{
    if (!a.some || !b.some) {
        return a.some ? a : b;
    }
    return (struct floor){
        .some = true,
        .low = a.low < b.low ? a.low : b.low,
        .high = a.high > b.high ? a.high : b.high,
    };
}

/* The ids of a timestamp sequence may be altered, so any of them may stand in its numbers. */
static int64_t lowest_at(struct definition definition, uint64_t position)
{
    definition.layout.machine_id = 0;
    definition.layout.node_id = 0;
    return definition_number_at(&definition, position);
}

static int64_t highest_at(struct definition definition, uint64_t position)
{
    struct layout *layout = &definition.layout;
    layout->machine_id = (uint32_t)((UINT64_C(1) << layout->machine_bits) - 1);
    layout->node_id = (uint32_t)((UINT64_C(1) << layout->node_bits) - 1);
    return definition_number_at(&definition, position);
}

struct floor floor_between(const struct definition *definition, struct range positions)
{
    uint64_t limit = range_min(positions.limit, definition_capacity(definition));
    if (positions.first >= limit) {
        return (struct floor){.some = false};
    }
    if (definition->kind == SEQUENCE_COUNTER && definition->increment < 0) {
        return (struct floor){.some = true,
                              .low = lowest_at(*definition, limit - 1),
                              .high = highest_at(*definition, positions.first)};
    }
    return (struct floor){.some = true,
                          .low = lowest_at(*definition, positions.first),
                          .high = highest_at(*definition, limit - 1)};
}

struct floor floor_grown(struct floor floor, const struct definition *definition, uint64_t mark)
{
    return floor_united(floor, floor_between(definition, (struct range){0, mark}));
}

enum error floor_first(const struct floor *floor, const struct definition *definition,
                       uint64_t *ret_position, struct error_detail *detail)
{
    if (!floor->some) {
        *ret_position = 0;
        return ERR_OK;
    }
    bool descends = definition->kind == SEQUENCE_COUNTER && definition->increment < 0;
    uint64_t capacity = definition_capacity(definition);
    uint64_t position = definition_position_after(definition, descends ? floor->low : floor->high);
    if (position == capacity) {
        return error_fail(detail, ERR_EXHAUSTED,
                          "%" PRId64 " to %" PRId64
                          " may have been issued under this name before, and none of its numbers "
                          "comes after them: its last one is %" PRId64,
                          floor->low, floor->high, definition_number_at(definition, capacity - 1));
    }
    *ret_position = position;
    return ERR_OK;
}
