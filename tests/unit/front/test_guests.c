/* How many may come, in all and from one address. */
#include "front/guests.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static struct guest guest_from(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return guest_of((struct sockaddr *)&ipv4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return guest_of((struct sockaddr *)&ipv6);
}

static struct guest guest_of_the_unix_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    return guest_of((struct sockaddr *)&address);
}

static bool is_told(const struct guests *guests)
{
    struct pollfd bell = {.fd = guests->left_fd, .events = POLLIN};

    return poll(&bell, 1, 0) == 1;
}

static void test_guests_have_a_limit_in_all(void **state)
{
    struct guests guests;
    struct guest guest = guest_of_the_unix_socket();

    (void)state;
    assert_int_equal(guests_init(&guests, 2), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(guests_has_room(&guests));
        assert_int_equal(guests_come(&guests, guest), WELCOME);
    }
    assert_int_equal(guests_count(&guests), 2);
    guests_leave(&guests, guest);
    assert_false(is_told(&guests)); /* nobody missed a place */
    assert_int_equal(guests_come(&guests, guest), WELCOME);
    assert_false(guests_has_room(&guests));
    assert_false(is_told(&guests));
    guests_leave(&guests, guest);
    assert_true(is_told(&guests));
    guests_heard(&guests);
    assert_false(is_told(&guests));
    assert_true(guests_has_room(&guests));
    guests_leave(&guests, guest);
    assert_false(is_told(&guests));
    assert_int_equal(guests_count(&guests), 0);
    guests_fini(&guests);
}

static void test_guests_have_a_limit_of_one_address(void **state)
{
    struct guests guests;
    struct guest a = guest_from("10.0.0.1");
    struct guest b = guest_from("10.0.0.2");
    struct guest near = guest_from("127.0.0.1");

    (void)state;
    assert_int_equal(guests_init(&guests, 100), ERR_OK);
    guests_limit(&guests, 2);
    assert_int_equal(guests_come(&guests, a), WELCOME);
    assert_int_equal(guests_come(&guests, a), WELCOME);
    assert_int_equal(guests_come(&guests, a), WELCOME_CROWDED);
    assert_int_equal(guests_come(&guests, b), WELCOME);
    assert_int_equal(guests_come(&guests, near), WELCOME);
    assert_int_equal(guests_come(&guests, near), WELCOME);
    assert_int_equal(guests_come(&guests, near), WELCOME_CROWDED);
    assert_int_equal(guests_count(&guests), 5);
    guests_leave(&guests, a);
    assert_int_equal(guests_come(&guests, a), WELCOME);
    assert_int_equal(guests_come(&guests, a), WELCOME_CROWDED);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(guests_come(&guests, guest_of_the_unix_socket()), WELCOME);
    }
    guests_fini(&guests);
}

static void test_guests_limit_may_be_left_to_us(void **state)
{
    struct guests guests;

    (void)state;
    assert_int_equal(guests_init(&guests, 5), ERR_OK);
    for (int i = 0; i < 3; i++) { /* half, and never none */
        assert_int_equal(guests_come(&guests, guest_from("10.0.0.1")), WELCOME);
    }
    assert_int_equal(guests_come(&guests, guest_from("10.0.0.1")), WELCOME_CROWDED);
    guests_limit(&guests, 4);
    assert_int_equal(guests_come(&guests, guest_from("10.0.0.1")), WELCOME);
    guests_limit(&guests, 0);
    assert_int_equal(guests_come(&guests, guest_from("10.0.0.1")), WELCOME_CROWDED);
    guests_fini(&guests);
    assert_int_equal(guests_init(&guests, 5), ERR_OK);
    for (int i = 0; i < 5; i++) { /* a proxy on this machine brings everybody */
        assert_int_equal(guests_come(&guests, guest_from("127.0.0.1")), WELCOME);
    }
    guests_fini(&guests);
}

static void test_guests_count_ipv6_by_its_first_half(void **state)
{
    (void)state;
    assert_true(guest_from("2001:db8:1:2::1").address ==
                guest_from("2001:db8:1:2:3:4:5:6").address);
    assert_true(guest_from("2001:db8:1:2::1").address != guest_from("2001:db8:1:3::1").address);
    assert_true(guest_from("2001:db8:1:2::1").address == UINT64_C(0x20010db800010002));
    assert_true(guest_from("::ffff:10.0.0.1").address == guest_from("10.0.0.1").address);
    assert_true(guest_from("::ffff:10.0.0.1").address != guest_from("10.0.0.2").address);
    assert_true(guest_from("::1").address != guest_from("127.0.0.1").address);
    assert_int_equal(guest_from("::1").peer, ACCESS_PEER_LOOPBACK);
}

/* Many addresses come and go, and none is forgotten or remembered for nothing. */
static void test_guests_keep_many_addresses_apart(void **state)
{
    struct guests guests;
    char text[32];

    (void)state;
    assert_int_equal(guests_init(&guests, 10000), ERR_OK);
    guests_limit(&guests, 2);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i % 7, i / 7 % 251, i / 1757);
        assert_int_equal(guests_come(&guests, guest_from(text)), WELCOME);
        assert_int_equal(guests_come(&guests, guest_from(text)), WELCOME);
        if (i % 2 == 0) {
            guests_leave(&guests, guest_from(text));
            guests_leave(&guests, guest_from(text));
        }
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i % 7, i / 7 % 251, i / 1757);
        assert_int_equal(guests_come(&guests, guest_from(text)),
                         i % 2 == 0 ? WELCOME : WELCOME_CROWDED);
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i % 7, i / 7 % 251, i / 1757);
        guests_leave(&guests, guest_from(text));
        if (i % 2 != 0) {
            guests_leave(&guests, guest_from(text));
        }
    }
    assert_int_equal(guests_count(&guests), 0);
    assert_null(guests.addresses);
    guests_fini(&guests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guests_have_a_limit_in_all),
        cmocka_unit_test(test_guests_have_a_limit_of_one_address),
        cmocka_unit_test(test_guests_limit_may_be_left_to_us),
        cmocka_unit_test(test_guests_count_ipv6_by_its_first_half),
        cmocka_unit_test(test_guests_keep_many_addresses_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
