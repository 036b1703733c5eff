/* Limits of time and of connections, and the way out. */
#include "front/listener.h"
#include "http_stage.h"

#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_MS 300
#define DRIP_MS 20

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
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

static void limit(struct http_stage *stage, unsigned idle_ms, unsigned request_ms)
{
    stage->options.idle_timeout_ms = idle_ms;
    stage->options.request_timeout_ms = request_ms;
    http_alter(stage->http, &stage->options);
}

/* Send `text` byte by byte, one every DRIP_MS, until the server closes. Returns after how long, in
 * milliseconds; or 10 s when it never does. */
static uint64_t drip(struct http_client *client, const char *text)
{
    struct instant began = clock_now();
    uint64_t took_ms = 0;

    for (size_t i = 0; took_ms < 10000; i++) {
        (void)http_client_send(client, &text[i % strlen(text)], 1); /* closed is seen below */
        bool closed = http_client_closed(client, DRIP_MS);
        took_ms = clock_elapsed(began, clock_now()) / CLOCK_NS_PER_MS;
        if (closed) {
            break;
        }
    }
    return took_ms;
}

static void test_http_time_of_a_silent_connection_ends(void **state)
{
    struct http_stage *stage = *state;

    limit(stage, LIMIT_MS, 60000);
    struct instant began = clock_now();
    struct http_client *client = http_client_open(stage->port);
    assert_true(http_client_closed(client, 10000));
    assert_true(clock_elapsed(began, clock_now()) >= (LIMIT_MS - 20) * CLOCK_NS_PER_MS);
    http_client_close(client);
}

static void test_http_time_of_an_idle_connection_counts_from_its_last_answer(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct instant began = clock_now();

    limit(stage, 1000, 60000);
    for (int i = 0; i < 4; i++) { /* longer than the limit in all */
        assert_false(http_client_closed(client, 300));
        began = clock_now();
        struct http_answer answer = http_client_ask(client, "GET", "/", "");
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
    }
    assert_true(http_client_closed(client, 10000));
    assert_true(clock_elapsed(began, clock_now()) >= 980 * CLOCK_NS_PER_MS);
    http_client_close(client);
}

static void test_http_time_of_a_dripping_request_line_ends(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    limit(stage, LIMIT_MS, 60000);
    assert_true(drip(client, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") < 5000);
    http_client_close(client);
}

static void test_http_time_of_dripping_headers_ends(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    limit(stage, 60000, LIMIT_MS);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n"));
    assert_true(drip(client, "X: y\r\n") < 5000);
    http_client_close(client);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

static void test_http_time_of_half_a_request_ends(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    limit(stage, 60000, LIMIT_MS);
    struct instant began = clock_now();
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\nAcc"));
    assert_true(http_client_closed(client, 10000));
    assert_true(clock_elapsed(began, clock_now()) >= (LIMIT_MS - 20) * CLOCK_NS_PER_MS);
    http_client_close(client);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

static void test_http_time_of_a_dripping_body_ends(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    limit(stage, 60000, LIMIT_MS);
    assert_true(
        http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n"));
    assert_true(drip(client, "x") < 5000);
    http_client_close(client);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

/* Who does not read a large answer does not keep its connection for ever. */
static void test_http_time_of_a_client_that_does_not_read_ends(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);

    stage->options.max_count = HTTP_COUNT_LIMIT;
    limit(stage, 60000, 60000);
    (void)http_stage_warm(stage, "default");
    for (int i = 0; i < 8; i++) {
        assert_true(http_client_print(client, "GET /?count=1000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    while (http_stage_status(stage, "default").issued < HTTP_COUNT_LIMIT) {
        assert_false(clock_reached(until, clock_now()));
    }
    assert_int_equal(http_drain(stage->http, 200), 1);
    limit(stage, 60000, LIMIT_MS);
    while (http_drain(stage->http, 100) != 0) {
        assert_false(clock_reached(until, clock_now()));
    }
    http_client_close(client);
}

static void test_http_connections_over_the_limit_wait_for_a_place(void **state)
{
    struct http_stage stage = http_stage_options();
    struct http_client *clients[3];
    struct http_answer answer;

    (void)state;
    stage.options.max_connections = 2;
    http_stage_open(&stage);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = http_client_open(stage.port);
        answer = http_client_ask(clients[i], "GET", "/", "");
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
    }
    clients[2] = http_client_open(stage.port); /* the kernel takes it in */
    assert_true(http_client_print(clients[2], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(http_client_receive(clients[2], 300, false, &answer), HTTP_CLIENT_SILENT);
    http_client_close(clients[0]);
    assert_int_equal(http_client_receive(clients[2], 10000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "3\n");
    http_answer_free(&answer);
    http_client_close(clients[1]);
    http_client_close(clients[2]);
    http_stage_close(&stage);
}

/* Many at once: two are let in, and the others when a place is free. They have all come before
 * anybody served, so the first look finds them together. */
static void test_http_connections_beyond_the_limit_wait_their_turn(void **state)
{
    static const struct endpoint any_port = {.address = "127.0.0.1"};
    struct http_stage stage = http_stage_options();
    struct listener listener;
    struct error_detail detail = {""};
    struct http_client *clients[12];

    (void)state;
    assert_int_equal(listener_open_tcp(&any_port, &listener, &detail), ERR_OK);
    for (size_t i = 0; i < 12; i++) {
        clients[i] = http_client_open(listener.place.port);
        assert_true(http_client_print(clients[i],
                                      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    }
    stage.options.inherited[0] = listener.fd;
    stage.options.inherited_count = 1;
    stage.options.max_connections = 2;
    http_stage_open(&stage);
    for (size_t i = 0; i < 12; i++) {
        struct http_answer answer;
        assert_int_equal(http_client_receive(clients[i], 10000, false, &answer),
                         HTTP_CLIENT_ANSWERED);
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
        http_client_close(clients[i]);
    }
    http_stage_close(&stage);
}

/* Fewer connections than threads. */
static void test_http_connections_may_be_one_at_a_time(void **state)
{
    struct http_stage stage = http_stage_options();

    (void)state;
    stage.options.max_connections = 1;
    http_stage_open(&stage);
    for (int i = 0; i < 20; i++) {
        http_stage_expect(&stage, "GET", "/", "", 200, NULL);
    }
    http_stage_close(&stage);
}

static void test_http_drain_lets_nobody_in_and_asks_clients_to_leave(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer = http_client_ask(client, "GET", "/", "");
    char value[32] = "";

    assert_false(http_answer_header(&answer, "Connection", value, sizeof value));
    http_answer_free(&answer);
    assert_int_equal(http_drain(stage->http, 1000), 0);
    assert_null(http_client_try(stage->port, 10000));
    assert_int_equal(http_stage_status(stage, "default").issued, 1);
    answer = http_client_ask(client, "GET", "/", "");
    assert_int_equal(answer.status, 200);
    assert_true(http_answer_header(&answer, "Connection", value, sizeof value));
    assert_string_equal(value, "close");
    http_answer_free(&answer);
    assert_true(http_client_closed(client, 10000));
    http_client_close(client);
}

/* Who has knocked before a drain is let in, and has the time to ask. */
static void test_http_drain_serves_who_has_just_come(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *clients[64];

    (void)http_stage_warm(stage, "default");
    for (size_t i = 0; i < 64; i++) {
        clients[i] = http_client_open(stage->port);
        if (i % 2 == 0) {
            assert_true(http_client_print(clients[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        }
    }
    (void)http_drain(stage->http, 1);
    for (size_t i = 1; i < 64; i += 2) {
        assert_true(http_client_print(clients[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    assert_int_equal(http_drain(stage->http, 10000), 0);
    http_stop(stage->http); /* which closes all that is open */
    stage->http = NULL;
    for (size_t i = 0; i < 64; i++) {
        struct http_answer answer;
        assert_int_equal(http_client_receive(clients[i], 10000, false, &answer),
                         HTTP_CLIENT_ANSWERED);
        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
        http_client_close(clients[i]);
    }
}

static void test_http_drain_waits_for_what_is_on_its_way(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(http_stage_await_waiters(stage, "default", 1));
    assert_int_equal(http_drain(stage->http, 100), 1);
    store_memory_release(stage->disk);
    assert_int_equal(http_drain(stage->http, 10000), 0);
    struct http_answer answer;
    assert_int_equal(http_client_receive(client, 0, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    http_client_close(client);
}

/* A client that asks again and again until its connection ends. */
struct eager {
    struct http_client *client;
    pthread_t thread;
    uint64_t numbers; /* that were answered */
};

static void *ask_until_closed(void *argument)
{
    struct eager *eager = argument;
    struct http_client *client = eager->client;
    struct http_answer answer;

    while (http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") &&
           http_client_receive(client, 10000, false, &answer) == HTTP_CLIENT_ANSWERED) {
        eager->numbers += answer.status == 200 ? 1 : 0;
        http_answer_free(&answer);
    }
    http_client_close(client);
    return NULL;
}

/* P4: a stop under load loses nothing: what was issued was also received. */
static void test_http_stop_under_load_loses_no_number(void **state)
{
    struct eager eager[8];
    uint64_t received = 0;

    (void)state;
    for (int round = 0; round < 10; round++) {
        struct http_stage stage = http_stage_options();

        received = 0;
        http_stage_open(&stage);
        for (size_t i = 0; i < 8; i++) {
            eager[i] = (struct eager){.client = http_client_open(stage.port)};
            assert_int_equal(pthread_create(&eager[i].thread, NULL, ask_until_closed, &eager[i]),
                             0);
        }
        while (http_stage_status(&stage, "default").issued < 500) {
            http_stage_expect(&stage, "GET", "/healthz", "", 200, "ok\n");
        }
        assert_int_equal(http_drain(stage.http, 10000), 0);
        registry_close(stage.registry);
        http_stop(stage.http);
        stage.http = NULL;
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(eager[i].thread, NULL), 0);
            received += eager[i].numbers;
        }
        assert_int_equal(http_stage_status(&stage, "default").issued, received);
        http_stage_close(&stage);
    }
}

static void test_http_stop_is_immediate(void **state)
{
    (void)state;
    struct http_stage stage = http_stage_options();

    http_stage_open(&stage);
    struct http_client *client = http_client_open(stage.port);
    struct instant began = clock_now();
    http_stage_close(&stage);
    assert_true(clock_elapsed(began, clock_now()) < CLOCK_NS_PER_S);
    http_client_close(client);
}

static void test_http_one_thread_is_enough(void **state)
{
    struct http_stage stage = http_stage_options();

    (void)state;
    stage.options.threads = 1;
    http_stage_open(&stage);
    http_stage_expect(&stage, "GET", "/", "", 200, "1\n");
    http_stage_close(&stage);
}

static void test_http_threads_are_chosen(void **state)
{
    struct http_stage stage = http_stage_options();

    (void)state;
    stage.options.threads = 0;
    http_stage_open(&stage);
    http_stage_expect(&stage, "GET", "/", "", 200, "1\n");
    http_stage_close(&stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_time_of_a_silent_connection_ends),
        TEST(test_http_time_of_an_idle_connection_counts_from_its_last_answer),
        TEST(test_http_time_of_a_dripping_request_line_ends),
        TEST(test_http_time_of_dripping_headers_ends),
        TEST(test_http_time_of_half_a_request_ends),
        TEST(test_http_time_of_a_dripping_body_ends),
        TEST(test_http_time_of_a_client_that_does_not_read_ends),
        cmocka_unit_test(test_http_connections_over_the_limit_wait_for_a_place),
        cmocka_unit_test(test_http_connections_beyond_the_limit_wait_their_turn),
        cmocka_unit_test(test_http_connections_may_be_one_at_a_time),
        TEST(test_http_drain_lets_nobody_in_and_asks_clients_to_leave),
        TEST(test_http_drain_serves_who_has_just_come),
        TEST(test_http_drain_waits_for_what_is_on_its_way),
        cmocka_unit_test(test_http_stop_under_load_loses_no_number),
        cmocka_unit_test(test_http_stop_is_immediate),
        cmocka_unit_test(test_http_one_thread_is_enough),
        cmocka_unit_test(test_http_threads_are_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
