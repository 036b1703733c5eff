#include "history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A mapping without the bytes between its members, which have no value. */
enum {
    KEY_KIND,
    KEY_START,
    KEY_INCREMENT,
    KEY_EPOCH,
    KEY_UNIT,
    KEY_MACHINE_BITS,
    KEY_NODE_BITS,
    KEY_COUNTER_BITS,
    KEY_MACHINE_ID,
    KEY_NODE_ID,
    KEY_COUNT
};

void history_init(struct history *history)
{
    *history = (struct history){.names = {.size = SEQUENCE_NAME_MAX + 1},
                                .mappings = {.size = KEY_COUNT * sizeof(int64_t)},
                                .lives = {.size = sizeof(struct history_life)}};
}

void history_fini(struct history *history)
{
    free(history->rows);
    free(history->marks);
    intern_free(&history->names);
    intern_free(&history->mappings);
    intern_free(&history->lives);
    *history = (struct history){.rows = NULL};
}

void history_begin(struct history *history, const char *name)
{
    assert(history->input_count < HISTORY_INPUTS_MAX);
    history->inputs[history->input_count++] =
        (struct history_input){.name = name, .first = history->count};
}

static enum error add_name(struct history *history, const char *name, uint32_t *ret_index)
{
    char padded[SEQUENCE_NAME_MAX + 1] = "";
    size_t length = strlen(name);
    assert(length <= SEQUENCE_NAME_MAX);
    memcpy(padded, name, length);
    return intern_add(&history->names, padded, ret_index);
}

static enum error add_mapping(struct history *history, const struct mapping *mapping,
                              uint32_t *ret_index)
{
    const int64_t key[KEY_COUNT] = {
        [KEY_KIND] = mapping->kind,
        [KEY_START] = mapping->start,
        [KEY_INCREMENT] = mapping->increment,
        [KEY_EPOCH] = mapping->layout.epoch_ms,
        [KEY_UNIT] = mapping->layout.unit_ms,
        [KEY_MACHINE_BITS] = mapping->layout.machine_bits,
        [KEY_NODE_BITS] = mapping->layout.node_bits,
        [KEY_COUNTER_BITS] = mapping->layout.counter_bits,
        [KEY_MACHINE_ID] = mapping->layout.machine_id,
        [KEY_NODE_ID] = mapping->layout.node_id,
    };
    return intern_add(&history->mappings, key, ret_index);
}

static enum error make_room(struct history *history)
{
    if (history->count < history->room) {
        return ERR_OK;
    }
    size_t room = history->room + history->room / 2 + 1024;
    struct history_row *rows = reallocarray(history->rows, room, sizeof *rows);
    if (rows == NULL) {
        return ERR_NO_MEMORY;
    }
    history->rows = rows;
    history->room = room;
    return ERR_OK;
}

struct mapping mapping_of_entry(const struct ledger_entry *entry)
{
    return (struct mapping){entry->kind, entry->start, entry->increment, entry->layout};
}

enum error history_add(struct history *history, const struct ledger_entry *entry)
{
    struct mapping mapping = mapping_of_entry(entry);
    struct history_life life;
    struct history_row row = {.id = entry->id,
                              .time_ms = entry->time_ms,
                              .nonce = entry->nonce,
                              .generation = entry->generation,
                              .positions = entry->positions,
                              .from = entry->from,
                              .act = (uint8_t)entry->act,
                              .input = (uint8_t)(history->input_count - 1),
                              .held = entry->positions.limit};
    assert(history->input_count > 0);
    memcpy(life.instance, entry->instance, sizeof life.instance);
    memcpy(life.incarnation, entry->incarnation, sizeof life.incarnation);
    enum error error = make_room(history);
    if (error == ERR_OK) {
        error = add_name(history, entry->name, &row.name);
    }
    if (error == ERR_OK) {
        error = add_mapping(history, &mapping, &row.mapping);
    }
    if (error == ERR_OK) {
        error = intern_add(&history->lives, &life, &row.life);
    }
    if (error == ERR_OK) {
        row.seen = (uint16_t)(1U << row.input);
        history->rows[history->count++] = row;
        history->inputs[row.input].count++;
    }
    return error;
}

enum error history_add_mark(struct history *history, const char *name,
                            const struct definition *definition, uint64_t mark)
{
    bool counter = definition->kind == SEQUENCE_COUNTER;
    struct mapping mapping = {.kind = definition->kind,
                              .start = counter ? definition->start : 0,
                              .increment = counter ? definition->increment : 0,
                              .layout = definition->layout};
    struct history_mark item = {.input = (uint8_t)(history->input_count - 1), .mark = mark};
    assert(history->input_count > 0);
    if (history->mark_count == history->mark_room) {
        size_t room = 2 * history->mark_room + 64;
        struct history_mark *marks = reallocarray(history->marks, room, sizeof *marks);
        if (marks == NULL) {
            return ERR_NO_MEMORY;
        }
        history->marks = marks;
        history->mark_room = room;
    }
    enum error error = add_name(history, name, &item.name);
    if (error == ERR_OK) {
        error = add_mapping(history, &mapping, &item.mapping);
    }
    if (error == ERR_OK) {
        history->marks[history->mark_count++] = item;
    }
    return error;
}

const char *history_name(const struct history *history, uint32_t name)
{
    return intern_item(&history->names, name);
}

struct mapping history_mapping(const struct history *history, uint32_t mapping)
{
    int64_t key[KEY_COUNT];
    memcpy(key, intern_item(&history->mappings, mapping), sizeof key);
    return (struct mapping){.kind = (enum sequence_kind)key[KEY_KIND],
                            .start = key[KEY_START],
                            .increment = key[KEY_INCREMENT],
                            .layout = {.epoch_ms = key[KEY_EPOCH],
                                       .unit_ms = (uint32_t)key[KEY_UNIT],
                                       .machine_bits = (uint8_t)key[KEY_MACHINE_BITS],
                                       .node_bits = (uint8_t)key[KEY_NODE_BITS],
                                       .counter_bits = (uint8_t)key[KEY_COUNTER_BITS],
                                       .machine_id = (uint32_t)key[KEY_MACHINE_ID],
                                       .node_id = (uint32_t)key[KEY_NODE_ID]}};
}

const struct history_life *history_life(const struct history *history, uint32_t life)
{
    return intern_item(&history->lives, life);
}

struct ledger_entry history_entry(const struct history *history, const struct history_row *row)
{
    struct mapping mapping = history_mapping(history, row->mapping);
    const struct history_life *life = history_life(history, row->life);
    struct ledger_entry entry = {.id = row->id,
                                 .act = (enum ledger_act)row->act,
                                 .time_ms = row->time_ms,
                                 .nonce = row->nonce,
                                 .generation = row->generation,
                                 .positions = row->positions,
                                 .from = row->from,
                                 .kind = mapping.kind,
                                 .start = mapping.start,
                                 .increment = mapping.increment,
                                 .layout = mapping.layout};
    memcpy(entry.name, history_name(history, row->name), sizeof entry.name);
    memcpy(entry.instance, life->instance, sizeof entry.instance);
    memcpy(entry.incarnation, life->incarnation, sizeof entry.incarnation);
    return entry;
}
