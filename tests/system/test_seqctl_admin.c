/* The administrative commands of seqctl against the real daemon, over its unix socket and over TCP
 * with tokens. */
#include "dir.h"
#include "seqctl.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_SIZE 1024

/* A daemon with a unix socket and a file of tokens, both in a folder of their own. */
struct scene {
    struct dir dir;
    struct dir socket;
    struct stage stage;
};

static struct scene scene_open(const char *sequences, const char *tokens)
{
    struct scene scene = {.dir = dir_make()};
    char configuration[2 * DIR_PATH_SIZE + LINE_SIZE];
    scene.socket = dir_entry(&scene.dir, "seqd.sock");
    struct dir file = dir_entry(&scene.dir, "tokens");
    dir_write(&scene.dir, "tokens", tokens, strlen(tokens));
    (void)snprintf(configuration, sizeof configuration, "[http]\nsocket = %s\ntokens = %s\n%s",
                   scene.socket.path, file.path, sequences);
    scene.stage = stage_open(configuration);
    return scene;
}

static void scene_close(struct scene *scene)
{
    stage_close(&scene->stage);
    dir_remove(&scene->dir);
}

/* Over the unix socket. */
static void expect(const struct scene *scene, const char *line, int status, const char *out,
                   const char *err)
{
    char whole[DIR_PATH_SIZE + LINE_SIZE];
    (void)snprintf(whole, sizeof whole, "-s %s %s", scene->socket.path, line);
    seqctl_expect(1, whole, status, out, err);
}

/* ... where `text` must stand in standard output. */
static void expect_shown(const struct scene *scene, const char *line, const char *text)
{
    char whole[DIR_PATH_SIZE + LINE_SIZE];
    (void)snprintf(whole, sizeof whole, "-s %s %s", scene->socket.path, line);
    struct seqctl_run run = seqctl_run(1, whole);
    if (run.status != 0 || strstr(run.out, text) == NULL) {
        fail_msg("seqctl %s: exit status %d, and no '%s' in:\n%s%s", line, run.status, text,
                 run.out, run.err);
    }
    seqctl_free(&run);
}

static void test_seqctl_creates_what_it_is_told(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect(&scene,
           "create js --start 9007199254740993 --increment -2 --min -9223372036854775807 "
           "--max 9223372036854775807 --max-gap 50 --lease 5 --durability every",
           0, NULL, "'js' is created.\n");
    expect_shown(&scene, "show js", "start         9007199254740993\n");
    expect_shown(&scene, "show js", "increment     -2\n");
    expect_shown(&scene, "show js", "min           -9223372036854775807\n");
    expect_shown(&scene, "show js", "max           9223372036854775807\n");
    expect_shown(&scene, "show js", "max gap       50\n");
    expect_shown(&scene, "show js", "lease         5\n");
    expect_shown(&scene, "show js", "durability    every\n");
    expect(&scene, "next js 2", 0, "9007199254740993\n9007199254740991\n", NULL);
    scene_close(&scene);
}

static void test_seqctl_creates_once_and_tells_a_conflict(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect(&scene, "create orders --start 1000", 0, NULL, "'orders' is created.\n");
    expect(&scene, "create orders --start 1000", 0, NULL, "is there already, and as you want it");
    expect(&scene, "create orders --start 9223372036854775807", 5, "",
           "DIFFERS  EXISTING               WANTED\n"
           "start        1000  9223372036854775807\n");
    expect(&scene, "create bad --start 5 --max 3", 1, "", "it must lie within min 1 and max 3");
    expect(&scene, "create bad --durability never", 1, "", "durability");
    scene_close(&scene);
}

static void test_seqctl_creates_timestamp_sequences(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect(&scene,
           "create ids --kind timestamp --epoch 2025-01-01T00:00:00Z --time-unit 10ms "
           "--machine-bits 6 --node-bits 4 --counter-bits 10 --machine-id 33 --node-id 9 "
           "--max-borrow 2000",
           0, NULL, "'ids' is created.\n");
    expect_shown(&scene, "show ids", "\nkind           timestamp\n");
    expect_shown(&scene, "show ids", "\nepoch          2025-01-01T00:00:00");
    expect_shown(&scene, "show ids", "\ntime unit      10ms\n");
    expect_shown(&scene, "show ids", "\nmachine bits   6\n");
    expect_shown(&scene, "show ids", "\nnode bits      4\n");
    expect_shown(&scene, "show ids", "\ncounter bits   10\n");
    expect_shown(&scene, "show ids", "\nmachine id     33\n");
    expect_shown(&scene, "show ids", "\nnode id        9\n");
    expect_shown(&scene, "show ids", "\nmax borrow ms  2000");
    expect_shown(&scene, "alter ids --max-borrow 500", "\nmax borrow ms  500");
    expect(&scene, "create x --kind timestamp --start 5", 1, "", "start");
    scene_close(&scene);
}

static void test_seqctl_alters_what_may_be_altered(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect_shown(&scene, "alter default --max-gap 7", "max gap       7\n");
    expect_shown(&scene, "alter default --lease 3", "lease         3\n");
    expect_shown(&scene, "alter default --lease auto --durability every", "durability    every\n");
    expect_shown(&scene, "show default --json", "\"lease\":\"auto\"");
    expect(&scene, "alter nope --max-gap 7", 4, "", "there is no sequence 'nope'");
    expect(&scene, "alter default --max-gap 0", 1, "", "max_gap");
    scene_close(&scene);
}

static void test_seqctl_advances_and_goes_back_only_by_force(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect_shown(&scene, "advance default 9007199254740993", "next          9007199254740994\n");
    expect(&scene, "next default", 0, "9007199254740994\n", NULL);
    expect(&scene, "advance default 5", 5, "", "--force goes back all the same");
    expect(&scene, "next default", 0, "9007199254740995\n", NULL);
    expect(&scene, "advance default 9007199254740993 --force", 0, NULL,
           "seqctl: numbers from 9007199254740994 to ");
    expect(&scene, "next default", 0, "9007199254740994\n", NULL);
    expect(&scene, "advance default 9223372036854775807", 5, "", "'seqctl show NAME'");
    expect(&scene, "advance nope 5", 4, "", "there is no sequence 'nope'");
    scene_close(&scene);
}

static void test_seqctl_drops_and_the_numbers_never_come_again(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect(&scene, "create orders", 0, NULL, "created");
    expect(&scene, "next orders 5", 0, "1\n2\n3\n4\n5\n", NULL);
    expect_shown(&scene, "drop orders", "'orders' is dropped; numbers from 1 to ");
    expect(&scene, "next orders", 4, "", "there is no sequence 'orders'");
    expect(&scene, "drop orders", 4, "", "there is no sequence 'orders'");
    expect(&scene, "create orders", 0, NULL, "created");
    assert_true(stage_next(&scene.stage, "/v1/sequences/orders/next") > 5);
    scene_close(&scene);
}

/* More than the server gives on one page. */
static void test_seqctl_lists_all_pages_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 1203
    };
    static char sequences[COUNT * 32];
    static char wanted[COUNT * 16];
    size_t written = 0;
    size_t length = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        length += (size_t)snprintf(sequences + length, sizeof sequences - length,
                                   "[sequence:s%04u]\n", i);
        written += (size_t)snprintf(wanted + written, sizeof wanted - written, "s%04u\n", i);
    }
    struct stage stage = stage_open(sequences);
    seqctl_expect(stage.port, "list --names-only", 0, wanted, NULL);
    seqctl_expect(stage.port, "list s120 --names-only", 0, "s1200\ns1201\ns1202\n", NULL);
    seqctl_expect(stage.port, "list x --json", 0, "{\"sequences\":[]}\n", NULL);
    struct seqctl_run run = seqctl_run(stage.port, "list s120");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "NAME   KIND     NEXT                 LEFT  USED"));
    assert_non_null(strstr(run.out, "\ns1202  counter     1  9223372036854775807   0 %"));
    seqctl_free(&run);
    stage_close(&stage);
}

/* A token, written to the file that -t names; its line for the server in `line`. */
static void make_token(const struct dir *dir, const char *options, char line[LINE_SIZE])
{
    char command[LINE_SIZE];
    (void)snprintf(command, sizeof command, "token new --json %s", options);
    struct seqctl_run run = seqctl_run(1, command);
    assert_int_equal(run.status, 0);
    const char *token = strstr(run.out, "\"token\":\"") + 9;
    dir_write(dir, "token", token, strcspn(token, "\""));
    const char *start = strstr(run.out, "\"line\":\"") + 8;
    (void)snprintf(line, LINE_SIZE, "%.*s\n", (int)strcspn(start, "\""), start);
    seqctl_free(&run);
}

static void try_token(const char *options, const char *command, int status, const char *err)
{
    struct dir dir = dir_make();
    struct dir file = dir_entry(&dir, "token");
    char line[LINE_SIZE];
    char whole[DIR_PATH_SIZE + LINE_SIZE];
    make_token(&dir, options, line);
    struct scene scene = scene_open("[sequence:default]\n[sequence:inv-a]\n", line);
    (void)snprintf(whole, sizeof whole, "-t %s %s", file.path, command);
    seqctl_expect(scene.stage.port, whole, status, NULL, err);
    scene_close(&scene);
    dir_remove(&dir);
}

/* What `token new` prints is what the server reads. */
static void test_seqctl_tokens_open_what_they_say(void **state)
{
    (void)state;
    try_token("--scope admin", "create x", 0, "'x' is created.\n");
    try_token("--scope admin --expires 1h", "drop default", 0, NULL);
    try_token("--scope issue", "create x", 6, "wider scope");
    try_token("--scope read,admin --names inv-*", "alter inv-a --max-gap 5", 0, NULL);
    try_token("--scope read,admin --names inv-*", "alter default --max-gap 5", 6,
              "another pattern of names");
}

static void test_seqctl_is_told_to_bring_a_token(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    seqctl_expect(scene.stage.port, "drop default", 6, "", "give a token with -t FILE");
    char url[64];
    (void)snprintf(url, sizeof url, "SEQD_URL=http://127.0.0.1:%u", (unsigned)scene.stage.port);
    const char *const environment[] = {
        url, "SEQD_TOKEN=seqd_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", NULL};
    seqctl_expect_with(environment, "drop default", 6, "", "token");
    seqctl_expect(scene.stage.port, "next default", 0, "1\n", NULL);
    expect_shown(&scene, "status --json", "\"refusals\":\"2\"");
    scene_close(&scene);
}

static void test_seqctl_waits_for_no_server_that_stopped(void **state)
{
    (void)state;
    struct scene scene = scene_open("[sequence:default]\n", "");
    expect(&scene, "status", 0, NULL, NULL);
    stage_stop(&scene.stage);
    expect(&scene, "status", 3, "", "no server answers at /");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_creates_what_it_is_told),
        cmocka_unit_test(test_seqctl_creates_once_and_tells_a_conflict),
        cmocka_unit_test(test_seqctl_creates_timestamp_sequences),
        cmocka_unit_test(test_seqctl_alters_what_may_be_altered),
        cmocka_unit_test(test_seqctl_advances_and_goes_back_only_by_force),
        cmocka_unit_test(test_seqctl_drops_and_the_numbers_never_come_again),
        cmocka_unit_test(test_seqctl_lists_all_pages_in_order),
        cmocka_unit_test(test_seqctl_tokens_open_what_they_say),
        cmocka_unit_test(test_seqctl_is_told_to_bring_a_token),
        cmocka_unit_test(test_seqctl_waits_for_no_server_that_stopped),
    };
    return cmocka_run_group_tests_name("seqctl_admin", tests, NULL, NULL);
}
