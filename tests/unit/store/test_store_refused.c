/* The store's life, with one call to LMDB or to the kernel refused: each call that there is, one
 * after the other, and each in every way that means something else. Whatever was refused, the call
 * of the store says so or does without; what it is asked for again it does; and no position is
 * granted twice. */
#include "dir.h"
#include "store_calls.h"

#include "base/range.h"
#include "store/store_lmdb.h"

#include <errno.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TRIES 4       /* one call is refused, and what it leaves may have to be cleared away */
#define EACH_UP_TO 10 /* calls of a function that are refused one by one; then ever fewer */
#define LEASE UINT64_C(10)

struct life {
    struct dir data;
    struct dir elsewhere;
    struct dir fresh; /* what the backup is restored into */
    struct dir witness;
    bool witnessed;
    bool no_ledger;
    uint64_t ledger_age_ms; /* 0: as long as usual */
    struct store *store;
    uint64_t next; /* of "orders": no position below it may be granted any more */
    struct store_request lease;
    char *backup;
    size_t backup_length;
    unsigned refused; /* calls of the store that did not return ERR_OK */
};

typedef enum error act_fn(struct life *life, struct error_detail *detail);

static struct store_lmdb_options options_of(const struct life *life, const struct dir *dir)
{
    return (struct store_lmdb_options){
        .directory = dir->path,
        .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
        .any_filesystem = true,
        .no_ledger = life->no_ledger,
        .ledger_age_ms = life->ledger_age_ms,
        .witness = life->witnessed ? life->witness.path : NULL,
        .machine = "a machine",
    };
}

static enum error open_it(struct life *life, struct error_detail *detail)
{
    struct store_lmdb_options options = options_of(life, &life->data);
    return store_lmdb_open(&options, &life->store, detail);
}

static enum error adopt(struct life *life, struct error_detail *detail)
{
    struct store_lmdb_options options = options_of(life, &life->data);
    struct store_lmdb_moved moved;
    return store_lmdb_adopt(&options, 100, &moved, detail);
}

static enum error restore(struct life *life, struct error_detail *detail)
{
    struct store_lmdb_options options = options_of(life, &life->fresh);
    struct store_lmdb_moved moved;
    return store_lmdb_restore(&options, life->backup, life->backup_length, 100, &moved, detail);
}

static enum error define_as(struct life *life, const char *name, struct definition definition,
                            struct error_detail *detail)
{
    struct store_entry entry;
    return store_define(life->store, name, &definition, &entry, detail);
}

static enum error define_orders(struct life *life, struct error_detail *detail)
{
    return define_as(life, "orders", definition_default(), detail);
}

static enum error define_stamps(struct life *life, struct error_detail *detail)
{
    return define_as(life, "stamps", definition_default_timestamp(), detail);
}

static enum error define_moved(struct life *life, struct error_detail *detail)
{
    return define_as(life, "moved", definition_default(), detail);
}

static enum error reserve(struct life *life, struct error_detail *detail)
{
    struct store_request requests[] = {
        {.name = "orders",
         .count = LEASE,
         .floor = range_max(life->lease.floor, life->lease.burnt_limit)},
        {.name = "moved", .count = LEASE},
    };
    enum error error = store_reserve(life->store, requests, 2, detail);
    life->lease = requests[0];
    if (error == ERR_OK) {
        assert_int_equal(requests[0].error, ERR_OK);
        assert_int_equal(requests[1].error, ERR_OK);
        assert_true(requests[0].lease.first >= life->next);
        assert_int_equal(range_count(requests[0].lease), LEASE);
        life->next = requests[0].lease.limit;
    }
    return error;
}

/* All but the first position of the lease; none of them is issued from now on, accepted or not. */
static enum error give_back(struct life *life, struct error_detail *detail)
{
    struct store_return giving = {
        .name = "orders",
        .generation = life->lease.generation,
        .lease_limit = life->lease.lease.limit,
        .mark = life->lease.lease.first + 1,
    };
    life->next = giving.mark;
    life->lease.burnt_limit = 0;
    life->lease.floor = 0;
    return store_give_back(life->store, &giving, 1, detail);
}

static enum error advance(struct life *life, struct error_detail *detail)
{
    struct store_move move = {.position = life->next + 500};
    struct store_entry entry;
    enum error error = store_advance(life->store, "orders", &move, &entry, detail);
    if (error == ERR_OK) {
        assert_int_equal(entry.mark, life->next + 500);
        life->next = entry.mark;
    }
    return error;
}

static enum error move_backward(struct life *life, struct error_detail *detail)
{
    struct store_move move = {.position = 3, .backward = true};
    struct store_entry entry;
    enum error error = store_advance(life->store, "moved", &move, &entry, detail);
    assert_true(error != ERR_OK || entry.mark == 3);
    return error;
}

static enum error drop(struct life *life, struct error_detail *detail)
{
    struct store_entry entry;
    enum error error = store_drop(life->store, "moved", &entry, detail);
    assert_true(error != ERR_OK || (entry.floor.some && entry.floor.high >= (int64_t)LEASE));
    return error;
}

static enum error count_one(void *context, const struct store_entry *entry,
                            struct error_detail *detail)
{
    (void)entry;
    (void)detail;
    ++*(unsigned *)context;
    return ERR_OK;
}

static enum error each(struct life *life, struct error_detail *detail)
{
    unsigned count = 0;
    enum error error = store_each(life->store, count_one, &count, detail);
    assert_true(error != ERR_OK || count == 3);
    return error;
}

static enum error count_row(void *context, const struct ledger_entry *entry,
                            struct error_detail *detail)
{
    (void)entry;
    (void)detail;
    ++*(unsigned *)context;
    return ERR_OK;
}

/* Each of three leases of two sequences and a move has left its row, or is counted as missing. */
static enum error read_ledger(struct life *life, struct error_detail *detail)
{
    unsigned count = 0;
    struct store_ledger_query query = {.limit = STORE_LEDGER_PAGE_MAX};
    enum error error = store_ledger(life->store, &query, count_row, &count, detail);
    assert_true(error != ERR_OK || count + query.missing >= 7);
    return error;
}

static enum error back_up(struct life *life, struct error_detail *detail)
{
    free(life->backup);
    FILE *to = open_memstream(&life->backup, &life->backup_length);
    assert_non_null(to);
    enum error error = store_backup(life->store, to, detail);
    (void)fclose(to); /* there is memory */
    return error;
}

static void close_it(struct life *life)
{
    store_calls_arm(true);
    store_close(life->store);
    store_calls_arm(false);
    life->store = NULL;
}

/* The way back, as a keeper or a person takes it: recover what is open, and start anew what is
 * fenced or could not be opened. */
static void come_back(struct life *life)
{
    struct error_detail detail = {""};
    if (life->store == NULL) {
        return;
    }
    store_calls_arm(true);
    enum error error = store_recover(life->store, &detail);
    store_calls_arm(false);
    if (error == ERR_FENCED) {
        close_it(life);
        assert_int_equal(open_it(life, &detail), ERR_OK);
    } else if (error != ERR_OK) {
        assert_true(store_has_failed(error));
        assert_int_equal(store_recover(life->store, &detail), ERR_OK);
    }
}

/* Have it done, in the end. */
static void must(struct life *life, act_fn *act)
{
    for (unsigned tries = 1;; tries++) {
        struct error_detail detail = {""};
        store_calls_arm(true);
        enum error error = act(life, &detail);
        store_calls_arm(false);
        if (error == ERR_OK) {
            return;
        }
        life->refused++;
        if (detail.text[0] == '\0' || tries == TRIES) {
            fail_msg("try %u: %s: '%s'", tries, error_name(error), detail.text);
        }
        if (act == restore && error == ERR_INVALID) {
            dir_empty(&life->fresh); /* as the message says */
        }
        come_back(life);
    }
}

/* What is asked of an open store, in an order that leaves three sequences. */
static void work(struct life *life)
{
    static act_fn *const acts[] = {define_orders, define_stamps, define_moved, reserve,
                                   give_back,     reserve,       advance,      reserve,
                                   move_backward, drop,          define_moved, each,
                                   read_ledger,   back_up,       define_orders};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        must(life, acts[i]);
    }
}

static void live(struct life *life)
{
    must(life, open_it);
    work(life);
    close_it(life);
    must(life, open_it);
    must(life, reserve);
    close_it(life);
    life->witnessed = true;
    must(life, open_it);
    must(life, reserve);
    close_it(life);
    life->no_ledger = true; /* it is emptied */
    must(life, open_it);    /* now the witness is there */
    must(life, reserve);
    close_it(life);
    life->no_ledger = false;
    life->ledger_age_ms = 1; /* rows are soon forgotten */
    must(life, open_it);
    must(life, reserve);
    must(life, reserve);
    close_it(life);
    uint64_t before = life->next;
    must(life, adopt);
    must(life, open_it);
    must(life, reserve);
    assert_true(life->next >= before + 100);
    must(life, back_up);
    close_it(life);
    dir_delete(&life->elsewhere, "witness");
    must(life, restore);
}

/* With nothing refused any more: what lies there is as it should be. */
static void look_back(struct life *life)
{
    unsigned refused = life->refused;
    dir_delete(&life->elsewhere, "witness");
    must(life, adopt);
    must(life, open_it);
    must(life, each);
    must(life, reserve);
    close_it(life);
    life->data = life->fresh;
    dir_delete(&life->elsewhere, "witness");
    must(life, adopt);
    must(life, open_it);
    must(life, each);
    close_it(life);
    assert_int_equal(life->refused, refused);
}

static struct life begin(void)
{
    struct life life = {.data = dir_make(), .elsewhere = dir_make(), .fresh = dir_make()};
    life.witness = dir_entry(&life.elsewhere, "witness");
    return life;
}

static void end(struct life *life, const struct dir *data)
{
    free(life->backup);
    dir_remove(data);
    dir_remove(&life->fresh);
    dir_remove(&life->elsewhere);
}

/* The life with the `nth` call of a function refused; false where there are not so many. */
static bool live_with(struct store_refusal refusal, unsigned nth)
{
    struct life life = begin();
    struct dir data = life.data;
    store_calls_refuse(refusal, nth);
    live(&life);
    bool met = store_calls_met();
    assert_true(refusal.code != EINTR || life.refused == 0); /* a signal is no failure */
    store_calls_refuse((struct store_refusal){.function = ""}, 0);
    look_back(&life);
    end(&life, &data);
    return met;
}

static void refuse_each(const struct store_refusal *refusals, size_t count)
{
    unsigned lives = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned nth = 1;
        while (live_with(refusals[i], nth)) {
            nth += nth < EACH_UP_TO ? 1 : nth / 4;
            lives++;
        }
    }
    print_message("%u lives with a call refused\n", lives);
}

static void test_store_bears_every_refusal_of_lmdb(void **state)
{
    (void)state;
    static const struct store_refusal refusals[] = {
        {"mdb_env_create", ENOMEM},
        {"mdb_env_set_mapsize", EINVAL},
        {"mdb_env_set_maxdbs", EINVAL},
        {"mdb_env_set_maxreaders", EINVAL},
        {"mdb_env_open", EACCES},
        {"mdb_env_open", ENOMEM},
        {"mdb_env_open", MDB_INVALID},
        {"mdb_env_open", MDB_VERSION_MISMATCH},
        {"mdb_env_get_fd", EINVAL},
        {"mdb_env_info", EINVAL},
        {"mdb_env_stat", EINVAL},
        {"mdb_txn_begin", MDB_PANIC},
        {"mdb_txn_begin", MDB_READERS_FULL},
        {"mdb_txn_commit", EIO},
        {"mdb_txn_commit", ENOSPC},
        {"mdb_txn_commit", MDB_MAP_FULL},
        {"mdb_dbi_open", EIO},
        {"mdb_dbi_open", MDB_NOTFOUND},
        {"mdb_stat", MDB_BAD_TXN},
        {"mdb_get", MDB_CORRUPTED},
        {"mdb_put", MDB_MAP_FULL},
        {"mdb_put", MDB_PAGE_FULL},
        {"mdb_drop", MDB_PAGE_NOTFOUND},
        {"mdb_cursor_open", ENOMEM},
        {"mdb_cursor_get", MDB_CORRUPTED},
        {"mdb_cursor_del", EIO},
    };
    refuse_each(refusals, sizeof refusals / sizeof refusals[0]);
}

static void test_store_bears_every_refusal_of_the_kernel(void **state)
{
    (void)state;
    static const struct store_refusal refusals[] = {
        {"open", EIO},
        {"open", EMFILE},
        {"openat", EIO},
        {"openat", EROFS},
        {"openat", ENOSPC},
        {"openat", EINVAL},
        {"fstat", EIO},
        {"stat", EIO},
        {"fstatat", EIO},
        {"statx", EIO},
        {"faccessat", EIO},
        {"fsync", EIO},
        {"fdatasync", EIO},
        {"unlinkat", EIO},
        {"renameat", EIO},
        {"flock", EINTR},
        {"flock", ENOLCK},
        {"fcntl", EIO},
        {"pwrite", EIO},
        {"pwrite", ENOSPC},
        {"pwrite", EINTR},
        {"pwrite", STORE_CALLS_SHORT},
        {"pread", EIO},
        {"pread", EINTR},
        {"pread", STORE_CALLS_SHORT},
        {"getrandom", EIO},
        {"fdopendir", ENOMEM},
        {"readdir", EIO},
        {"posix_memalign", ENOMEM},
        {"calloc", ENOMEM},
    };
    refuse_each(refusals, sizeof refusals / sizeof refusals[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_bears_every_refusal_of_lmdb),
        cmocka_unit_test(test_store_bears_every_refusal_of_the_kernel),
    };
    /* Many lives, each with its syncs: no power is cut here, so memory is as good as a disk. */
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0); /* else they only take longer */
    }
    return cmocka_run_group_tests_name("store refused", tests, NULL, NULL);
}
