/* The witness on another file system: what the data's own disk can take back with it, it cannot.
 * Identities are not looked at here, as after a rollback of the whole disk. */
#include "dir.h"
#include "faultio.h"

#include "store/directory.h"
#include "store/store_lmdb.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WITNESS "seqd.witness"

/* A closed data set whose witness lies in a folder of its own. */
struct scene {
    struct dir dir;
    struct dir elsewhere;
    struct dir witness; /* the file in it */
    struct dir aside;   /* the data as it was a life ago */
    bool wanted;        /* is the witness configured? */
    struct store *store;
    struct error_detail detail;
};

static struct store_lmdb_options options_of(const struct scene *scene)
{
    return (struct store_lmdb_options){.directory = scene->dir.path,
                                       .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                       .witness = scene->wanted ? scene->witness.path : NULL,
                                       .identity = STORE_LMDB_IDENTITY_NONE};
}

static enum error open_store(struct scene *scene)
{
    struct store_lmdb_options options = options_of(scene);

    return store_lmdb_open(&options, &scene->store, &scene->detail);
}

static enum error take(struct scene *scene)
{
    struct store_request request = {.name = "orders", .count = 10};

    return store_reserve(scene->store, &request, 1, &scene->detail);
}

static void close_store(struct scene *scene)
{
    store_close(scene->store);
    scene->store = NULL;
}

static void live(struct scene *scene)
{
    if (open_store(scene) != ERR_OK) {
        fail_msg("open: %s", scene->detail.text);
    }
    assert_int_equal(take(scene), ERR_OK);
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
    scene->elsewhere = dir_make();
    scene->aside = dir_make();
    scene->witness = dir_entry(&scene->elsewhere, WITNESS);
    scene->wanted = true;
    assert_int_equal(open_store(scene), ERR_OK);
    assert_int_equal(store_define(scene->store, "orders", &definition, &entry, NULL), ERR_OK);
    close_store(scene);
    dir_copy(&scene->dir, &scene->aside);
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
    dir_remove(&scene->elsewhere);
    dir_remove(&scene->aside);
    free(scene);
    return 0;
}

static void assert_refused(struct scene *scene, const char *word)
{
    for (unsigned i = 0; i < 2; i++) {
        enum error error = open_store(scene);

        if (error != ERR_FENCED || strstr(scene->detail.text, word) == NULL ||
            strstr(scene->detail.text, "seqd --adopt --skip ") == NULL) {
            fail_msg("open gave '%s': %s", error_name(error), scene->detail.text);
        }
    }
}

static void adopt(struct scene *scene)
{
    struct store_lmdb_options options = options_of(scene);
    struct store_lmdb_moved moved;

    assert_int_equal(store_lmdb_adopt(&options, 100, &moved, &scene->detail), ERR_OK);
}

static void test_witness_refuses_a_disk_that_was_rolled_back(void **state)
{
    struct scene *scene = *state;

    dir_copy(&scene->aside, &scene->dir);
    assert_refused(scene, "has gone back");
    adopt(scene);
    live(scene);
}

/* One commit is enough, after a kill as well: it is told of each. */
static void test_witness_knows_every_commit(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(open_store(scene), ERR_OK);
    dir_copy(&scene->dir, &scene->aside);
    assert_int_equal(take(scene), ERR_OK);
    close_store(scene);
    dir_copy(&scene->aside, &scene->dir);
    assert_refused(scene, "has gone back");
}

static void test_witness_that_is_older_says_nothing(void **state)
{
    struct scene *scene = *state;

    scene->wanted = false;
    live(scene);
    scene->wanted = true;
    live(scene);
}

static void test_witness_has_to_be_there_once_it_was_made(void **state)
{
    struct scene *scene = *state;

    dir_delete(&scene->elsewhere, WITNESS);
    assert_refused(scene, "is missing");
    assert_false(dir_has(&scene->elsewhere, WITNESS));
    adopt(scene);
    assert_true(dir_has(&scene->elsewhere, WITNESS));
    live(scene);
    scene->witness = dir_entry(&scene->elsewhere, "not-mounted/" WITNESS);
    assert_int_equal(open_store(scene), ERR_NOT_FOUND);
}

static void test_witness_of_another_data_set_is_refused(void **state)
{
    struct scene *scene = *state;
    struct dir own = scene->dir;

    scene->dir = dir_make();
    assert_refused(scene, "another data set");
    dir_remove(&scene->dir);
    scene->dir = own;
    live(scene);
}

/* The original comes back, with more commits than the copy that was adopted meanwhile. */
static void test_witness_locks_out_the_original_of_an_adopted_copy(void **state)
{
    struct scene *scene = *state;
    struct dir original = scene->dir;

    scene->dir = scene->aside;
    adopt(scene);
    live(scene);
    scene->dir = original;
    assert_refused(scene, "that this was copied from");
}

static void test_witness_that_cannot_be_written_stops_renewals(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(open_store(scene), ERR_OK);
    faultio_add((struct faultio_plan){.ending = WITNESS,
                                      .calls = FAULTIO_WRITES,
                                      .first = 1,
                                      .times = UINT_MAX,
                                      .kind = FAULTIO_ENOSPC});
    assert_int_equal(take(scene), ERR_OK); /* the commit stands; the next one waits */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(take(scene), ERR_UNAVAILABLE);
        assert_non_null(strstr(scene->detail.text, WITNESS));
        assert_true(store_recover(scene->store, &scene->detail) != ERR_OK);
        assert_non_null(strstr(scene->detail.text, WITNESS));
    }
    faultio_reset();
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_OK);
    assert_int_equal(take(scene), ERR_OK);
}

static void test_witness_is_made_anew_by_a_restore(void **state)
{
    struct scene *scene = *state;
    struct store_lmdb_options options = options_of(scene);
    struct store_lmdb_moved moved;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    assert_non_null(stream);
    assert_int_equal(open_store(scene), ERR_OK);
    assert_int_equal(store_backup(scene->store, stream, NULL), ERR_OK);
    assert_int_equal(fclose(stream), 0);
    close_store(scene);
    dir_empty(&scene->aside);
    options.directory = scene->aside.path;
    assert_int_equal(store_lmdb_restore(&options, text, length, 0, &moved, &scene->detail), ERR_OK);
    free(text);
    assert_refused(scene, "another data set");
    dir_empty(&scene->dir);
    dir_copy(&scene->aside, &scene->dir);
    live(scene);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_witness_refuses_a_disk_that_was_rolled_back),
        CASE(test_witness_knows_every_commit),
        CASE(test_witness_that_is_older_says_nothing),
        CASE(test_witness_has_to_be_there_once_it_was_made),
        CASE(test_witness_of_another_data_set_is_refused),
        CASE(test_witness_locks_out_the_original_of_an_adopted_copy),
        CASE(test_witness_that_cannot_be_written_stops_renewals),
        CASE(test_witness_is_made_anew_by_a_restore),
    };

    return cmocka_run_group_tests_name("store witness", tests, NULL, NULL);
}
