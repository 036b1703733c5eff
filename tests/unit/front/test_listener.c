/* The listening socket, and the words for why there is none. */
#include "dir.h"
#include "front/listener.h"
#include "http_stage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct dir folder;
static const struct endpoint any_port = {.address = "127.0.0.1"};

static enum error try_listening(const char *address, uint16_t port, struct error_detail *detail)
{
    struct endpoint endpoint = {.port = port};
    struct listener listener;

    snprintf(endpoint.address, sizeof endpoint.address, "%s", address);
    enum error error = listener_open_tcp(&endpoint, &listener, detail);
    if (error == ERR_OK) {
        listener_close(&listener);
    }
    return error;
}

static void test_listener_lets_the_kernel_choose_and_tells(void **state)
{
    struct error_detail detail = {""};
    struct listener listener;

    (void)state;
    assert_int_equal(listener_open_tcp(&any_port, &listener, &detail), ERR_OK);
    assert_int_equal(listener.place.scheme, PLACE_PLAIN);
    assert_string_equal(listener.place.address, "127.0.0.1");
    assert_true(listener.place.port > 0);
    assert_false(listener.place.remote);
    struct http_client *client = http_client_open(listener.place.port);
    http_client_close(client);
    listener_close(&listener);
    assert_null(http_client_try(listener.place.port, 1000));
    listener_close(&listener); /* again: nothing happens */
}

static void test_listener_names_a_port_in_use(void **state)
{
    struct error_detail detail = {""};
    struct listener listener;
    char expected[64];

    (void)state;
    assert_int_equal(listener_open_tcp(&any_port, &listener, &detail), ERR_OK);
    uint16_t port = listener.place.port;
    assert_int_equal(try_listening("127.0.0.1", port, &detail), ERR_CONFLICT);
    snprintf(expected, sizeof expected, "port %u on '127.0.0.1' is in use", (unsigned)port);
    assert_non_null(strstr(detail.text, expected));
    listener_close(&listener);
}

static void test_listener_takes_a_port_that_was_just_left(void **state)
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

static void test_listener_refuses_what_is_no_address(void **state)
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

static void test_listener_refuses_an_address_of_another_machine(void **state)
{
    struct error_detail detail = {""};

    (void)state;
    assert_int_equal(try_listening("192.0.2.1", 0, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "'192.0.2.1' is not an address of this machine"));
}

/* Where the machine speaks IPv6 at all. */
static void test_listener_speaks_ipv6(void **state)
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

/* ---- unix sockets ---- */

static int make_folder(void **state)
{
    (void)state;
    folder = dir_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    dir_remove(&folder);
    return 0;
}

static void test_listener_gives_a_unix_socket_its_permissions(void **state)
{
    static const unsigned modes[] = {0660, 0600, 0666, 0000};
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener listener;
    struct stat status;

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        mode_t before = umask(i % 2 == 0 ? 0077 : 0);
        assert_int_equal(listener_open_unix(path.path, modes[i], &listener, &detail), ERR_OK);
        (void)umask(before);
        assert_int_equal(stat(path.path, &status), 0);
        assert_true(S_ISSOCK(status.st_mode));
        assert_int_equal(status.st_mode & 0777, modes[i]);
        assert_int_equal(listener.place.scheme, PLACE_UNIX);
        assert_string_equal(listener.place.address, path.path);
        assert_false(listener.place.remote);
        struct http_client *client = http_client_unix(path.path);
        assert_true(client != NULL || geteuid() != 0);
        http_client_close(client);
        listener_close(&listener);
        assert_false(dir_has(&folder, "a.sock"));
    }
}

/* A process that was killed leaves the file of its socket behind. */
static void test_listener_replaces_a_unix_socket_that_is_dead(void **state)
{
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener listener;

    (void)state;
    assert_int_equal(listener_open_unix(path.path, 0600, &listener, &detail), ERR_OK);
    close(listener.fd); /* not as it should be closed */
    assert_null(http_client_unix(path.path));
    assert_int_equal(listener_open_unix(path.path, 0600, &listener, &detail), ERR_OK);
    struct http_client *client = http_client_unix(path.path);
    assert_non_null(client);
    http_client_close(client);
    listener_close(&listener);
}

static void test_listener_refuses_a_unix_socket_that_lives(void **state)
{
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener listener;
    struct listener second;

    (void)state;
    assert_int_equal(listener_open_unix(path.path, 0600, &listener, &detail), ERR_OK);
    assert_int_equal(listener_open_unix(path.path, 0600, &second, &detail), ERR_CONFLICT);
    assert_non_null(strstr(detail.text, "somebody listens on"));
    struct http_client *client = http_client_unix(path.path); /* still there */
    assert_non_null(client);
    http_client_close(client);
    listener_close(&listener);
}

static void test_listener_leaves_a_file_alone_that_is_no_socket(void **state)
{
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener listener;

    (void)state;
    dir_write(&folder, "a.sock", "precious", 8);
    assert_int_equal(listener_open_unix(path.path, 0600, &listener, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "is no socket, so it is left alone"));
    assert_int_equal(dir_file_size(&folder, "a.sock"), 8);
    dir_delete(&folder, "a.sock");
    assert_int_equal(symlink("/dev/null", path.path), 0);
    assert_int_equal(listener_open_unix(path.path, 0600, &listener, &detail), ERR_INVALID);
    dir_delete(&folder, "a.sock");
}

static void test_listener_says_why_there_is_no_unix_socket(void **state)
{
    struct error_detail detail = {""};
    struct listener listener;
    char path[PLACE_ADDRESS_SIZE + 1];

    (void)state;
    assert_int_equal(listener_open_unix("/nowhere/a.sock", 0600, &listener, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "cannot listen on '/nowhere/a.sock': No such file"));
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(listener_open_unix(path, 0600, &listener, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "107 bytes at most"));
}

/* Somebody else's socket, which came into the place of ours, is not ours to remove. */
static void test_listener_removes_its_own_unix_socket_only(void **state)
{
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener first;
    struct listener second;

    (void)state;
    assert_int_equal(listener_open_unix(path.path, 0600, &first, &detail), ERR_OK);
    dir_delete(&folder, "a.sock");
    assert_int_equal(listener_open_unix(path.path, 0600, &second, &detail), ERR_OK);
    listener_close(&first);
    assert_true(dir_has(&folder, "a.sock"));
    listener_close(&second);
    assert_false(dir_has(&folder, "a.sock"));
}

/* ---- inherited sockets ---- */

/* Who was given a socket closes it, and leaves it as alive as it was. */
static void test_listener_leaves_an_inherited_socket_alive(void **state)
{
    struct dir path = dir_entry(&folder, "a.sock");
    struct error_detail detail = {""};
    struct listener givers[2];
    struct listener taken;

    (void)state;
    assert_int_equal(listener_open_tcp(&any_port, &givers[0], &detail), ERR_OK);
    assert_int_equal(listener_open_unix(path.path, 0600, &givers[1], &detail), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        int fd = dup(givers[i].fd);
        assert_int_equal(fcntl(fd, F_SETFL, 0), 0); /* as a service manager's: it blocks */
        assert_int_equal(listener_take(fd, &taken, &detail), ERR_OK);
        assert_true(taken.inherited);
        assert_memory_equal(&taken.place, &givers[i].place, sizeof taken.place);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        listener_close(&taken);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
    struct http_client *client = http_client_open(givers[0].place.port);
    http_client_close(client);
    client = http_client_unix(path.path);
    assert_non_null(client);
    http_client_close(client);
    listener_close(&givers[0]);
    listener_close(&givers[1]);
}

static void test_listener_refuses_to_inherit_what_does_not_listen(void **state)
{
    struct error_detail detail = {""};
    struct listener listener;
    int fds[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0),
                 socket(AF_UNIX, SOCK_SEQPACKET, 0), open("/dev/null", O_RDONLY), -1};

    (void)state;
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        assert_int_equal(listener_take(fds[i], &listener, &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, "is no TCP or unix socket that listens"));
        close(fds[i]);
    }
}

/* ---- what a start makes of them ---- */

static void test_listener_words_a_place(void **state)
{
    static const struct {
        struct place place;
        const char *text;
    } cases[] = {
        {{PLACE_PLAIN, "127.0.0.1", 80, false}, "http://127.0.0.1:80"},
        {{PLACE_TLS, "::1", 8443, false}, "https://[::1]:8443"},
        {{PLACE_UNIX, "/run/a.sock", 0, false}, "unix:/run/a.sock"},
    };
    char text[PLACE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        place_format(&cases[i].place, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_listener_knows_what_other_machines_reach(void **state)
{
    static const struct {
        const char *address;
        bool remote;
    } cases[] = {{"127.0.0.1", false}, {"127.8.8.8", false}, {"::1", false},
                 {"0.0.0.0", true},    {"::", true},         {"10.0.0.1", true},
                 {"2001:db8::1", true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct endpoint endpoint = {.port = 1};
        snprintf(endpoint.address, sizeof endpoint.address, "%s", cases[i].address);
        assert_int_equal(endpoint_is_remote(&endpoint), cases[i].remote);
    }
}

/* On `address`, with `ground->remote_is_wanted` as it is. */
static enum error try_start(struct http_stage *stage, const char *address, bool wanted,
                            struct error_detail *detail)
{
    struct http_options options = stage->options;
    struct ground ground = http_stage_ground(stage);
    struct http *second = NULL;

    ground.remote_is_wanted = wanted;
    options.listen.count = address != NULL ? 1 : 0;
    snprintf(options.listen.items[0].address, sizeof options.listen.items[0].address, "%s",
             address != NULL ? address : "");
    enum error error = http_start(&options, &ground, &second, detail);
    http_stop(second);
    return error;
}

static void test_listener_to_other_machines_must_be_wanted(void **state)
{
    struct http_stage stage = http_stage_options();
    struct error_detail detail = {""};

    (void)state;
    http_stage_open(&stage);
    assert_int_equal(try_start(&stage, "127.0.0.1", false, &detail), ERR_OK);
    assert_int_equal(try_start(&stage, "0.0.0.0", true, &detail), ERR_OK);
    assert_int_equal(try_start(&stage, "0.0.0.0", false, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "can be reached by other machines"));
    assert_int_equal(try_start(&stage, NULL, true, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "no address and no socket"));
    http_stage_close(&stage);
}

/* A start that fails leaves nothing behind, and says why. */
static void test_listener_failure_fails_the_start(void **state)
{
    struct http_stage stage = http_stage_options();
    struct http_options options;
    struct error_detail detail = {""};
    struct http *second = NULL;

    (void)state;
    http_stage_open(&stage);
    options = stage.options;
    options.listen.items[0].port = stage.port;
    struct ground ground = http_stage_ground(&stage);
    assert_int_equal(http_start(&options, &ground, &second, &detail), ERR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(detail.text, "in use"));
    http_stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listener_lets_the_kernel_choose_and_tells),
        cmocka_unit_test(test_listener_names_a_port_in_use),
        cmocka_unit_test(test_listener_takes_a_port_that_was_just_left),
        cmocka_unit_test(test_listener_refuses_what_is_no_address),
        cmocka_unit_test(test_listener_refuses_an_address_of_another_machine),
        cmocka_unit_test(test_listener_speaks_ipv6),
        cmocka_unit_test(test_listener_gives_a_unix_socket_its_permissions),
        cmocka_unit_test(test_listener_replaces_a_unix_socket_that_is_dead),
        cmocka_unit_test(test_listener_refuses_a_unix_socket_that_lives),
        cmocka_unit_test(test_listener_leaves_a_file_alone_that_is_no_socket),
        cmocka_unit_test(test_listener_says_why_there_is_no_unix_socket),
        cmocka_unit_test(test_listener_removes_its_own_unix_socket_only),
        cmocka_unit_test(test_listener_leaves_an_inherited_socket_alive),
        cmocka_unit_test(test_listener_refuses_to_inherit_what_does_not_listen),
        cmocka_unit_test(test_listener_words_a_place),
        cmocka_unit_test(test_listener_knows_what_other_machines_reach),
        cmocka_unit_test(test_listener_to_other_machines_must_be_wanted),
        cmocka_unit_test(test_listener_failure_fails_the_start),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
