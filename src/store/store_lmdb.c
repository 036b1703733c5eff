#include "store/store_lmdb.h"

#include "backup.h"
#include "copies.h"
#include "dataset.h"
#include "edit.h"
#include "identity.h"
#include "lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct store_lmdb {
    struct store store; /* first: what callers hold */
    struct dataset dataset;

    bool failed;             /* until a recovery: the environment may be closed */
    bool fenced;             /* until the close */
    struct error_detail why; /* the first failure since the last recovery */

    struct lease_result results[STORE_REQUESTS_MAX];
};

/* What the contract lets a running store answer: a permission that goes missing under way is the
 * disk's refusal. */
static enum error as_fault(enum error error)
{
    return error == ERR_INVALID || error == ERR_NOT_FOUND ? ERR_IO : error;
}

static enum error refuse_after_failure(const struct store_lmdb *lmdb, struct error_detail *detail)
{
    if (!lmdb->failed) {
        return ERR_OK;
    }
    return error_fail(detail, ERR_UNAVAILABLE, "the store has not recovered from this: %s",
                      lmdb->why.text);
}

static void note_failure(struct store_lmdb *lmdb, enum error error,
                         const struct error_detail *detail)
{
    if (!lmdb->failed || error == ERR_FENCED) {
        lmdb->why = *detail;
    }
    lmdb->failed = true;
    lmdb->fenced = lmdb->fenced || error == ERR_FENCED;
}

/* The way of every call that changes something: ERR_OK means durable. */
static enum error change(struct store_lmdb *lmdb, const struct change *what,
                         struct error_detail *detail)
{
    struct error_detail why = {0};
    enum error error = refuse_after_failure(lmdb, detail);

    if (error != ERR_OK) {
        return error;
    }
    error = as_fault(dataset_commit(&lmdb->dataset, what, &why));
    if (error == ERR_OK) {
        /* The commit stands, so this call has succeeded. A witness that stays behind would let an
         * older data file pass later, so nothing more is committed before it has caught up. */
        enum error behind = as_fault(dataset_witness(&lmdb->dataset, &why));

        if (behind != ERR_OK) {
            note_failure(lmdb, behind, &why);
        }
        return ERR_OK;
    }
    /* Damage and a full map are found before anything was written. */
    if (error != ERR_CORRUPT && !lmdb->dataset.environment.full) {
        note_failure(lmdb, error, &why);
    }
    return error_fail(detail, error, "%s", why.text);
}

/* --- The operations -------------------------------------------------------------------------- */

static enum error lmdb_each(struct store *store, store_visit_fn *visit, void *context,
                            struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    MDB_txn *txn = NULL;
    enum error error = refuse_after_failure(lmdb, detail);

    if (error == ERR_OK) {
        error = as_fault(environment_begin(&lmdb->dataset.environment, false, &txn, detail));
    }
    if (error == ERR_OK) {
        error = copies_each(&lmdb->dataset.environment, txn, visit, context, detail);
    }
    environment_abort(&txn);
    return error;
}

/* The way of every call that changes one record as an administrator wants it. */
static enum error apply_edit(struct store *store, struct edit *edit,
                             enum error (*apply)(struct environment *environment, MDB_txn *txn,
                                                 void *context, struct error_detail *detail),
                             struct store_entry *ret_entry, struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct change what = {.apply = apply, .context = edit};
    enum error error;

    assert(definition_check_name(edit->name, strlen(edit->name), NULL) == ERR_OK);
    edit->ledger = &lmdb->dataset.ledger;
    error = change(lmdb, &what, detail);
    if (error != ERR_OK) {
        return error;
    }
    if (edit->outcome != ERR_OK) {
        return error_fail(detail, edit->outcome, "%s", edit->why.text);
    }
    *ret_entry = (struct store_entry){
        .definition = edit->record.definition,
        .mark = edit->record.mark,
        .generation = edit->record.generation,
        .floor = edit->record.floor,
    };
    memcpy(ret_entry->name, edit->name, strlen(edit->name));
    return ERR_OK;
}

static enum error lmdb_define(struct store *store, const char *name,
                              const struct definition *definition, struct store_entry *ret_entry,
                              struct error_detail *detail)
{
    struct edit edit = {.name = name, .definition = definition};

    assert(definition_check(definition, NULL) == ERR_OK);
    return apply_edit(store, &edit, edit_define, ret_entry, detail);
}

static enum error lmdb_drop(struct store *store, const char *name, struct store_entry *ret_entry,
                            struct error_detail *detail)
{
    struct edit edit = {.name = name};

    return apply_edit(store, &edit, edit_drop, ret_entry, detail);
}

static enum error lmdb_advance(struct store *store, const char *name, struct store_move *move,
                               struct store_entry *ret_entry, struct error_detail *detail)
{
    struct edit edit = {.name = name, .move = move};
    enum error error = apply_edit(store, &edit, edit_advance, ret_entry, detail);

    if (error == ERR_OK) {
        move->mark_before = edit.mark_before;
    }
    return error;
}

/* What holds before the first write of an attempt. */
static void burn_nothing(struct store_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        requests[i].burnt_limit = requests[i].floor;
    }
}

static enum error lmdb_reserve(struct store *store, struct store_request *requests, size_t count,
                               struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct lease_reserving reserving = {.ledger = &lmdb->dataset.ledger,
                                        .requests = requests,
                                        .results = lmdb->results,
                                        .count = count};
    struct change what = {.apply = lease_reserve, .context = &reserving};
    enum error error;

    assert(count >= 1 && count <= STORE_REQUESTS_MAX);
    burn_nothing(requests, count);
    error = change(lmdb, &what, detail);
    if (error != ERR_OK) {
        if (lmdb->dataset.environment.full) {
            burn_nothing(requests, count);
        }
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        requests[i].error = lmdb->results[i].error;
        requests[i].lease = lmdb->results[i].lease;
        requests[i].generation = lmdb->results[i].generation;
    }
    dataset_count_leased(&lmdb->dataset, reserving.positions);
    return ERR_OK;
}

static enum error lmdb_give_back(struct store *store, struct store_return *returns, size_t count,
                                 struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct lease_giving giving = {.ledger = &lmdb->dataset.ledger,
                                  .returns = returns,
                                  .results = lmdb->results,
                                  .count = count};
    struct change what = {.apply = lease_give_back, .context = &giving};
    enum error error;

    assert(count >= 1 && count <= STORE_REQUESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(returns[i].mark <= returns[i].lease_limit);
    }
    error = change(lmdb, &what, detail);
    if (error != ERR_OK) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        returns[i].accepted = lmdb->results[i].accepted;
    }
    return ERR_OK;
}

static enum error write_records(struct store_lmdb *lmdb, MDB_txn *txn, struct backup *backup,
                                struct error_detail *detail)
{
    struct environment *environment = &lmdb->dataset.environment;
    char name[SEQUENCE_NAME_MAX + 1] = "";

    for (;;) {
        struct record record = {0};
        enum copies_state state;
        enum error error = copies_next(environment, txn, name, detail);

        if (error != ERR_OK || name[0] == '\0') {
            return error;
        }
        error = copies_read(environment, txn, name, &state, &record, detail);
        if (error == ERR_OK && state == COPIES_DAMAGED) {
            error = ERR_CORRUPT;
        }
        if (error != ERR_OK) {
            return error;
        }
        backup_add(backup, name, &record);
    }
}

static enum error add_row(void *context, const struct ledger_entry *entry,
                          struct error_detail *detail)
{
    (void)detail;
    backup_add_row(context, entry);
    return ERR_OK;
}

/* The rows, and the end. What cannot be read of the ledger is left out, and counted, as one where
 * all that follows cannot be read: a backup is there for the marks first of all. */
static void write_rows(struct store_lmdb *lmdb, MDB_txn *txn, struct backup *backup)
{
    struct dataset *dataset = &lmdb->dataset;
    struct store_ledger_query query = {.limit = STORE_LEDGER_PAGE_MAX, .more = true};
    uint64_t damaged = 0;

    while (query.more) {
        enum error error = ledger_read(&dataset->ledger, &dataset->environment, txn, &dataset->meta,
                                       &query, add_row, backup, NULL);

        damaged += query.damaged + (error != ERR_OK && error != ERR_NOT_FOUND ? 1 : 0);
        query.more = query.more && error == ERR_OK;
        query.after = query.last;
    }
    backup_end(backup, query.missing, damaged);
}

static enum error lmdb_backup(struct store *store, FILE *to, struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct meta meta = lmdb->dataset.meta;
    struct backup backup;
    MDB_txn *txn = NULL;
    enum error error = refuse_after_failure(lmdb, detail);

    if (error == ERR_OK) {
        error = as_fault(environment_begin(&lmdb->dataset.environment, false, &txn, detail));
    }
    if (error != ERR_OK) {
        return error;
    }
    meta.rate = range_max(meta.rate, meta_window_rate(&meta, meta.committed_ms));
    backup_begin(&backup, to, &meta, copies_max_gap(&lmdb->dataset.environment, txn));
    error = write_records(lmdb, txn, &backup, detail);
    if (error == ERR_OK) {
        write_rows(lmdb, txn, &backup);
    }
    environment_abort(&txn);
    return error;
}

static enum error lmdb_ledger(struct store *store, struct store_ledger_query *query,
                              store_ledger_fn *visit, void *context, struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct environment *environment = &lmdb->dataset.environment;
    MDB_txn *txn = NULL;
    enum error error = refuse_after_failure(lmdb, detail);

    if (error == ERR_OK) {
        error = as_fault(environment_begin(environment, false, &txn, detail));
    }
    if (error == ERR_OK) {
        error = ledger_read(&lmdb->dataset.ledger, environment, txn, &lmdb->dataset.meta, query,
                            visit, context, detail);
    }
    environment_abort(&txn);
    return error;
}

static enum error lmdb_recover(struct store *store, struct error_detail *detail)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;
    struct error_detail why = {0};
    enum error error;

    if (lmdb->fenced) {
        return error_fail(detail, ERR_FENCED, "%s", lmdb->why.text);
    }
    error = as_fault(dataset_reopen(&lmdb->dataset, &why));
    if (error != ERR_OK) {
        note_failure(lmdb, error, &why);
        return error_fail(detail, error, "%s", why.text);
    }
    lmdb->failed = false;
    return ERR_OK;
}

static void lmdb_close(struct store *store)
{
    struct store_lmdb *lmdb = (struct store_lmdb *)store;

    dataset_close(&lmdb->dataset);
    free(lmdb);
}

static const struct store_operations lmdb_operations = {
    .each = lmdb_each,
    .define = lmdb_define,
    .reserve = lmdb_reserve,
    .give_back = lmdb_give_back,
    .drop = lmdb_drop,
    .advance = lmdb_advance,
    .backup = lmdb_backup,
    .ledger = lmdb_ledger,
    .recover = lmdb_recover,
    .close = lmdb_close,
};

enum error store_lmdb_open(const struct store_lmdb_options *options, struct store **ret_store,
                           struct error_detail *detail)
{
    struct store_lmdb_options whole;
    struct store_lmdb *lmdb;
    enum error error = dataset_complete_options(options, &whole, detail);

    if (error != ERR_OK) {
        return error;
    }
    lmdb = calloc(1, sizeof(*lmdb));
    if (lmdb == NULL) {
        return error_fail(detail, ERR_NO_MEMORY, "no memory to open the store");
    }
    lmdb->store.operations = &lmdb_operations;
    error = dataset_open(&lmdb->dataset, &whole, detail);
    if (error != ERR_OK) {
        free(lmdb);
        return error;
    }
    *ret_store = &lmdb->store;
    return ERR_OK;
}
