/* Tokens and certificates of the real daemon, and what SIGHUP makes of them while it serves. */
#include "base/clock.h"
#include "certificate.h"
#include "daemon.h"
#include "dir.h"
#include "http_client.h"
#include "stage.h"
#include "tls_client.h"
#include "token.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEARER(token) "Authorization: Bearer " token "\r\n"
#define RELOADED "the configuration is reloaded"
#define EXPIRED "expires=2020-01-01T00:00:00Z"

static struct dir folder; /* of tokens and certificates */

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

static void write_tokens(const char *text)
{
    dir_write(&folder, "tokens", text, strlen(text));
}

/* A daemon that issues to nobody without a token. */
static struct stage open_closed(const char *tokens)
{
    char text[512];

    write_tokens(tokens);
    snprintf(text, sizeof text, "[http]\nissue_without_token = never\ntokens = %.300s/tokens\n",
             folder.path);
    return stage_open(text);
}

static void test_tokens_open_what_they_are_for(void **state)
{
    (void)state;
    struct stage stage =
        open_closed(TOKEN_A_HASH " issue default\n" TOKEN_B_HASH " read *\n" TOKEN_D_HASH
                                 " issue * " EXPIRED "\n");
    stage_expect_status(&stage, "GET", "/", "", 401);
    stage_expect_status(&stage, "GET", "/", BEARER(TOKEN_A), 200);
    stage_expect_status(&stage, "GET", "/v1/sequences/other/next", BEARER(TOKEN_A), 403);
    stage_expect_status(&stage, "GET", "/metrics", BEARER(TOKEN_A), 403);
    stage_expect_status(&stage, "GET", "/metrics", BEARER(TOKEN_B), 200);
    stage_expect_status(&stage, "GET", "/", BEARER(TOKEN_B), 403);
    stage_expect_status(&stage, "GET", "/", BEARER(TOKEN_C), 401);
    stage_expect_status(&stage, "GET", "/", BEARER(TOKEN_D), 401);
    stage_expect_status(&stage, "GET", "/healthz", "", 200);
    assert_true(daemon_says(stage.daemon, "(no-token), the last from 127.0.0.1", 1, 10000));
    assert_true(daemon_says(stage.daemon, "(forbidden), the last from 127.0.0.1", 1, 10000));
    assert_true(daemon_says(stage.daemon, "(bad-token), the last from 127.0.0.1", 1, 10000));
    /* One line of a kind, however often it happens. */
    for (int i = 0; i < 50; i++) {
        stage_expect_status(&stage, "GET", "/", "", 401);
    }
    assert_false(daemon_says(stage.daemon, "(no-token)", 2, 0));
    stage_close(&stage);
}

static void test_tokens_that_are_wrong_stop_the_start(void **state)
{
    (void)state;
    struct dir data = dir_make();
    struct dir file = dir_entry(&folder, "seqd.conf");
    char text[512];
    int status = 0;
    int length = snprintf(text, sizeof text, "[http]\ntokens = %.300s/tokens\n", folder.path);
    dir_write(&folder, "seqd.conf", text, (size_t)length);
    write_tokens("# fine\nrubbish\n");
    struct daemon *daemon = daemon_run(
        (const char *const[]){"-p", "0", "-c", file.path, "-d", data.path, NULL}, NULL, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(daemon_stderr(daemon), "/tokens:2: a line begins with 'sha256:'"));
    daemon_free(daemon);
    dir_remove(&data);
}

/* ---- SIGHUP while requests come ---- */

struct asker {
    uint16_t port;
    pthread_t thread;
    _Atomic bool *stop;
    _Atomic unsigned granted;
    _Atomic unsigned refused;
    unsigned others;
};

static void *ask_again_and_again(void *argument)
{
    struct asker *asker = argument;
    struct http_client *client = http_client_open(asker->port);

    /* order: relaxed, all of them here; they are read to see how far it is, and after the end. */
    while (!atomic_load_explicit(asker->stop, memory_order_relaxed)) {
        struct http_answer answer = http_client_ask(client, "GET", "/", BEARER(TOKEN_A));
        if (answer.status == 200) {
            /* order: relaxed, see above. */
            atomic_fetch_add_explicit(&asker->granted, 1, memory_order_relaxed);
        } else if (answer.status == 401) {
            /* order: relaxed, see above. */
            atomic_fetch_add_explicit(&asker->refused, 1, memory_order_relaxed);
        } else {
            asker->others++;
        }
        http_answer_free(&answer);
    }
    http_client_close(client);
    return NULL;
}

static void await(_Atomic unsigned *count, unsigned wanted)
{
    struct instant until = clock_after(clock_now(), 30 * CLOCK_NS_PER_S);

    /* order: relaxed; see ask_again_and_again(). */
    while (atomic_load_explicit(count, memory_order_relaxed) < wanted) {
        assert_false(clock_reached(until, clock_now()));
    }
}

static void test_tokens_are_reloaded_while_requests_come(void **state)
{
    (void)state;
    struct stage stage = open_closed(TOKEN_A_HASH " issue *\n");
    _Atomic bool stop = false;
    struct asker asker = {.port = stage.port, .stop = &stop};
    assert_int_equal(pthread_create(&asker.thread, NULL, ask_again_and_again, &asker), 0);
    unsigned reloads = 0;
    for (int i = 0; i < 20; i++) { /* the token is in all of them, so no request is refused */
        write_tokens(i % 2 == 0 ? TOKEN_B_HASH " read *\n" TOKEN_A_HASH " admin *\n"
                                : TOKEN_A_HASH " issue *\n");
        stage_reload(&stage, RELOADED, ++reloads);
    }
    /* A bad file: the old tokens stay in force, and the log says where the mistake is. */
    write_tokens(TOKEN_B_HASH " issue *\n" TOKEN_A_HASH " writ *\n");
    stage_reload(&stage, "/tokens:2: scope 'writ' is unknown", 1);
    assert_true(daemon_says(stage.daemon, "keeping the old tokens in force", 1, 10000));
    reloads++;
    assert_true(daemon_says(stage.daemon, RELOADED, reloads, 10000));
    /* order: relaxed; see ask_again_and_again(). */
    await(&asker.granted, atomic_load_explicit(&asker.granted, memory_order_relaxed) + 100);
    assert_int_equal(atomic_load_explicit(&asker.refused, memory_order_relaxed), 0);
    stage_expect_status(&stage, "GET", "/", BEARER(TOKEN_B), 401);

    /* Taken away: also over the connection that has been open all the time. */
    write_tokens(TOKEN_B_HASH " issue *\n");
    stage_reload(&stage, RELOADED, ++reloads);
    await(&asker.refused, 10);
    /* order: relaxed; see ask_again_and_again(). */
    unsigned granted = atomic_load_explicit(&asker.granted, memory_order_relaxed);
    await(&asker.refused, 200);
    /* order: relaxed, both; see ask_again_and_again(). */
    assert_int_equal(atomic_load_explicit(&asker.granted, memory_order_relaxed), granted);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    assert_int_equal(pthread_join(asker.thread, NULL), 0);
    assert_int_equal(asker.others, 0);
    stage_close(&stage);
}

/* ---- certificates ---- */

static void expect_certificate(uint16_t port, const char *name)
{
    struct tls_client *client = tls_client_open(port, NULL);
    char subject[64] = "";
    char body[64] = "";

    assert_non_null(client);
    tls_client_subject(client, subject, sizeof subject);
    assert_string_equal(subject, name);
    assert_int_equal(tls_client_ask(client, "GET", "/", "", body, sizeof body), 200);
    tls_client_close(client);
}

/* The port behind "https://127.0.0.1:" in what it said. */
static uint16_t tls_port(struct daemon *daemon)
{
    const char *start = strstr(daemon_stdout(daemon), "https://127.0.0.1:");

    assert_non_null(start);
    return (uint16_t)strtoul(start + strlen("https://127.0.0.1:"), NULL, 10);
}

static void test_tokens_certificate_is_reloaded(void **state)
{
    (void)state;
    struct dir data = dir_make();
    struct dir file = dir_entry(&folder, "seqd.conf");
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "[http]\nlisten = 127.0.0.1:0\ntls = all\n"
                          "tls_certificate = %.200s/tls.pem\ntls_key = %.200s/tls.key\n",
                          folder.path, folder.path);
    dir_write(&folder, "seqd.conf", text, (size_t)length);
    certificate_write(&folder, "one", "tls");
    struct daemon *daemon =
        daemon_spawn((const char *const[]){"-c", file.path, "-d", data.path, NULL}, NULL);
    assert_true(daemon_says(daemon, "serves 1 sequence", 1, DAEMON_TIMEOUT_MS));
    uint16_t port = tls_port(daemon);
    expect_certificate(port, "one");
    certificate_write(&folder, "two", "tls");
    daemon_signal(daemon, SIGHUP);
    assert_true(daemon_says(daemon, RELOADED, 1, DAEMON_TIMEOUT_MS));
    expect_certificate(port, "two");
    dir_write(&folder, "tls.key", "rubbish", 7);
    daemon_signal(daemon, SIGHUP);
    assert_true(daemon_says(daemon, "keeping the old certificate in force", 1, DAEMON_TIMEOUT_MS));
    expect_certificate(port, "two");
    assert_int_equal(daemon_stop(daemon), 0);
    daemon_free(daemon);
    dir_remove(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_open_what_they_are_for),
        cmocka_unit_test(test_tokens_that_are_wrong_stop_the_start),
        cmocka_unit_test(test_tokens_are_reloaded_while_requests_come),
        cmocka_unit_test(test_tokens_certificate_is_reloaded),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
