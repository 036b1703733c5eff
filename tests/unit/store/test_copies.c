/* Two copies of every record: which one counts, and how far it is believed. */
#include "dir.h"

#include "store/copies.h"
#include "store/store_lmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES_SIZE 64

/* A new environment, with a transaction open and nothing in the tables. */
struct scene {
    struct dir dir;
    struct directory directory;
    struct environment environment;
    MDB_txn *txn;
    struct error_detail detail;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->dir = dir_make();
    assert_int_equal(directory_open(&scene->directory, scene->dir.path, NULL), ERR_OK);
    scene->environment = (struct environment){.directory = &scene->directory,
                                              .map_size_bytes = STORE_LMDB_MAP_SIZE_MIN,
                                              .map_size_max_bytes = STORE_LMDB_MAP_SIZE_MIN};
    assert_int_equal(environment_create(&scene->environment, &scene->detail), ERR_OK);
    assert_int_equal(environment_begin(&scene->environment, true, &scene->txn, NULL), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    environment_abort(&scene->txn);
    environment_close(&scene->environment);
    directory_close(&scene->directory);
    dir_remove(&scene->dir);
    free(scene);
    return 0;
}

static void put(struct scene *scene, MDB_dbi table, const char *name, const void *bytes,
                size_t length)
{
    char key_bytes[SEQUENCE_NAME_MAX + 1];
    MDB_val key = {.mv_size = strlen(name), .mv_data = key_bytes};
    MDB_val value = {.mv_size = length, .mv_data = (void *)(uintptr_t)bytes};

    snprintf(key_bytes, sizeof(key_bytes), "%s", name);
    assert_int_equal(mdb_put(scene->txn, table, &key, &value, 0), 0);
}

static struct record sample(uint64_t generation, uint64_t mark)
{
    struct record record = {
        .definition = definition_default(), .generation = generation, .mark = mark};

    record.definition.max_gap = 1000;
    return record;
}

static void put_record(struct scene *scene, MDB_dbi table, const char *name, struct record record)
{
    uint8_t bytes[RECORD_SIZE];

    record_encode(&record, name, bytes);
    put(scene, table, name, bytes, sizeof(bytes));
}

static void put_rubbish(struct scene *scene, MDB_dbi table, const char *name)
{
    uint8_t bytes[RECORD_SIZE] = {0};

    put(scene, table, name, bytes, sizeof(bytes));
}

static enum copies_state read_orders(struct scene *scene, struct record *ret_record)
{
    enum copies_state found = COPIES_ABSENT;

    assert_int_equal(
        copies_read(&scene->environment, scene->txn, "orders", &found, ret_record, &scene->detail),
        ERR_OK);
    return found;
}

static void test_copies_of_nothing_are_absent(void **state)
{
    struct record record;

    assert_int_equal(read_orders(*state, &record), COPIES_ABSENT);
}

static void test_copies_written_are_whole(void **state)
{
    struct scene *scene = *state;
    struct record record = sample(3, 50);
    struct record back;

    assert_int_equal(
        copies_write(&scene->environment, scene->txn, "orders", &record, &scene->detail), ERR_OK);
    assert_int_equal(read_orders(scene, &back), COPIES_WHOLE);
    assert_int_equal(back.mark, 50);
    assert_int_equal(back.generation, 3);
}

static void test_copies_with_one_missing_keep_a_distance(void **state)
{
    struct scene *scene = *state;
    struct record back;

    put_record(scene, scene->environment.mirror, "orders", sample(3, 50));
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_int_equal(back.mark, 1050);
    assert_int_equal(back.generation, 3);
}

static void test_copies_with_either_damaged_keep_a_distance(void **state)
{
    struct scene *scene = *state;
    MDB_dbi tables[] = {scene->environment.sequence, scene->environment.mirror};

    for (size_t i = 0; i < 2; i++) {
        struct record back;

        put_rubbish(scene, tables[i], "orders");
        put_record(scene, tables[1 - i], "orders", sample(3, 50));
        assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
        assert_int_equal(back.mark, 1050);
    }
}

/* One page of two was lost and shows what lay there before. */
static void test_copies_that_differ_count_by_the_newer(void **state)
{
    struct scene *scene = *state;
    MDB_dbi tables[] = {scene->environment.sequence, scene->environment.mirror};

    for (size_t i = 0; i < 2; i++) {
        struct record newer = sample(4, 60);
        struct record back;

        newer.definition.max_gap = 7;
        put_record(scene, tables[i], "orders", newer);
        put_record(scene, tables[1 - i], "orders", sample(3, 50));
        assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
        assert_int_equal(back.mark, 67);
        assert_int_equal(back.generation, 4);
        assert_int_equal(back.definition.max_gap, 7);
    }
}

/* A return lowers the mark with a higher generation: where one copy missed it, the higher counts.
 * */
static void test_copies_that_differ_never_lower_the_mark(void **state)
{
    struct scene *scene = *state;
    struct record back;

    put_record(scene, scene->environment.sequence, "orders", sample(4, 20));
    put_record(scene, scene->environment.mirror, "orders", sample(3, 5000));
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_true(back.mark >= 5000);
}

static void test_copies_keep_a_distance_without_wrapping(void **state)
{
    struct scene *scene = *state;
    struct record back;

    put_record(scene, scene->environment.sequence, "orders", sample(4, UINT64_MAX - 1));
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_true(back.mark == UINT64_MAX);
}

static struct record sample_tombstone(uint64_t generation, uint64_t mark)
{
    struct record record = sample(generation, mark);

    record.dropped = true;
    record.floor = floor_grown((struct floor){.some = false}, &record.definition, mark);
    return record;
}

/* What the distance may have leased belongs to the floor, and what is read can be written again. */
static void test_copies_of_a_tombstone_keep_a_distance_in_the_floor(void **state)
{
    struct scene *scene = *state;
    struct record back;

    put_record(scene, scene->environment.mirror, "orders", sample_tombstone(3, 50));
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_true(back.dropped);
    assert_int_equal(back.floor.low, 1);
    assert_int_equal(back.floor.high, 1050);
    assert_int_equal(copies_write(&scene->environment, scene->txn, "orders", &back, &scene->detail),
                     ERR_OK);
    assert_int_equal(read_orders(scene, &back), COPIES_WHOLE);
}

/* One copy missed the drop, and the other one the life after it. */
static void test_copies_that_differ_unite_their_floors(void **state)
{
    struct scene *scene = *state;
    struct record older = sample(3, 5000);
    struct record newer = sample_tombstone(4, 60);
    struct record back;

    older.floor = (struct floor){.some = true, .low = -70, .high = -50};
    put_record(scene, scene->environment.sequence, "orders", newer);
    put_record(scene, scene->environment.mirror, "orders", older);
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_true(back.dropped);
    assert_int_equal(back.floor.low, -70);
    assert_int_equal(back.floor.high, 6000);
    newer.dropped = false;
    newer.definition.start = 20000;
    newer.floor = (struct floor){.some = false};
    put_record(scene, scene->environment.sequence, "orders", newer);
    assert_int_equal(read_orders(scene, &back), COPIES_DOUBTFUL);
    assert_int_equal(back.floor.low, -70);
    assert_int_equal(back.floor.high, 5000); /* its positions meant other numbers */
}

static void test_copies_both_damaged_are_damaged(void **state)
{
    struct scene *scene = *state;
    struct record back;

    put_rubbish(scene, scene->environment.sequence, "orders");
    assert_int_equal(read_orders(scene, &back), COPIES_DAMAGED);
    put_rubbish(scene, scene->environment.mirror, "orders");
    assert_int_equal(read_orders(scene, &back), COPIES_DAMAGED);
    assert_non_null(strstr(scene->detail.text, "'orders'"));
}

static enum error note_name(void *context, const struct store_entry *entry,
                            struct error_detail *detail)
{
    char *names = context;
    size_t used = strlen(names);

    (void)detail;
    snprintf(names + used, NAMES_SIZE - used, "%s", entry->name);
    return ERR_OK;
}

/* A sequence that one table has lost is still one, and is visited once. */
static void test_copies_walk_finds_what_either_table_holds(void **state)
{
    struct scene *scene = *state;
    struct meta meta = {.version = META_VERSION};
    struct record record = sample(1, 2);
    char names[NAMES_SIZE] = "";

    assert_int_equal(copies_write_meta(&scene->environment, scene->txn, &meta, NULL), ERR_OK);
    assert_int_equal(copies_write(&scene->environment, scene->txn, "b1", &record, NULL), ERR_OK);
    put_record(scene, scene->environment.mirror, "a1", record);
    put_record(scene, scene->environment.mirror, "c1", record);
    put_record(scene, scene->environment.sequence, "b2", record);
    put_record(scene, scene->environment.sequence, "d1", record);
    assert_int_equal(copies_each(&scene->environment, scene->txn, note_name, names, &scene->detail),
                     ERR_OK);
    assert_string_equal(names, "a1b1b2c1d1");
}

static void test_copies_walk_refuses_an_impossible_name(void **state)
{
    struct scene *scene = *state;
    char names[NAMES_SIZE] = "";

    put_record(scene, scene->environment.sequence, "../b", sample(1, 2));
    assert_int_equal(copies_each(&scene->environment, scene->txn, note_name, names, &scene->detail),
                     ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "impossible name"));
}

static void put_meta(struct scene *scene, bool mirror, uint64_t counter)
{
    struct meta meta = {.version = META_VERSION, .counter = counter};
    uint8_t bytes[META_SIZE];

    meta_encode(&meta, bytes);
    bytes[META_SIZE - 1] ^= counter == 0; /* 0 stands for a damaged one */
    put(scene, mirror ? scene->environment.mirror : scene->environment.meta,
        mirror ? "!meta" : "meta", bytes, sizeof(bytes));
}

static enum error read_meta(struct scene *scene, uint64_t *ret_counter)
{
    struct meta meta = {0};
    enum error error = copies_read_meta(&scene->environment, scene->txn, &meta, &scene->detail);

    *ret_counter = meta.counter;
    return error;
}

static void test_copies_of_the_meta_record_count_by_the_newer(void **state)
{
    struct scene *scene = *state;
    uint64_t counter;

    put_meta(scene, false, 8);
    assert_int_equal(read_meta(scene, &counter), ERR_OK);
    assert_int_equal(counter, 8);
    put_meta(scene, true, 9);
    assert_int_equal(read_meta(scene, &counter), ERR_OK);
    assert_int_equal(counter, 9);
    put_meta(scene, false, 10);
    assert_int_equal(read_meta(scene, &counter), ERR_OK);
    assert_int_equal(counter, 10);
    put_meta(scene, false, 0);
    assert_int_equal(read_meta(scene, &counter), ERR_OK);
    assert_int_equal(counter, 9);
}

static void test_copies_of_the_meta_record_both_damaged_are_refused(void **state)
{
    struct scene *scene = *state;
    uint64_t counter;

    assert_int_equal(read_meta(scene, &counter), ERR_CORRUPT);
    put_meta(scene, false, 0);
    put_meta(scene, true, 0);
    assert_int_equal(read_meta(scene, &counter), ERR_CORRUPT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_copies_of_nothing_are_absent),
        CASE(test_copies_written_are_whole),
        CASE(test_copies_with_one_missing_keep_a_distance),
        CASE(test_copies_with_either_damaged_keep_a_distance),
        CASE(test_copies_that_differ_count_by_the_newer),
        CASE(test_copies_that_differ_never_lower_the_mark),
        CASE(test_copies_keep_a_distance_without_wrapping),
        CASE(test_copies_of_a_tombstone_keep_a_distance_in_the_floor),
        CASE(test_copies_that_differ_unite_their_floors),
        CASE(test_copies_both_damaged_are_damaged),
        CASE(test_copies_walk_finds_what_either_table_holds),
        CASE(test_copies_walk_refuses_an_impossible_name),
        CASE(test_copies_of_the_meta_record_count_by_the_newer),
        CASE(test_copies_of_the_meta_record_both_damaged_are_refused),
    };

    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
