/* seqctl against the real daemon: what it prints, and its exit statuses. */
#include "seqctl.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BIG \
    "[sequence:big]\nstart = 9223372036854775806\n" \
    "[sequence:js]\nstart = 9007199254740993\n"

/* ---- next ---- */

static void test_seqctl_next_prints_numbers_one_a_line(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    seqctl_expect(stage.port, "next default", 0, "1\n", NULL);
    seqctl_expect(stage.port, "next default 3", 0, "2\n3\n4\n", NULL);
    seqctl_expect(stage.port, "--timeout 30 next default", 0, "5\n", NULL);
    stage_close(&stage);
}

static void test_seqctl_next_as_json_is_the_server_s_block(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    seqctl_expect(stage.port, "next default 1000 --json", 0,
                  "{\"sequence\":\"default\",\"first\":\"1\",\"last\":\"1000\",\"count\":1000,"
                  "\"increment\":\"1\"}\n",
                  NULL);
    stage_close(&stage);
}

/* Neither 2^53+1 nor 2^63-1 survives a double. */
static void test_seqctl_next_keeps_every_digit(void **state)
{
    (void)state;
    struct stage stage = stage_open(BIG);
    seqctl_expect(stage.port, "next js 2", 0, "9007199254740993\n9007199254740994\n", NULL);
    seqctl_expect(stage.port, "next big 2", 0, "9223372036854775806\n9223372036854775807\n", NULL);
    struct seqctl_run run = seqctl_run(stage.port, "show js");
    assert_non_null(strstr(run.out, "next          9007199254740995\n"));
    seqctl_free(&run);
    stage_close(&stage);
}

static void test_seqctl_next_says_what_was_refused_and_what_to_do(void **state)
{
    (void)state;
    struct stage stage = stage_open(BIG);
    seqctl_expect(stage.port, "next nope", 4, "", "there is no sequence 'nope'");
    seqctl_expect(stage.port, "next nope", 4, "", "'seqctl list' shows what there is");
    seqctl_expect(stage.port, "next big 3", 5, "", "'seqctl show NAME' tells what is left");
    seqctl_expect(stage.port, "next js 10001", 1, "", "from 1 to 10000");
    seqctl_expect(stage.port, "next js", 0, "9007199254740993\n", NULL);
    stage_close(&stage);
}

static void test_seqctl_passes_a_problem_through_as_json(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    seqctl_expect(stage.port, "next nope --json", 4,
                  "{\"type\":\"/problems/unknown-sequence\",\"title\":\"No such sequence\","
                  "\"status\":404,\"detail\":\"there is no sequence 'nope'\"}\n",
                  "there is no sequence 'nope'");
    stage_close(&stage);
}

/* ---- usage: no server is asked ---- */

static void test_seqctl_refuses_what_is_wrong_without_asking(void **state)
{
    (void)state;
    static const struct {
        const char *line, *err;
    } cases[] = {
        {"", "no command is named; 'seqctl help' tells more"},
        {"nxt x", "there is no command 'nxt'"},
        {"next", "seqctl next NAME [COUNT]; 'seqctl help next' tells more"},
        {"next a b c", "'c' is one word too many"},
        {"next a/b", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"next .. 1", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"show -- --json", "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"},
        {"next a 0", "COUNT is '0'"},
        {"next a -1", "COUNT is '-1'"},
        {"next a 1e3", "COUNT is '1e3'"},
        {"next a 18446744073709551616", "COUNT is '18446744073709551616'"},
        {"next a --force", "'next' has no option '--force'"},
        {"status --timeout 0", "--timeout is '0'"},
        {"status -u ftp://x", "the URL is 'ftp://x'"},
        {"status -u http://", "the URL is 'http://'"},
        {"status -u http://x/?y", "the URL is 'http://x/?y'"},
        {"status -t /nowhere/token", "cannot read the token file '/nowhere/token'"},
        {"status -t /proc/self/status", "/proc/self/status holds"},
        {"help nxt", "there is no command 'nxt'"},
        {"token old", "seqctl token new"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seqctl_expect(1, cases[i].line, 2, "", cases[i].err);
    }
}

static void test_seqctl_helps_without_a_server(void **state)
{
    (void)state;
    static const char *const lines[] = {"help",      "--help",      "-h",
                                        "help next", "next --help", "show -h nonsense more",
                                        "token -h",  "--version",   "next -V"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct seqctl_run run = seqctl_run(1, lines[i]);
        assert_int_equal(run.status, 0);
        assert_true(strncmp(run.out, i < 7 ? "Usage: seqctl " : "seqctl 0.", i < 7 ? 14 : 9) == 0);
        assert_string_equal(run.err, "");
        seqctl_free(&run);
    }
}

/* ---- show ---- */

static void test_seqctl_show_prints_what_the_server_says(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:orders]\nstart = 1000\nmax_gap = 50\n");
    seqctl_expect(stage.port, "next orders 2", 0, "1000\n1001\n", NULL);
    struct seqctl_run text = seqctl_run(stage.port, "show orders");
    assert_int_equal(text.status, 0);
    assert_non_null(strstr(text.out, "name          orders\n"));
    assert_non_null(strstr(text.out, "max gap       50\n"));
    assert_non_null(strstr(text.out, "next          1002\n"));
    assert_non_null(strstr(text.out, "exhausted     no\n"));
    assert_non_null(strstr(text.out, "what a crash would lose now\n"));
    seqctl_free(&text);
    struct seqctl_run json = seqctl_run(stage.port, "show orders --json");
    assert_int_equal(json.status, 0);
    assert_true(strncmp(json.out, "{\"name\":\"orders\",", 17) == 0);
    assert_non_null(strstr(json.out, "\"next\":\"1002\""));
    seqctl_free(&json);
    seqctl_expect(stage.port, "show nope", 4, "", "there is no sequence 'nope'");
    stage_close(&stage);
}

/* ---- status ---- */

static void test_seqctl_status_adds_up_the_metrics(void **state)
{
    (void)state;
    struct stage stage = stage_open(BIG "[sequence:c]\n");
    seqctl_expect(stage.port, "next js 1000", 0, NULL, NULL);
    seqctl_expect(stage.port, "next c 234", 0, NULL, NULL);
    struct seqctl_run text = seqctl_run(stage.port, "status");
    assert_int_equal(text.status, 0);
    assert_non_null(strstr(text.out, "ready             yes\n"));
    assert_non_null(strstr(text.out, "sequences         3\n"));
    assert_non_null(strstr(text.out, "numbers issued    1,234 since the start\n"));
    seqctl_free(&text);
    struct seqctl_run json = seqctl_run(stage.port, "status --json");
    assert_int_equal(json.status, 0);
    assert_non_null(strstr(json.out, "\"ready\":true,\"reason\":null,\"sequences\":\"3\","
                                     "\"issued\":\"1234\""));
    seqctl_free(&json);
    stage_close(&stage);
}

/* ---- token ---- */

static void test_seqctl_token_new_prints_a_token_and_its_line(void **state)
{
    (void)state;
    struct seqctl_run run = seqctl_run(1, "token new --scope read,admin --names inv-* "
                                          "--expires 2099-01-01T00:00:00Z");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "    seqd_"));
    const char *line = strstr(run.out, "    sha256:");
    assert_non_null(line);
    assert_int_equal(strspn(line + 11, "0123456789abcdef"), 64);
    assert_string_equal(line + 11 + 64, " read,admin inv-* expires=2099-01-01T00:00:00Z\n");
    seqctl_free(&run);
}

/* The server reads UTC, to the second. */
static void test_seqctl_token_new_writes_the_end_in_utc(void **state)
{
    (void)state;
    struct seqctl_run run = seqctl_run(1, "token new --expires 2099-01-01T01:30:00.000+01:30");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, " issue * expires=2099-01-01T00:00:00Z\n"));
    seqctl_free(&run);
}

static void test_seqctl_token_new_never_makes_the_same_token_twice(void **state)
{
    (void)state;
    struct seqctl_run a = seqctl_run(1, "token new --json");
    struct seqctl_run b = seqctl_run(1, "token new --json");
    assert_true(strncmp(a.out, "{\"token\":\"seqd_", 15) == 0);
    assert_true(strncmp(b.out, "{\"token\":\"seqd_", 15) == 0);
    assert_string_not_equal(a.out, b.out);
    assert_non_null(
        strstr(a.out, " issue *\",\"scope\":\"issue\",\"names\":\"*\",\"expires\":null}"));
    seqctl_free(&a);
    seqctl_free(&b);
}

static void test_seqctl_token_new_refuses_what_the_server_would_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *line, *err;
    } cases[] = {
        {"token new --scope all", "--scope is 'all'"},
        {"token new --scope read,", "--scope is 'read,'"},
        {"token new --scope read,read", "--scope is 'read,read'"},
        {"token new --scope Read", "--scope is 'Read'"},
        {"token new --scope=", "--scope is ''"},
        {"token new --names=", "--names is ''"},
        {"token new --names a/b", "--names is 'a/b'"},
        {"token new --names a#b", "--names is 'a#b'"},
        {"token new --expires 90", "--expires is '90'"},
        {"token new --expires 2020-01-01T00:00:00Z", "which is over"},
        {"token new --expires 2099-01-01", "--expires is '2099-01-01'"},
        {"token new --expires 2099-13-01T00:00:00Z", "--expires is"},
        {"token new --expires 2099-01-01T00:00:00Zx", "--expires is"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seqctl_expect(1, cases[i].line, 2, "", cases[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_next_prints_numbers_one_a_line),
        cmocka_unit_test(test_seqctl_next_as_json_is_the_server_s_block),
        cmocka_unit_test(test_seqctl_next_keeps_every_digit),
        cmocka_unit_test(test_seqctl_next_says_what_was_refused_and_what_to_do),
        cmocka_unit_test(test_seqctl_passes_a_problem_through_as_json),
        cmocka_unit_test(test_seqctl_refuses_what_is_wrong_without_asking),
        cmocka_unit_test(test_seqctl_helps_without_a_server),
        cmocka_unit_test(test_seqctl_show_prints_what_the_server_says),
        cmocka_unit_test(test_seqctl_status_adds_up_the_metrics),
        cmocka_unit_test(test_seqctl_token_new_prints_a_token_and_its_line),
        cmocka_unit_test(test_seqctl_token_new_writes_the_end_in_utc),
        cmocka_unit_test(test_seqctl_token_new_never_makes_the_same_token_twice),
        cmocka_unit_test(test_seqctl_token_new_refuses_what_the_server_would_not_read),
    };
    return cmocka_run_group_tests_name("seqctl", tests, NULL, NULL);
}
