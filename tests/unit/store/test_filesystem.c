/* Where a data directory may lie: the file systems that are refused. */
#include "dir.h"

#include "store/directory.h"
#include "store/filesystem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include <cmocka.h>

#define IN_MEMORY "/dev/shm"
#define TMPFS 0x01021994 /* see statfs(2) */

/* The numbers are those of statfs(2). */
static const struct {
    uint64_t type;
    const char *word; /* of the objection; NULL: none */
} types[] = {
    {0x01021994, "memory"},       {0x858458F6, "memory"},         {0x6969, "another machine"},
    {0xFF534D42, "machine"},      {0xFE534D42, "machine"},        {0x01021997, "machine"},
    {0x5346414F, "machine"},      {0x00C36400, "machine"},        {0x01161970, "several machines"},
    {0x7461636F, "several"},      {0x65735546, "FUSE"},           {0xEF53 /* ext4 */, NULL},
    {0x58465342 /* xfs */, NULL}, {0x9123683E /* btrfs */, NULL}, {0x794C7630 /* overlay */, NULL},
    {0x2FC12FC1 /* zfs */, NULL}, {0xF2F52010 /* f2fs */, NULL},  {0x12345678 /* new */, NULL},
};

static void test_filesystem_objects_to_what_is_no_disk_of_this_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const char *objection = filesystem_objection(types[i].type);

        if ((objection == NULL) != (types[i].word == NULL) ||
            (objection != NULL && strstr(objection, types[i].word) == NULL)) {
            fail_msg("of %llx it says %s", (unsigned long long)types[i].type, objection);
        }
    }
}

/* A folder in memory, as the kernel has one almost everywhere. */
static struct dir make_in_memory(void)
{
    const char *before = getenv("TMPDIR");
    struct dir dir;

    setenv("TMPDIR", IN_MEMORY, 1);
    dir = dir_make();
    if (before == NULL) {
        unsetenv("TMPDIR");
    } else {
        setenv("TMPDIR", before, 1);
    }
    return dir;
}

static void test_filesystem_in_memory_is_refused_unless_it_is_wanted(void **state)
{
    struct statfs status;
    struct dir dir;
    struct directory directory = {.fd = -1};
    struct error_detail detail = {.text = ""};

    (void)state;
    if (statfs(IN_MEMORY, &status) != 0 || status.f_type != TMPFS) {
        print_message("*** NOT TESTED: " IN_MEMORY " is not in memory\n");
        skip();
    }
    dir = make_in_memory();
    assert_int_equal(directory_open(&directory, dir.path, &detail), ERR_INVALID);
    assert_int_equal(directory.fd, -1);
    assert_non_null(strstr(detail.text, dir.path));
    assert_non_null(strstr(detail.text, "kept in memory"));
    assert_non_null(strstr(detail.text, "filesystem = any"));
    directory.any_filesystem = true;
    assert_int_equal(directory_open(&directory, dir.path, &detail), ERR_OK);
    directory_close(&directory);
    dir_remove(&dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filesystem_objects_to_what_is_no_disk_of_this_machine),
        cmocka_unit_test(test_filesystem_in_memory_is_refused_unless_it_is_wanted),
    };

    return cmocka_run_group_tests_name("filesystem", tests, NULL, NULL);
}
