/* A connection's life: how many there may be, how long one may idle, stand still, or grow old, and
 * what it costs while it does nothing. */
#include "grpc_stage.h"
#include "http_client.h"
#include "skip_clock.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct grpc_ask next = {.path = GRPC_NEXT_PATH};

static int new_stage(void **state)
{
    *state = grpc_stage_new();
    return 0;
}

static int close_stage(void **state)
{
    grpc_stage_close(*state);
    return 0;
}

static void test_grpc_connection_tells_its_limits(void **state)
{
    struct grpc_stage *stage = *state;

    stage->options.max_streams = 77;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(client), 1);
    assert_int_equal(grpc_client_setting(client, 3), 77);   /* MAX_CONCURRENT_STREAMS */
    assert_int_equal(grpc_client_setting(client, 6), 8192); /* MAX_HEADER_LIST_SIZE */
    grpc_client_close(client);
}

static void test_grpc_connection_answers_pings(void **state)
{
    struct grpc_stage *stage = *state;

    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    for (int i = 0; i < 10; i++) {
        grpc_client_ping(client);
    }
    assert_true(grpc_client_await_pongs(client, 10, 10000));
    grpc_client_close(client);
}

/* Who is one too many waits in the kernel's queue until another leaves. */
static void test_grpc_connections_beyond_the_limit_wait(void **state)
{
    struct grpc_stage *stage = *state;

    stage->options.max_connections = 2;
    stage->options.max_connections_per_address = 2;
    grpc_stage_open(stage);
    struct grpc_client *first = grpc_client_open(stage->port);
    struct grpc_client *second = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(first), 1);
    assert_int_equal(grpc_stage_next(second), 2);
    struct grpc_client *third = grpc_client_open(stage->port);
    struct grpc_words words = grpc_words_next(NULL, 1);
    int32_t stream = grpc_client_begin(third, &next, words.bytes, words.length, true);
    assert_false(grpc_client_await_end(third, stream, 200));
    assert_false(grpc_client_goodbye(third)->closed);
    grpc_client_close(first);
    assert_true(grpc_client_await_end(third, stream, 10000));
    assert_int_equal(grpc_expect_block(grpc_client_answer(third, stream)).first, 3);
    grpc_client_close(second);
    grpc_client_close(third);
}

static void test_grpc_connections_of_one_address_are_bounded(void **state)
{
    struct grpc_stage *stage = *state;

    stage->options.max_connections_per_address = 2;
    grpc_stage_open(stage);
    struct grpc_client *first = grpc_client_open(stage->port);
    struct grpc_client *second = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(first), 1);
    assert_int_equal(grpc_stage_next(second), 2);
    struct grpc_client *third = grpc_client_open(stage->port);
    assert_true(grpc_client_await_close(third, 10000));
    assert_int_equal(grpc_stage_refused(stage, "address-limit"), 1);
    grpc_client_close(first);
    grpc_client_close(second);
    grpc_client_close(third);
}

static void test_grpc_connections_are_spread_over_the_threads(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *clients[8];

    grpc_stage_open(stage);
    for (size_t i = 0; i < 8; i++) {
        clients[i] = grpc_client_open(stage->port);
        assert_int_equal(grpc_stage_next(clients[i]), i + 1);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(grpc_stage_next(clients[i]), i + 9);
        grpc_client_close(clients[i]);
    }
}

static void test_grpc_connection_that_idles_is_asked_to_leave(void **state)
{
    struct grpc_stage *stage = *state;

    stage->options.idle_timeout_ms = 1000;
    grpc_stage_open(stage);
    struct grpc_client *silent = grpc_client_open(stage->port); /* never says a word */
    struct grpc_client *client = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(client), 1);
    assert_true(grpc_client_await_goaway(client, 1, 20000));
    assert_int_equal(grpc_client_goodbye(client)->code, 0);
    assert_true(grpc_client_await_close(client, 20000));
    assert_true(grpc_client_await_close(silent, 20000));
    grpc_client_close(client);
    grpc_client_close(silent);
}

/* Pings do not make an idle connection a busy one. */
static void test_grpc_connection_is_idle_though_it_pings(void **state)
{
    struct grpc_stage *stage = *state;

    grpc_stage_open(stage); /* with an idle_timeout of a minute */
    struct grpc_client *client = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(client), 1); /* it is there, and idle from now on */
    for (unsigned pings = 1; pings <= 2; pings++) {
        skip_clock_ms(20000);
        grpc_client_ping(client);
        assert_true(grpc_client_await_pongs(client, pings, 10000));
    }
    assert_int_equal(grpc_client_goodbye(client)->goaways, 0);
    skip_clock_ms(20001);
    grpc_client_ping(client);
    assert_true(grpc_client_await_goaway(client, 1, 10000));
    assert_int_equal(grpc_client_goodbye(client)->code, 0);
    grpc_client_close(client);
}

static void test_grpc_connection_with_a_call_is_not_idle(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_ask stream_ask = {.path = GRPC_STREAM_PATH};

    stage->options.idle_timeout_ms = 1000;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    int32_t stream = grpc_client_begin(client, &stream_ask, NULL, 0, false);
    assert_false(grpc_client_await_end(client, stream, 2500));
    assert_int_equal(grpc_client_goodbye(client)->goaways, 0);
    grpc_client_close(client);
}

static void test_grpc_connection_that_is_old_is_asked_to_leave(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_ask stream_ask = {.path = GRPC_STREAM_PATH};

    stage->options.max_age_ms = 1000;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    int32_t stream = grpc_client_begin(client, &stream_ask, NULL, 0, false);
    assert_true(grpc_client_await_goaway(client, 2, 20000));
    assert_int_equal(grpc_client_goodbye(client)->last_stream, stream);
    /* The call that is open goes on. */
    struct grpc_words words = grpc_words_stream(1, NULL, 1);
    grpc_client_send(client, stream, words.bytes, words.length, true);
    assert_true(grpc_client_await_end(client, stream, 10000));
    grpc_expect_status(grpc_client_answer(client, stream), 0, "");
    assert_true(grpc_client_await_close(client, 10000));
    grpc_client_close(client);
}

/* A call that goes on and on ends half a minute later, so that the connection can. */
static void test_grpc_connection_that_is_old_ends_its_calls(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_ask stream_ask = {.path = GRPC_STREAM_PATH};

    stage->options.max_age_ms = 1000;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    int32_t stream = grpc_client_begin(client, &stream_ask, NULL, 0, false);
    assert_true(grpc_client_await_goaway(client, 2, 20000));
    skip_clock_ms(15000);
    grpc_client_ping(client); /* the loop wakes, and sees what time it is */
    assert_true(grpc_client_await_pongs(client, 1, 10000));
    assert_false(grpc_client_answer(client, stream)->closed);
    skip_clock_ms(20000);
    grpc_client_ping(client);
    assert_true(grpc_client_await_end(client, stream, 10000));
    grpc_expect_status(grpc_client_answer(client, stream), 14, "the service is stopping");
    assert_true(grpc_client_await_close(client, 10000));
    grpc_client_close(client);
}

static void test_grpc_call_has_to_be_whole_in_time(void **state)
{
    struct grpc_stage *stage = *state;

    stage->options.request_timeout_ms = 500;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    int32_t stream = grpc_client_begin(client, &next, "\0\0", 2, false);
    assert_true(grpc_client_await_end(client, stream, 20000));
    grpc_expect_status(grpc_client_answer(client, stream), 4, "not whole within 500 ms");
    assert_int_equal(grpc_stage_next(client), 1); /* the connection is as good as before */
    grpc_client_close(client);
}

/* Headers without their end: there is no place for an answer. */
static void test_grpc_headers_have_to_be_whole_in_time(void **state)
{
    struct grpc_stage *stage = *state;
    static const uint8_t bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                   "\0\0\0\4\0\0\0\0\0"
                                   "\0\0\1\1\0\0\0\0\1\203"; /* HEADERS: POST, not the end */

    stage->options.request_timeout_ms = 500;
    grpc_stage_open(stage);
    struct http_client *wire = http_client_open(stage->port);
    assert_true(http_client_send(wire, bytes, sizeof bytes - 1));
    house_wait_until(grpc_stage_refused(stage, "slow") == 1);
    http_client_close(wire);
}

/* An answer that its client leaves unread: the call is given up, the connection is not. */
static void test_grpc_call_has_to_be_read_in_time(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_words words = grpc_words_next(NULL, 1);

    stage->options.request_timeout_ms = 300;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open_slow(stage->port, 1);
    int32_t stream = grpc_client_begin(client, &next, words.bytes, words.length, true);
    assert_true(grpc_client_await_end(client, stream, 20000));
    assert_int_equal(grpc_client_answer(client, stream)->reset, 8); /* CANCEL */
    assert_int_equal(grpc_stage_refused(stage, "slow"), 1);
    grpc_client_ping(client);
    assert_true(grpc_client_await_pongs(client, 1, 10000));
    grpc_client_close(client);
}

/* A client that asks for much and reads nothing: what waits for it is bounded, and in the end it is
 * closed. */
static void test_grpc_connection_that_does_not_read_is_closed(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_ask ask = {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"};
    struct grpc_words words = grpc_words_empty();
    uint8_t bytes[1000];
    int small = 4096;

    stage->options.request_timeout_ms = 1000;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open_slow(stage->port, 0x7FFFFFFF);
    (void)setsockopt(grpc_client_socket(client), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    grpc_words_add_text(&words, 4, "seqd.v1.NextRequest", 19);
    for (size_t i = 0; i < sizeof bytes; i += words.length) {
        size_t room = sizeof bytes - i; /* the last one is cut, and never read */
        memcpy(bytes + i, words.bytes, words.length < room ? words.length : room);
    }
    (void)grpc_client_stuff(client, &ask, bytes, sizeof bytes, 900, 1000);
    house_wait_until(grpc_stage_refused(stage, "slow") >= 1);
    house_wait_until(grpc_stage_connections(stage) == 0);
    grpc_client_close(client);
    struct grpc_client *other = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(other), 1);
    grpc_client_close(other);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, new_stage, close_stage)

/* A child that is forked keeps every socket open, as a library's may for a moment: what has been
 * closed here is heard of no more. */
static void test_grpc_connection_that_is_closed_has_no_more_events(void **state)
{
    struct grpc_stage *stage = *state;
    int until[2];
    char end;

    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    assert_int_equal(grpc_stage_next(client), 1);
    assert_int_equal(pipe(until), 0);
    pid_t child = fork();
    if (child == 0) {
        close(until[1]);
        _exit(read(until[0], &end, 1) == 0 ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(shutdown(grpc_client_socket(client), SHUT_RDWR), 0);
    struct instant late = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    while (grpc_stage_connections(stage) > 0) {
        assert_false(clock_reached(late, clock_now()));
    }
    for (int64_t number = 2; number < 20; number++) {
        struct grpc_client *other = grpc_client_open(stage->port);
        assert_int_equal(grpc_stage_next(other), number);
        grpc_client_close(other);
    }
    close(until[1]);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(until[0]);
    grpc_client_close(client);
}

/* Nanoseconds of processor time that this process has had. */
static uint64_t processor_ns(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A client that is so quick that the loop looks for more before it sleeps. */
static struct grpc_client *quick_client(struct grpc_stage *stage)
{
    stage->options.busy_poll_us = GRPC_BUSY_POLL_MAX_US;
    stage->options.threads = 1;
    grpc_stage_open(stage);
    struct grpc_client *client = grpc_client_open(stage->port);
    struct instant end = clock_after(clock_now(), 60 * CLOCK_NS_PER_S);
    while (grpc_stage_looked(stage, "found") + grpc_stage_looked(stage, "vain") == 0) {
        assert_false(clock_reached(end, clock_now()));
        (void)grpc_stage_next(client);
    }
    return client;
}

static void test_grpc_connection_that_idles_costs_no_processor_time(void **state)
{
    struct grpc_client *client = quick_client(*state);
    struct instant began = clock_now();
    uint64_t before = processor_ns();

    assert_false(grpc_client_await_pongs(client, 1, 400));
    assert_true(processor_ns() - before < clock_elapsed(began, clock_now()) / 4);
    grpc_client_close(client);
}

/* What comes after a long sleep was not worth looking for: it is not looked for again. */
static void test_grpc_connection_that_is_slow_is_not_looked_for(void **state)
{
    struct grpc_stage *stage = *state;
    struct grpc_client *client = quick_client(stage);
    uint64_t before = grpc_stage_looked(stage, "vain");
    struct instant began = clock_now();
    uint64_t before_ns = processor_ns();

    for (int i = 0; i < 20; i++) {
        assert_false(grpc_client_await_pongs(client, 1, 20));
        (void)grpc_stage_next(client);
    }
    assert_in_range(grpc_stage_looked(stage, "vain") - before, 0, 10);
    assert_true(processor_ns() - before_ns < clock_elapsed(began, clock_now()) / 4);
    grpc_client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_grpc_connection_tells_its_limits),
        TEST(test_grpc_connection_answers_pings),
        TEST(test_grpc_connections_beyond_the_limit_wait),
        TEST(test_grpc_connections_of_one_address_are_bounded),
        TEST(test_grpc_connections_are_spread_over_the_threads),
        TEST(test_grpc_connection_that_idles_is_asked_to_leave),
        TEST(test_grpc_connection_is_idle_though_it_pings),
        TEST(test_grpc_connection_with_a_call_is_not_idle),
        TEST(test_grpc_connection_that_is_old_is_asked_to_leave),
        TEST(test_grpc_connection_that_is_old_ends_its_calls),
        TEST(test_grpc_call_has_to_be_whole_in_time),
        TEST(test_grpc_headers_have_to_be_whole_in_time),
        TEST(test_grpc_call_has_to_be_read_in_time),
        TEST(test_grpc_connection_that_does_not_read_is_closed),
        TEST(test_grpc_connection_that_is_closed_has_no_more_events),
        TEST(test_grpc_connection_that_idles_costs_no_processor_time),
        TEST(test_grpc_connection_that_is_slow_is_not_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
