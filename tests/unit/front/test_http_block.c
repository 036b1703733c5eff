/* The text of a block: its bytes, their number, and pieces of any size. */
#include "chance.h"
#include "front/http_block.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 20000
#define COUNT_MAX 300

static struct block block_of(int64_t first, int64_t increment, uint64_t count)
{
    return (struct block){.first = first,
                          .last = definition_number(first, increment, count - 1),
                          .increment = increment,
                          .count = count};
}

/* The same text, made the slow way. Returns its length. */
static size_t spell(char *to, size_t size, const struct block *block)
{
    size_t length = 0;

    for (uint64_t i = 0; i < block->count; i++) {
        length += (size_t)snprintf(to + length, size - length, "%" PRId64 "\n",
                                   definition_number(block->first, block->increment, i));
        assert_true(length < size);
    }
    return length;
}

static void expect_text(const struct block *block)
{
    char spelt[COUNT_MAX * 24];
    char text[COUNT_MAX * 24];
    size_t length = spell(spelt, sizeof spelt, block);

    if (http_block_length(block) != length) {
        fail_msg("%" PRIu64 " from %" PRId64 " by %" PRId64 " have %zu bytes, not %" PRIu64,
                 block->count, block->first, block->increment, length, http_block_length(block));
    }
    if (block->count <= HTTP_BLOCK_SMALL) {
        assert_int_equal(http_block_write(text, block), length);
        assert_memory_equal(text, spelt, length);
    }
}

static void test_block_length_is_exact_where_digits_change(void **state)
{
    static const struct block blocks[] = {
        {0, 0, 1, 1},
        {1, 0, 1, 1},
        {-1, 0, 1, 1},
        {9, 0, 1, 2},
        {10, 0, -1, 2},
        {-9, 0, -1, 2},
        {-10, 0, 1, 2},
        {5, 0, -1, 11},
        {-5, 0, 1, 11},
        {95, 0, 1, 10},
        {999, 0, 1, 2},
        {INT64_MAX - 5, 0, 1, 6},
        {INT64_MAX, 0, -1, 6},
        {-INT64_MAX, 0, 1, 6},
        {-INT64_MAX + 5, 0, -1, 6},
        {INT64_MAX, 0, -INT64_MAX, 3},
        {-INT64_MAX, 0, INT64_MAX, 3},
        {INT64_C(999999999999999999), 0, 1, 3},
        {INT64_C(-999999999999999999), 0, -1, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct block block = block_of(blocks[i].first, blocks[i].increment, blocks[i].count);

        expect_text(&block);
    }
}

/* A block of random sign, size, step and count, within the numbers that there are. */
static struct block random_block(struct chance *chance)
{
    uint64_t count = 1 + chance_next(chance) % COUNT_MAX;
    int64_t first = (int64_t)(chance_next(chance) >> (chance_next(chance) % 64));
    int64_t increment =
        1 + (int64_t)((chance_next(chance) >> (1 + chance_next(chance) % 63)) / count);

    first = first < -INT64_MAX ? -INT64_MAX : first;
    first = (chance_next(chance) & 1) != 0 ? first : -first;
    increment = (chance_next(chance) & 1) != 0 ? increment : -increment;
    uint64_t room = increment > 0 ? (uint64_t)INT64_MAX - (uint64_t)first
                                  : (uint64_t)first + (uint64_t)INT64_MAX;
    uint64_t step = increment > 0 ? (uint64_t)increment : 0 - (uint64_t)increment;
    if (count - 1 > room / step) {
        count = room / step + 1;
    }
    return block_of(first, increment, count);
}

static void test_block_length_is_exact_for_any_block(void **state)
{
    struct chance chance = chance_from(chance_seed());

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct block block = random_block(&chance);

        expect_text(&block);
    }
}

/* Whatever the room, the pieces together are the text. */
static void test_block_pieces_make_up_the_text(void **state)
{
    struct chance chance = chance_from(chance_seed());
    char spelt[COUNT_MAX * 24];
    char text[COUNT_MAX * 24];

    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct block block = random_block(&chance);
        size_t whole = spell(spelt, sizeof spelt, &block);
        size_t most = 1 + chance_next(&chance) % 100;
        struct http_block_stream stream;
        size_t length = 0;
        size_t got = 0;

        http_block_stream_start(&stream, &block);
        do {
            size_t room = 1 + chance_next(&chance) % most;

            assert_true(length + room <= sizeof text || length == whole);
            got = http_block_stream_read(&stream, text + length, room);
            assert_true(got <= room);
            length += got;
        } while (got > 0);
        assert_int_equal(length, whole);
        assert_memory_equal(text, spelt, whole);
    }
}

static void test_block_length_of_the_largest_takes_no_time(void **state)
{
    struct block block = block_of(-INT64_MAX, 1, UINT64_MAX);
    uint64_t expected = 2; /* "0\n" */
    uint64_t power = 1;

    (void)state;
    for (uint64_t digits = 1; digits <= 19; digits++) {
        uint64_t numbers = digits < 19 ? power * 9 : (uint64_t)INT64_MAX - power + 1;

        expected += numbers * (digits + 1) + numbers * (digits + 2);
        power *= 10;
    }
    assert_int_equal(http_block_length(&block), expected); /* both modulo 2^64 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_length_is_exact_where_digits_change),
        cmocka_unit_test(test_block_length_is_exact_for_any_block),
        cmocka_unit_test(test_block_pieces_make_up_the_text),
        cmocka_unit_test(test_block_length_of_the_largest_takes_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
