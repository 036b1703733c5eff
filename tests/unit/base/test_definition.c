#include "base/definition.h"

#include "chance.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_DEFINITIONS 300000

/* Wide enough for every sum of positions and numbers: what the code under test must agree with. */
typedef __int128 wide;

static struct definition numbers(int64_t start, int64_t increment, int64_t min, int64_t max)
{
    struct definition definition = definition_default();
    definition.start = start;
    definition.increment = increment;
    definition.min = min;
    definition.max = max;
    return definition;
}

static void test_definition_default_is_what_the_header_says(void **state)
{
    (void)state;
    struct definition d = definition_default();
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    assert_true(d.start == 1 && d.increment == 1 && d.min == 1 && d.max == INT64_MAX);
    assert_int_equal(d.max_gap, SEQUENCE_MAX_GAP_DEFAULT);
    assert_int_equal(d.lease, SEQUENCE_LEASE_AUTO);
    assert_int_equal(d.durability, DURABILITY_LEASE);
    assert_true(definition_capacity(&d) == INT64_MAX);
    assert_true(definition_number(d.start, d.increment, INT64_MAX - 1) == INT64_MAX);
}

/* ---- what is refused, and how ---- */

static void test_definition_check_names_field_value_and_limit(void **state)
{
    (void)state;
    const struct definition good = definition_default();
    struct definition increment = good, min = good, crossed = good, start = good, no_gap = good,
                      gap = good, lease = good, durability = good;
    increment.increment = 0;
    min.min = INT64_MIN;
    crossed.min = 8;
    crossed.max = 7;
    start.start = 0;
    no_gap.max_gap = 0;
    gap.max_gap = SEQUENCE_MAX_GAP_MAX + 1;
    lease.max_gap = 50;
    lease.lease = 51;
    durability.durability = (enum durability)2;
    const struct {
        const struct definition *definition;
        const char *says[4];
    } cases[] = {
        {&increment, {"increment", "0"}},
        {&min, {"min", "-9223372036854775808", "-9223372036854775807"}},
        {&crossed, {"min is 8", "above max, 7"}},
        {&start, {"start is 0", "min 1", "max 9223372036854775807"}},
        {&no_gap, {"max_gap is 0", "1", "281474976710656"}},
        {&gap, {"max_gap is 281474976710657", "281474976710656"}},
        {&lease, {"lease is 51", "max_gap", "50"}},
        {&durability, {"durability", "lease", "every"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error_detail detail = {""};
        assert_int_equal(definition_check(cases[i].definition, &detail), ERR_INVALID);
        assert_int_equal(definition_check(cases[i].definition, NULL), ERR_INVALID);
        for (size_t j = 0; j < 4 && cases[i].says[j] != NULL; j++) {
            if (strstr(detail.text, cases[i].says[j]) == NULL) {
                fail_msg("'%s' does not say '%s'", detail.text, cases[i].says[j]);
            }
        }
    }
}

static void test_definition_check_accepts_what_stands_on_a_limit(void **state)
{
    (void)state;
    struct definition d = definition_default();
    d.max_gap = 1;
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    d.lease = 1;
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    d.max_gap = SEQUENCE_MAX_GAP_MAX;
    d.lease = SEQUENCE_MAX_GAP_MAX;
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    d.durability = DURABILITY_EVERY;
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    d = numbers(7, -3, 7, 7);
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    d = numbers(SEQUENCE_NUMBER_MIN, INT64_MIN, SEQUENCE_NUMBER_MIN, SEQUENCE_NUMBER_MAX);
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
}

static void test_definition_check_needs_the_start_within_min_and_max(void **state)
{
    (void)state;
    struct definition below = numbers(9, 1, 10, 20);
    struct definition above = numbers(21, 1, 10, 20);
    struct definition first = numbers(10, 1, 10, 20);
    struct definition last = numbers(20, 1, 10, 20);
    assert_int_equal(definition_check(&below, NULL), ERR_INVALID);
    assert_int_equal(definition_check(&above, NULL), ERR_INVALID);
    assert_int_equal(definition_check(&first, NULL), ERR_OK);
    assert_int_equal(definition_check(&last, NULL), ERR_OK);
}

/* ---- from position to number ---- */

static void test_definition_capacity_and_last_number_at_the_extremes(void **state)
{
    (void)state;
    const int64_t least = SEQUENCE_NUMBER_MIN;
    const int64_t most = SEQUENCE_NUMBER_MAX;
    const struct {
        struct definition definition;
        uint64_t capacity;
        int64_t last;
    } cases[] = {
        {numbers(least, 1, least, most), UINT64_MAX, most},
        {numbers(most, -1, least, most), UINT64_MAX, least},
        {numbers(0, 1, least, most), (UINT64_C(1) << 63), most},
        {numbers(0, -1, least, most), (UINT64_C(1) << 63), least},
        {numbers(most, 1, least, most), 1, most},
        {numbers(least, -1, least, most), 1, least},
        {numbers(5, 7, 5, 5), 1, 5},
        {numbers(0, INT64_MIN, least, most), 1, 0},
        {numbers(most, INT64_MIN, least, most), 2, -1},
        {numbers(least, INT64_MAX, least, most), 3, most},
        {numbers(most, -INT64_MAX, least, most), 3, least},
        {numbers(1, INT64_MAX, 1, most), 1, 1},
        {numbers(0, INT64_MAX, 0, most), 2, most},
        {numbers(1, 10, 1, 100), 10, 91},
        {numbers(1, 10, 1, 101), 11, 101},
        {numbers(100, -10, 1, 100), 10, 10},
        {numbers(100, -10, 10, 100), 10, 10},
        {numbers(100, -10, 11, 100), 9, 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct definition *d = &cases[i].definition;
        assert_int_equal(definition_check(d, NULL), ERR_OK);
        uint64_t capacity = definition_capacity(d);
        if (capacity != cases[i].capacity) {
            fail_msg("case %zu: capacity %" PRIu64 ", not %" PRIu64, i, capacity,
                     cases[i].capacity);
        }
        assert_true(definition_number(d->start, d->increment, 0) == d->start);
        assert_true(definition_number(d->start, d->increment, capacity - 1) == cases[i].last);
    }
}

/* One of the values where arithmetic goes wrong, or any. */
static int64_t awkward(struct chance *chance)
{
    uint64_t any = chance_next(chance);
    uint64_t power = UINT64_C(1) << chance_below(chance, 64);
    switch (chance_below(chance, 6)) {
    case 0:
        return (int64_t)any;
    case 1:
        return (int64_t)(power + chance_below(chance, 3) - 1);
    case 2:
        return (int64_t)(0 - power + chance_below(chance, 3) - 1);
    case 3:
        return (int64_t)((UINT64_C(1) << 63) + chance_below(chance, 7) - 3);
    case 4:
        return (int64_t)(chance_below(chance, 9) - 4);
    default:
        return (int64_t)any >> chance_below(chance, 64);
    }
}

static void swap_if_above(int64_t *a, int64_t *b)
{
    if (*a > *b) {
        int64_t a_was = *a;
        *a = *b;
        *b = a_was;
    }
}

/* Three times in four min, start and max are in order. */
static struct definition draw_definition(struct chance *chance)
{
    int64_t increment = awkward(chance);
    int64_t min = awkward(chance);
    int64_t start = awkward(chance);
    int64_t max = awkward(chance);
    if (chance_below(chance, 4) != 0) {
        swap_if_above(&min, &start);
        swap_if_above(&start, &max);
        swap_if_above(&min, &start);
    }
    return numbers(start, increment, min, max);
}

static bool is_number(const struct definition *d, wide value)
{
    return value >= d->min && value <= d->max;
}

static wide number_at(const struct definition *d, uint64_t position)
{
    return (wide)d->start + (wide)position * d->increment;
}

/* The count of positions is the greatest whose last number still lies within min and max, and every
 * position below it gives exactly start + position × increment. */
static bool agrees(const struct definition *d, uint64_t any)
{
    uint64_t capacity = definition_capacity(d);
    if (capacity == 0 || !is_number(d, number_at(d, capacity - 1)) ||
        is_number(d, number_at(d, capacity - 1) + d->increment)) {
        return false;
    }
    const uint64_t positions[] = {0, capacity / 2, capacity - 1, any % capacity};
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        wide number = number_at(d, positions[i]);
        if (!is_number(d, number) ||
            definition_number(d->start, d->increment, positions[i]) != number ||
            definition_number_at(d, positions[i]) != number ||
            definition_position_after(d, (int64_t)number) != positions[i] + 1) {
            return false;
        }
    }
    return true;
}

static void test_definition_agrees_with_arithmetic_of_128_bits(void **state)
{
    (void)state;
    struct chance chance = chance_from(chance_seed());
    size_t accepted = 0;
    for (size_t i = 0; i < RANDOM_DEFINITIONS; i++) {
        struct definition d = draw_definition(&chance);
        bool valid = d.increment != 0 && d.min >= SEQUENCE_NUMBER_MIN && d.min <= d.max &&
                     d.min <= d.start && d.start <= d.max;
        bool accepts = definition_check(&d, NULL) == ERR_OK;
        accepted += accepts ? 1 : 0;
        if (accepts != valid || (valid && !agrees(&d, chance_next(&chance)))) {
            fail_msg("definition %zu: start %" PRId64 ", increment %" PRId64 ", min %" PRId64
                     ", max %" PRId64 "%s",
                     i, d.start, d.increment, d.min, d.max, accepts ? "" : ": refused");
        }
    }
    assert_true(accepted > RANDOM_DEFINITIONS / 4);
}

/* A number between two of the sequence's, before the first and behind the last. */
static void test_definition_position_after_takes_any_number(void **state)
{
    (void)state;
    struct definition up = numbers(10, 5, 0, 31);      /* 10 15 20 25 30 */
    struct definition down = numbers(-10, -5, -21, 7); /* -10 -15 -20 */
    const struct {
        const struct definition *definition;
        int64_t number;
        uint64_t position;
    } cases[] = {
        {&up, INT64_MIN, 0}, {&up, 9, 0},     {&up, 10, 1},          {&up, 14, 1},
        {&up, 15, 2},        {&up, 29, 4},    {&up, 30, 5},          {&up, 31, 5},
        {&up, INT64_MAX, 5}, {&down, -9, 0},  {&down, -10, 1},       {&down, -14, 1},
        {&down, -15, 2},     {&down, -20, 3}, {&down, INT64_MIN, 3}, {&down, INT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(definition_position_after(cases[i].definition, cases[i].number) ==
                    cases[i].position);
    }
}

/* ---- the other kind ---- */

static void test_definition_default_timestamp_is_what_the_header_says(void **state)
{
    (void)state;
    struct definition d = definition_default_timestamp();
    struct layout layout = layout_default();
    assert_int_equal(definition_check(&d, NULL), ERR_OK);
    assert_true(layout_equal(&d.layout, &layout));
    assert_true(d.max_gap == UINT64_C(10000) << 12);
    assert_true(definition_capacity(&d) == UINT64_C(1) << 53);
    assert_true(definition_number_at(&d, UINT64_C(7) << 12 | 9) == (INT64_C(7) << 22 | 9));
    assert_true(definition_position_after(&d, INT64_C(7) << 22 | 9) == (UINT64_C(7) << 12 | 10));
    assert_true(definition_position_after(&d, -1) == 0);
    assert_true(definition_block_max(&d) == 4096);
    d = definition_default();
    assert_true(definition_block_max(&d) == UINT64_MAX);
    assert_true(definition_max_gap_default(&d) == SEQUENCE_MAX_GAP_DEFAULT);
}

static void test_definition_check_keeps_the_kinds_apart(void **state)
{
    (void)state;
    struct error_detail detail;
    struct definition counter = definition_default();
    const struct definition good = definition_default_timestamp();
    struct definition mixed[] = {good, good, good, good};
    counter.layout.node_id = 1;
    assert_int_equal(definition_check(&counter, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "belong to kind 'timestamp'"));
    mixed[0].start = 1;
    mixed[1].increment = 1;
    mixed[2].min = 1;
    mixed[3].max = 1;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(definition_check(&mixed[i], &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, "belong to kind 'counter'"));
    }
    struct definition wrong = good;
    wrong.layout.node_id = 32;
    assert_int_equal(definition_check(&wrong, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "node_id is 32"));
    wrong = good;
    wrong.kind = (enum sequence_kind)2;
    assert_int_equal(definition_check(&wrong, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "kind is neither"));
    assert_string_equal(sequence_kind_name(SEQUENCE_COUNTER), "counter");
    assert_string_equal(sequence_kind_name(SEQUENCE_TIMESTAMP), "timestamp");
    assert_string_equal(sequence_kind_name((enum sequence_kind)99), "unknown");
}

static void test_definition_describe_says_what_is_fixed(void **state)
{
    (void)state;
    char text[DEFINITION_TEXT_SIZE];
    struct definition d = numbers(INT64_MAX, INT64_MIN, SEQUENCE_NUMBER_MIN, INT64_MAX);
    definition_describe(&d, text);
    assert_string_equal(text, "start 9223372036854775807, increment -9223372036854775808, "
                              "min -9223372036854775807, max 9223372036854775807");
    d = definition_default_timestamp();
    definition_describe(&d, text);
    assert_string_equal(text, "kind timestamp, epoch 2024-01-01T00:00:00.000Z, time_unit 1ms, "
                              "machine_bits 5, node_bits 5, counter_bits 12");
}

/* A data directory that comes back with other ids, or another max_borrow, goes on. */
static void test_definition_same_numbers_lets_the_ids_change(void **state)
{
    (void)state;
    const struct definition a = definition_default_timestamp();
    struct definition b = a;
    b.layout.node_id = 3;
    b.layout.machine_id = 4;
    b.layout.max_borrow_ms = 5;
    assert_true(definition_same_numbers(&a, &b));
    assert_false(definition_equal(&a, &b));
    b = a;
    b.layout.epoch_ms++;
    assert_false(definition_same_numbers(&a, &b));
    b = a;
    b.kind = SEQUENCE_COUNTER;
    assert_false(definition_same_numbers(&a, &b));
}

/* ---- comparing ---- */

static void test_definition_same_numbers_looks_at_what_is_fixed_only(void **state)
{
    (void)state;
    const struct definition a = numbers(10, 2, 5, 100);
    struct definition tuned = a;
    tuned.max_gap = 7;
    tuned.lease = 3;
    tuned.durability = DURABILITY_EVERY;
    assert_true(definition_same_numbers(&a, &a));
    assert_true(definition_same_numbers(&a, &tuned));
    const struct definition others[] = {numbers(11, 2, 5, 100), numbers(10, 3, 5, 100),
                                        numbers(10, 2, 6, 100), numbers(10, 2, 5, 101)};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(definition_same_numbers(&a, &others[i]));
        assert_false(definition_same_numbers(&others[i], &a));
    }
}

static void test_definition_equal_looks_at_every_field(void **state)
{
    (void)state;
    const struct definition a = numbers(10, 2, 5, 100);
    struct definition others[] = {a, a, a, a, a, a, a};
    others[0].start = 11;
    others[1].increment = 3;
    others[2].min = 6;
    others[3].max = 101;
    others[4].max_gap = 7;
    others[5].lease = 3;
    others[6].durability = DURABILITY_EVERY;
    assert_true(definition_equal(&a, &a));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(definition_equal(&a, &others[i]));
    }
}

/* ---- names ---- */

/* The name in a block of exactly its length, so that a sanitizer sees whoever reads beyond it. */
static enum error check_name(const char *name, size_t length, struct error_detail *detail)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, name, length);
    enum error error = definition_check_name(exact, length, detail);
    free(exact);
    return error;
}

static void test_definition_name_takes_1_to_128_bytes(void **state)
{
    (void)state;
    char name[SEQUENCE_NAME_MAX + 2];
    struct error_detail detail = {""};
    memset(name, 'a', sizeof name);
    for (size_t length = 1; length <= SEQUENCE_NAME_MAX; length++) {
        assert_int_equal(check_name(name, length, &detail), ERR_OK);
    }
    assert_int_equal(check_name(name, 0, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "0 bytes"));
    assert_int_equal(check_name(name, SEQUENCE_NAME_MAX + 1, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "129"));
    assert_non_null(strstr(detail.text, "128"));
}

/* Every value of a byte, in the first place and in later ones. */
static void test_definition_name_takes_its_letters_only(void **state)
{
    (void)state;
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const size_t places[] = {0, 1, 64, SEQUENCE_NAME_MAX - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (int byte = 0; byte <= 255; byte++) {
            char name[SEQUENCE_NAME_MAX];
            memset(name, 'a', sizeof name);
            name[places[i]] = (char)byte;
            bool letter = byte != 0 && strchr(letters, byte) != NULL;
            bool inner = places[i] > 0 && (byte == '.' || byte == '_' || byte == '-');
            enum error expected = letter || inner ? ERR_OK : ERR_INVALID;
            if (check_name(name, sizeof name, NULL) != expected) {
                fail_msg("byte %d in place %zu: not %s", byte, places[i], error_name(expected));
            }
        }
    }
}

static void test_definition_name_ends_at_its_length_not_at_a_nul(void **state)
{
    (void)state;
    struct error_detail detail = {""};
    assert_int_equal(check_name("a\0b", 3, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "byte 1"));
    assert_non_null(strstr(detail.text, "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"));
    assert_int_equal(check_name("ab ", 2, NULL), ERR_OK);
}

static void test_durability_name_is_the_word_of_the_configuration(void **state)
{
    (void)state;
    assert_string_equal(durability_name(DURABILITY_LEASE), "lease");
    assert_string_equal(durability_name(DURABILITY_EVERY), "every");
    assert_non_null(durability_name((enum durability)99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition_default_is_what_the_header_says),
        cmocka_unit_test(test_definition_check_names_field_value_and_limit),
        cmocka_unit_test(test_definition_check_accepts_what_stands_on_a_limit),
        cmocka_unit_test(test_definition_check_needs_the_start_within_min_and_max),
        cmocka_unit_test(test_definition_capacity_and_last_number_at_the_extremes),
        cmocka_unit_test(test_definition_agrees_with_arithmetic_of_128_bits),
        cmocka_unit_test(test_definition_position_after_takes_any_number),
        cmocka_unit_test(test_definition_default_timestamp_is_what_the_header_says),
        cmocka_unit_test(test_definition_check_keeps_the_kinds_apart),
        cmocka_unit_test(test_definition_describe_says_what_is_fixed),
        cmocka_unit_test(test_definition_same_numbers_lets_the_ids_change),
        cmocka_unit_test(test_definition_same_numbers_looks_at_what_is_fixed_only),
        cmocka_unit_test(test_definition_equal_looks_at_every_field),
        cmocka_unit_test(test_definition_name_takes_1_to_128_bytes),
        cmocka_unit_test(test_definition_name_takes_its_letters_only),
        cmocka_unit_test(test_definition_name_ends_at_its_length_not_at_a_nul),
        cmocka_unit_test(test_durability_name_is_the_word_of_the_configuration),
    };
    return cmocka_run_group_tests_name("definition", tests, NULL, NULL);
}
