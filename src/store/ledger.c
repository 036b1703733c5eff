#include "ledger.h"

#include "base/range.h"
#include "base/rfc3339.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

static const struct ledger_id head_id = {.commit = 0};
static const struct ledger_id first_id = {.commit = 1};

/* The ledger has at most this part of a map at its largest: the sequences are what it is for. */
#define MAP_SHARE 8

/* What one row takes of a page beside its bytes: LMDB's node and its place in the page. */
#define ROW_OVERHEAD (LEDGER_KEY_SIZE + 10)

static MDB_val value_of(const void *data, size_t length)
{
    /* LMDB takes what it only reads as pointers to what it could write. */
    return (MDB_val){.mv_size = length, .mv_data = (void *)(uintptr_t)data};
}

static enum error fail(struct ledger *ledger, struct environment *environment, int code,
                       const char *what, struct error_detail *detail)
{
    ledger->failed = true;
    return environment_fail(environment, code, what, detail);
}

/* Are rows written in this transaction? */
static bool takes_rows(const struct ledger *ledger, const struct environment *environment)
{
    return !ledger->none && !ledger->broken && !ledger->skipping && environment->has_ledger;
}

/* ---- the head ---- */

/* A head that is damaged counts as one that has never been written: nothing rests on it. */
static struct ledger_head read_head(const struct environment *environment, MDB_txn *txn)
{
    struct ledger_head head = {0};
    uint8_t bytes[LEDGER_KEY_SIZE];
    MDB_val key = value_of(bytes, sizeof(bytes));
    MDB_val value;

    ledger_key_encode(head_id, bytes);
    if (mdb_get(txn, environment->ledger, &key, &value) == MDB_SUCCESS) {
        enum error ignored = ledger_head_decode(value.mv_data, value.mv_size, &head);

        (void)ignored;
    }
    return head;
}

static enum error write_head(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                             const struct ledger_head *head, struct error_detail *detail)
{
    uint8_t key_bytes[LEDGER_KEY_SIZE];
    uint8_t bytes[LEDGER_HEAD_SIZE];
    MDB_val key = value_of(key_bytes, sizeof(key_bytes));
    MDB_val value = value_of(bytes, sizeof(bytes));
    int code;

    ledger_key_encode(head_id, key_bytes);
    ledger_head_encode(head, bytes);
    code = mdb_put(txn, environment->ledger, &key, &value, 0);
    return code == MDB_SUCCESS ? ERR_OK : fail(ledger, environment, code, "write", detail);
}

/* ---- eviction ---- */

/* The oldest rows, as they are evicted for one that is to be written. */
struct eviction {
    struct ledger *ledger;
    struct environment *environment;
    MDB_cursor *cursor;
    size_t wanted; /* bytes of the row that is to be written */
    size_t freed;  /* bytes of rows that were evicted for it */
};

static bool is_old(const struct ledger *ledger, const MDB_val *key, const MDB_val *value,
                   bool *ret_whole)
{
    struct ledger_id id;
    struct ledger_entry entry;
    uint64_t now_ms = ledger->meta->committed_ms;

    *ret_whole = ledger_key_decode(key->mv_data, key->mv_size, &id) == ERR_OK &&
                 ledger_record_decode(value->mv_data, value->mv_size, id, &entry, NULL) == ERR_OK;
    return *ret_whole && now_ms > entry.time_ms && now_ms - entry.time_ms > ledger->age_ms;
}

/* A damaged row has no age: it is as old as the row behind it. Moves the cursor. */
static bool is_due_by_age(const struct eviction *eviction, MDB_val key, MDB_val value)
{
    bool whole = false;
    bool old = is_old(eviction->ledger, &key, &value, &whole);

    if (!whole && mdb_cursor_get(eviction->cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
        old = is_old(eviction->ledger, &key, &value, &whole);
    }
    return old;
}

/* Has the ledger the size that it may have? */
static bool is_full(const struct ledger *ledger, struct environment *environment, MDB_txn *txn)
{
    uint64_t share = environment->map_size_max_bytes / MAP_SHARE;
    uint64_t bytes = range_min(ledger->size_bytes, share);
    MDB_stat stat = {0};

    return mdb_stat(txn, environment->ledger, &stat) == MDB_SUCCESS &&
           environment_ledger_pages(environment, txn) >= bytes / stat.ms_psize;
}

static bool is_due_by_size(const struct eviction *eviction)
{
    struct environment *environment = eviction->environment;

    return (environment->tight && eviction->freed < eviction->wanted) ||
           is_full(eviction->ledger, environment, mdb_cursor_txn(eviction->cursor));
}

/* Put the cursor on the oldest row. False when there is none but those of this commit. */
static bool find_oldest(const struct eviction *eviction, MDB_val *ret_key, MDB_val *ret_value,
                        int *ret_code)
{
    uint8_t bytes[LEDGER_KEY_SIZE];
    struct ledger_id id;

    ledger_key_encode(first_id, bytes);
    *ret_key = value_of(bytes, sizeof(bytes));
    *ret_code = mdb_cursor_get(eviction->cursor, ret_key, ret_value, MDB_SET_RANGE);
    if (*ret_code != MDB_SUCCESS) {
        return false;
    }
    return ledger_key_decode(ret_key->mv_data, ret_key->mv_size, &id) != ERR_OK ||
           id.commit != eviction->ledger->meta->counter;
}

/* Evict the oldest row if it is due. */
static int evict_one(struct eviction *eviction, bool *ret_evicted)
{
    MDB_val key;
    MDB_val value;
    int code = MDB_SUCCESS;
    size_t length;

    *ret_evicted = false;
    if (!find_oldest(eviction, &key, &value, &code)) {
        return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
    }
    length = value.mv_size + ROW_OVERHEAD;
    if (!is_due_by_size(eviction)) {
        if (!is_due_by_age(eviction, key, value)) {
            eviction->ledger->young = true;
            return MDB_SUCCESS;
        }
        (void)find_oldest(eviction, &key, &value, &code); /* back to where it was */
    }
    code = code == MDB_SUCCESS ? mdb_cursor_del(eviction->cursor, 0) : code;
    if (code == MDB_SUCCESS) {
        eviction->freed += length;
        *ret_evicted = true;
    }
    return code;
}

/* Make way for a row of `wanted` bytes. */
static enum error evict(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                        size_t wanted, bool *ret_room, struct error_detail *detail)
{
    struct eviction eviction = {.ledger = ledger, .environment = environment, .wanted = wanted};
    bool evicted = true;
    int code;

    if (ledger->young && !environment->tight && !is_full(ledger, environment, txn)) {
        *ret_room = true;
        return ERR_OK;
    }
    code = mdb_cursor_open(txn, environment->ledger, &eviction.cursor);
    if (code != MDB_SUCCESS) {
        return fail(ledger, environment, code, "read", detail);
    }
    for (unsigned i = 0; code == MDB_SUCCESS && evicted && i < LEDGER_EVICTED_MAX; i++) {
        code = evict_one(&eviction, &evicted);
    }
    mdb_cursor_close(eviction.cursor);
    *ret_room = environment->tight ? eviction.freed >= wanted
                                   : eviction.freed > 0 || !is_full(ledger, environment, txn);
    return code == MDB_SUCCESS ? ERR_OK : fail(ledger, environment, code, "trim", detail);
}

/* ---- writing ---- */

/* Where the kernel has none to give, a row is still told by its id and time. */
static uint64_t draw_nonce(void)
{
    uint64_t nonce;

    return getrandom(&nonce, sizeof(nonce), 0) == sizeof(nonce) ? nonce : 0;
}

enum error ledger_begin(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                        struct meta *meta, struct error_detail *detail)
{
    MDB_stat stat = {0};
    int code = MDB_SUCCESS;

    ledger->meta = meta;
    ledger->nonce = draw_nonce();
    ledger->index = 0;
    ledger->left_out = 0;
    ledger->young = false;
    ledger->failed = false;
    if (!ledger->none || ledger->skipping || ledger->broken || !environment->has_ledger) {
        return ERR_OK;
    }
    code = mdb_stat(txn, environment->ledger, &stat);
    if (code == MDB_SUCCESS && stat.ms_entries > 0) {
        code = mdb_drop(txn, environment->ledger, 0);
    }
    return code == MDB_SUCCESS ? ERR_OK : fail(ledger, environment, code, "empty", detail);
}

enum error ledger_end(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                      struct error_detail *detail)
{
    struct meta *meta = ledger->meta;
    enum error error = ERR_OK;

    meta->rows_owed = range_add_capped(meta->rows_owed, ledger->left_out);
    if (!takes_rows(ledger, environment)) {
        return ERR_OK;
    }
    if (meta->rows_owed > 0) {
        struct ledger_head head = read_head(environment, txn);

        head.missing = range_add_capped(head.missing, meta->rows_owed);
        head.missing_commit = meta->counter;
        error = write_head(ledger, environment, txn, &head, detail);
        meta->rows_owed = 0;
    }
    (void)environment_ledger_pages(environment, txn); /* remembered there */
    return error;
}

static enum error append(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                         const struct ledger_entry *entry, struct error_detail *detail)
{
    uint8_t key_bytes[LEDGER_KEY_SIZE];
    uint8_t bytes[LEDGER_RECORD_MAX];
    MDB_val key = value_of(key_bytes, sizeof(key_bytes));
    MDB_val value = value_of(bytes, ledger_record_encode(entry, bytes));
    bool room = false;
    enum error error = evict(ledger, environment, txn, value.mv_size + ROW_OVERHEAD, &room, detail);
    int code;

    if (error != ERR_OK) {
        return error;
    }
    if (!room) {
        ledger->left_out++;
        return ERR_OK;
    }
    ledger_key_encode(entry->id, key_bytes);
    /* At the end, so that the pages are filled whole. */
    code = mdb_put(txn, environment->ledger, &key, &value, MDB_APPEND);
    return code == MDB_SUCCESS ? ERR_OK : fail(ledger, environment, code, "write", detail);
}

enum error ledger_note(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                       const char *name, const struct record *record,
                       const struct ledger_move *move, struct error_detail *detail)
{
    struct range positions = move->positions;
    struct ledger_entry entry;

    /* A mark in doubt may stand behind the last position. */
    positions.limit = range_min(positions.limit, definition_capacity(&record->definition));
    if (ledger->none || positions.first >= positions.limit) {
        return ERR_OK;
    }
    if (!takes_rows(ledger, environment)) {
        ledger->left_out++;
        return ERR_OK;
    }
    entry = ledger_entry_of(name, &record->definition, move->act, positions, record->generation);
    entry.from = range_max(positions.first, range_min(move->from, positions.limit));
    entry.id = (struct ledger_id){ledger->meta->counter, ledger->index++};
    entry.time_ms = range_min(ledger->meta->committed_ms, RFC3339_MAX_MS);
    memcpy(entry.instance, ledger->meta->instance, LEDGER_INSTANCE_SIZE);
    memcpy(entry.incarnation, ledger->meta->incarnation, LEDGER_INSTANCE_SIZE);
    entry.nonce = ledger->nonce;
    return append(ledger, environment, txn, &entry, detail);
}

enum error ledger_carry(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                        const struct ledger_entry *entry, struct error_detail *detail)
{
    if (!takes_rows(ledger, environment)) {
        return ERR_OK;
    }
    assert(entry->id.commit != 0 && entry->id.commit < ledger->meta->counter);
    return append(ledger, environment, txn, entry, detail);
}

void ledger_carry_lack(struct ledger *ledger, uint64_t count)
{
    ledger->left_out = range_add_capped(ledger->left_out, ledger->none ? 0 : count);
}

/* ---- reading ---- */

static bool matches(const struct store_ledger_query *query, const struct ledger_entry *entry)
{
    return (query->name == NULL || strcmp(query->name, entry->name) == 0) &&
           (!query->has_number || ledger_entry_covers(entry, query->number));
}

/* One page: rows from where the cursor is on, until there are enough or too many were looked at. */
static enum error read_page(struct environment *environment, MDB_cursor *cursor, MDB_val *key,
                            MDB_val *value, struct store_ledger_query *query,
                            store_ledger_fn *visit, void *context, struct error_detail *detail)
{
    enum error error = ERR_OK;
    int code = MDB_SUCCESS;
    size_t found = 0;

    for (size_t seen = 0; error == ERR_OK && code == MDB_SUCCESS; seen++) {
        struct ledger_entry entry;

        query->more = found == query->limit || seen == STORE_LEDGER_SCAN_MAX;
        if (query->more) {
            return ERR_OK;
        }
        if (ledger_key_decode(key->mv_data, key->mv_size, &query->last) != ERR_OK ||
            ledger_record_decode(value->mv_data, value->mv_size, query->last, &entry, NULL) !=
                ERR_OK) {
            query->damaged++;
        } else if (matches(query, &entry)) {
            found++;
            error = visit(context, &entry, detail);
        }
        code = mdb_cursor_get(cursor, key, value, MDB_NEXT);
    }
    if (error == ERR_OK && code != MDB_NOTFOUND) {
        error = environment_fail(environment, code, "read the ledger of", detail);
    }
    return error;
}

/* The first row at or behind `id`. MDB_NOTFOUND: there is none. */
static int seek(MDB_cursor *cursor, struct ledger_id id, MDB_val *ret_key, MDB_val *ret_value)
{
    uint8_t bytes[LEDGER_KEY_SIZE];

    ledger_key_encode(id, bytes);
    *ret_key = value_of(bytes, sizeof(bytes));
    return mdb_cursor_get(cursor, ret_key, ret_value, MDB_SET_RANGE);
}

static enum error read_rows(struct environment *environment, MDB_cursor *cursor,
                            struct store_ledger_query *query, store_ledger_fn *visit, void *context,
                            struct error_detail *detail)
{
    struct ledger_id from = query->after;
    MDB_val key;
    MDB_val value;
    int code = seek(cursor, first_id, &key, &value);

    if (code == MDB_SUCCESS) {
        enum error ignored = ledger_key_decode(key.mv_data, key.mv_size, &query->oldest);

        (void)ignored; /* of a damaged key nothing is known */
        if (from.commit > 0) {
            /* The id that comes next, whether or not there is such a row. */
            from.commit += from.index == UINT32_MAX ? 1 : 0;
            from.index++;
            code = seek(cursor, from, &key, &value);
        }
    }
    if (code == MDB_NOTFOUND) {
        return ERR_OK;
    }
    return code == MDB_SUCCESS
               ? read_page(environment, cursor, &key, &value, query, visit, context, detail)
               : environment_fail(environment, code, "read the ledger of", detail);
}

enum error ledger_read(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                       const struct meta *meta, struct store_ledger_query *query,
                       store_ledger_fn *visit, void *context, struct error_detail *detail)
{
    MDB_cursor *cursor = NULL;
    enum error error;
    int code;

    assert(query->limit >= 1 && query->limit <= STORE_LEDGER_PAGE_MAX);
    query->last = query->after;
    query->oldest = (struct ledger_id){0};
    query->more = false;
    query->damaged = 0;
    query->missing = meta->rows_owed;
    if (ledger->none) {
        return error_fail(detail, ERR_NOT_FOUND, "no ledger is kept: ledger_age is 0");
    }
    if (!environment->has_ledger) {
        return error_fail(detail, ERR_IO, "the ledger is damaged, and cannot be read");
    }
    query->missing = range_add_capped(query->missing, read_head(environment, txn).missing);
    code = mdb_cursor_open(txn, environment->ledger, &cursor);
    if (code != MDB_SUCCESS) {
        return environment_fail(environment, code, "read the ledger of", detail);
    }
    error = read_rows(environment, cursor, query, visit, context, detail);
    mdb_cursor_close(cursor);
    return error;
}
