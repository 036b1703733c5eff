/* Changes that have to wait for the store: nobody blocks, nobody waits for ever, and whoever goes
 * away or is stopped meanwhile breaks nothing. The sanitizers watch the memory. */
#include "base/clock.h"
#include "http_stage.h"
#include "token.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATH "/v1/sequences/orders"
#define WHO "Host: a\r\nAuthorization: Bearer " TOKEN_A "\r\n\r\n"
#define PUT "PUT " PATH " HTTP/1.1\r\n" WHO

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_administer(stage);
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

/* Ask for a change that the disk holds up; it stands at the gate when this returns. */
static struct http_client *hang(struct http_stage *stage, const char *request)
{
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "%s", request));
    assert_true(store_memory_wait_held(stage->disk, 10000));
    return client;
}

static void expect_answer(struct http_client *client, int status, const char *text)
{
    struct http_answer answer;

    assert_int_equal(http_client_receive(client, 30000, false, &answer), HTTP_CLIENT_ANSWERED);
    if (answer.status != status || strstr(answer.body, text) == NULL) {
        fail_msg("expected %d with '%s', got %d '%s'", status, text, answer.status, answer.body);
    }
    http_answer_free(&answer);
}

/* Wait until the sequence `orders` is there. */
static void await_orders(struct http_stage *stage)
{
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);

    while (registry_find(stage->registry, "orders", 6) == NULL) {
        assert_false(clock_reached(until, clock_now()));
        sched_yield();
    }
}

static void test_change_is_answered_after_it_is_durable(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = hang(stage, PUT);
    struct http_answer answer;

    assert_int_equal(http_client_receive(client, 200, false, &answer), HTTP_CLIENT_SILENT);
    assert_null(registry_find(stage->registry, "orders", 6));
    store_memory_release(stage->disk);
    expect_answer(client, 201, "\"name\":\"orders\"");
    http_client_close(client);
}

/* More changes wait than there are threads, and the front serves on. */
static void test_change_that_waits_blocks_no_thread(void **state)
{
    enum {
        MANY = 50
    };
    struct http_stage *stage = *state;
    struct http_client *clients[MANY];

    assert_int_equal(http_stage_warm(stage, "default"), 1);
    for (int i = 0; i < MANY; i++) {
        char request[256];
        snprintf(request, sizeof request, "PUT /v1/sequences/s%d HTTP/1.1\r\n" WHO, i);
        clients[i] = hang(stage, request);
    }
    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
    http_stage_expect(stage, "GET", "/", "", 200, "2\n");
    http_stage_expect(stage, "GET", "/v1/sequences/default", "", 200, NULL);
    store_memory_release(stage->disk);
    for (int i = 0; i < MANY; i++) {
        expect_answer(clients[i], 201, "\"kind\":\"counter\"");
        http_client_close(clients[i]);
    }
}

static void test_change_that_takes_too_long_is_given_up_and_may_still_be_made(void **state)
{
    struct http_stage *stage = *state;
    unsigned patient_ms = stage->options.wait_timeout_ms;

    stage->options.wait_timeout_ms = 20;
    http_alter(stage->http, &stage->options);
    struct http_client *client = hang(stage, PUT);
    struct http_answer answer;
    assert_int_equal(http_client_receive(client, 30000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 503, "not-writable",
                                       "the store has not answered within 20 ms; whether the "
                                       "change of 'orders' is made is not known"));
    http_answer_free(&answer);
    /* Its connection is as good as new. */
    assert_true(http_client_print(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect_answer(client, 200, "ok\n");
    http_client_close(client);
    store_memory_release(stage->disk);
    await_orders(stage);
    stage->options.wait_timeout_ms = patient_ms;
    http_alter(stage->http, &stage->options);
    http_stage_expect(stage, "PUT", PATH, "", 200, NULL);
}

static void test_change_outlives_its_client(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = hang(stage, PUT);

    http_client_close(client);
    http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
    store_memory_release(stage->disk);
    await_orders(stage);
    http_stage_expect(stage, "PUT", PATH, "", 200, NULL);
}

/* ... also when it has been given up before the store answers. */
static void test_change_outlives_a_client_that_was_given_up(void **state)
{
    struct http_stage *stage = *state;

    stage->options.wait_timeout_ms = 10;
    http_alter(stage->http, &stage->options);
    struct http_client *client = hang(stage, PUT);
    http_client_shut(client);
    struct http_answer answer;
    if (http_client_receive(client, 30000, false, &answer) == HTTP_CLIENT_ANSWERED) {
        assert_int_equal(answer.status, 503);
        http_answer_free(&answer);
    }
    http_client_close(client);
    store_memory_release(stage->disk);
    await_orders(stage);
}

static void test_change_is_refused_while_the_store_fails(void **state)
{
    struct http_stage *stage = *state;

    assert_int_equal(http_stage_warm(stage, "default"), 1);
    store_memory_fail(stage->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    http_stage_expect_problem(stage, "PUT", PATH, "", 503, "not-writable", "");
    http_stage_expect_problem(stage, "DELETE", "/v1/sequences/default", "", 503, "not-writable",
                              "the store cannot be written now");
    store_memory_fail(stage->disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
}

/* A stop does not wait for a store that hangs: the client is told, and the core answers later. */
static void test_change_is_given_up_by_a_stop(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = hang(stage, PUT);

    assert_int_equal(http_drain(stage->http, 0), 1);
    registry_close(stage->registry);
    http_stop(stage->http);
    stage->http = NULL;
    struct http_answer answer;
    assert_int_equal(http_client_receive(client, 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 503, "stopping",
                                       "whether the change of 'orders' was made is not known"));
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_change_is_refused_once_the_stop_has_begun(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = http_client_ask(client, "GET", "/healthz", "");

    http_answer_free(&answer);
    assert_int_equal(http_drain(stage->http, 1000), 0);
    answer = http_client_ask(client, "PUT", PATH, "");
    assert_true(http_answer_is_problem(&answer, 503, "stopping", "nothing is changed any more"));
    http_answer_free(&answer);
    http_client_close(client);
    assert_null(registry_find(stage->registry, "orders", 6));
}

/* A wait that is under way when its sequence is dropped ends with 404. */
static void test_drop_ends_the_waits_for_its_numbers(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_client *dropper = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(http_stage_await_waiters(stage, "default", 1));
    assert_true(http_client_print(dropper, "DELETE /v1/sequences/default HTTP/1.1\r\n" WHO));
    store_memory_release(stage->disk);
    struct http_answer answer;
    assert_int_equal(http_client_receive(client, 30000, false, &answer), HTTP_CLIENT_ANSWERED);
    if (answer.status != 200) { /* the renewal that was under way came first */
        assert_true(http_answer_is_problem(&answer, 404, "unknown-sequence", "'default'"));
    }
    http_answer_free(&answer);
    expect_answer(dropper, 200, "\"floor\":");
    http_client_close(client);
    http_client_close(dropper);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_change_is_answered_after_it_is_durable),
        TEST(test_change_that_waits_blocks_no_thread),
        TEST(test_change_that_takes_too_long_is_given_up_and_may_still_be_made),
        TEST(test_change_outlives_its_client),
        TEST(test_change_outlives_a_client_that_was_given_up),
        TEST(test_change_is_refused_while_the_store_fails),
        TEST(test_change_is_given_up_by_a_stop),
        TEST(test_change_is_refused_once_the_stop_has_begun),
        TEST(test_drop_ends_the_waits_for_its_numbers),
    };
    return cmocka_run_group_tests_name("http_change", tests, NULL, NULL);
}
