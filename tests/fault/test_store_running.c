/* What can happen to a store while it runs, and any byte that may turn while it does not. */
#include "chance.h"
#include "dir.h"
#include "faultio.h"

#include "store/directory.h"
#include "store/store_lmdb.h"

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

#define FLIPS 300

/* An open store with the sequence `orders`. */
struct scene {
    struct dir dir;
    struct store *store;
    struct error_detail detail;
    struct store_request lease; /* the last */
};

static enum error open_store(const struct dir *dir, struct store **ret_store,
                             struct error_detail *detail)
{
    /* Damaged copies are opened here; that they are copies must not be what stops them. */
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                         .identity = STORE_LMDB_IDENTITY_NONE};

    return store_lmdb_open(&options, ret_store, detail);
}

static enum error take(struct scene *scene)
{
    scene->lease =
        (struct store_request){.name = "orders", .count = 10, .floor = scene->lease.burnt_limit};
    return store_reserve(scene->store, &scene->lease, 1, &scene->detail);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct definition definition = definition_default();
    struct store_entry entry;

    assert_non_null(scene);
    faultio_reset();
    scene->dir = dir_make();
    assert_int_equal(open_store(&scene->dir, &scene->store, &scene->detail), ERR_OK);
    assert_int_equal(store_define(scene->store, "orders", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(take(scene), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    faultio_reset();
    store_close(scene->store);
    dir_remove(&scene->dir);
    free(scene);
    return 0;
}

static void assert_fenced_for_good(struct scene *scene, const char *word)
{
    assert_int_equal(take(scene), ERR_FENCED);
    assert_non_null(strstr(scene->detail.text, word));
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_FENCED);
    assert_int_equal(take(scene), ERR_UNAVAILABLE);
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_FENCED);
}

static void test_store_stops_when_its_directory_is_moved_away(void **state)
{
    struct scene *scene = *state;
    struct dir aside = scene->dir;

    aside.path[strlen(aside.path) - 1] ^= 1;
    assert_int_equal(rename(scene->dir.path, aside.path), 0);
    assert_fenced_for_good(scene, "moved away or replaced");
    assert_int_equal(rename(aside.path, scene->dir.path), 0);
}

/* Its place is taken by another, in which a second seqd could be running. */
static void test_store_stops_when_its_directory_is_replaced(void **state)
{
    struct scene *scene = *state;
    struct dir aside = scene->dir;

    aside.path[strlen(aside.path) - 1] ^= 1;
    assert_int_equal(rename(scene->dir.path, aside.path), 0);
    assert_int_equal(mkdir(scene->dir.path, 0700), 0);
    dir_copy(&aside, &scene->dir);
    assert_fenced_for_good(scene, "moved away or replaced");
    dir_remove(&aside);
}

static void test_store_stops_when_its_data_file_is_deleted(void **state)
{
    struct scene *scene = *state;

    dir_delete(&scene->dir, DIRECTORY_DATA);
    assert_fenced_for_good(scene, DIRECTORY_DATA);
}

static void test_store_stops_when_its_sentinel_is_replaced(void **state)
{
    struct scene *scene = *state;

    dir_copy_file(&scene->dir, DIRECTORY_SENTINEL, &scene->dir, "copy");
    assert_int_equal(rename(dir_entry(&scene->dir, "copy").path,
                            dir_entry(&scene->dir, DIRECTORY_SENTINEL).path),
                     0);
    assert_fenced_for_good(scene, DIRECTORY_SENTINEL);
}

/* LMDB's lock table is not ours: it may go, for the directory's own lock keeps others out. */
static void test_store_goes_on_when_lmdbs_lock_file_is_deleted(void **state)
{
    struct scene *scene = *state;
    struct store *other;

    dir_delete(&scene->dir, DIRECTORY_LOCK);
    assert_int_equal(take(scene), ERR_OK);
    assert_int_equal(open_store(&scene->dir, &other, &scene->detail), ERR_CONFLICT);
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_OK);
    assert_int_equal(take(scene), ERR_OK);
}

/* The lease is durable, so it is granted; the witness has to catch up before the next. */
static void test_store_grants_what_its_sentinel_failed_to_witness(void **state)
{
    struct scene *scene = *state;
    struct store_request granted;

    faultio_add((struct faultio_plan){.ending = "/sentinel",
                                      .calls = FAULTIO_WRITES,
                                      .first = 1,
                                      .times = 1,
                                      .kind = FAULTIO_EIO});
    assert_int_equal(take(scene), ERR_OK);
    assert_int_equal(faultio_failed(), 1);
    granted = scene->lease;
    assert_int_equal(take(scene), ERR_UNAVAILABLE);
    assert_non_null(strstr(scene->detail.text, DIRECTORY_SENTINEL));
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_OK);
    assert_int_equal(take(scene), ERR_OK);
    assert_true(scene->lease.lease.first >= granted.lease.limit);
}

/* As after a write that was lost without a word: the cache looks well, the disk does not. */
static void test_store_does_not_recover_over_a_lost_write(void **state)
{
    struct scene *scene = *state;

    faultio_turn_direct_reads("/data.mdb");
    if (store_recover(scene->store, &scene->detail) == ERR_OK && faultio_turned() == 0) {
        print_message("*** NOT TESTED: the file system of %s has no direct reads\n",
                      scene->dir.path);
        skip();
    }
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_IO);
    assert_non_null(strstr(scene->detail.text, "does not hold what was written"));
    assert_int_equal(take(scene), ERR_UNAVAILABLE);
    faultio_turn_direct_reads(NULL);
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_OK);
    assert_int_equal(take(scene), ERR_OK);
}

/* The data file goes back while the store is down: what this process saw committed is missed, even
 * where the sentinel went back as well. */
static void test_store_does_not_recover_to_less_than_it_committed(void **state)
{
    struct scene *scene = *state;
    struct dir aside = dir_make();
    size_t length;
    uint8_t *bytes;

    dir_copy(&scene->dir, &aside);
    assert_int_equal(take(scene), ERR_OK);
    /* In place, so that both are still the same files. */
    bytes = dir_read(&aside, DIRECTORY_DATA, &length);
    dir_patch(&scene->dir, DIRECTORY_DATA, 0, bytes, length);
    free(bytes);
    bytes = dir_read(&aside, DIRECTORY_SENTINEL, &length);
    dir_patch(&scene->dir, DIRECTORY_SENTINEL, 0, bytes, length);
    free(bytes);
    assert_int_equal(store_recover(scene->store, &scene->detail), ERR_CORRUPT);
    assert_non_null(strstr(scene->detail.text, "has gone back"));
    assert_int_equal(take(scene), ERR_UNAVAILABLE);
    dir_remove(&aside);
}

static enum error check_mark(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    (void)detail;
    return entry->mark >= *(uint64_t *)context ? ERR_OK : ERR_CONFLICT;
}

/* What a start makes of a damaged directory, as an exit status. */
enum verdict {
    VERDICT_WELL,
    VERDICT_REFUSED,
    VERDICT_WRONG
};

static enum verdict judge(const struct dir *dir, uint64_t limit)
{
    struct store *store;
    struct store_request request = {.name = "orders", .count = 10};
    enum error error;

    if (open_store(dir, &store, NULL) != ERR_OK) {
        return VERDICT_REFUSED;
    }
    error = store_each(store, check_mark, &limit, NULL);
    if (error != ERR_OK) {
        return error == ERR_CONFLICT ? VERDICT_WRONG : VERDICT_REFUSED;
    }
    if (store_reserve(store, &request, 1, NULL) != ERR_OK || request.error == ERR_CORRUPT) {
        return VERDICT_REFUSED;
    }
    /* A sequence that is no longer there would be defined again, at 0. */
    if (request.error != ERR_OK || request.lease.first < limit) {
        return VERDICT_WRONG;
    }
    store_close(store);
    return VERDICT_WELL;
}

/* In a process of its own: LMDB itself may not survive what it does not check. */
static int judge_apart(const struct dir *dir, uint64_t limit)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(VERDICT_WRONG);
        }
        for (int number = 1; number < NSIG; number++) {
            struct sigaction fall = {.sa_handler = SIG_DFL};

            (void)sigaction(number, &fall, NULL); /* not cmocka's, which would go on */
        }
        _exit((int)judge(dir, limit));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* A place in the data file where something stands, or right beside it: most of a page is empty. */
static uint64_t draw_place(struct chance *chance, const uint8_t *bytes, size_t length)
{
    size_t at;

    do {
        at = (size_t)chance_below(chance, length - 4);
    } while (bytes[at] == 0);
    return at + chance_below(chance, 4);
}

static void test_store_with_any_byte_turned_never_goes_back(void **state)
{
    struct scene *scene = *state;
    struct chance chance = chance_from(chance_seed());
    struct dir damaged = dir_make();
    uint64_t limit = scene->lease.lease.limit;
    unsigned well = 0;
    unsigned refused = 0;
    unsigned died = 0;
    size_t length;
    uint8_t *bytes;

    store_close(scene->store);
    scene->store = NULL;
    bytes = dir_read(&scene->dir, DIRECTORY_DATA, &length);
    for (unsigned i = 0; i < FLIPS; i++) {
        uint64_t at = draw_place(&chance, bytes, length);
        uint8_t mask = (uint8_t)(1U << chance_below(&chance, 8));
        int status;

        dir_copy(&scene->dir, &damaged);
        dir_flip(&damaged, DIRECTORY_DATA, at, mask);
        status = judge_apart(&damaged, limit);
        if (WIFEXITED(status) && WEXITSTATUS(status) == VERDICT_WRONG) {
            fail_msg("byte %llu ^ %u: the sequence went back", (unsigned long long)at, mask);
        }
        well += WIFEXITED(status) && WEXITSTATUS(status) == VERDICT_WELL;
        refused += WIFEXITED(status) && WEXITSTATUS(status) == VERDICT_REFUSED;
        died += !WIFEXITED(status);
    }
    print_message("    of %u: %u well, %u refused, %u ended by a signal\n", FLIPS, well, refused,
                  died);
    assert_true(well > 0 && refused > 0);
    free(bytes);
    dir_remove(&damaged);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_store_stops_when_its_directory_is_moved_away),
        CASE(test_store_stops_when_its_directory_is_replaced),
        CASE(test_store_stops_when_its_data_file_is_deleted),
        CASE(test_store_stops_when_its_sentinel_is_replaced),
        CASE(test_store_goes_on_when_lmdbs_lock_file_is_deleted),
        CASE(test_store_grants_what_its_sentinel_failed_to_witness),
        CASE(test_store_does_not_recover_over_a_lost_write),
        CASE(test_store_does_not_recover_to_less_than_it_committed),
        CASE(test_store_with_any_byte_turned_never_goes_back),
    };

    return cmocka_run_group_tests_name("store running", tests, NULL, NULL);
}
