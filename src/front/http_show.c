#include "http_show.h"

#include "base/clock.h"
#include "http_json.h"
#include "http_reply.h"
#include "http_sequence.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum MHD_Result http_show_sequence(struct http_request *request)
{
    struct sequence *sequence =
        registry_find(request->service->registry, request->name, request->name_length);
    struct sequence_status status;
    struct http_json json;
    char body[HTTP_SEQUENCE_JSON_SIZE];

    if (sequence == NULL) {
        return http_reply_problem(request, HTTP_PROBLEM_UNKNOWN_SEQUENCE,
                                  "there is no sequence '%.*s'", (int)request->name_length,
                                  request->name);
    }
    sequence_describe(sequence, &status);
    http_json_begin(&json, body, sizeof body);
    http_sequence_write(&json, sequence_name(sequence), &status);
    return http_reply_page(request, HTTP_TYPE_JSON, body, http_json_end(&json));
}

enum MHD_Result http_show_health(struct http_request *request)
{
    return http_reply_page(request, HTTP_TYPE_TEXT, "ok\n", 3);
}

/* The timestamp sequence that is farthest ahead of its clock. */
struct farthest {
    const char *name;
    int64_t ahead_ms;
};

static void look_at(void *context, struct sequence *sequence)
{
    struct farthest *farthest = context;
    struct sequence_status status;
    sequence_describe(sequence, &status);
    int64_t ahead_ms = status.times.next_ms - status.times.clock_ms;
    if (status.definition.kind == SEQUENCE_TIMESTAMP && ahead_ms > farthest->ahead_ms) {
        *farthest = (struct farthest){sequence_name(sequence), ahead_ms};
    }
}

/* Ready it is all the same: numbers go on from the highest. But their times run ahead. */
static enum MHD_Result reply_ready(struct http_request *request)
{
    char text[SEQUENCE_NAME_MAX + 160] = "ready\n";
    /* order: relaxed; see http_alter(). */
    uint64_t allowed_ms =
        atomic_load_explicit(&request->service->clock_warning_ms, memory_order_relaxed);
    struct farthest farthest = {NULL, (int64_t)allowed_ms};
    registry_each(request->service->registry, look_at, &farthest);
    if (farthest.name != NULL) {
        (void)snprintf(text, sizeof text,
                       "ready\nwarning: the clock is %" PRId64 " ms behind the time that '%s' has "
                       "reached, %" PRIu64 " are allowed\n",
                       farthest.ahead_ms, farthest.name, allowed_ms);
    }
    return http_reply_page(request, HTTP_TYPE_TEXT, text, strlen(text));
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
    if (health.busy_ns > KEEPER_STALL_UNREADY_MS * CLOCK_NS_PER_MS) {
        return http_reply_problem(request, HTTP_PROBLEM_NOT_READY,
                                  "the store has not answered for %" PRIu64 " ms, %d are allowed",
                                  health.busy_ns / CLOCK_NS_PER_MS, KEEPER_STALL_UNREADY_MS);
    }
    return reply_ready(request);
}
