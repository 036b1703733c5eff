#include "ctl/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Compare what `print` writes; frees the table. */
static void expect(struct table *table, void (*print)(const struct table *table, FILE *to),
                   const char *text)
{
    char *written = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&written, &length);
    assert_non_null(to);
    print(table, to);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(written, text);
    free(written);
    table_free(table);
}

static void add_row(struct table *table, const char *a, const char *b, const char *c)
{
    table_add(table, "%s", a);
    table_add(table, "%s", b);
    table_add(table, "%s", c);
}

static void test_table_aligns_columns(void **state)
{
    (void)state;
    struct table *table = table_new("name\t>next\tkind");
    add_row(table, "orders", "9223372036854775807", "counter");
    add_row(table, "b", "7", "timestamp");
    assert_int_equal(table_rows(table), 2);
    expect(table, table_print,
           "NAME                   NEXT  KIND\n"
           "orders  9223372036854775807  counter\n"
           "b                         7  timestamp\n");
}

static void test_table_without_heads_is_as_wide_as_its_cells(void **state)
{
    (void)state;
    struct table *table = table_new("a very long head\tb\tc");
    add_row(table, "x", "1", "2");
    add_row(table, "yy", "3", "4");
    expect(table, table_print_bare, "x   1  2\nyy  3  4\n");
}

static void test_table_counts_characters_not_bytes(void **state)
{
    (void)state;
    struct table *table = table_new("a\tb\tc");
    add_row(table, "µé…", "1", "2");
    add_row(table, "abcd", "3", "4");
    expect(table, table_print_bare, "µé…   1  2\nabcd  3  4\n");
}

static void test_table_ends_no_line_with_blanks(void **state)
{
    (void)state;
    struct table *table = table_new("a\tb\tc");
    add_row(table, "x", "long", "");
    add_row(table, "y", "", "");
    add_row(table, "z", "", "c");
    expect(table, table_print_bare, "x  long\ny\nz        c\n");
}

/* What a server says must not move a terminal's cursor. */
static void test_table_shows_control_bytes_as_question_marks(void **state)
{
    (void)state;
    struct table *table = table_new("a\tb\tc");
    add_row(table, "\033[2J", "1\a", "2");
    expect(table, table_print_bare, "?[2J  1?  2\n");
}

static void test_table_without_rows_prints_nothing(void **state)
{
    (void)state;
    expect(table_new("a\tb"), table_print, "");
}

static void print_one(const struct table *table, FILE *to)
{
    table_print_some(table, 1, "\033[K\r\n", to);
}

static void test_table_prints_as_many_rows_as_there_is_room(void **state)
{
    (void)state;
    struct table *table = table_new("a\tb\tc");
    add_row(table, "1", "2", "3");
    add_row(table, "4", "5", "6");
    expect(table, print_one, "A  B  C\033[K\r\n1  2  3\033[K\r\n");
}

/* More cells than the first pieces of memory hold. */
static void test_table_grows(void **state)
{
    (void)state;
    struct table *table = table_new("a\tb\tc");
    for (int i = 0; i < 1000; i++) {
        add_row(table, "1", "2", "3");
    }
    assert_int_equal(table_rows(table), 1000);
    table_free(table);
    table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_aligns_columns),
        cmocka_unit_test(test_table_without_heads_is_as_wide_as_its_cells),
        cmocka_unit_test(test_table_counts_characters_not_bytes),
        cmocka_unit_test(test_table_ends_no_line_with_blanks),
        cmocka_unit_test(test_table_shows_control_bytes_as_question_marks),
        cmocka_unit_test(test_table_without_rows_prints_nothing),
        cmocka_unit_test(test_table_prints_as_many_rows_as_there_is_room),
        cmocka_unit_test(test_table_grows),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
