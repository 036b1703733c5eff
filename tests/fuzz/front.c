#include "front.h"

#include "law.h"

#include "base/log.h"
#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "front/http_admin.h"
#include "front/http_fields.h"
#include "front/http_next.h"
#include "front/http_request.h"
#include "front/http_route.h"
#include "front/http_service.h"
#include "store_memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES 4096
#define LEASE (UINT64_C(1) << 40) /* so that the keeper has next to nothing to do */
#define WAIT_MS 5000

static struct {
    struct store *store;
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct registry *registry;
    struct keeper *keeper;
    struct expiry *expiry;
    struct access *access;
    struct http_service service;
} house;

static void declare(const char *name, struct definition definition)
{
    law_holds(registry_declare(house.registry, house.store, name, &definition, NULL) == ERR_OK);
}

static void declare_all(void)
{
    struct definition counter = definition_default();
    struct definition few = definition_default();

    counter.max_gap = LEASE;
    counter.lease = LEASE;
    declare("default", counter);
    counter.start = INT64_C(1000000000000);
    declare("orders", counter);
    few.min = -6992;
    few.increment = -7;
    few.max = 1;
    declare("few", few);
    declare("ticks", definition_default_timestamp());
}

static void build(void)
{
    struct store_memory_options store = {.disk = store_memory_disk_new()};
    struct access_options access = {.issue_without_token = ACCESS_OPEN_LOOPBACK};

    log_set_level(LOG_LEVEL_ERROR);
    law_holds(store_memory_open(&store, &house.store) == ERR_OK);
    law_holds(bell_init(&house.renewals) == ERR_OK && bell_init(&house.waits) == ERR_OK);
    law_holds(timekeeper_init(&house.timekeeper, wall_clock_system()) == ERR_OK);
    law_holds(registry_open(house.store, &house.renewals, &house.waits, &house.timekeeper,
                            &house.registry, NULL) == ERR_OK);
    declare_all();
    struct keeper_options keeper = {.store = house.store, .renewals = &house.renewals};
    law_holds(keeper_start(&keeper, &house.keeper) == ERR_OK);
    law_holds(expiry_start(&house.waits, &house.expiry) == ERR_OK);
    law_holds(access_open(&access, &house.access, NULL) == ERR_OK);
    struct ground ground = {
        .registry = house.registry, .keeper = house.keeper, .access = house.access};
    law_holds(http_service_init(&house.service, &ground, BUFFER_BYTES, 16) == ERR_OK);
    http_service_alter(&house.service, FRONT_MAX_COUNT, WAIT_MS, "default");
}

static void add_issued(void *context, struct sequence *sequence)
{
    struct sequence_status status;
    uint64_t *sum = context;

    sequence_describe(sequence, &status);
    *sum += status.issued;
}

uint64_t front_issued(void)
{
    uint64_t sum = 0;

    if (house.registry == NULL) {
        build();
    }
    registry_each(house.registry, add_issued, &sum);
    return sum;
}

/* ---- the form of every answer ---- */

static void check_problem(const struct false_answer *answer)
{
    const char *type = false_answer_header(answer, "Content-Type");
    json_error_t why;
    json_t *problem = json_loadb(answer->body, (size_t)answer->length, 0, &why);
    json_t *detail = json_object_get(problem, "detail");

    law_holds(type != NULL && strcmp(type, "application/problem+json") == 0);
    law_holds(json_is_object(problem));
    law_holds(json_integer_value(json_object_get(problem, "status")) == (json_int_t)answer->status);
    law_holds(json_is_string(json_object_get(problem, "type")));
    law_holds(json_is_string(json_object_get(problem, "title")));
    law_holds(json_is_string(detail) && json_string_length(detail) > 0);
    json_decref(problem);
}

/* What is said to be JSON is. */
static void check_page(const struct false_answer *answer)
{
    const char *type = false_answer_header(answer, "Content-Type");

    if (type != NULL && strcmp(type, "application/json") == 0) {
        json_t *page = json_loadb(answer->body, (size_t)answer->length, 0, NULL);
        law_holds(json_is_object(page));
        json_decref(page);
    }
}

static void check_form(const struct false_answer *answer)
{
    law_holds(answer->status >= 200 && answer->status < 600);
    law_holds(false_answer_header(answer, "Cache-Control") != NULL || answer->status == 308);
    law_holds((answer->status == 503) == (false_answer_header(answer, "Retry-After") != NULL));
    law_holds((answer->status == 401) == (false_answer_header(answer, "WWW-Authenticate") != NULL));
    law_holds((answer->status == 405 || answer->status == 204) ==
              (false_answer_header(answer, "Allow") != NULL));
    if (answer->status >= 400) {
        check_problem(answer);
    } else if (answer->length > 0 && answer->length <= FALSE_HTTP_BODY_MAX) {
        check_page(answer);
    }
}

/* ---- the way of a request ---- */

/* In two pieces, as a body may come. */
static void bring_body(struct http_request *request, const struct false_request *from)
{
    struct http_bodies *bodies = &house.service.bodies;
    size_t half = from->body_length / 2;

    request->body.wanted = http_route_takes_body(request, from->path, from->method);
    law_holds(http_body_add(&request->body, bodies, from->body, half));
    law_holds(http_body_add(&request->body, bodies, from->body + half, from->body_length - half));
}

void front_ask(const struct false_request *from, enum access_peer peer,
               struct false_answer *ret_answer)
{
    struct MHD_Connection *connection = false_connection_new(from);
    struct http_request request = {.service = &house.service, .connection = connection};
    enum MHD_Result result = MHD_YES;

    if (house.registry == NULL) {
        build();
    }
    request.client.peer = peer;
    request.timed.fd = -1;
    request.target_length = strlen(from->target);
    http_deadline_expect(&house.service.deadline);
    http_deadline_add(&house.service.deadline, &request.timed, -1);
    http_timed_begin(&request.timed);
    http_fields_read(connection, &request.fields);
    if (from->body_length > 0) {
        bring_body(&request, from);
    }
    result = http_route(&request, from->path, from->method);
    while (result == MHD_YES && false_connection_wait(connection)) {
        result = request.step == HTTP_STEP_LEASE ? http_next_go_on(&request)
                                                 : http_admin_go_on(&request);
    }
    law_holds(result == MHD_YES);
    false_connection_answer(connection, ret_answer);
    check_form(ret_answer);
    (void)http_deadline_remove(&house.service.deadline, &request.timed);
    http_body_reset(&request.body, &house.service.bodies);
    law_holds(house.service.bodies.bytes == 0);
    false_connection_free(connection);
}
