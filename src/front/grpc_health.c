#include "grpc_health.h"

#include "core/keeper.h"
#include "grpc_counters.h"
#include "grpc_reply.h"

#include <grpc/health/v1/health.pb-c.h>
#include <string.h>

#define UNKNOWN_SERVICE GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN
#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING

/* The same judgement as /readyz. */
static Grpc__Health__V1__HealthCheckResponse__ServingStatus status_now(const struct grpc_call *call)
{
    struct grpc_service *service = call->connection->loop->service;
    struct keeper_health health;

    if (grpc_service_phase(service) != GRPC_SERVES) {
        return NOT_SERVING;
    }
    keeper_health(service->keeper, &health);
    if ((health.failing && health.failures >= KEEPER_FAILURES_UNREADY) ||
        health.busy_ns > KEEPER_STALL_UNREADY_MS * CLOCK_NS_PER_MS) {
        return NOT_SERVING;
    }
    return SERVING;
}

static bool is_known(const char *service)
{
    return service[0] == '\0' || strcmp(service, "seqd.v1.SequenceService") == 0;
}

/* Read the request; NULL when the call has been ended for it. */
static const char *read_service(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    struct grpc_arena *arena = &call->connection->loop->arena;
    const Grpc__Health__V1__HealthCheckRequest *request = grpc_arena_unpack(
        arena, &grpc__health__v1__health_check_request__descriptor, bytes, length);

    if (request == NULL) {
        grpc_reply_end(call, GRPC_INTERNAL, "the message is no HealthCheckRequest");
        return NULL;
    }
    if (!grpc_arena_text_is_whole(arena, request->service)) {
        grpc_reply_end(call, GRPC_INVALID_ARGUMENT, "service holds a byte that no name has");
        return NULL;
    }
    return request->service;
}

static void check_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    Grpc__Health__V1__HealthCheckResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    const char *service = read_service(call, bytes, length);

    if (service == NULL) {
        return;
    }
    if (!is_known(service)) {
        grpc_reply_end(call, GRPC_NOT_FOUND, "there is no service '%.128s'", service);
        return;
    }
    answer.status = status_now(call);
    grpc_reply_only(call, &answer.base);
}

const struct grpc_method grpc_check_method = {
    .path = "/grpc.health.v1.Health/Check",
    .index = GRPC_METHOD_CHECK,
    .message = check_message,
};

/* ---- Watch ---- */

/* Tell it when it has changed; call->memory holds what was told last. */
static void tell_status(struct grpc_call *call)
{
    Grpc__Health__V1__HealthCheckResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    answer.status = call->memory == UNKNOWN_SERVICE ? UNKNOWN_SERVICE : status_now(call);
    if ((int)answer.status != call->memory || !call->responded) {
        call->memory = (int)answer.status;
        grpc_reply(call, &answer.base);
    }
}

/* Look, and see to it that it is looked again. */
static void watch_tick(struct grpc_call *call)
{
    struct grpc_loop *loop = call->connection->loop;
    struct instant due = clock_after(loop->now, GRPC_WATCH_MS * CLOCK_NS_PER_MS);

    tell_status(call);
    if (grpc_timer_set(&loop->timers, &call->ticker, due) != ERR_OK) {
        grpc_reply_end(call, GRPC_UNAVAILABLE, "memory is out");
    }
}

static void watch_message(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    const char *service = read_service(call, bytes, length);

    if (service != NULL) {
        call->memory = is_known(service) ? 0 : UNKNOWN_SERVICE;
        watch_tick(call);
    }
}

static void watch_leave(struct grpc_call *call)
{
    if (call->responded) {
        tell_status(call);
        grpc_reply_end(call, GRPC_UNAVAILABLE, "the service is stopping");
    }
}

const struct grpc_method grpc_watch_method = {
    .path = "/grpc.health.v1.Health/Watch",
    .index = GRPC_METHOD_WATCH,
    .message = watch_message,
    .leave = watch_leave,
    .tick = watch_tick,
};
