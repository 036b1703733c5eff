/* Requests that find nothing leased: they wait without a thread, and every end of the wait. */
#include "http_stage.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define CROWD 1000

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_add(stage, "other", definition_default());
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

static void ask(struct http_client *client, const char *target)
{
    assert_true(http_client_print(client, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target));
}

static struct http_answer answer_of(struct http_client *client)
{
    struct http_answer answer;

    assert_int_equal(http_client_receive(client, 20000, false, &answer), HTTP_CLIENT_ANSWERED);
    return answer;
}

/* Shut the gate of the store and let one request wait before it. */
static struct http_client *wait_at_gate(struct http_stage *stage, const char *target)
{
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    ask(client, target);
    assert_true(http_stage_await_waiters(stage, "default", 1));
    assert_true(store_memory_wait_held(stage->disk, 10000));
    return client;
}

static void test_http_wait_ends_with_the_commit(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = wait_at_gate(stage, "/?count=3");
    struct http_answer answer;

    assert_int_equal(http_client_receive(client, 50, false, &answer), HTTP_CLIENT_SILENT);
    store_memory_release(stage->disk);
    answer = answer_of(client);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "1\n2\n3\n");
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_wait_keeps_the_format_and_the_connection(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    assert_true(http_client_print(client, "POST / HTTP/1.1\r\nHost: a\r\n"
                                          "Accept: application/json\r\n\r\n"
                                          "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(http_stage_await_waiters(stage, "default", 1));
    store_memory_release(stage->disk);
    struct http_answer answer = answer_of(client);
    assert_string_equal(answer.body, "{\"sequence\":\"default\",\"first\":\"1\",\"last\":\"1\","
                                     "\"count\":1,\"increment\":\"1\"}\n");
    http_answer_free(&answer);
    answer = answer_of(client);
    assert_string_equal(answer.body, "2\n");
    http_answer_free(&answer);
    http_client_close(client);
}

/* P6: with every thread's worth of requests waiting, what needs no lease is served at once. */
static void test_http_wait_holds_no_thread(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *waiting[16];

    assert_int_equal(http_stage_warm(stage, "other"), 1);
    waiting[0] = wait_at_gate(stage, "/");
    for (size_t i = 1; i < 16; i++) {
        waiting[i] = http_client_open(stage->port);
        ask(waiting[i], "/");
    }
    assert_true(http_stage_await_waiters(stage, "default", 16));
    for (int i = 0; i < 8; i++) {
        http_stage_expect(stage, "GET", "/healthz", "", 200, "ok\n");
        http_stage_expect(stage, "GET", "/v1/sequences/other/next", "", 200, NULL);
        http_stage_expect(stage, "GET", "/v1/sequences/default", "", 200, NULL);
    }
    store_memory_release(stage->disk);
    for (size_t i = 0; i < 16; i++) {
        struct http_answer answer = answer_of(waiting[i]);

        assert_int_equal(answer.status, 200);
        http_answer_free(&answer);
        http_client_close(waiting[i]);
    }
}

static void test_http_wait_ends_at_its_deadline(void **state)
{
    struct http_stage *stage = *state;

    stage->options.wait_timeout_ms = 100;
    http_alter(stage->http, &stage->options);
    struct instant began = clock_now();
    struct http_client *client = http_client_open(stage->port);
    store_memory_hold(stage->disk); /* and it waits for too short a time to be seen waiting */
    ask(client, "/");
    struct http_answer answer = answer_of(client);
    uint64_t took_ms = clock_elapsed(began, clock_now()) / CLOCK_NS_PER_MS;

    assert_true(http_answer_is_problem(&answer, 503, "no-lease", "within 100 ms"));
    assert_true(took_ms >= 100);
    char soon[16] = "";
    assert_true(http_answer_header(&answer, "Retry-After", soon, sizeof soon));
    assert_string_equal(soon, "1");
    http_answer_free(&answer);
    http_client_close(client);
    store_memory_release(stage->disk);
    assert_int_equal(http_stage_warm(stage, "default"), 1);
}

static void test_http_wait_failed_commits_end_in_503_and_pass(void **state)
{
    struct http_stage *stage = *state;

    stage->options.wait_timeout_ms = 100;
    http_alter(stage->http, &stage->options);
    store_memory_fail(stage->disk, 1000000, STORE_MEMORY_BEFORE, ERR_IO);
    http_stage_expect_problem(stage, "GET", "/", "", 503, "no-lease", "none were taken");
    store_memory_fail(stage->disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
    stage->options.wait_timeout_ms = 10000;
    http_alter(stage->http, &stage->options);
    http_stage_expect(stage, "GET", "/", "", 200, NULL);
}

static void test_http_wait_of_a_client_that_left_takes_nothing(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *first = wait_at_gate(stage, "/");
    struct http_client *second = http_client_open(stage->port);

    ask(second, "/");
    assert_true(http_stage_await_waiters(stage, "default", 2));
    http_client_close(first);
    store_memory_release(stage->disk);
    struct http_answer answer = answer_of(second);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    http_client_close(second);
    assert_int_equal(http_stage_status(stage, "default").issued, 1);
}

static void test_http_wait_for_more_than_there_is_ends_in_exhausted(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = wait_at_gate(stage, "/");

    (void)store_memory_take_elsewhere(stage->disk, "default", UINT64_C(1) << 62);
    (void)store_memory_take_elsewhere(stage->disk, "default", UINT64_C(1) << 62);
    store_memory_release(stage->disk);
    struct http_answer answer = answer_of(client);
    assert_true(http_answer_is_problem(&answer, 409, "exhausted", "'default' has 0 left"));
    http_answer_free(&answer);
    http_client_close(client);
}

static int compare_numbers(const void *a, const void *b)
{
    long left = *(const long *)a;
    long right = *(const long *)b;

    return left < right ? -1 : left > right ? 1 : 0;
}

/* A thousand connections, suspended at once and resumed by one commit: each gets its own number. */
static void test_http_wait_of_a_crowd_gives_each_its_own(void **state)
{
    struct http_stage *stage = *state;
    struct http_client **crowd = calloc(CROWD, sizeof *crowd);
    long *numbers = calloc(CROWD, sizeof *numbers);
    struct rlimit limit;

    assert_non_null(crowd);
    assert_non_null(numbers);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur > 2 * CROWD + 100); /* both ends are in this process */
    crowd[0] = wait_at_gate(stage, "/");
    for (size_t i = 1; i < CROWD; i++) {
        crowd[i] = http_client_open(stage->port);
        ask(crowd[i], "/");
    }
    assert_true(http_stage_await_waiters(stage, "default", CROWD));
    store_memory_release(stage->disk);
    for (size_t i = 0; i < CROWD; i++) {
        struct http_answer answer = answer_of(crowd[i]);

        assert_int_equal(answer.status, 200);
        numbers[i] = strtol(answer.body, NULL, 10);
        http_answer_free(&answer);
        http_client_close(crowd[i]);
    }
    qsort(numbers, CROWD, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(numbers[i], i + 1);
    }
    free(numbers);
    free(crowd);
}

/* The limit of the whole request leaves the wait alone, which has its own. */
static void test_http_wait_outlives_the_request_limit(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer;

    stage->options.request_timeout_ms = 100;
    http_alter(stage->http, &stage->options);
    struct http_client *client = wait_at_gate(stage, "/");
    assert_int_equal(http_client_receive(client, 600, false, &answer), HTTP_CLIENT_SILENT);
    store_memory_release(stage->disk);
    answer = answer_of(client);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_wait_is_ended_by_the_stop(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = wait_at_gate(stage, "/");

    assert_int_equal(http_drain(stage->http, 50), 1);
    registry_close(stage->registry);
    struct http_answer answer = answer_of(client);
    assert_true(http_answer_is_problem(&answer, 503, "stopping", "stopping"));
    http_answer_free(&answer);
    assert_true(http_client_closed(client, 10000));
    http_client_close(client);
}

/* Who comes over a connection that was kept open, when nothing is issued any more, finds it closed
 * and asks again over a new one. Who cannot do that, or has just come, is told. */
static void test_http_that_stops_closes_what_was_kept_open(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *clients[3];
    struct http_answer answer;

    for (size_t i = 0; i < 3; i++) {
        clients[i] = http_client_open(stage->port);
        answer = http_client_ask(clients[i], "GET", i == 2 ? "/nothing" : "/healthz", "");
        http_answer_free(&answer);
    }
    struct http_client *fresh = http_client_open(stage->port);
    assert_int_equal(http_drain(stage->http, 10000), 0);
    registry_close(stage->registry);
    ask(clients[0], "/");
    assert_int_equal(http_client_receive(clients[0], HTTP_CLIENT_TIMEOUT_MS, false, &answer),
                     HTTP_CLIENT_CLOSED);
    answer =
        http_client_ask(clients[1], "POST", "/v1/sequences/default/next", "Content-Length: 0\r\n");
    assert_true(http_answer_is_problem(&answer, 503, "stopping", "stopping"));
    http_answer_free(&answer);
    answer = http_client_ask(fresh, "GET", "/", "");
    assert_true(http_answer_is_problem(&answer, 503, "stopping", "stopping"));
    http_answer_free(&answer);
    for (size_t i = 0; i < 3; i++) {
        http_client_close(clients[i]);
    }
    http_client_close(fresh);
}

/* The stop itself waits for those who wait, whoever ends their wait. */
static void test_http_wait_is_over_before_the_front_is_freed(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *clients[64];

    clients[0] = wait_at_gate(stage, "/");
    for (size_t i = 1; i < 64; i++) {
        clients[i] = http_client_open(stage->port);
        ask(clients[i], "/");
    }
    assert_true(http_stage_await_waiters(stage, "default", 64));
    http_stage_close(stage);
    for (size_t i = 0; i < 64; i++) {
        struct http_answer answer = answer_of(clients[i]);

        assert_true(answer.status == 200 || answer.status == 503);
        http_answer_free(&answer);
        http_client_close(clients[i]);
    }
}

/* Granted by the keeper while the front stops, without a drain: what was issued is sent all the
 * same. */
static void test_http_wait_that_ends_during_the_stop_is_answered(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *clients[200];
    uint64_t received = 0;

    clients[0] = wait_at_gate(stage, "/");
    for (size_t i = 1; i < 200; i++) {
        clients[i] = http_client_open(stage->port);
        ask(clients[i], "/?count=1000");
    }
    assert_true(http_stage_await_waiters(stage, "default", 200));
    store_memory_release(stage->disk);
    assert_true(http_stage_await_waiters(stage, "default", 0));
    registry_close(stage->registry);
    http_stop(stage->http);
    stage->http = NULL;
    for (size_t i = 0; i < 200; i++) {
        struct http_answer answer = answer_of(clients[i]);

        for (size_t at = 0; at < answer.body_length && answer.status == 200; at++) {
            received += answer.body[at] == '\n' ? 1 : 0;
        }
        http_answer_free(&answer);
        http_client_close(clients[i]);
    }
    assert_int_equal(http_stage_status(stage, "default").issued, received);
    assert_true(received > 0);
}

static int free_stage(void **state)
{
    free(*state);
    return 0;
}

/* Every number waits for its own commit: suspended and resumed again and again. */
static void test_http_wait_each_time_for_numbers_that_a_crash_may_not_lose(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    char expected[16];

    for (int i = 1; i <= 200; i++) {
        snprintf(expected, sizeof expected, "%d\n", i);
        struct http_answer answer =
            http_client_ask(client, "GET", "/v1/sequences/careful/next", "");
        assert_string_equal(answer.body, expected);
        http_answer_free(&answer);
    }
    http_client_close(client);
    assert_true(store_memory_commits(stage->disk) >= 200);
}

static int open_careful_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);
    struct definition definition = definition_default();

    assert_non_null(stage);
    *stage = http_stage_options();
    definition.durability = DURABILITY_EVERY;
    http_stage_add(stage, "careful", definition);
    http_stage_open(stage);
    *state = stage;
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_wait_ends_with_the_commit),
        TEST(test_http_wait_keeps_the_format_and_the_connection),
        TEST(test_http_wait_holds_no_thread),
        TEST(test_http_wait_ends_at_its_deadline),
        TEST(test_http_wait_failed_commits_end_in_503_and_pass),
        TEST(test_http_wait_of_a_client_that_left_takes_nothing),
        TEST(test_http_wait_for_more_than_there_is_ends_in_exhausted),
        TEST(test_http_wait_of_a_crowd_gives_each_its_own),
        TEST(test_http_wait_outlives_the_request_limit),
        TEST(test_http_wait_is_ended_by_the_stop),
        TEST(test_http_that_stops_closes_what_was_kept_open),
        TEST(test_http_wait_that_ends_during_the_stop_is_answered),
        cmocka_unit_test_setup_teardown(test_http_wait_is_over_before_the_front_is_freed,
                                        open_stage, free_stage),
        cmocka_unit_test_setup_teardown(
            test_http_wait_each_time_for_numbers_that_a_crash_may_not_lose, open_careful_stage,
            close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
