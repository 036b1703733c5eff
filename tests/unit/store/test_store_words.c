/* What the store reads, byte by byte and word by word, with checksums that are right: all of it is
 * what would be written, or it is refused. And what foreign codes mean. */
#include "dir.h"

#include "base/crc32c.h"
#include "base/wall_clock.h"
#include "store/elsewhere.h"
#include "store/failure.h"
#include "store/sentinel.h"
#include "store/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- records ---- */

/* The checksum stands in the last four bytes, little-endian. */
static void seal(uint8_t *bytes, size_t length)
{
    uint32_t crc = crc32c(0, bytes, length - 4);
    for (size_t i = 0; i < 4; i++) {
        bytes[length - 4 + i] = (uint8_t)(crc >> 8 * i);
    }
}

/* Every byte, with every value: a meta record that is taken would be written just so. */
static void test_meta_takes_nothing_that_it_would_not_write(void **state)
{
    (void)state;
    const struct meta meta = {.version = META_VERSION,
                              .counter = 7,
                              .created_ms = 1,
                              .committed_ms = 2,
                              .window_ms = 3,
                              .rate = 5,
                              .witnessed = true};
    uint8_t right[META_SIZE];
    meta_encode(&meta, right);
    for (size_t at = 0; at < META_SIZE - 4; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bytes[META_SIZE];
            uint8_t again[META_SIZE];
            struct meta read;
            memcpy(bytes, right, META_SIZE);
            bytes[at] = (uint8_t)value;
            seal(bytes, META_SIZE);
            if (meta_decode(bytes, META_SIZE, &read, NULL) == ERR_OK) {
                meta_encode(&read, again);
                assert_memory_equal(bytes, again, META_SIZE);
            }
        }
    }
}

static void test_meta_of_another_length_or_no_version_is_refused(void **state)
{
    (void)state;
    struct meta meta = {.version = 0};
    uint8_t bytes[META_SIZE + 8] = {0};
    struct meta read;
    meta_encode(&meta, bytes);
    assert_int_equal(meta_decode(bytes, META_SIZE, &read, NULL), ERR_CORRUPT);
    meta.version = META_VERSION;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        meta_encode(&meta, bytes);
        if (length >= 8) {
            seal(bytes, length);
        }
        assert_int_equal(meta_decode(bytes, length, &read, NULL),
                         length == META_SIZE ? ERR_OK : ERR_CORRUPT);
    }
}

static void test_sentinel_takes_nothing_that_it_would_not_write(void **state)
{
    (void)state;
    const struct sentinel_slot slot = {.state = SENTINEL_INITIALISED, .counter = 7};
    uint8_t right[SENTINEL_SLOT_SIZE];
    sentinel_slot_encode(&slot, right);
    for (size_t at = 0; at < SENTINEL_SLOT_SIZE - 4; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bytes[SENTINEL_SLOT_SIZE];
            uint8_t again[SENTINEL_SLOT_SIZE];
            struct sentinel_slot read;
            memcpy(bytes, right, sizeof bytes);
            bytes[at] = (uint8_t)value;
            seal(bytes, sizeof bytes);
            if (sentinel_slot_decode(bytes, &read, NULL) == ERR_OK) {
                sentinel_slot_encode(&read, again);
                assert_memory_equal(bytes, again, sizeof bytes);
            }
        }
    }
}

/* ---- foreign codes, and paths ---- */

static void test_failure_knows_what_codes_mean(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum error error;
    } of_both[] =
        {
            {ENOSPC, ERR_UNAVAILABLE}, {EDQUOT, ERR_UNAVAILABLE},
            {EMFILE, ERR_UNAVAILABLE}, {ENFILE, ERR_UNAVAILABLE},
            {EACCES, ERR_INVALID},     {EPERM, ERR_INVALID},
            {EROFS, ERR_INVALID},      {ENOENT, ERR_NOT_FOUND},
            {ENOMEM, ERR_NO_MEMORY},   {EIO, ERR_IO},
            {EINVAL, ERR_IO},
        },
      of_lmdb[] = {
          {MDB_SUCCESS, ERR_OK},
          {MDB_NOTFOUND, ERR_NOT_FOUND},
          {MDB_MAP_FULL, ERR_UNAVAILABLE},
          {MDB_CORRUPTED, ERR_CORRUPT},
          {MDB_PAGE_NOTFOUND, ERR_CORRUPT},
          {MDB_INVALID, ERR_CORRUPT},
          {MDB_INCOMPATIBLE, ERR_CORRUPT},
          {MDB_CURSOR_FULL, ERR_CORRUPT},
          {MDB_PAGE_FULL, ERR_CORRUPT},
          {MDB_BAD_TXN, ERR_CORRUPT},
          {MDB_VERSION_MISMATCH, ERR_FENCED},
          {MDB_PANIC, ERR_IO},
          {MDB_READERS_FULL, ERR_IO},
      };
    for (size_t i = 0; i < sizeof of_both / sizeof of_both[0]; i++) {
        assert_int_equal(failure_of_errno(of_both[i].code), of_both[i].error);
        assert_int_equal(failure_of_lmdb(of_both[i].code), of_both[i].error);
    }
    for (size_t i = 0; i < sizeof of_lmdb / sizeof of_lmdb[0]; i++) {
        assert_int_equal(failure_of_lmdb(of_lmdb[i].code), of_lmdb[i].error);
    }
}

static void test_witness_is_the_path_of_a_file(void **state)
{
    (void)state;
    char long_name[NAME_MAX + 2] = "/";
    char long_path[PATH_MAX + 16] = "/";
    struct elsewhere elsewhere;
    struct error_detail detail = {""};
    memset(long_name + 1, 'a', sizeof long_name - 2);
    long_name[sizeof long_name - 1] = '\0';
    memset(long_path + 1, 'a', sizeof long_path - 4);
    memcpy(long_path + sizeof long_path - 3, "/b", 3);
    const char *const wrong[] = {"witness", "/", "/var/", long_name, long_path};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(elsewhere_init(&elsewhere, wrong[i], &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, "the witness '"));
    }
    assert_int_equal(elsewhere_init(&elsewhere, "/witness", &detail), ERR_OK);
    assert_string_equal(elsewhere.name, "witness");
    assert_string_equal(elsewhere.directory.path, "");
    assert_int_equal(elsewhere_init(&elsewhere, NULL, &detail), ERR_OK);
    assert_string_equal(elsewhere.name, "");
}

static struct store_lmdb_options options_for(const char *directory)
{
    return (struct store_lmdb_options){.directory = directory,
                                       .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                       .any_filesystem = true};
}

/* The lock is on the directory; its path is made whole, so that it stays the same one. */
static void test_directory_refuses_a_path_that_it_cannot_follow(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct dir gone = dir_make();
    struct dir loop = dir_entry(&dir, "loop");
    struct dir file = dir_entry(&dir, "file");
    char long_path[PATH_MAX + 16];
    struct store *store = NULL;
    struct error_detail detail = {""};
    int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    dir_write(&dir, "file", "x", 1);
    assert_int_equal(symlink("loop", loop.path), 0);
    const char *const wrong[] = {long_path, loop.path, file.path};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct store_lmdb_options options = options_for(wrong[i]);
        assert_int_equal(store_lmdb_open(&options, &store, &detail), ERR_INVALID);
    }
    assert_true(home >= 0);
    assert_int_equal(chdir(gone.path), 0);
    assert_int_equal(rmdir(gone.path), 0);
    struct store_lmdb_options options = options_for("data");
    assert_int_equal(store_lmdb_open(&options, &store, &detail), ERR_IO);
    assert_non_null(strstr(detail.text, "working directory"));
    assert_int_equal(fchdir(home), 0);
    (void)close(home); /* it was only read */
    dir_remove(&dir);
}

static void test_store_refuses_sizes_outside_their_limits(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct store *store = NULL;
    const uint64_t sizes[] = {STORE_LMDB_LEDGER_SIZE_MIN - 1, STORE_LMDB_LEDGER_SIZE_MAX + 1};
    for (size_t i = 0; i < 2; i++) {
        struct store_lmdb_options options = options_for(dir.path);
        options.ledger_size_bytes = sizes[i];
        assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_INVALID);
    }
    struct store_lmdb_options options = options_for(dir.path);
    options.ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_MIN;
    options.ledger_age_ms = 1000;
    assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_OK);
    store_close(store);
    dir_remove(&dir);
}

/* ---- a record that is damaged in both places ---- */

static void damage(const struct dir *dir, const char *name)
{
    static const char *const tables[] = {"sequence", "mirror"};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (size_t i = 0; i < 2; i++) {
        char rubbish[] = "rubbish";
        char key_bytes[SEQUENCE_NAME_MAX];
        MDB_val key = {strlen(name), key_bytes};
        MDB_val value = {sizeof rubbish, rubbish};
        MDB_dbi table;
        memcpy(key_bytes, name, strlen(name));
        assert_int_equal(mdb_dbi_open(txn, tables[i], 0, &table), 0);
        assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* It is refused by name, and the one beside it goes on. */
static void test_store_refuses_a_damaged_record_by_its_name(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct store_lmdb_options options = options_for(dir.path);
    struct definition definition = definition_default();
    struct store *store = NULL;
    struct store_entry entry;
    struct store_lmdb_moved moved;
    struct store_move move = {.position = 100};
    struct error_detail detail = {""};
    assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_OK);
    assert_int_equal(store_define(store, "bad", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(store, "good", &definition, &entry, NULL), ERR_OK);
    store_close(store);
    damage(&dir, "bad");
    assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_OK);
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    assert_int_equal(store_backup(store, nowhere, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "'bad'"));
    assert_int_equal(fclose(nowhere), 0);
    assert_int_equal(store_define(store, "bad", &definition, &entry, &detail), ERR_CORRUPT);
    assert_int_equal(store_advance(store, "bad", &move, &entry, &detail), ERR_CORRUPT);
    assert_int_equal(store_drop(store, "bad", &entry, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "'bad'"));
    struct store_return giving = {.name = "bad", .generation = 1};
    assert_int_equal(store_give_back(store, &giving, 1, NULL), ERR_OK);
    assert_false(giving.accepted);
    struct store_request requests[] = {{.name = "bad", .count = 5}, {.name = "good", .count = 5}};
    assert_int_equal(store_reserve(store, requests, 2, NULL), ERR_OK);
    assert_int_equal(requests[0].error, ERR_CORRUPT);
    assert_int_equal(requests[1].error, ERR_OK);
    store_close(store);
    assert_int_equal(store_lmdb_adopt(&options, 5, &moved, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "'bad'"));
    dir_remove(&dir);
}

/* Time that has not begun yet moves nothing; time that is over moves to the end. */
static void test_adoption_moves_timestamps_at_both_ends_of_time(void **state)
{
    (void)state;
    struct dir dir = dir_make();
    struct store_lmdb_options options = options_for(dir.path);
    struct definition future = definition_default_timestamp();
    struct definition past = future;
    struct store *store = NULL;
    struct store_entry entry;
    struct store_lmdb_moved moved;
    struct store_move still = {.position = 0};
    struct layout ended = {.unit_ms = 1, .machine_bits = 5, .node_bits = 5, .counter_bits = 13};
    future.layout.epoch_ms = wall_clock_ms(wall_clock_system()) + INT64_C(86400000) * 365;
    past.layout = ended;
    assert_int_equal(definition_check(&future, NULL), ERR_OK);
    assert_int_equal(definition_check(&past, NULL), ERR_OK);
    assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_OK);
    assert_int_equal(store_define(store, "future", &future, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(store, "past", &past, &entry, NULL), ERR_OK);
    store_close(store);
    assert_int_equal(store_lmdb_adopt(&options, 5, &moved, NULL), ERR_OK);
    assert_int_equal(moved.timestamps, 2);
    assert_int_equal(store_lmdb_open(&options, &store, NULL), ERR_OK);
    assert_int_equal(store_advance(store, "future", &still, &entry, NULL), ERR_OK);
    assert_int_equal(entry.mark, 0);
    assert_int_equal(store_advance(store, "past", &still, &entry, NULL), ERR_OK);
    assert_int_equal(entry.mark, layout_capacity(&past.layout));
    store_close(store);
    dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta_takes_nothing_that_it_would_not_write),
        cmocka_unit_test(test_meta_of_another_length_or_no_version_is_refused),
        cmocka_unit_test(test_sentinel_takes_nothing_that_it_would_not_write),
        cmocka_unit_test(test_failure_knows_what_codes_mean),
        cmocka_unit_test(test_witness_is_the_path_of_a_file),
        cmocka_unit_test(test_directory_refuses_a_path_that_it_cannot_follow),
        cmocka_unit_test(test_store_refuses_sizes_outside_their_limits),
        cmocka_unit_test(test_store_refuses_a_damaged_record_by_its_name),
        cmocka_unit_test(test_adoption_moves_timestamps_at_both_ends_of_time),
    };
    return cmocka_run_group_tests_name("store words", tests, NULL, NULL);
}
