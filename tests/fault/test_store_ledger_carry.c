/* The ledger when a data set goes elsewhere: an adoption's rows, and those of a backup. */
#include "base/crc32c.h"
#include "dir.h"
#include "ledger_agrees.h"
#include "ledger_stage.h"

#include "store/backup.h"
#include "store/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 32
#define CHECKSUM_SIZE 18 /* of the last line */
#define SKIP 1000

struct scene {
    struct dir dir;
    struct dir fresh;
};

static struct error_detail detail;

static int set_up(void **state)
{
    struct scene *scene = malloc(sizeof(*scene));

    assert_non_null(scene);
    *scene = (struct scene){.dir = dir_make(), .fresh = dir_make()};
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    dir_remove(&scene->dir);
    dir_remove(&scene->fresh);
    free(scene);
    return 0;
}

struct rows {
    struct ledger_entry rows[ROWS_MAX];
    size_t count;
};

static enum error keep(void *context, const struct ledger_entry *row, struct error_detail *unused)
{
    struct rows *rows = context;

    (void)unused;
    assert_true(rows->count < ROWS_MAX);
    rows->rows[rows->count++] = *row;
    return ERR_OK;
}

static struct rows rows_of(struct store *store)
{
    struct rows rows = {.count = 0};
    struct store_ledger_query query = {.limit = ROWS_MAX};

    assert_int_equal(store_ledger(store, &query, keep, &rows, &detail), ERR_OK);
    assert_false(query.more);
    return rows;
}

static struct rows rows_in(const struct dir *dir)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    struct rows rows = rows_of(store);
    bool whole = false;

    assert_int_equal(ledger_agrees(store, &whole, &detail), ERR_OK);
    store_close(store);
    return rows;
}

/* To be freed. */
static char *back_up(struct store *store)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    assert_non_null(to);
    assert_int_equal(store_backup(store, to, &detail), ERR_OK);
    assert_int_equal(fclose(to), 0);
    return text;
}

/* Two sequences with three rows; what store_backup() makes of it, to be freed. */
static char *live(const struct dir *dir)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    char *text;

    ledger_stage_define(store, "orders");
    ledger_stage_define(store, "unused");
    ledger_stage_lease(store, "orders", 10);
    ledger_stage_lease(store, "orders", 20);
    ledger_stage_lease(store, "orders", 30);
    text = back_up(store);
    store_close(store);
    return text;
}

static enum error restore(const struct dir *dir, const char *text, uint64_t skip)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store_lmdb_moved moved;

    detail.text[0] = '\0';
    return store_lmdb_restore(&options, text, strlen(text), skip, &moved, &detail);
}

static void assert_same_row(const struct ledger_entry *a, const struct ledger_entry *b)
{
    assert_int_equal(ledger_id_compare(a->id, b->id), 0);
    assert_int_equal(a->act, b->act);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_memory_equal(a->instance, b->instance, LEDGER_INSTANCE_SIZE);
    assert_memory_equal(a->incarnation, b->incarnation, LEDGER_INSTANCE_SIZE);
    assert_true(a->nonce == b->nonce);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->positions.first, b->positions.first);
    assert_int_equal(a->positions.limit, b->positions.limit);
    assert_int_equal(a->from, b->from);
}

/* Both sequences moved by SKIP: one row each, in one commit, behind those that were there. */
static void assert_moved(const struct rows *rows, size_t first)
{
    const struct ledger_entry *orders = &rows->rows[first];
    const struct ledger_entry *unused = &rows->rows[first + 1];

    assert_int_equal(rows->count, first + 2);
    assert_string_equal(orders->name, "orders");
    assert_string_equal(unused->name, "unused");
    assert_int_equal(orders->act, LEDGER_ADOPT);
    assert_int_equal(unused->act, LEDGER_ADOPT);
    assert_int_equal(orders->positions.first, 60);
    assert_int_equal(orders->positions.limit, 60 + SKIP);
    assert_int_equal(unused->positions.first, 0);
    assert_int_equal(unused->positions.limit, SKIP);
    assert_int_equal(orders->id.commit, unused->id.commit);
    assert_true(orders->id.commit > rows->rows[first - 1].id.commit);
}

static void test_ledger_notes_an_adoption_under_its_new_incarnation(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = ledger_stage_options(&scene->dir);
    struct store_lmdb_moved moved;
    struct rows before;
    struct rows rows;

    free(live(&scene->dir));
    before = rows_in(&scene->dir);
    assert_int_equal(store_lmdb_adopt(&options, SKIP, &moved, &detail), ERR_OK);
    rows = rows_in(&scene->dir);
    assert_moved(&rows, before.count);
    for (size_t i = 0; i < before.count; i++) {
        assert_same_row(&rows.rows[i], &before.rows[i]);
    }
    assert_memory_equal(rows.rows[3].instance, rows.rows[2].instance, LEDGER_INSTANCE_SIZE);
    assert_memory_not_equal(rows.rows[3].incarnation, rows.rows[2].incarnation,
                            LEDGER_INSTANCE_SIZE);
}

static void test_ledger_goes_with_a_backup_and_on_behind_it(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = ledger_stage_options(&scene->fresh);
    char *text = live(&scene->dir);
    struct rows before = rows_in(&scene->dir);
    struct store *store;
    struct rows rows;

    assert_int_equal(restore(&scene->fresh, text, SKIP), ERR_OK);
    rows = rows_in(&scene->fresh);
    assert_moved(&rows, before.count);
    for (size_t i = 0; i < before.count; i++) {
        assert_same_row(&rows.rows[i], &before.rows[i]);
    }
    assert_memory_not_equal(rows.rows[3].instance, rows.rows[2].instance, LEDGER_INSTANCE_SIZE);
    store = ledger_stage_open(&options);
    ledger_stage_lease(store, "orders", 5);
    rows = rows_of(store);
    assert_int_equal(rows.count, 6);
    assert_int_equal(rows.rows[5].positions.first, 60 + SKIP);
    assert_memory_equal(rows.rows[5].instance, rows.rows[4].instance, LEDGER_INSTANCE_SIZE);
    store_close(store);
    free(text);
}

/* The backup with `from` replaced once by `to`, and a checksum that is right; to be freed. */
static char *altered(const char *text, const char *from, const char *to)
{
    size_t size = strlen(text) + strlen(to) + 1;
    const char *at = strstr(text, from);
    char *changed = malloc(size);
    size_t length;

    assert_non_null(at);
    assert_non_null(changed);
    (void)snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    length = strlen(changed) - CHECKSUM_SIZE;
    (void)snprintf(changed + length, CHECKSUM_SIZE + 1, "checksum %08x\n",
                   crc32c(0, changed, length));
    return changed;
}

static void test_ledger_of_a_backup_is_not_kept_where_none_is_wanted(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = ledger_stage_options(&scene->fresh);
    struct store_lmdb_moved moved;
    char *text = live(&scene->dir);
    char *lacking = altered(text, "missing 0 damaged 0", "missing 40 damaged 2");
    struct store *store;
    char *again;

    options.no_ledger = true;
    assert_int_equal(store_lmdb_restore(&options, lacking, strlen(lacking), 0, &moved, &detail),
                     ERR_OK);
    assert_int_equal(ledger_stage_pages(&scene->fresh), 0);
    store = ledger_stage_open(&options);
    again = back_up(store);
    assert_non_null(strstr(again, "\nmissing 0 damaged 0\nchecksum "));
    store_close(store);
    free(again);
    options.no_ledger = false;
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_look(store).missing, 0);
    store_close(store);
    free(lacking);
    free(text);
}

/* What the one had no row about, the other has none about either, and says so. */
static void test_ledger_of_a_backup_brings_along_what_it_lacks(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = ledger_stage_options(&scene->fresh);
    char *text = live(&scene->dir);
    char *lacking = altered(text, "missing 0 damaged 0", "missing 40 damaged 2");
    struct store *store;
    char *again;

    assert_int_equal(restore(&scene->fresh, lacking, 0), ERR_OK);
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_look(store).missing, 42);
    again = back_up(store);
    assert_non_null(strstr(again, "\nmissing 42 damaged 0\nchecksum "));
    store_close(store);
    free(again);
    free(lacking);
    free(text);
}

static void refuse(struct scene *scene, const char *text, const char *from, const char *to,
                   const char *wanted)
{
    char *changed = altered(text, from, to);
    enum error error = restore(&scene->fresh, changed, 0);

    if (error != ERR_CORRUPT || strstr(detail.text, wanted) == NULL) {
        fail_msg("'%s' for '%s' gave '%s': %s", to, from, error_name(error), detail.text);
    }
    assert_false(dir_has(&scene->fresh, "sentinel"));
    free(changed);
}

/* Lines 5, 6 and 7 are rows; what is wrong with them is named before anything is made. */
static void test_restore_refuses_rows_that_cannot_be(void **state)
{
    struct scene *scene = *state;
    char *text = live(&scene->dir);
    struct rows rows = rows_in(&scene->dir);
    char second[LEDGER_ID_SIZE + 8];
    char third[LEDGER_ID_SIZE + 8];
    char id[LEDGER_ID_SIZE];

    ledger_id_format(rows.rows[1].id, id);
    (void)snprintf(second, sizeof second, "ledger %s ", id);
    ledger_id_format(rows.rows[2].id, id);
    (void)snprintf(third, sizeof third, "ledger %s ", id);
    refuse(scene, text, second, third, "line 7: the row is out of order");
    refuse(scene, text, third, "ledger 99999.0 ", "line 7: the row is out of order");
    refuse(scene, text, third, "ledger 0.1 ", "line 7: value 1 is wrong");
    refuse(scene, text, " 10 30 10 0 1 1 ", " 30 30 30 0 1 1 ", "line 6: the row is impossible");
    refuse(scene, text, " 10 30 10 0 1 1 ", " 10 30 10 0 1 0 ", "line 6: the row is impossible");
    refuse(scene, text, " 10 30 10 0 1 1 ", " 10 x 10 0 1 1 ", "line 6: value 10 is wrong");
    refuse(scene, text, " 10 30 10 0 1 1 ", " 10 30 9 0 1 1 ", "line 6: the row is impossible");
    refuse(scene, text, " lease ", " leased ", "line 5: value 2 is wrong");
    refuse(scene, text, second, "entry 1.0 ", "line 6: this is no row of the ledger");
    refuse(scene, text, third, "sequence ", "line 7: this is no row of the ledger");
    refuse(scene, text, "missing 0 ", "missing -1 ", "line 8: this is not what the ledger lacks");
    refuse(scene, text, "missing 0 ", "missing 0\n", "line 8: this is not what the ledger lacks");
    refuse(scene, text, "damaged 0\n", "damaged 0\nmissing 0 damaged 0\n",
           "line 8: this is not what the ledger lacks");
    refuse(scene, text, "missing 0 damaged 0\n", "", "line 8: this is no row of the ledger");
    refuse(scene, text, " commits ", " commits 1000000000000000000",
           "line 2: no data set has had so many commits");
    free(text);
}

/* What seqd 0.1.0 wrote before it had a ledger. */
static void test_restore_reads_a_backup_of_the_first_format(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = ledger_stage_options(&scene->fresh);
    char *text = live(&scene->dir);
    char *rows = strstr(text, "\nledger ");
    struct store *store;
    char *old;

    assert_non_null(rows);
    memmove(rows + 1, strstr(text, "checksum "), CHECKSUM_SIZE + 1);
    old = altered(text, "seqd-backup 2", "seqd-backup 1");
    assert_int_equal(restore(&scene->fresh, old, 0), ERR_OK);
    store = ledger_stage_open(&options);
    assert_int_equal(rows_of(store).count, 0);
    assert_int_equal(ledger_stage_lease(store, "orders", 5).first, 60);
    store_close(store);
    free(old);
    free(text);
}

/* The first format had no rows: one in it is a mistake, not a row. */
static void test_restore_refuses_rows_in_the_first_format(void **state)
{
    struct scene *scene = *state;
    char *text = live(&scene->dir);

    refuse(scene, text, "seqd-backup 2", "seqd-backup 1", "line 5: this is no sequence");
    free(text);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_ledger_notes_an_adoption_under_its_new_incarnation),
        CASE(test_ledger_goes_with_a_backup_and_on_behind_it),
        CASE(test_ledger_of_a_backup_brings_along_what_it_lacks),
        CASE(test_ledger_of_a_backup_is_not_kept_where_none_is_wanted),
        CASE(test_restore_refuses_rows_that_cannot_be),
        CASE(test_restore_reads_a_backup_of_the_first_format),
        CASE(test_restore_refuses_rows_in_the_first_format),
    };

    return cmocka_run_group_tests_name("ledger elsewhere", tests, NULL, NULL);
}
