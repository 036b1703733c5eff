/* Timestamp sequences over HTTP: made, shown, drawn from, and their numbers taken apart. */
#include "fake_clock.h"
#include "http_stage.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define STAMPS "/v1/sequences/stamps"
#define OTHER "/v1/sequences/other"
#define PATH(tail) "/v1/sequences/stamps" tail

struct scene {
    struct http_stage stage;
    struct fake_clock fake;
};

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct definition stamps = definition_default_timestamp();
    assert_non_null(scene);
    fake_clock_init(&scene->fake, START_MS);
    scene->stage = http_stage_options();
    http_stage_administer(&scene->stage);
    scene->stage.clock = &scene->fake.clock;
    stamps.layout.machine_id = 3;
    stamps.layout.node_id = 17;
    stamps.layout.max_borrow_ms = 0;
    http_stage_add(&scene->stage, "stamps", stamps);
    http_stage_open(&scene->stage);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    http_stage_close(&scene->stage);
    free(scene);
    return 0;
}

/* 731 days after the epoch of 2024: its ticks, above 22 bits of ids and counter. */
static int64_t number_at(int64_t ms, int64_t machine, int64_t node, int64_t counter)
{
    return (ms - LAYOUT_EPOCH_DEFAULT_MS) << 22 | machine << 17 | node << 12 | counter;
}

static void test_timed_next_holds_time_and_ids(void **state)
{
    struct scene *scene = *state;
    char body[64];
    (void)snprintf(body, sizeof body, "%" PRId64 "\n%" PRId64 "\n", number_at(START_MS, 3, 17, 0),
                   number_at(START_MS, 3, 17, 1));
    http_stage_expect(&scene->stage, "GET", PATH("/next?count=2"), "", 200, body);
}

static void test_timed_next_counts_up_to_a_tick(void **state)
{
    struct scene *scene = *state;
    http_stage_expect(&scene->stage, "GET", PATH("/next?count=4096"), "", 200, NULL);
    http_stage_expect_problem(&scene->stage, "GET", PATH("/next?count=4097"), "", 400, "bad-count",
                              "from 1 to 4096");
}

static void test_timed_next_says_that_the_clock_stands_before_the_epoch(void **state)
{
    struct scene *scene = *state;
    fake_clock_step(&scene->fake, LAYOUT_EPOCH_DEFAULT_MS - 1 - START_MS);
    http_stage_expect_problem(&scene->stage, "GET", PATH("/next"), "", 503, "no-lease",
                              "the clock says 2023-12-31T23:59:59.999Z");
    fake_clock_step(&scene->fake, START_MS + 1 - LAYOUT_EPOCH_DEFAULT_MS);
    http_stage_expect(&scene->stage, "GET", PATH("/next"), "", 200, NULL);
}

static void test_timed_next_is_refused_at_the_end_of_time(void **state)
{
    struct scene *scene = *state;
    fake_clock_step(&scene->fake, (INT64_C(1) << 41) - (START_MS - LAYOUT_EPOCH_DEFAULT_MS));
    http_stage_expect_problem(&scene->stage, "GET", PATH("/next"), "", 409, "exhausted", "0 left");
}

static void test_timed_create_takes_every_member(void **state)
{
    struct scene *scene = *state;
    http_stage_expect_json(
        &scene->stage, "PUT", OTHER,
        "{\"kind\":\"timestamp\",\"epoch\":\"2025-01-01T01:00:00+01:00\",\"time_unit\":\"10ms\","
        "\"machine_bits\":4,\"node_bits\":6,\"counter_bits\":14,\"machine_id\":15,\"node_id\":63,"
        "\"max_borrow_ms\":250,\"durability\":\"every\"}",
        201,
        "\"max_gap\":\"16384000\",\"lease\":\"auto\",\"durability\":\"every\","
        "\"epoch\":\"2025-01-01T00:00:00.000Z\",\"time_unit\":\"10ms\",\"machine_bits\":4,"
        "\"node_bits\":6,\"counter_bits\":14,\"machine_id\":15,\"node_id\":63,"
        "\"max_borrow_ms\":250");
    http_stage_expect_json(&scene->stage, "PATCH", OTHER, "{\"max_borrow_ms\":5}", 200,
                           "\"max_borrow_ms\":5");
    http_stage_refuse_json(&scene->stage, "PATCH", OTHER, "{\"epoch\":\"2025-01-01T00:00:00Z\"}",
                           400, "bad-definition", "epoch is fixed");
}

static void test_timed_create_refuses_what_does_not_fit(void **state)
{
    struct scene *scene = *state;
    const struct {
        const char *sent;
        const char *type;
        const char *says;
    } cases[] = {
        {"{\"kind\":\"timestamp\",\"node_id\":32}", "bad-definition", "node_id is 32"},
        {"{\"kind\":\"timestamp\",\"machine_id\":32}", "bad-definition", "must be below 32"},
        {"{\"kind\":\"timestamp\",\"counter_bits\":31}", "bad-definition", "20 years"},
        {"{\"kind\":\"timestamp\",\"start\":1}", "bad-definition", "start belongs to"},
        {"{\"kind\":\"counter\",\"epoch\":\"2025-01-01T00:00:00Z\"}", "bad-definition",
         "epoch belongs to"},
        {"{\"kind\":\"timestamp\",\"epoch\":\"yesterday\"}", "bad-body", "a moment such as"},
        {"{\"kind\":\"timestamp\",\"epoch\":1735689600}", "bad-body", "a moment such as"},
        {"{\"kind\":\"timestamp\",\"time_unit\":\"2ms\"}", "bad-body", "10ms"},
        {"{\"kind\":\"timestamp\",\"epoch\":\"2027-01-01T00:00:00Z\"}", "bad-definition",
         "epoch is 2027-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_stage_refuse_json(&scene->stage, "PUT", OTHER, cases[i].sent, 400, cases[i].type,
                               cases[i].says);
    }
}

static void test_timed_show_says_when_it_ends(void **state)
{
    struct scene *scene = *state;
    char text[64];
    int64_t left_s = ((INT64_C(1) << 41) - (START_MS - LAYOUT_EPOCH_DEFAULT_MS)) / 1000;
    (void)snprintf(text, sizeof text, "\"seconds_left\":\"%" PRId64 "\",\"used_percent\":2",
                   left_s);
    struct http_answer answer = http_ask(scene->stage.port, "GET", STAMPS, "");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"kind\":\"timestamp\",\"max_gap\":\"40960000\""));
    assert_non_null(strstr(answer.body, text));
    http_answer_free(&answer);
}

/* ---- what operators see ---- */

static bool page_shows(struct scene *scene, const char *target, const char *line)
{
    struct http_answer answer = http_ask(scene->stage.port, "GET", target, "");
    bool shows = answer.status == 200 && strstr(answer.body, line) != NULL;
    if (!shows) {
        print_error("no '%s' in %s\n", line, answer.body);
    }
    http_answer_free(&answer);
    return shows;
}

static void test_timed_metrics_tell_of_the_clock(void **state)
{
    struct scene *scene = *state;
    http_stage_expect(&scene->stage, "GET", PATH("/next"), "", 200, NULL);
    assert_true(page_shows(scene, "/metrics",
                           "seqd_timestamp_borrowed_seconds{sequence=\"stamps\"} 0.000\n"));
    assert_true(page_shows(scene, "/metrics",
                           "seqd_timestamp_mark_ahead_seconds{sequence=\"stamps\"} 0.250\n"));
    fake_clock_step(&scene->fake, -5000);
    assert_true(page_shows(scene, "/metrics",
                           "seqd_timestamp_borrowed_seconds{sequence=\"stamps\"} 5.000\n"));
    assert_true(
        page_shows(scene, "/metrics", "seqd_clock_steps_total{direction=\"backward\"} 1\n"));
    fake_clock_step(&scene->fake, 5260);
    assert_true(page_shows(scene, "/metrics",
                           "seqd_timestamp_mark_ahead_seconds{sequence=\"stamps\"} -0.010\n"));
    assert_true(page_shows(scene, "/metrics", "seqd_clock_steps_total{direction=\"forward\"} 1\n"));
    assert_true(
        page_shows(scene, "/metrics", "seqd_numbers_issued_total{sequence=\"stamps\"} 1\n"));
}

static void test_timed_readiness_warns_of_a_clock_that_is_behind(void **state)
{
    struct scene *scene = *state;
    http_stage_expect(&scene->stage, "GET", PATH("/next"), "", 200, NULL);
    fake_clock_step(&scene->fake, -10000);
    http_stage_expect(&scene->stage, "GET", "/readyz", "", 200, "ready\n");
    fake_clock_step(&scene->fake, -1);
    http_stage_expect(&scene->stage, "GET", "/readyz", "", 200,
                      "ready\nwarning: the clock is 10001 ms behind the time that 'stamps' has "
                      "reached, 10000 are allowed\n");
}

/* ---- taken apart ---- */

static void test_timed_decode_tells_what_a_number_holds(void **state)
{
    struct scene *scene = *state;
    char target[128];
    char body[256];
    int64_t number = number_at(START_MS + 123, 31, 9, 4095);
    (void)snprintf(target, sizeof target, PATH("/decode/%" PRId64), number);
    (void)snprintf(body, sizeof body,
                   "{\"sequence\":\"stamps\",\"number\":\"%" PRId64
                   "\",\"time\":\"2026-01-01T00:00:00.123Z\",\"machine\":31,\"node\":9,"
                   "\"counter\":4095}\n",
                   number);
    http_stage_expect(&scene->stage, "GET", target, "", 200, body);
    http_stage_expect(&scene->stage, "GET", PATH("/decode/9223372036854775807"), "", 200, NULL);
    http_stage_expect(&scene->stage, "GET", PATH("/decode/0"), "", 200, NULL);
    http_stage_expect_problem(&scene->stage, "GET", PATH("/decode/9223372036854775808"), "", 400,
                              "bad-parameter", "9223372036854775807");
    http_stage_expect_problem(&scene->stage, "GET", PATH("/decode/-1"), "", 400, "bad-parameter",
                              "'-1'");
    http_stage_expect_problem(&scene->stage, "GET", PATH("/decode/"), "", 400, "bad-parameter",
                              "''");
    http_stage_expect_problem(&scene->stage, "GET", PATH("/decode/0000000000000000000000000001"),
                              "", 400, "bad-parameter", "decimal");
}

static void test_timed_decode_needs_a_timestamp_sequence(void **state)
{
    struct scene *scene = *state;
    http_stage_expect_problem(&scene->stage, "GET", "/v1/sequences/default/decode/1", "", 409,
                              "wrong-kind", "'default' is of kind 'counter'");
    http_stage_expect_problem(&scene->stage, "GET", "/v1/sequences/none/decode/1", "", 404,
                              "unknown-sequence", "none");
    http_stage_expect_problem(&scene->stage, "GET",
                              "/v1/sequences/default/range?from=2026-01-01T00:00:00Z", "", 409,
                              "wrong-kind", "counter");
}

/* Every node's numbers of the span, and none before it or at its end. */
static void test_timed_range_covers_a_span(void **state)
{
    struct scene *scene = *state;
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"sequence\":\"stamps\",\"from\":\"2026-01-01T00:00:00.000Z\","
                   "\"to\":\"2026-01-01T00:00:01.000Z\",\"first\":\"%" PRId64
                   "\",\"last\":\"%" PRId64 "\"}\n",
                   number_at(START_MS, 0, 0, 0), number_at(START_MS + 999, 31, 31, 4095));
    http_stage_expect(&scene->stage, "GET",
                      PATH("/range?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:01Z"), "", 200,
                      body);
    http_stage_expect_problem(&scene->stage, "GET",
                              PATH("/range?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:01Z"), "",
                              400, "bad-parameter", "no tick");
    http_stage_expect_problem(&scene->stage, "GET", PATH("/range?from=2026-01-01T00:00:01Z"), "",
                              400, "bad-parameter", "to is missing");
    http_stage_expect_problem(&scene->stage, "GET", PATH("/range?from=now&to=then"), "", 400,
                              "bad-parameter", "from: 'now'");
    http_stage_expect(&scene->stage, "GET",
                      PATH("/range?from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z"), "", 200,
                      "{\"sequence\":\"stamps\",\"from\":\"1970-01-01T00:00:00.000Z\","
                      "\"to\":\"9999-12-31T23:59:59.999Z\",\"first\":\"0\","
                      "\"last\":\"9223372036854775807\"}\n");
}

/* As browsers and libraries send a moment: with its ':' and '+' escaped, and nothing else. */
static void test_timed_range_reads_escaped_moments(void **state)
{
    struct scene *scene = *state;
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"sequence\":\"stamps\",\"from\":\"2026-01-01T00:00:00.000Z\","
                   "\"to\":\"2026-01-01T00:00:01.000Z\",\"first\":\"%" PRId64
                   "\",\"last\":\"%" PRId64 "\"}\n",
                   number_at(START_MS, 0, 0, 0), number_at(START_MS + 999, 31, 31, 4095));
    http_stage_expect(
        &scene->stage, "GET",
        PATH("/range?from=2026-01-01T00%3A00%3A00Z&to=2026-01-01T01%3a00%3A01%2B01%3A00"), "", 200,
        body);
    /* 63 bytes may be read so; what is longer is not cut to what can be read. */
    http_stage_expect_problem(
        &scene->stage, "GET",
        PATH("/range?from=2026-01-01T00%3A00%3A00."
             "000000000000000000000000000000000000000000Zx&to=2026-01-01T00:00:01Z"),
        "", 400, "bad-parameter", "from: ");
    http_stage_expect(&scene->stage, "GET",
                      PATH("/range?from=2026-01-01T00%3A00%3A00."
                           "000000000000000000000000000000000000000000Z&to=2026-01-01T00:00:01Z"),
                      "", 200, body);
    http_stage_expect_problem(&scene->stage, "GET",
                              PATH("/range?from=2026-01-01T00:00:00%5A&to=2026-01-01T00:00:01Z"),
                              "", 400, "bad-parameter", "%5A");
    http_stage_expect_problem(&scene->stage, "GET",
                              PATH("/range?from=2026-01-01T00:00:00Z%00&to=2026-01-01T00:00:01Z"),
                              "", 400, "bad-parameter", "%00");
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(test_timed_next_holds_time_and_ids),
        scene_test(test_timed_next_counts_up_to_a_tick),
        scene_test(test_timed_next_says_that_the_clock_stands_before_the_epoch),
        scene_test(test_timed_next_is_refused_at_the_end_of_time),
        scene_test(test_timed_create_takes_every_member),
        scene_test(test_timed_create_refuses_what_does_not_fit),
        scene_test(test_timed_show_says_when_it_ends),
        scene_test(test_timed_metrics_tell_of_the_clock),
        scene_test(test_timed_readiness_warns_of_a_clock_that_is_behind),
        scene_test(test_timed_decode_tells_what_a_number_holds),
        scene_test(test_timed_decode_needs_a_timestamp_sequence),
        scene_test(test_timed_range_covers_a_span),
        scene_test(test_timed_range_reads_escaped_moments),
    };
    return cmocka_run_group_tests_name("http_timed", tests, NULL, NULL);
}
