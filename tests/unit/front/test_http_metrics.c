/* /metrics: that what is counted is what happened. Its form is promtool's to check. */
#include "front/http_counters.h"
#include "front/http_metrics.h"
#include "http_client.h"
#include "http_stage.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);
    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int open_to_administer(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);
    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_administer(stage);
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

/* The whole page. The caller frees it. */
static char *scrape(struct http_stage *stage)
{
    struct http_answer answer = http_ask(stage->port, "GET", "/metrics", "");
    char type[64] = "";
    assert_int_equal(answer.status, 200);
    assert_true(http_answer_header(&answer, "Content-Type", type, sizeof type));
    assert_string_equal(type, "text/plain; version=0.0.4; charset=utf-8");
    char *page = strdup(answer.body);
    assert_non_null(page);
    http_answer_free(&answer);
    return page;
}

/* The value on the line of `metric`, labels and all; the line has to be there, once. */
static uint64_t value_of(const char *page, const char *metric)
{
    char line[256];
    snprintf(line, sizeof line, "\n%s ", metric);
    const char *found = strstr(page, line);
    if (found == NULL) {
        fail_msg("there is no line '%s'", metric);
    }
    assert_null(strstr(found + 1, line));
    return strtoull(found + strlen(line), NULL, 10);
}

static uint64_t scraped(struct http_stage *stage, const char *metric)
{
    char *page = scrape(stage);
    uint64_t value = value_of(page, metric);
    free(page);
    return value;
}

static void test_metrics_count_numbers_and_not_requests(void **state)
{
    (void)http_stage_warm(*state, "default");
    http_stage_expect(*state, "GET", "/?count=9", "", 200, NULL);
    assert_int_equal(scraped(*state, "seqd_numbers_issued_total{sequence=\"default\"}"), 10);
}

static void test_metrics_count_requests_by_status(void **state)
{
    http_stage_expect(*state, "GET", "/", "", 200, NULL);
    http_stage_expect(*state, "GET", "/nowhere", "", 404, NULL);
    http_stage_expect(*state, "GET", "/nowhere", "", 404, NULL);
    http_stage_expect(*state, "GET", "/?count=0", "", 400, NULL);
    char *page = scrape(*state);
    assert_int_equal(value_of(page, "seqd_http_requests_total{code=\"200\"}"), 1);
    assert_int_equal(value_of(page, "seqd_http_requests_total{code=\"404\"}"), 2);
    assert_int_equal(value_of(page, "seqd_http_requests_total{code=\"400\"}"), 1);
    assert_int_equal(value_of(page, "seqd_http_requests_total{code=\"503\"}"), 0);
    free(page);
}

static void test_metrics_tell_what_a_crash_would_lose(void **state)
{
    (void)http_stage_warm(*state, "default");
    struct sequence_status status = http_stage_status(*state, "default");
    assert_true(status.unissued > 0);
    assert_int_equal(scraped(*state, "seqd_lease_unissued{sequence=\"default\"}"), status.unissued);
}

static void test_metrics_count_commits_in_their_histogram(void **state)
{
    (void)http_stage_warm(*state, "default");
    char *page = scrape(*state);
    uint64_t commits = value_of(page, "seqd_commits_total");
    assert_true(commits >= 1);
    assert_int_equal(value_of(page, "seqd_commit_duration_seconds_count"), commits);
    assert_int_equal(value_of(page, "seqd_commit_duration_seconds_bucket{le=\"+Inf\"}"), commits);
    free(page);
}

static void test_metrics_say_when_the_store_fails(void **state)
{
    struct http_stage *stage = *state;
    assert_int_equal(scraped(stage, "seqd_store_up"), 1);
    store_memory_fail(stage->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    unsigned patient_ms = stage->options.wait_timeout_ms;
    stage->options.wait_timeout_ms = 50;
    http_alter(stage->http, &stage->options);
    do { /* the wait may end before the commit does */
        http_stage_expect(stage, "GET", "/", "", 503, NULL);
    } while (scraped(stage, "seqd_store_up") != 0);
    char *page = scrape(stage);
    assert_int_equal(value_of(page, "seqd_store_up"), 0);
    assert_int_equal(value_of(page, "seqd_store_errors_total"), 1);
    assert_true(value_of(page, "seqd_store_failures") >= 1);
    free(page);
    store_memory_fail(stage->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    stage->options.wait_timeout_ms = patient_ms; /* the keeper may be in its longest pause */
    http_alter(stage->http, &stage->options);
    http_stage_expect(stage, "GET", "/", "", 200, NULL);
    assert_int_equal(scraped(stage, "seqd_store_up"), 1);
}

/* However many sequences there are, the page stays bounded and says what it leaves out. */
static void test_metrics_bound_the_sequences_that_are_labelled(void **state)
{
    struct http_stage *stage = *state;
    char name[32];
    for (unsigned i = 0; i < HTTP_METRICS_SEQUENCES_MAX + 4; i++) {
        snprintf(name, sizeof name, "s%u", i);
        struct definition definition = definition_default();
        assert_int_equal(registry_declare(stage->registry, stage->store, name, &definition, NULL),
                         ERR_OK); /* nothing is leased yet, so the keeper leaves the store alone */
    }
    char *page = scrape(stage);
    assert_int_equal(value_of(page, "seqd_sequences"), HTTP_METRICS_SEQUENCES_MAX + 5);
    assert_int_equal(value_of(page, "seqd_sequences_unlabelled"), 5);
    unsigned labelled = 0;
    for (const char *at = page; (at = strstr(at, "\nseqd_sequence_left{")) != NULL; at++) {
        labelled++;
    }
    assert_int_equal(labelled, HTTP_METRICS_SEQUENCES_MAX);
    free(page);
}

static void test_metrics_count_changes_by_action_and_result(void **state)
{
    http_stage_expect(*state, "PUT", "/v1/sequences/a", "", 201, NULL);
    http_stage_expect(*state, "PUT", "/v1/sequences/b", "", 201, NULL);
    http_stage_refuse_json(*state, "PUT", "/v1/sequences/a", "{\"start\":2}", 409, "conflict", "");
    http_stage_expect(*state, "DELETE", "/v1/sequences/a", "", 200, NULL);
    http_stage_expect_problem(*state, "DELETE", "/v1/sequences/a", "", 404, "unknown-sequence", "");
    char *page = scrape(*state);
    assert_int_equal(value_of(page, "seqd_admin_changes_total{action=\"create\",result=\"ok\"}"),
                     2);
    assert_int_equal(
        value_of(page, "seqd_admin_changes_total{action=\"create\",result=\"conflict\"}"), 1);
    assert_int_equal(value_of(page, "seqd_admin_changes_total{action=\"drop\",result=\"ok\"}"), 1);
    assert_int_equal(
        value_of(page, "seqd_admin_changes_total{action=\"drop\",result=\"not_found\"}"), 1);
    assert_int_equal(value_of(page, "seqd_admin_changes_total{action=\"alter\",result=\"ok\"}"), 0);
    free(page);
}

static void test_metrics_take_no_number(void **state)
{
    http_stage_expect(*state, "GET", "/", "", 200, "1\n");
    free(scrape(*state));
    http_stage_expect(*state, "HEAD", "/metrics", "", 200, NULL);
    http_stage_expect(*state, "GET", "/", "", 200, "2\n");
}

/* ---- the counters by themselves ---- */

enum {
    THREADS = 8,
    ADDITIONS = 100000
};

static void *add_many(void *counters)
{
    for (unsigned i = 0; i < ADDITIONS; i++) {
        http_counters_add(counters, 200);
    }
    return NULL;
}

static void test_counters_lose_no_addition_of_any_thread(void **state)
{
    (void)state;
    static struct http_counters counters;
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &counters), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(http_counters_status(0), 200);
    assert_int_equal(http_counters_sum(&counters, 0), THREADS * ADDITIONS);
}

static void test_counters_count_an_unknown_status_as_other(void **state)
{
    (void)state;
    static struct http_counters counters;
    http_counters_add(&counters, 418);
    assert_int_equal(http_counters_status(HTTP_COUNTER_STATUSES - 1), 0);
    assert_int_equal(http_counters_sum(&counters, HTTP_COUNTER_STATUSES - 1), 1);
}

int main(void)
{
#define stage_test(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
    const struct CMUnitTest tests[] = {
        stage_test(test_metrics_count_numbers_and_not_requests),
        stage_test(test_metrics_count_requests_by_status),
        stage_test(test_metrics_tell_what_a_crash_would_lose),
        stage_test(test_metrics_count_commits_in_their_histogram),
        stage_test(test_metrics_say_when_the_store_fails),
        stage_test(test_metrics_bound_the_sequences_that_are_labelled),
        cmocka_unit_test_setup_teardown(test_metrics_count_changes_by_action_and_result,
                                        open_to_administer, close_stage),
        stage_test(test_metrics_take_no_number),
        cmocka_unit_test(test_counters_lose_no_addition_of_any_thread),
        cmocka_unit_test(test_counters_count_an_unknown_status_as_other),
    };
    return cmocka_run_group_tests_name("http_metrics", tests, NULL, NULL);
}
