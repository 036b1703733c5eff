#include "http_sequence.h"

#include "base/forecast.h"
#include "base/rfc3339.h"

void http_sequence_layout(struct http_json *json, const struct layout *layout)
{
    char text[RFC3339_SIZE];
    rfc3339_format(text, layout->epoch_ms, 3);
    http_json_text(json, "epoch", text);
    http_json_text(json, "time_unit", layout_unit_name(layout));
    http_json_small(json, "machine_bits", layout->machine_bits);
    http_json_small(json, "node_bits", layout->node_bits);
    http_json_small(json, "counter_bits", layout->counter_bits);
    http_json_small(json, "machine_id", layout->machine_id);
    http_json_small(json, "node_id", layout->node_id);
}

void http_sequence_define(struct http_json *json, const struct definition *definition)
{
    http_json_text(json, "kind", sequence_kind_name(definition->kind));
    if (definition->kind == SEQUENCE_COUNTER) {
        http_json_int64(json, "start", definition->start);
        http_json_int64(json, "increment", definition->increment);
        http_json_int64(json, "min", definition->min);
        http_json_int64(json, "max", definition->max);
    }
    http_json_uint64(json, "max_gap", definition->max_gap);
    if (definition->lease == SEQUENCE_LEASE_AUTO) {
        http_json_text(json, "lease", "auto");
    } else {
        http_json_uint64(json, "lease", definition->lease);
    }
    http_json_text(json, "durability", durability_name(definition->durability));
    if (definition->kind == SEQUENCE_TIMESTAMP) {
        http_sequence_layout(json, &definition->layout);
        http_json_small(json, "max_borrow_ms", definition->layout.max_borrow_ms);
    }
}

static void add_state(struct http_json *json, const struct sequence_status *status)
{
    const struct definition *definition = &status->definition;
    struct forecast forecast = forecast_of(status->next, status->capacity, sequence_pace(status));

    if (forecast.left > 0) {
        http_json_int64(json, "next", definition_number_at(definition, status->next));
    } else {
        http_json_plain(json, "next", "null");
    }
    http_json_uint64(json, "left", forecast.left);
    http_json_plain(json, "exhausted", status->exhausted ? "true" : "false");
    http_json_uint64(json, "position", status->next);
    http_json_uint64(json, "mark", status->mark);
    http_json_uint64(json, "unissued", status->unissued);
    http_json_uint64(json, "lease_size", status->lease_size);
    http_json_uint64(json, "issued", status->issued);
    http_json_uint64(json, "burnt", status->burnt);
    http_json_uint64(json, "waiters", status->waiters);
    http_json_uint64(json, "waited", status->waited);
    http_json_uint64(json, "rate", status->rate);
    if (forecast.ends) {
        http_json_uint64(json, "seconds_left", forecast.seconds_left);
    } else {
        http_json_plain(json, "seconds_left", "null");
    }
    http_json_small(json, "used_percent", forecast.used_percent);
}

void http_sequence_write(struct http_json *json, const char *name,
                         const struct sequence_status *status)
{
    http_json_text(json, "name", name);
    http_sequence_define(json, &status->definition);
    add_state(json, status);
}
