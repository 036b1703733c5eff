/* TLS: who speaks it, with which certificate, and what becomes of those who do not. */
#include "base/clock.h"
#include "certificate.h"
#include "dir.h"
#include "http_stage.h"
#include "tls_client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct dir folder;

static int make_folder(void **state)
{
    (void)state;
    folder = dir_make();
    certificate_write(&folder, "first", NULL);
    certificate_write(&folder, "second", NULL);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    dir_remove(&folder);
    return 0;
}

static struct tls_options options_of(const char *certificate, const char *key)
{
    struct tls_options options;

    snprintf(options.certificate, sizeof options.certificate, "%.200s/%s.pem", folder.path,
             certificate);
    snprintf(options.key, sizeof options.key, "%.200s/%s.key", folder.path, key);
    return options;
}

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    stage->options.tls = PLACE_TLS_ALL;
    stage->tls_options = options_of("first", "first");
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    http_stage_close(*state);
    free(*state);
    return 0;
}

static void reload(struct http_stage *stage, const char *certificate)
{
    struct tls_options options = options_of(certificate, certificate);
    struct error_detail detail = {""};

    if (tls_reload(stage->tls, &options, &detail) != ERR_OK) {
        fail_msg("%s", detail.text);
    }
}

static void expect_number(struct tls_client *client)
{
    char body[64] = "";

    assert_int_equal(tls_client_ask(client, "GET", "/", "", body, sizeof body), 200);
    assert_true(strtoll(body, NULL, 10) > 0);
}

static void expect_subject(const struct tls_client *client, const char *expected)
{
    char subject[64] = "";

    tls_client_subject(client, subject, sizeof subject);
    assert_string_equal(subject, expected);
}

static void test_http_tls_serves_numbers(void **state)
{
    struct http_stage *stage = *state;
    struct tls_client *client = tls_client_open(stage->port, NULL);

    assert_non_null(client);
    assert_int_equal(http_place(stage->http, 0)->scheme, PLACE_TLS);
    expect_subject(client, "first");
    for (int i = 0; i < 100; i++) {
        expect_number(client);
    }
    tls_client_close(client);
    assert_int_equal(http_stage_status(stage, "default").issued, 100);
}

/* A request that waits for its lease is suspended and resumed over TLS as well. */
static void test_http_tls_waits_for_a_lease(void **state)
{
    struct http_stage *stage = *state;
    struct tls_client *client = tls_client_open(stage->port, NULL);

    assert_non_null(client);
    for (int i = 0; i < 20; i++) { /* each beyond any lease, so it waits */
        char body[64] = "";
        assert_int_equal(tls_client_ask(client, "GET", "/?count=10000",
                                        "Accept: application/json\r\n", body, sizeof body),
                         200);
    }
    tls_client_close(client);
}

static void test_http_tls_speaks_1_2_and_1_3_and_nothing_older(void **state)
{
    static const struct {
        const char *priorities;
        bool speaks;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
    };
    struct http_stage *stage = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_client *client = tls_client_open(stage->port, cases[i].priorities);
        if ((client != NULL) != cases[i].speaks) {
            fail_msg("%s", cases[i].priorities);
        }
        tls_client_close(client);
    }
}

/* New connections get the new certificate, old ones go on with theirs. */
static void test_http_tls_reload_changes_the_certificate(void **state)
{
    struct http_stage *stage = *state;
    struct tls_client *old = tls_client_open(stage->port, NULL);

    assert_non_null(old);
    expect_number(old);
    reload(stage, "second");
    expect_number(old);
    struct tls_client *fresh = tls_client_open(stage->port, NULL);
    assert_non_null(fresh);
    expect_subject(fresh, "second");
    expect_number(fresh);
    reload(stage, "first");
    reload(stage, "second");
    expect_number(old);
    expect_number(fresh);
    expect_subject(old, "first");
    tls_client_close(old);
    tls_client_close(fresh);
}

static void test_http_tls_reload_of_bad_files_changes_nothing(void **state)
{
    struct http_stage *stage = *state;
    static const char rubbish[] =
        "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n";
    static const struct {
        const char *certificate;
        const char *key;
    } cases[] = {{"first", "second"},
                 {"nothing", "first"},
                 {"first", "nothing"},
                 {"rubbish", "rubbish"},
                 {"empty", "empty"}};

    dir_write(&folder, "rubbish.pem", rubbish, sizeof rubbish - 1);
    dir_write(&folder, "rubbish.key", rubbish, sizeof rubbish - 1);
    dir_write(&folder, "empty.pem", "", 0);
    dir_write(&folder, "empty.key", "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tls_options options = options_of(cases[i].certificate, cases[i].key);
        struct error_detail detail = {""};
        struct tls *tls = NULL;
        assert_int_equal(tls_reload(stage->tls, &options, &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, options.certificate));
        assert_int_equal(tls_open(&options, &tls, &detail), ERR_INVALID);
        assert_null(tls);
    }
    struct tls_client *client = tls_client_open(stage->port, NULL);
    assert_non_null(client);
    expect_subject(client, "first");
    tls_client_close(client);
}

/* ---- reload under load ---- */

struct shaker {
    uint16_t port;
    pthread_t thread;
    _Atomic bool *stop;
    unsigned served;
    bool failed;
};

static void *shake_hands(void *argument)
{
    struct shaker *shaker = argument;

    /* order: relaxed; a round more or less does not matter. */
    while (!atomic_load_explicit(shaker->stop, memory_order_relaxed)) {
        char body[64] = "";
        struct tls_client *client = tls_client_open(shaker->port, NULL);
        if (client == NULL || tls_client_ask(client, "GET", "/", "", body, sizeof body) != 200) {
            shaker->failed = true;
        }
        tls_client_close(client);
        shaker->served++;
    }
    return NULL;
}

/* Handshakes and reloads at the same time: none fails, and none touches what was freed. */
static void test_http_tls_reload_under_load(void **state)
{
    struct http_stage *stage = *state;
    _Atomic bool stop = false;
    struct shaker shakers[2];

    for (size_t i = 0; i < 2; i++) {
        shakers[i] = (struct shaker){.port = stage->port, .stop = &stop};
        assert_int_equal(pthread_create(&shakers[i].thread, NULL, shake_hands, &shakers[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        reload(stage, i % 2 == 0 ? "second" : "first");
    }
    /* order: relaxed, as above. */
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(shakers[i].thread, NULL), 0);
        assert_false(shakers[i].failed);
    }
}

/* ---- who does not speak TLS ---- */

static uint64_t refused(struct http_stage *stage)
{
    char body[65536] = "";
    struct tls_client *client = tls_client_open(stage->port, NULL);

    assert_non_null(client);
    assert_int_equal(tls_client_ask(client, "GET", "/metrics", "", body, sizeof body), 200);
    tls_client_close(client);
    const char *line = strstr(body, "seqd_http_refusals_total{reason=\"tls\"} ");
    assert_non_null(line);
    return strtoull(strchr(line, '}') + 2, NULL, 10);
}

/* Wait until so many were refused. */
static void await_refused(struct http_stage *stage, uint64_t count)
{
    struct instant until = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);

    while (refused(stage) < count) {
        assert_false(clock_reached(until, clock_now()));
    }
    assert_int_equal(refused(stage), count);
}

static void test_http_tls_closes_what_is_no_tls(void **state)
{
    struct http_stage *stage = *state;
    static const char *const starts[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\xff\xff\x01rubbishrubbishrubbishrubbishrubbish",
        "\x16\x03\x01\x00\x05hello",
        "\x80\x2e\x01\x03\x01",
        "SSH-2.0-x\r\n",
    };
    unsigned count = 0;

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct http_client *client = http_client_open(stage->port);
        assert_true(http_client_print(client, "%s", starts[i]));
        http_client_shut(client);
        struct http_answer answer;
        enum http_client_result result = http_client_receive(client, 10000, false, &answer);
        assert_true(result == HTTP_CLIENT_CLOSED || result == HTTP_CLIENT_MALFORMED);
        http_client_close(client);
        count++;
    }
    await_refused(stage, count);
    assert_int_equal(http_stage_status(stage, "default").issued, 0);
}

/* A handshake that does not go on is bounded like a request line that does not come. */
static void test_http_tls_handshake_has_a_deadline(void **state)
{
    struct http_stage *stage = *state;

    stage->options.idle_timeout_ms = 300;
    http_alter(stage->http, &stage->options);
    struct http_client *silent = http_client_open(stage->port);
    struct http_client *half = http_client_open(stage->port);
    assert_true(http_client_send(half, "\x16\x03\x01\x02", 4));
    assert_true(http_client_closed(silent, 10000));
    struct http_answer answer;
    assert_int_equal(http_client_receive(half, 10000, false, &answer), HTTP_CLIENT_CLOSED);
    http_client_close(silent);
    http_client_close(half);
    stage->options.idle_timeout_ms = 60000;
    http_alter(stage->http, &stage->options);
    assert_int_equal(refused(stage), 0); /* they were idle, and are counted as such */
}

/* ---- which listeners ---- */

static enum place_scheme scheme_of(enum place_tls tls, const char *address, bool certificate)
{
    struct http_stage stage = http_stage_options();

    stage.options.tls = tls;
    stage.access_options.issue_without_token = ACCESS_OPEN_EVERYWHERE;
    snprintf(stage.options.listen.items[0].address, sizeof stage.options.listen.items[0].address,
             "%s", address);
    if (certificate) {
        stage.tls_options = options_of("first", "first");
    }
    http_stage_open(&stage);
    enum place_scheme scheme = http_place(stage.http, 0)->scheme;
    http_stage_close(&stage);
    return scheme;
}

static void test_http_tls_is_spoken_where_it_was_wanted(void **state)
{
    (void)state;
    assert_int_equal(scheme_of(PLACE_TLS_REMOTE, "127.0.0.1", true), PLACE_PLAIN);
    assert_int_equal(scheme_of(PLACE_TLS_REMOTE, "0.0.0.0", true), PLACE_TLS);
    assert_int_equal(scheme_of(PLACE_TLS_ALL, "127.0.0.1", true), PLACE_TLS);
    assert_int_equal(scheme_of(PLACE_TLS_OFF, "0.0.0.0", true), PLACE_PLAIN);
    assert_int_equal(scheme_of(PLACE_TLS_REMOTE, "0.0.0.0", false), PLACE_PLAIN);
}

/* Who reaches a unix socket is on this machine already. */
static void test_http_tls_is_not_spoken_over_a_unix_socket(void **state)
{
    struct http_stage stage = http_stage_options();
    struct dir path = dir_entry(&folder, "plain");

    (void)state;
    stage.options.tls = PLACE_TLS_ALL;
    stage.tls_options = options_of("first", "first");
    snprintf(stage.options.socket, sizeof stage.options.socket, "%.100s", path.path);
    http_stage_open(&stage);
    assert_int_equal(http_place(stage.http, 0)->scheme, PLACE_TLS);
    assert_int_equal(http_place(stage.http, 1)->scheme, PLACE_UNIX);
    http_stage_close(&stage);
}

/* One server, three kinds of listener; each knows what it speaks, and they share all else. */
static void test_http_tls_stands_beside_plain_and_unix(void **state)
{
    struct http_stage stage = http_stage_options();
    struct dir path = dir_entry(&folder, "socket");

    (void)state;
    stage.tls_options = options_of("first", "first");
    stage.access_options.issue_without_token = ACCESS_OPEN_EVERYWHERE;
    stage.options.listen.count = 2;
    snprintf(stage.options.listen.items[1].address, sizeof stage.options.listen.items[1].address,
             "0.0.0.0");
    snprintf(stage.options.socket, sizeof stage.options.socket, "%.100s", path.path);
    stage.options.socket_mode = 0600;
    http_stage_open(&stage);
    assert_int_equal(http_places(stage.http), 3);
    assert_int_equal(http_place(stage.http, 0)->scheme, PLACE_PLAIN);
    assert_int_equal(http_place(stage.http, 1)->scheme, PLACE_TLS);
    assert_int_equal(http_place(stage.http, 2)->scheme, PLACE_UNIX);
    http_stage_expect(&stage, "GET", "/", "", 200, "1\n");
    struct tls_client *secure = tls_client_open(http_place(stage.http, 1)->port, NULL);
    assert_non_null(secure);
    expect_number(secure);
    tls_client_close(secure);
    struct http_client *local = http_client_unix(stage.options.socket);
    assert_non_null(local);
    struct http_answer answer = http_client_ask(local, "GET", "/", "");
    assert_string_equal(answer.body, "3\n");
    http_answer_free(&answer);
    http_client_close(local);
    http_stage_close(&stage);
    assert_false(dir_has(&folder, "socket"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_tls_serves_numbers),
        TEST(test_http_tls_waits_for_a_lease),
        TEST(test_http_tls_speaks_1_2_and_1_3_and_nothing_older),
        TEST(test_http_tls_reload_changes_the_certificate),
        TEST(test_http_tls_reload_of_bad_files_changes_nothing),
        TEST(test_http_tls_reload_under_load),
        TEST(test_http_tls_closes_what_is_no_tls),
        TEST(test_http_tls_handshake_has_a_deadline),
        cmocka_unit_test(test_http_tls_is_spoken_where_it_was_wanted),
        cmocka_unit_test(test_http_tls_is_not_spoken_over_a_unix_socket),
        cmocka_unit_test(test_http_tls_stands_beside_plain_and_unix),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
