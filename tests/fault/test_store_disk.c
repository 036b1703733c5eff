/* Disks as they are: full, read-only, not ours to write, held by another, and too small a map. The
 * full and the read-only disk are real ones, in memory, mounted in a namespace of the test's own.
 * */
#include "apart.h"
#include "dir.h"

#include "store/directory.h"
#include "store/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534
#define SEQUENCES 3000
#define MANY (4 * STORE_REQUESTS_MAX)
#define EXTENTS_MAX 256u /* of a file that the kernel lists */

static struct error_detail detail;

static enum error open_store(const struct dir *dir, uint64_t map_size_bytes,
                             uint64_t map_size_max_bytes, struct store **ret_store)
{
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = map_size_bytes,
                                         .map_size_max_bytes = map_size_max_bytes,
                                         .any_filesystem = true};

    detail.text[0] = '\0';
    return store_lmdb_open(&options, ret_store, &detail);
}

static enum error open_default(const struct dir *dir, struct store **ret_store)
{
    return open_store(dir, STORE_LMDB_MAP_SIZE_DEFAULT, 0, ret_store);
}

static enum error define(struct store *store, const char *name)
{
    struct definition definition = definition_default();
    struct store_entry entry;

    return store_define(store, name, &definition, &entry, &detail);
}

#define CHECK(fact) APART_CHECK(fact, detail.text)

static void initialise_on_a_full_disk(const struct dir *dir)
{
    struct store *store;

    apart_mount(dir, "600k");
    CHECK(open_default(dir, &store) == ERR_UNAVAILABLE);
    CHECK(strstr(detail.text, "make room") != NULL);
    CHECK(open_default(dir, &store) == ERR_UNAVAILABLE);
    /* There is room now: what the attempts left behind is no hindrance. */
    CHECK(mount("seqd-test", dir->path, "tmpfs", MS_REMOUNT, "size=4m") == 0);
    CHECK(open_default(dir, &store) == ERR_OK);
    CHECK(define(store, "orders") == ERR_OK);
    store_close(store);
}

static void test_store_says_that_the_disk_is_full_and_starts_when_it_is_not(void **state)
{
    apart_tell(*state, initialise_on_a_full_disk);
}

static void renew_on_a_full_disk(const struct dir *dir)
{
    struct store *store;
    struct store_request request = {.name = "orders", .count = 10};

    apart_mount(dir, "4m");
    CHECK(open_default(dir, &store) == ERR_OK);
    CHECK(define(store, "orders") == ERR_OK);
    apart_fill(dir);
    for (unsigned i = 0; i < 500; i++) {
        CHECK(store_reserve(store, &request, 1, &detail) == ERR_OK);
        CHECK(request.error == ERR_OK);
    }
    CHECK(store_recover(store, &detail) == ERR_OK);
    store_close(store);
    CHECK(open_default(dir, &store) == ERR_OK);
    CHECK(store_reserve(store, &request, 1, &detail) == ERR_OK);
    CHECK(request.lease.first >= 5000);
    store_close(store);
}

static void test_store_renews_on_a_full_disk(void **state)
{
    apart_tell(*state, renew_on_a_full_disk);
}

/* The largest commit that there is, for the first time, when the disk is full already. */
static void renew_many_on_a_full_disk(const struct dir *dir)
{
    static char names[MANY][16];
    static struct store_request requests[MANY];
    struct store *store;

    apart_mount(dir, "64m");
    CHECK(open_default(dir, &store) == ERR_OK);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "s%u", i);
        requests[i] = (struct store_request){.name = names[i], .count = 10};
        CHECK(define(store, names[i]) == ERR_OK);
    }
    apart_fill(dir);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < MANY; i += STORE_REQUESTS_MAX) {
            CHECK(store_reserve(store, &requests[i], STORE_REQUESTS_MAX, &detail) == ERR_OK);
        }
    }
    store_close(store);
}

static void test_store_renews_thousands_on_a_full_disk(void **state)
{
    apart_tell(*state, renew_many_on_a_full_disk);
}

/* LMDB writes its lock file through a mapping: on a full disk a hole in it is a SIGBUS. */
static void start_on_a_full_disk_without_lock_file(const struct dir *dir)
{
    struct store *store;

    apart_mount(dir, "4m");
    CHECK(open_default(dir, &store) == ERR_OK);
    store_close(store);
    dir_delete(dir, DIRECTORY_LOCK);
    apart_fill(dir);
    CHECK(open_default(dir, &store) == ERR_UNAVAILABLE);
    CHECK(strstr(detail.text, DIRECTORY_LOCK) != NULL);
}

static void test_store_survives_a_full_disk_without_lmdbs_lock_file(void **state)
{
    apart_tell(*state, start_on_a_full_disk_without_lock_file);
}

static void start_read_only(const struct dir *dir)
{
    struct store *store;

    apart_mount(dir, "4m");
    CHECK(mount("seqd-test", dir->path, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(open_default(dir, &store) == ERR_INVALID);
    CHECK(strstr(detail.text, "mount its file system for writing") != NULL);
    CHECK(mount("seqd-test", dir->path, "tmpfs", MS_REMOUNT, NULL) == 0);
    CHECK(open_default(dir, &store) == ERR_OK);
    store_close(store);
    CHECK(mount("seqd-test", dir->path, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(open_default(dir, &store) == ERR_INVALID);
    CHECK(strstr(detail.text, "mount its file system for writing") != NULL);
}

static void test_store_refuses_a_read_only_file_system(void **state)
{
    apart_tell(*state, start_read_only);
}

/* Root is above permissions, so the story is told as nobody. */
static void start_as_nobody(const struct dir *dir)
{
    struct store *store;

    if (geteuid() == 0) {
        CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    }
    CHECK(open_default(dir, &store) == ERR_INVALID);
    CHECK(strstr(detail.text, "give it to the user that seqd runs as") != NULL);
    CHECK(strstr(detail.text, dir->path) != NULL);
}

static void test_store_refuses_a_directory_that_it_may_not_enter(void **state)
{
    const struct dir *dir = *state;

    assert_int_equal(chmod(dir->path, 0), 0);
    apart_tell(dir, start_as_nobody);
    assert_int_equal(chmod(dir->path, 0700), 0);
}

static void test_store_refuses_a_directory_that_it_may_not_write(void **state)
{
    const struct dir *dir = *state;

    assert_int_equal(chmod(dir->path, 0555), 0);
    apart_tell(dir, start_as_nobody);
    assert_int_equal(chmod(dir->path, 0700), 0);
}

static void test_store_refuses_files_that_it_may_not_write(void **state)
{
    const struct dir *dir = *state;
    struct store *store;

    assert_int_equal(open_default(dir, &store), ERR_OK);
    store_close(store);
    assert_int_equal(chmod(dir->path, 0755), 0);
    assert_int_equal(chmod(dir_entry(dir, DIRECTORY_SENTINEL).path, 0444), 0);
    assert_int_equal(chmod(dir_entry(dir, DIRECTORY_DATA).path, 0444), 0);
    apart_tell(dir, start_as_nobody);
}

static void start_beside_another(const struct dir *dir)
{
    struct store *store;

    CHECK(open_default(dir, &store) == ERR_CONFLICT);
    CHECK(strstr(detail.text, "in use by another seqd") != NULL);
}

static void test_store_refuses_a_directory_that_another_process_holds(void **state)
{
    const struct dir *dir = *state;
    struct store *store;

    assert_int_equal(open_default(dir, &store), ERR_OK);
    apart_tell(dir, start_beside_another);
    store_close(store);
}

static void test_store_refuses_a_map_outside_its_limits(void **state)
{
    const struct dir *dir = *state;
    struct store *store;

    assert_int_equal(open_store(dir, STORE_LMDB_MAP_SIZE_MIN - 1, 0, &store), ERR_INVALID);
    assert_non_null(strstr(detail.text, "65535"));
    assert_int_equal(open_store(dir, STORE_LMDB_MAP_SIZE_MAX + 1, 0, &store), ERR_INVALID);
    assert_false(dir_has(dir, DIRECTORY_SENTINEL));
}

/* Blocks that were never written do not count: neither holes, nor room that was only promised (the
 * kernel calls it unwritten), which ext4 may hand out again as zeros after a lost write. */
static void assert_written_whole(const struct dir *dir)
{
    struct fiemap *layout =
        calloc(1, sizeof(*layout) + EXTENTS_MAX * sizeof(layout->fm_extents[0]));
    struct stat status;
    int fd = open(dir_entry(dir, DIRECTORY_DATA).path, O_RDONLY | O_CLOEXEC);

    assert_non_null(layout);
    layout->fm_length = FIEMAP_MAX_OFFSET;
    layout->fm_flags = FIEMAP_FLAG_SYNC;
    layout->fm_extent_count = EXTENTS_MAX;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_size >= (off_t)STORE_LMDB_ZEROS_BYTES);
    assert_true(status.st_blocks * 512 >= status.st_size);
    if (ioctl(fd, FS_IOC_FIEMAP, layout) == 0) {
        assert_true(layout->fm_mapped_extents > 0);
        for (unsigned i = 0; i < layout->fm_mapped_extents; i++) {
            assert_int_equal(layout->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN, 0);
        }
    } else {
        print_message("*** NOT TESTED: the file system of %s does not tell its extents\n",
                      dir->path);
    }
    close(fd);
    free(layout);
}

static void test_store_writes_its_data_file_whole_before_use(void **state)
{
    const struct dir *dir = *state;
    struct store *store;

    assert_int_equal(open_default(dir, &store), ERR_OK);
    assert_int_equal(dir_file_size(dir, DIRECTORY_DATA), STORE_LMDB_ZEROS_BYTES);
    assert_written_whole(dir);
    store_close(store);
}

static enum error count_entry(void *context, const struct store_entry *entry,
                              struct error_detail *text)
{
    (void)text;
    *(unsigned *)context += entry->mark == 0 || entry->mark == 7;
    return ERR_OK;
}

static void grow(const struct dir *dir)
{
    struct store *store;
    char name[16];

    assert_int_equal(open_store(dir, STORE_LMDB_MAP_SIZE_MIN, 0, &store), ERR_OK);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        struct store_request request = {.name = name, .count = 7};

        snprintf(name, sizeof(name), "s%u", i);
        assert_int_equal(define(store, name), ERR_OK);
        if (i % 10 == 0) {
            assert_int_equal(store_reserve(store, &request, 1, &detail), ERR_OK);
            assert_int_equal(range_count(request.lease), 7);
        }
    }
    store_close(store);
}

static void test_store_grows_its_map_and_its_file_under_thousands(void **state)
{
    const struct dir *dir = *state;
    struct store *store;
    unsigned count = 0;

    grow(dir);
    assert_written_whole(dir);
    /* Smaller than the data by now: the map makes room for what is there. */
    assert_int_equal(open_store(dir, STORE_LMDB_MAP_SIZE_MIN, 0, &store), ERR_OK);
    assert_int_equal(store_each(store, count_entry, &count, &detail), ERR_OK);
    assert_int_equal(count, SEQUENCES);
    store_close(store);
    /* Cut to what every file has, with pages missing: LMDB alone would die of it. */
    dir_truncate(dir, DIRECTORY_DATA, STORE_LMDB_ZEROS_BYTES);
    assert_int_equal(open_default(dir, &store), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "was cut"));
}

/* Renew the first `count` sequences, all in one commit, which takes more pages than any other. */
static void renew_all(struct store *store, unsigned count, unsigned round)
{
    static char names[STORE_REQUESTS_MAX][16];
    static struct store_request requests[STORE_REQUESTS_MAX];

    assert_true(count <= STORE_REQUESTS_MAX);
    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "s%u", i);
        requests[i] = (struct store_request){.name = names[i], .count = 10};
    }
    assert_int_equal(store_reserve(store, requests, count, &detail), ERR_OK);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(requests[i].error, ERR_OK);
        assert_int_equal(requests[i].lease.first, 10 * round);
    }
}

static void test_store_at_its_limit_refuses_the_new_and_serves_the_old(void **state)
{
    const struct dir *dir = *state;
    struct store *store;
    struct store_entry entry;
    char name[16] = "s0";
    unsigned defined = 0;

    assert_int_equal(open_store(dir, STORE_LMDB_MAP_SIZE_MIN, 4 * STORE_LMDB_MAP_SIZE_MIN, &store),
                     ERR_OK);
    while (define(store, name) == ERR_OK) {
        assert_true(defined < 10000);
        snprintf(name, sizeof(name), "s%u", ++defined);
    }
    print_message("    %u sequences\n", defined);
    assert_true(defined > 20);
    assert_int_equal(define(store, name), ERR_UNAVAILABLE);
    assert_non_null(strstr(detail.text, "of the 262144 bytes of map_size_max"));
    /* Nothing was written, so nothing is in doubt: no recovery is asked for. */
    for (unsigned round = 0; round < 100; round++) {
        renew_all(store, defined, round);
    }
    /* Nor has what is there become harder to change. */
    assert_int_equal(store_drop(store, "s1", &entry, &detail), ERR_OK);
    assert_int_equal(define(store, "s1"), ERR_OK);
    assert_int_equal(define(store, name), ERR_UNAVAILABLE);
    store_close(store);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, dir_set_up, dir_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_store_says_that_the_disk_is_full_and_starts_when_it_is_not),
        CASE(test_store_renews_on_a_full_disk),
        CASE(test_store_renews_thousands_on_a_full_disk),
        CASE(test_store_survives_a_full_disk_without_lmdbs_lock_file),
        CASE(test_store_refuses_a_read_only_file_system),
        CASE(test_store_refuses_a_directory_that_it_may_not_enter),
        CASE(test_store_refuses_a_directory_that_it_may_not_write),
        CASE(test_store_refuses_files_that_it_may_not_write),
        CASE(test_store_refuses_a_directory_that_another_process_holds),
        CASE(test_store_refuses_a_map_outside_its_limits),
        CASE(test_store_writes_its_data_file_whole_before_use),
        CASE(test_store_grows_its_map_and_its_file_under_thousands),
        CASE(test_store_at_its_limit_refuses_the_new_and_serves_the_old),
    };

    return cmocka_run_group_tests_name("store disk", tests, NULL, NULL);
}
