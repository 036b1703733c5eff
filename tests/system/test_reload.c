/* SIGHUP to the real daemon: what is taken over, and what is not. */
#include "base/clock.h"
#include "daemon.h"
#include "http_client.h"
#include "stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define RELOADED "the configuration is reloaded"
#define NEW_SEQUENCES 500
#define KEPT "keeping the configuration in force"

static bool page_holds(const struct stage *stage, const char *target, const char *text)
{
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    bool holds = answer.status == 200 && strstr(answer.body, text) != NULL;
    http_answer_free(&answer);
    return holds;
}

static void test_reload_alters_limits(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nmax_count = 5\n");
    stage_expect_status(&stage, "GET", "/?count=6", "", 400);
    stage_configure(&stage, "[http]\nmax_count = 6\n");
    stage_reload(&stage, RELOADED, 1);
    stage_expect_status(&stage, "GET", "/?count=6", "", 200);
    stage_expect_status(&stage, "GET", "/?count=7", "", 400);
    stage_close(&stage);
}

static void test_reload_adds_a_sequence_that_lasts(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n");
    stage_expect_status(&stage, "GET", "/v1/sequences/b/next", "", 404);
    stage_configure(&stage, "[sequence:a]\n[sequence:b]\nmin = 100\n");
    stage_reload(&stage, RELOADED, 1);
    assert_int_equal(stage_next(&stage, "/v1/sequences/b/next"), 100);
    stage_stop(&stage);
    stage_start(&stage, NULL);
    assert_int_equal(stage_next(&stage, "/v1/sequences/b/next"), 101);
    stage_close(&stage);
}

/* GET / finds a sequence that was not there when it was asked first. */
static void test_reload_adds_the_default_sequence(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n");
    stage_expect_status(&stage, "GET", "/", "", 404);
    stage_configure(&stage, "[sequence:default]\n");
    stage_reload(&stage, RELOADED, 1);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_reload_alters_a_sequence_and_keeps_its_numbers(void **state)
{
    (void)state;
    static const char page[] = "/v1/sequences/a";
    struct stage stage = stage_open("[sequence:a]\nmax_gap = 50\n");
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 1);
    stage_configure(&stage, "[sequence:a]\nmax_gap = 60\nlease = 7\ndurability = every\n");
    stage_reload(&stage, RELOADED, 1);
    assert_true(page_holds(&stage, page, "\"max_gap\":\"60\""));
    assert_true(page_holds(&stage, page, "\"lease\":\"7\""));
    assert_true(page_holds(&stage, page, "\"durability\":\"every\""));
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 2);
    stage_close(&stage);
}

static void test_reload_alters_the_log_level(void **state)
{
    (void)state;
    struct stage stage = stage_open("[seqd]\nlog_level = error\n");
    assert_string_equal(daemon_stderr(stage.daemon), "");
    stage_configure(&stage, "[seqd]\nlog_level = info\n");
    stage_reload(&stage, RELOADED, 1);
    stage_close(&stage);
}

static void test_reload_names_what_needs_a_restart(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nthreads = 1\n");
    stage_configure(&stage, "[http]\nthreads = 2\nmax_count = 9\n[seqd]\nmap_size = 1GiB\n");
    stage_reload(&stage, RELOADED, 1);
    const char *text = daemon_stderr(stage.daemon);
    assert_non_null(strstr(text, "threads in section [http] has changed, keeping the old value"));
    assert_non_null(strstr(text, "map_size in section [seqd] has changed, keeping the old value"));
    assert_null(strstr(text, "max_count in section"));
    assert_null(strstr(text, "listen in section")); /* -p replaced its port, then and now */
    stage_close(&stage);
}

static void test_reload_of_a_bad_file_changes_nothing(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nmax_count = 5\n");
    stage_configure(&stage, "[http]\nmax_count = 6\nidle_timeout = never\n[sequence:b]\n");
    stage_reload(&stage, KEPT, 1);
    assert_non_null(strstr(daemon_stderr(stage.daemon), "seqd.conf:3: idle_timeout is 'never'"));
    stage_expect_status(&stage, "GET", "/?count=6", "", 400);
    stage_expect_status(&stage, "GET", "/v1/sequences/b/next", "", 404);

    dir_delete(&stage.configuration, "seqd.conf");
    stage_reload(&stage, KEPT, 2);
    assert_int_equal(stage_next(&stage, "/"), 1);

    stage_configure(&stage, "[http]\nmax_count = 6\n");
    stage_reload(&stage, RELOADED, 1);
    stage_expect_status(&stage, "GET", "/?count=6", "", 200);
    stage_close(&stage);
}

/* A mistake in one file of the directory keeps all of them from being taken over. */
static void test_reload_reads_the_directory_again(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nmax_count = 5\n");
    stage_stop(&stage);
    struct dir file = dir_entry(&stage.configuration, "seqd.conf");
    struct dir more = dir_make();
    static const char seven[] = "[http]\nmax_count = 7\n";
    static const char wrong[] = "[http]\nmax_count = 8\nwrong = 1\n";
    dir_write(&more, "a.conf", seven, strlen(seven));
    stage.daemon = daemon_start(stage.data.path,
                                (const char *const[]){"-c", file.path, "-C", more.path, NULL});
    stage.port = daemon_port(stage.daemon);
    stage_expect_status(&stage, "GET", "/?count=7", "", 200);
    stage_expect_status(&stage, "GET", "/?count=8", "", 400);

    dir_write(&more, "b.conf", wrong, strlen(wrong));
    stage_reload(&stage, KEPT, 1);
    assert_non_null(strstr(daemon_stderr(stage.daemon), "/b.conf:3: unknown key 'wrong'"));
    stage_expect_status(&stage, "GET", "/?count=8", "", 400);

    dir_write(&more, "b.conf", wrong, strlen(wrong) - strlen("wrong = 1\n"));
    stage_reload(&stage, RELOADED, 1);
    stage_expect_status(&stage, "GET", "/?count=8", "", 200);
    dir_remove(&more);
    stage_close(&stage);
}

static void test_reload_with_other_numbers_changes_nothing(void **state)
{
    (void)state;
    struct stage stage = stage_open("[http]\nmax_count = 5\n[sequence:a]\n");
    stage_configure(&stage, "[http]\nmax_count = 6\n[sequence:b]\n[sequence:a]\nincrement = 2\n");
    stage_reload(&stage, KEPT, 1);
    assert_non_null(strstr(daemon_stderr(stage.daemon), "seqd.conf:4: sequence 'a' has start 1"));
    stage_expect_status(&stage, "GET", "/v1/sequences/a/next?count=6", "", 400);
    stage_expect_status(&stage, "GET", "/v1/sequences/b/next", "", 404);
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 1);
    stage_close(&stage);
}

static void test_reload_without_a_file_does_nothing(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    stage_reload(&stage, "there is no configuration file to read again", 1);
    assert_int_equal(stage_next(&stage, "/"), 1);
    stage_close(&stage);
}

static void test_reload_may_come_many_times_at_once(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n");
    for (int i = 0; i < 50; i++) {
        char configuration[128];
        (void)snprintf(configuration, sizeof configuration, "[sequence:a]\nmax_gap = %d\n", i + 1);
        stage_configure(&stage, configuration);
        daemon_signal(stage.daemon, SIGHUP);
        assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), i + 1);
    }
    stage_close(&stage);
}

/* The first creates so many sequences that the second comes while it is at work. */
static void test_reload_that_comes_during_another_is_not_lost(void **state)
{
    (void)state;
    static char configuration[NEW_SEQUENCES * 24];
    struct stage stage = stage_open("");
    size_t length = 0;
    for (int i = 0; i < NEW_SEQUENCES; i++) {
        length += (size_t)snprintf(configuration + length, sizeof configuration - length,
                                   "[sequence:new%d]\n", i);
    }
    stage_configure(&stage, configuration);
    daemon_signal(stage.daemon, SIGHUP);
    struct instant start = clock_now();
    while (!page_holds(&stage, "/v1/sequences/new0", "new0")) {
        assert_true(clock_elapsed(start, clock_now()) < DAEMON_TIMEOUT_MS * CLOCK_NS_PER_MS);
    }
    stage_configure(&stage, "[sequence:last]\n");
    stage_reload(&stage, RELOADED, 2);
    assert_true(page_holds(&stage, "/v1/sequences/last", "last"));
    stage_close(&stage);
}

/* Let it write no file beyond `bytes` from now on: what LMDB writes behind that is refused. */
static void limit_files(const struct stage *stage, rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    assert_int_equal(prlimit(daemon_pid(stage->daemon), RLIMIT_FSIZE, &limit, NULL), 0);
}

/* LMDB's first two pages may still be written, and so may the log. */
#define META_PAGES_BYTES 8192

static void test_reload_that_the_store_refuses_is_made_good_by_another(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\nlease = 100\n");
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 1);
    stage_configure(&stage, "[sequence:b]\n[sequence:a]\nlease = 50\n[sequence:c]\n");
    limit_files(&stage, META_PAGES_BYTES);
    stage_reload(&stage, "up to 3 sequences are not as it says", 1);
    assert_non_null(strstr(daemon_stderr(stage.daemon), "sequence 'b': "));
    stage_expect_status(&stage, "GET", "/v1/sequences/b/next", "", 404);
    assert_int_equal(stage_next(&stage, "/v1/sequences/a/next"), 2);

    limit_files(&stage, RLIM_INFINITY);
    assert_true(daemon_says(stage.daemon, "the store has recovered", 1, DAEMON_TIMEOUT_MS));
    stage_reload(&stage, RELOADED "\n", 1);
    assert_int_equal(stage_next(&stage, "/v1/sequences/b/next"), 1);
    assert_int_equal(stage_next(&stage, "/v1/sequences/c/next"), 1);
    assert_true(page_holds(&stage, "/v1/sequences/a", "\"lease\":\"50\""));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload_alters_limits),
        cmocka_unit_test(test_reload_adds_a_sequence_that_lasts),
        cmocka_unit_test(test_reload_adds_the_default_sequence),
        cmocka_unit_test(test_reload_alters_a_sequence_and_keeps_its_numbers),
        cmocka_unit_test(test_reload_alters_the_log_level),
        cmocka_unit_test(test_reload_names_what_needs_a_restart),
        cmocka_unit_test(test_reload_of_a_bad_file_changes_nothing),
        cmocka_unit_test(test_reload_reads_the_directory_again),
        cmocka_unit_test(test_reload_with_other_numbers_changes_nothing),
        cmocka_unit_test(test_reload_without_a_file_does_nothing),
        cmocka_unit_test(test_reload_may_come_many_times_at_once),
        cmocka_unit_test(test_reload_that_comes_during_another_is_not_lost),
        cmocka_unit_test(test_reload_that_the_store_refuses_is_made_good_by_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
