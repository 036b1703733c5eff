#include "base/ledger_entry.h"

#include "base/rfc3339.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const acts[LEDGER_ACTS + 1] = {
    [LEDGER_LEASE] = "lease",   [LEDGER_RETURN] = "return", [LEDGER_ADVANCE] = "advance",
    [LEDGER_REWIND] = "rewind", [LEDGER_ADOPT] = "adopt",
};

struct ledger_entry ledger_entry_of(const char *name, const struct definition *definition,
                                    enum ledger_act act, struct range positions,
                                    uint64_t generation)
{
    struct ledger_entry entry = {
        .act = act,
        .generation = generation,
        .positions = positions,
        .from = positions.first,
        .kind = definition->kind,
        .layout = definition->layout,
    };

    if (definition->kind == SEQUENCE_COUNTER) {
        entry.start = definition->start;
        entry.increment = definition->increment;
    }
    entry.layout.max_borrow_ms = 0;
    memcpy(entry.name, name, strnlen(name, SEQUENCE_NAME_MAX));
    return entry;
}

static bool layout_is_empty(const struct layout *layout)
{
    return layout_equal(layout, &(struct layout){.epoch_ms = 0});
}

/* Is every number of a counter's positions one that a sequence can have? */
static bool numbers_fit(const struct ledger_entry *entry)
{
    bool rising = entry->increment > 0;
    uint64_t step = rising ? (uint64_t)entry->increment : 0 - (uint64_t)entry->increment;
    uint64_t way = rising ? (uint64_t)SEQUENCE_NUMBER_MAX - (uint64_t)entry->start
                          : (uint64_t)entry->start - (uint64_t)SEQUENCE_NUMBER_MIN;

    return entry->start >= SEQUENCE_NUMBER_MIN && entry->positions.limit - 1 <= way / step;
}

static enum error check_mapping(const struct ledger_entry *entry, struct error_detail *detail)
{
    switch (entry->kind) {
    case SEQUENCE_COUNTER:
        if (entry->increment == 0 || !layout_is_empty(&entry->layout)) {
            return error_fail(detail, ERR_INVALID, "no counter maps positions so");
        }
        if (!numbers_fit(entry)) {
            return error_fail(detail, ERR_INVALID, "the positions lie beyond all numbers");
        }
        return ERR_OK;
    case SEQUENCE_TIMESTAMP:
        if (entry->start != 0 || entry->increment != 0 || entry->layout.max_borrow_ms != 0) {
            return error_fail(detail, ERR_INVALID, "no timestamp sequence maps positions so");
        }
        if (layout_check(&entry->layout, detail) != ERR_OK) {
            return ERR_INVALID;
        }
        if (entry->positions.limit > layout_capacity(&entry->layout)) {
            return error_fail(detail, ERR_INVALID, "the positions lie beyond the time field");
        }
        return ERR_OK;
    }
    return error_fail(detail, ERR_INVALID, "there is no such kind");
}

enum error ledger_entry_check(const struct ledger_entry *entry, struct error_detail *detail)
{
    if (entry->act < LEDGER_LEASE || entry->act > LEDGER_ADOPT) {
        return error_fail(detail, ERR_INVALID, "there is no such act");
    }
    if (definition_check_name(entry->name, strnlen(entry->name, sizeof entry->name), detail) !=
        ERR_OK) {
        return ERR_INVALID;
    }
    if (entry->time_ms > RFC3339_MAX_MS) {
        return error_fail(detail, ERR_INVALID, "the time lies beyond the year 9999");
    }
    if (entry->positions.first >= entry->positions.limit) {
        return error_fail(detail, ERR_INVALID, "there are no positions");
    }
    if (entry->from < entry->positions.first || entry->from > entry->positions.limit) {
        return error_fail(detail, ERR_INVALID, "it is issued from where it is not");
    }
    return check_mapping(entry, detail);
}

int64_t ledger_entry_number(const struct ledger_entry *entry, uint64_t position)
{
    return entry->kind == SEQUENCE_TIMESTAMP
               ? layout_number(&entry->layout, position)
               : definition_number(entry->start, entry->increment, position);
}

/* The position of `number`, wherever it lies. False where the sequence has no such number. */
static bool counter_position(const struct ledger_entry *entry, int64_t number,
                             uint64_t *ret_position)
{
    bool rising = entry->increment > 0;
    uint64_t step = rising ? (uint64_t)entry->increment : 0 - (uint64_t)entry->increment;
    uint64_t distance = rising ? (uint64_t)number - (uint64_t)entry->start
                               : (uint64_t)entry->start - (uint64_t)number;

    if (rising ? number < entry->start : number > entry->start) {
        return false;
    }
    *ret_position = distance / step;
    return distance % step == 0;
}

static bool timestamp_position(const struct ledger_entry *entry, int64_t number,
                               uint64_t *ret_position)
{
    const struct layout *layout = &entry->layout;
    struct layout_parts parts;

    if (number < 0) {
        return false;
    }
    parts = layout_decode(layout, number);
    *ret_position = parts.tick << layout->counter_bits | parts.counter;
    return layout_number(layout, *ret_position) == number; /* of this machine and node */
}

bool ledger_entry_covers(const struct ledger_entry *entry, int64_t number)
{
    uint64_t position = 0;
    bool found = entry->kind == SEQUENCE_TIMESTAMP ? timestamp_position(entry, number, &position)
                                                   : counter_position(entry, number, &position);

    return found && position >= entry->positions.first &&
           position - entry->positions.first < range_count(entry->positions);
}

int ledger_id_compare(struct ledger_id a, struct ledger_id b)
{
    if (a.commit != b.commit) {
        return a.commit < b.commit ? -1 : 1;
    }
    return (a.index > b.index) - (a.index < b.index);
}

void ledger_id_format(struct ledger_id id, char to[LEDGER_ID_SIZE])
{
    (void)snprintf(to, LEDGER_ID_SIZE, "%" PRIu64 ".%" PRIu32, id.commit, id.index); /* it fits */
}

enum error ledger_id_parse(const char *text, struct ledger_id *ret_id)
{
    char commit[LEDGER_ID_SIZE] = "";
    const char *point = strchr(text, '.');
    struct ledger_id id = {0};
    uint64_t index = 0;

    if (point == NULL || (size_t)(point - text) >= sizeof commit) {
        return ERR_INVALID;
    }
    memcpy(commit, text, (size_t)(point - text));
    if (text_parse_uint64(commit, UINT64_MAX, &id.commit) != ERR_OK ||
        text_parse_uint64(point + 1, UINT32_MAX, &index) != ERR_OK) {
        return ERR_INVALID;
    }
    id.index = (uint32_t)index;
    *ret_id = id;
    return ERR_OK;
}

const char *ledger_act_name(enum ledger_act act)
{
    return acts[act];
}

enum error ledger_act_parse(const char *text, enum ledger_act *ret_act)
{
    for (unsigned act = LEDGER_LEASE; act <= LEDGER_ADOPT; act++) {
        if (strcmp(text, acts[act]) == 0) {
            *ret_act = (enum ledger_act)act;
            return ERR_OK;
        }
    }
    return ERR_INVALID;
}
