/* /metrics of the real daemon: what Prometheus' own tool says of it, and what the kernel says of
 * the process. */
#include "http_client.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static double value_of(const char *page, const char *metric)
{
    char line[128];
    (void)snprintf(line, sizeof line, "\n%s ", metric);
    const char *found = strstr(page, line);
    if (found == NULL) {
        fail_msg("there is no line '%s'", metric);
    }
    return strtod(found + strlen(line), NULL);
}

/* After one of everything: a block, a refusal, two sequences, one of which is at its end. */
static char *scrape(const struct stage *stage)
{
    (void)stage_next(stage, "/v1/sequences/short/next");
    stage_expect_status(stage, "GET", "/v1/sequences/short/next", "", 409);
    (void)stage_next(stage, "/v1/sequences/long/next");
    struct http_answer answer = http_ask(stage->port, "GET", "/metrics", "");
    assert_int_equal(answer.status, 200);
    char *page = strdup(answer.body);
    assert_non_null(page);
    http_answer_free(&answer);
    return page;
}

static void test_metrics_satisfy_promtool(void **state)
{
    (void)state;
    /* Its package would start a server of its own, so `make test` does not install it; CI does. */
    if (system("command -v promtool >/dev/null") != 0) {
        print_message("*** NOT TESTED: there is no promtool; make lint-deps installs it\n");
        skip();
    }
    struct stage stage = stage_open("[sequence:short]\nmax = 1\n[sequence:long]\n");
    char *page = scrape(&stage);
    struct dir said = dir_entry(&stage.configuration, "said");
    char command[2 * DIR_PATH_SIZE];
    (void)snprintf(command, sizeof command, "promtool check metrics >'%s' 2>&1", said.path);
    FILE *promtool = popen(command, "we");
    assert_non_null(promtool);
    assert_int_equal(fwrite(page, 1, strlen(page), promtool), strlen(page));
    int status = pclose(promtool);
    size_t length = 0;
    char *text = (char *)dir_read(&stage.configuration, "said", &length);
    if (status != 0 || length != 0) {
        fail_msg("promtool: status %d: %.*s", status, (int)length, text);
    }
    free(text);
    free(page);
    stage_close(&stage);
}

static void test_metrics_tell_of_the_process(void **state)
{
    (void)state;
    double before = (double)time(NULL) - 1; /* to the kernel's tick */
    struct stage stage = stage_open("[sequence:short]\nmax = 1\n[sequence:long]\n");
    char *page = scrape(&stage);
    double started = value_of(page, "process_start_time_seconds");
    assert_true(started >= before && started <= (double)time(NULL) + 1);
    assert_true(value_of(page, "process_cpu_seconds_total") > 0);
    assert_true(value_of(page, "process_resident_memory_bytes") > 1e6);
    assert_true(value_of(page, "process_virtual_memory_bytes") >=
                value_of(page, "process_resident_memory_bytes"));
    assert_true(value_of(page, "process_open_fds") >= 5);
    assert_true(value_of(page, "process_max_fds") >= value_of(page, "process_open_fds"));
    free(page);
    stage_close(&stage);
}

static void test_metrics_forecast_the_end(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:short]\nmax = 1\n[sequence:long]\n");
    char *page = scrape(&stage);
    assert_true(value_of(page, "seqd_sequence_used_ratio{sequence=\"short\"}") == 1.0);
    assert_true(value_of(page, "seqd_sequence_left{sequence=\"short\"}") == 0.0);
    assert_true(value_of(page, "seqd_sequence_used_ratio{sequence=\"long\"}") < 0.01);
    free(page);
    stage_close(&stage);
}

/* The warning comes by itself, names the sequence, and comes once. */
static void test_forecast_warns_in_the_log(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:orders]\nmax = 100\n");
    stage_expect_status(&stage, "GET", "/v1/sequences/orders/next?count=80", "", 200);
    assert_true(daemon_says(stage.daemon,
                            "sequence 'orders' has used 80 % of its numbers: 20 are left", 1,
                            DAEMON_TIMEOUT_MS));
    stage_expect_status(&stage, "GET", "/v1/sequences/orders/next?count=15", "", 200);
    assert_true(daemon_says(stage.daemon, "sequence 'orders' has used 95 % of its numbers", 1,
                            DAEMON_TIMEOUT_MS));
    stage_expect_status(&stage, "GET", "/v1/sequences/orders/next?count=5", "", 200);
    assert_true(daemon_says(stage.daemon, "sequence 'orders' has used all its numbers", 1,
                            DAEMON_TIMEOUT_MS));
    const char *said = daemon_stderr(stage.daemon);
    const char *first = strstr(said, "has used 80 %");
    assert_null(strstr(first + 1, "has used 80 %"));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_satisfy_promtool),
        cmocka_unit_test(test_metrics_tell_of_the_process),
        cmocka_unit_test(test_metrics_forecast_the_end),
        cmocka_unit_test(test_forecast_warns_in_the_log),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
