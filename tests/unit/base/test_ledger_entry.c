/* A row of the ledger: which numbers it is about, and its id as text. */
#include "base/ledger_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ledger_entry counter_row(int64_t start, int64_t increment, struct range positions)
{
    struct definition definition = definition_default();

    definition.start = start;
    definition.increment = increment;
    return ledger_entry_of("orders", &definition, LEDGER_LEASE, positions, 7);
}

static struct ledger_entry timestamp_row(struct range positions)
{
    struct definition definition = definition_default_timestamp();

    definition.layout.machine_id = 3;
    definition.layout.node_id = 17;
    return ledger_entry_of("events", &definition, LEDGER_LEASE, positions, 7);
}

/* Every number of the row is covered, and none beside it. */
static void assert_covers(const struct ledger_entry *row, int64_t first, int64_t step, int64_t last)
{
    assert_int_equal(ledger_entry_check(row, NULL), ERR_OK);
    assert_int_equal(ledger_entry_number(row, row->positions.first), first);
    assert_int_equal(ledger_entry_number(row, row->positions.limit - 1), last);
    assert_true(ledger_entry_covers(row, first));
    assert_true(ledger_entry_covers(row, last));
    assert_false(ledger_entry_covers(row, first - step));
    assert_false(ledger_entry_covers(row, last + step));
}

static void test_ledger_entry_covers_the_numbers_of_a_counter(void **state)
{
    struct ledger_entry rising = counter_row(1, 1, (struct range){10, 20});
    struct ledger_entry stepping = counter_row(100, 7, (struct range){1, 3});
    struct ledger_entry falling = counter_row(1000, -3, (struct range){0, 5});
    struct ledger_entry negative = counter_row(-50, 10, (struct range){2, 4});

    (void)state;
    assert_covers(&rising, 11, 1, 20);
    assert_covers(&stepping, 107, 7, 114);
    assert_false(ledger_entry_covers(&stepping, 108)); /* between two of them */
    assert_covers(&falling, 1000, -3, 988);
    assert_false(ledger_entry_covers(&falling, 999));
    assert_false(ledger_entry_covers(&falling, 1001));
    assert_covers(&negative, -30, 10, -20);
}

static void test_ledger_entry_covers_the_ends_of_all_numbers(void **state)
{
    struct ledger_entry up = counter_row(SEQUENCE_NUMBER_MIN, 1, (struct range){0, UINT64_MAX - 1});
    struct ledger_entry down = counter_row(INT64_MAX, -1, (struct range){0, UINT64_MAX - 1});
    struct ledger_entry wide = counter_row(SEQUENCE_NUMBER_MIN, INT64_MAX, (struct range){1, 3});

    (void)state;
    assert_true(ledger_entry_covers(&up, SEQUENCE_NUMBER_MIN));
    assert_true(ledger_entry_covers(&up, 0));
    assert_true(ledger_entry_covers(&up, INT64_MAX - 1));
    assert_false(ledger_entry_covers(&up, INT64_MIN));
    assert_true(ledger_entry_covers(&down, INT64_MAX));
    assert_true(ledger_entry_covers(&down, -1));
    assert_false(ledger_entry_covers(&down, INT64_MIN));
    assert_true(ledger_entry_covers(&wide, 0));
    assert_true(ledger_entry_covers(&wide, INT64_MAX));
    assert_false(ledger_entry_covers(&wide, SEQUENCE_NUMBER_MIN));
    assert_false(ledger_entry_covers(&wide, 1));
}

static void test_ledger_entry_covers_the_numbers_of_its_machine_and_node(void **state)
{
    struct ledger_entry row = timestamp_row((struct range){(5 << 12) + 4000, (6 << 12) + 10});
    int64_t first = ledger_entry_number(&row, row.positions.first);
    int64_t last = ledger_entry_number(&row, row.positions.limit - 1);

    (void)state;
    assert_int_equal(first, (INT64_C(5) << 22) + (3 << 17) + (17 << 12) + 4000);
    assert_int_equal(last, (INT64_C(6) << 22) + (3 << 17) + (17 << 12) + 9);
    assert_covers(&row, first, 1, last);
    assert_false(ledger_entry_covers(&row, first + (1 << 12))); /* of another node */
    assert_false(ledger_entry_covers(&row, first + (1 << 17))); /* of another machine */
    assert_false(ledger_entry_covers(&row, -1));
    assert_false(ledger_entry_covers(&row, INT64_MAX));
}

static void test_ledger_entry_says_nothing_that_is_not_of_its_kind(void **state)
{
    struct range positions = {10, 20};
    struct ledger_entry good = counter_row(1, 1, positions);
    struct ledger_entry timed = timestamp_row(positions);
    struct ledger_entry row;

    (void)state;
    assert_int_equal(ledger_entry_check(&good, NULL), ERR_OK);
    assert_int_equal(ledger_entry_check(&timed, NULL), ERR_OK);
    assert_int_equal(timed.layout.max_borrow_ms, 0);
    row = good, row.act = 0;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.act = (enum ledger_act)(LEDGER_ADOPT + 1);
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.name[0] = '-';
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, memset(row.name, 'x', sizeof row.name);
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.positions.limit = row.positions.first;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.increment = 0;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.layout = timed.layout;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.time_ms = UINT64_MAX;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = good, row.kind = (enum sequence_kind)2;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = timed, row.start = 1;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = timed, row.layout.node_id = 32;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = timed, row.layout.max_borrow_ms = 1;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
    row = timed, row.positions.limit = layout_capacity(&row.layout) + 1;
    assert_int_equal(ledger_entry_check(&row, NULL), ERR_INVALID);
}

/* A row whose numbers wrapped would be about others than were leased. */
static void test_ledger_entry_has_no_number_beyond_what_a_sequence_can_have(void **state)
{
    struct ledger_entry up = counter_row(INT64_MAX - 9, 3, (struct range){0, 4});
    struct ledger_entry down = counter_row(SEQUENCE_NUMBER_MIN + 9, -3, (struct range){0, 4});
    struct ledger_entry all = counter_row(SEQUENCE_NUMBER_MIN, 1, (struct range){0, UINT64_MAX});
    struct ledger_entry least = counter_row(INT64_MIN, 1, (struct range){0, 1});

    (void)state;
    assert_int_equal(ledger_entry_check(&up, NULL), ERR_OK);
    assert_int_equal(ledger_entry_check(&down, NULL), ERR_OK);
    assert_int_equal(ledger_entry_check(&all, NULL), ERR_OK);
    assert_int_equal(ledger_entry_number(&up, 3), INT64_MAX);
    assert_int_equal(ledger_entry_number(&down, 3), SEQUENCE_NUMBER_MIN);
    assert_int_equal(ledger_entry_number(&all, UINT64_MAX - 1), INT64_MAX);
    up.positions.limit = 5;
    assert_int_equal(ledger_entry_check(&up, NULL), ERR_INVALID);
    down.positions.limit = 5;
    assert_int_equal(ledger_entry_check(&down, NULL), ERR_INVALID);
    assert_int_equal(ledger_entry_check(&least, NULL), ERR_INVALID);
}

static void test_ledger_id_is_text_and_back(void **state)
{
    static const char *const refused[] = {"",
                                          "1",
                                          ".",
                                          "1.",
                                          ".0",
                                          "1.0 ",
                                          "-1.0",
                                          "1.-",
                                          "1.0.0",
                                          "1.4294967296",
                                          "18446744073709551616.0",
                                          "1,0",
                                          "00000000000000000000000000000000001.0"};
    static const struct ledger_id ids[] = {{0, 0}, {1234, 0}, {1, UINT32_MAX}, {UINT64_MAX, 7}};
    char text[LEDGER_ID_SIZE];
    struct ledger_id id = {9, 9};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(ledger_id_parse(refused[i], &id), ERR_INVALID);
    }
    assert_int_equal(id.commit, 9);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        ledger_id_format(ids[i], text);
        assert_int_equal(ledger_id_parse(text, &id), ERR_OK);
        assert_int_equal(ledger_id_compare(id, ids[i]), 0);
    }
    ledger_id_format(ids[1], text);
    assert_string_equal(text, "1234.0");
}

static void test_ledger_ids_sort_by_commit_first(void **state)
{
    struct ledger_id a = {1, 9};
    struct ledger_id b = {2, 0};
    struct ledger_id c = {2, 1};

    (void)state;
    assert_true(ledger_id_compare(a, b) < 0);
    assert_true(ledger_id_compare(b, a) > 0);
    assert_true(ledger_id_compare(b, c) < 0);
    assert_true(ledger_id_compare(c, b) > 0);
}

static void test_ledger_acts_have_names(void **state)
{
    (void)state;
    for (unsigned i = LEDGER_LEASE; i <= LEDGER_ADOPT; i++) {
        enum ledger_act act = 0;

        assert_int_equal(ledger_act_parse(ledger_act_name((enum ledger_act)i), &act), ERR_OK);
        assert_int_equal(act, i);
    }
    assert_string_equal(ledger_act_name(LEDGER_REWIND), "rewind");
    enum ledger_act act = LEDGER_LEASE;
    assert_int_equal(ledger_act_parse("Lease", &act), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_entry_covers_the_numbers_of_a_counter),
        cmocka_unit_test(test_ledger_entry_covers_the_ends_of_all_numbers),
        cmocka_unit_test(test_ledger_entry_covers_the_numbers_of_its_machine_and_node),
        cmocka_unit_test(test_ledger_entry_says_nothing_that_is_not_of_its_kind),
        cmocka_unit_test(test_ledger_entry_has_no_number_beyond_what_a_sequence_can_have),
        cmocka_unit_test(test_ledger_id_is_text_and_back),
        cmocka_unit_test(test_ledger_ids_sort_by_commit_first),
        cmocka_unit_test(test_ledger_acts_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
