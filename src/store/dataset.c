#include "dataset.h"

#include "copies.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Neither the directory nor a file in it was exchanged under us. */
static enum error check_ours(struct dataset *dataset, struct error_detail *detail)
{
    int fd = -1;
    int code = mdb_env_get_fd(dataset->environment.env, &fd);
    enum error error;

    if (code != MDB_SUCCESS) {
        return environment_fail(&dataset->environment, code, "look at", detail);
    }
    error = directory_still_holds(&dataset->directory, DIRECTORY_DATA, fd, detail);
    if (error == ERR_OK) {
        error = directory_still_holds(&dataset->directory, DIRECTORY_SENTINEL, dataset->sentinel.fd,
                                      detail);
    }
    return error;
}

/* One transaction, with the commit counter one higher. */
static enum error commit_once(struct dataset *dataset, const struct change *change, bool create,
                              struct error_detail *detail)
{
    struct environment *environment = &dataset->environment;
    struct meta next = dataset->meta;
    MDB_txn *txn = NULL;
    enum error error = environment_begin(environment, create, &txn, detail);

    if (error != ERR_OK) {
        return error;
    }
    next.counter++;
    error = copies_write_meta(environment, txn, &next, detail);
    if (error == ERR_OK && change->apply != NULL) {
        error = change->apply(environment, txn, change->context, detail);
    }
    if (error != ERR_OK) {
        environment_abort(&txn);
        return error;
    }
    error = environment_commit(environment, &txn, detail);
    if (error == ERR_OK) {
        dataset->meta = next;
    }
    return error;
}

static enum error commit(struct dataset *dataset, const struct change *change, bool create,
                         struct error_detail *detail)
{
    enum error error;

    dataset->environment.full = false;
    error = check_ours(dataset, detail);
    if (error == ERR_OK) {
        error = environment_make_room(&dataset->environment, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = commit_once(dataset, change, create, detail);
    while (error != ERR_OK && dataset->environment.full) {
        /* A full map shows before the first write, so the same change may be tried again. */
        error = environment_grow(&dataset->environment, detail);
        if (error != ERR_OK) {
            return error;
        }
        error = commit_once(dataset, change, create, detail);
    }
    return error;
}

enum error dataset_commit(struct dataset *dataset, const struct change *change,
                          struct error_detail *detail)
{
    return commit(dataset, change, false, detail);
}

enum error dataset_witness(struct dataset *dataset, struct error_detail *detail)
{
    return sentinel_write(&dataset->sentinel, &dataset->directory, SENTINEL_INITIALISED,
                          dataset->meta.counter, detail);
}

static enum error draw_id(uint8_t id[META_ID_SIZE], struct error_detail *detail)
{
    if (getrandom(id, META_ID_SIZE, 0) != META_ID_SIZE) {
        return error_fail(detail, ERR_IO, "cannot draw random bytes: %s", strerror(errno));
    }
    return ERR_OK;
}

static enum error draw_meta(struct meta *meta, struct error_detail *detail)
{
    struct timespec now;
    enum error error;

    *meta = (struct meta){.version = META_VERSION};
    clock_gettime(CLOCK_REALTIME, &now);
    meta->created_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    error = draw_id(meta->instance, detail);
    return error == ERR_OK ? draw_id(meta->incarnation, detail) : error;
}

/* Steps 2 and 3: a data file with its first commit. */
static enum error make_data(struct dataset *dataset, struct error_detail *detail)
{
    struct change nothing = {0};
    enum error error = environment_create(&dataset->environment, detail);

    if (error == ERR_OK) {
        error = commit(dataset, &nothing, true, detail);
    }
    if (error == ERR_OK) {
        error = directory_sync(&dataset->directory, detail);
    }
    return error;
}

static enum error initialise(struct dataset *dataset, struct error_detail *detail)
{
    enum error error = directory_remove(&dataset->directory, DIRECTORY_DATA, detail);

    if (error == ERR_OK) {
        error = directory_remove(&dataset->directory, DIRECTORY_LOCK, detail);
    }
    if (error == ERR_OK) {
        error = draw_meta(&dataset->meta, detail);
    }
    if (error == ERR_OK) {
        error = sentinel_create(&dataset->sentinel, &dataset->directory, dataset->meta.instance,
                                detail);
    }
    if (error == ERR_OK) {
        error = make_data(dataset, detail);
    }
    if (error == ERR_OK) {
        error = dataset_witness(dataset, detail);
    }
    if (error == ERR_OK) {
        error = sentinel_sync(&dataset->sentinel, &dataset->directory, detail);
    }
    return error;
}

/* Does the data that was read belong to the sentinel, and has it not gone back? */
static enum error compare(const struct dataset *dataset, const struct meta *found,
                          struct error_detail *detail)
{
    const struct sentinel_slot *slot = &dataset->sentinel.slot;
    const char *path = dataset->directory.path;

    if (memcmp(found->instance, slot->instance, META_ID_SIZE) != 0) {
        return error_fail(detail, ERR_CORRUPT,
                          "'%s/%s' and '%s/%s' are not of the same data set; restore both from one "
                          "directory, see docs/DISK-FORMAT.md",
                          path, DIRECTORY_DATA, path, DIRECTORY_SENTINEL);
    }
    if (found->counter < slot->counter || found->counter < dataset->meta.counter) {
        return error_fail(detail, ERR_CORRUPT,
                          "'%s/%s' has gone back: it has %" PRIu64 " commits, and %" PRIu64
                          " were witnessed; restore the newest data file, or move its numbers "
                          "forward by hand, see docs/DISK-FORMAT.md",
                          path, DIRECTORY_DATA, found->counter,
                          slot->counter > dataset->meta.counter ? slot->counter
                                                                : dataset->meta.counter);
    }
    return ERR_OK;
}

/* Read the meta record, and take it for ours if it may be. */
static enum error load(struct dataset *dataset, struct error_detail *detail)
{
    struct meta found = {0};
    MDB_txn *txn = NULL;
    enum error error = environment_begin(&dataset->environment, false, &txn, detail);

    if (error == ERR_OK) {
        error = copies_read_meta(&dataset->environment, txn, &found, detail);
    }
    if (error == ERR_OK) {
        error = compare(dataset, &found, detail);
    }
    if (error != ERR_OK) {
        environment_abort(&txn);
        return error;
    }
    /* Nothing is written by this commit; it keeps the tables open. */
    error = environment_commit(&dataset->environment, &txn, detail);
    if (error == ERR_OK) {
        dataset->meta = found;
    }
    return error;
}

/* From a locked, initialised directory to a data set that may be trusted. */
static enum error start(struct dataset *dataset, struct error_detail *detail)
{
    struct change nothing = {0};
    enum error error = sentinel_open(&dataset->sentinel, &dataset->directory, detail);

    if (error == ERR_OK) {
        error = environment_open(&dataset->environment, detail);
    }
    if (error == ERR_OK) {
        error = load(dataset, detail);
    }
    if (error == ERR_OK) {
        error = dataset_commit(dataset, &nothing, detail);
    }
    if (error == ERR_OK) {
        error = dataset_witness(dataset, detail);
    }
    /* After this neither slot says `initialising`, so no single damage to the sentinel can make
     * this directory pass for a new one. */
    if (error == ERR_OK) {
        error = sentinel_sync(&dataset->sentinel, &dataset->directory, detail);
    }
    return error;
}

static void let_go(struct dataset *dataset)
{
    environment_close(&dataset->environment);
    sentinel_close(&dataset->sentinel);
}

/* Initialise the directory unless that was done and finished. */
static enum error prepare(struct dataset *dataset, struct error_detail *detail)
{
    bool ours = false;
    enum error error = directory_survey(&dataset->directory, &ours, detail);

    if (error == ERR_OK && ours) {
        error = sentinel_open(&dataset->sentinel, &dataset->directory, detail);
        ours = error != ERR_OK || dataset->sentinel.slot.state == SENTINEL_INITIALISED;
        sentinel_close(&dataset->sentinel);
    }
    if (error == ERR_OK && !ours) {
        error = initialise(dataset, detail);
        let_go(dataset);
    }
    return error;
}

enum error dataset_open(struct dataset *dataset, const char *path, uint64_t map_size_bytes,
                        uint64_t map_size_max_bytes, struct error_detail *detail)
{
    enum error error;

    *dataset = (struct dataset){
        .sentinel = {.fd = -1},
        .environment = {.directory = &dataset->directory,
                        .map_size_bytes = map_size_bytes,
                        .map_size_max_bytes = map_size_max_bytes},
    };
    error = directory_open(&dataset->directory, path, detail);
    if (error == ERR_OK) {
        error = prepare(dataset, detail);
    }
    if (error == ERR_OK) {
        error = start(dataset, detail);
    }
    if (error != ERR_OK) {
        dataset_close(dataset);
    }
    return error;
}

enum error dataset_reopen(struct dataset *dataset, struct error_detail *detail)
{
    let_go(dataset);
    return start(dataset, detail);
}

void dataset_close(struct dataset *dataset)
{
    if (dataset->environment.env != NULL && dataset->sentinel.fd >= 0) {
        /* Best effort: a witness that a power cut takes back is older than the data, never newer.
         * */
        enum error ignored = sentinel_sync(&dataset->sentinel, &dataset->directory, NULL);

        (void)ignored;
    }
    let_go(dataset);
    directory_close(&dataset->directory);
}
