#include "copies.h"

#include "base/range.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The mirror holds both kinds of record; no sequence's name begins with '!'. */
static const char meta_key[] = "meta";
static const char meta_mirror_key[] = "!meta";

static MDB_val value_of(const void *data, size_t length)
{
    /* LMDB takes what it only reads as pointers to what it could write. */
    return (MDB_val){.mv_size = length, .mv_data = (void *)(uintptr_t)data};
}

/* `ret_value` has no data where the key is not there. */
static enum error get(struct environment *environment, MDB_txn *txn, MDB_dbi table,
                      const char *name, MDB_val *ret_value, struct error_detail *detail)
{
    MDB_val key = value_of(name, strlen(name));
    int code = mdb_get(txn, table, &key, ret_value);

    if (code == MDB_NOTFOUND) {
        *ret_value = (MDB_val){0};
        return ERR_OK;
    }
    return code == MDB_SUCCESS ? ERR_OK : environment_fail(environment, code, "read", detail);
}

static enum error put(struct environment *environment, MDB_txn *txn, MDB_dbi table,
                      const char *name, const uint8_t *bytes, size_t length,
                      struct error_detail *detail)
{
    MDB_val key = value_of(name, strlen(name));
    MDB_val value = value_of(bytes, length);
    int code = mdb_put(txn, table, &key, &value, 0);

    return code == MDB_SUCCESS ? ERR_OK : environment_fail(environment, code, "write", detail);
}

static bool same_bytes(const MDB_val *a, const MDB_val *b)
{
    return a->mv_size == b->mv_size && memcmp(a->mv_data, b->mv_data, a->mv_size) == 0;
}

/* Two whole copies that differ: the newer one, with the higher mark of both, and a floor over what
 * either may have issued where their numbers are not the same. */
static struct record newer_of(const struct record *a, const struct record *b)
{
    bool first = a->generation >= b->generation;
    struct record newer = first ? *a : *b;
    const struct record *older = first ? b : a;

    newer.floor = floor_united(newer.floor, older->floor);
    if (!definition_same_numbers(&newer.definition, &older->definition)) {
        newer.floor = floor_grown(newer.floor, &older->definition, older->mark);
    }
    newer.mark = range_max(a->mark, b->mark);
    return newer;
}

/* One copy is gone, and the other cannot be held against it: whatever lease the lost one may have
 * covered lies below the mark that comes out. */
static void keep_distance(struct record *record)
{
    uint64_t distance = range_max(record->definition.lease, record->definition.max_gap);

    record->mark = range_add_capped(record->mark, distance);
    if (record->dropped) {
        record->floor = floor_grown(record->floor, &record->definition, record->mark);
    }
}

/* What the two copies of `name` come to, either of which may be missing but not both. */
static enum copies_state weigh(const MDB_val *first, const MDB_val *second, const char *name,
                               struct record *ret_record, struct error_detail *detail)
{
    struct record a = {0};
    struct record b = {0};
    bool a_whole = first->mv_data != NULL &&
                   record_decode(first->mv_data, first->mv_size, name, &a, detail) == ERR_OK;
    bool b_whole;

    if (a_whole && second->mv_data != NULL && same_bytes(first, second)) {
        *ret_record = a;
        return COPIES_WHOLE;
    }
    b_whole = second->mv_data != NULL &&
              record_decode(second->mv_data, second->mv_size, name, &b, detail) == ERR_OK;
    if (!a_whole && !b_whole) {
        (void)error_wrap(detail, ERR_CORRUPT, "both copies of the record of '%s' are damaged",
                         name); /* the state says it */
        return COPIES_DAMAGED;
    }
    *ret_record = a_whole && b_whole ? newer_of(&a, &b) : a_whole ? a : b;
    keep_distance(ret_record);
    return COPIES_DOUBTFUL;
}

enum error copies_read(struct environment *environment, MDB_txn *txn, const char *name,
                       enum copies_state *ret_state, struct record *ret_record,
                       struct error_detail *detail)
{
    MDB_val first;
    MDB_val second;
    enum error error = get(environment, txn, environment->sequence, name, &first, detail);

    if (error == ERR_OK) {
        error = get(environment, txn, environment->mirror, name, &second, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (first.mv_data == NULL && second.mv_data == NULL) {
        *ret_state = COPIES_ABSENT;
        return ERR_OK;
    }
    *ret_state = weigh(&first, &second, name, ret_record, detail);
    return ERR_OK;
}

enum error copies_write(struct environment *environment, MDB_txn *txn, const char *name,
                        const struct record *record, struct error_detail *detail)
{
    uint8_t bytes[RECORD_SIZE];
    enum error error;

    assert(definition_check_name(name, strlen(name), NULL) == ERR_OK);
    record_encode(record, name, bytes);
    error = put(environment, txn, environment->sequence, name, bytes, sizeof(bytes), detail);
    if (error == ERR_OK) {
        error = put(environment, txn, environment->mirror, name, bytes, sizeof(bytes), detail);
    }
    return error;
}

/* A walk over both tables at once, as a merge of two sorted lists. */
struct walk {
    struct environment *environment;
    MDB_txn *txn;
    MDB_cursor *sequences;
    MDB_cursor *mirrors;
    MDB_val sequence; /* the key that comes next; no data at the end */
    MDB_val mirror;
};

static enum error step(struct walk *walk, MDB_cursor *cursor, MDB_val *key, MDB_cursor_op operation,
                       struct error_detail *detail)
{
    MDB_val value;
    int code = mdb_cursor_get(cursor, key, &value, operation);

    if (code == MDB_NOTFOUND) {
        *key = (MDB_val){0};
        return ERR_OK;
    }
    return code == MDB_SUCCESS ? ERR_OK : environment_fail(walk->environment, code, "read", detail);
}

/* Below 0 when `a` comes first, 0 when they are equal; an end comes last. As LMDB sorts. */
static int compare_keys(const MDB_val *a, const MDB_val *b)
{
    size_t shorter = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    int order;

    if (a->mv_data == NULL || b->mv_data == NULL) {
        return (a->mv_data == NULL) - (b->mv_data == NULL);
    }
    order = memcmp(a->mv_data, b->mv_data, shorter);
    return order != 0 ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static bool is_meta(const MDB_val *key)
{
    return key->mv_size == sizeof(meta_mirror_key) - 1 &&
           memcmp(key->mv_data, meta_mirror_key, key->mv_size) == 0;
}

/* `key` as a name, once it is one. */
static enum error take_name(struct environment *environment, const MDB_val *key,
                            char to[SEQUENCE_NAME_MAX + 1], struct error_detail *detail)
{
    if (definition_check_name(key->mv_data, key->mv_size, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "a record of '%s/%s' has an impossible name",
                          environment->directory->path, DIRECTORY_DATA);
    }
    memcpy(to, key->mv_data, key->mv_size);
    to[key->mv_size] = '\0';
    return ERR_OK;
}

static enum error visit_key(struct walk *walk, const MDB_val *key, store_visit_fn *visit,
                            void *context, struct error_detail *detail)
{
    struct store_entry entry = {0};
    struct record record;
    enum copies_state state;
    enum error error;

    if (is_meta(key)) {
        return ERR_OK;
    }
    error = take_name(walk->environment, key, entry.name, detail);
    if (error != ERR_OK) {
        return error;
    }
    error = copies_read(walk->environment, walk->txn, entry.name, &state, &record, detail);
    if (error != ERR_OK) {
        return error;
    }
    if (state != COPIES_WHOLE && state != COPIES_DOUBTFUL) {
        return error_wrap(detail, ERR_CORRUPT, "'%s/%s'", walk->environment->directory->path,
                          DIRECTORY_DATA);
    }
    if (record.dropped) {
        return ERR_OK;
    }
    entry.definition = record.definition;
    entry.mark = record.mark;
    entry.generation = record.generation;
    entry.floor = record.floor;
    return visit(context, &entry, detail);
}

static enum error walk_all(struct walk *walk, store_visit_fn *visit, void *context,
                           struct error_detail *detail)
{
    enum error error = step(walk, walk->sequences, &walk->sequence, MDB_FIRST, detail);

    if (error == ERR_OK) {
        error = step(walk, walk->mirrors, &walk->mirror, MDB_FIRST, detail);
    }
    while (error == ERR_OK && (walk->sequence.mv_data != NULL || walk->mirror.mv_data != NULL)) {
        int order = compare_keys(&walk->sequence, &walk->mirror);

        error =
            visit_key(walk, order <= 0 ? &walk->sequence : &walk->mirror, visit, context, detail);
        if (error == ERR_OK && order <= 0) {
            error = step(walk, walk->sequences, &walk->sequence, MDB_NEXT, detail);
        }
        if (error == ERR_OK && order >= 0) {
            error = step(walk, walk->mirrors, &walk->mirror, MDB_NEXT, detail);
        }
    }
    return error;
}

/* Go to the first key of `cursor`'s table that comes after `name`. */
static enum error seek(struct walk *walk, MDB_cursor *cursor, const char *name, MDB_val *ret_key,
                       struct error_detail *detail)
{
    /* With its NUL it is the least of all longer keys. */
    *ret_key = value_of(name, strlen(name) + 1);
    return step(walk, cursor, ret_key, name[0] == '\0' ? MDB_FIRST : MDB_SET_RANGE, detail);
}

static enum error find_next(struct walk *walk, char name[SEQUENCE_NAME_MAX + 1],
                            struct error_detail *detail)
{
    enum error error = seek(walk, walk->sequences, name, &walk->sequence, detail);

    if (error == ERR_OK) {
        error = seek(walk, walk->mirrors, name, &walk->mirror, detail);
    }
    if (error == ERR_OK && walk->mirror.mv_data != NULL && is_meta(&walk->mirror)) {
        error = step(walk, walk->mirrors, &walk->mirror, MDB_NEXT, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (walk->sequence.mv_data == NULL && walk->mirror.mv_data == NULL) {
        name[0] = '\0';
        return ERR_OK;
    }
    return take_name(walk->environment,
                     compare_keys(&walk->sequence, &walk->mirror) <= 0 ? &walk->sequence
                                                                       : &walk->mirror,
                     name, detail);
}

static enum error open_walk(struct walk *walk, struct error_detail *detail)
{
    int code = mdb_cursor_open(walk->txn, walk->environment->sequence, &walk->sequences);

    if (code == MDB_SUCCESS) {
        code = mdb_cursor_open(walk->txn, walk->environment->mirror, &walk->mirrors);
    }
    return code == MDB_SUCCESS ? ERR_OK : environment_fail(walk->environment, code, "read", detail);
}

static void close_walk(struct walk *walk)
{
    if (walk->mirrors != NULL) {
        mdb_cursor_close(walk->mirrors);
    }
    if (walk->sequences != NULL) {
        mdb_cursor_close(walk->sequences);
    }
}

enum error copies_each(struct environment *environment, MDB_txn *txn, store_visit_fn *visit,
                       void *context, struct error_detail *detail)
{
    struct walk walk = {.environment = environment, .txn = txn};
    enum error error = open_walk(&walk, detail);

    if (error == ERR_OK) {
        error = walk_all(&walk, visit, context, detail);
    }
    close_walk(&walk);
    return error;
}

static enum error find_max_gap(void *context, const struct store_entry *entry,
                               struct error_detail *detail)
{
    uint64_t *max_gap = context;

    (void)detail;
    if (entry->definition.kind == SEQUENCE_COUNTER) {
        *max_gap = range_max(*max_gap, entry->definition.max_gap);
    }
    return ERR_OK;
}

uint64_t copies_max_gap(struct environment *environment, MDB_txn *txn)
{
    uint64_t max_gap = 0;
    /* A damaged record is told of elsewhere. */
    enum error ignored = copies_each(environment, txn, find_max_gap, &max_gap, NULL);

    (void)ignored;
    return max_gap;
}

enum error copies_next(struct environment *environment, MDB_txn *txn,
                       char name[SEQUENCE_NAME_MAX + 1], struct error_detail *detail)
{
    struct walk walk = {.environment = environment, .txn = txn};
    enum error error = open_walk(&walk, detail);

    if (error == ERR_OK) {
        error = find_next(&walk, name, detail);
    }
    close_walk(&walk);
    return error;
}

enum error copies_read_meta(struct environment *environment, MDB_txn *txn, struct meta *ret_meta,
                            struct error_detail *detail)
{
    MDB_val values[2];
    struct meta metas[2];
    bool found = false;
    enum error error = get(environment, txn, environment->meta, meta_key, &values[0], detail);

    if (error == ERR_OK) {
        error = get(environment, txn, environment->mirror, meta_mirror_key, &values[1], detail);
    }
    for (size_t i = 0; error == ERR_OK && i < 2; i++) {
        enum error whole =
            values[i].mv_data == NULL
                ? ERR_CORRUPT
                : meta_decode(values[i].mv_data, values[i].mv_size, &metas[i], detail);

        if (whole == ERR_FENCED) {
            error = whole;
        } else if (whole == ERR_OK && (!found || metas[i].counter > ret_meta->counter)) {
            *ret_meta = metas[i];
            found = true;
        }
    }
    if (error == ERR_OK && !found) {
        error = error_fail(detail, ERR_CORRUPT,
                           "both copies of the meta record in '%s/%s' are "
                           "damaged; see docs/DISK-FORMAT.md",
                           environment->directory->path, DIRECTORY_DATA);
    }
    return error;
}

enum error copies_write_meta(struct environment *environment, MDB_txn *txn, const struct meta *meta,
                             struct error_detail *detail)
{
    uint8_t bytes[META_SIZE];
    enum error error;

    meta_encode(meta, bytes);
    error = put(environment, txn, environment->meta, meta_key, bytes, sizeof(bytes), detail);
    if (error == ERR_OK) {
        error = put(environment, txn, environment->mirror, meta_mirror_key, bytes, sizeof(bytes),
                    detail);
    }
    return error;
}
