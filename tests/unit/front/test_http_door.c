/* The door: who is let in, to whom he is handed, and who is let in last. */
#include "base/clock.h"
#include "front/http_door.h"
#include "http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KNOCKS 100 /* more than one look at a listener takes in */

struct house {
    struct http_service service;
    struct http_worker workers[2];
    struct listener listener;
    struct http_client *clients[KNOCKS];
};

/* Workers, and clients that have come while there was no door. */
static void build(struct house *house, unsigned max_connections)
{
    static const struct ground nothing; /* no request comes */
    static const struct endpoint any_port = {.address = "127.0.0.1"};
    struct error_detail detail = {""};

    assert_int_equal(http_service_init(&house->service, &nothing, 4096, max_connections), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(http_worker_start(&house->workers[i], &house->service, NULL), ERR_OK);
    }
    assert_int_equal(listener_open_tcp(&any_port, &house->listener, &detail), ERR_OK);
    for (size_t i = 0; i < KNOCKS; i++) {
        house->clients[i] = http_client_open(house->listener.place.port);
    }
}

static void open_and_shut(struct house *house)
{
    struct http_crew crew = {.workers = house->workers, .count = 2};
    struct http_crew nobody = {.count = 0};
    struct http_door *door = NULL;

    assert_int_equal(http_door_open(&house->service, &house->listener, 1, crew, nobody, &door),
                     ERR_OK);
    http_door_shut(door);
}

static void tear_down(struct house *house)
{
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);

    http_service_drain(&house->service);
    listener_close(&house->listener);
    /* Whom a worker has not looked at yet, it closes without a word. */
    assert_int_equal(http_deadline_wait_quiet(&house->service.deadline, until), 0);
    for (size_t i = 0; i < KNOCKS; i++) {
        http_client_close(house->clients[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        http_worker_stop(&house->workers[i]);
    }
    assert_int_equal(guests_count(&house->service.guests), 0);
    http_service_fini(&house->service);
}

/* All of them, however early it is shut; and each worker has as much to do as the other. */
static void test_door_lets_in_who_has_knocked_before_it_is_shut(void **state)
{
    struct house house;

    (void)state;
    build(&house, 1000);
    open_and_shut(&house);
    assert_int_equal(guests_count(&house.service.guests), KNOCKS);
    assert_int_equal(http_worker_load(&house.workers[0]), KNOCKS / 2);
    assert_int_equal(http_worker_load(&house.workers[1]), KNOCKS / 2);
    tear_down(&house);
}

static void test_door_lets_in_no_more_than_may_be_there(void **state)
{
    struct house house;

    (void)state;
    build(&house, 7);
    open_and_shut(&house);
    assert_int_equal(guests_count(&house.service.guests), 7);
    tear_down(&house);
}

/* Who stands before an inherited socket and was not let in is there for the next one. */
static void test_door_leaves_the_queue_of_an_inherited_socket(void **state)
{
    struct house house;

    (void)state;
    build(&house, 7);
    house.listener.inherited = true;
    open_and_shut(&house);
    unsigned first = guests_count(&house.service.guests);
    assert_int_equal(first, 7);
    for (size_t i = 0; i < 7; i++) { /* the first in the queue */
        http_client_close(house.clients[i]);
        house.clients[i] = NULL;
    }
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    while (guests_count(&house.service.guests) > 0) {
        assert_false(clock_reached(until, clock_now()));
    }
    open_and_shut(&house);
    assert_int_equal(guests_count(&house.service.guests), 7);
    tear_down(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_door_lets_in_who_has_knocked_before_it_is_shut),
        cmocka_unit_test(test_door_lets_in_no_more_than_may_be_there),
        cmocka_unit_test(test_door_leaves_the_queue_of_an_inherited_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
