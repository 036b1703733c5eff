/* `seqctl bench` and the lines of `seqctl top`: what they tell of a right server, and that they
 * find one that lies. */
#include "held_port.h"
#include "liar.h"
#include "parrot.h"
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

static void test_seqctl_bench_counts_what_it_took(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct seqctl_run run = seqctl_run(stage.port, "bench -c 3 -d 1 -n 7 --json");
    assert_int_equal(run.status, 0);
    uint64_t requests = seqctl_member(run.out, "requests");
    assert_true(requests > 0);
    assert_int_equal(seqctl_member(run.out, "numbers"), 7 * requests);
    assert_int_equal(seqctl_member(run.out, "connections"), 3);
    assert_int_equal(seqctl_member(run.out, "repeated"), 0);
    assert_int_equal(seqctl_member(run.out, "disordered"), 0);
    assert_int_equal(seqctl_member(run.out, "inexact"), 0);
    assert_true(seqctl_member(run.out, "p50") > 0);
    assert_true(seqctl_member(run.out, "p50") <= seqctl_member(run.out, "p99"));
    assert_true(seqctl_member(run.out, "p99") <= seqctl_member(run.out, "p99_9"));
    assert_true(seqctl_member(run.out, "p99_9") <= seqctl_member(run.out, "max"));
    /* Every block that was counted was taken, and no other. */
    assert_int_equal(stage_next(&stage, "/"), (int64_t)(7 * requests) + 1);
    seqctl_free(&run);
    stage_close(&stage);
}

static void test_seqctl_bench_tells_people(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:down]\nstart = 9223372036854775807\n"
                                    "increment = -1\n");
    struct seqctl_run run = seqctl_run(stage.port, "bench down -c 2 -d 1");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "2 connections to http://127.0.0.1:"));
    assert_non_null(strstr(run.out, "\nrequests "));
    assert_non_null(strstr(run.out, "\nlatency  p50 "));
    assert_non_null(strstr(run.out, ", p99.9 "));
    assert_non_null(strstr(run.out, "\nevery number came once, and in the order of real time\n"));
    seqctl_free(&run);
    stage_close(&stage);
}

static void test_seqctl_bench_ends_where_it_cannot_go_on(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:short]\nmax = 5\n");
    seqctl_expect(stage.port, "bench nope -d 60", 4, "", "there is no sequence 'nope'");
    seqctl_expect(stage.port, "bench short -d 60", 5, "", "'seqctl show NAME' tells what is left");
    seqctl_expect(stage.port, "bench short -d 60 -n 1000000", 1, "", "from 1 to 10000");
    seqctl_expect(stage.port, "bench -c 0", 2, "", "--connections is '0'");
    seqctl_expect(stage.port, "bench -d 0", 2, "", "--duration is '0'");
    seqctl_expect(stage.port, "bench -n 0", 2, "", "--count is '0'");
    seqctl_expect(stage.port, "bench a/b", 2, "", "[A-Za-z0-9]");
    struct held_port nobody = held_port_take();
    seqctl_expect(nobody.port, "bench -d 60", 3, "", "no server answers at");
    held_port_free(&nobody);
    stage_close(&stage);
}

static void expect_found(enum liar_fault fault, const char *line, int status, const char *err)
{
    struct liar_options options = {.first = 1, .fault = fault, .every = 2 * LIAR_HOLD};
    struct liar *liar = liar_start(&options);
    seqctl_expect(liar_port(liar), line, status, NULL, err);
    (void)liar_kill(liar); /* which number would have come does not matter */
}

/* A check that finds nothing in a server that lies has shown nothing. */
static void test_seqctl_bench_finds_a_server_that_lies(void **state)
{
    (void)state;
    struct liar_options options = {.first = 1, .fault = LIAR_REPEATS, .every = 2 * LIAR_HOLD};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), "bench -c 4 -d 3 --json");
    assert_int_equal(run.status, 1);
    assert_true(seqctl_member(run.out, "repeated") > 0);
    assert_non_null(strstr(run.err, "this server breaks its promise"));
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
    expect_found(LIAR_HOLDS, "bench -c 4 -d 3", 1,
                 "seqctl: 0 blocks hold a number that came "
                 "before, ");
    expect_found(LIAR_SHORTENS, "bench -c 4 -d 2 -n 5", 1, " not what was asked for: this server");
    expect_found(LIAR_SPREADS, "bench -c 4 -d 2 -n 5", 1, "'seqctl check' shows how");
    expect_found(LIAR_CUTS, "bench -c 4 -d 60", 3, "broke before a whole answer");
    expect_found(LIAR_STAMMERS, "bench -c 4 -d 60", 1, "is no seqd");
    expect_found(LIAR_REFUSES, "bench -c 4 -d 60", 1, "answers 503, and not as a seqd would");
    expect_found(LIAR_FALLS_SILENT, "bench -c 4 -d 60 --timeout 1", 3, "no whole answer within");
}

/* 503 is no end: it is counted, and asked again. */
static void test_seqctl_bench_waits_out_a_server_that_is_not_ready(void **state)
{
    (void)state;
    struct parrot *parrot =
        parrot_start(NULL, PARROT_HEAD("503 No", "application/problem+json") PARROT_BODY
                     "{\"type\":\"/problems/no-lease\",\"detail\":\"D\"}");
    struct seqctl_run run = seqctl_run(parrot_port(parrot), "bench -c 1 -d 1 --json");
    assert_int_equal(run.status, 7);
    assert_true(seqctl_member(run.out, "refused") > 1);
    assert_int_equal(seqctl_member(run.out, "requests"), 0);
    assert_non_null(strstr(run.err, "no request was answered with numbers"));
    seqctl_free(&run);
    free(parrot_stop(parrot));
}

/* ---- top, elsewhere than on a terminal ---- */

static void test_seqctl_top_prints_lines(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:a]\n[sequence:b]\n");
    struct seqctl_run run = seqctl_run(stage.port, "top -i 0.1 -r 3");
    assert_int_equal(run.status, 0);
    unsigned lines = 0;
    for (const char *at = strchr(run.out, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        lines++;
    }
    assert_int_equal(lines, 3); /* nobody took a number, so there is no line of a sequence */
    assert_non_null(strstr(run.out, "Z  requests/s "));
    assert_non_null(strstr(run.out, "  numbers/s 0  commits/s "));
    assert_string_equal(run.err, "");
    seqctl_free(&run);
    struct seqctl_run json = seqctl_run(stage.port, "top -i 0.1 -r 1 --json");
    assert_int_equal(json.status, 0);
    assert_non_null(
        strstr(json.out, ",\"sequences\":[{\"name\":\"a\",\"rate\":\"0\",\"issued\":\"0\""));
    assert_int_equal(strchr(json.out, '\n') - json.out + 1, (long)strlen(json.out));
    seqctl_free(&json);
    stage_close(&stage);
}

static void test_seqctl_top_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    seqctl_expect(1, "top -i 0", 2, "", "--interval is '0', it must be 0.1 to 3600 seconds");
    seqctl_expect(1, "top -i 1x", 2, "", "--interval is '1x'");
    seqctl_expect(1, "top -r 0", 2, "", "--rounds is '0'");
    seqctl_expect(1, "top -r 1", 3, "", "no server answers at");
    struct parrot *parrot = parrot_start(NULL, PARROT_TEXT("go_goroutines 5\n"));
    seqctl_expect(parrot_port(parrot), "top -r 1", 1, "", "not the metrics of a seqd");
    free(parrot_stop(parrot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_bench_counts_what_it_took),
        cmocka_unit_test(test_seqctl_bench_tells_people),
        cmocka_unit_test(test_seqctl_bench_ends_where_it_cannot_go_on),
        cmocka_unit_test(test_seqctl_bench_finds_a_server_that_lies),
        cmocka_unit_test(test_seqctl_bench_waits_out_a_server_that_is_not_ready),
        cmocka_unit_test(test_seqctl_top_prints_lines),
        cmocka_unit_test(test_seqctl_top_refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests_name("seqctl_load", tests, NULL, NULL);
}
