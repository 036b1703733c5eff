/* The acts of store_lmdb.h on a closed directory: each is one commit of a data set. */
#include "backup.h"
#include "copies.h"
#include "dataset.h"
#include "identity.h"
#include "skip.h"
#include "store/store_lmdb.h"

#include "base/range.h"
#include "base/wall_clock.h"

#include <assert.h>

enum error store_lmdb_adopt(const struct store_lmdb_options *options, uint64_t skip,
                            struct store_lmdb_moved *ret_moved, struct error_detail *detail)
{
    struct store_lmdb_options whole;
    struct dataset dataset;
    struct skip moving = {.ledger = &dataset.ledger, .positions = skip};
    struct change what = {.apply = skip_all, .context = &moving};
    enum error error = dataset_complete_options(options, &whole, detail);

    assert(skip <= STORE_LMDB_SKIP_MAX);
    if (error != ERR_OK) {
        return error;
    }
    error = dataset_adopt(&dataset, &whole, &what, detail);
    dataset_close(&dataset);
    if (error == ERR_OK) {
        *ret_moved = moving.moved;
    }
    return error;
}

/* One restore: a backup that is read from its beginning whenever the commit is tried. */
struct restoring {
    const char *text;
    size_t length;
    struct skip skip;
};

/* Pass over the sequences, or what is left of them. */
static enum error pass_sequences(struct backup_reader *reader, struct error_detail *detail)
{
    char name[SEQUENCE_NAME_MAX + 1] = "some";
    enum error error = ERR_OK;

    while (error == ERR_OK && name[0] != '\0') {
        struct record record;

        error = backup_next(reader, name, &record, detail);
    }
    return error;
}

/* The rows come first, for they are older than those that the restore writes itself. */
static enum error carry_rows(const struct restoring *restoring, struct environment *environment,
                             MDB_txn *txn, struct error_detail *detail)
{
    struct backup_reader reader;
    struct ledger_entry entry = {.id = {.commit = 1}};
    enum error error = backup_open(&reader, restoring->text, restoring->length, detail);

    if (error == ERR_OK) {
        error = pass_sequences(&reader, detail);
    }
    while (error == ERR_OK && entry.id.commit != 0) {
        error = backup_next_row(&reader, &entry, detail);
        if (error == ERR_OK && entry.id.commit != 0) {
            error = ledger_carry(restoring->skip.ledger, environment, txn, &entry, detail);
        }
    }
    if (error == ERR_OK) {
        ledger_carry_lack(restoring->skip.ledger, range_add_capped(reader.missing, reader.damaged));
    }
    return error;
}

static enum error apply_restore(struct environment *environment, MDB_txn *txn, void *context,
                                struct error_detail *detail)
{
    struct restoring *restoring = context;
    int64_t now_ms = wall_clock_ms(wall_clock_system());
    struct backup_reader reader;
    enum error error = backup_open(&reader, restoring->text, restoring->length, detail);

    restoring->skip.moved = (struct store_lmdb_moved){0};
    if (error == ERR_OK) {
        error = carry_rows(restoring, environment, txn, detail);
    }
    while (error == ERR_OK) {
        char name[SEQUENCE_NAME_MAX + 1];
        struct record record = {0};

        error = backup_next(&reader, name, &record, detail);
        if (error != ERR_OK || name[0] == '\0') {
            return error;
        }
        error = skip_record(&restoring->skip, environment, txn, name, &record, now_ms, detail);
    }
    return error;
}

/* Read all of it once, before anything is made in the directory. */
static enum error check_backup(const char *text, size_t length, struct backup_reader *reader,
                               struct error_detail *detail)
{
    enum error error = backup_open(reader, text, length, detail);
    struct ledger_entry entry = {.id = {.commit = 1}};

    if (error == ERR_OK) {
        error = pass_sequences(reader, detail);
    }
    while (error == ERR_OK && entry.id.commit != 0) {
        error = backup_next_row(reader, &entry, detail);
    }
    if (error == ERR_OK && reader->meta.counter > INT64_MAX) {
        /* What is restored counts on from there. */
        error = error_fail(detail, ERR_CORRUPT, "line 2: no data set has had so many commits");
    }
    return error;
}

enum error store_lmdb_propose_skip(const char *backup, size_t length, uint64_t *ret_skip,
                                   struct error_detail *detail)
{
    struct backup_reader reader;
    enum error error = check_backup(backup, length, &reader, detail);

    if (error == ERR_OK) {
        *ret_skip =
            identity_propose_skip(&reader.meta, reader.max_gap, wall_clock_ms(wall_clock_system()));
    }
    return error;
}

enum error store_lmdb_restore(const struct store_lmdb_options *options, const char *backup,
                              size_t length, uint64_t skip, struct store_lmdb_moved *ret_moved,
                              struct error_detail *detail)
{
    struct store_lmdb_options whole;
    struct dataset dataset;
    struct backup_reader reader;
    struct restoring restoring = {
        .text = backup,
        .length = length,
        .skip = {.ledger = &dataset.ledger, .positions = skip},
    };
    struct change what = {.apply = apply_restore, .context = &restoring};
    enum error error = dataset_complete_options(options, &whole, detail);

    assert(skip <= STORE_LMDB_SKIP_MAX);
    if (error == ERR_OK) {
        error = check_backup(backup, length, &reader, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = dataset_restore(&dataset, &whole, &what, reader.meta.counter, detail);
    dataset_close(&dataset);
    if (error == ERR_OK) {
        *ret_moved = restoring.skip.moved;
    }
    return error;
}
