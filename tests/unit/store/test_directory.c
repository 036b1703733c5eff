/* The data directory: what may lie in it, who may hold it, and that it stays the same one. */
#include "dir.h"

#include "store/directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
    struct dir dir;
    struct directory directory;
    struct error_detail detail;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->dir = dir_make();
    assert_int_equal(directory_open(&scene->directory, scene->dir.path, &scene->detail), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    directory_close(&scene->directory);
    dir_remove(&scene->dir);
    free(scene);
    return 0;
}

/* Does the last failure say `word`? */
static void assert_says(const struct scene *scene, const char *word)
{
    if (strstr(scene->detail.text, word) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", scene->detail.text, word);
    }
}

static enum error survey(struct scene *scene, bool *ret_ours)
{
    return directory_survey(&scene->directory, ret_ours, &scene->detail);
}

static void test_directory_missing_is_named_with_what_to_type(void **state)
{
    struct scene *scene = *state;
    struct dir nowhere = dir_entry(&scene->dir, "nowhere");
    struct directory other = {.fd = -1};

    assert_int_equal(directory_open(&other, nowhere.path, &scene->detail), ERR_NOT_FOUND);
    assert_says(scene, "mkdir -m 0700");
    assert_says(scene, nowhere.path);
    assert_false(dir_has(&scene->dir, "nowhere"));
}

static void test_directory_that_is_a_file_is_refused(void **state)
{
    struct scene *scene = *state;
    struct dir file = dir_entry(&scene->dir, "file");
    struct directory other = {.fd = -1};

    dir_write(&scene->dir, "file", "x", 1);
    assert_int_equal(directory_open(&other, file.path, &scene->detail), ERR_INVALID);
    assert_says(scene, "not a directory");
}

static void test_directory_held_is_refused_in_the_same_process(void **state)
{
    struct scene *scene = *state;
    struct directory other = {.fd = -1};

    assert_int_equal(directory_open(&other, scene->dir.path, &scene->detail), ERR_CONFLICT);
    assert_says(scene, "in use");
    assert_says(scene, scene->dir.path);
}

static void test_directory_held_is_refused_in_another_process(void **state)
{
    struct scene *scene = *state;
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct directory other = {.fd = -1};

        _exit(directory_open(&other, scene->dir.path, NULL) == ERR_CONFLICT ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_directory_is_free_after_the_close(void **state)
{
    struct scene *scene = *state;
    struct directory other = {.fd = -1};

    directory_close(&scene->directory);
    assert_int_equal(directory_open(&other, scene->dir.path, &scene->detail), ERR_OK);
    directory_close(&other);
    directory_close(&other);
}

static void test_directory_makes_a_relative_path_absolute(void **state)
{
    struct scene *scene = *state;
    char here[DIR_PATH_SIZE];
    struct directory other = {.fd = -1};

    assert_int_equal(mkdir(dir_entry(&scene->dir, "data").path, 0700), 0);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(scene->dir.path), 0);
    assert_int_equal(directory_open(&other, "data", &scene->detail), ERR_OK);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(other.path, dir_entry(&scene->dir, "data").path);
    directory_close(&other);
}

static void test_directory_empty_is_empty(void **state)
{
    bool ours = true;

    assert_int_equal(survey(*state, &ours), ERR_OK);
    assert_false(ours);
}

/* A file system's own folder, and what a crash leaves before there is anything to lose. */
static void test_directory_with_only_leftovers_is_empty(void **state)
{
    struct scene *scene = *state;
    bool ours = true;

    assert_int_equal(mkdir(dir_entry(&scene->dir, "lost+found").path, 0700), 0);
    dir_write(&scene->dir, "sentinel.new", "half", 4);
    assert_int_equal(survey(scene, &ours), ERR_OK);
    assert_false(ours);
}

static void test_directory_with_a_sentinel_is_ours(void **state)
{
    struct scene *scene = *state;
    bool ours = false;

    dir_write(&scene->dir, "sentinel", "x", 1);
    dir_write(&scene->dir, "a note", "x", 1);
    assert_int_equal(survey(scene, &ours), ERR_OK);
    assert_true(ours);
}

static void test_directory_with_foreign_files_names_the_first(void **state)
{
    struct scene *scene = *state;
    bool ours = false;

    dir_write(&scene->dir, "zebra", "x", 1);
    dir_write(&scene->dir, "mine.txt", "x", 1);
    dir_write(&scene->dir, "other", "x", 1);
    assert_int_equal(survey(scene, &ours), ERR_INVALID);
    assert_says(scene, "'mine.txt'");
}

static void test_directory_counts_hidden_files_as_foreign(void **state)
{
    struct scene *scene = *state;
    bool ours = false;

    dir_write(&scene->dir, ".keep", "", 0);
    assert_int_equal(survey(scene, &ours), ERR_INVALID);
    assert_says(scene, "'.keep'");
}

static void test_directory_with_data_and_no_sentinel_is_refused(void **state)
{
    struct scene *scene = *state;
    bool ours = false;

    dir_write(&scene->dir, "data.mdb", "x", 1);
    assert_int_equal(survey(scene, &ours), ERR_CORRUPT);
    assert_says(scene, "sentinel was deleted");
}

static int open_file(const struct scene *scene, const char *name)
{
    int fd;

    dir_write(&scene->dir, name, "x", 1);
    fd = open(dir_entry(&scene->dir, name).path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void test_directory_still_holds_what_it_held(void **state)
{
    struct scene *scene = *state;
    int fd = open_file(scene, "file");

    assert_int_equal(directory_still_holds(&scene->directory, "file", fd, &scene->detail), ERR_OK);
    close(fd);
}

static void test_directory_notices_a_file_that_was_replaced(void **state)
{
    struct scene *scene = *state;
    int fd = open_file(scene, "file");

    dir_delete(&scene->dir, "file");
    assert_int_equal(directory_still_holds(&scene->directory, "file", fd, &scene->detail),
                     ERR_FENCED);
    dir_write(&scene->dir, "file", "x", 1);
    assert_int_equal(directory_still_holds(&scene->directory, "file", fd, &scene->detail),
                     ERR_FENCED);
    assert_says(scene, "deleted or replaced");
    close(fd);
}

static void test_directory_notices_that_it_was_replaced(void **state)
{
    struct scene *scene = *state;
    struct dir aside = scene->dir;
    int fd = open_file(scene, "file");

    aside.path[strlen(aside.path) - 1] ^= 1;
    assert_int_equal(rename(scene->dir.path, aside.path), 0);
    assert_int_equal(directory_still_holds(&scene->directory, "file", fd, &scene->detail),
                     ERR_FENCED);
    assert_int_equal(mkdir(scene->dir.path, 0700), 0);
    dir_write(&scene->dir, "file", "x", 1);
    assert_int_equal(directory_still_holds(&scene->directory, "file", fd, &scene->detail),
                     ERR_FENCED);
    assert_says(scene, "moved away or replaced");
    close(fd);
    dir_remove(&aside);
}

static void test_directory_removes_what_is_there_or_not(void **state)
{
    struct scene *scene = *state;

    dir_write(&scene->dir, "file", "x", 1);
    assert_int_equal(directory_remove(&scene->directory, "file", &scene->detail), ERR_OK);
    assert_false(dir_has(&scene->dir, "file"));
    assert_int_equal(directory_remove(&scene->directory, "file", &scene->detail), ERR_OK);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_directory_missing_is_named_with_what_to_type),
        CASE(test_directory_that_is_a_file_is_refused),
        CASE(test_directory_held_is_refused_in_the_same_process),
        CASE(test_directory_held_is_refused_in_another_process),
        CASE(test_directory_is_free_after_the_close),
        CASE(test_directory_makes_a_relative_path_absolute),
        CASE(test_directory_empty_is_empty),
        CASE(test_directory_with_only_leftovers_is_empty),
        CASE(test_directory_with_a_sentinel_is_ours),
        CASE(test_directory_with_foreign_files_names_the_first),
        CASE(test_directory_counts_hidden_files_as_foreign),
        CASE(test_directory_with_data_and_no_sentinel_is_refused),
        CASE(test_directory_still_holds_what_it_held),
        CASE(test_directory_notices_a_file_that_was_replaced),
        CASE(test_directory_notices_that_it_was_replaced),
        CASE(test_directory_removes_what_is_there_or_not),
    };

    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
