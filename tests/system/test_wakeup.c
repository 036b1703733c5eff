/* What comes in the same moment: nothing may be left lying until another event wakes the thread.
 * libmicrohttpd asks epoll for 128 events at a time, and after exactly so many it waits for more
 * before it serves them: see src/front/epoll.c. And it does not see the end of a client that came
 * together with a request: see src/front/http_deadline.h. */
#include "http_client.h"
#include "stage.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#define AT_ONCE 128 /* what libmicrohttpd asks epoll for */
#define ANSWER_MS 10000

static void ask(struct http_client *client)
{
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

static void expect_answer(struct http_client *client)
{
    struct http_answer answer;

    assert_int_equal(http_client_receive(client, ANSWER_MS, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_int_equal(answer.status, 200);
    http_answer_free(&answer);
}

static void hold(struct stage *stage)
{
    pid_t pid = daemon_pid(stage->daemon);
    int status = 0;

    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
}

static void go_on(struct stage *stage)
{
    assert_int_equal(kill(daemon_pid(stage->daemon), SIGCONT), 0);
}

/* The daemon stands still while `count` requests arrive, so that its one thread finds them all at
 * once. */
static void ask_all_at_once(struct stage *stage, struct http_client **clients, size_t count)
{
    hold(stage);
    for (size_t i = 0; i < count; i++) {
        ask(clients[i]);
    }
    go_on(stage);
    for (size_t i = 0; i < count; i++) {
        expect_answer(clients[i]);
    }
}

static void test_wakeup_serves_as_many_as_come_at_once(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nthreads = 1\n");
    struct http_client *clients[AT_ONCE + 2];

    for (size_t i = 0; i < AT_ONCE + 2; i++) {
        clients[i] = http_client_open(stage.port);
        ask(clients[i]);
        expect_answer(clients[i]);
    }
    for (size_t count = AT_ONCE - 2; count <= AT_ONCE + 2; count++) {
        ask_all_at_once(&stage, clients, count);
    }
    for (size_t i = 0; i < AT_ONCE + 2; i++) {
        http_client_close(clients[i]);
    }
    stage_close(&stage);
}

/* Its answer, and then an end: not the idle limit, which is an hour here. */
static void test_wakeup_sees_an_end_that_comes_with_the_last_request(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nthreads = 1\nidle_timeout = 1h\n");
    struct http_client *client = http_client_open(stage.port);

    ask(client);
    expect_answer(client);
    hold(&stage);
    ask(client);
    http_client_shut(client);
    go_on(&stage);
    expect_answer(client);
    assert_true(http_client_closed(client, ANSWER_MS));
    http_client_close(client);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakeup_serves_as_many_as_come_at_once),
        cmocka_unit_test(test_wakeup_sees_an_end_that_comes_with_the_last_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
