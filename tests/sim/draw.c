#include "draw.h"

#include "judge.h"

/* Ticks of few positions, so that they fill up, and little to borrow. No block is larger than a
 * tick. */
static struct definition draw_stamps(struct chance *chance)
{
    static const uint64_t gaps_ms[] = {2, 10, 300, 10000};
    struct definition definition = definition_default_timestamp();
    definition.layout.machine_bits = 6;
    definition.layout.node_bits = 7;
    definition.layout.counter_bits = (uint8_t)(3 + chance_below(chance, 2));
    definition.layout.node_id = (uint32_t)chance_below(chance, 3);
    definition.layout.max_borrow_ms = (uint32_t)chance_below(chance, 6);
    definition.max_gap =
        layout_span(&definition.layout, gaps_ms[chance_below(chance, 4)], SEQUENCE_MAX_GAP_MAX);
    definition.lease = chance_below(chance, 3) == 0 ? 1 + chance_below(chance, definition.max_gap)
                                                    : SEQUENCE_LEASE_AUTO;
    definition.durability = chance_below(chance, 4) == 0 ? DURABILITY_EVERY : DURABILITY_LEASE;
    return definition;
}

/* A counter of few numbers, in all shapes. */
static struct definition draw_counter(struct chance *chance)
{
    static const int64_t increments[] = {1, 1, 1, 2, -1, -3};
    static const uint64_t gaps[] = {1, 2, 7, 50};
    struct definition definition = definition_default();
    definition.increment = increments[chance_below(chance, 6)];
    definition.min = -JUDGE_NUMBER_MAX;
    definition.max = JUDGE_NUMBER_MAX;
    definition.start = (int64_t)chance_below(chance, 20);
    if (chance_below(chance, 4) == 0) { /* it ends soon */
        definition.max = definition.start + 30;
        definition.min = definition.start - 30;
    }
    definition.max_gap = gaps[chance_below(chance, 4)];
    definition.lease = chance_below(chance, 3) == 0 ? 1 + chance_below(chance, definition.max_gap)
                                                    : SEQUENCE_LEASE_AUTO;
    definition.durability = chance_below(chance, 4) == 0 ? DURABILITY_EVERY : DURABILITY_LEASE;
    return definition;
}

struct definition draw_definition(struct chance *chance, unsigned name)
{
    return name == JUDGE_STAMPS ? draw_stamps(chance) : draw_counter(chance);
}

int64_t draw_past(struct chance *chance, unsigned name, const struct definition *definition,
                  int64_t wall_ms)
{
    if (name != JUDGE_STAMPS) {
        return (int64_t)chance_below(chance, 200) - 50;
    }
    const struct layout *layout = &definition->layout;
    int64_t time_ms = wall_ms + (int64_t)chance_below(chance, 200) - 50;
    uint64_t tick = (uint64_t)(time_ms - layout->epoch_ms) / layout->unit_ms;
    return layout_number(layout, tick << layout->counter_bits);
}
