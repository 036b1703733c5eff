#include "dataset.h"

#include "base/range.h"
#include "bytes.h"
#include "copies.h"
#include "identity.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

void dataset_count_leased(struct dataset *dataset, uint64_t positions)
{
    meta_count_leased(&dataset->meta, positions, dataset_now_ms());
}

enum error dataset_witness(struct dataset *dataset, struct error_detail *detail)
{
    enum error error = sentinel_write(&dataset->sentinel, &dataset->directory, SENTINEL_INITIALISED,
                                      dataset->meta.counter, detail);

    return error == ERR_OK ? elsewhere_write(&dataset->elsewhere, dataset->meta.counter, detail)
                           : error;
}

static enum error draw_id(uint8_t id[META_ID_SIZE], struct error_detail *detail)
{
    if (getrandom(id, META_ID_SIZE, 0) != META_ID_SIZE) {
        return error_fail(detail, ERR_IO, "cannot draw random bytes: %s", strerror(errno));
    }
    return ERR_OK;
}

static enum error draw_meta(struct meta *meta, uint64_t commits, struct error_detail *detail)
{
    enum error error;

    *meta =
        (struct meta){.version = META_VERSION, .counter = commits, .created_ms = dataset_now_ms()};
    meta->window_ms = meta->created_ms;
    error = draw_id(meta->instance, detail);
    return error == ERR_OK ? draw_id(meta->incarnation, detail) : error;
}

/* Steps 2 and 3: a data file with its first commit. */
static enum error make_data(struct dataset *dataset, const struct change *first,
                            struct error_detail *detail)
{
    enum error error = environment_create(&dataset->environment, detail);

    if (error == ERR_OK) {
        error = dataset_commit_first(dataset, first, detail);
    }
    if (error == ERR_OK) {
        error = directory_sync(&dataset->directory, detail);
    }
    return error;
}

/* Which file LMDB has open. */
static enum error look_at_data(struct dataset *dataset, struct sentinel_file *ret_file,
                               struct error_detail *detail)
{
    int fd = -1;
    int code = mdb_env_get_fd(dataset->environment.env, &fd);

    if (code != MDB_SUCCESS) {
        return environment_fail(&dataset->environment, code, "look at", detail);
    }
    if (identity_of_file(fd, ret_file) != ERR_OK) {
        return directory_fail(&dataset->directory, "look at", DIRECTORY_DATA, detail);
    }
    return ERR_OK;
}

/* What a sentinel says of this data set, but for its files. */
static struct sentinel_slot describe(const struct dataset *dataset, enum sentinel_state state)
{
    struct sentinel_slot slot = {.state = state, .counter = dataset->meta.counter};

    memcpy(slot.instance, dataset->meta.instance, META_ID_SIZE);
    memcpy(slot.incarnation, dataset->meta.incarnation, META_ID_SIZE);
    memcpy(slot.machine, dataset->machine, sizeof(slot.machine));
    return slot;
}

static enum error make_sentinel(struct dataset *dataset, struct error_detail *detail)
{
    struct sentinel_slot slot = describe(dataset, SENTINEL_INITIALISING);

    return sentinel_create(&dataset->sentinel, &dataset->directory, &slot, detail);
}

static enum error initialise(struct dataset *dataset, const struct change *first, uint64_t commits,
                             struct error_detail *detail)
{
    enum error error = directory_remove(&dataset->directory, DIRECTORY_DATA, detail);

    if (error == ERR_OK) {
        error = directory_remove(&dataset->directory, DIRECTORY_LOCK, detail);
    }
    if (error == ERR_OK) {
        error = draw_meta(&dataset->meta, commits, detail);
    }
    if (error == ERR_OK) {
        error = make_sentinel(dataset, detail);
    }
    if (error == ERR_OK) {
        error = make_data(dataset, first, detail);
    }
    if (error == ERR_OK) {
        error = look_at_data(dataset, &dataset->sentinel.slot.data, detail);
    }
    if (error == ERR_OK) {
        error = sentinel_write(&dataset->sentinel, &dataset->directory, SENTINEL_INITIALISED,
                               dataset->meta.counter, detail);
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

    if (memcmp(found->instance, slot->instance, META_ID_SIZE) != 0 ||
        memcmp(found->incarnation, slot->incarnation, META_ID_SIZE) != 0) {
        return error_fail(detail, ERR_CORRUPT,
                          "'%s/%s' and '%s/%s' are not of the same data set; put back the two "
                          "that belong together",
                          path, DIRECTORY_DATA, path, DIRECTORY_SENTINEL);
    }
    if (found->counter < slot->counter || found->counter < dataset->meta.counter) {
        return error_fail(detail, ERR_CORRUPT,
                          "'%s/%s' has gone back: it has %" PRIu64 " commits, and %" PRIu64
                          " were witnessed; put back the newest data file",
                          path, DIRECTORY_DATA, found->counter,
                          slot->counter > dataset->meta.counter ? slot->counter
                                                                : dataset->meta.counter);
    }
    return ERR_OK;
}

/* Do the files lie where the sentinel remembers them? */
static enum error check_identity(struct dataset *dataset, struct error_detail *detail)
{
    struct identity_found found = {.machine = dataset->machine};
    enum error error = look_at_data(dataset, &found.data, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (identity_of_file(dataset->sentinel.fd, &found.sentinel) != ERR_OK) {
        return directory_fail(&dataset->directory, "look at", DIRECTORY_SENTINEL, detail);
    }
    if (identity_check(&dataset->sentinel.slot, &found, dataset->identity, detail) != ERR_OK) {
        return error_wrap(detail, ERR_FENCED, "'%s'", dataset->directory.path);
    }
    return ERR_OK;
}

/* Add to the refusal in `detail` what a person may type. */
static enum error add_remedy(struct dataset *dataset, MDB_txn *txn, const struct meta *found,
                             enum error error, struct error_detail *detail)
{
    uint64_t max_gap = copies_max_gap(&dataset->environment, txn);
    struct error_detail why = *detail;

    return error_fail(detail, error,
                      "%s. If it is the newest there is, and nothing else issues its "
                      "numbers, type: seqd --adopt --skip %" PRIu64 " -d '%s'",
                      why.text, identity_propose_skip(found, max_gap, (int64_t)dataset_now_ms()),
                      dataset->directory.path);
}

/* Read the meta record, and take it for ours if it may be; an adoption takes what there is. */
static enum error load(struct dataset *dataset, bool adopting, struct error_detail *detail)
{
    struct meta found = {0};
    MDB_txn *txn = NULL;
    enum error error = environment_begin(&dataset->environment, false, &txn, detail);

    if (error == ERR_OK) {
        error = copies_read_meta(&dataset->environment, txn, &found, detail);
    }
    if (error == ERR_OK && !adopting) {
        error = compare(dataset, &found, detail);
        if (error == ERR_OK) {
            error = check_identity(dataset, detail);
        }
        if (error == ERR_OK) {
            error = elsewhere_open(&dataset->elsewhere, &found, detail);
        }
        if (error == ERR_CORRUPT || error == ERR_FENCED) {
            error = add_remedy(dataset, txn, &found, error, detail);
        }
    }
    if (error != ERR_OK) {
        environment_abort(&txn);
        return error;
    }
    /* Writes nothing; it keeps the tables open. */
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
        error = load(dataset, false, detail);
    }
    if (error == ERR_OK && !bytes_are_zero(dataset->machine, sizeof(dataset->machine))) {
        memcpy(dataset->sentinel.slot.machine, dataset->machine, sizeof(dataset->machine));
    }
    if (error == ERR_OK) {
        dataset->meta.witnessed = dataset->meta.witnessed || dataset->elsewhere.name[0] != '\0';
        error = dataset_commit(dataset, &nothing, detail);
    }
    if (error == ERR_OK) {
        error = dataset_witness(dataset, detail);
    }
    if (error == ERR_OK) {
        error = sentinel_sync(&dataset->sentinel, &dataset->directory, detail);
    }
    dataset->trusted = error == ERR_OK;
    return error;
}

/* A new sentinel file, so that no copy of the bytes of the old one passes in its place. It says
 * `initialised` in both slots, so no single damage can make the directory pass for a new one. A
 * disk too full for it has to be lived with: renewals must go on there. */
static enum error renew(struct dataset *dataset, struct error_detail *detail)
{
    enum error error = sentinel_renew(&dataset->sentinel, &dataset->directory, detail);

    return error == ERR_UNAVAILABLE ? ERR_OK : error;
}

static void let_go(struct dataset *dataset)
{
    dataset->trusted = false;
    elsewhere_close(&dataset->elsewhere);
    environment_close(&dataset->environment);
    dataset->ledger.broken = false; /* what is opened anew may be read anew */
    sentinel_close(&dataset->sentinel);
}

/* Was the directory initialised, and that to its end? */
static enum error look(struct dataset *dataset, bool *ret_ours, struct error_detail *detail)
{
    enum error error = directory_survey(&dataset->directory, ret_ours, detail);

    if (error == ERR_OK && *ret_ours) {
        error = sentinel_open(&dataset->sentinel, &dataset->directory, detail);
        *ret_ours = error != ERR_OK || dataset->sentinel.slot.state == SENTINEL_INITIALISED;
        sentinel_close(&dataset->sentinel);
    }
    return error;
}

/* Initialise the directory unless that was done and finished. */
static enum error prepare(struct dataset *dataset, struct error_detail *detail)
{
    struct change nothing = {0};
    bool ours = false;
    enum error error = look(dataset, &ours, detail);

    if (error == ERR_OK && !ours) {
        error = initialise(dataset, &nothing, 0, detail);
        let_go(dataset);
    }
    return error;
}

static enum error begin(struct dataset *dataset, const struct store_lmdb_options *options,
                        struct error_detail *detail)
{
    enum error error;

    *dataset = (struct dataset){
        .directory = {.any_filesystem = options->any_filesystem, .fd = -1},
        .sentinel = {.name = DIRECTORY_SENTINEL, .fd = -1},
        .environment = {.directory = &dataset->directory,
                        .map_size_bytes = options->map_size_bytes,
                        .map_size_max_bytes = options->map_size_max_bytes},
        .ledger = {.none = options->no_ledger,
                   .age_ms = options->ledger_age_ms,
                   .size_bytes = options->ledger_size_bytes},
        .identity = options->identity,
    };
    memcpy(dataset->machine, options->machine, sizeof(dataset->machine));
    error = elsewhere_init(&dataset->elsewhere, options->witness, detail);
    return error != ERR_OK ? error
                           : directory_open(&dataset->directory, options->directory, detail);
}

enum error dataset_open(struct dataset *dataset, const struct store_lmdb_options *options,
                        struct error_detail *detail)
{
    enum error error = begin(dataset, options, detail);

    if (error == ERR_OK) {
        error = prepare(dataset, detail);
    }
    if (error == ERR_OK) {
        error = start(dataset, detail);
    }
    if (error == ERR_OK) {
        error = renew(dataset, detail);
    }
    if (error != ERR_OK) {
        dataset_close(dataset);
    }
    return error;
}

/* The data file as it is, whatever sentinel lies beside it. */
static enum error open_to_adopt(struct dataset *dataset, struct error_detail *detail)
{
    enum error error = directory_check_data(&dataset->directory, detail);

    if (error == ERR_OK) {
        error = environment_open(&dataset->environment, detail);
    }
    if (error == ERR_OK) {
        error = load(dataset, true, detail);
    }
    if (error == ERR_OK) {
        dataset->meta.witnessed = dataset->elsewhere.name[0] != '\0';
        error = draw_id(dataset->meta.incarnation, detail);
    }
    return error;
}

enum error dataset_adopt(struct dataset *dataset, const struct store_lmdb_options *options,
                         const struct change *change, struct error_detail *detail)
{
    struct sentinel_slot slot;
    enum error error = begin(dataset, options, detail);

    if (error == ERR_OK) {
        error = open_to_adopt(dataset, detail);
    }
    if (error == ERR_OK) {
        error = dataset_commit(dataset, change, detail);
    }
    /* A crash here leaves a sentinel of another incarnation, or none: no start is possible. */
    if (error == ERR_OK) {
        slot = describe(dataset, SENTINEL_INITIALISED);
        error = look_at_data(dataset, &slot.data, detail);
    }
    if (error == ERR_OK) {
        error = sentinel_create(&dataset->sentinel, &dataset->directory, &slot, detail);
    }
    if (error == ERR_OK) {
        error = elsewhere_make(&dataset->elsewhere, &dataset->meta, detail);
    }
    return error;
}

enum error dataset_restore(struct dataset *dataset, const struct store_lmdb_options *options,
                           const struct change *change, uint64_t commits,
                           struct error_detail *detail)
{
    bool ours = false;
    enum error error = begin(dataset, options, detail);

    if (error == ERR_OK) {
        error = look(dataset, &ours, detail);
    }
    if (error == ERR_OK && ours) {
        error = error_fail(detail, ERR_INVALID,
                           "'%s' holds a data set already; restore into an empty directory",
                           dataset->directory.path);
    }
    if (error == ERR_OK) {
        error = initialise(dataset, change, commits, detail);
    }
    return error == ERR_OK ? elsewhere_make(&dataset->elsewhere, &dataset->meta, detail) : error;
}

enum error dataset_reopen(struct dataset *dataset, struct error_detail *detail)
{
    let_go(dataset);
    return start(dataset, detail);
}

void dataset_close(struct dataset *dataset)
{
    /* One that was refused stays as it is, or the next start would find nothing to refuse. */
    if (dataset->trusted) {
        /* Best effort: a witness that a power cut takes back is older than the data, never newer,
         * and the sentinel of the start is as good where no new one can be made. */
        enum error ignored = renew(dataset, NULL);

        (void)ignored;
    }
    let_go(dataset);
    directory_close(&dataset->directory);
}
