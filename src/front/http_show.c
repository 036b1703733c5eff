#include "http_show.h"

#include "base/clock.h"
#include "http_json.h"
#include "http_reply.h"
#include "http_sequence.h"

#include <inttypes.h>
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
