/* Reading a file back around the page cache. */
#include "dir.h"
#include "faultio.h"

#include "store/readback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES (700 << 10) /* more than one chunk, and not whole chunks */

struct scene {
    struct dir dir;
    struct directory directory;
    struct error_detail detail;
};

static int set_up(void **state)
{
    static uint8_t bytes[FILE_BYTES];
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    faultio_reset();
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 4096);
    }
    scene->dir = dir_make();
    dir_write(&scene->dir, "file", bytes, sizeof(bytes));
    assert_int_equal(directory_open(&scene->directory, scene->dir.path, &scene->detail), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    faultio_reset();
    directory_close(&scene->directory);
    dir_remove(&scene->dir);
    free(scene);
    return 0;
}

static enum error check(struct scene *scene, uint64_t size_min_bytes)
{
    return readback_check(&scene->directory, "file", size_min_bytes, &scene->detail);
}

static void test_readback_accepts_what_was_written(void **state)
{
    assert_int_equal(check(*state, FILE_BYTES), ERR_OK);
}

static void test_readback_refuses_a_missing_file(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(readback_check(&scene->directory, "nothing", 0, &scene->detail), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "is missing"));
}

static void test_readback_refuses_a_file_that_was_cut(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(check(scene, FILE_BYTES + 1), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "was cut"));
    dir_truncate(&scene->dir, "file", 0);
    assert_int_equal(check(scene, 1), ERR_CORRUPT);
}

static void test_readback_refuses_a_file_it_cannot_sync(void **state)
{
    struct scene *scene = *state;

    faultio_add((struct faultio_plan){
        .ending = "/file", .calls = FAULTIO_SYNCS, .first = 1, .times = 1, .kind = FAULTIO_EIO});
    assert_int_equal(check(scene, 1), ERR_IO);
    assert_int_equal(faultio_failed(), 1);
    assert_int_equal(check(scene, 1), ERR_OK);
}

/* The kernel's own trap: the cache shows what the disk does not hold. */
static void test_readback_notices_that_disk_and_cache_differ(void **state)
{
    struct scene *scene = *state;
    enum error error;

    faultio_turn_direct_reads("/file");
    error = check(scene, 1);
    if (faultio_turned() == 0) {
        print_message("*** NOT TESTED: the file system of %s has no direct reads\n",
                      scene->dir.path);
        skip();
    }
    assert_int_equal(error, ERR_IO);
    assert_non_null(strstr(scene->detail.text, "does not hold what was written"));
    assert_non_null(strstr(scene->detail.text, "byte 131072 differs"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_readback_accepts_what_was_written),
        CASE(test_readback_refuses_a_missing_file),
        CASE(test_readback_refuses_a_file_that_was_cut),
        CASE(test_readback_refuses_a_file_it_cannot_sync),
        CASE(test_readback_notices_that_disk_and_cache_differ),
    };

    return cmocka_run_group_tests_name("readback", tests, NULL, NULL);
}
