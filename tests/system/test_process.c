/* The life of the real daemon: how it starts, what it announces, and how it stops. */
#include "base/clock.h"
#include "daemon.h"
#include "http_client.h"
#include "stage.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
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

#define RELOADED "the configuration is reloaded"
#define KEPT "keeping the configuration in force"
#define SLOW_CLIENT_MS 1600  /* more than a stop takes that waits for nobody */
#define HURRIED_STOP_MS 5000 /* one that waits for every request takes longer */

/* ---- starting ---- */

static void test_process_serves_default_without_a_configuration(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    assert_int_equal(stage_next(&stage, "/"), 1);
    assert_int_equal(stage_next(&stage, "/v1/sequences/default/next"), 2);
    stage_close(&stage);
}

static void test_process_prints_where_it_listens(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted,
                   " listens on http://127.0.0.1:%u   try: curl http://127.0.0.1:%u/\n",
                   (unsigned)stage.port, (unsigned)stage.port);
    assert_non_null(strstr(daemon_stdout(stage.daemon), wanted));
    stage_close(&stage);
}

static void test_process_gives_an_example_that_works_where_it_listens_everywhere(void **state)
{
    (void)state;
    struct stage stage =
        stage_open("[http]\nlisten = 0.0.0.0:1\nissue_without_token = everywhere\n");
    const char *text = daemon_stdout(stage.daemon);
    assert_non_null(strstr(text, "listens on http://0.0.0.0:"));
    assert_non_null(strstr(text, "try: curl http://127.0.0.1:"));
    stage_close(&stage);
}

static void test_process_refuses_other_numbers_for_a_sequence_it_remembers(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\nmin = 5\n");
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 5);
    stage_stop(&stage);
    stage_configure(&stage, "[sequence:a]\nmin = 7\n");

    struct dir file = dir_entry(&stage.configuration, "seqd.conf");
    int status = 0;
    struct daemon *daemon =
        daemon_run((const char *const[]){"-p", "0", "-d", stage.data.path, "-c", file.path, NULL},
                   NULL, &status);
    assert_int_equal(status, 1);
    const char *text = daemon_stderr(daemon);
    assert_non_null(strstr(text, "cannot serve sequence 'a'"));
    assert_non_null(strstr(text, "start 5"));
    assert_non_null(strstr(text, "start 7"));
    daemon_free(daemon);

    stage_configure(&stage, "[sequence:a]\nmin = 5\n");
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 6);
    stage_close(&stage);
}

static void test_process_serves_what_the_store_remembers_and_the_file_lists_no_more(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n[sequence:b]\nincrement = 10\n");
    assert_int_equal(stage_next(&stage, "/v1/sequences/b/next"), 1);
    stage_stop(&stage);
    stage_configure(&stage, "[sequence:a]\n");
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/v1/sequences/b/next"), 11);
    stage_close(&stage);
}

/* What is opened first must not get the number of a standard stream: the log would go there. */
static void test_process_fills_standard_files_that_are_closed(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir data = dir_make();
    struct dir script = dir_entry(&dir, "seqd");
    static const char text[] = "#!/bin/sh\nexec \"$REAL_SEQD\" \"$@\" 0<&- 2>&-\n";
    char path[64];
    char target[64] = "";
    char *real = strdup(getenv("SEQD"));
    dir_write(&dir, "seqd", text, sizeof text - 1);
    assert_int_equal(chmod(script.path, 0700), 0);
    assert_int_equal(setenv("REAL_SEQD", real, 1), 0);
    assert_int_equal(setenv("SEQD", script.path, 1), 0);
    struct daemon *daemon = daemon_start(data.path, NULL);
    assert_int_equal(setenv("SEQD", real, 1), 0);
    for (int fd = 0; fd <= 2; fd += 2) {
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)daemon_pid(daemon), fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        assert_true(length > 0);
        target[length] = '\0';
        assert_string_equal(target, "/dev/null");
    }
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    free(real);
    dir_remove(&data);
    dir_remove(&dir);
}

/* Where standard error is what JOURNAL_STREAM names, lines begin with their priority. */
static void test_process_marks_priorities_for_the_journal_alone(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir script = dir_entry(&dir, "seqd");
    static const char text[] =
        "#!/bin/sh\nJOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec \"$REAL_SEQD\" \"$@\"\n";
    char *real = strdup(getenv("SEQD"));
    int status = 0;
    dir_write(&dir, "seqd", text, sizeof text - 1);
    assert_int_equal(chmod(script.path, 0700), 0);
    assert_int_equal(setenv("REAL_SEQD", real, 1), 0);
    assert_int_equal(setenv("SEQD", script.path, 1), 0);
    struct daemon *daemon =
        daemon_run((const char *const[]){"-d", "/nonexistent", NULL}, NULL, &status);
    assert_int_equal(setenv("SEQD", real, 1), 0);
    assert_int_equal(strncmp(daemon_stderr(daemon), "<3>cannot start: ", 17), 0);
    daemon_free(daemon);

    daemon = daemon_run((const char *const[]){"-d", "/nonexistent", NULL},
                        (const char *const[]){"JOURNAL_STREAM=1:2", NULL}, &status);
    assert_int_equal(strncmp(daemon_stderr(daemon), "cannot start: ", 14), 0);
    daemon_free(daemon);
    free(real);
    dir_remove(&dir);
}

/* ---- telling systemd ---- */

struct notified {
    struct dir dir;
    int fd;
    char setting[DIR_PATH_SIZE + 32];
};

static struct notified open_notified(void)
{
    struct notified notified = {.dir = dir_make()};
    struct dir path = dir_entry(&notified.dir, "notify");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path.path) < sizeof address.sun_path);
    memcpy(address.sun_path, path.path, strlen(path.path) + 1);
    notified.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(notified.fd >= 0);
    assert_int_equal(bind(notified.fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)snprintf(notified.setting, sizeof notified.setting, "NOTIFY_SOCKET=%s", path.path);
    return notified;
}

static void close_notified(struct notified *notified)
{
    close(notified->fd);
    dir_delete(&notified->dir, "notify");
    dir_remove(&notified->dir);
}

/* The next message begins with `text`. */
static void expect_notified(const struct notified *notified, const char *text)
{
    struct pollfd readable = {.fd = notified->fd, .events = POLLIN};
    char message[512] = "";
    assert_int_equal(poll(&readable, 1, DAEMON_TIMEOUT_MS), 1);
    ssize_t length = recv(notified->fd, message, sizeof message - 1, 0);
    assert_true(length > 0);
    if (strncmp(message, text, strlen(text)) != 0) {
        fail_msg("notified '%s', not '%s'", message, text);
    }
}

static void test_process_tells_systemd_of_start_reload_and_stop(void **state)
{
    (void)state;
    struct notified notified = open_notified();
    struct stage stage = stage_open("[http]\nmax_count = 5\n");
    stage_stop(&stage);
    stage_start(&stage, (const char *const[]){notified.setting, NULL});
    expect_notified(&notified, "READY=1");
    stage_reload(&stage, RELOADED, 1);
    expect_notified(&notified, "RELOADING=1\nMONOTONIC_USEC=");
    expect_notified(&notified, "READY=1");
    stage_configure(&stage, "nonsense\n");
    stage_reload(&stage, KEPT, 1);
    expect_notified(&notified, "RELOADING=1\nMONOTONIC_USEC=");
    expect_notified(&notified, "READY=1");
    stage_stop(&stage);
    expect_notified(&notified, "STOPPING=1");
    stage_close(&stage);
    close_notified(&notified);
}

/* It proves that it works again and again, unasked; a process that hangs does not. */
static void test_process_feeds_the_watchdog(void **state)
{
    (void)state;
    struct notified notified = open_notified();
    struct stage stage = stage_open(NULL);
    stage_stop(&stage);
    stage_start(&stage, (const char *const[]){notified.setting, "WATCHDOG_USEC=200000", NULL});
    expect_notified(&notified, "READY=1");
    for (int i = 0; i < 5; i++) {
        expect_notified(&notified, "WATCHDOG=1");
    }
    stage_kill(&stage);
    stage_close(&stage);
    close_notified(&notified);
}

/* ---- stopping ---- */

static void stops_without_a_gap(int signal_number)
{
    struct stage stage = stage_open(NULL);
    assert_int_equal(stage_next(&stage, "/?count=1"), 1);
    assert_int_equal(stage_next(&stage, "/"), 2);
    daemon_signal(stage.daemon, signal_number);
    assert_int_equal(daemon_wait(stage.daemon, DAEMON_TIMEOUT_MS), 0);
    assert_non_null(strstr(daemon_stderr(stage.daemon), "stopped"));
    daemon_free(stage.daemon);
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), 3);
    stage_close(&stage);
}

static void test_process_gives_its_lease_back_on_sigterm(void **state)
{
    (void)state;
    stops_without_a_gap(SIGTERM);
}

static void test_process_gives_its_lease_back_on_sigint(void **state)
{
    (void)state;
    stops_without_a_gap(SIGINT);
}

/* A block of more than the kernel keeps for a connection: 10 MB, or, where all is ten times slower
 * and has to be done before the stop gives up, 6 MB. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGE_COUNT 300000
#else
#define LARGE_COUNT 500000
#endif
#define LARGE "[http]\nmax_count = 500000\n[sequence:default]\nmin = 1000000000000000001\n"
#define LARGE_NEXT (INT64_C(1000000000000000001) + LARGE_COUNT)

/* Ask for it, and return when its first byte is there. */
static struct http_client *ask_for_large(const struct stage *stage)
{
    struct http_client *client = http_client_open(stage->port);
    assert_true(
        http_client_print(client, "GET /?count=%d HTTP/1.1\r\nHost: x\r\n\r\n", LARGE_COUNT));
    struct pollfd readable = {.fd = http_client_socket(client), .events = POLLIN};
    assert_int_equal(poll(&readable, 1, HTTP_CLIENT_TIMEOUT_MS), 1);
    return client;
}

/* Every number that was taken before the stop arrives whole, though the client takes its time. */
static void test_process_sends_what_was_taken_before_it_stops(void **state)
{
    (void)state;
    struct stage stage = stage_open(LARGE);
    struct http_client *client = ask_for_large(&stage);
    daemon_signal(stage.daemon, SIGTERM);
    assert_int_equal(daemon_wait(stage.daemon, SLOW_CLIENT_MS), -1); /* still there */
    struct http_answer answer;
    assert_int_equal(http_client_receive(client, HTTP_CLIENT_TIMEOUT_MS, false, &answer),
                     HTTP_CLIENT_ANSWERED);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_length, 20 * LARGE_COUNT);
    assert_true(strtoll(answer.body + answer.body_length - 20, NULL, 10) == LARGE_NEXT - 1);
    http_answer_free(&answer);
    http_client_close(client);
    assert_int_equal(daemon_wait(stage.daemon, DAEMON_TIMEOUT_MS), 0);
    daemon_free(stage.daemon);
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), LARGE_NEXT);
    stage_close(&stage);
}

/* A client that asks for much and reads nothing holds a stop up, until somebody loses patience. */
static void test_process_hurries_when_it_is_told_to_stop_twice(void **state)
{
    (void)state;
    struct stage stage = stage_open(LARGE);
    struct http_client *client = ask_for_large(&stage);
    struct instant start = clock_now();
    daemon_signal(stage.daemon, SIGTERM);
    assert_true(daemon_says(stage.daemon, "SIGTERM: stopping", 1, DAEMON_TIMEOUT_MS));
    daemon_signal(stage.daemon, SIGINT);
    assert_true(daemon_says(stage.daemon, "SIGINT again", 1, DAEMON_TIMEOUT_MS));
    assert_int_equal(daemon_wait(stage.daemon, DAEMON_TIMEOUT_MS), 0);
    assert_true(clock_elapsed(start, clock_now()) < HURRIED_STOP_MS * CLOCK_NS_PER_MS);
    assert_non_null(
        strstr(daemon_stderr(stage.daemon), "requests not finished in time: 1, cutting"));
    http_client_close(client);
    daemon_free(stage.daemon);
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/"), LARGE_NEXT);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process_serves_default_without_a_configuration),
        cmocka_unit_test(test_process_prints_where_it_listens),
        cmocka_unit_test(test_process_gives_an_example_that_works_where_it_listens_everywhere),
        cmocka_unit_test(test_process_refuses_other_numbers_for_a_sequence_it_remembers),
        cmocka_unit_test(test_process_serves_what_the_store_remembers_and_the_file_lists_no_more),
        cmocka_unit_test(test_process_fills_standard_files_that_are_closed),
        cmocka_unit_test(test_process_marks_priorities_for_the_journal_alone),
        cmocka_unit_test(test_process_tells_systemd_of_start_reload_and_stop),
        cmocka_unit_test(test_process_feeds_the_watchdog),
        cmocka_unit_test(test_process_gives_its_lease_back_on_sigterm),
        cmocka_unit_test(test_process_gives_its_lease_back_on_sigint),
        cmocka_unit_test(test_process_sends_what_was_taken_before_it_stops),
        cmocka_unit_test(test_process_hurries_when_it_is_told_to_stop_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
