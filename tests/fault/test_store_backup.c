/* A backup: whole or refused, and what is restored from it goes on above what was skipped. */
#include "dir.h"
#include "faultio.h"

#include "store/store_lmdb.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIP 1000
#define CALLS_MAX 1000 /* far above the calls of one restore */
#define LINES_SIZE 4096

/* A closed data set with a counter, a timestamp sequence, one that was moved backward and one that
 * was dropped; and its backup. */
struct scene {
    struct dir dir;
    struct dir fresh; /* empty */
    struct error_detail detail;
    char *text;
    size_t length;
    uint64_t limit; /* of `orders`: every position below was granted */
};

static struct store_lmdb_options options_of(const struct dir *dir)
{
    return (struct store_lmdb_options){.directory = dir->path,
                                       .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT};
}

static struct store *open_store(struct scene *scene, const struct dir *dir)
{
    struct store_lmdb_options options = options_of(dir);
    struct store *store = NULL;

    if (store_lmdb_open(&options, &store, &scene->detail) != ERR_OK) {
        fail_msg("open: %s", scene->detail.text);
    }
    return store;
}

static struct range take(struct store *store, const char *name)
{
    struct store_request request = {.name = name, .count = 10};

    assert_int_equal(store_reserve(store, &request, 1, NULL), ERR_OK);
    assert_int_equal(request.error, ERR_OK);
    return request.lease;
}

static void back_up(struct scene *scene, struct store *store)
{
    FILE *stream = open_memstream(&scene->text, &scene->length);

    assert_non_null(stream);
    assert_int_equal(store_backup(store, stream, &scene->detail), ERR_OK);
    assert_int_equal(fclose(stream), 0);
}

static void fill(struct scene *scene, struct store *store)
{
    struct definition counter = definition_default();
    struct definition down = definition_default();
    struct definition stamps = definition_default_timestamp();
    struct store_entry entry;
    struct store_move back = {.position = 5, .backward = true};

    down.increment = -7;
    down.start = -3;
    down.min = SEQUENCE_NUMBER_MIN;
    down.max = 10;
    down.max_gap = 50;
    assert_int_equal(store_define(store, "orders", &counter, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(store, "down", &down, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(store, "stamps", &stamps, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(store, "gone", &counter, &entry, NULL), ERR_OK);
    scene->limit = take(store, "orders").limit;
    take(store, "down");
    take(store, "gone");
    assert_int_equal(store_advance(store, "down", &back, &entry, NULL), ERR_OK);
    assert_int_equal(store_drop(store, "gone", &entry, NULL), ERR_OK);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct store *store;

    assert_non_null(scene);
    faultio_reset();
    scene->dir = dir_make();
    scene->fresh = dir_make();
    store = open_store(scene, &scene->dir);
    fill(scene, store);
    back_up(scene, store);
    store_close(store);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    faultio_reset();
    dir_remove(&scene->dir);
    dir_remove(&scene->fresh);
    free(scene->text);
    free(scene);
    return 0;
}

static enum error restore(struct scene *scene, const struct dir *dir, uint64_t skip)
{
    struct store_lmdb_options options = options_of(dir);
    struct store_lmdb_moved moved = {0};
    enum error error =
        store_lmdb_restore(&options, scene->text, scene->length, skip, &moved, &scene->detail);

    assert_true(error != ERR_OK || moved.counters == 3);
    assert_true(error != ERR_OK || moved.timestamps == 1);
    return error;
}

/* Add a line of what is remembered of one sequence, but for its mark. */
static enum error add_line(void *context, const struct store_entry *entry,
                           struct error_detail *detail)
{
    char *lines = context;
    size_t used = strlen(lines);

    (void)detail;
    (void)snprintf(lines + used, LINES_SIZE - used, "%s %lld %lld %lld %lld %llu %d %lld %lld\n",
                   entry->name, (long long)entry->definition.start,
                   (long long)entry->definition.increment, (long long)entry->definition.min,
                   (long long)entry->definition.max, (unsigned long long)entry->definition.max_gap,
                   entry->floor.some, (long long)entry->floor.low, (long long)entry->floor.high);
    return ERR_OK;
}

static void test_restore_brings_back_all_and_moves_it(void **state)
{
    struct scene *scene = *state;
    char before[LINES_SIZE] = "";
    char after[LINES_SIZE] = "";
    struct definition counter = definition_default();
    struct store_entry entry;
    struct store *store = open_store(scene, &scene->dir);

    assert_int_equal(store_each(store, add_line, before, NULL), ERR_OK);
    store_close(store);
    assert_int_equal(restore(scene, &scene->fresh, SKIP), ERR_OK);
    store = open_store(scene, &scene->fresh);
    assert_int_equal(store_each(store, add_line, after, NULL), ERR_OK);
    assert_string_equal(after, before);
    assert_int_equal(take(store, "orders").first, scene->limit + SKIP);
    assert_int_equal(take(store, "down").first, 5 + SKIP);
    assert_int_equal(store_define(store, "gone", &counter, &entry, NULL), ERR_OK);
    assert_int_equal(entry.mark, 10 + SKIP);
    store_close(store);
}

static void test_restore_refuses_a_directory_that_is_not_empty(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(restore(scene, &scene->dir, SKIP), ERR_INVALID);
    dir_write(&scene->fresh, "thesis.odt", "x", 1);
    assert_int_equal(restore(scene, &scene->fresh, SKIP), ERR_INVALID);
    assert_false(dir_has(&scene->fresh, "sentinel"));
    assert_int_equal(restore(scene, &(struct dir){.path = "/nonexistent"}, SKIP), ERR_NOT_FOUND);
}

/* Refused before anything is made, with the line. */
static void assert_refused(struct scene *scene, const char *what)
{
    enum error error = restore(scene, &scene->fresh, SKIP);

    if ((error != ERR_CORRUPT && error != ERR_FENCED) ||
        strstr(scene->detail.text, "line ") == NULL) {
        fail_msg("%s gave '%s': %s", what, error_name(error), scene->detail.text);
    }
    assert_false(dir_has(&scene->fresh, "sentinel"));
}

static void test_restore_refuses_a_backup_cut_anywhere(void **state)
{
    struct scene *scene = *state;

    for (size_t length = scene->length; length > 0;) {
        scene->length = --length;
        assert_refused(scene, "a cut backup");
    }
}

static void test_restore_refuses_a_backup_with_any_bit_turned(void **state)
{
    struct scene *scene = *state;

    for (size_t bit = 0; bit < scene->length * 8; bit++) {
        scene->text[bit / 8] = (char)(scene->text[bit / 8] ^ (1 << bit % 8));
        assert_refused(scene, "an altered backup");
        scene->text[bit / 8] = (char)(scene->text[bit / 8] ^ (1 << bit % 8));
    }
}

static void test_restore_refuses_what_is_no_backup(void **state)
{
    struct scene *scene = *state;
    static const char *const texts[] = {"", "\n", "seqd-backup 2\nchecksum 00000000\n",
                                        "seqd-backup 1\nchecksum 00000000\n", "PK\003\004"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(scene->text);
        scene->text = strdup(texts[i]);
        scene->length = strlen(texts[i]);
        assert_refused(scene, texts[i]);
    }
}

/* As by kill -9 before the call `first`; does the child die of it? */
static bool restore_and_die(struct scene *scene, unsigned first)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        faultio_add((struct faultio_plan){.first = first, .times = 1, .kind = FAULTIO_KILL});
        _exit(restore(scene, &scene->fresh, SKIP) == ERR_OK ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* A restore that was cut off may be typed again, unless it had come to its end. */
static void test_restore_survives_a_kill_at_every_call(void **state)
{
    struct scene *scene = *state;
    unsigned first = 0;
    bool killed;

    do {
        struct store *store;
        enum error error;

        first++;
        assert_true(first < CALLS_MAX);
        dir_empty(&scene->fresh);
        killed = restore_and_die(scene, first);
        error = restore(scene, &scene->fresh, SKIP);
        assert_true(error == ERR_OK || error == ERR_INVALID);
        store = open_store(scene, &scene->fresh);
        assert_int_equal(take(store, "orders").first, scene->limit + SKIP);
        store_close(store);
    } while (killed);
    print_message("    %u restores, each killed at another call\n", first - 1);
    assert_true(first > 5);
}

static void test_backup_proposes_by_age_and_rate(void **state)
{
    struct scene *scene = *state;
    uint64_t skip = 0;

    assert_int_equal(store_lmdb_propose_skip(scene->text, scene->length, &skip, NULL), ERR_OK);
    assert_true(skip >= 10 * SEQUENCE_MAX_GAP_DEFAULT);
    assert_int_equal(store_lmdb_propose_skip(scene->text, scene->length - 1, &skip, NULL),
                     ERR_CORRUPT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_restore_brings_back_all_and_moves_it),
        CASE(test_restore_refuses_a_directory_that_is_not_empty),
        CASE(test_restore_refuses_a_backup_cut_anywhere),
        CASE(test_restore_refuses_a_backup_with_any_bit_turned),
        CASE(test_restore_refuses_what_is_no_backup),
        CASE(test_restore_survives_a_kill_at_every_call),
        CASE(test_backup_proposes_by_age_and_rate),
    };

    return cmocka_run_group_tests_name("store backup", tests, NULL, NULL);
}
