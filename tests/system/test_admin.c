/* Administration of the real daemon over HTTP: what was done is still there after a restart, and
 * agrees with what the configuration says. */
#include "http_client.h"
#include "stage.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORDERS "/v1/sequences/orders"
#define TOKENS TOKEN_A_HASH " admin *\n"

/* A daemon whose administrator is this test; `more` goes on from its section [http]. */
static struct stage open_stage(const char *more)
{
    struct stage stage = {.data = dir_make(), .configuration = dir_make()};
    struct dir tokens = dir_entry(&stage.configuration, "tokens");
    char text[DIR_PATH_SIZE + 512];

    dir_write(&stage.configuration, "tokens", TOKENS, sizeof TOKENS - 1);
    (void)snprintf(text, sizeof text, "[http]\ntokens = %s\n%s", tokens.path, more);
    stage_configure(&stage, text);
    stage_start(&stage, NULL);
    http_client_authorize(TOKEN_A);
    return stage;
}

static void close_stage(struct stage *stage)
{
    http_client_authorize(NULL);
    stage_close(stage);
}

/* Ask with a JSON body; the answer must have `status` and contain `text`. */
static void ask(const struct stage *stage, const char *method, const char *target, const char *body,
                int status, const char *text)
{
    struct http_answer answer = http_ask_json(stage->port, method, target, body);
    if (answer.status != status || strstr(answer.body, text) == NULL) {
        fail_msg("%s %s %s: expected %d with '%s', got %d '%s'", method, target, body, status, text,
                 answer.status, answer.body);
    }
    http_answer_free(&answer);
}

static void restart(struct stage *stage)
{
    stage_stop(stage);
    stage_start(stage, NULL);
}

static void test_admin_create_outlives_a_restart_and_a_kill(void **state)
{
    (void)state;
    struct stage stage = open_stage("");
    ask(&stage, "PUT", ORDERS, "{\"start\":\"1001\",\"increment\":10,\"max_gap\":50}", 201,
        "\"next\":\"1001\"");
    assert_int_equal(stage_next(&stage, ORDERS "/next"), 1001);
    assert_int_equal(stage_next(&stage, ORDERS "/next"), 1011);
    restart(&stage);
    ask(&stage, "PUT", ORDERS, "{\"start\":\"1001\",\"increment\":10,\"max_gap\":50}", 200,
        "\"next\":\"1021\"");
    assert_int_equal(stage_next(&stage, ORDERS "/next"), 1021);
    ask(&stage, "PUT", "/v1/sequences/late", "{}", 201, "\"name\":\"late\"");
    stage_kill(&stage); /* it was durable before the answer */
    stage_start(&stage, NULL);
    ask(&stage, "PUT", "/v1/sequences/late", "{}", 200, "\"name\":\"late\"");
    int64_t next = stage_next(&stage, ORDERS "/next");
    assert_true(next > 1021 && next <= 1021 + 10 * 51);
    close_stage(&stage);
}

static void test_admin_drop_keeps_the_floor_over_a_restart(void **state)
{
    (void)state;
    struct stage stage = open_stage("");
    ask(&stage, "PUT", ORDERS, "{\"max_gap\":100}", 201, "");
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(stage_next(&stage, ORDERS "/next"), i);
    }
    struct http_answer answer = http_ask(stage.port, "DELETE", ORDERS, "");
    assert_int_equal(answer.status, 200);
    const char *high = strstr(answer.body, "\"high\":\"");
    assert_non_null(high);
    int64_t floor = strtoll(high + 8, NULL, 10);
    assert_true(floor >= 5);
    http_answer_free(&answer);
    restart(&stage);
    stage_expect_status(&stage, "GET", ORDERS "/next", "", 404);
    ask(&stage, "PUT", ORDERS, "{\"max_gap\":100}", 201, "");
    assert_int_equal(stage_next(&stage, ORDERS "/next"), floor + 1);
    close_stage(&stage);
}

static void test_admin_advance_outlives_a_kill(void **state)
{
    (void)state;
    struct stage stage = open_stage("[sequence:orders]\n");
    ask(&stage, "POST", ORDERS "/advance", "{\"past\":\"9007199254740993\"}", 200,
        "\"next\":\"9007199254740994\"");
    stage_kill(&stage);
    stage_start(&stage, NULL);
    assert_true(stage_next(&stage, ORDERS "/next") >= INT64_C(9007199254740994));
    ask(&stage, "POST", ORDERS "/advance", "{\"past\":10}", 409, "/problems/would-rewind");
    ask(&stage, "POST", ORDERS "/advance", "{\"past\":10,\"force\":true}", 200, "\"may_repeat\"");
    assert_true(daemon_says(stage.daemon, "moved backward by 127.0.0.1:", 1, DAEMON_TIMEOUT_MS));
    assert_non_null(strstr(daemon_stderr(stage.daemon), "numbers from 11 to"));
    assert_int_equal(stage_next(&stage, ORDERS "/next"), 11);
    close_stage(&stage);
}

static void test_admin_alter_outlives_a_restart(void **state)
{
    (void)state;
    struct stage stage = open_stage("");
    ask(&stage, "PATCH", "/v1/sequences/none", "{\"max_gap\":7,\"durability\":\"every\"}", 404, "");
    ask(&stage, "PUT", ORDERS, "{}", 201, "");
    ask(&stage, "PATCH", ORDERS, "{\"max_gap\":7,\"durability\":\"every\"}", 200,
        "\"max_gap\":\"7\",\"lease\":\"auto\",\"durability\":\"every\"");
    restart(&stage);
    ask(&stage, "PUT", ORDERS, "{\"max_gap\":7,\"durability\":\"every\"}", 200, "");
    close_stage(&stage);
}

/* Whoever created it: the other finds it as it is, or sees both definitions. */
static void test_admin_agrees_with_the_configuration(void **state)
{
    (void)state;
    struct stage stage = open_stage("[sequence:orders]\nincrement = -1\nmax = 500\nmin = -500\n");
    ask(&stage, "PUT", ORDERS, "{\"increment\":-1,\"max\":500,\"min\":-500}", 200,
        "\"start\":\"500\"");
    ask(&stage, "PUT", ORDERS, "{\"increment\":-1,\"max\":501,\"min\":-500}", 409,
        "\"existing\":{\"kind\":\"counter\",\"start\":\"500\",\"increment\":\"-1\","
        "\"min\":\"-500\",\"max\":\"500\"");
    ask(&stage, "PUT", "/v1/sequences/other", "{\"start\":5}", 201, "");
    stage_stop(&stage);

    struct dir tokens = dir_entry(&stage.configuration, "tokens");
    char text[DIR_PATH_SIZE + 512];
    (void)snprintf(text, sizeof text, "[http]\ntokens = %s\n[sequence:other]\nstart = 5\n",
                   tokens.path);
    stage_configure(&stage, text);
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/v1/sequences/other/next"), 5);
    assert_int_equal(stage_next(&stage, ORDERS "/next"), 500); /* not listed, and there */
    close_stage(&stage);
}

static void test_admin_is_logged_with_who_and_what(void **state)
{
    (void)state;
    struct stage stage = open_stage("");
    ask(&stage, "PUT", ORDERS, "{}", 201, "");
    ask(&stage, "PUT", ORDERS, "{\"start\":9}", 409, "");
    stage_expect_status(&stage, "DELETE", ORDERS, "", 200);
    assert_true(daemon_says(stage.daemon, "sequence 'orders': created by 127.0.0.1:", 1,
                            DAEMON_TIMEOUT_MS));
    assert_true(daemon_says(stage.daemon, "wanted to create it, which was refused (conflict: ", 1,
                            DAEMON_TIMEOUT_MS));
    assert_true(daemon_says(stage.daemon, "sequence 'orders': dropped by 127.0.0.1:", 1,
                            DAEMON_TIMEOUT_MS));
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admin_create_outlives_a_restart_and_a_kill),
        cmocka_unit_test(test_admin_drop_keeps_the_floor_over_a_restart),
        cmocka_unit_test(test_admin_advance_outlives_a_kill),
        cmocka_unit_test(test_admin_alter_outlives_a_restart),
        cmocka_unit_test(test_admin_agrees_with_the_configuration),
        cmocka_unit_test(test_admin_is_logged_with_who_and_what),
    };
    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
