/* seqctl where there is no server, or one that is none: it says so, and never prints what is no
 * number. */
#include "base/definition.h"
#include "dir.h"
#include "held_port.h"
#include "parrot.h"
#include "seqctl.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PROBLEM(status, type, more) \
    PARROT_HEAD(status, "application/problem+json") \
    more PARROT_BODY "{\"type\":\"/problems/" type "\",\"title\":\"T\",\"detail\":\"D\"}\n"

/* Let seqctl talk to a parrot; what the parrot heard, to be freed. */
static char *try(const char *answer, const char *line, int status, const char *out, const char *err)
{
    struct parrot *parrot = parrot_start(NULL, answer);
    seqctl_expect(parrot_port(parrot), line, status, out, err);
    return parrot_stop(parrot);
}

static void expect(const char *answer, const char *line, int status, const char *out,
                   const char *err)
{
    free(try(answer, line, status, out, err));
}

/* ---- nobody there ---- */

static void test_seqctl_names_the_address_where_nobody_answers(void **state)
{
    (void)state;
    struct held_port nobody = held_port_take();
    uint16_t port = nobody.port;
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted,
                   "no server answers at http://127.0.0.1:%u: Connection refused; start one "
                   "('systemctl start seqd'",
                   (unsigned)port);
    seqctl_expect(port, "next default", 3, "", wanted);
    seqctl_expect(port, "status --json", 3, "", wanted);
    seqctl_expect(port, "-s /nowhere/seqd.sock status", 3, "",
                  "no server answers at /nowhere/seqd.sock: No such file or directory; start one");
    held_port_free(&nobody);
}

/* Root may use every socket, so it lets a copy of seqctl, which anybody may run, run as somebody
 * else. */
static void test_seqctl_names_the_group_of_a_socket_that_it_may_not_use(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir path = dir_entry(&dir, "seqd.sock");
    struct parrot *parrot = parrot_start(path.path, "");
    char command[4 * DIR_PATH_SIZE];
    char wanted[128];
    char said[1024];
    struct stat status;
    assert_int_equal(chmod(dir.path, 0755), 0);
    assert_int_equal(chmod(path.path, 0), 0);
    assert_int_equal(stat(path.path, &status), 0);
    const struct group *group = getgrgid(status.st_gid);
    assert_non_null(group);
    (void)snprintf(command, sizeof command,
                   "cp \"$SEQCTL\" %s/seqctl && %s %s/seqctl -s %s status 2>&1; echo status $?",
                   dir.path, geteuid() == 0 ? "setpriv --reuid=65534 --clear-groups" : "", dir.path,
                   path.path);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    said[fread(said, 1, sizeof said - 1, shell)] = '\0';
    assert_int_equal(pclose(shell), 0);
    (void)snprintf(wanted, sizeof wanted, "its group is '%s'; run this by sudo", group->gr_name);
    assert_non_null(strstr(said, wanted));
    assert_non_null(strstr(said, "\nstatus 3\n"));
    free(parrot_stop(parrot));
    dir_remove(&dir);
}

static void test_seqctl_waits_no_longer_than_it_was_told(void **state)
{
    (void)state;
    expect(NULL, "next default --timeout 1", 3, "", "gave no whole answer within 1 s");
}

/* What may have been done differs: numbers are lost, a change is made or not. */
static void test_seqctl_says_what_an_answer_that_broke_off_leaves(void **state)
{
    (void)state;
    static const struct {
        const char *line, *err;
    } cases[] = {
        {"next orders", "whole answer (Empty reply from server); numbers that it may have taken "
                        "are lost and never come twice\n"},
        {"drop orders", "whole answer (Empty reply from server); whether the change was made is "
                        "not known, asking again finds out\n"},
        {"advance orders 5", "whether the change was made is not known"},
        {"create orders", "whether the change was made is not known"},
        {"show orders", "whole answer (Empty reply from server)\n"},
        {"list", "whole answer (Empty reply from server)\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect("", cases[i].line, 3, "", cases[i].err);
    }
}

/* ---- somebody else there ---- */

static void test_seqctl_takes_no_garbage_for_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
        const char *err;
    } cases[] = {
        {"", 3, "broke before a whole answer"},
        {"SSH-2.0-OpenSSH_9.2\r\n", 1, "is no seqd"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1\n", 3, "broke before a whole answer"},
        {PARROT_TEXT(""), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("1"), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("1\n2\n"), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("1.5\n"), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("9223372036854775808\n"), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("<html>\n"), 1, "does not answer as a seqd would"},
        {PARROT_TEXT("\n"), 1, "does not answer as a seqd would"},
        {PARROT_HEAD("302 Found", "text/html") "Location: http://127.0.0.1:1/\r\n" PARROT_BODY, 1,
         "answers 302, and not as a seqd would"},
        {PARROT_HEAD("404 Not Found", "text/html") PARROT_BODY "<html>\n", 1,
         "answers 404, and not as a seqd would"},
        {PARROT_HEAD("503 Busy", "application/problem+json") PARROT_BODY "{\"type\":", 1,
         "answers 503, and not as a seqd would"},
        {PARROT_HEAD("503 Busy", "application/problem+json") PARROT_BODY "{\"type\":5}", 1,
         "answers 503, and not as a seqd would"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(cases[i].answer, "next default", cases[i].status, "", cases[i].err);
    }
    expect(PARROT_JSON("200 OK", "[]"), "next default --json", 1, "", "(no object)");
    expect(PARROT_JSON("200 OK", "{\"first\":1}"), "next default --json", 1, "",
           "does not answer as");
    expect(PARROT_JSON("200 OK", "{\"first\":\"1\",\"first\":\"2\"}"), "next default --json", 1, "",
           "duplicate");
    expect(PARROT_JSON("200 OK", "{"), "show default", 1, "", "does not answer as a seqd would");
    expect(PARROT_JSON("200 OK", "{\"name\":\"x\"}"), "show default", 1, "",
           "(a part of the answer is missing)");
    expect(PARROT_TEXT("ready\n"), "status", 1, "", "does not answer as a seqd would");
}

/* A server must not move the cursor of whoever asks it. */
static void test_seqctl_shows_no_control_bytes_of_others(void **state)
{
    (void)state;
    expect(PARROT_HEAD("409 Conflict", "application/problem+json") PARROT_BODY
           "{\"type\":\"/problems/x\",\"detail\":\"a\\u001b[2Jb\"}",
           "next default", 5, "", "seqctl: a?[2Jb\n");
}

/* A result that was not written must not look like one, in a script least of all. */
static void test_seqctl_fails_when_its_result_cannot_be_written(void **state)
{
    (void)state;
    char said[256];
    FILE *shell = popen("\"$SEQCTL\" help 2>&1 >/dev/full; echo \"status $?\"", "r");
    assert_non_null(shell);
    size_t length = fread(said, 1, sizeof said - 1, shell);
    said[length] = '\0';
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(said, "seqctl: cannot write the result: No space left on device\n"
                              "status 1\n");
}

/* ---- each status has its exit status ---- */

static void test_seqctl_has_an_exit_status_for_each_refusal(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
        const char *err;
    } cases[] = {
        {PROBLEM("400 Bad", "bad-count", ""), 1, "max_count of section [http]"},
        {PROBLEM("401 No", "unauthenticated", ""), 6, "give a token with -t FILE or $SEQD_TOKEN"},
        {PROBLEM("403 No", "forbidden", ""), 6, "wider scope"},
        {PROBLEM("404 No", "unknown-sequence", ""), 4, "'seqctl create NAME' makes"},
        {PROBLEM("404 No", "unknown-path", ""), 1, "older than this seqctl"},
        {PROBLEM("409 No", "exhausted", ""), 5, "'seqctl show NAME'"},
        {PROBLEM("409 No", "would-rewind", ""), 5, "--force"},
        {PROBLEM("409 No", "wrong-kind", ""), 5, "kind timestamp"},
        {PROBLEM("429 No", "too-many", "Retry-After: 7\r\n"), 7, "try again in 7 s"},
        {PROBLEM("500 No", "x", ""), 1, "seqctl: D\n"},
        {PROBLEM("503 No", "no-lease", "Retry-After: 1\r\n"), 7, "try again in 1 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(cases[i].answer, "next default", cases[i].status, "", cases[i].err);
        expect(cases[i].answer, "next default", cases[i].status, "", "seqctl: D\n");
    }
}

static void test_seqctl_status_is_7_where_the_server_is_not_ready(void **state)
{
    (void)state;
    static const char not_ready[] = PROBLEM("503 No", "not-ready", "")
        PARROT_THEN PARROT_TEXT("seqd_build_info{version=\"1\"} 1\nseqd_sequences 5\n");
    struct parrot *parrot = parrot_start(NULL, not_ready);
    struct seqctl_run text = seqctl_run(parrot_port(parrot), "status");
    assert_int_equal(text.status, 7);
    assert_non_null(strstr(text.out, "\nready             no: D\nsequences         5\n"));
    seqctl_free(&text);
    free(parrot_stop(parrot));
    parrot = parrot_start(NULL, not_ready);
    struct seqctl_run json = seqctl_run(parrot_port(parrot), "status --json");
    assert_int_equal(json.status, 7);
    assert_non_null(strstr(json.out, "\"ready\":false,\"reason\":\"D\",\"sequences\":\"5\""));
    seqctl_free(&json);
    free(parrot_stop(parrot));
    /* Where the metrics are refused, too, that is told. */
    expect(PROBLEM("503 No", "not-ready", ""), "status", 7, "", "seqctl: D\n");
}

/* ---- what it says ---- */

static void test_seqctl_sends_the_token_and_nothing_that_was_not_asked(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir path = dir_entry(&dir, "token");
    char line[DIR_PATH_SIZE + 64];
    dir_write(&dir, "token", "seqd_abc\n", 9);
    (void)snprintf(line, sizeof line, "next orders 3 -t %s", path.path);
    char *heard = try(PARROT_TEXT("1\n2\n3\n"), line, 0, "1\n2\n3\n", NULL);
    assert_true(strncmp(heard, "POST /v1/sequences/orders/next?count=3 HTTP/1.1\r\n", 49) == 0);
    assert_non_null(strstr(heard, "\r\nAuthorization: Bearer seqd_abc\r\n"));
    assert_non_null(strstr(heard, "\r\nAccept: text/plain\r\n"));
    assert_non_null(strstr(heard, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(heard, "Expect:"));
    free(heard);
    heard = try(PARROT_TEXT("1\n"), "next orders", 0, "1\n", NULL);
    assert_null(strstr(heard, "Authorization"));
    free(heard);
    dir_write(&dir, "token", "a b\n", 4);
    seqctl_expect(1, line, 2, "", "holds no token");
    dir_write(&dir, "token", "\n", 1);
    seqctl_expect(1, line, 2, "", "holds 0 bytes");
    dir_remove(&dir);
}

static void test_seqctl_takes_server_and_token_from_the_environment(void **state)
{
    (void)state;
    struct parrot *parrot = parrot_start(NULL, PARROT_TEXT("1\n"));
    char url[64];
    (void)snprintf(url, sizeof url, "SEQD_URL=http://localhost:%u//",
                   (unsigned)parrot_port(parrot));
    const char *const environment[] = {url, "SEQD_TOKEN=seqd_xyz", "http_proxy=http://127.0.0.1:1",
                                       NULL};
    seqctl_expect_with(environment, "next orders", 0, "1\n", NULL);
    const char *const bad_url[] = {"SEQD_URL=localhost", NULL};
    seqctl_expect_with(bad_url, "next orders", 2, "", "$SEQD_URL: the URL is 'localhost'");
    const char *const bad_token[] = {url, "SEQD_TOKEN=a\nb", NULL};
    seqctl_expect_with(bad_token, "next orders", 2, "", "$SEQD_TOKEN holds no token");
    char *heard = parrot_stop(parrot);
    assert_non_null(strstr(heard, "POST /v1/sequences/orders/next?count=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(heard, "\r\nAuthorization: Bearer seqd_xyz\r\n"));
    free(heard);
}

static void test_seqctl_talks_over_a_unix_socket(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir path = dir_entry(&dir, "seqd.sock");
    char line[DIR_PATH_SIZE + 32];
    struct parrot *parrot = parrot_start(path.path, PARROT_TEXT("9223372036854775807\n"));
    (void)snprintf(line, sizeof line, "-s %s next orders", path.path);
    seqctl_expect(1, line, 0, "9223372036854775807\n", NULL);
    free(parrot_stop(parrot));
    seqctl_expect(1, line, 3, "", "Connection refused; start one");
    dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_names_the_address_where_nobody_answers),
        cmocka_unit_test(test_seqctl_names_the_group_of_a_socket_that_it_may_not_use),
        cmocka_unit_test(test_seqctl_waits_no_longer_than_it_was_told),
        cmocka_unit_test(test_seqctl_says_what_an_answer_that_broke_off_leaves),
        cmocka_unit_test(test_seqctl_takes_no_garbage_for_numbers),
        cmocka_unit_test(test_seqctl_shows_no_control_bytes_of_others),
        cmocka_unit_test(test_seqctl_fails_when_its_result_cannot_be_written),
        cmocka_unit_test(test_seqctl_has_an_exit_status_for_each_refusal),
        cmocka_unit_test(test_seqctl_status_is_7_where_the_server_is_not_ready),
        cmocka_unit_test(test_seqctl_sends_the_token_and_nothing_that_was_not_asked),
        cmocka_unit_test(test_seqctl_takes_server_and_token_from_the_environment),
        cmocka_unit_test(test_seqctl_talks_over_a_unix_socket),
    };
    return cmocka_run_group_tests_name("seqctl_trouble", tests, NULL, NULL);
}
