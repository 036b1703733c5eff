/* The listening socket, and the words for why there is none. */
#include "front/http_listen.h"
#include "http_stage.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const struct http_endpoint any_port = {.address = "127.0.0.1"};

static enum error try_listening(const char *address, uint16_t port, struct error_detail *detail)
{
    struct http_endpoint endpoint = {.port = port};
    struct http_listener listener;

    snprintf(endpoint.address, sizeof endpoint.address, "%s", address);
    enum error error = http_listen_tcp(&endpoint, &listener, detail);
    if (error == ERR_OK) {
        http_listen_close(&listener);
    }
    return error;
}

static void test_listen_lets_the_kernel_choose_and_tells(void **state)
{
    struct error_detail detail = {""};
    struct http_listener listener;

    (void)state;
    assert_int_equal(http_listen_tcp(&any_port, &listener, &detail), ERR_OK);
    assert_int_equal(listener.place.scheme, HTTP_SCHEME_PLAIN);
    assert_string_equal(listener.place.address, "127.0.0.1");
    assert_true(listener.place.port > 0);
    assert_false(listener.place.remote);
    struct http_client *client = http_client_open(listener.place.port);
    http_client_close(client);
    http_listen_close(&listener);
    assert_null(http_client_try(listener.place.port, 1000));
    http_listen_close(&listener); /* again: nothing happens */
}

static void test_listen_names_a_port_in_use(void **state)
{
    struct error_detail detail = {""};
    struct http_listener listener;
    char expected[64];

    (void)state;
    assert_int_equal(http_listen_tcp(&any_port, &listener, &detail), ERR_OK);
    uint16_t port = listener.place.port;
    assert_int_equal(try_listening("127.0.0.1", port, &detail), ERR_CONFLICT);
    snprintf(expected, sizeof expected, "port %u on '127.0.0.1' is in use", (unsigned)port);
    assert_non_null(strstr(detail.text, expected));
    http_listen_close(&listener);
}

static void test_listen_takes_a_port_that_was_just_left(void **state)
{
    struct error_detail detail = {""};
    struct http_stage stage = http_stage_options();

    (void)state;
    http_stage_open(&stage);
    uint16_t port = stage.port;
    struct http_client *client = http_client_open(port);
    struct http_answer answer = http_client_ask(client, "GET", "/healthz", "");
    http_answer_free(&answer);
    http_stage_close(&stage); /* the server closes first: TIME_WAIT is its own */
    http_client_close(client);
    assert_int_equal(try_listening("127.0.0.1", port, &detail), ERR_OK);
}

static void test_listen_refuses_what_is_no_address(void **state)
{
    static const char *const addresses[] = {
        "",  "localhost",  "127.0.0.1:8080", "[::1]", "300.0.0.1",
        "*", " 127.0.0.1", "1.2.3.4.5",      "127.1", "127.0.0.1 x"};
    struct error_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        detail.text[0] = '\0';
        assert_int_equal(try_listening(addresses[i], 0, &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, "is not a numeric IPv4 or IPv6 address"));
    }
}

static void test_listen_refuses_an_address_of_another_machine(void **state)
{
    struct error_detail detail = {""};

    (void)state;
    assert_int_equal(try_listening("192.0.2.1", 0, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "'192.0.2.1' is not an address of this machine"));
}

/* Where the machine speaks IPv6 at all. */
static void test_listen_speaks_ipv6(void **state)
{
    struct error_detail detail = {""};
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    bool speaks = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;

    (void)state;
    if (probe >= 0) {
        close(probe);
    }
    if (!speaks) {
        print_message("NOT TESTED: this machine has no IPv6\n");
        assert_int_not_equal(try_listening("::1", 0, &detail), ERR_OK);
        return;
    }
    assert_int_equal(try_listening("::1", 0, &detail), ERR_OK);
}

/* A start that fails leaves nothing behind, and says why. */
static void test_listen_failure_fails_the_start(void **state)
{
    struct http_stage stage = http_stage_options();
    struct http_options options;
    struct error_detail detail = {""};
    struct http *second = NULL;

    (void)state;
    http_stage_open(&stage);
    options = stage.options;
    options.listen.items[0].port = stage.port;
    struct http_ground ground = http_stage_ground(&stage);
    assert_int_equal(http_start(&options, &ground, &second, &detail), ERR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(detail.text, "in use"));
    http_stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_lets_the_kernel_choose_and_tells),
        cmocka_unit_test(test_listen_names_a_port_in_use),
        cmocka_unit_test(test_listen_takes_a_port_that_was_just_left),
        cmocka_unit_test(test_listen_refuses_what_is_no_address),
        cmocka_unit_test(test_listen_refuses_an_address_of_another_machine),
        cmocka_unit_test(test_listen_speaks_ipv6),
        cmocka_unit_test(test_listen_failure_fails_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
