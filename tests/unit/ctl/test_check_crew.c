#include "ctl/check_crew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_check_crew_deals_its_connections_to_the_ways_in_turn(void **state)
{
    (void)state;
    static const struct check_way ways[3];
    struct check_crew crew = {.ways = ways, .way_count = 3, .connections = 8, .seconds = 5};
    assert_int_equal(check_crew_make(&crew), OUTCOME_OK);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(crew.workers[i].connection, i);
        assert_ptr_equal(crew.workers[i].way, &ways[i % 3]);
        assert_ptr_equal(crew.workers[i].load, &crew.load);
    }
    check_crew_fini(&crew);
    assert_null(crew.workers);
}

/* All connections together keep no more than there is memory for. */
static void test_check_crew_shares_the_room_and_the_time(void **state)
{
    (void)state;
    static const struct check_way ways[1];
    struct check_crew crew = {.ways = ways, .way_count = 1, .connections = 1000, .seconds = 5};
    assert_int_equal(check_crew_make(&crew), OUTCOME_OK);
    assert_int_equal(crew.load.takes_max, 16777);
    assert_int_equal(clock_elapsed(crew.load.start, crew.load.end), 5 * CLOCK_NS_PER_S);
    check_crew_fini(&crew);
}

/* Nothing was asked, and nothing is found. */
static void test_check_crew_judges_a_load_without_a_block(void **state)
{
    (void)state;
    static const struct check_way ways[1];
    struct check_verdict verdict;
    struct check_crew crew = {.ways = ways, .way_count = 1, .connections = 2, .seconds = 1};
    assert_int_equal(check_crew_make(&crew), OUTCOME_OK);
    assert_int_equal(check_crew_end(&crew, false), OUTCOME_OK);
    assert_int_equal(check_crew_judge(&crew, &verdict), OUTCOME_OK);
    assert_int_equal(verdict.attempted, 0);
    assert_true(check_verdict_is_good(&verdict));
    check_crew_fini(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_crew_deals_its_connections_to_the_ways_in_turn),
        cmocka_unit_test(test_check_crew_shares_the_room_and_the_time),
        cmocka_unit_test(test_check_crew_judges_a_load_without_a_block),
    };
    return cmocka_run_group_tests_name("check_crew", tests, NULL, NULL);
}
