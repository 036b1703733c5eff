#include "ledger_show.h"

#include "comb.h"
#include "history.h"

#include <inttypes.h>
#include <stdio.h>

const char *ledger_show_life(const uint8_t id[LEDGER_INSTANCE_SIZE], char to[LEDGER_SHOW_LIFE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < LEDGER_INSTANCE_SIZE; i++) {
        to[2 * i] = digits[id[i] >> 4];
        to[2 * i + 1] = digits[id[i] & 15];
    }
    to[LEDGER_SHOW_LIFE_SIZE - 1] = '\0';
    return to;
}

const char *ledger_show_time(uint64_t time_ms, char to[RFC3339_SIZE])
{
    rfc3339_format(to, time_ms <= RFC3339_MAX_MS ? (int64_t)time_ms : RFC3339_MAX_MS, 3);
    return to;
}

const char *ledger_show(const struct ledger_entry *entry, char to[LEDGER_SHOW_SIZE])
{
    char id[LEDGER_ID_SIZE];
    char time[RFC3339_SIZE];
    char instance[LEDGER_SHOW_LIFE_SIZE];
    char incarnation[LEDGER_SHOW_LIFE_SIZE];
    ledger_id_format(entry->id, id);
    (void)snprintf(to, LEDGER_SHOW_SIZE, "row %s of %s (instance %.*s, incarnation %.*s)", id,
                   ledger_show_time(entry->time_ms, time), LEDGER_SHOW_LIFE_SHORT,
                   ledger_show_life(entry->instance, instance), LEDGER_SHOW_LIFE_SHORT,
                   ledger_show_life(entry->incarnation, incarnation)); /* it fits */
    return to;
}

/* json_object_set_new() refuses NULL, which stands for memory that is out; an object that lacks a
 * member then is not printed, for its own end fails, too. */
static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

void ledger_show_uint64(json_t *object, const char *key, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    set(object, key, json_string(text));
}

void ledger_show_int64(json_t *object, const char *key, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    set(object, key, json_string(text));
}

static json_t *layout_json(const struct layout *layout)
{
    char epoch[RFC3339_SIZE];
    rfc3339_format(epoch, layout->epoch_ms, 3);
    return json_pack("{s:s,s:s,s:i,s:i,s:i,s:I,s:I}", "epoch", epoch, "time_unit",
                     layout_unit_name(layout), "machine_bits", (int)layout->machine_bits,
                     "node_bits", (int)layout->node_bits, "counter_bits", (int)layout->counter_bits,
                     "machine_id", (json_int_t)layout->machine_id, "node_id",
                     (json_int_t)layout->node_id);
}

json_t *ledger_show_json(const struct ledger_entry *entry)
{
    char id[LEDGER_ID_SIZE];
    char time[RFC3339_SIZE];
    char instance[LEDGER_SHOW_LIFE_SIZE];
    char incarnation[LEDGER_SHOW_LIFE_SIZE];
    struct mapping mapping = mapping_of_entry(entry);
    json_t *positions = json_object();
    ledger_id_format(entry->id, id);
    json_t *row =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "row", id, "act", ledger_act_name(entry->act),
                  "sequence", entry->name, "time", ledger_show_time(entry->time_ms, time),
                  "instance", ledger_show_life(entry->instance, instance), "incarnation",
                  ledger_show_life(entry->incarnation, incarnation));
    ledger_show_uint64(row, "nonce", entry->nonce);
    ledger_show_uint64(row, "generation", entry->generation);
    ledger_show_uint64(positions, "first", entry->positions.first);
    ledger_show_uint64(positions, "limit", entry->positions.limit);
    ledger_show_uint64(positions, "from", entry->from);
    set(row, "positions", positions);
    set(row, "kind", json_string(sequence_kind_name(entry->kind)));
    if (entry->kind == SEQUENCE_TIMESTAMP) {
        set(row, "layout", layout_json(&entry->layout));
    } else {
        ledger_show_int64(row, "start", entry->start);
        ledger_show_int64(row, "increment", entry->increment);
    }
    ledger_show_int64(row, "first", mapping_number(&mapping, entry->positions.first));
    ledger_show_int64(row, "last", mapping_number(&mapping, entry->positions.limit - 1));
    return row;
}
