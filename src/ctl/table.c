#include "table.h"

#include "outcome.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

struct table {
    char *heads[TABLE_COLUMNS_MAX];
    bool right[TABLE_COLUMNS_MAX];
    size_t columns;
    char **cells; /* row after row */
    size_t count;
    size_t room;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        outcome_say("out of memory");
        exit(OUTCOME_FAILED);
    }
    return memory;
}

struct table *table_new(const char *heads)
{
    struct table *table = must(calloc(1, sizeof *table));
    for (const char *head = heads; head != NULL;) {
        size_t length = strcspn(head, "\t");
        bool right = head[0] == '>';
        size_t skip = right ? 1 : 0;
        assert(table->columns < TABLE_COLUMNS_MAX);
        table->right[table->columns] = right;
        char *name = must(strndup(head + skip, length - skip));
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        table->heads[table->columns++] = name;
        head = head[length] == '\t' ? head + length + 1 : NULL;
    }
    return table;
}

void table_add(struct table *table, const char *format, ...)
{
    char *cell = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&cell, format, arguments);
    va_end(arguments);
    if (table->count == table->room) {
        table->room = 2 * table->room + 64;
        table->cells = must(realloc(table->cells, table->room * sizeof *table->cells));
    }
    table->cells[table->count++] = must(length >= 0 ? cell : NULL);
}

size_t table_rows(const struct table *table)
{
    return table->count / table->columns;
}

/* Characters: bytes that do not go on with one. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const char *c = text; *c != '\0'; c++) {
        width += ((unsigned char)*c & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

static void print_line(const struct table *table, char *const *cells, const size_t *widths,
                       const char *line_end, FILE *to)
{
    size_t used = table->columns;
    while (used > 1 && cells[used - 1][0] == '\0') {
        used--; /* no blanks at the end of a line */
    }
    for (size_t i = 0; i < used; i++) {
        size_t blanks = widths[i] - width_of(cells[i]);
        bool last = i + 1 == used;
        (void)fprintf(to, "%*s", table->right[i] ? (int)blanks : 0, "");
        outcome_print(to, cells[i]);
        (void)fprintf(to, "%*s%s", table->right[i] || last ? 0 : (int)blanks, "", last ? "" : GAP);
    }
    (void)fputs(line_end, to);
}

static void print(const struct table *table, bool heads, size_t rows, const char *line_end,
                  FILE *to)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    assert(table->count % table->columns == 0); /* a row that is not whole is our mistake */
    for (size_t i = 0; heads && i < table->columns; i++) {
        widths[i] = width_of(table->heads[i]);
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        size_t column = i % table->columns;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    if (heads) {
        print_line(table, table->heads, widths, line_end, to);
    }
    for (size_t row = 0; row < rows; row++) {
        print_line(table, table->cells + row * table->columns, widths, line_end, to);
    }
}

void table_print(const struct table *table, FILE *to)
{
    if (table_rows(table) > 0) {
        print(table, true, table_rows(table), "\n", to);
    }
}

void table_print_some(const struct table *table, size_t rows, const char *line_end, FILE *to)
{
    size_t all = table_rows(table);
    print(table, true, rows < all ? rows : all, line_end, to);
}

void table_print_bare(const struct table *table, FILE *to)
{
    print(table, false, table_rows(table), "\n", to);
}

void table_free(struct table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->columns; i++) {
        free(table->heads[i]);
    }
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}
