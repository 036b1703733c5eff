/* Who may do what over HTTP: every route, from each side, with each kind of token. */
#include "base/clock.h"
#include "dir.h"
#include "http_stage.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEARER(token) "Authorization: Bearer " token "\r\n"

static struct dir folder;

static void write_tokens(const char *text)
{
    dir_write(&folder, "tokens", text, strlen(text));
}

/* A stage with a unix socket and tokens for every name: A issues, B reads, C administers. */
static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    folder = dir_make();
    *stage = http_stage_options();
    write_tokens(TOKEN_A_HASH " issue *\n" TOKEN_B_HASH " read *\n" TOKEN_C_HASH " admin *\n");
    struct dir path = dir_entry(&folder, "tokens");
    snprintf(stage->access_options.tokens, sizeof stage->access_options.tokens, "%.*s",
             ACCESS_PATH_SIZE - 1, path.path);
    path = dir_entry(&folder, "socket");
    snprintf(stage->options.socket, sizeof stage->options.socket, "%.*s", PLACE_ADDRESS_SIZE - 1,
             path.path);
    stage->options.socket_mode = 0600;
    http_stage_add(stage, "orders", definition_default());
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    http_stage_close(*state);
    free(*state);
    dir_remove(&folder);
    return 0;
}

static void alter(struct http_stage *stage, enum access_open open)
{
    struct error_detail detail = {""};

    stage->access_options.issue_without_token = open;
    if (access_reload(stage->access, &stage->access_options, &detail) != ERR_OK) {
        fail_msg("%s", detail.text);
    }
}

static struct http_answer ask(struct http_stage *stage, bool over_unix, const char *method,
                              const char *target, const char *headers)
{
    struct http_client *client =
        over_unix ? http_client_unix(stage->options.socket) : http_client_open(stage->port);
    assert_non_null(client);
    struct http_answer answer = http_client_ask(client, method, target, headers);
    http_client_close(client);
    return answer;
}

/* 401 or 403; 0: it was not refused for want of a right. */
static int refusal(struct http_stage *stage, bool over_unix, const char *method, const char *target,
                   const char *headers)
{
    struct http_answer answer = ask(stage, over_unix, method, target, headers);
    int status = answer.status == 401 || answer.status == 403 ? answer.status : 0;

    assert_true(answer.status != 405); /* the table below names no method that is not there */
    http_answer_free(&answer);
    return status;
}

static const struct {
    const char *method;
    const char *target;
    enum access_scope scope;
} routes[] = {
    {"GET", "/", ACCESS_ISSUE},
    {"HEAD", "/", ACCESS_ISSUE},
    {"POST", "/", ACCESS_ISSUE},
    {"GET", "/v1/sequences/orders/next", ACCESS_ISSUE},
    {"HEAD", "/v1/sequences/orders/next", ACCESS_ISSUE},
    {"POST", "/v1/sequences/orders/next", ACCESS_ISSUE},
    {"GET", "/v1/sequences/nothing/next", ACCESS_ISSUE},
    {"GET", "/v1/sequences/orders", ACCESS_READ},
    {"HEAD", "/v1/sequences/orders", ACCESS_READ},
    {"GET", "/v1/sequences", ACCESS_READ},
    {"PUT", "/v1/sequences/orders", ACCESS_ADMIN},
    {"PATCH", "/v1/sequences/orders", ACCESS_ADMIN},
    {"POST", "/v1/sequences/orders/advance", ACCESS_ADMIN},
    {"DELETE", "/v1/sequences/nothing", ACCESS_ADMIN},
    {"GET", "/metrics", ACCESS_READ},
    {"GET", "/healthz", ACCESS_PUBLIC},
    {"GET", "/readyz", ACCESS_PUBLIC},
    {"GET", "/openapi.yaml", ACCESS_PUBLIC},
    {"GET", "/openapi.json", ACCESS_PUBLIC},
    {"GET", "/docs", ACCESS_PUBLIC},
    {"GET", "/docs/", ACCESS_PUBLIC},
    {"GET", "/docs/start.js", ACCESS_PUBLIC},
    {"GET", "/docs/swagger-ui-bundle.js", ACCESS_PUBLIC},
    {"GET", "/docs/swagger-ui.css", ACCESS_PUBLIC},
    {"OPTIONS", "/", ACCESS_PUBLIC},
    {"OPTIONS", "/v1/sequences/orders", ACCESS_PUBLIC},
    {"GET", "/nowhere", ACCESS_PUBLIC},
};

/* What each kind of caller may, and what the others are told. */
static const struct {
    const char *what;
    enum access_open open;
    bool over_unix;
    const char *headers;
    unsigned may; /* of enum access_scope */
    int otherwise;
} callers[] = {
    {"unix", ACCESS_OPEN_NEVER, true, "", ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN, 0},
    {"unix, a bad token", ACCESS_OPEN_NEVER, true, BEARER(TOKEN_D),
     ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN, 0},
    {"loopback", ACCESS_OPEN_LOOPBACK, false, "", ACCESS_ISSUE | ACCESS_READ, 401},
    {"everywhere", ACCESS_OPEN_EVERYWHERE, false, "", ACCESS_ISSUE | ACCESS_READ, 401},
    {"loopback, admin", ACCESS_OPEN_LOOPBACK, false, BEARER(TOKEN_C),
     ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN, 0},
    {"loopback, issue", ACCESS_OPEN_LOOPBACK, false, BEARER(TOKEN_A), ACCESS_ISSUE | ACCESS_READ,
     403},
    {"no token", ACCESS_OPEN_NEVER, false, "", 0, 401},
    {"issue", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_A), ACCESS_ISSUE | ACCESS_READ, 403},
    {"read", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_B), ACCESS_READ, 403},
    {"admin", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_C), ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN,
     0},
    {"unknown", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_D), 0, 401},
    {"two tokens", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_A) BEARER(TOKEN_A), 0, 401},
    {"two different", ACCESS_OPEN_NEVER, false, BEARER(TOKEN_C) "authorization: x\r\n", 0, 401},
    {"no scheme", ACCESS_OPEN_NEVER, false, "Authorization: " TOKEN_C "\r\n", 0, 401},
    {"another scheme", ACCESS_OPEN_NEVER, false, "Authorization: Basic " TOKEN_C "\r\n", 0, 401},
    {"nothing in it", ACCESS_OPEN_NEVER, false, "Authorization:\r\n", 0, 401},
    {"in lower case", ACCESS_OPEN_NEVER, false, "authorization: bearer " TOKEN_A "\r\n",
     ACCESS_ISSUE | ACCESS_READ, 403},
};

static void test_http_access_of_every_route_from_every_side(void **state)
{
    struct http_stage *stage = *state;

    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        alter(stage, callers[i].open);
        for (size_t j = 0; j < sizeof routes / sizeof routes[0]; j++) {
            bool may = routes[j].scope == ACCESS_PUBLIC || (callers[i].may & routes[j].scope) != 0;
            int status = refusal(stage, callers[i].over_unix, routes[j].method, routes[j].target,
                                 callers[i].headers);
            if (status != (may ? 0 : callers[i].otherwise)) {
                fail_msg("%s: %s %s: %d", callers[i].what, routes[j].method, routes[j].target,
                         status);
            }
        }
    }
}

/* Who is refused has taken no number, and is told what to bring. */
static void test_http_access_refusals_say_what_is_needed(void **state)
{
    struct http_stage *stage = *state;
    char value[128] = "";

    alter(stage, ACCESS_OPEN_NEVER);
    struct http_answer answer = ask(stage, false, "GET", "/", "");
    assert_true(http_answer_is_problem(&answer, 401, "unauthenticated",
                                       "this takes a token with scope 'issue'"));
    assert_true(http_answer_header(&answer, "WWW-Authenticate", value, sizeof value));
    assert_string_equal(value, "Bearer realm=\"seqd\"");
    http_answer_free(&answer);

    answer = ask(stage, false, "GET", "/metrics", BEARER(TOKEN_D));
    assert_true(http_answer_is_problem(&answer, 401, "unauthenticated",
                                       "the token is unknown, malformed or expired"));
    assert_true(http_answer_header(&answer, "WWW-Authenticate", value, sizeof value));
    assert_string_equal(value, "Bearer realm=\"seqd\", error=\"invalid_token\"");
    http_answer_free(&answer);

    answer = ask(stage, false, "GET", "/", BEARER(TOKEN_B));
    assert_true(http_answer_is_problem(&answer, 403, "forbidden", "it takes scope 'issue'"));
    assert_int_equal(http_answer_count(&answer, "WWW-Authenticate"), 0);
    http_answer_free(&answer);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

/* A right is asked for before anything else that could be wrong with a request is told. */
static void test_http_access_comes_before_parameters(void **state)
{
    struct http_stage *stage = *state;

    alter(stage, ACCESS_OPEN_NEVER);
    assert_int_equal(refusal(stage, false, "GET", "/?count=0", ""), 401);
    assert_int_equal(refusal(stage, false, "GET", "/?rubbish", ""), 401);
    assert_int_equal(refusal(stage, false, "GET", "/v1/sequences/nothing", ""), 401);
}

static void test_http_access_of_a_pattern(void **state)
{
    struct http_stage *stage = *state;

    write_tokens(TOKEN_A_HASH " issue ord*\n" TOKEN_B_HASH " issue default\n");
    alter(stage, ACCESS_OPEN_NEVER);
    assert_int_equal(refusal(stage, false, "GET", "/v1/sequences/orders/next", BEARER(TOKEN_A)), 0);
    assert_int_equal(refusal(stage, false, "GET", "/v1/sequences/orders", BEARER(TOKEN_A)), 0);
    assert_int_equal(refusal(stage, false, "GET", "/v1/sequences/default/next", BEARER(TOKEN_A)),
                     403);
    assert_int_equal(refusal(stage, false, "GET", "/v1/sequences", BEARER(TOKEN_A)), 403);
    assert_int_equal(refusal(stage, false, "GET", "/metrics", BEARER(TOKEN_A)), 403);
    /* GET / draws from `default`, whatever that is. */
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_A)), 403);
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_B)), 0);
    snprintf(stage->options.default_sequence, sizeof stage->options.default_sequence, "orders");
    http_alter(stage->http, &stage->options);
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_A)), 0);
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_B)), 403);
    snprintf(stage->options.default_sequence, sizeof stage->options.default_sequence, "ordure");
    http_alter(stage->http, &stage->options); /* which does not exist */
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_A)), 0);
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_B)), 403);
}

/* One connection brings one token after the other, and each counts for its own request only. */
static void test_http_access_is_asked_of_each_request(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } steps[] = {{BEARER(TOKEN_A), 200}, {"", 401},
                 {BEARER(TOKEN_A), 200}, {BEARER(TOKEN_D), 401},
                 {BEARER(TOKEN_B), 403}, {BEARER(TOKEN_C), 200},
                 {BEARER(TOKEN_C), 200}, {BEARER(TOKEN_B), 403},
                 {BEARER(TOKEN_A), 200}};
    struct http_stage *stage = *state;

    alter(stage, ACCESS_OPEN_NEVER);
    struct http_client *client = http_client_open(stage->port);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct http_answer answer = http_client_ask(client, "GET", "/", steps[i].headers);
        assert_int_equal(answer.status, steps[i].status);
        http_answer_free(&answer);
    }
    /* And what was good is forgotten when the tokens are read anew. */
    write_tokens(TOKEN_B_HASH " issue *\n");
    alter(stage, ACCESS_OPEN_NEVER);
    struct http_answer answer = http_client_ask(client, "GET", "/", BEARER(TOKEN_A));
    assert_int_equal(answer.status, 401);
    http_answer_free(&answer);
    answer = http_client_ask(client, "GET", "/", BEARER(TOKEN_B));
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
    http_client_close(client);
}

/* Longer than any header may be: refused as such, whoever sends it. */
static void test_http_access_of_a_token_of_a_mebibyte(void **state)
{
    struct http_stage *stage = *state;
    size_t length = (size_t)1 << 20;
    char *token = malloc(length);

    assert_non_null(token);
    memset(token, 'A', length);
    alter(stage, ACCESS_OPEN_NEVER);
    struct http_client *client = http_client_open(stage->port);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "));
    (void)http_client_send(client, token, length); /* the server may have had enough before */
    struct http_answer answer = {0};
    enum http_client_result result = http_client_receive(client, 10000, false, &answer);
    assert_true(result == HTTP_CLIENT_CLOSED ||
                (result == HTTP_CLIENT_ANSWERED && answer.status == 431));
    http_answer_free(&answer);
    http_client_close(client);
    free(token);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

/* The value of a metric, over the unix socket. */
static uint64_t metric(struct http_stage *stage, const char *name)
{
    struct http_answer answer = ask(stage, true, "GET", "/metrics", "");
    char start[96];

    snprintf(start, sizeof start, "\n%s ", name);
    const char *line = strstr(answer.body, start);
    assert_non_null(line);
    uint64_t value = strtoull(line + strlen(start), NULL, 10);
    http_answer_free(&answer);
    return value;
}

static void test_http_access_counts_each_refusal(void **state)
{
    struct http_stage *stage = *state;

    alter(stage, ACCESS_OPEN_NEVER);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(refusal(stage, false, "GET", "/", ""), 401);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_D)), 401);
    }
    assert_int_equal(refusal(stage, false, "GET", "/", BEARER(TOKEN_B)), 403);
    assert_int_equal(metric(stage, "seqd_http_refusals_total{reason=\"no-token\"}"), 3);
    assert_int_equal(metric(stage, "seqd_http_refusals_total{reason=\"bad-token\"}"), 2);
    assert_int_equal(metric(stage, "seqd_http_refusals_total{reason=\"forbidden\"}"), 1);
    assert_int_equal(metric(stage, "seqd_http_refusals_total{reason=\"address-limit\"}"), 0);
}

/* Too many from one address: those are closed, and nobody else is touched. */
static void test_http_access_limits_connections_of_an_address(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *clients[20];

    stage->options.max_connections_per_address = 15;
    http_alter(stage->http, &stage->options);
    for (size_t i = 0; i < 20; i++) {
        clients[i] = http_client_open(stage->port);
        if (i < 15) { /* so that it is in before the next one knocks */
            struct http_answer answer = http_client_ask(clients[i], "GET", "/healthz", "");
            http_answer_free(&answer);
        }
    }
    for (size_t i = 15; i < 20; i++) {
        assert_true(http_client_closed(clients[i], 10000));
    }
    assert_int_equal(metric(stage, "seqd_http_refusals_total{reason=\"address-limit\"}"), 5);
    for (size_t i = 0; i < 15; i++) {
        struct http_answer answer = http_client_ask(clients[i], "GET", "/", "");
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
    }
    for (size_t i = 0; i < 20; i++) {
        http_client_close(clients[i]);
    }
    /* Their places are free again, once the server has seen them go. */
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    while (metric(stage, "seqd_http_connections") > 1) {
        assert_false(clock_reached(until, clock_now()));
    }
    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_access_of_every_route_from_every_side),
        TEST(test_http_access_refusals_say_what_is_needed),
        TEST(test_http_access_comes_before_parameters),
        TEST(test_http_access_of_a_pattern),
        TEST(test_http_access_is_asked_of_each_request),
        TEST(test_http_access_of_a_token_of_a_mebibyte),
        TEST(test_http_access_counts_each_refusal),
        TEST(test_http_access_limits_connections_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
