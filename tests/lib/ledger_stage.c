#include "ledger_stage.h"

#include "store/ledger_record.h"

#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct error_detail detail;

struct store_lmdb_options ledger_stage_options(const struct dir *dir)
{
    return (struct store_lmdb_options){.directory = dir->path,
                                       .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                       .any_filesystem = true};
}

struct store *ledger_stage_open(const struct store_lmdb_options *options)
{
    struct store *store = NULL;
    enum error error = store_lmdb_open(options, &store, &detail);

    if (error != ERR_OK) {
        fail_msg("open: %s: %s", error_name(error), detail.text);
    }
    return store;
}

void ledger_stage_define(struct store *store, const char *name)
{
    struct definition definition = definition_default();
    struct store_entry entry;

    assert_int_equal(store_define(store, name, &definition, &entry, &detail), ERR_OK);
}

struct range ledger_stage_lease(struct store *store, const char *name, uint64_t count)
{
    struct store_request request = {.name = name, .count = count};
    enum error error = store_reserve(store, &request, 1, &detail);

    if (error != ERR_OK || request.error != ERR_OK) {
        fail_msg("reserve: %s: %s", error_name(error), detail.text);
    }
    return request.lease;
}

static char names[STORE_REQUESTS_MAX][24]; /* "s" and 64 bits */
static struct store_request requests[STORE_REQUESTS_MAX];

void ledger_stage_define_many(struct store *store, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "s%zu", i);
        requests[i] = (struct store_request){.name = names[i], .count = 10};
        ledger_stage_define(store, names[i]);
    }
}

enum error ledger_stage_lease_many(struct store *store, size_t count, struct error_detail *ret_why)
{
    return store_reserve(store, requests, count, ret_why);
}

static enum error note(void *context, const struct ledger_entry *row, struct error_detail *unused)
{
    struct ledger_stage_look *look = context;

    (void)unused;
    if (look->rows++ == 0) {
        look->first = *row;
    } else {
        assert_true(ledger_id_compare(look->last.id, row->id) < 0);
    }
    look->last = *row;
    return ERR_OK;
}

struct ledger_stage_look ledger_stage_look(struct store *store)
{
    struct ledger_stage_look look = {.rows = 0};
    struct store_ledger_query query = {.limit = STORE_LEDGER_PAGE_MAX, .more = true};

    while (query.more) {
        enum error error = store_ledger(store, &query, note, &look, &detail);

        if (error != ERR_OK) {
            fail_msg("ledger: %s: %s", error_name(error), detail.text);
        }
        query.after = query.last;
        look.damaged += query.damaged;
    }
    look.missing = query.missing;
    look.oldest = query.oldest;
    return look;
}

/* ---- behind the store's back ---- */

struct behind {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi ledger;
    bool there;
};

static struct behind go_behind(const struct dir *dir)
{
    struct behind behind = {.there = false};

    assert_int_equal(mdb_env_create(&behind.env), MDB_SUCCESS);
    assert_int_equal(mdb_env_set_maxdbs(behind.env, 8), MDB_SUCCESS);
    assert_int_equal(mdb_env_set_mapsize(behind.env, STORE_LMDB_MAP_SIZE_DEFAULT), MDB_SUCCESS);
    assert_int_equal(mdb_env_open(behind.env, dir->path, 0, 0600), MDB_SUCCESS);
    assert_int_equal(mdb_txn_begin(behind.env, NULL, 0, &behind.txn), MDB_SUCCESS);
    behind.there = mdb_dbi_open(behind.txn, "ledger", 0, &behind.ledger) == MDB_SUCCESS;
    return behind;
}

static void come_back(struct behind *behind)
{
    assert_int_equal(mdb_txn_commit(behind->txn), MDB_SUCCESS);
    mdb_env_close(behind->env);
}

size_t ledger_stage_pages(const struct dir *dir)
{
    struct behind behind = go_behind(dir);
    MDB_stat stat = {0};

    if (behind.there) {
        assert_int_equal(mdb_stat(behind.txn, behind.ledger, &stat), MDB_SUCCESS);
    }
    come_back(&behind);
    return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

void ledger_stage_remove(const struct dir *dir)
{
    struct behind behind = go_behind(dir);

    assert_true(behind.there);
    assert_int_equal(mdb_drop(behind.txn, behind.ledger, 1), MDB_SUCCESS);
    come_back(&behind);
}

void ledger_stage_turn(const struct dir *dir, struct ledger_id id)
{
    struct behind behind = go_behind(dir);
    uint8_t key_bytes[LEDGER_KEY_SIZE];
    uint8_t bytes[LEDGER_RECORD_MAX];
    MDB_val key = {.mv_size = sizeof key_bytes, .mv_data = key_bytes};
    MDB_val value;

    ledger_key_encode(id, key_bytes);
    assert_int_equal(mdb_get(behind.txn, behind.ledger, &key, &value), MDB_SUCCESS);
    assert_true(value.mv_size <= sizeof bytes);
    memcpy(bytes, value.mv_data, value.mv_size);
    bytes[56] ^= 1; /* the first position */
    value.mv_data = bytes;
    assert_int_equal(mdb_put(behind.txn, behind.ledger, &key, &value, 0), MDB_SUCCESS);
    come_back(&behind);
}
