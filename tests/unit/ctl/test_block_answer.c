#include "ctl/block_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK(first, last, count, increment) \
    "{\"sequence\":\"x\",\"first\":\"" first "\",\"last\":\"" last "\",\"count\":" count \
    ",\"increment\":\"" increment "\"}\n"

static bool understand(const char *text, uint64_t count, struct block *ret_block)
{
    char body[512];
    (void)snprintf(body, sizeof body, "%s", text);
    struct answer answer = {.status = 200, .body = body, .length = strlen(body)};
    struct block block;
    if (!block_answer_read(&answer, &block) || !block_answer_is_exact(&block, count)) {
        return false;
    }
    *ret_block = block;
    return true;
}

static void test_block_answer_reads_blocks_exactly(void **state)
{
    (void)state;
    struct block block;
    assert_true(understand(BLOCK("9007199254740993", "9007199254740993", "1", "1"), 1, &block));
    assert_int_equal(block.first, 9007199254740993);
    assert_true(
        understand(BLOCK("9223372036854775798", "9223372036854775807", "10", "1"), 10, &block));
    assert_int_equal(block.last, INT64_MAX);
    assert_true(understand(BLOCK("-5", "-25", "3", "-10"), 3, &block));
    assert_int_equal(block.first, -5);
    assert_int_equal(block.last, -25);
    assert_int_equal(block.increment, -10);
}

static void test_block_answer_refuses_blocks_that_do_not_add_up(void **state)
{
    (void)state;
    struct block block = {.first = 77};
    static const struct {
        const char *body;
        uint64_t count;
    } cases[] = {
        {BLOCK("1", "3", "2", "1"), 2},
        {BLOCK("1", "3", "2", "1"), 3},
        {BLOCK("3", "1", "3", "1"), 3},
        {BLOCK("1", "3", "3", "-1"), 3},
        {BLOCK("1", "1", "1", "0"), 1},
        {BLOCK("1", "1", "2", "0"), 2},
        {BLOCK("9223372036854775808", "9223372036854775808", "1", "1"), 1},
        {BLOCK("1.0", "1", "1", "1"), 1},
        {BLOCK("1", "1", "\"1\"", "1"), 1},
        /* The sum wraps around to what looks right. */
        {BLOCK("9223372036854775807", "-9223372036854775808", "2", "1"), 2},
        {"{\"first\":1,\"last\":1,\"count\":1,\"increment\":\"1\"}", 1},
        {"{\"first\":\"1\"}", 1},
        {"[]", 1},
        {"1\n", 1},
        {"", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (understand(cases[i].body, cases[i].count, &block)) {
            fail_msg("taken for a block of %u: %s", (unsigned)cases[i].count, cases[i].body);
        }
    }
    assert_int_equal(block.first, 77);
}

static void test_block_answer_reads_lines_whole_or_not_at_all(void **state)
{
    (void)state;
    int64_t number = 0;
    const char *text = "-9223372036854775808\n9223372036854775807\n7";
    const char *at = text;
    assert_true(block_answer_line(&at, &number));
    assert_int_equal(number, INT64_MIN);
    assert_true(block_answer_line(&at, &number));
    assert_int_equal(number, INT64_MAX);
    assert_false(block_answer_line(&at, &number)); /* its end may be missing */
    assert_string_equal(at, "7");
    static const char *const wrong[] = {
        "", "\n", "7 \n", "x\n", "7.0\n", "9223372036854775808\n", "00000000000000000000001\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        at = wrong[i];
        if (block_answer_line(&at, &number) || at != wrong[i]) {
            fail_msg("taken for a number: %s", wrong[i]);
        }
    }
    assert_int_equal(number, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_answer_reads_blocks_exactly),
        cmocka_unit_test(test_block_answer_refuses_blocks_that_do_not_add_up),
        cmocka_unit_test(test_block_answer_reads_lines_whole_or_not_at_all),
    };
    return cmocka_run_group_tests_name("block_answer", tests, NULL, NULL);
}
