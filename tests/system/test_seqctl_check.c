/* `seqctl check`: what it says of the real daemon over every protocol, through SIGKILL and
 * restarts. */
#include "certificate.h"
#include "held_port.h"
#include "http_client.h"
#include "seqctl.h"
#include "stage.h"
#include "token.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIVES 4
#define ENOUGH 200 /* numbers of a life before it ends */

/* ---- a daemon that comes back where it was ---- */

struct scene {
    struct dir folder; /* configuration, socket and data */
    struct held_port http;
    struct held_port grpc;
    unsigned life; /* of the data */
    bool has_grpc;
    struct daemon *daemon;
};

/* Start a life; with `fresh` on data that know of no other. False: it does not listen. */
static bool start_life(struct scene *scene, bool fresh)
{
    char port[16];
    char data[16];
    struct dir file = dir_entry(&scene->folder, "seqd.conf");
    scene->life += fresh ? 1 : 0;
    (void)snprintf(port, sizeof port, "%u", (unsigned)scene->http.port);
    (void)snprintf(data, sizeof data, "data%u", scene->life);
    struct dir directory = dir_entry(&scene->folder, data);
    assert_true(!fresh || mkdir(directory.path, 0700) == 0);
    const char *const arguments[] = {"-c", file.path, "-d", directory.path, "-p", port, NULL};
    scene->daemon = daemon_spawn(arguments, NULL);
    return daemon_listens(scene->daemon);
}

static void end_life(struct scene *scene)
{
    daemon_kill(scene->daemon);
    daemon_free(scene->daemon);
    scene->daemon = NULL;
}

static void configure(struct scene *scene, const char *sequences)
{
    char text[1024];
    char grpc[64] = "";
    if (scene->has_grpc) {
        (void)snprintf(grpc, sizeof grpc, "[grpc]\nlisten = 127.0.0.1:%u\n",
                       (unsigned)scene->grpc.port);
    }
    (void)snprintf(text, sizeof text, "[http]\nsocket = %.300s/socket\n%s%s", scene->folder.path,
                   grpc, sequences);
    dir_write(&scene->folder, "seqd.conf", text, strlen(text));
}

static struct scene open_scene(const char *sequences)
{
    struct scene scene = {
        .folder = dir_make(), .http = held_port_take(), .grpc = held_port_take(), .has_grpc = true};
    configure(&scene, sequences);
    if (!start_life(&scene, true)) {
        assert_non_null(strstr(daemon_stderr(scene.daemon), "without gRPC"));
        daemon_free(scene.daemon);
        fputs("SKIPPED: gRPC, for this seqd was built without it\n", stderr);
        scene.has_grpc = false;
        configure(&scene, sequences);
        assert_true(start_life(&scene, true));
    }
    return scene;
}

static void close_scene(struct scene *scene)
{
    daemon_free(scene->daemon);
    dir_remove(&scene->folder);
    held_port_free(&scene->http);
    held_port_free(&scene->grpc);
}

/* The environment and the command line of a check over everything that the daemon speaks. */
struct call {
    char url[64];
    const char *environment[2];
    char line[1024];
};

static void prepare(const struct scene *scene, const char *line, struct call *call)
{
    char grpc[64] = "";
    (void)snprintf(call->url, sizeof call->url, "SEQD_URL=http://127.0.0.1:%u",
                   (unsigned)scene->http.port);
    call->environment[0] = call->url;
    call->environment[1] = NULL;
    if (scene->has_grpc) {
        (void)snprintf(grpc, sizeof grpc, " --grpc grpc://127.0.0.1:%u",
                       (unsigned)scene->grpc.port);
    }
    (void)snprintf(call->line, sizeof call->line, "check %s --also unix:%.300s/socket%s", line,
                   scene->folder.path, grpc);
}

static struct seqctl_run check(const struct scene *scene, const char *line)
{
    struct call call;
    prepare(scene, line, &call);
    return seqctl_run_with(call.environment, call.line);
}

/* Numbers that this life has issued. */
static uint64_t issued(const struct scene *scene)
{
    struct http_answer answer = http_ask(scene->http.port, "GET", "/v1/sequences/default", "");
    assert_int_equal(answer.status, 200);
    uint64_t count = seqctl_member(answer.body, "issued");
    http_answer_free(&answer);
    return count;
}

static void await_numbers(const struct scene *scene, uint64_t count)
{
    for (unsigned ms = 0; issued(scene) < count; ms += 5) {
        assert_true(ms < DAEMON_TIMEOUT_MS);
        (void)poll(NULL, 0, 5); /* asked again at once, it would be in the way */
    }
}

/* ---- what is right ---- */

static void test_seqctl_check_accounts_for_every_number(void **state)
{
    (void)state;
    struct scene scene =
        open_scene("[sequence:default]\n[sequence:down]\nstart = 100000\nincrement = -10\n");
    struct seqctl_run run = check(&scene, "-c 10 -n 7 --requests 500 --json");
    assert_int_equal(run.status, 0);
    assert_int_equal(seqctl_member(run.out, "attempted"), 500);
    assert_int_equal(seqctl_member(run.out, "ok"), 500);
    assert_int_equal(seqctl_member(run.out, "fail"), 0);
    assert_int_equal(seqctl_member(run.out, "info"), 0);
    assert_int_equal(seqctl_member(run.out, "numbers"), 3500);
    assert_int_equal(seqctl_member(run.out, "lowest"), 1);
    assert_int_equal(seqctl_member(run.out, "highest"), 3500);
    assert_int_equal(seqctl_member(run.out, "duplicated"), 0);
    assert_int_equal(seqctl_member(run.out, "disordered"), 0);
    assert_int_equal(seqctl_member(run.out, "inexact"), 0);
    assert_non_null(strstr(run.out, "\"gaps\":{\"numbers\":\"0\","));
    assert_non_null(strstr(run.out, "\"kind\":\"counter\""));
    assert_non_null(strstr(run.out, "/socket (text)\""));
    assert_true(!scene.has_grpc || strstr(run.out, "(grpc)\"") != NULL);
    assert_non_null(strstr(run.out, "\"violations\":[],\"valid\":true}\n"));
    assert_int_equal(issued(&scene), 3500);
    seqctl_free(&run);

    run = check(&scene, "down -c 10 --requests 200 -n 3");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "sequence down, counter, increment -10, "));
    assert_non_null(strstr(run.out, "\nrange 100000 to 94010\n"));
    assert_non_null(strstr(run.out, "\nevery number came once, in the order of real time, and as "
                                    "it was asked for\n"));
    seqctl_free(&run);
    close_scene(&scene);
}

/* A timestamp leaves numbers with every moment that passes, so nothing is said of gaps. */
static void test_seqctl_check_knows_timestamps(void **state)
{
    (void)state;
    struct scene scene = open_scene("[sequence:events]\nkind = timestamp\n");
    struct seqctl_run run = check(&scene, "events -c 10 --requests 300 -n 2 --json");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\"kind\":\"timestamp\""));
    assert_non_null(strstr(run.out, "\"gaps\":null"));
    assert_int_equal(seqctl_member(run.out, "numbers"), 600);
    seqctl_free(&run);
    run = check(&scene, "events -c 2 --requests 20");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\ngaps are not counted: a timestamp "));
    assert_null(strstr(run.out, "never seen between"));
    seqctl_free(&run);
    close_scene(&scene);
}

/* One connection for each protocol, and far more calls than a server takes resets of. */
static void test_seqctl_check_keeps_its_connections(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    struct seqctl_run run = check(&scene, "-c 5 --requests 12000 --json");
    assert_int_equal(run.status, 0);
    assert_int_equal(seqctl_member(run.out, "ok"), 12000);
    assert_int_equal(seqctl_member(run.out, "highest"), 12000);
    seqctl_free(&run);
    close_scene(&scene);
}

/* The port behind `scheme` in what a daemon said; 0 when it is not there. */
static unsigned port_behind(struct daemon *daemon, const char *scheme)
{
    const char *at = strstr(daemon_stdout(daemon), scheme);
    return at != NULL ? (unsigned)strtoul(at + strlen(scheme), NULL, 10) : 0;
}

static void test_seqctl_check_has_a_token_and_trusts_a_certificate(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    char text[2048];
    char line[1024];
    char url[64];
    const char *folder = scene.folder.path;
    end_life(&scene);
    certificate_write(&scene.folder, "tls", NULL);
    dir_write(&scene.folder, "tokens", TOKEN_A_HASH " issue *\n",
              strlen(TOKEN_A_HASH " issue *\n"));
    dir_write(&scene.folder, "token", TOKEN_A "\n", strlen(TOKEN_A "\n"));
    int length =
        snprintf(text, sizeof text,
                 "[http]\nlisten = 127.0.0.1:0\ntls = all\nissue_without_token = never\n"
                 "tls_certificate = %.200s/tls.pem\ntls_key = %.200s/tls.key\n"
                 "tokens = %.200s/tokens\n%s",
                 folder, folder, folder, scene.has_grpc ? "[grpc]\nlisten = 127.0.0.1:0\n" : "");
    dir_write(&scene.folder, "tls.conf", text, (size_t)length);
    struct dir file = dir_entry(&scene.folder, "tls.conf");
    struct dir data = dir_entry(&scene.folder, "data1");
    scene.daemon =
        daemon_spawn((const char *const[]){"-c", file.path, "-d", data.path, NULL}, NULL);
    assert_true(daemon_says(scene.daemon, "serves 1 sequence", 1, DAEMON_TIMEOUT_MS));
    (void)snprintf(url, sizeof url, "SEQD_URL=https://127.0.0.1:%u",
                   port_behind(scene.daemon, "https://127.0.0.1:"));
    const char *const environment[] = {url, NULL};
    length = snprintf(line, sizeof line, "check -c 6 --requests 300 --ca %.200s/tls.pem", folder);
    if (scene.has_grpc) {
        length +=
            snprintf(line + length, sizeof line - (size_t)length, " --grpc grpcs://127.0.0.1:%u",
                     port_behind(scene.daemon, "grpcs://127.0.0.1:"));
    }
    seqctl_expect_with(environment, line, 6, "", "this takes a token with scope 'issue'");
    (void)snprintf(line + length, sizeof line - (size_t)length, " --json -t %.200s/token", folder);
    struct seqctl_run run = seqctl_run_with(environment, line);
    assert_int_equal(run.status, 0);
    assert_int_equal(seqctl_member(run.out, "ok"), 300);
    assert_non_null(strstr(run.out, "\"gaps\":{\"numbers\":\"0\""));
    seqctl_free(&run);
    close_scene(&scene);
}

/* ---- through restarts ---- */

static void test_seqctl_check_goes_through_kills(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    struct call call;
    prepare(&scene, "-c 10 -d 3600 --through-restarts --json", &call);
    struct daemon *process = seqctl_start(call.environment, call.line);
    for (unsigned i = 0; i < LIVES; i++) {
        await_numbers(&scene, ENOUGH);
        end_life(&scene);
        assert_true(start_life(&scene, false));
    }
    await_numbers(&scene, ENOUGH);
    daemon_signal(process, SIGINT);
    struct seqctl_run run = seqctl_end(process);
    assert_int_equal(run.status, 0);
    assert_int_equal(seqctl_member(run.out, "duplicated"), 0);
    assert_int_equal(seqctl_member(run.out, "disordered"), 0);
    assert_int_equal(seqctl_member(run.out, "inexact"), 0);
    assert_true(seqctl_member(run.out, "outages") > 0);
    uint64_t ok = seqctl_member(run.out, "ok");
    uint64_t unknown = seqctl_member(run.out, "info");
    assert_true(ok >= (uint64_t)LIVES * ENOUGH / 2);
    assert_int_equal(seqctl_member(run.out, "attempted"),
                     ok + seqctl_member(run.out, "fail") + unknown);
    assert_int_equal(seqctl_member(run.out, "numbers"), ok);
    /* Every number is accounted for: received, or in a gap. */
    assert_int_equal(seqctl_member(run.out, "highest") - seqctl_member(run.out, "lowest") + 1,
                     ok + seqctl_member(strstr(run.out, "\"gaps\""), "numbers"));
    assert_true(seqctl_member(run.out, "unknown") <= unknown);
    seqctl_free(&run);
    close_scene(&scene);
}

/* A restart that every connection sleeps through: each finds that it was closed before it asks. */
static void test_seqctl_check_goes_on_after_a_restart_that_it_slept_through(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    struct call call;
    prepare(&scene, "-c 10 -d 3600 --through-restarts --json", &call);
    struct daemon *process = seqctl_start(call.environment, call.line);
    for (unsigned i = 0; i < LIVES; i++) {
        await_numbers(&scene, ENOUGH);
        daemon_signal(process, SIGSTOP);
        uint64_t before = 0; /* what is on its way is answered, as far as it was sent whole */
        for (uint64_t now = issued(&scene); now != before; now = issued(&scene)) {
            before = now;
        }
        end_life(&scene);
        assert_true(start_life(&scene, false));
        daemon_signal(process, SIGCONT);
    }
    await_numbers(&scene, ENOUGH);
    daemon_signal(process, SIGINT);
    struct seqctl_run run = seqctl_end(process);
    assert_int_equal(run.status, 0);
    assert_int_equal(seqctl_member(run.out, "duplicated"), 0);
    assert_int_equal(seqctl_member(run.out, "disordered"), 0);
    seqctl_free(&run);
    close_scene(&scene);
}

/* A server that forgets what it gave out: its second life begins at 1 again. */
static void test_seqctl_check_finds_a_repeat_across_a_restart(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    struct call call;
    prepare(&scene, "-c 10 -d 3600 --through-restarts --json", &call);
    struct daemon *process = seqctl_start(call.environment, call.line);
    await_numbers(&scene, ENOUGH);
    end_life(&scene);
    assert_true(start_life(&scene, true));
    await_numbers(&scene, ENOUGH);
    daemon_signal(process, SIGINT);
    struct seqctl_run run = seqctl_end(process);
    assert_int_equal(run.status, 1);
    assert_true(seqctl_member(run.out, "duplicated") > ENOUGH / 2);
    assert_true(seqctl_member(run.out, "disordered") > 0);
    assert_non_null(strstr(run.out, "\"kind\":\"duplicated\",\"number\":\""));
    assert_non_null(strstr(run.out, "\"valid\":false"));
    assert_non_null(strstr(run.err, "this server breaks its promise"));
    seqctl_free(&run);
    close_scene(&scene);
}

static void test_seqctl_check_ends_where_the_server_goes_away(void **state)
{
    (void)state;
    struct scene scene = open_scene("");
    struct call call;
    prepare(&scene, "-c 10 -d 3600", &call);
    struct daemon *process = seqctl_start(call.environment, call.line);
    await_numbers(&scene, ENOUGH);
    end_life(&scene);
    struct seqctl_run run = seqctl_end(process);
    assert_int_equal(run.status, 3);
    assert_non_null(strstr(run.out, "\noutages "));
    assert_non_null(strstr(run.out, "\nevery number came once")); /* as far as it went */
    seqctl_free(&run);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_check_accounts_for_every_number),
        cmocka_unit_test(test_seqctl_check_knows_timestamps),
        cmocka_unit_test(test_seqctl_check_keeps_its_connections),
        cmocka_unit_test(test_seqctl_check_has_a_token_and_trusts_a_certificate),
        cmocka_unit_test(test_seqctl_check_goes_through_kills),
        cmocka_unit_test(test_seqctl_check_goes_on_after_a_restart_that_it_slept_through),
        cmocka_unit_test(test_seqctl_check_finds_a_repeat_across_a_restart),
        cmocka_unit_test(test_seqctl_check_ends_where_the_server_goes_away),
    };
    return cmocka_run_group_tests_name("seqctl_check", tests, NULL, NULL);
}
