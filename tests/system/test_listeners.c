/* Where the real daemon listens: addresses, a unix socket, and sockets that it was given. */
#include "base/clock.h"
#include "base/text.h"
#include "daemon.h"
#include "dir.h"
#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVES "serves 1 sequence"

struct scene {
    struct dir data;
    struct dir folder; /* configuration and sockets */
    struct dir file;
    struct dir socket;
    struct daemon *daemon;
};

static struct scene open_scene(void)
{
    struct scene scene = {.data = dir_make(), .folder = dir_make()};

    scene.file = dir_entry(&scene.folder, "seqd.conf");
    scene.socket = dir_entry(&scene.folder, "socket");
    return scene;
}

static void close_scene(struct scene *scene)
{
    daemon_free(scene->daemon);
    dir_remove(&scene->data);
    dir_remove(&scene->folder);
}

/* `format` is the configuration; its one %s is the path of the unix socket. */
__attribute__((format(printf, 2, 3))) static void configure(const struct scene *scene,
                                                            const char *format, ...)
{
    char text[2048];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof text - 1);
    dir_write(&scene->folder, "seqd.conf", text, (size_t)length);
}

static void start(struct scene *scene)
{
    scene->daemon = daemon_spawn(
        (const char *const[]){"-c", scene->file.path, "-d", scene->data.path, NULL}, NULL);
    if (!daemon_says(scene->daemon, SERVES, 1, DAEMON_TIMEOUT_MS)) {
        fail_msg("%s", daemon_stderr(scene->daemon));
    }
}

/* Ask over `client`, which is closed then, for a number. */
static int64_t draw(struct http_client *client)
{
    assert_non_null(client);
    struct http_answer answer = http_client_ask(client, "GET", "/", "");
    assert_int_equal(answer.status, 200);
    int64_t number = strtoll(answer.body, NULL, 10);
    http_answer_free(&answer);
    http_client_close(client);
    return number;
}

/* The port in the line of standard output that begins the place with `start`. */
static uint16_t port_behind(struct daemon *daemon, const char *begin)
{
    const char *found = strstr(daemon_stdout(daemon), begin);

    if (found == NULL) {
        fail_msg("no '%s' in '%s'", begin, daemon_stdout(daemon));
    }
    char digits[8];
    found += strlen(begin);
    snprintf(digits, sizeof digits, "%.*s", (int)strspn(found, "0123456789"), found);
    uint64_t port = 0;
    assert_int_equal(text_parse_uint64(digits, UINT16_MAX, &port), ERR_OK);
    return (uint16_t)port;
}

static int connect_to(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, address, size), 0);
    return fd;
}

static struct http_client *client_of_ipv4(const char *address, uint16_t port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET, address, &where.sin_addr), 1);
    return http_client_adopt(connect_to((struct sockaddr *)&where, sizeof where));
}

static bool machine_has_ipv6(void)
{
    struct sockaddr_in6 where = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&where, sizeof where) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return has;
}

/* ---- addresses ---- */

static void test_listeners_on_several_addresses(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    configure(&scene, "[http]\nlisten = 127.0.0.1:0, 127.0.0.2:0,127.0.0.3:0\nsocket = %s\n",
              scene.socket.path);
    start(&scene);
    int64_t number = 0;
    for (int i = 1; i <= 3; i++) {
        char address[32];
        char begin[64];
        snprintf(address, sizeof address, "127.0.0.%d", i);
        snprintf(begin, sizeof begin, "listens on http://%s:", address);
        uint16_t port = port_behind(scene.daemon, begin);
        number++;
        assert_int_equal(draw(client_of_ipv4(address, port)), number);
    }
    assert_int_equal(draw(http_client_unix(scene.socket.path)), 4);
    assert_non_null(strstr(daemon_stdout(scene.daemon), "try: curl --unix-socket "));
    assert_int_equal(daemon_stop(scene.daemon), 0);
    close_scene(&scene);
}

static void test_listeners_speak_ipv6(void **state)
{
    (void)state;
    if (!machine_has_ipv6()) {
        print_message("NOT TESTED: this machine has no IPv6\n");
        skip();
    }
    struct scene scene = open_scene();
    configure(&scene, "[http]\nlisten = [::1]:0\n");
    start(&scene);
    struct sockaddr_in6 where = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    where.sin6_port = htons(port_behind(scene.daemon, "listens on http://[::1]:"));
    int fd = connect_to((struct sockaddr *)&where, sizeof where);
    assert_int_equal(draw(http_client_adopt(fd)), 1);
    assert_int_equal(daemon_stop(scene.daemon), 0);

    /* All addresses, of both families, through one socket; and who comes from here by IPv4 is as
     * local as ever. */
    dir_write(&scene.folder, "tokens", "", 0);
    struct dir tokens = dir_entry(&scene.folder, "tokens");
    configure(&scene, "[http]\nlisten = [::]:0\ntokens = %s\n", tokens.path);
    daemon_free(scene.daemon);
    start(&scene);
    uint16_t port = port_behind(scene.daemon, "listens on http://[::]:");
    assert_int_equal(draw(client_of_ipv4("127.0.0.1", port)), 2);
    where.sin6_port = htons(port);
    fd = connect_to((struct sockaddr *)&where, sizeof where);
    assert_int_equal(draw(http_client_adopt(fd)), 3);
    assert_int_equal(daemon_stop(scene.daemon), 0);
    close_scene(&scene);
}

/* `-p` leaves the first address, and takes the port. */
static void test_listeners_are_replaced_by_the_command_line(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    configure(&scene, "[http]\nlisten = 127.0.0.2:1, 127.0.0.3:1\n");
    scene.daemon = daemon_spawn(
        (const char *const[]){"-p", "0", "-c", scene.file.path, "-d", scene.data.path, NULL}, NULL);
    assert_true(daemon_listens(scene.daemon));
    assert_int_equal(draw(client_of_ipv4("127.0.0.2", daemon_port(scene.daemon))), 1);
    assert_null(strstr(daemon_stdout(scene.daemon), "127.0.0.3"));
    close_scene(&scene);
}

/* ---- the unix socket ---- */

static void test_listeners_unix_socket_comes_and_goes(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct stat status;
    configure(&scene, "[http]\nlisten = none\nsocket = %s\nsocket_mode = 0600\n",
              scene.socket.path);
    start(&scene);
    assert_int_equal(stat(scene.socket.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(draw(http_client_unix(scene.socket.path)), 1);
    assert_int_equal(daemon_stop(scene.daemon), 0);
    assert_false(dir_has(&scene.folder, "socket"));
    close_scene(&scene);
}

static void test_listeners_unix_socket_of_a_killed_daemon_is_replaced(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    configure(&scene, "[http]\nlisten = none\nsocket = %s\n", scene.socket.path);
    start(&scene);
    daemon_kill(scene.daemon);
    assert_true(dir_has(&scene.folder, "socket"));
    daemon_free(scene.daemon);
    start(&scene);
    assert_true(draw(http_client_unix(scene.socket.path)) > 0);
    close_scene(&scene);
}

static void test_listeners_unix_socket_of_a_living_daemon_is_refused(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct dir other = dir_make();
    configure(&scene, "[http]\nlisten = none\nsocket = %s\n", scene.socket.path);
    start(&scene);
    int status = 0;
    struct daemon *second = daemon_run(
        (const char *const[]){"-c", scene.file.path, "-d", other.path, NULL}, NULL, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(daemon_stderr(second), "somebody listens on"));
    daemon_free(second);
    assert_int_equal(draw(http_client_unix(scene.socket.path)), 1);
    dir_remove(&other);
    close_scene(&scene);
}

/* ---- sockets that a service manager passes ---- */

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof where;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &size), 0);
    *ret_port = ntohs(where.sin_port);
    return fd;
}

static int listen_at(const char *path)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof where.sun_path);
    memcpy(where.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

static struct daemon *activate(const struct scene *scene, const int *sockets, unsigned count)
{
    struct daemon *daemon = daemon_spawn_activated(
        sockets, count,
        (const char *const[]){"-c", scene->file.path, "-d", scene->data.path, NULL});

    if (!daemon_says(daemon, SERVES, 1, DAEMON_TIMEOUT_MS)) {
        fail_msg("%s", daemon_stderr(daemon));
    }
    return daemon;
}

/* They take the place of the configured ones, and outlive the daemon. */
static void test_listeners_take_what_they_are_given(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct dir given = dir_entry(&scene.folder, "given");
    uint16_t port = 0;
    int sockets[] = {listen_on_loopback(&port), listen_at(given.path)};
    char place[64];
    configure(&scene, "[http]\nlisten = 127.0.0.9:1\nsocket = %s\n", scene.socket.path);
    scene.daemon = activate(&scene, sockets, 2);
    snprintf(place, sizeof place, "listens on http://127.0.0.1:%u ", (unsigned)port);
    assert_non_null(strstr(daemon_stdout(scene.daemon), place));
    assert_null(strstr(daemon_stdout(scene.daemon), "127.0.0.9"));
    assert_false(dir_has(&scene.folder, "socket"));
    assert_int_equal(draw(http_client_open(port)), 1);
    assert_int_equal(draw(http_client_unix(given.path)), 2);
    assert_int_equal(daemon_stop(scene.daemon), 0);
    assert_true(dir_has(&scene.folder, "given"));
    daemon_free(scene.daemon);

    struct http_client *early = http_client_open(port); /* waits in the queue for the next one */
    struct http_client *local = http_client_unix(given.path);
    assert_non_null(local);
    scene.daemon = activate(&scene, sockets, 2);
    assert_int_equal(draw(early), 3);
    assert_int_equal(draw(local), 4);
    daemon_kill(scene.daemon); /* nor does a bad end harm them */
    daemon_free(scene.daemon);
    scene.daemon = activate(&scene, sockets, 2);
    assert_true(draw(http_client_open(port)) > 4);
    close(sockets[0]);
    close(sockets[1]);
    close_scene(&scene);
}

/* What was passed to another process is not for this one. */
static void test_listeners_leave_what_is_for_another(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    configure(&scene, "[http]\nlisten = 127.0.0.1:0\n");
    scene.daemon =
        daemon_spawn((const char *const[]){"-c", scene.file.path, "-d", scene.data.path, NULL},
                     (const char *const[]){"LISTEN_FDS=1", "LISTEN_PID=1", NULL});
    assert_true(daemon_listens(scene.daemon));
    assert_int_equal(draw(http_client_open(daemon_port(scene.daemon))), 1);
    close_scene(&scene);
}

static void test_listeners_refuse_what_does_not_listen(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    configure(&scene, "[http]\nlisten = 127.0.0.1:0\n");
    scene.daemon = daemon_spawn_activated(
        &fd, 1, (const char *const[]){"-c", scene.file.path, "-d", scene.data.path, NULL});
    assert_int_equal(daemon_wait(scene.daemon, DAEMON_TIMEOUT_MS), 1);
    assert_non_null(strstr(daemon_stderr(scene.daemon), "descriptor 3"));
    close(fd);
    close_scene(&scene);
}

/* ---- a restart that nobody notices ---- */

#define ASKERS 3
#define ASKED_EACH 100
#define RESTARTS 3

struct asker {
    uint16_t port;
    pthread_t thread;
    _Atomic unsigned answered;
};

/* One connection for each number, as curl does it. */
static void *ask_for_numbers(void *argument)
{
    struct asker *asker = argument;

    for (int i = 0; i < ASKED_EACH; i++) {
        struct http_client *client = http_client_try(asker->port, DAEMON_TIMEOUT_MS);
        struct http_answer answer;
        bool answered =
            client != NULL &&
            http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") &&
            http_client_receive(client, DAEMON_TIMEOUT_MS, false, &answer) == HTTP_CLIENT_ANSWERED;
        if (answered) {
            answered = answer.status == 200;
            http_answer_free(&answer);
        }
        http_client_close(client);
        /* order: relaxed; it is read to see how far the thread is, and after its end. */
        atomic_fetch_add_explicit(&asker->answered, answered ? 1 : 0, memory_order_relaxed);
    }
    return NULL;
}

static unsigned answered_by(struct asker *askers)
{
    unsigned sum = 0;

    for (size_t i = 0; i < ASKERS; i++) {
        /* order: relaxed; see ask_for_numbers(). */
        sum += atomic_load_explicit(&askers[i].answered, memory_order_relaxed);
    }
    return sum;
}

static void await_answers(struct asker *askers, unsigned wanted)
{
    struct instant until = clock_after(clock_now(), 60 * CLOCK_NS_PER_S);

    while (answered_by(askers) < wanted && !clock_reached(until, clock_now())) {
        (void)poll(NULL, 0, 1); /* between two looks */
    }
}

static void test_listeners_restart_on_an_inherited_socket_refuses_nobody(void **state)
{
    (void)state;
    struct scene scene = open_scene();
    struct asker askers[ASKERS];
    uint16_t port = 0;
    int socket_fd = listen_on_loopback(&port);
    configure(&scene, "[sequence:default]\n");
    scene.daemon = activate(&scene, &socket_fd, 1);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.port = port};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_for_numbers, &askers[i]), 0);
    }
    for (unsigned i = 1; i <= RESTARTS; i++) {
        await_answers(askers, i * ASKERS * ASKED_EACH / (RESTARTS + 1));
        assert_int_equal(daemon_stop(scene.daemon), 0);
        daemon_free(scene.daemon);
        scene.daemon = activate(&scene, &socket_fd, 1);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
    }
    print_message("%u of %d requests were answered over %d restarts\n", answered_by(askers),
                  ASKERS * ASKED_EACH, RESTARTS);
    assert_int_equal(answered_by(askers), ASKERS * ASKED_EACH);
    close(socket_fd);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listeners_on_several_addresses),
        cmocka_unit_test(test_listeners_speak_ipv6),
        cmocka_unit_test(test_listeners_are_replaced_by_the_command_line),
        cmocka_unit_test(test_listeners_unix_socket_comes_and_goes),
        cmocka_unit_test(test_listeners_unix_socket_of_a_killed_daemon_is_replaced),
        cmocka_unit_test(test_listeners_unix_socket_of_a_living_daemon_is_refused),
        cmocka_unit_test(test_listeners_take_what_they_are_given),
        cmocka_unit_test(test_listeners_leave_what_is_for_another),
        cmocka_unit_test(test_listeners_refuse_what_does_not_listen),
        cmocka_unit_test(test_listeners_restart_on_an_inherited_socket_refuses_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
