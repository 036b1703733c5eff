/* What outlives whom: the front waits for those who wait. */
#include "front/http_service.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WAITS 200000 /* takes long enough for who does not wait to be caught */

struct waker {
    struct http_service service;
    pthread_barrier_t start;
    unsigned woken; /* by the waker, before it says so */
};

static void *wake(void *argument)
{
    struct waker *waker = argument;

    pthread_barrier_wait(&waker->start);
    for (int i = 0; i < WAITS; i++) {
        waker->woken++;
        http_service_wait_ended(&waker->service);
    }
    return NULL;
}

static void test_service_settles_when_the_last_wait_is_over(void **state)
{
    struct waker waker = {.woken = 0};
    pthread_t thread;

    (void)state;
    assert_int_equal(http_service_init(&waker.service, NULL, NULL, 4096), ERR_OK);
    assert_int_equal(pthread_barrier_init(&waker.start, NULL, 2), 0);
    for (int i = 0; i < WAITS; i++) {
        http_service_wait_begins(&waker.service);
    }
    assert_int_equal(pthread_create(&thread, NULL, wake, &waker), 0);
    pthread_barrier_wait(&waker.start);
    http_service_wait_settled(&waker.service);
    assert_int_equal(waker.woken, WAITS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    http_service_wait_settled(&waker.service); /* at once, when nobody waits */
    assert_int_equal(pthread_barrier_destroy(&waker.start), 0);
    http_service_fini(&waker.service);
}

static void test_service_counts_requests_until_they_end(void **state)
{
    struct http_service service;
    struct http_timed first;
    struct http_timed second;
    struct instant past = {0};

    (void)state;
    assert_int_equal(http_service_init(&service, NULL, NULL, 4096), ERR_OK);
    struct http_deadline *deadline = &service.deadline;
    http_deadline_add(deadline, &first, -1);
    http_deadline_add(deadline, &second, -1);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 0);
    http_timed_begin(&first);
    http_timed_begin(&second);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 2);
    http_timed_wait(&first);
    http_timed_end(&second, deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 1);
    http_deadline_remove(deadline, &second);
    http_timed_go_on(&first);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 1);
    http_timed_end(&first, deadline);
    assert_int_equal(http_deadline_wait_quiet(deadline, past), 0);
    http_deadline_remove(deadline, &first);
    http_service_fini(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_settles_when_the_last_wait_is_over),
        cmocka_unit_test(test_service_counts_requests_until_they_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
