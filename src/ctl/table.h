/* table: text in aligned columns.
 *
 * The law: a column is as wide as its widest cell; cells are never cut. Width is counted in
 * characters of UTF-8. The last column has no blanks behind it. When memory runs out the program
 * ends: it has nothing to lose.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_TABLE_H
#define SEQD_CTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

struct table;

/* `heads`: the columns' names with tabs between them; '>' before one aligns it to the right. Never
 * NULL. */
struct table *table_new(const char *heads);

/* The next cell, from left to right, row after row; the text is copied. */
__attribute__((format(printf, 2, 3))) void table_add(struct table *table, const char *format, ...);

/* How many whole rows there are. */
size_t table_rows(const struct table *table);

/* Write the heads, in capitals, and the rows; nothing when there is no row. */
void table_print(const struct table *table, FILE *to);

/* ... but `rows` of them at most, each line ended by `line_end`. */
void table_print_some(const struct table *table, size_t rows, const char *line_end, FILE *to);

/* Write the rows without heads. */
void table_print_bare(const struct table *table, FILE *to);

/* NULL is accepted. */
void table_free(struct table *table);

#endif
