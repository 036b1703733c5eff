/* The judge against one that compares everything with everything, over random histories of right
 * servers and of liars, and each kind of violation planted by hand. */
#include "chance.h"
#include "ctl/check_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HISTORIES 5
#define TAKES_MAX 200
#define RANKS 400

static struct check_history histories[HISTORIES];
static struct check_verdict verdict;

static void forget(void)
{
    for (size_t i = 0; i < HISTORIES; i++) {
        check_history_free(&histories[i]);
    }
}

static int forget_all(void **state)
{
    (void)state;
    forget();
    return 0;
}

static void take(uint32_t connection, uint64_t low, uint32_t count, uint64_t sent, uint64_t ended)
{
    struct check_take taken = {.low = low,
                               .count = count,
                               .connection = connection,
                               .span = {.sent_ns = sent, .ended_ns = ended}};
    assert_int_equal(check_history_take(&histories[connection], &taken), ERR_OK);
    histories[connection].attempted++;
    histories[connection].answered++;
}

static void lose(uint32_t connection, uint64_t count, uint64_t sent, uint64_t ended)
{
    struct check_loss loss = {.count = count, .span = {.sent_ns = sent, .ended_ns = ended}};
    assert_int_equal(check_history_lose(&histories[connection], &loss), ERR_OK);
    histories[connection].attempted++;
}

static void miss(uint32_t connection, uint64_t from, uint64_t to)
{
    struct check_span outage = {.sent_ns = from, .ended_ns = to};
    assert_int_equal(check_history_miss(&histories[connection], &outage), ERR_OK);
}

static void judge(uint64_t step)
{
    assert_int_equal(check_judge(histories, HISTORIES, step, &verdict), ERR_OK);
}

/* ---- everything with everything ---- */

struct oracle {
    uint64_t numbers, duplicated, disordered, strayed, missing, lowest, highest;
};

static uint64_t high_of(const struct check_take *taken, uint64_t step)
{
    return taken->low + (taken->count - 1) * step;
}

static const struct check_take *all[TAKES_MAX];

static size_t gather(void)
{
    size_t count = 0;
    for (size_t i = 0; i < HISTORIES; i++) {
        for (size_t j = 0; j < histories[i].take_count; j++) {
            assert_true(count < TAKES_MAX);
            all[count++] = &histories[i].takes[j];
        }
    }
    return count;
}

static struct oracle ask_oracle(uint64_t step)
{
    struct oracle oracle = {.lowest = UINT64_MAX};
    unsigned seen[RANKS] = {0};
    size_t count = gather();
    uint64_t grid = count > 0 ? all[0]->low % step : 0;
    uint64_t lowest = UINT64_MAX; /* on the grid */
    uint64_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        bool later = false;
        for (size_t j = 0; j < count; j++) {
            later = later || (all[j]->span.ended_ns < all[i]->span.sent_ns &&
                              high_of(all[j], step) > all[i]->low);
        }
        oracle.disordered += later ? 1 : 0;
        oracle.strayed += all[i]->low % step != grid ? 1 : 0;
        for (uint64_t k = 0; k < all[i]->count; k++) {
            uint64_t rank = all[i]->low + k * step;
            assert_true(rank < RANKS);
            oracle.numbers++;
            oracle.duplicated += seen[rank]++ > 0 ? 1 : 0;
            oracle.lowest = rank < oracle.lowest ? rank : oracle.lowest;
            oracle.highest = rank > oracle.highest ? rank : oracle.highest;
            if (rank % step == grid) {
                lowest = rank < lowest ? rank : lowest;
                highest = rank > highest ? rank : highest;
            }
        }
    }
    for (uint64_t rank = lowest; rank < highest; rank += step) {
        oracle.missing += seen[rank] == 0 ? 1 : 0;
    }
    return oracle;
}

static void compare(uint64_t step, uint64_t seed)
{
    struct oracle oracle = ask_oracle(step);
    judge(step);
    const struct check_gaps *gaps = &verdict.gaps;
    bool same = verdict.numbers == oracle.numbers && verdict.duplicated == oracle.duplicated &&
                verdict.disordered == oracle.disordered && verdict.strayed == oracle.strayed &&
                gaps->numbers == oracle.missing &&
                gaps->numbers == gaps->unknown + gaps->restarts + gaps->others &&
                (oracle.numbers == 0 ||
                 (verdict.lowest == oracle.lowest && verdict.highest == oracle.highest));
    if (!same) {
        fail_msg("SEED=%llu step %llu: judge and oracle differ: duplicated %llu %llu, disordered "
                 "%llu %llu, strayed %llu %llu, gaps %llu %llu",
                 (unsigned long long)seed, (unsigned long long)step,
                 (unsigned long long)verdict.duplicated, (unsigned long long)oracle.duplicated,
                 (unsigned long long)verdict.disordered, (unsigned long long)oracle.disordered,
                 (unsigned long long)verdict.strayed, (unsigned long long)oracle.strayed,
                 (unsigned long long)gaps->numbers, (unsigned long long)oracle.missing);
    }
}

/* Anything at all, within few numbers and few moments, so that all sorts of things coincide. */
static void fill_at_random(struct chance *chance, uint64_t step)
{
    uint64_t ranks = 2 + chance_below(chance, 80);
    uint64_t moments = 1 + chance_below(chance, 20);
    uint64_t most = 1 + chance_below(chance, 12);
    for (uint32_t i = 0; i < HISTORIES; i++) {
        uint64_t now = chance_below(chance, 5);
        for (uint64_t n = chance_below(chance, most); n > 0; n--) {
            uint64_t ended = now + chance_below(chance, moments);
            take(i, chance_below(chance, ranks) * (chance_below(chance, 8) == 0 ? 1 : step),
                 (uint32_t)(1 + chance_below(chance, 4)), now, ended);
            now = ended + chance_below(chance, 3);
        }
    }
}

static void test_check_judge_agrees_with_an_oracle(void **state)
{
    (void)state;
    uint64_t seed = chance_seed();
    struct chance chance = chance_from(seed);
    uint64_t found = 0;
    for (unsigned i = 0; i < 20000; i++) {
        /* With two steps there are two grids, so that strays are judged exactly, too. */
        uint64_t step = 1 + chance_below(&chance, 2);
        fill_at_random(&chance, step);
        compare(step, seed);
        found += check_verdict_is_good(&verdict) ? 0 : 1;
        forget();
    }
    assert_in_range(found, 1000, 19000); /* of both kinds there were enough */
}

/* A right server: it issues at a moment within the request; some answers are lost, and some numbers
 * are taken by others. */
static void fill_rightly(struct chance *chance, uint64_t step)
{
    uint64_t next = step;
    uint64_t begun[HISTORIES] = {0};
    for (uint64_t moment = 10; moment < 400 && next < 300; moment += 1 + chance_below(chance, 9)) {
        uint32_t i = (uint32_t)chance_below(chance, HISTORIES + 1);
        uint32_t count = (uint32_t)(1 + chance_below(chance, 3));
        uint64_t low = next;
        next += count * step;
        if (i == HISTORIES || begun[i] > moment) {
            continue; /* by others */
        }
        uint64_t sent = begun[i] + chance_below(chance, moment - begun[i] + 1);
        uint64_t ended = moment + chance_below(chance, 30);
        if (chance_below(chance, 8) == 0) {
            lose(i, count, sent, ended);
        } else {
            take(i, low, count, sent, ended);
        }
        begun[i] = ended;
    }
}

static void test_check_judge_finds_a_right_server_right(void **state)
{
    (void)state;
    uint64_t seed = chance_seed();
    struct chance chance = chance_from(seed);
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t step = 1 + chance_below(&chance, 2);
        fill_rightly(&chance, step);
        compare(step, seed);
        if (!check_verdict_is_good(&verdict)) {
            fail_msg("SEED=%llu: a right server is found wrong", (unsigned long long)seed);
        }
        forget();
    }
}

/* ---- one violation each ---- */

static void test_check_judge_finds_a_repeat_on_one_connection(void **state)
{
    (void)state;
    take(0, 10, 1, 0, 1);
    take(0, 11, 1, 2, 3);
    take(0, 11, 1, 4, 5);
    judge(1);
    assert_int_equal(verdict.duplicated, 1);
    assert_int_equal(verdict.repeats, 1);
    assert_int_equal(verdict.disordered, 0); /* 11 is not below 11 */
    assert_int_equal(verdict.duplicates[0].rank, 11);
    assert_int_equal(verdict.duplicates[0].earlier.span.ended_ns, 3);
    assert_int_equal(verdict.duplicates[0].later.span.ended_ns, 5);
    assert_false(check_verdict_is_good(&verdict));
}

static void test_check_judge_finds_a_repeat_across_connections_and_a_restart(void **state)
{
    (void)state;
    take(0, 1, 10, 0, 1);
    take(3, 11, 10, 2, 3);
    miss(3, 4, 8);
    lose(3, 10, 4, 5);
    take(1, 19, 5, 9, 10); /* a lease that was forgotten */
    judge(1);
    assert_int_equal(verdict.duplicated, 2);
    assert_int_equal(verdict.duplicates[0].rank, 19);
    assert_int_equal(verdict.duplicates[0].earlier.connection, 3);
    assert_int_equal(verdict.duplicates[0].later.connection, 1);
    assert_int_equal(verdict.disordered, 1);
    assert_int_equal(verdict.outages, 1);
    assert_int_equal(verdict.unknown, 1);
    assert_int_equal(verdict.attempted, 4);
}

/* Three times the same is two more than there should be; within a block each number counts. */
static void test_check_judge_counts_every_repeated_number(void **state)
{
    (void)state;
    take(0, 0, 10, 0, 9);
    take(1, 2, 2, 0, 9);
    take(2, 5, 8, 0, 9);
    judge(1);
    assert_int_equal(verdict.numbers, 20);
    assert_int_equal(verdict.duplicated, 7);
    assert_int_equal(verdict.repeats, 2);
    forget();
    for (uint32_t i = 0; i < HISTORIES; i++) {
        take(i, 7, 1, 0, 9);
    }
    judge(1);
    assert_int_equal(verdict.duplicated, HISTORIES - 1);
}

/* What ends when the other begins has no order; one nanosecond before, it has. */
static void test_check_judge_finds_a_wrong_order_by_one_nanosecond(void **state)
{
    (void)state;
    take(0, 20, 1, 0, 1000000000);
    take(1, 19, 1, 1000000000, 1000000005);
    judge(1);
    assert_int_equal(verdict.disordered, 0);
    assert_true(check_verdict_is_good(&verdict));
    forget();
    take(0, 20, 1, 0, 1000000000);
    take(1, 19, 1, 1000000001, 1000000005);
    judge(1);
    assert_int_equal(verdict.disordered, 1);
    assert_int_equal(verdict.duplicated, 0);
    assert_int_equal(verdict.disorders[0].rank, 20);
    assert_int_equal(verdict.disorders[0].earlier.connection, 0);
    assert_int_equal(verdict.disorders[0].later.low, 19);
    assert_false(check_verdict_is_good(&verdict));
}

static void test_check_judge_finds_a_block_within_which_another_was_answered(void **state)
{
    (void)state;
    take(0, 10, 10, 0, 1);
    take(1, 12, 1, 2, 3); /* above the first of the block, and below its last */
    judge(1);
    assert_int_equal(verdict.disordered, 1);
    assert_int_equal(verdict.duplicated, 1);
}

static void test_check_judge_finds_numbers_off_the_grid(void **state)
{
    (void)state;
    take(0, 5, 3, 0, 1); /* 5 15 25 */
    take(1, 36, 1, 2, 3);
    take(1, 45, 1, 4, 5);
    take(2, 36, 1, 2, 3);
    judge(10);
    assert_int_equal(verdict.strayed, 2);
    assert_int_equal(verdict.strays[0].low, 36);
    assert_int_equal(verdict.duplicated, 1);
    assert_int_equal(verdict.gaps.numbers, 1); /* 35 */
    forget();
    take(0, 5, 1, 0, 1);
    take(0, 36, 3, 2, 3); /* 36 46 56 */
    take(0, 42, 1, 2, 3); /* between them, and none of them */
    judge(10);
    assert_int_equal(verdict.strayed, 2);
    assert_int_equal(verdict.duplicated, 0);
    assert_int_equal(verdict.disordered, 0);
    assert_false(check_verdict_is_good(&verdict)); /* for that alone */
}

static void test_check_judge_finds_an_answer_of_another_count(void **state)
{
    (void)state;
    take(0, 1, 1, 0, 1);
    histories[2].wrong_count = 2;
    histories[2].wrong = (struct check_wrong){.span = {7, 9}, .connection = 2, .what = "later"};
    histories[3].wrong_count = 1;
    histories[3].wrong = (struct check_wrong){.span = {3, 4}, .connection = 3, .what = "first"};
    histories[4].wrong_count = 1;
    histories[4].wrong = (struct check_wrong){.span = {5, 6}, .connection = 4, .what = "later"};
    judge(1);
    assert_int_equal(verdict.wrong, 4);
    assert_string_equal(verdict.first_wrong.what, "first");
    assert_false(check_verdict_is_good(&verdict));
}

/* ---- gaps ---- */

static void test_check_judge_explains_gaps(void **state)
{
    (void)state;
    take(0, 1, 1, 0, 10);
    lose(1, 2, 5, 15);     /* may have 2 and 3 */
    take(0, 6, 1, 20, 30); /* 2 to 5 are missing */
    miss(1, 40, 50);
    lose(2, 1, 41, 45);
    take(0, 106, 1, 51, 60); /* 7 to 105 */
    take(0, 109, 1, 70, 80); /* 107 and 108: nothing happened there */
    judge(1);
    assert_int_equal(verdict.gaps.numbers, 4 + 99 + 2);
    assert_int_equal(verdict.gaps.unknown, 2 + 1);
    assert_int_equal(verdict.gaps.restarts, 98);
    assert_int_equal(verdict.gaps.others, 2 + 2);
    assert_true(check_verdict_is_good(&verdict)); /* gaps are no violation */
}

/* A loss explains as many numbers as it asked for, however many gaps are beside it. */
static void test_check_judge_uses_a_loss_once(void **state)
{
    (void)state;
    lose(1, 3, 0, 100);
    for (uint64_t i = 0; i < 5; i++) {
        take(0, 2 * i, 1, 10 * i, 10 * i + 5);
    }
    judge(1);
    assert_int_equal(verdict.gaps.numbers, 4);
    assert_int_equal(verdict.gaps.unknown, 3);
    assert_int_equal(verdict.gaps.others, 1);
    forget();
    lose(1, 9, 0, 4);   /* before the number below the gap was asked for */
    lose(2, 9, 46, 50); /* after the number above it was received */
    take(0, 1, 1, 5, 10);
    take(0, 3, 1, 40, 45);
    judge(1);
    assert_int_equal(verdict.gaps.unknown, 0);
    assert_int_equal(verdict.gaps.others, 1);
}

static void test_check_judge_counts_an_outage_that_many_saw_once(void **state)
{
    (void)state;
    take(0, 1, 1, 0, 1);
    miss(0, 10, 20);
    miss(1, 15, 30);
    miss(2, 30, 31);
    miss(3, 12, 13);
    miss(0, 40, 50);
    judge(1);
    assert_int_equal(verdict.outages, 2);
}

/* ---- the ends of 64 bits ---- */

static void test_check_judge_bears_the_widest_range(void **state)
{
    (void)state;
    take(0, check_rank(INT64_MIN, false), 1, 0, 1);
    take(0, check_rank(INT64_MAX, false), 1, 2, 3);
    judge(1);
    assert_int_equal(verdict.gaps.numbers, UINT64_MAX - 1);
    assert_int_equal(check_number(verdict.lowest, false), INT64_MIN);
    assert_int_equal(check_number(verdict.highest, false), INT64_MAX);
    assert_true(check_verdict_is_good(&verdict));
    forget();
    /* Two numbers as far apart as an increment can be. */
    take(0, check_rank(INT64_MAX, true), 2, 0, 1);
    judge(check_step(INT64_MIN));
    assert_int_equal(check_number(verdict.highest, true), -1);
    assert_int_equal(verdict.numbers, 2);
}

static void test_check_judge_ranks_rise_with_the_sequence(void **state)
{
    (void)state;
    static const int64_t numbers[] = {INT64_MIN, -7, -1, 0, 1, 42, INT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(check_number(check_rank(numbers[i], false), false), numbers[i]);
        assert_int_equal(check_number(check_rank(numbers[i], true), true), numbers[i]);
        if (i > 0) {
            assert_true(check_rank(numbers[i], false) > check_rank(numbers[i - 1], false));
            assert_true(check_rank(numbers[i], true) < check_rank(numbers[i - 1], true));
        }
    }
    assert_int_equal(check_rank(-1, true) - check_rank(0, true), 1);
    assert_int_equal(check_step(-10), 10);
    assert_int_equal(check_step(INT64_MIN), UINT64_C(1) << 63);
}

static void test_check_judge_says_nothing_of_nothing(void **state)
{
    (void)state;
    judge(1);
    assert_int_equal(verdict.numbers, 0);
    assert_int_equal(verdict.attempted, 0);
    assert_true(check_verdict_is_good(&verdict));
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_check_judge_agrees_with_an_oracle),
        TEST(test_check_judge_finds_a_right_server_right),
        TEST(test_check_judge_finds_a_repeat_on_one_connection),
        TEST(test_check_judge_finds_a_repeat_across_connections_and_a_restart),
        TEST(test_check_judge_counts_every_repeated_number),
        TEST(test_check_judge_finds_a_wrong_order_by_one_nanosecond),
        TEST(test_check_judge_finds_a_block_within_which_another_was_answered),
        TEST(test_check_judge_finds_numbers_off_the_grid),
        TEST(test_check_judge_finds_an_answer_of_another_count),
        TEST(test_check_judge_explains_gaps),
        TEST(test_check_judge_uses_a_loss_once),
        TEST(test_check_judge_counts_an_outage_that_many_saw_once),
        TEST(test_check_judge_bears_the_widest_range),
        TEST(test_check_judge_ranks_rise_with_the_sequence),
        TEST(test_check_judge_says_nothing_of_nothing),
    };
    return cmocka_run_group_tests_name("check_judge", tests, NULL, NULL);
}
