#include "liar.h"
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_MS 20000
#define CONNECTIONS 16
#define SINGLES 3000
#define BLOCKS 9000
#define EVERY 50

/* A load of single numbers and of blocks, both judged by one oracle; a crash may lose nothing. */
struct fixture {
    struct load_target targets[2];
    struct oracle *oracle;
    struct load *load;
};

/* `blocks`: how many numbers in blocks, 0 is no end. */
static void open_fixture(struct fixture *f, uint64_t blocks)
{
    struct oracle_options options = {.name = "numbers", .start = 1, .increment = 1};
    f->oracle = oracle_new(&options);
    f->targets[0] = (struct load_target){
        .connections = CONNECTIONS / 2, .count_max = 1, .numbers = SINGLES, .oracle = f->oracle};
    f->targets[1] = (struct load_target){.sequence = "numbers",
                                         .connections = CONNECTIONS / 2,
                                         .count_max = 20,
                                         .numbers = blocks,
                                         .oracle = f->oracle};
    struct load_options load = {.targets = f->targets, .target_count = 2, .seed = 1};
    f->load = load_start(&load);
}

static void close_fixture(struct fixture *f)
{
    load_free(f->load);
    oracle_free(f->oracle);
}

/* Run the load to its end against a liar, and judge what came. */
static enum load_state run_against(enum liar_fault fault, struct oracle_verdict *ret_verdict)
{
    struct fixture f;
    open_fixture(&f, BLOCKS);
    struct liar_options options = {.first = 1, .fault = fault, .every = EVERY};
    struct liar *liar = liar_start(&options);
    load_attach(f.load, liar_port(liar));
    enum load_state state = load_wait(f.load, TIMEOUT_MS);
    assert_true(load_detach(f.load, TIMEOUT_MS));
    (void)liar_kill(liar);
    (void)oracle_judge(f.oracle, ret_verdict);
    close_fixture(&f);
    return state;
}

static void test_load_receives_exactly_its_numbers(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_NONE, &v), LOAD_FINISHED);
    assert_int_equal(v.acknowledged, SINGLES + BLOCKS);
    assert_int_equal(v.attempted, SINGLES + BLOCKS);
    assert_int_equal(v.lowest, 1);
    assert_int_equal(v.highest, SINGLES + BLOCKS);
    assert_int_equal(v.duplicated + v.outside + v.unordered_connection + v.unordered_time, 0);
    assert_int_equal(v.lost, 0);
}

static void test_load_finds_a_server_that_repeats(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_REPEATS, &v), LOAD_FINISHED);
    assert_true(v.duplicated > 0);
}

static void test_load_finds_a_server_that_holds_numbers_back(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_HOLDS, &v), LOAD_FINISHED);
    assert_true(v.unordered_time > 0);
    assert_int_equal(v.duplicated, 0);
}

static void test_load_finds_a_server_that_skips(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_SKIPS, &v), LOAD_FINISHED);
    assert_true(v.lost > 0);
    assert_int_equal(v.gaps_above, 1);
}

static void test_load_fails_on_a_block_that_is_short(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_SHORTENS, &v), LOAD_FAILED);
}

static void test_load_fails_on_what_is_no_http(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_STAMMERS, &v), LOAD_FAILED);
}

/* Half an answer is none, and the numbers that it would have had are asked for again. */
static void test_load_takes_half_an_answer_for_none(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_CUTS, &v), LOAD_FINISHED);
    assert_int_equal(v.acknowledged, SINGLES + BLOCKS);
    assert_true(v.unanswered > 0);
    assert_int_equal(v.lost, v.unanswered);
    assert_int_equal(v.gaps_above, 0);
}

static void test_load_takes_a_refusal_for_nothing_taken(void **state)
{
    (void)state;
    struct oracle_verdict v;
    assert_int_equal(run_against(LIAR_REFUSES, &v), LOAD_FINISHED);
    assert_int_equal(v.acknowledged, SINGLES + BLOCKS);
    assert_true(v.refused > 0);
    assert_int_equal(v.attempted, v.acknowledged + v.refused);
    assert_int_equal(v.lost, 0);
}

/* A server that forgets half of what it gave is found by the next life's first numbers. */
static void test_load_goes_on_over_the_server_s_death(void **state)
{
    (void)state;
    for (int forgetful = 0; forgetful <= 1; forgetful++) {
        struct fixture f;
        open_fixture(&f, 0); /* stopped by death alone */
        int64_t next = 1;
        for (int life = 0; life < 3; life++) {
            struct liar_options options = {.first = next, .fault = LIAR_NONE};
            struct liar *liar = liar_start(&options);
            load_attach(f.load, liar_port(liar));
            struct load_progress before;
            struct load_progress now;
            load_progress(f.load, 1, &before);
            do {
                assert_int_not_equal(load_wait(f.load, 1), LOAD_FAILED);
                load_progress(f.load, 1, &now);
            } while (now.requests < before.requests + 100);
            next = liar_kill(liar) / (forgetful + 1);
            assert_int_equal(load_wait(f.load, TIMEOUT_MS), LOAD_REFUSED);
            assert_true(load_detach(f.load, TIMEOUT_MS));
            oracle_crash(f.oracle);
        }
        struct oracle_verdict v;
        assert_int_equal(oracle_judge(f.oracle, &v), !forgetful);
        assert_int_equal(v.duplicated > 0, forgetful);
        assert_int_equal(v.crashes, 3);
        close_fixture(&f);
    }
}

static void test_load_tells_of_a_server_that_falls_silent(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, BLOCKS);
    struct liar_options options = {.first = 1, .fault = LIAR_FALLS_SILENT, .every = 10};
    struct liar *liar = liar_start(&options);
    load_attach(f.load, liar_port(liar));
    struct load_progress one;
    struct load_progress other;
    do {
        assert_int_equal(load_wait(f.load, 1), LOAD_BUSY);
        load_progress(f.load, 0, &one);
        load_progress(f.load, 1, &other);
    } while (one.requests + other.requests < 10); /* so the tenth is unanswered */
    assert_false(load_detach(f.load, 50));
    (void)liar_kill(liar);
    struct oracle_verdict v;
    (void)oracle_judge(f.oracle, &v);
    assert_true(v.unanswered > 0);
    assert_int_equal(v.attempted, v.acknowledged + v.unanswered);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_receives_exactly_its_numbers),
        cmocka_unit_test(test_load_finds_a_server_that_repeats),
        cmocka_unit_test(test_load_finds_a_server_that_holds_numbers_back),
        cmocka_unit_test(test_load_finds_a_server_that_skips),
        cmocka_unit_test(test_load_fails_on_a_block_that_is_short),
        cmocka_unit_test(test_load_fails_on_what_is_no_http),
        cmocka_unit_test(test_load_takes_half_an_answer_for_none),
        cmocka_unit_test(test_load_takes_a_refusal_for_nothing_taken),
        cmocka_unit_test(test_load_goes_on_over_the_server_s_death),
        cmocka_unit_test(test_load_tells_of_a_server_that_falls_silent),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
