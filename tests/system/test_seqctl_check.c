/* `seqctl check`: what it says of the real daemon over every protocol, through SIGKILL and
 * restarts, and that it finds a server that lies. */
#include "http_client.h"
#include "liar.h"
#include "parrot.h"
#include "seqctl.h"
#include "stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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
#include <unistd.h>

#include <cmocka.h>

#define LIVES 4
#define ENOUGH 200 /* numbers of a life before it ends */

/* The digits of a member of a line of JSON. */
static uint64_t member(const char *json, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(json, key);
    if (at == NULL) {
        fail_msg("there is no \"%s\" in %s", name, json);
        abort();
    }
    return strtoull(at + strlen(key), NULL, 10);
}

/* ---- a daemon that comes back where it was ---- */

/* A port that nobody else is given meanwhile: bound, and not listened on. */
struct held {
    int socket;
    uint16_t port;
};

static struct held hold_port(void)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct held held = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(held.socket >= 0);
    assert_int_equal(setsockopt(held.socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(held.socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(held.socket, (struct sockaddr *)&address, &size), 0);
    held.port = ntohs(address.sin_port);
    return held;
}

struct scene {
    struct dir folder; /* configuration, socket and data */
    struct held http;
    struct held grpc;
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
        .folder = dir_make(), .http = hold_port(), .grpc = hold_port(), .has_grpc = true};
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
    (void)close(scene->http.socket);
    (void)close(scene->grpc.socket);
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
        (void)snprintf(grpc, sizeof grpc, " --grpc http://127.0.0.1:%u",
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
    uint64_t count = member(answer.body, "issued");
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
    assert_int_equal(member(run.out, "attempted"), 500);
    assert_int_equal(member(run.out, "ok"), 500);
    assert_int_equal(member(run.out, "fail"), 0);
    assert_int_equal(member(run.out, "info"), 0);
    assert_int_equal(member(run.out, "numbers"), 3500);
    assert_int_equal(member(run.out, "lowest"), 1);
    assert_int_equal(member(run.out, "highest"), 3500);
    assert_int_equal(member(run.out, "duplicated"), 0);
    assert_int_equal(member(run.out, "disordered"), 0);
    assert_int_equal(member(run.out, "inexact"), 0);
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
    assert_int_equal(member(run.out, "numbers"), 600);
    seqctl_free(&run);
    run = check(&scene, "events -c 2 --requests 20");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\ngaps are not counted: a timestamp "));
    assert_null(strstr(run.out, "never seen between"));
    seqctl_free(&run);
    close_scene(&scene);
}

static void test_seqctl_check_tells_what_others_took(void **state)
{
    (void)state;
    struct liar_options options = {.first = 1, .fault = LIAR_SKIPS, .every = 10};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), "check -c 4 --requests 400 --json");
    assert_int_equal(run.status, 0);
    uint64_t gaps = member(run.out, "others");
    assert_in_range(gaps, 30, 50); /* and the number that the question for the kind took */
    assert_int_equal(member(strstr(run.out, "\"gaps\""), "numbers"), gaps);
    assert_int_equal(member(run.out, "unknown"), 0);
    assert_non_null(strstr(run.out, "\"kind\":null"));
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
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
    assert_int_equal(member(run.out, "duplicated"), 0);
    assert_int_equal(member(run.out, "disordered"), 0);
    assert_int_equal(member(run.out, "inexact"), 0);
    assert_true(member(run.out, "outages") > 0);
    uint64_t ok = member(run.out, "ok");
    uint64_t unknown = member(run.out, "info");
    assert_true(ok >= (uint64_t)LIVES * ENOUGH / 2);
    assert_int_equal(member(run.out, "attempted"), ok + member(run.out, "fail") + unknown);
    assert_int_equal(member(run.out, "numbers"), ok);
    /* Every number is accounted for: received, or in a gap. */
    assert_int_equal(member(run.out, "highest") - member(run.out, "lowest") + 1,
                     ok + member(strstr(run.out, "\"gaps\""), "numbers"));
    assert_true(member(run.out, "unknown") <= unknown);
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
    assert_true(member(run.out, "duplicated") > ENOUGH / 2);
    assert_true(member(run.out, "disordered") > 0);
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

/* ---- what is wrong ---- */

static void expect(enum liar_fault fault, const char *line, int status, const char *out,
                   const char *err)
{
    struct liar_options options = {.first = 1, .fault = fault, .every = 2 * LIAR_HOLD};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), line);
    bool good = run.status == status && strstr(run.out, out) != NULL &&
                (err == NULL || strstr(run.err, err) != NULL);
    if (!good) {
        fail_msg("fault %d: seqctl %s ends with %d, not %d with '%s' and '%s'\n%s%s", (int)fault,
                 line, run.status, status, out, err != NULL ? err : "", run.out, run.err);
    }
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
}

static void test_seqctl_check_finds_a_server_that_lies(void **state)
{
    (void)state;
    expect(LIAR_NONE, "check -c 4 --requests 2000", 0, "\nduplicated      0 ", NULL);
    expect(LIAR_REPEATS, "check -c 4 --requests 2000", 1, "\nduplicated: ", "numbers duplicated");
    expect(LIAR_HOLDS, "check -c 4 --requests 2000", 1, "\ndisordered: ", "0 numbers duplicated");
    expect(LIAR_SHORTENS, "check -c 2 --requests 300 -n 5", 1, "\ninexact: asked for 5, got 4 ",
           "this server breaks its promise");
    expect(LIAR_SPREADS, "check -c 1 --requests 100 -n 5", 1, "\ninexact: asked for 5, got 5 from",
           "1 inexact");
}

/* Who told lies is named: both requests, with their times and connections. */
static void test_seqctl_check_names_both_requests(void **state)
{
    (void)state;
    struct liar_options options = {.first = 1, .fault = LIAR_REPEATS, .every = 50};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), "check -c 1 --requests 60");
    assert_int_equal(run.status, 1);
    const char *at = strstr(run.out, "\nduplicated: ");
    assert_non_null(at);
    assert_non_null(strstr(at, " s, connection 0, http://127.0.0.1:"));
    seqctl_free(&run);
    run = seqctl_run(liar_port(liar), "check -c 1 --requests 60 --json");
    assert_int_equal(run.status, 1);
    at = strstr(run.out, "\"violations\":[{\"kind\":\"duplicated\"");
    assert_non_null(at);
    const char *earlier = strstr(at, "\"earlier\":{");
    const char *later = strstr(at, "\"later\":{");
    assert_true(earlier != NULL && later != NULL);
    assert_int_equal(member(earlier, "first"), member(at, "number"));
    assert_int_equal(member(later, "first"), member(at, "number"));
    assert_true(member(earlier, "sent_ns") < member(earlier, "received_ns"));
    assert_true(member(earlier, "received_ns") < member(later, "sent_ns"));
    assert_int_equal(member(later, "connection"), 0);
    assert_non_null(strstr(later, "\"way\":\"http://127.0.0.1:"));
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
}

/* What is not known is not held against the server, and what cannot be checked is no verdict. */
static void test_seqctl_check_tells_doubt_from_guilt(void **state)
{
    (void)state;
    expect(LIAR_CUTS, "check -c 4 --requests 400 --through-restarts --json", 0, "\"info\":\"6\"",
           NULL);
    expect(LIAR_CUTS, "check -c 4 --requests 400", 3, "\n  info ", "broke before a whole answer");
    expect(LIAR_REFUSES, "check -c 4 --requests 400 --through-restarts --json", 0, "\"info\":\"6\"",
           NULL); /* a proxy's 503: what lies behind it may have taken a number */
    expect(LIAR_STAMMERS, "check -c 4 --requests 400", 3, "\n  info ", "is no seqd");
    expect(LIAR_FALLS_SILENT, "check -c 4 --requests 400 --timeout 1", 3, "\n  info ",
           "no whole answer within");
}

/* A 503 of a seqd took no number: it is a failure, and asked again. */
static void test_seqctl_check_waits_out_a_server_that_is_not_ready(void **state)
{
    (void)state;
    struct parrot *parrot = parrot_start(
        NULL,
        PARROT_JSON("200 OK", "{\"first\":\"5\",\"last\":\"5\",\"count\":1,\"increment\":\"1\"}")
            PARROT_THEN PARROT_JSON("200 OK", "{}")
                PARROT_THEN PARROT_HEAD("503 No", "application/problem+json") PARROT_BODY
        "{\"type\":\"/problems/no-lease\",\"detail\":\"D\"}");
    struct seqctl_run run = seqctl_run(parrot_port(parrot), "check -c 1 --requests 5 --json");
    assert_int_equal(run.status, 0);
    assert_int_equal(member(run.out, "attempted"), 5);
    assert_int_equal(member(run.out, "ok"), 1);
    assert_int_equal(member(run.out, "fail"), 4);
    assert_int_equal(member(run.out, "lowest"), 5);
    seqctl_free(&run);
    free(parrot_stop(parrot));
}

static void test_seqctl_check_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:short]\nmax = 500\n");
    seqctl_expect(stage.port, "check nope", 4, "", "there is no sequence 'nope'");
    seqctl_expect(stage.port, "check a/b", 2, "", "[A-Za-z0-9]");
    seqctl_expect(stage.port, "check -c 0", 2, "", "--connections is '0'");
    seqctl_expect(stage.port, "check -c 1025", 2, "", "from 1 to 1024");
    seqctl_expect(stage.port, "check --requests 0", 2, "", "--requests is '0'");
    seqctl_expect(stage.port, "check --requests 16777217", 2, "", "from 1 to 16777216");
    seqctl_expect(stage.port, "check -n 1000001", 2, "", "--count is '1000001'");
    seqctl_expect(stage.port, "check short -n 1000000", 3, "", "from 1 to 10000");
    seqctl_expect(stage.port, "check --also ftp://x", 2, "", "the URL is 'ftp://x'");
    seqctl_expect(stage.port, "check --grpc http://x,,", 2, "", "a URL has 1 to 511 bytes, not 0");
    seqctl_expect(stage.port,
                  "check --also unix:/a,unix:/b,unix:/c,unix:/d --grpc "
                  "http://a,http://b,http://c,http://d",
                  2, "", "there are more than 8 addresses");
    /* It ends where the numbers do, and says what it saw. */
    struct seqctl_run run = seqctl_run(stage.port, "check short -c 3 -d 3600");
    assert_int_equal(run.status, 5);
    assert_non_null(strstr(run.out, "\nrange 1 to 500\n"));
    assert_non_null(strstr(run.out, "\nevery number came once"));
    seqctl_free(&run);
    stage_stop(&stage);
    seqctl_expect(stage.port, "check --through-restarts", 3, "", "no server answers at");
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_check_accounts_for_every_number),
        cmocka_unit_test(test_seqctl_check_knows_timestamps),
        cmocka_unit_test(test_seqctl_check_tells_what_others_took),
        cmocka_unit_test(test_seqctl_check_goes_through_kills),
        cmocka_unit_test(test_seqctl_check_finds_a_repeat_across_a_restart),
        cmocka_unit_test(test_seqctl_check_ends_where_the_server_goes_away),
        cmocka_unit_test(test_seqctl_check_finds_a_server_that_lies),
        cmocka_unit_test(test_seqctl_check_names_both_requests),
        cmocka_unit_test(test_seqctl_check_tells_doubt_from_guilt),
        cmocka_unit_test(test_seqctl_check_waits_out_a_server_that_is_not_ready),
        cmocka_unit_test(test_seqctl_check_refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests_name("seqctl_check", tests, NULL, NULL);
}
