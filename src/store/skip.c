#include "skip.h"

#include "base/range.h"
#include "base/wall_clock.h"
#include "copies.h"

/* The first position whose time has not been reachable until now. */
static uint64_t beyond_borrowed(const struct layout *layout, int64_t now_ms)
{
    uint64_t tick = 0;

    if (!layout_tick(layout, now_ms + (int64_t)layout->max_borrow_ms, &tick)) {
        return 0;
    }
    if (tick >= layout_capacity(layout) >> layout->counter_bits) {
        return layout_capacity(layout);
    }
    return (tick + 1) << layout->counter_bits;
}

static void move(struct skip *skip, struct record *record, int64_t now_ms)
{
    const struct definition *definition = &record->definition;
    uint64_t capacity = definition_capacity(definition);

    if (definition->kind == SEQUENCE_TIMESTAMP) {
        record->mark = range_max(record->mark, beyond_borrowed(&definition->layout, now_ms));
        skip->moved.timestamps++;
    } else {
        uint64_t moved = range_min(range_add_capped(record->mark, skip->positions), capacity);

        record->mark = range_max(record->mark, moved);
        skip->moved.counters++;
        skip->moved.exhausted += !record->dropped && record->mark >= capacity;
    }
    if (record->dropped) {
        record->floor = floor_grown(record->floor, definition, record->mark);
    }
    record->generation++;
}

enum error skip_record(struct skip *skip, struct environment *environment, MDB_txn *txn,
                       const char *name, struct record *record, int64_t now_ms,
                       struct error_detail *detail)
{
    struct ledger_move over = {.act = LEDGER_ADOPT, .positions.first = record->mark};
    enum error error;

    move(skip, record, now_ms);
    over.positions.limit = record->mark;
    error = copies_write(environment, txn, name, record, detail);
    return error != ERR_OK
               ? error
               : ledger_note(skip->ledger, environment, txn, name, record, &over, detail);
}

enum error skip_all(struct environment *environment, MDB_txn *txn, void *context,
                    struct error_detail *detail)
{
    struct skip *skip = context;
    int64_t now_ms = wall_clock_ms(wall_clock_system());
    char name[SEQUENCE_NAME_MAX + 1] = "";

    skip->moved = (struct store_lmdb_moved){0};
    for (;;) {
        struct record record = {0};
        enum copies_state state;
        enum error error = copies_next(environment, txn, name, detail);

        if (error != ERR_OK || name[0] == '\0') {
            return error;
        }
        error = copies_read(environment, txn, name, &state, &record, detail);
        if (error == ERR_OK && state == COPIES_DAMAGED) {
            error = ERR_CORRUPT;
        }
        if (error == ERR_OK) {
            error = skip_record(skip, environment, txn, name, &record, now_ms, detail);
        }
        if (error != ERR_OK) {
            return error;
        }
    }
}
