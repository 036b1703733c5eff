#include "http_show.h"

#include "base/clock.h"
#include "base/text.h"
#include "http_json.h"
#include "http_reply.h"

#include <inttypes.h>
#include <string.h>

/* Twenty members of at most 48 bytes, and the name. */
#define SEQUENCE_JSON_SIZE (20 * 48 + SEQUENCE_NAME_MAX)

static void add_definition(struct http_json *json, const struct definition *definition)
{
    http_json_int64(json, "start", definition->start);
    http_json_int64(json, "increment", definition->increment);
    http_json_int64(json, "min", definition->min);
    http_json_int64(json, "max", definition->max);
    http_json_uint64(json, "max_gap", definition->max_gap);
    if (definition->lease == SEQUENCE_LEASE_AUTO) {
        http_json_text(json, "lease", "auto");
    } else {
        http_json_uint64(json, "lease", definition->lease);
    }
    http_json_text(json, "durability", durability_name(definition->durability));
}

static void add_state(struct http_json *json, const struct sequence_status *status)
{
    const struct definition *definition = &status->definition;
    uint64_t left = status->next < status->capacity ? status->capacity - status->next : 0;

    if (left > 0) {
        http_json_int64(json, "next", definition_number_at(definition, status->next));
    } else {
        http_json_plain(json, "next", "null");
    }
    http_json_uint64(json, "left", left);
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
    if (status->rate > 0) {
        http_json_uint64(json, "seconds_left", left / status->rate);
    } else {
        http_json_plain(json, "seconds_left", "null");
    }
}

enum MHD_Result http_show_sequence(struct http_request *request)
{
    struct sequence *sequence =
        registry_find(request->service->registry, request->name, request->name_length);
    struct sequence_status status;
    struct http_json json;
    char body[SEQUENCE_JSON_SIZE];

    if (sequence == NULL) {
        return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE,
                                  "there is no sequence '%.*s'", (int)request->name_length,
                                  request->name);
    }
    sequence_describe(sequence, &status);
    http_json_begin(&json, body, sizeof body);
    http_json_text(&json, "name", sequence_name(sequence));
    add_definition(&json, &status.definition);
    add_state(&json, &status);
    return http_reply_page(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}

enum MHD_Result http_show_health(struct http_request *request)
{
    return http_reply_page(request, HTTP_TYPE_TEXT, "ok\n", 3);
}

enum MHD_Result http_show_readiness(struct http_request *request)
{
    struct keeper_health health;

    if (http_service_draining(request->service)) {
        return http_reply_problem(request, HTTP_PROBLEM_STOPPING, "the service is stopping");
    }
    keeper_health(request->service->keeper, &health);
    if (health.failing && health.failures >= KEEPER_FAILURES_UNREADY) {
        return http_reply_problem(request, HTTP_PROBLEM_NOT_READY,
                                  "the store failed %" PRIu64 " times in a row, %d are allowed: "
                                  "%s",
                                  health.failures, KEEPER_FAILURES_UNREADY - 1, health.detail.text);
    }
    if (health.busy_ns > HTTP_STALL_MS * CLOCK_NS_PER_MS) {
        return http_reply_problem(request, HTTP_PROBLEM_NOT_READY,
                                  "the store has not answered for %" PRIu64 " ms, %d are allowed",
                                  health.busy_ns / CLOCK_NS_PER_MS, HTTP_STALL_MS);
    }
    return http_reply_page(request, HTTP_TYPE_TEXT, "ready\n", 6);
}
