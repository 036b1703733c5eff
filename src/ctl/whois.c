#include "base/text.h"
#include "comb.h"
#include "commands.h"
#include "fate.h"
#include "history.h"
#include "ledger_show.h"
#include "ledger_source.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is looked for, and what was found of it. */
struct search {
    struct ledger_wish wish;
    struct ledger_about about;
    struct ledger_entry *rows; /* that cover the number */
    size_t count;
    size_t room;
    struct ledger_mark *marks; /* of sequences that have passed it */
    size_t mark_count;
    size_t mark_room;
};

/* ---- looking ---- */

static bool is_wanted(const struct search *search, const char *name)
{
    return search->wish.name == NULL || strcmp(search->wish.name, name) == 0;
}

static enum error take_row(void *context, const struct ledger_entry *entry)
{
    struct search *search = context;
    if (!is_wanted(search, entry->name) || !ledger_entry_covers(entry, search->wish.number)) {
        return ERR_OK;
    }
    if (search->count == search->room) {
        size_t room = 2 * search->room + 16;
        struct ledger_entry *rows = reallocarray(search->rows, room, sizeof *rows);
        if (rows == NULL) {
            return ERR_NO_MEMORY;
        }
        search->rows = rows;
        search->room = room;
    }
    search->rows[search->count++] = *entry;
    return ERR_OK;
}

static enum error take_mark(void *context, const struct ledger_mark *mark)
{
    struct search *search = context;
    if (!is_wanted(search, mark->name) || !fate_is_passed(mark, search->wish.number)) {
        return ERR_OK;
    }
    if (search->mark_count == search->mark_room) {
        size_t room = 2 * search->mark_room + 16;
        struct ledger_mark *marks = reallocarray(search->marks, room, sizeof *marks);
        if (marks == NULL) {
            return ERR_NO_MEMORY;
        }
        search->marks = marks;
        search->mark_room = room;
    }
    search->marks[search->mark_count++] = *mark;
    return ERR_OK;
}

/* By name, then as written. */
static int compare_rows(const void *a, const void *b)
{
    const struct ledger_entry *x = a;
    const struct ledger_entry *y = b;
    int name = strcmp(x->name, y->name);
    return name != 0 ? name : ledger_id_compare(x->id, y->id);
}

static bool has_row(const struct search *search, const char *name)
{
    for (size_t i = 0; i < search->count; i++) {
        if (strcmp(search->rows[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The rows of one name, from `begin` on. */
static struct fate_rows rows_of_name(const struct search *search, size_t begin)
{
    struct fate_rows rows = {.items = search->rows + begin, .number = search->wish.number};
    while (begin + rows.count < search->count &&
           strcmp(rows.items[rows.count].name, rows.items[0].name) == 0) {
        rows.count++;
    }
    for (size_t i = 0; i < search->mark_count; i++) {
        if (strcmp(search->marks[i].name, rows.items[0].name) == 0) {
            rows.mark = &search->marks[i];
        }
    }
    return rows;
}

/* ---- for people ---- */

static void add_row(struct table *table, const struct fate_rows *rows, size_t index)
{
    const struct ledger_entry *entry = &rows->items[index];
    struct mapping mapping = mapping_of_entry(entry);
    char id[LEDGER_ID_SIZE];
    char text[LEDGER_SHOW_LIFE_SIZE];
    char time[RFC3339_SIZE];
    ledger_id_format(entry->id, id);
    table_add(table, "%s", ledger_show_time(entry->time_ms, time));
    table_add(table, "%s", ledger_act_name(entry->act));
    table_add(table, "%" PRId64, mapping_number(&mapping, entry->positions.first));
    table_add(table, "%" PRId64, mapping_number(&mapping, entry->positions.limit - 1));
    table_add(table, "%s", id);
    table_add(table, "%.*s", LEDGER_SHOW_LIFE_SHORT, ledger_show_life(entry->instance, text));
    table_add(table, "%.*s", LEDGER_SHOW_LIFE_SHORT, ledger_show_life(entry->incarnation, text));
    if (entry->kind == SEQUENCE_TIMESTAMP) {
        table_add(table, "%" PRIu32 "/%" PRIu32, entry->layout.machine_id, entry->layout.node_id);
    } else {
        table_add(table, "-");
    }
    table_add(table, "%s", fate_row_text(fate_of_row(rows, index)));
}

static void print_name(const struct fate_rows *rows)
{
    struct table *table = table_new("time\tact\t>first\t>last\trow\tinstance\tincarnation\t"
                                    "machine/node\twhat became of it");
    printf("%" PRId64 " of '%s': %s.\n\n", rows->number, rows->items[0].name,
           fate_number_text(fate_of_number(rows)));
    for (size_t i = 0; i < rows->count; i++) {
        add_row(table, rows, i);
    }
    table_print(table, stdout);
    table_free(table);
    (void)putchar('\n');
}

/* From when on there is a record, and who had passed the number without one. */
static void print_rest(const struct search *search)
{
    char id[LEDGER_ID_SIZE];
    char time[RFC3339_SIZE];
    if (search->count == 0) {
        printf("No row on record has %" PRId64 ".\n", search->wish.number);
    }
    for (size_t i = 0; i < search->mark_count; i++) {
        if (!has_row(search, search->marks[i].name)) {
            printf("'%s' has passed it: it may have been issued before the record begins, or was "
                   "lost.\n",
                   search->marks[i].name);
        }
    }
    if (search->about.oldest.commit != 0) {
        ledger_id_format(search->about.oldest, id);
        printf("The record goes back to %s, row %s.\n",
               ledger_show_time(search->about.oldest_ms, time), id);
    } else {
        puts(search->about.none ? "This backup was made before there was a ledger."
                                : "The record is empty.");
    }
    if (search->about.missing + search->about.damaged > 0) {
        printf("It lacks rows: %" PRIu64 " were left out for want of room, %" PRIu64
               " are damaged.\n",
               search->about.missing, search->about.damaged);
    }
}

/* ---- for programs ---- */

static json_t *name_json(const struct fate_rows *rows)
{
    enum fate fate = fate_of_number(rows);
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        json_t *row = ledger_show_json(&rows->items[i]);
        (void)json_object_set_new(row, "fate", json_string(fate_word(fate_of_row(rows, i))));
        (void)json_array_append_new(list, row); /* of NULL nothing comes */
    }
    return json_pack("{s:s,s:s,s:s,s:o}", "sequence", rows->items[0].name, "fate", fate_word(fate),
                     "text", fate_number_text(fate), "rows", list);
}

static void print_json(const struct search *search)
{
    char id[LEDGER_ID_SIZE];
    char time[RFC3339_SIZE];
    bool some = search->about.oldest.commit != 0;
    json_t *found = json_array();
    json_t *maybe = json_array();
    for (size_t i = 0; i < search->count;) {
        struct fate_rows rows = rows_of_name(search, i);
        (void)json_array_append_new(found, name_json(&rows));
        i += rows.count;
    }
    for (size_t i = 0; i < search->mark_count; i++) {
        if (!has_row(search, search->marks[i].name)) {
            (void)json_array_append_new(maybe, json_string(search->marks[i].name));
        }
    }
    ledger_id_format(search->about.oldest, id);
    json_t *all = json_pack("{s:b,s:s?,s:s?,s:o,s:o}", "on_record", search->count > 0 ? 1 : 0,
                            "oldest", some ? id : NULL, "since",
                            some ? ledger_show_time(search->about.oldest_ms, time) : NULL, "found",
                            found, "maybe", maybe);
    ledger_show_int64(all, "number", search->wish.number);
    session_print_json(all);
    json_decref(all);
}

/* ---- the command ---- */

static enum outcome show(struct search *search, bool json)
{
    if (search->count > 1) {
        qsort(search->rows, search->count, sizeof *search->rows, compare_rows);
    }
    if (json) {
        print_json(search);
    } else {
        for (size_t i = 0; i < search->count;) {
            struct fate_rows rows = rows_of_name(search, i);
            print_name(&rows);
            i += rows.count;
        }
        print_rest(search);
    }
    return search->count > 0 ? OUTCOME_OK : OUTCOME_NOT_FOUND;
}

enum outcome whois_run(const struct arguments *arguments)
{
    struct search search = {.wish = {.has_number = true}};
    struct ledger_sink sink = {.context = &search, .row = take_row, .mark = take_mark};
    enum outcome outcome = OUTCOME_OK;
    if (text_parse_int64(arguments->words[0], &search.wish.number) != ERR_OK) {
        return outcome_fail(OUTCOME_USAGE,
                            "NUMBER is '%s', it must be a whole number within 64 bits",
                            arguments->words[0]);
    }
    if (arguments->word_count > 1) {
        search.wish.name = arguments->words[1];
        outcome = session_check_name(search.wish.name);
    }
    if (outcome == OUTCOME_OK) {
        outcome = ledger_source_read(arguments, arguments->values[OPTION_FROM], &search.wish, &sink,
                                     &search.about);
    }
    if (outcome == OUTCOME_OK) {
        outcome = show(&search, arguments_has(arguments, OPTION_JSON));
    }
    free(search.rows);
    free(search.marks);
    return outcome;
}
