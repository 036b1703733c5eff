#include "base/wall_clock.h"
#include "copies.h"
#include "dataset.h"

uint64_t dataset_now_ms(void)
{
    int64_t ms = wall_clock_ms(wall_clock_system());

    return ms > 0 ? (uint64_t)ms : 0;
}

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
    /* An adoption has none: it makes a new one. */
    if (error == ERR_OK && dataset->sentinel.fd >= 0) {
        error = directory_still_holds(&dataset->directory, DIRECTORY_SENTINEL, dataset->sentinel.fd,
                                      detail);
    }
    return error;
}

/* What a transaction changes: the meta record last, for the ledger may owe it something. */
static enum error apply(struct dataset *dataset, const struct change *change, struct meta *next,
                        MDB_txn *txn, struct error_detail *detail)
{
    struct environment *environment = &dataset->environment;
    enum error error = ledger_begin(&dataset->ledger, environment, txn, next, detail);

    if (error == ERR_OK && change->apply != NULL) {
        error = change->apply(environment, txn, change->context, detail);
    }
    if (error == ERR_OK) {
        error = ledger_end(&dataset->ledger, environment, txn, detail);
    }
    return error == ERR_OK ? copies_write_meta(environment, txn, next, detail) : error;
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
    next.committed_ms = dataset_now_ms();
    error = apply(dataset, change, &next, txn, detail);
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

/* In a map that grows as long as it may. */
static enum error commit_in_room(struct dataset *dataset, const struct change *change, bool create,
                                 struct error_detail *detail)
{
    enum error error = commit_once(dataset, change, create, detail);

    while (error != ERR_OK && dataset->environment.full) {
        /* A full map shows before the first write, so the same change may be tried again. */
        error = environment_grow(&dataset->environment, detail);
        if (error != ERR_OK) {
            dataset->ledger.failed = false; /* this failure is another */
            return error;
        }
        error = commit_once(dataset, change, create, detail);
    }
    return error;
}

static enum error commit(struct dataset *dataset, const struct change *change, bool create,
                         struct error_detail *detail)
{
    struct ledger *ledger = &dataset->ledger;
    enum error error;

    dataset->environment.full = false;
    error = check_ours(dataset, detail);
    if (error == ERR_OK) {
        error = environment_make_room(&dataset->environment, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    ledger->failed = false;
    error = commit_in_room(dataset, change, create, detail);
    if (error != ERR_OK && (ledger->failed || dataset->environment.full)) {
        /* Nothing was written yet, and a lease does not wait for its row. */
        ledger->broken = ledger->broken || !dataset->environment.full;
        ledger->skipping = true;
        error = commit_in_room(dataset, change, create, detail);
        ledger->skipping = false;
    }
    return error;
}

enum error dataset_commit(struct dataset *dataset, const struct change *change,
                          struct error_detail *detail)
{
    return commit(dataset, change, false, detail);
}

enum error dataset_commit_first(struct dataset *dataset, const struct change *change,
                                struct error_detail *detail)
{
    return commit(dataset, change, true, detail);
}
