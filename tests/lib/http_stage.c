#include "http_stage.h"

#include "base/clock.h"
#include "token.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_NS (10 * CLOCK_NS_PER_S)

/* End the test with a word on where and why. */
static void must(enum error error, const struct error_detail *detail, const char *what)
{
    if (error != ERR_OK) {
        fail_msg("%s: %s: %s", what, error_name(error), detail->text);
    }
}

struct http_stage http_stage_options(void)
{
    struct http_stage stage = {.options = {
                                   .listen = {.count = 1, .items = {{.address = "127.0.0.1"}}},
                                   .threads = 2,
                                   .max_connections = 4096,
                                   .buffer_bytes = 8192,
                                   .clock_warning_ms = 10000,
                                   .max_count = 10000,
                                   .idle_timeout_ms = 60000,
                                   .request_timeout_ms = 60000,
                                   .wait_timeout_ms = 30000,
                                   .default_sequence = "default",
                               }};

    http_stage_add(&stage, "default", definition_default());
    return stage;
}

void http_stage_add(struct http_stage *stage, const char *name, struct definition definition)
{
    assert_true(stage->sequence_count < HTTP_STAGE_SEQUENCES);
    size_t at = stage->sequence_count++;
    snprintf(stage->sequences[at].name, sizeof stage->sequences[at].name, "%s", name);
    stage->sequences[at].definition = definition;
}

struct ground http_stage_ground(struct http_stage *stage)
{
    return (struct ground){.registry = stage->registry,
                           .keeper = stage->keeper,
                           .access = stage->access,
                           .tls = stage->tls,
                           .remote_is_wanted = access_serves_remote(&stage->access_options)};
}

static void open_front(struct http_stage *stage)
{
    struct error_detail detail = {""};

    must(access_open(&stage->access_options, &stage->access, &detail), &detail, "access_open");
    if (stage->tls_options.certificate[0] != '\0') {
        must(tls_open(&stage->tls_options, &stage->tls, &detail), &detail, "tls_open");
    }
    struct ground ground = http_stage_ground(stage);
    must(http_start(&stage->options, &ground, &stage->http, &detail), &detail, "http_start");
    stage->port = http_place(stage->http, 0)->port;
}

void http_stage_administer(struct http_stage *stage)
{
    static const char file[] = TOKEN_A_HASH " admin *\n";
    struct dir path;

    stage->tokens = dir_make();
    dir_write(&stage->tokens, "tokens", file, sizeof file - 1);
    path = dir_entry(&stage->tokens, "tokens");
    assert_true(strlen(path.path) < sizeof stage->access_options.tokens);
    memcpy(stage->access_options.tokens, path.path, strlen(path.path) + 1);
    http_client_authorize(TOKEN_A);
}

void http_stage_open(struct http_stage *stage)
{
    struct error_detail detail = {""};
    struct store_memory_options store_options = {.disk = store_memory_disk_new()};

    stage->disk = store_options.disk;
    must(store_memory_open(&store_options, &stage->store), &detail, "store_memory_open");
    must(bell_init(&stage->renewals), &detail, "bell_init");
    must(bell_init(&stage->waits), &detail, "bell_init");
    must(timekeeper_init(&stage->timekeeper,
                         stage->clock != NULL ? stage->clock : wall_clock_system()),
         &detail, "timekeeper_init");
    must(registry_open(stage->store, &stage->renewals, &stage->waits, &stage->timekeeper,
                       &stage->registry, &detail),
         &detail, "registry_open");
    for (size_t i = 0; i < stage->sequence_count; i++) {
        must(registry_declare(stage->registry, stage->store, stage->sequences[i].name,
                              &stage->sequences[i].definition, &detail),
             &detail, "registry_declare");
    }
    struct keeper_options keeper_options = {.store = stage->store, .renewals = &stage->renewals};
    must(keeper_start(&keeper_options, &stage->keeper), &detail, "keeper_start");
    must(expiry_start(&stage->waits, &stage->expiry), &detail, "expiry_start");
    open_front(stage);
}

void http_stage_close(struct http_stage *stage)
{
    store_memory_release(stage->disk);
    if (stage->http != NULL) {
        (void)http_drain(stage->http, 2000); /* a test that left one hanging has its reasons */
    }
    registry_close(stage->registry);
    http_stop(stage->http);
    tls_close(stage->tls);
    access_close(stage->access);
    if (stage->tokens.path[0] != '\0') {
        dir_remove(&stage->tokens);
        http_client_authorize(NULL);
    }
    expiry_stop(stage->expiry);
    keeper_stop(stage->keeper);
    registry_free(stage->registry);
    timekeeper_fini(&stage->timekeeper);
    bell_fini(&stage->waits);
    bell_fini(&stage->renewals);
    store_close(stage->store);
    store_memory_disk_free(stage->disk);
}

struct sequence_status http_stage_status(struct http_stage *stage, const char *name)
{
    struct sequence_status status;
    struct sequence *sequence = registry_find(stage->registry, name, strlen(name));

    assert_non_null(sequence);
    sequence_describe(sequence, &status);
    return status;
}

bool http_stage_await_waiters(struct http_stage *stage, const char *name, uint64_t waiters)
{
    struct instant until = clock_after(clock_now(), PATIENCE_NS);

    while (http_stage_status(stage, name).waiters != waiters) {
        if (clock_reached(until, clock_now())) {
            return false;
        }
        sched_yield();
    }
    return true;
}

int64_t http_stage_warm(struct http_stage *stage, const char *name)
{
    char target[SEQUENCE_NAME_MAX + 32];

    snprintf(target, sizeof target, "/v1/sequences/%s/next", name);
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    assert_int_equal(answer.status, 200);
    int64_t number = strtoll(answer.body, NULL, 10);
    http_answer_free(&answer);
    return number;
}

void http_stage_expect_at(struct http_stage *stage, const char *method, const char *target,
                          const char *headers, int status, const char *body, const char *file,
                          int line)
{
    struct http_answer answer = http_ask(stage->port, method, target, headers);
    bool right = answer.status == status && (body == NULL || strcmp(answer.body, body) == 0) &&
                 http_answer_count(&answer, "Cache-Control") == 1;

    if (!right) {
        print_error("%s %.80s: expected %d and '%s', got:\n%s\n%.500s\n", method, target, status,
                    body != NULL ? body : "any body", answer.head, answer.body);
    }
    http_answer_free(&answer);
    _assert_true(right, "the answer", file, line);
}

bool http_answer_is_problem(const struct http_answer *answer, int status, const char *type,
                            const char *text)
{
    char content_type[64] = "";
    char start[128];
    char middle[64];

    http_answer_header(answer, "Content-Type", content_type, sizeof content_type);
    snprintf(start, sizeof start, "{\"type\":\"/problems/%s\",\"title\":\"", type);
    snprintf(middle, sizeof middle, "\",\"status\":%d,\"detail\":\"", status);
    bool right = answer->status == status && http_answer_count(answer, "Cache-Control") == 1 &&
                 (http_answer_count(answer, "Retry-After") == 1) == (status == 503) &&
                 strcmp(content_type, "application/problem+json") == 0 &&
                 strncmp(answer->body, start, strlen(start)) == 0 &&
                 strstr(answer->body, middle) != NULL && strstr(answer->body, text) != NULL &&
                 strcmp(answer->body + answer->body_length - 2, "}\n") == 0;
    if (!right) {
        print_error("expected problem %d '%s' with '%s', got:\n%s\n%.500s\n", status, type, text,
                    answer->head, answer->body);
    }
    return right;
}

void http_stage_expect_problem_at(struct http_stage *stage, const char *method, const char *target,
                                  const char *headers, int status, const char *type,
                                  const char *text, const char *file, int line)
{
    struct http_answer answer = http_ask(stage->port, method, target, headers);
    bool right = http_answer_is_problem(&answer, status, type, text);

    if (!right) {
        print_error("... to %s %.80s\n", method, target);
    }
    http_answer_free(&answer);
    _assert_true(right, "the problem", file, line);
}

void http_stage_expect_json_at(struct http_stage *stage, const char *method, const char *target,
                               const char *sent, int status, const char *text, const char *file,
                               int line)
{
    struct http_answer answer = http_ask_json(stage->port, method, target, sent);
    char type[64] = "";
    bool right = answer.status == status && strstr(answer.body, text) != NULL &&
                 http_answer_count(&answer, "Cache-Control") == 1 &&
                 http_answer_header(&answer, "Content-Type", type, sizeof type) &&
                 strcmp(type, "application/json") == 0 &&
                 (http_answer_count(&answer, "Location") == 1) == (status == 201);

    if (!right) {
        print_error("%s %.80s %.200s: expected %d with '%s', got:\n%s\n%.900s\n", method, target,
                    sent, status, text, answer.head, answer.body);
    }
    http_answer_free(&answer);
    _assert_true(right, "the answer", file, line);
}

void http_stage_refuse_json_at(struct http_stage *stage, const char *method, const char *target,
                               const char *sent, int status, const char *type, const char *text,
                               const char *file, int line)
{
    struct http_answer answer = http_ask_json(stage->port, method, target, sent);
    bool right = http_answer_is_problem(&answer, status, type, text);

    if (!right) {
        print_error("... to %s %.80s %.200s\n", method, target, sent);
    }
    http_answer_free(&answer);
    _assert_true(right, "the problem", file, line);
}
