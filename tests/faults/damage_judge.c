#include "damage_inside.h"

#include "store/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum damage_verdict damage_happening_expected(enum happening happening)
{
    switch (happening) {
    case HAPPENING_LOCK_DELETED:
        return DAMAGE_WELL;
    case HAPPENING_DATA_OLDER:
        return DAMAGE_ANYTHING; /* LMDB's map turns under it */
    case HAPPENING_DATA_DELETED:
    case HAPPENING_DATA_REPLACED:
    case HAPPENING_SENTINEL_DELETED:
    case HAPPENING_SENTINEL_REPLACED:
    case HAPPENING_DIRECTORY_MOVED:
    case HAPPENING_DIRECTORY_REPLACED:
    case HAPPENINGS:
        break;
    }
    return DAMAGE_REFUSED;
}

static enum error check_mark(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    const uint64_t *limits = context;

    (void)detail;
    for (size_t i = 0; i < DAMAGE_SEQUENCES; i++) {
        if (strcmp(entry->name, damage_names[i]) == 0 && entry->mark < limits[i]) {
            fail_msg("the mark of '%s' is %llu, and all below %llu was granted", damage_names[i],
                     (unsigned long long)entry->mark, (unsigned long long)limits[i]);
        }
    }
    return ERR_OK;
}

/* One grant of each, none below `limits`, which it moves. A keeper knows them as its floors once
 * the store runs; a start knows nothing. */
static enum damage_verdict grant(struct store *store, uint64_t limits[DAMAGE_SEQUENCES], bool runs)
{
    for (size_t i = 0; i < DAMAGE_SEQUENCES; i++) {
        struct store_request request = {
            .name = damage_names[i], .count = DAMAGE_COUNT, .floor = runs ? limits[i] : 0};

        if (store_reserve(store, &request, 1, NULL) != ERR_OK || request.error == ERR_CORRUPT) {
            return DAMAGE_REFUSED;
        }
        /* One that is no longer there would be defined again, at 0. */
        if (request.error != ERR_OK || request.lease.first < limits[i]) {
            fail_msg("'%s': %s, %llu was granted, and all below %llu before", damage_names[i],
                     error_name(request.error), (unsigned long long)request.lease.first,
                     (unsigned long long)limits[i]);
        }
        limits[i] = request.lease.limit;
    }
    return DAMAGE_WELL;
}

static void replace_file(const struct dir *work, const char *name)
{
    dir_copy_file(work, name, work, "fresh");
    assert_int_equal(rename(dir_entry(work, "fresh").path, dir_entry(work, name).path), 0);
}

static void move_away(const struct dir *work, bool replace)
{
    struct dir aside = dir_make();

    dir_copy(work, &aside);
    dir_remove(work);
    if (replace) {
        assert_int_equal(mkdir(work->path, 0700), 0);
        dir_copy(&aside, work);
    }
    dir_remove(&aside);
}

static void let_happen(const struct damage_scene *scene, enum happening happening,
                       const struct dir *work)
{
    uint8_t *bytes;
    size_t length;

    switch (happening) {
    case HAPPENING_DATA_DELETED:
        dir_delete(work, DIRECTORY_DATA);
        break;
    case HAPPENING_DATA_REPLACED:
        replace_file(work, DIRECTORY_DATA);
        break;
    case HAPPENING_DATA_OLDER:
        bytes = dir_read(&scene->older, DIRECTORY_DATA, &length);
        dir_patch(work, DIRECTORY_DATA, 0, bytes, length);
        free(bytes);
        break;
    case HAPPENING_SENTINEL_DELETED:
        dir_delete(work, DIRECTORY_SENTINEL);
        break;
    case HAPPENING_SENTINEL_REPLACED:
        replace_file(work, DIRECTORY_SENTINEL);
        break;
    case HAPPENING_LOCK_DELETED:
        dir_delete(work, DIRECTORY_LOCK);
        break;
    case HAPPENING_DIRECTORY_MOVED:
    case HAPPENING_DIRECTORY_REPLACED:
        move_away(work, happening == HAPPENING_DIRECTORY_REPLACED);
        break;
    case HAPPENINGS:
        break;
    }
}

/* A start on what is there: no mark lies too low, and neither does a grant. */
static enum damage_verdict start(const struct dir *work, const struct dir *witness,
                                 uint64_t limits[DAMAGE_SEQUENCES], struct store **ret_store)
{
    struct error_detail detail = {.text = ""};
    enum error error = damage_start(work, witness, ret_store, &detail);

    if (error != ERR_OK) {
        assert_true(detail.text[0] != '\0');
        return DAMAGE_REFUSED;
    }
    error = store_each(*ret_store, check_mark, limits, &detail);
    return error == ERR_OK ? grant(*ret_store, limits, false) : DAMAGE_REFUSED;
}

enum damage_verdict damage_judge(const struct damage_scene *scene, const struct damage *damage,
                                 const struct dir *work, const struct dir *witness)
{
    uint64_t limits[DAMAGE_SEQUENCES];
    struct store *store = NULL;
    enum damage_verdict verdict;

    memcpy(limits, scene->limits, sizeof(limits));
    verdict = start(work, witness, limits, &store);
    if (verdict == DAMAGE_WELL && damage->kind == DAMAGE_RUNNING) {
        let_happen(scene, (enum happening)damage->what, work);
        verdict = grant(store, limits, true);
    }
    store_close(store);
    store = NULL;
    /* What was repaired is so for good. */
    if (verdict == DAMAGE_WELL) {
        verdict = start(work, witness, limits, &store);
        store_close(store);
    }
    return verdict;
}
