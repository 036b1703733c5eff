/* A data directory that was damaged, exchanged or put back: refused with words that help, or
 * repaired with a distance; never believed with a lower mark. */
#include "dir.h"
#include "faultio.h"

#include "store/copies.h"
#include "store/environment.h"
#include "store/sentinel.h"
#include "store/store_lmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COPIES_MAX 64 /* of a record's bytes in the data file, old pages included */

/* A directory with the sequences `orders` and `invoices`; after set_up() the store is closed. */
struct scene {
    struct dir dir;
    struct dir aside; /* for what is put back later */
    struct store *store;
    struct error_detail detail;
    uint64_t orders_limit; /* granted */
};

static enum error open_store(struct scene *scene)
{
    /* Files are put back here; that this alone is refused is test_store_guard's. */
    struct store_lmdb_options options = {.directory = scene->dir.path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                         .identity = STORE_LMDB_IDENTITY_NONE};

    return store_lmdb_open(&options, &scene->store, &scene->detail);
}

static void must_open(struct scene *scene)
{
    enum error error = open_store(scene);

    if (error != ERR_OK) {
        fail_msg("open: %s: %s", error_name(error), scene->detail.text);
    }
}

static void close_store(struct scene *scene)
{
    store_close(scene->store);
    scene->store = NULL;
}

static struct store_request take(struct scene *scene, uint64_t floor)
{
    struct store_request request = {.name = "orders", .count = 10, .floor = floor};

    assert_int_equal(store_reserve(scene->store, &request, 1, &scene->detail), ERR_OK);
    return request;
}

/* One more life of the store, with some leases. */
static void live(struct scene *scene)
{
    must_open(scene);
    for (unsigned i = 0; i < 5; i++) {
        scene->orders_limit = take(scene, 0).lease.limit;
    }
    close_store(scene);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct definition definition = definition_default();
    struct store_entry entry;

    assert_non_null(scene);
    faultio_reset();
    scene->dir = dir_make();
    scene->aside = dir_make();
    must_open(scene);
    assert_int_equal(store_define(scene->store, "orders", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(scene->store, "invoices", &definition, &entry, NULL), ERR_OK);
    close_store(scene);
    live(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    faultio_reset();
    close_store(scene);
    dir_remove(&scene->dir);
    dir_remove(&scene->aside);
    free(scene);
    return 0;
}

/* Opening fails with `error`, and the text names the directory and says `word`. */
static void assert_refused(struct scene *scene, enum error error, const char *word)
{
    enum error got = open_store(scene);

    if (got != error) {
        fail_msg("open gave '%s' (%s), not '%s'", error_name(got), scene->detail.text,
                 error_name(error));
    }
    if (strstr(scene->detail.text, word) == NULL ||
        strstr(scene->detail.text, scene->dir.path) == NULL) {
        fail_msg("\"%s\" does not say \"%s\" and the directory", scene->detail.text, word);
    }
}

static void test_store_refuses_a_missing_data_file(void **state)
{
    struct scene *scene = *state;

    dir_delete(&scene->dir, DIRECTORY_DATA);
    assert_refused(scene, ERR_CORRUPT, "is missing");
    /* And does not make a new one, which the next start would take for ours. */
    assert_false(dir_has(&scene->dir, DIRECTORY_DATA));
    assert_refused(scene, ERR_CORRUPT, "is missing");
}

static void test_store_refuses_a_data_file_cut_to_any_length(void **state)
{
    struct scene *scene = *state;
    const uint64_t lengths[] = {0, 1, 4096, 8192, 65536, STORE_LMDB_ZEROS_BYTES - 1};

    for (size_t i = sizeof(lengths) / sizeof(lengths[0]); i > 0; i--) {
        dir_truncate(&scene->dir, DIRECTORY_DATA, lengths[i - 1]);
        assert_refused(scene, ERR_CORRUPT, "was cut");
    }
}

static void test_store_refuses_data_without_a_sentinel(void **state)
{
    struct scene *scene = *state;

    dir_delete(&scene->dir, DIRECTORY_SENTINEL);
    assert_refused(scene, ERR_CORRUPT, "sentinel was deleted");
}

static void test_store_refuses_an_emptied_sentinel(void **state)
{
    struct scene *scene = *state;

    dir_truncate(&scene->dir, DIRECTORY_SENTINEL, 0);
    assert_refused(scene, ERR_CORRUPT, "both slots");
}

/* Damage to one slot, whichever, must not make an initialised directory pass for a new one. */
static void test_store_lives_with_one_damaged_slot(void **state)
{
    struct scene *scene = *state;

    for (unsigned place = 0; place < SENTINEL_SLOTS; place++) {
        dir_flip(&scene->dir, DIRECTORY_SENTINEL, place * SENTINEL_SLOT_STRIDE + 40, 1);
        must_open(scene);
        assert_true(take(scene, 0).lease.first >= scene->orders_limit);
        close_store(scene);
    }
}

static void test_store_refuses_an_older_data_file(void **state)
{
    struct scene *scene = *state;

    dir_copy_file(&scene->dir, DIRECTORY_DATA, &scene->aside, DIRECTORY_DATA);
    live(scene);
    dir_copy_file(&scene->aside, DIRECTORY_DATA, &scene->dir, DIRECTORY_DATA);
    assert_refused(scene, ERR_CORRUPT, "has gone back");
    /* The making and a start, two definitions; then a start and five leases in each of two lives.
     * */
    assert_non_null(strstr(scene->detail.text, "has 10 commits"));
    assert_non_null(strstr(scene->detail.text, "16 were witnessed"));
}

/* One lease is all that the older file lacks, and one too many to issue again. */
static void test_store_refuses_a_data_file_one_commit_older(void **state)
{
    struct scene *scene = *state;

    must_open(scene);
    dir_copy_file(&scene->dir, DIRECTORY_DATA, &scene->aside, DIRECTORY_DATA);
    take(scene, 0);
    close_store(scene);
    dir_copy_file(&scene->aside, DIRECTORY_DATA, &scene->dir, DIRECTORY_DATA);
    assert_refused(scene, ERR_CORRUPT, "has gone back");
}

static void test_store_refuses_the_data_of_another_directory(void **state)
{
    struct scene *scene = *state;
    struct scene other = {.dir = dir_make()};

    must_open(&other);
    close_store(&other);
    dir_copy_file(&other.dir, DIRECTORY_SENTINEL, &scene->dir, DIRECTORY_SENTINEL);
    assert_refused(scene, ERR_CORRUPT, "not of the same data set");
    dir_remove(&other.dir);
}

static void test_store_refuses_a_folder_of_other_files(void **state)
{
    struct scene *scene = *state;

    dir_empty(&scene->dir);
    dir_write(&scene->dir, "thesis.odt", "x", 1);
    assert_refused(scene, ERR_INVALID, "'thesis.odt'");
    assert_false(dir_has(&scene->dir, DIRECTORY_SENTINEL));
}

static void test_store_refuses_a_file_that_is_not_lmdbs(void **state)
{
    struct scene *scene = *state;
    static uint8_t rubbish[STORE_LMDB_ZEROS_BYTES];

    memset(rubbish, 0x42, sizeof(rubbish));
    dir_write(&scene->dir, DIRECTORY_DATA, rubbish, sizeof(rubbish));
    assert_refused(scene, ERR_CORRUPT, "cannot open");
    memset(rubbish, 0, sizeof(rubbish));
    dir_write(&scene->dir, DIRECTORY_DATA, rubbish, sizeof(rubbish));
    assert_refused(scene, ERR_CORRUPT, "cannot open");
}

/* Begins again where the sentinel says that it never came to the end. */
static void test_store_begins_again_after_a_half_initialisation(void **state)
{
    struct scene *scene = *state;
    struct directory directory = {.fd = -1};
    struct sentinel sentinel = {.name = DIRECTORY_SENTINEL};
    struct sentinel_slot slot = {.state = SENTINEL_INITIALISING, .instance = "half-way"};
    struct store_entry entry;
    struct definition definition = definition_default();

    assert_int_equal(directory_open(&directory, scene->dir.path, NULL), ERR_OK);
    assert_int_equal(sentinel_create(&sentinel, &directory, &slot, NULL), ERR_OK);
    sentinel_close(&sentinel);
    directory_close(&directory);
    dir_truncate(&scene->dir, DIRECTORY_DATA, 5000);
    must_open(scene);
    assert_int_equal(store_define(scene->store, "orders", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(entry.mark, 0);
}

/* Write a meta record of format `version` into the closed data file. */
static void set_format(struct scene *scene, uint32_t version)
{
    struct directory directory = {.fd = -1};
    struct environment environment = {.directory = &directory,
                                      .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                      .map_size_max_bytes = STORE_LMDB_MAP_SIZE_DEFAULT};
    struct meta meta;
    MDB_txn *txn;

    assert_int_equal(directory_open(&directory, scene->dir.path, NULL), ERR_OK);
    assert_int_equal(environment_open(&environment, NULL), ERR_OK);
    assert_int_equal(environment_begin(&environment, false, &txn, NULL), ERR_OK);
    assert_int_equal(copies_read_meta(&environment, txn, &meta, NULL), ERR_OK);
    meta.version = version;
    assert_int_equal(copies_write_meta(&environment, txn, &meta, NULL), ERR_OK);
    assert_int_equal(environment_commit(&environment, &txn, NULL), ERR_OK);
    environment_close(&environment);
    directory_close(&directory);
}

static void test_store_refuses_a_newer_format_and_leaves_it_alone(void **state)
{
    struct scene *scene = *state;
    const char *const names[] = {DIRECTORY_DATA, DIRECTORY_SENTINEL};
    uint8_t *before[2];
    size_t length[2];

    set_format(scene, META_VERSION + 1);
    for (size_t i = 0; i < 2; i++) {
        before[i] = dir_read(&scene->dir, names[i], &length[i]);
    }
    assert_int_equal(open_store(scene), ERR_FENCED);
    assert_non_null(strstr(scene->detail.text, "format 2"));
    assert_non_null(strstr(scene->detail.text, "up to 1"));
    for (size_t i = 0; i < 2; i++) {
        size_t after_length;
        uint8_t *after = dir_read(&scene->dir, names[i], &after_length);

        assert_int_equal(after_length, length[i]);
        assert_memory_equal(after, before[i], length[i]);
        free(before[i]);
        free(after);
    }
}

/* Where the bytes of `orders`, as they are now, stand in the data file: two are its live copies,
 * the others lie in pages that are free. */
static size_t find_copies(struct scene *scene, uint64_t ret_places[COPIES_MAX])
{
    uint8_t bytes[RECORD_SIZE];
    struct record record = {.definition = definition_default(), .mark = scene->orders_limit};
    size_t count = 0;

    for (uint64_t generation = 1; generation < 100; generation++) {
        uint64_t at = 0;

        record.generation = generation;
        record_encode(&record, "orders", bytes);
        while ((at = dir_find(&scene->dir, DIRECTORY_DATA, at, bytes, sizeof(bytes))) !=
               UINT64_MAX) {
            assert_true(count < COPIES_MAX);
            ret_places[count++] = at++;
        }
    }
    assert_true(count >= 2);
    return count;
}

/* A bit turned in one copy costs a distance and nothing else; in a free page it costs nothing. */
static void test_store_repairs_one_damaged_copy_and_skips_ahead(void **state)
{
    struct scene *scene = *state;
    uint64_t places[COPIES_MAX];
    size_t count = find_copies(scene, places);
    unsigned skipped = 0;

    dir_copy(&scene->dir, &scene->aside);
    for (size_t i = 0; i < count; i++) {
        uint64_t first;

        dir_copy(&scene->aside, &scene->dir);
        dir_flip(&scene->dir, DIRECTORY_DATA, places[i] + 16, 0x80);
        must_open(scene);
        first = take(scene, 0).lease.first;
        assert_true(first == scene->orders_limit ||
                    first == scene->orders_limit + SEQUENCE_MAX_GAP_DEFAULT);
        skipped += first != scene->orders_limit;
        /* The copy was written anew: the distance is taken once. */
        assert_int_equal(take(scene, 0).lease.first, first + 10);
        close_store(scene);
        must_open(scene);
        assert_int_equal(take(scene, 0).lease.first, first + 20);
        close_store(scene);
    }
    assert_int_equal(skipped, 2);
}

/* Damage all copies; `invoices` stays whole. */
static void damage_orders(struct scene *scene)
{
    uint64_t places[COPIES_MAX];
    size_t count = find_copies(scene, places);

    for (size_t i = 0; i < count; i++) {
        dir_flip(&scene->dir, DIRECTORY_DATA, places[i] + 16, 0x80);
    }
}

static enum error visit_nothing(void *context, const struct store_entry *entry,
                                struct error_detail *detail)
{
    (void)context;
    (void)entry;
    (void)detail;
    return ERR_OK;
}

static void test_store_names_a_record_damaged_beyond_both_copies(void **state)
{
    struct scene *scene = *state;

    damage_orders(scene);
    must_open(scene);
    assert_int_equal(store_each(scene->store, visit_nothing, NULL, &scene->detail), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "'orders'"));
}

static void test_store_serves_the_others_beside_a_damaged_record(void **state)
{
    struct scene *scene = *state;
    struct store_request requests[] = {{.name = "orders", .count = 10, .floor = 5},
                                       {.name = "invoices", .count = 10}};

    damage_orders(scene);
    must_open(scene);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(store_reserve(scene->store, requests, 2, &scene->detail), ERR_OK);
        assert_int_equal(requests[0].error, ERR_CORRUPT);
        assert_true(range_is_empty(requests[0].lease));
        assert_int_equal(requests[1].error, ERR_OK);
        assert_int_equal(range_count(requests[1].lease), 10);
    }
}

/* A definition over it would begin again at 0. */
static void test_store_defines_nothing_over_a_damaged_record(void **state)
{
    struct scene *scene = *state;
    struct definition definition = definition_default();
    struct store_entry entry;
    struct store_request request = {.name = "orders", .count = 10};

    damage_orders(scene);
    must_open(scene);
    assert_int_equal(store_define(scene->store, "orders", &definition, &entry, &scene->detail),
                     ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "'orders'"));
    assert_int_equal(store_reserve(scene->store, &request, 1, &scene->detail), ERR_OK);
    assert_int_equal(request.error, ERR_CORRUPT);
}

static void test_store_takes_nothing_back_on_a_damaged_copy(void **state)
{
    struct scene *scene = *state;
    uint64_t places[COPIES_MAX];
    size_t count = find_copies(scene, places);

    dir_copy(&scene->dir, &scene->aside);
    for (size_t i = 0; i < count; i++) {
        struct store_request probe;
        struct store_return giving = {
            .name = "orders", .lease_limit = scene->orders_limit, .mark = scene->orders_limit - 10};

        dir_copy(&scene->aside, &scene->dir);
        must_open(scene);
        probe = take(scene, 0); /* what generation the lease before it had */
        close_store(scene);
        giving.generation = probe.generation - 1;
        dir_copy(&scene->aside, &scene->dir);
        dir_flip(&scene->dir, DIRECTORY_DATA, places[i] + 16, 0x80);
        must_open(scene);
        assert_int_equal(store_give_back(scene->store, &giving, 1, &scene->detail), ERR_OK);
        probe = take(scene, 0);
        assert_true(probe.lease.first >= (giving.accepted ? giving.mark : giving.lease_limit));
        assert_true(!giving.accepted || probe.lease.first == giving.mark);
        close_store(scene);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_store_refuses_a_missing_data_file),
        CASE(test_store_refuses_a_data_file_cut_to_any_length),
        CASE(test_store_refuses_data_without_a_sentinel),
        CASE(test_store_refuses_an_emptied_sentinel),
        CASE(test_store_lives_with_one_damaged_slot),
        CASE(test_store_refuses_an_older_data_file),
        CASE(test_store_refuses_a_data_file_one_commit_older),
        CASE(test_store_refuses_the_data_of_another_directory),
        CASE(test_store_refuses_a_folder_of_other_files),
        CASE(test_store_refuses_a_file_that_is_not_lmdbs),
        CASE(test_store_begins_again_after_a_half_initialisation),
        CASE(test_store_refuses_a_newer_format_and_leaves_it_alone),
        CASE(test_store_repairs_one_damaged_copy_and_skips_ahead),
        CASE(test_store_names_a_record_damaged_beyond_both_copies),
        CASE(test_store_serves_the_others_beside_a_damaged_record),
        CASE(test_store_defines_nothing_over_a_damaged_record),
        CASE(test_store_takes_nothing_back_on_a_damaged_copy),
    };

    return cmocka_run_group_tests_name("store damage", tests, NULL, NULL);
}
