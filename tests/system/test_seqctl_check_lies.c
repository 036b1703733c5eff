/* `seqctl check` against servers that break a promise, or say nothing that one could hold against
 * them. */
#include "held_port.h"
#include "liar.h"
#include "parrot.h"
#include "seqctl.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    struct parrot *parrot = parrot_start(
        NULL,
        PARROT_JSON("200 OK", "{\"first\":\"5\",\"last\":\"6\",\"count\":2,\"increment\":\"1\"}"));
    /* From the very first answer on, and always the same. */
    seqctl_expect(parrot_port(parrot), "check -c 1 --requests 2 -n 3 --json", 1, NULL,
                  "2 numbers duplicated, 1 answers disordered, 2 inexact");
    free(parrot_stop(parrot));
    expect(LIAR_SPREADS, "check -c 1 --requests 100 -n 5", 1, "\ninexact: asked for 5, got 5 from",
           "1 inexact");
}

/* What a wrong answer holds was given out all the same: it is no gap, and may not come again. */
static void test_seqctl_check_takes_the_numbers_of_a_wrong_answer(void **state)
{
    (void)state;
    struct liar_options options = {.first = 1, .fault = LIAR_SHORTENS, .every = 3};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), "check -c 4 --requests 400 -n 5 --json");
    assert_int_equal(run.status, 1);
    uint64_t wrong = seqctl_member(run.out, "inexact");
    assert_in_range(wrong, 100, 200);
    /* The fifth number of each, and of JSON the two in the middle; one went to another question. */
    assert_true(seqctl_member(run.out, "others") >= wrong - 1);
    assert_true(seqctl_member(run.out, "others") <= 3 * wrong + 1);
    assert_int_equal(seqctl_member(run.out, "duplicated"), 0);
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
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
    assert_int_equal(seqctl_member(earlier, "first"), seqctl_member(at, "number"));
    assert_int_equal(seqctl_member(later, "first"), seqctl_member(at, "number"));
    assert_true(seqctl_member(earlier, "sent_ns") < seqctl_member(earlier, "received_ns"));
    assert_true(seqctl_member(earlier, "received_ns") < seqctl_member(later, "sent_ns"));
    assert_int_equal(seqctl_member(later, "connection"), 0);
    assert_non_null(strstr(later, "\"way\":\"http://127.0.0.1:"));
    seqctl_free(&run);
    run = seqctl_run(liar_port(liar), "check -c 2 --requests 400 --json");
    assert_int_equal(run.status, 1);
    for (at = strstr(run.out, "\"way\":"); at != NULL; at = strstr(at + 1, "\"way\":")) {
        const char *connection = at - strlen("\"connection\":\"0\",");
        const char *form = strchr(at, '(');
        assert_memory_equal(form, connection[14] == '0' ? "(json)" : "(text)", 6);
    }
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
}

/* What is not known is not held against the server, and what cannot be checked is no verdict. */
static void test_seqctl_check_tells_doubt_from_guilt(void **state)
{
    (void)state;
    expect(LIAR_CUTS, "check -c 4 --requests 400 --through-restarts --json", 0, "\"info\":\"6\"",
           NULL);
    /* libcurl by itself would ask again, and nobody would know. */
    expect(LIAR_HANGS_UP, "check -c 4 --requests 400 --through-restarts --json", 0,
           "\"info\":\"6\"", NULL);
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
    assert_int_equal(seqctl_member(run.out, "attempted"), 5);
    assert_int_equal(seqctl_member(run.out, "ok"), 1);
    assert_int_equal(seqctl_member(run.out, "fail"), 4);
    assert_int_equal(seqctl_member(run.out, "lowest"), 5);
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
    struct parrot *parrot = parrot_start(NULL, PARROT_JSON("200 OK", "{}"));
    seqctl_expect(parrot_port(parrot), "check -d 3600", 7, "",
                  "success without a block of numbers");
    free(parrot_stop(parrot));
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
    struct held_port nobody = held_port_take();
    seqctl_expect(nobody.port, "check --through-restarts", 3, "", "no server answers at");
    held_port_free(&nobody);
    stage_close(&stage);
}

static void test_seqctl_check_tells_what_others_took(void **state)
{
    (void)state;
    struct liar_options options = {.first = 1, .fault = LIAR_SKIPS, .every = 10};
    struct liar *liar = liar_start(&options);
    struct seqctl_run run = seqctl_run(liar_port(liar), "check -c 4 --requests 400 --json");
    assert_int_equal(run.status, 0);
    uint64_t gaps = seqctl_member(run.out, "others");
    assert_in_range(gaps, 30, 50); /* and the number that the question for the kind took */
    assert_int_equal(seqctl_member(strstr(run.out, "\"gaps\""), "numbers"), gaps);
    assert_int_equal(seqctl_member(run.out, "unknown"), 0);
    assert_non_null(strstr(run.out, "\"kind\":null"));
    seqctl_free(&run);
    (void)liar_kill(liar); /* which number would have come does not matter */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seqctl_check_finds_a_server_that_lies),
        cmocka_unit_test(test_seqctl_check_takes_the_numbers_of_a_wrong_answer),
        cmocka_unit_test(test_seqctl_check_names_both_requests),
        cmocka_unit_test(test_seqctl_check_tells_doubt_from_guilt),
        cmocka_unit_test(test_seqctl_check_waits_out_a_server_that_is_not_ready),
        cmocka_unit_test(test_seqctl_check_refuses_what_it_cannot_do),
        cmocka_unit_test(test_seqctl_check_tells_what_others_took),
    };
    return cmocka_run_group_tests_name("seqctl_check_lies", tests, NULL, NULL);
}
