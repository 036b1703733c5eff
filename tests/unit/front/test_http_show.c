/* What can be looked at without taking a number. */
#include "http_stage.h"
#include "skip_clock.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);
    struct definition orders = definition_default();
    struct definition down = definition_default();

    assert_non_null(stage);
    *stage = http_stage_options();
    orders.start = 1001;
    orders.increment = 10;
    orders.max_gap = 500;
    orders.lease = 100;
    http_stage_add(stage, "orders", orders);
    down.start = 3;
    down.increment = -2;
    down.min = -1;
    down.max_gap = 1;
    down.durability = DURABILITY_EVERY;
    http_stage_add(stage, "down", down);
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    http_stage_close(*state);
    free(*state);
    return 0;
}

/* Does the sequence `name` show `member`, such as "\"next\":\"1\""? */
static bool shows(struct http_stage *stage, const char *name, const char *member)
{
    char target[SEQUENCE_NAME_MAX + 32];

    snprintf(target, sizeof target, "/v1/sequences/%s", name);
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    char type[64] = "";
    bool right = answer.status == 200 && answer.body[0] == '{' &&
                 strcmp(answer.body + answer.body_length - 2, "}\n") == 0 &&
                 http_answer_header(&answer, "Content-Type", type, sizeof type) &&
                 strcmp(type, "application/json") == 0 && strstr(answer.body, member) != NULL;
    if (!right) {
        print_error("no %s in %d %s\n", member, answer.status, answer.body);
    }
    http_answer_free(&answer);
    return right;
}

static void test_http_show_tells_the_definition(void **state)
{
    assert_true(shows(*state, "orders",
                      "{\"name\":\"orders\",\"kind\":\"counter\",\"start\":\"1001\","
                      "\"increment\":\"10\",\"min\":\"1\","
                      "\"max\":\"9223372036854775807\",\"max_gap\":\"500\",\"lease\":\"100\","
                      "\"durability\":\"lease\","));
    assert_true(shows(*state, "default", "\"lease\":\"auto\",\"durability\":\"lease\""));
    assert_true(shows(*state, "down",
                      "\"start\":\"3\",\"increment\":\"-2\",\"min\":\"-1\","
                      "\"max\":\"9223372036854775807\",\"max_gap\":\"1\",\"lease\":\"auto\","
                      "\"durability\":\"every\""));
}

static void test_http_show_tells_what_comes_next(void **state)
{
    struct http_stage *stage = *state;

    assert_true(shows(stage, "orders", "\"next\":\"1001\","));
    assert_int_equal(http_stage_warm(stage, "orders"), 1001);
    assert_true(shows(stage, "orders", "\"next\":\"1011\","));
    assert_true(shows(stage, "orders", "\"position\":\"1\","));
    assert_true(shows(stage, "orders", "\"issued\":\"1\","));
    assert_true(shows(stage, "orders", "\"exhausted\":false,"));
    assert_true(shows(stage, "orders", "\"seconds_left\":"));
    assert_int_equal(http_stage_status(stage, "orders").issued, 1);
}

static void test_http_show_tells_that_nothing_is_left(void **state)
{
    struct http_stage *stage = *state;

    assert_true(shows(stage, "down", "\"left\":\"3\","));
    http_stage_expect(stage, "GET", "/v1/sequences/down/next?count=3", "", 200, "3\n1\n-1\n");
    assert_true(shows(stage, "down", "\"next\":null,\"left\":\"0\",\"exhausted\":true,"));
    assert_true(shows(stage, "down", "\"used_percent\":100}"));
}

static void test_http_show_forecasts_the_end(void **state)
{
    struct http_stage *stage = *state;

    assert_true(shows(stage, "down", "\"seconds_left\":null,\"used_percent\":0}"));
    http_stage_expect(stage, "GET", "/v1/sequences/down/next?count=2", "", 200, "3\n1\n");
    assert_true(shows(stage, "down", "\"used_percent\":66}"));
}

static void test_http_show_works_while_the_store_hangs(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(http_stage_await_waiters(stage, "default", 1));
    assert_true(shows(stage, "default", "\"waiters\":\"1\","));
    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
    http_client_close(client);
}

static void test_http_health_is_ok_while_it_serves(void **state)
{
    struct http_stage *stage = *state;

    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
    http_stage_expect(stage, "HEAD", "/healthz", "", 200, "");
    struct http_answer answer = http_ask(stage->port, "HEAD", "/healthz", "");
    char length[16] = "";
    assert_true(http_answer_header(&answer, "Content-Length", length, sizeof length));
    assert_string_equal(length, "3");
    http_answer_free(&answer);
}

static void test_http_ready_while_all_is_well(void **state)
{
    http_stage_expect(*state, "GET", "/readyz", "", 200, "ready\n");
    http_stage_expect(*state, "HEAD", "/readyz", "", 200, "");
}

static void test_http_ready_no_more_while_it_drains(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = http_client_ask(client, "GET", "/healthz", "");

    http_answer_free(&answer);
    assert_int_equal(http_drain(stage->http, 1000), 0);
    answer = http_client_ask(client, "GET", "/readyz", "");
    assert_true(http_answer_is_problem(&answer, 503, "stopping", "stopping"));
    http_answer_free(&answer);
    http_client_close(client);
}

/* Wait until the keeper has failed `failures` times in a row. */
static void await_failures(struct http_stage *stage, uint64_t failures)
{
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    struct keeper_health health;

    do {
        assert_false(clock_reached(until, clock_now()));
        keeper_health(stage->keeper, &health);
    } while (health.failures < failures);
}

static void await_recovery(struct http_stage *stage)
{
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    struct keeper_health health;

    do {
        assert_false(clock_reached(until, clock_now()));
        keeper_health(stage->keeper, &health);
    } while (health.failing);
}

static void test_http_ready_no_more_when_the_store_does_not_recover(void **state)
{
    struct http_stage *stage = *state;

    stage->options.wait_timeout_ms = 20;
    http_alter(stage->http, &stage->options);
    store_memory_fail(stage->disk, 1000000, STORE_MEMORY_BEFORE, ERR_IO);
    http_stage_expect_problem(stage, "GET", "/", "", 503, "no-lease", "none were taken");
    await_failures(stage, KEEPER_FAILURES_UNREADY);
    http_stage_expect_problem(stage, "GET", "/readyz", "", 503, "not-ready", "as the test wished");
    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
    store_memory_fail(stage->disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
    await_recovery(stage);
    http_stage_expect(stage, "GET", "/readyz", "", 200, "ready\n");
}

static void test_http_ready_no_more_when_the_store_hangs(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(store_memory_wait_held(stage->disk, 10000));
    http_stage_expect(stage, "GET", "/readyz", "", 200, "ready\n");
    skip_clock_ms(5001);
    http_stage_expect_problem(stage, "GET", "/readyz", "", 503, "not-ready",
                              "ms, 5000 are allowed");
    http_client_close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_show_tells_the_definition),
        TEST(test_http_show_tells_what_comes_next),
        TEST(test_http_show_tells_that_nothing_is_left),
        TEST(test_http_show_forecasts_the_end),
        TEST(test_http_show_works_while_the_store_hangs),
        TEST(test_http_health_is_ok_while_it_serves),
        TEST(test_http_ready_while_all_is_well),
        TEST(test_http_ready_no_more_while_it_drains),
        TEST(test_http_ready_no_more_when_the_store_does_not_recover),
        TEST(test_http_ready_no_more_when_the_store_hangs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
