/* What outlives whom: the front waits for those who wait. */
#include "front/http_service.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ground nothing; /* is asked for here */

struct stopper {
    struct http_service service;
    sem_t settled;
};

static void *settle(void *argument)
{
    struct stopper *stopper = argument;

    http_service_wait_settled(&stopper->service);
    assert_int_equal(sem_post(&stopper->settled), 0);
    return NULL;
}

/* Is it settled within `ms`? */
static bool settles(struct stopper *stopper, long ms)
{
    struct timespec until;

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += (until.tv_nsec + ms * 1000000) / 1000000000;
    until.tv_nsec = (until.tv_nsec + ms * 1000000) % 1000000000;
    return sem_timedwait(&stopper->settled, &until) == 0;
}

static void test_service_settles_when_the_last_wait_is_over(void **state)
{
    struct stopper stopper;
    pthread_t thread;

    (void)state;
    assert_int_equal(http_service_init(&stopper.service, &nothing, 4096, 1), ERR_OK);
    assert_int_equal(sem_init(&stopper.settled, 0, 0), 0);
    http_service_wait_begins(&stopper.service);
    http_service_wait_begins(&stopper.service);
    assert_int_equal(pthread_create(&thread, NULL, settle, &stopper), 0);
    assert_false(settles(&stopper, 50));
    http_service_wait_ended(&stopper.service);
    assert_false(settles(&stopper, 50));
    http_service_wait_ended(&stopper.service);
    assert_true(settles(&stopper, 10000));
    assert_int_equal(pthread_join(thread, NULL), 0);
    http_service_wait_settled(&stopper.service); /* at once, when nobody waits */
    assert_int_equal(sem_destroy(&stopper.settled), 0);
    http_service_fini(&stopper.service);
}

static void test_service_counts_requests_until_they_end(void **state)
{
    struct http_service service;
    struct http_timed first;
    struct http_timed second;
    struct instant past = {0};

    (void)state;
    assert_int_equal(http_service_init(&service, &nothing, 4096, 1), ERR_OK);
    struct http_deadline *deadline = &service.deadline;
    http_deadline_expect(deadline);
    http_deadline_expect(deadline);
    http_deadline_expect(deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 3);
    http_deadline_unexpect(deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 2);
    http_deadline_add(deadline, &first, -1);
    http_deadline_add(deadline, &second, -1);
    http_timed_begin(&first);
    http_timed_begin(&second);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 2);
    http_timed_wait(&first);
    http_timed_end(&second, deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 1);
    assert_false(http_deadline_remove(deadline, &second));
    http_timed_go_on(&first);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 1);
    http_timed_end(&first, deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 0);
    assert_false(http_deadline_remove(deadline, &first));
    http_service_fini(&service);
}

/* Who has just come in is about to ask, as a rule; but not for ever. */
static void test_service_gives_a_new_connection_time_to_ask(void **state)
{
    struct http_service service;
    struct http_timed timed;
    struct instant past = {0};

    (void)state;
    assert_int_equal(http_service_init(&service, &nothing, 4096, 1), ERR_OK);
    http_deadline_expect(&service.deadline);
    http_deadline_add(&service.deadline, &timed, -1);
    struct instant began = clock_now();
    unsigned fresh = http_deadline_wait_quiet(&service.deadline, past);
    assert_true(fresh == 1 || clock_elapsed(began, clock_now()) > 200 * CLOCK_NS_PER_MS);
    struct instant until = clock_after(began, 10 * CLOCK_NS_PER_S);
    assert_int_equal(http_deadline_wait_quiet(&service.deadline, until), 0);
    assert_true(clock_elapsed(began, clock_now()) > 200 * CLOCK_NS_PER_MS);
    assert_false(http_deadline_remove(&service.deadline, &timed));
    http_service_fini(&service);
}

struct told {
    unsigned idle;
    unsigned slow;
};

static void count_over(void *context, int fd, bool idle)
{
    struct told *told = context;

    (void)fd;
    told->idle += idle ? 1 : 0;
    told->slow += idle ? 0 : 1;
}

/* However often it is looked at, and it is known when the connection is closed. */
static void test_service_tells_once_of_a_connection_that_is_over(void **state)
{
    struct http_service service;
    struct http_timed timed[3];
    struct told told = {0};

    (void)state;
    assert_int_equal(http_service_init(&service, &nothing, 4096, 1), ERR_OK);
    http_deadline_limit(&service.deadline, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        http_deadline_expect(&service.deadline);
        http_deadline_add(&service.deadline, &timed[i], -1);
    }
    http_timed_begin(&timed[1]);
    http_timed_begin(&timed[2]);
    http_timed_wait(&timed[2]); /* has a deadline of its own */
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    while (told.idle + told.slow < 2 && !clock_reached(until, clock_now())) {
        http_deadline_reap(&service.deadline, count_over, &told);
    }
    for (int i = 0; i < 1000; i++) {
        http_deadline_reap(&service.deadline, count_over, &told);
    }
    assert_int_equal(told.idle, 1);
    assert_int_equal(told.slow, 1);
    assert_true(http_deadline_remove(&service.deadline, &timed[0]));
    assert_true(http_deadline_remove(&service.deadline, &timed[1]));
    assert_false(http_deadline_remove(&service.deadline, &timed[2]));
    http_service_fini(&service);
}

/* Connections as a client can leave them, and the client's end of each. */
struct left {
    struct http_timed timed;
    int client;
    int server;
};

static void leave(struct http_deadline *deadline, struct left *left, bool unread, bool ended)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    *left = (struct left){.client = ends[0], .server = ends[1]};
    http_deadline_expect(deadline);
    http_deadline_add(deadline, &left->timed, left->server);
    assert_int_equal(unread ? send(left->client, "G", 1, 0) : 1, 1);
    assert_int_equal(ended ? shutdown(left->client, SHUT_WR) : 0, 0);
}

/* Within `ms`: has the server's side ended? */
static bool is_shut(const struct left *left, int ms)
{
    struct pollfd client = {.fd = left->client, .events = POLLIN};
    char byte;

    return poll(&client, 1, ms) == 1 && recv(left->client, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Of a client that has ended and left nothing to read; of no other. */
static void test_service_shuts_what_its_client_has_left(void **state)
{
    struct http_service service;
    struct left gone;
    struct left there;
    struct left unread;
    struct left busy;
    struct left *all[] = {&gone, &there, &unread, &busy};
    struct told told = {0};

    (void)state;
    assert_int_equal(http_service_init(&service, &nothing, 4096, 1), ERR_OK);
    http_deadline_limit(&service.deadline, 3600000, 3600000);
    leave(&service.deadline, &there, false, false);
    leave(&service.deadline, &unread, true, true);
    leave(&service.deadline, &busy, false, true);
    http_timed_begin(&busy.timed);
    struct instant began = clock_now();
    leave(&service.deadline, &gone, false, false);
    http_deadline_reap(&service.deadline, count_over, &told);
    assert_int_equal(shutdown(gone.client, SHUT_WR), 0);
    struct instant until = clock_after(began, 60 * CLOCK_NS_PER_S);
    while (!is_shut(&gone, 20) && !clock_reached(until, clock_now())) {
        http_deadline_reap(&service.deadline, count_over, &told);
    }
    /* The thread that serves it had its time; the clock of the marks is a coarse one. */
    assert_true(clock_elapsed(began, clock_now()) > (2 * HTTP_LOOK_MS - 100) * CLOCK_NS_PER_MS);
    assert_true(is_shut(&gone, 0));
    assert_false(is_shut(&there, 0));
    assert_false(is_shut(&unread, 0));
    assert_false(is_shut(&busy, 0));
    assert_int_equal(told.idle + told.slow, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_false(http_deadline_remove(&service.deadline, &all[i]->timed));
        assert_int_equal(close(all[i]->client), 0);
        assert_int_equal(close(all[i]->server), 0);
    }
    http_service_fini(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_settles_when_the_last_wait_is_over),
        cmocka_unit_test(test_service_counts_requests_until_they_end),
        cmocka_unit_test(test_service_gives_a_new_connection_time_to_ask),
        cmocka_unit_test(test_service_tells_once_of_a_connection_that_is_over),
        cmocka_unit_test(test_service_shuts_what_its_client_has_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
