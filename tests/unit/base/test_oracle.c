#include "oracle.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A sequence 1, 2, 3 … of which a crash may lose 10, and two connections that draw from it. */
struct fixture {
    struct oracle *oracle;
    uint64_t connections[2];
};

static void open_fixture(struct fixture *fixture, int64_t start, int64_t increment)
{
    struct oracle_options options = {
        .name = "numbers", .start = start, .increment = increment, .capacity = 1000, .max_gap = 10};
    *fixture = (struct fixture){.oracle = oracle_new(&options)};
}

/* Connection `who` asks and is answered with the numbers from `first` to `last` at once. */
static void take(struct fixture *fixture, int who, int64_t first, int64_t last, uint64_t count)
{
    struct oracle_answer answer = {
        .first = first,
        .last = last,
        .count = count,
        .sent_after = oracle_send(fixture->oracle, count),
        .connection_after = &fixture->connections[who],
    };
    oracle_acknowledge(fixture->oracle, &answer);
}

/* Each number from `first` to `last`, one after another. */
static void take_each(struct fixture *fixture, int64_t first, int64_t last)
{
    for (int64_t number = first; number <= last; number++) {
        take(fixture, 0, number, number, 1);
    }
}

static void lose(struct fixture *fixture, uint64_t count)
{
    (void)oracle_send(fixture->oracle, count);
    oracle_lose(fixture->oracle, count);
}

/* The verdict, which must be good or not as `good` says. */
static struct oracle_verdict verdict(struct fixture *fixture, bool good)
{
    struct oracle_verdict verdict;
    assert_int_equal(oracle_judge(fixture->oracle, &verdict), good);
    return verdict;
}

static void test_oracle_passes_what_is_right(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 1, 1, 1);
    take(&f, 1, 2, 5, 4);
    take(&f, 0, 6, 6, 1);
    struct oracle_verdict v = verdict(&f, true);
    assert_int_equal(v.attempted, 6);
    assert_int_equal(v.acknowledged, 6);
    assert_int_equal(v.lowest, 1);
    assert_int_equal(v.highest, 6);
    assert_int_equal(v.lost, 0);
    oracle_free(f.oracle);
}

static void test_oracle_finds_a_number_that_came_twice(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 1, 1, 1);
    take(&f, 1, 1, 1, 1);
    assert_int_equal(verdict(&f, false).duplicated, 1);
    oracle_free(f.oracle);
}

static void test_oracle_finds_each_number_of_two_blocks_that_overlap(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 1, 100, 100);
    take(&f, 1, 98, 103, 6);
    assert_int_equal(verdict(&f, false).duplicated, 3);
    oracle_free(f.oracle);
}

/* What came before a crash must not come again after it, nor after a clean stop. */
static void test_oracle_remembers_over_lives(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 1, 4, 4);
    oracle_crash(f.oracle);
    f.connections[0] = 0;
    take(&f, 0, 4, 4, 1);
    oracle_stop(f.oracle);
    f.connections[0] = 0;
    take(&f, 0, 3, 3, 1);
    assert_int_equal(verdict(&f, false).duplicated, 2);
    oracle_free(f.oracle);
}

static void test_oracle_finds_numbers_that_the_sequence_does_not_have(void **state)
{
    (void)state;
    static const int64_t wrong[] = {0, -1, INT64_MIN, INT64_MAX, 3001, 2, 3};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fixture f;
        open_fixture(&f, 1, 3); /* 1, 4 … 2998 */
        take(&f, 0, wrong[i], wrong[i], 1);
        assert_int_equal(verdict(&f, false).outside, 1);
        oracle_free(f.oracle);
    }
}

static void test_oracle_finds_a_block_that_is_not_its_count(void **state)
{
    (void)state;
    static const struct {
        int64_t first, last;
    } wrong[] = {{1, 4}, {1, 6}, {5, 1}, {1, 1001}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fixture f;
        open_fixture(&f, 1, 1);
        take(&f, 0, wrong[i].first, wrong[i].last, 5);
        assert_int_equal(verdict(&f, false).outside, 1);
        oracle_free(f.oracle);
    }
}

static void test_oracle_follows_a_descending_sequence(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 5, -3);
    take(&f, 0, 5, 2, 2);
    take(&f, 0, -1, -1, 1);
    struct oracle_verdict v = verdict(&f, true);
    assert_int_equal(v.lowest, 5);
    assert_int_equal(v.highest, -1);
    take(&f, 1, 2, 2, 1);
    take(&f, 1, -3, -3, 1);
    v = verdict(&f, false);
    assert_int_equal(v.duplicated, 1);
    assert_int_equal(v.outside, 1);
    oracle_free(f.oracle);
}

static void test_oracle_finds_a_connection_that_goes_back(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    uint64_t sent = oracle_send(f.oracle, 1); /* both are on their way at once */
    take(&f, 0, 2, 2, 1);
    struct oracle_answer late = {.first = 1,
                                 .last = 1,
                                 .count = 1,
                                 .sent_after = sent,
                                 .connection_after = &f.connections[0]};
    oracle_acknowledge(f.oracle, &late);
    struct oracle_verdict v = verdict(&f, false);
    assert_int_equal(v.unordered_connection, 1);
    assert_int_equal(v.unordered_time, 0);
    oracle_free(f.oracle);
}

/* Connection 1 sends after connection 0 was answered with 2, and is answered with 1. */
static void test_oracle_finds_an_answer_below_what_came_before_its_request(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 2, 2, 1);
    take(&f, 1, 1, 1, 1);
    struct oracle_verdict v = verdict(&f, false);
    assert_int_equal(v.unordered_time, 1);
    assert_int_equal(v.unordered_connection, 0);
    oracle_free(f.oracle);
}

/* Requests that were on their way together may be answered in any order. */
static void test_oracle_allows_any_order_among_requests_that_overlap(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    uint64_t sent = oracle_send(f.oracle, 1);
    take(&f, 0, 2, 2, 1);
    struct oracle_answer answer = {.first = 1,
                                   .last = 1,
                                   .count = 1,
                                   .sent_after = sent,
                                   .connection_after = &f.connections[1]};
    oracle_acknowledge(f.oracle, &answer);
    (void)verdict(&f, true);
    oracle_free(f.oracle);
}

static void test_oracle_lets_a_crash_lose_max_gap_and_no_more(void **state)
{
    (void)state;
    for (int64_t lost = 10; lost <= 11; lost++) {
        struct fixture f;
        open_fixture(&f, 1, 1);
        take_each(&f, 1, 20);
        oracle_crash(f.oracle);
        f.connections[0] = 0;
        take_each(&f, 21 + lost, 60);
        struct oracle_verdict v = verdict(&f, lost == 10);
        assert_int_equal(v.gap_max, lost);
        assert_int_equal(v.lost, lost);
        assert_int_equal(v.lost_cleanly, 0);
        assert_int_equal(v.gaps_above, lost == 10 ? 0 : 1);
        oracle_free(f.oracle);
    }
}

/* Two crashes may not lend each other what they did not lose. */
static void test_oracle_judges_each_crash_by_itself(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take_each(&f, 1, 5);
    oracle_crash(f.oracle);
    f.connections[0] = 0;
    take_each(&f, 6, 9);
    oracle_crash(f.oracle);
    f.connections[0] = 0;
    take_each(&f, 25, 30); /* 15 lost */
    struct oracle_verdict v = verdict(&f, false);
    assert_int_equal(v.crashes, 2);
    assert_int_equal(v.gaps_above, 1);
    oracle_free(f.oracle);
}

/* Three lives of which the middle one answered nothing: the gap between may be that of two. */
static void test_oracle_adds_the_gaps_of_lives_without_numbers(void **state)
{
    (void)state;
    for (int64_t lost = 20; lost <= 21; lost++) {
        struct fixture f;
        open_fixture(&f, 1, 1);
        take_each(&f, 1, 5);
        oracle_crash(f.oracle);
        oracle_crash(f.oracle);
        f.connections[0] = 0;
        take_each(&f, 6 + lost, 30);
        (void)verdict(&f, lost == 20);
        oracle_free(f.oracle);
    }
}

/* Unanswered requests may have taken their count in the life that the crash ended, and at the very
 * beginning of the next. */
static void test_oracle_allows_for_requests_that_a_crash_left_unanswered(void **state)
{
    (void)state;
    for (int64_t lost = 17; lost <= 18; lost++) {
        struct fixture f;
        open_fixture(&f, 1, 1);
        take_each(&f, 1, 5);
        lose(&f, 4);
        oracle_crash(f.oracle);
        f.connections[0] = 0;
        take_each(&f, 6 + lost, 30);
        lose(&f, 3);
        oracle_crash(f.oracle);
        struct oracle_verdict v = verdict(&f, lost == 17);
        assert_int_equal(v.gap_max, lost);
        assert_int_equal(v.gap_max_leased, lost - 7);
        oracle_free(f.oracle);
    }
}

static void test_oracle_lets_a_clean_stop_lose_nothing(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take_each(&f, 1, 5);
    lose(&f, 3); /* cut off by the stop: it may not have been numbered */
    oracle_stop(f.oracle);
    f.connections[0] = 0;
    take_each(&f, 6, 9);
    (void)verdict(&f, true);
    lose(&f, 3);
    oracle_stop(f.oracle);
    f.connections[0] = 0;
    take_each(&f, 11, 12);
    struct oracle_verdict v = verdict(&f, false);
    assert_int_equal(v.stops, 2);
    assert_int_equal(v.lost_cleanly, 1);
    assert_int_equal(v.gaps_above, 1);
    oracle_free(f.oracle);
}

/* A hole inside one life is a lost number, whatever a crash may lose. */
static void test_oracle_finds_a_hole_within_a_life(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take_each(&f, 1, 5);
    take_each(&f, 7, 9);
    assert_int_equal(verdict(&f, false).lost, 1);
    oracle_free(f.oracle);
}

static void test_oracle_finds_a_first_life_that_does_not_begin_at_the_start(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take_each(&f, 3, 5);
    struct oracle_verdict v = verdict(&f, false);
    assert_int_equal(v.lost, 2);
    assert_int_equal(v.gaps_above, 1);
    oracle_free(f.oracle);
}

static void test_oracle_counts_a_refusal_as_nothing_taken(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, 1, 1);
    take(&f, 0, 1, 1, 1);
    (void)oracle_send(f.oracle, 50);
    oracle_refuse(f.oracle, 50);
    take(&f, 0, 2, 2, 1);
    struct oracle_verdict v = verdict(&f, true);
    assert_int_equal(v.attempted, 52);
    assert_int_equal(v.refused, 50);
    assert_int_equal(v.acknowledged, 2);
    oracle_free(f.oracle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle_passes_what_is_right),
        cmocka_unit_test(test_oracle_finds_a_number_that_came_twice),
        cmocka_unit_test(test_oracle_finds_each_number_of_two_blocks_that_overlap),
        cmocka_unit_test(test_oracle_remembers_over_lives),
        cmocka_unit_test(test_oracle_finds_numbers_that_the_sequence_does_not_have),
        cmocka_unit_test(test_oracle_finds_a_block_that_is_not_its_count),
        cmocka_unit_test(test_oracle_follows_a_descending_sequence),
        cmocka_unit_test(test_oracle_finds_a_connection_that_goes_back),
        cmocka_unit_test(test_oracle_finds_an_answer_below_what_came_before_its_request),
        cmocka_unit_test(test_oracle_allows_any_order_among_requests_that_overlap),
        cmocka_unit_test(test_oracle_lets_a_crash_lose_max_gap_and_no_more),
        cmocka_unit_test(test_oracle_judges_each_crash_by_itself),
        cmocka_unit_test(test_oracle_adds_the_gaps_of_lives_without_numbers),
        cmocka_unit_test(test_oracle_allows_for_requests_that_a_crash_left_unanswered),
        cmocka_unit_test(test_oracle_lets_a_clean_stop_lose_nothing),
        cmocka_unit_test(test_oracle_finds_a_hole_within_a_life),
        cmocka_unit_test(test_oracle_finds_a_first_life_that_does_not_begin_at_the_start),
        cmocka_unit_test(test_oracle_counts_a_refusal_as_nothing_taken),
    };
    return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
