/* A data directory that comes back as a copy: refused until somebody adopts it, whatever way it
 * came back, and then no position is granted twice. */
#include "dir.h"
#include "faultio.h"

#include "store/directory.h"
#include "store/store_lmdb.h"

#include "base/wall_clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIP 1000
#define CALLS_MAX 1000 /* far above the calls of one adoption */

/* A directory with the counter `orders` and the timestamp sequence `stamps`, and one of its earlier
 * states; the store is closed after set_up(). */
struct scene {
    struct dir home; /* in it `dir`, so that it can be renamed */
    struct dir dir;
    struct dir aside; /* the files as they were some lives ago */
    uint8_t machine;  /* every byte of the machine id */
    enum store_lmdb_identity identity;
    struct store *store;
    struct error_detail detail;
    uint64_t limit; /* of `orders`: every position below was granted */
};

static struct store_lmdb_options options_of(const struct scene *scene)
{
    struct store_lmdb_options options = {.directory = scene->dir.path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                         .identity = scene->identity};

    memset(options.machine, scene->machine, sizeof(options.machine));
    return options;
}

static enum error open_store(struct scene *scene)
{
    struct store_lmdb_options options = options_of(scene);

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

static struct range take(struct scene *scene, const char *name)
{
    struct store_request request = {.name = name, .count = 10};

    assert_int_equal(store_reserve(scene->store, &request, 1, &scene->detail), ERR_OK);
    assert_int_equal(request.error, ERR_OK);
    return request.lease;
}

/* One life, in which 50 positions are granted. */
static void live(struct scene *scene)
{
    must_open(scene);
    for (unsigned i = 0; i < 5; i++) {
        scene->limit = take(scene, "orders").limit;
    }
    close_store(scene);
}

static void define(struct scene *scene)
{
    struct definition counter = definition_default();
    struct definition stamps = definition_default_timestamp();
    struct store_entry entry;

    counter.max_gap = 70;
    assert_int_equal(store_define(scene->store, "orders", &counter, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(scene->store, "stamps", &stamps, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(scene->store, "gone", &counter, &entry, NULL), ERR_OK);
    assert_int_equal(store_drop(scene->store, "gone", &entry, NULL), ERR_OK);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    faultio_reset();
    scene->machine = 1;
    scene->home = dir_make();
    scene->dir = dir_entry(&scene->home, "data");
    assert_int_equal(mkdir(scene->dir.path, 0700), 0);
    scene->aside = dir_make();
    must_open(scene);
    define(scene);
    close_store(scene);
    live(scene);
    dir_copy(&scene->dir, &scene->aside);
    dir_await_birth(&scene->dir, "sentinel"); /* its next one is told from it by that alone */
    live(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    faultio_reset();
    close_store(scene);
    dir_remove(&scene->home);
    dir_remove(&scene->aside);
    free(scene);
    return 0;
}

/* Refused, again and again, with the command that helps; and nothing is changed by it. */
static void assert_refused(struct scene *scene, const char *word)
{
    for (unsigned i = 0; i < 3; i++) {
        enum error error = open_store(scene);

        if (error == ERR_OK) {
            fail_msg("a copy was taken for the original");
        }
        if (error != ERR_FENCED || strstr(scene->detail.text, word) == NULL ||
            strstr(scene->detail.text, "seqd --adopt --skip 700 -d '") == NULL ||
            strstr(scene->detail.text, scene->dir.path) == NULL) {
            fail_msg("open gave '%s': %s", error_name(error), scene->detail.text);
        }
    }
}

static void adopt(struct scene *scene, uint64_t skip)
{
    struct store_lmdb_options options = options_of(scene);
    struct store_lmdb_moved moved = {0};
    enum error error = store_lmdb_adopt(&options, skip, &moved, &scene->detail);

    if (error != ERR_OK) {
        fail_msg("adopt: %s: %s", error_name(error), scene->detail.text);
    }
    assert_int_equal(moved.counters, 2);
    assert_int_equal(moved.timestamps, 1);
    assert_int_equal(moved.exhausted, 0);
}

static void test_guard_refuses_a_copy_elsewhere_until_it_is_adopted(void **state)
{
    struct scene *scene = *state;
    struct dir original = scene->dir;
    uint64_t mark;

    scene->dir = scene->aside;
    assert_refused(scene, "data.mdb is inode");
    adopt(scene, SKIP);
    must_open(scene);
    mark = take(scene, "orders").first;
    assert_int_equal(mark, 50 + SKIP);
    close_store(scene);
    live(scene);
    scene->dir = original;
    live(scene);
}

/* As `cp -a` does it: the files stay, their bytes go back. */
static void test_guard_refuses_an_old_copy_written_over_the_files(void **state)
{
    struct scene *scene = *state;

    dir_copy(&scene->aside, &scene->dir);
    assert_refused(scene, "sentinel is inode");
    adopt(scene, SKIP);
    must_open(scene);
    assert_true(take(scene, "orders").first >= scene->limit);
}

/* As `rsync -a` and `tar` do it: new files under the old names. */
static void test_guard_refuses_an_old_copy_put_in_place_of_the_files(void **state)
{
    struct scene *scene = *state;
    static const char *const names[] = {DIRECTORY_DATA, DIRECTORY_SENTINEL};

    for (size_t i = 0; i < 2; i++) {
        struct dir fresh = dir_entry(&scene->dir, ".fresh");
        struct dir old = dir_entry(&scene->dir, names[i]);

        dir_copy_file(&scene->aside, names[i], &scene->dir, ".fresh");
        assert_int_equal(rename(fresh.path, old.path), 0);
    }
    assert_refused(scene, "data.mdb is inode");
}

static void test_guard_refuses_what_was_emptied_and_unpacked(void **state)
{
    struct scene *scene = *state;

    dir_empty(&scene->dir);
    dir_copy(&scene->aside, &scene->dir);
    assert_refused(scene, "data.mdb is inode");
}

/* Copied while it ran, and put back over the files after a clean stop. */
static void test_guard_refuses_a_hot_copy_of_the_last_life(void **state)
{
    struct scene *scene = *state;

    must_open(scene);
    dir_copy(&scene->dir, &scene->aside);
    take(scene, "orders");
    close_store(scene);
    dir_copy(&scene->aside, &scene->dir);
    assert_refused(scene, "sentinel is inode");
}

static void test_guard_lets_a_renamed_directory_be(void **state)
{
    struct scene *scene = *state;
    struct dir moved = dir_entry(&scene->home, "moved");
    uint64_t limit = scene->limit;

    assert_int_equal(rename(scene->dir.path, moved.path), 0);
    scene->dir = moved;
    live(scene);
    assert_int_equal(scene->limit, limit + 50);
}

static void test_guard_refuses_another_machine_unless_told(void **state)
{
    struct scene *scene = *state;

    scene->machine = 2;
    assert_refused(scene, "another machine");
    scene->identity = STORE_LMDB_IDENTITY_MACHINE;
    assert_refused(scene, "another machine");
    scene->identity = STORE_LMDB_IDENTITY_FILE;
    live(scene);
    scene->identity = STORE_LMDB_IDENTITY_ALL; /* and it is the one that counts from now on */
    live(scene);
    scene->machine = 1;
    assert_refused(scene, "another machine");
}

static void test_guard_holds_no_missing_machine_id_against_anybody(void **state)
{
    struct scene *scene = *state;

    scene->machine = 0;
    live(scene);
    scene->machine = 2; /* what was remembered before is not forgotten */
    assert_refused(scene, "another machine");
}

static void test_guard_takes_copies_when_it_is_told(void **state)
{
    struct scene *scene = *state;

    scene->dir = scene->aside;
    scene->identity = STORE_LMDB_IDENTITY_MACHINE;
    live(scene);
    scene->identity = STORE_LMDB_IDENTITY_NONE;
    scene->machine = 2;
    live(scene);
}

static void test_adopt_takes_a_data_file_that_has_gone_back(void **state)
{
    struct scene *scene = *state;

    dir_copy_file(&scene->aside, DIRECTORY_DATA, &scene->dir, DIRECTORY_DATA);
    assert_int_equal(open_store(scene), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "has gone back"));
    assert_non_null(strstr(scene->detail.text, "seqd --adopt --skip 700 -d '"));
    adopt(scene, SKIP);
    live(scene);
    assert_int_equal(scene->limit, 50 + SKIP + 50);
}

static void test_adopt_takes_data_without_a_sentinel(void **state)
{
    struct scene *scene = *state;

    dir_delete(&scene->dir, DIRECTORY_SENTINEL);
    adopt(scene, 0);
    must_open(scene);
    assert_int_equal(take(scene, "orders").first, scene->limit);
}

/* The one that was believed lost comes back beside the sentinel of the adopted copy. */
static void test_adopt_locks_out_the_data_of_the_life_before(void **state)
{
    struct scene *scene = *state;

    dir_copy(&scene->dir, &scene->aside);
    adopt(scene, 0);
    scene->identity = STORE_LMDB_IDENTITY_NONE;
    dir_copy_file(&scene->aside, DIRECTORY_DATA, &scene->dir, DIRECTORY_DATA);
    assert_int_equal(open_store(scene), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "not of the same data set"));
}

static void test_adopt_moves_timestamps_beyond_now(void **state)
{
    struct scene *scene = *state;
    struct layout layout = layout_default();
    int64_t before_ms = wall_clock_ms(wall_clock_system());
    uint64_t tick = 0;

    adopt(scene, SKIP);
    must_open(scene);
    assert_true(layout_tick(&layout, before_ms + layout.max_borrow_ms, &tick));
    assert_true(take(scene, "stamps").first >> layout.counter_bits > tick);
}

/* The lost life may have made it anew: its numbers must not come again either. */
static void test_adopt_moves_the_floor_of_a_dropped_sequence(void **state)
{
    struct scene *scene = *state;
    struct definition definition = definition_default();
    struct store_entry entry;

    adopt(scene, SKIP);
    must_open(scene);
    assert_int_equal(store_define(scene->store, "gone", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(entry.mark, SKIP);
}

static void test_adopt_says_what_has_no_number_left(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = options_of(scene);
    struct store_lmdb_moved moved = {0};
    struct store_request request = {.name = "orders", .count = 10};

    assert_int_equal(store_lmdb_adopt(&options, STORE_LMDB_SKIP_MAX, &moved, NULL), ERR_OK);
    assert_int_equal(moved.exhausted, 1);
    must_open(scene);
    assert_int_equal(store_reserve(scene->store, &request, 1, NULL), ERR_OK);
    assert_true(range_is_empty(request.lease));
}

static void test_adopt_refuses_a_directory_in_use_and_one_without_data(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = options_of(scene);
    struct store_lmdb_moved moved;

    must_open(scene);
    assert_int_equal(store_lmdb_adopt(&options, 1, &moved, &scene->detail), ERR_CONFLICT);
    close_store(scene);
    dir_empty(&scene->aside);
    options.directory = scene->aside.path;
    assert_int_equal(store_lmdb_adopt(&options, 1, &moved, &scene->detail), ERR_NOT_FOUND);
    assert_false(dir_has(&scene->aside, DIRECTORY_SENTINEL));
    options.directory = "/nonexistent";
    assert_int_equal(store_lmdb_adopt(&options, 1, &moved, &scene->detail), ERR_NOT_FOUND);
}

/* ---- a disk that fails, and a process that dies ---- */

/* What a cut adoption left: still refused, or adopted; the next one ends it. */
static void finish_adoption(struct scene *scene)
{
    enum error error = open_store(scene);

    if (error == ERR_OK) {
        assert_true(take(scene, "orders").first >= 50 + SKIP);
        close_store(scene);
    } else if (error != ERR_FENCED && error != ERR_CORRUPT) {
        fail_msg("after a cut adoption: %s: %s", error_name(error), scene->detail.text);
    }
    adopt(scene, SKIP);
    must_open(scene);
    assert_true(take(scene, "orders").first >= 50 + SKIP);
    close_store(scene);
}

static void lay_out_copy(struct scene *scene, const struct dir *old)
{
    faultio_reset();
    dir_empty(&scene->dir);
    dir_copy(old, &scene->dir);
}

static void adopt_with_each_call_failing(struct scene *scene, enum faultio_kind kind)
{
    struct store_lmdb_options options = options_of(scene);
    unsigned first = 0;
    unsigned failed;

    do {
        struct store_lmdb_moved moved;
        enum error error;

        first++;
        assert_true(first < CALLS_MAX);
        lay_out_copy(scene, &scene->aside);
        faultio_add((struct faultio_plan){.first = first, .times = 1, .kind = kind});
        error = store_lmdb_adopt(&options, SKIP, &moved, &scene->detail);
        failed = faultio_failed();
        faultio_reset();
        assert_true(failed > 0 || error == ERR_OK);
        finish_adoption(scene);
    } while (failed > 0);
    print_message("    %u adoptions, each with another call failing\n", first - 1);
    assert_true(first > 5);
}

static void test_adopt_survives_an_error_at_every_call(void **state)
{
    adopt_with_each_call_failing(*state, FAULTIO_EIO);
    adopt_with_each_call_failing(*state, FAULTIO_LATE);
    adopt_with_each_call_failing(*state, FAULTIO_ENOSPC);
    adopt_with_each_call_failing(*state, FAULTIO_SHORT);
}

/* As by kill -9 before the call `first`; does the child die of it? */
static bool adopt_and_die(struct scene *scene, unsigned first)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct store_lmdb_options options = options_of(scene);
        struct store_lmdb_moved moved;

        faultio_add((struct faultio_plan){.first = first, .times = 1, .kind = FAULTIO_KILL});
        _exit(store_lmdb_adopt(&options, SKIP, &moved, NULL) == ERR_OK ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_adopt_survives_a_kill_at_every_call(void **state)
{
    struct scene *scene = *state;
    unsigned first = 0;
    bool killed;

    do {
        first++;
        assert_true(first < CALLS_MAX);
        lay_out_copy(scene, &scene->aside);
        killed = adopt_and_die(scene, first);
        finish_adoption(scene);
    } while (killed);
    print_message("    %u adoptions, each killed at another call\n", first - 1);
    assert_true(first > 5);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_guard_refuses_a_copy_elsewhere_until_it_is_adopted),
        CASE(test_guard_refuses_an_old_copy_written_over_the_files),
        CASE(test_guard_refuses_an_old_copy_put_in_place_of_the_files),
        CASE(test_guard_refuses_what_was_emptied_and_unpacked),
        CASE(test_guard_refuses_a_hot_copy_of_the_last_life),
        CASE(test_guard_lets_a_renamed_directory_be),
        CASE(test_guard_refuses_another_machine_unless_told),
        CASE(test_guard_holds_no_missing_machine_id_against_anybody),
        CASE(test_guard_takes_copies_when_it_is_told),
        CASE(test_adopt_takes_a_data_file_that_has_gone_back),
        CASE(test_adopt_takes_data_without_a_sentinel),
        CASE(test_adopt_locks_out_the_data_of_the_life_before),
        CASE(test_adopt_moves_timestamps_beyond_now),
        CASE(test_adopt_moves_the_floor_of_a_dropped_sequence),
        CASE(test_adopt_says_what_has_no_number_left),
        CASE(test_adopt_refuses_a_directory_in_use_and_one_without_data),
        CASE(test_adopt_survives_an_error_at_every_call),
        CASE(test_adopt_survives_a_kill_at_every_call),
    };

    return cmocka_run_group_tests_name("store guard", tests, NULL, NULL);
}
