#include "store_memory.h"

#include "store_memory_disk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One open store: what a crash forgets. Guarded by the disk's mutex. */
struct store_memory {
    struct store store; /* first: what callers hold */
    struct store_memory_disk *disk;
    bool tolerant;
    bool busy;   /* a call is under way */
    bool failed; /* until store_recover() */
    bool fenced; /* until store_close() */
    struct error_detail why;
    uint64_t *burnt; /* by record index: the least floor that the caller may ask for next */
    size_t burnt_room;
};

static struct store_memory *enter(struct store *store)
{
    struct store_memory *memory = (struct store_memory *)store;

    memory_disk_lock(memory->disk);
    if (memory->busy) {
        memory_abort("a call while another is under way");
    }
    memory->busy = true;
    return memory;
}

static enum error leave(struct store_memory *memory, enum error error)
{
    memory->busy = false;
    memory_disk_unlock(memory->disk);
    return error;
}

/* ERR_OK, or what every call but recover and close answers after a failure. */
static enum error refuse_after_failure(struct store_memory *memory, struct error_detail *detail)
{
    if (!memory->failed) {
        return ERR_OK;
    }
    return error_fail(detail, ERR_UNAVAILABLE, "the store failed and was not recovered: %s",
                      memory->why.text);
}

static enum error note_failure(struct store_memory *memory, struct memory_outcome outcome,
                               struct error_detail *detail)
{
    memory->failed = true;
    memory->fenced = memory->fenced || outcome.error == ERR_FENCED;
    error_fail(&memory->why, outcome.error, "commit %llu failed as the test wished",
               (unsigned long long)memory->disk->commits);
    return error_fail(detail, outcome.error, "%s", memory->why.text);
}

static uint64_t *burnt_of(struct store_memory *memory, const struct memory_record *record)
{
    memory->burnt =
        memory_grow(memory->burnt, &memory->burnt_room, record->index + 1, sizeof(*memory->burnt));
    return &memory->burnt[record->index];
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Abort when a name stands twice, is not a name, or there are too many or none. */
static void check_names(const char **names, size_t count)
{
    if (count == 0 || count > STORE_REQUESTS_MAX) {
        memory_abort("%zu names in a call, 1 to %d are allowed", count, STORE_REQUESTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (definition_check_name(names[i], strlen(names[i]), NULL) != ERR_OK) {
            memory_abort("'%s' is not a name", names[i]);
        }
    }
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            memory_abort("'%s' stands twice in a call", names[i]);
        }
    }
}

static void check_requests(const struct store_request *requests, size_t count)
{
    const char *names[STORE_REQUESTS_MAX] = {0};

    for (size_t i = 0; i < count && i < STORE_REQUESTS_MAX; i++) {
        names[i] = requests[i].name;
        if (requests[i].count == 0) {
            memory_abort("0 positions wanted of '%s'", names[i]);
        }
    }
    check_names(names, count);
}

static void check_floor(struct store_memory *memory, const struct memory_record *record,
                        const struct store_request *request)
{
    uint64_t burnt = *burnt_of(memory, record);

    if (!memory->tolerant && request->floor < burnt) {
        memory_abort("the floor of '%s' is %llu, but all below %llu was leased or burnt",
                     request->name, (unsigned long long)request->floor, (unsigned long long)burnt);
    }
}

static void reserve_one(struct store_memory *memory, struct store_request *request,
                        struct memory_outcome outcome)
{
    struct store_memory_disk *disk = memory->disk;
    struct memory_record *record = memory_disk_find(disk, request->name);
    struct range lease = {request->floor, request->floor};
    bool there = record != NULL && (record->damaged || !record->dropped);
    enum error error = !there ? ERR_NOT_FOUND : record->damaged ? ERR_CORRUPT : ERR_OK;
    uint64_t generation = 0;

    if (error == ERR_OK) {
        check_floor(memory, record, request);
        memory_disk_share(disk, record);
        lease = memory_disk_range(record, request->floor, request->count);
        generation = record->entry.generation + 1;
        memory_disk_note(disk, request->name, lease, generation, outcome.error == ERR_OK);
        *burnt_of(memory, record) = lease.limit;
        if (outcome.takes_effect) {
            record->entry.mark = lease.limit;
            record->entry.generation = generation;
            memory_ledger_note(disk, &record->entry, LEDGER_LEASE, lease, request->from);
        }
    }
    request->burnt_limit = lease.limit;
    if (outcome.error == ERR_OK) {
        request->error = error;
        request->lease = lease;
        request->generation = generation;
    }
}

static enum error memory_reserve(struct store *store, struct store_request *requests, size_t count,
                                 struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    struct memory_outcome outcome;

    check_requests(requests, count);
    if (memory->failed && !memory->tolerant) {
        memory_abort("a reserve after a failure, without a recover");
    }
    if (memory->failed) {
        for (size_t i = 0; i < count; i++) {
            requests[i].burnt_limit = requests[i].floor;
        }
        return leave(memory, refuse_after_failure(memory, detail));
    }
    outcome = memory_disk_commit(memory->disk);
    for (size_t i = 0; i < count; i++) {
        reserve_one(memory, &requests[i], outcome);
    }
    return leave(memory, outcome.error == ERR_OK ? ERR_OK : note_failure(memory, outcome, detail));
}

static enum error memory_each(struct store *store, store_visit_fn *visit, void *context,
                              struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    enum error error = refuse_after_failure(memory, detail);

    for (size_t i = 0; error == ERR_OK && i < memory->disk->record_count; i++) {
        struct memory_record *record = memory->disk->records[i];
        struct store_entry entry = record->entry;

        if (record->damaged) {
            error = error_fail(detail, ERR_CORRUPT, "the record of '%s' is damaged", entry.name);
            break;
        }
        if (record->dropped) {
            continue;
        }
        /* Unlocked, so that a visitor may turn knobs; `busy` still keeps other calls out. */
        memory_disk_unlock(memory->disk);
        error = visit(context, &entry, detail);
        memory_disk_lock(memory->disk);
    }
    return leave(memory, error);
}

/* What every call that changes one record begins with: `ret_outcome` is what its commit meets, and
 * `ret_record` the record, NULL where there is none. Other than ERR_OK: it was refused already. */
static enum error begin_edit(struct store_memory *memory, const char *name,
                             struct memory_outcome *ret_outcome, struct memory_record **ret_record,
                             struct error_detail *detail)
{
    enum error error = refuse_after_failure(memory, detail);

    check_names(&(const char *){name}, 1);
    if (error != ERR_OK) {
        return error;
    }
    *ret_outcome = memory_disk_commit(memory->disk);
    *ret_record = memory_disk_find(memory->disk, name);
    if (*ret_record != NULL && (*ret_record)->damaged) {
        return error_fail(detail, ERR_CORRUPT, "the record of '%s' is damaged", name);
    }
    return ERR_OK;
}

/* Where the commit takes effect, `entry` becomes durable. */
static enum error end_edit(struct store_memory *memory, struct memory_record *record,
                           struct memory_outcome outcome, struct store_entry *entry,
                           struct store_entry *ret_entry, struct error_detail *detail)
{
    entry->generation++;
    if (outcome.takes_effect) {
        record->entry = *entry;
    }
    if (outcome.error != ERR_OK) {
        return note_failure(memory, outcome, detail);
    }
    *ret_entry = *entry;
    return ERR_OK;
}

static enum error define_one(struct store_memory *memory, const char *name,
                             const struct definition *definition, struct store_entry *ret_entry,
                             struct error_detail *detail)
{
    struct memory_outcome outcome;
    struct memory_record *record = NULL;
    enum error error = begin_edit(memory, name, &outcome, &record, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (record == NULL) {
        if (!outcome.takes_effect) {
            return note_failure(memory, outcome, detail);
        }
        record = memory_disk_add(memory->disk, name);
        record->entry.definition = *definition;
    }
    struct store_entry entry = record->entry;
    bool begins = record->dropped || !definition_same_numbers(&entry.definition, definition);
    if (begins) {
        entry.floor = floor_grown(entry.floor, &entry.definition, entry.mark);
        error = floor_first(&entry.floor, definition, &entry.mark, detail);
        if (error != ERR_OK) {
            return outcome.error == ERR_OK ? error : note_failure(memory, outcome, detail);
        }
    }
    entry.definition = *definition;
    record->dropped = record->dropped && !outcome.takes_effect;
    error = end_edit(memory, record, outcome, &entry, ret_entry, detail);
    if (begins && outcome.takes_effect) {
        *burnt_of(memory, record) = entry.mark;
    }
    return error;
}

static enum error memory_define(struct store *store, const char *name,
                                const struct definition *definition, struct store_entry *ret_entry,
                                struct error_detail *detail)
{
    struct store_memory *memory = enter(store);

    if (definition_check(definition, NULL) != ERR_OK) {
        memory_abort("the definition of '%s' was not checked", name);
    }
    return leave(memory, define_one(memory, name, definition, ret_entry, detail));
}

static enum error drop_one(struct store_memory *memory, const char *name,
                           struct store_entry *ret_entry, struct error_detail *detail)
{
    struct memory_outcome outcome;
    struct memory_record *record = NULL;
    enum error error = begin_edit(memory, name, &outcome, &record, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (record == NULL) {
        return outcome.error == ERR_OK ? error_fail(detail, ERR_NOT_FOUND, "there is no '%s'", name)
                                       : note_failure(memory, outcome, detail);
    }
    struct store_entry entry = record->entry;
    entry.floor = floor_grown(entry.floor, &entry.definition, entry.mark);
    record->dropped = record->dropped || outcome.takes_effect;
    return end_edit(memory, record, outcome, &entry, ret_entry, detail);
}

static enum error memory_drop(struct store *store, const char *name, struct store_entry *ret_entry,
                              struct error_detail *detail)
{
    struct store_memory *memory = enter(store);

    return leave(memory, drop_one(memory, name, ret_entry, detail));
}

static enum error advance_one(struct store_memory *memory, const char *name,
                              struct store_move *move, struct store_entry *ret_entry,
                              struct error_detail *detail)
{
    struct memory_outcome outcome;
    struct memory_record *record = NULL;
    enum error error = begin_edit(memory, name, &outcome, &record, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (record == NULL || record->dropped) {
        return outcome.error == ERR_OK ? error_fail(detail, ERR_NOT_FOUND, "there is no '%s'", name)
                                       : note_failure(memory, outcome, detail);
    }
    struct store_entry entry = record->entry;
    uint64_t mark_before = entry.mark;
    uint64_t *burnt = burnt_of(memory, record);
    if (move->position > definition_capacity(&entry.definition)) {
        memory_abort("'%s' was to move beyond its capacity", name);
    }
    if (move->backward) {
        entry.floor = floor_grown(entry.floor, &entry.definition, entry.mark);
        entry.mark = move->position;
    } else {
        entry.mark = range_max(entry.mark, move->position);
        *burnt = range_max(*burnt, move->position); /* whatever comes of it */
    }
    error = end_edit(memory, record, outcome, &entry, ret_entry, detail);
    if (outcome.takes_effect) {
        struct range over = {range_min(entry.mark, mark_before),
                             range_max(entry.mark, mark_before)};

        memory_ledger_note(memory->disk, &entry,
                           entry.mark < mark_before ? LEDGER_REWIND : LEDGER_ADVANCE, over, 0);
    }
    if (error == ERR_OK) {
        move->mark_before = mark_before;
        *burnt = move->backward ? entry.mark : *burnt;
    }
    return error;
}

static enum error memory_advance(struct store *store, const char *name, struct store_move *move,
                                 struct store_entry *ret_entry, struct error_detail *detail)
{
    struct store_memory *memory = enter(store);

    return leave(memory, advance_one(memory, name, move, ret_entry, detail));
}

static void return_one(struct store_memory *memory, struct store_return *giving,
                       struct memory_outcome outcome)
{
    struct memory_record *record = memory_disk_find(memory->disk, giving->name);
    bool ours = record != NULL && !record->damaged && !record->dropped &&
                record->entry.generation == giving->generation &&
                record->entry.mark == giving->lease_limit;

    if (giving->mark > giving->lease_limit) {
        memory_abort("'%s' gives back from %llu, above its limit %llu", giving->name,
                     (unsigned long long)giving->mark, (unsigned long long)giving->lease_limit);
    }
    if (ours && outcome.takes_effect) {
        struct range rest = {giving->mark, giving->lease_limit};

        record->entry.mark = giving->mark;
        record->entry.generation++;
        memory_ledger_note(memory->disk, &record->entry, LEDGER_RETURN, rest, 0);
        *burnt_of(memory, record) = giving->mark;
    }
    if (outcome.error == ERR_OK) {
        giving->accepted = ours;
    }
}

static enum error memory_give_back(struct store *store, struct store_return *returns, size_t count,
                                   struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    enum error error = refuse_after_failure(memory, detail);
    const char *names[STORE_REQUESTS_MAX] = {0};
    struct memory_outcome outcome;

    for (size_t i = 0; i < count && i < STORE_REQUESTS_MAX; i++) {
        names[i] = returns[i].name;
    }
    check_names(names, count);
    if (error != ERR_OK) {
        return leave(memory, error);
    }
    outcome = memory_disk_commit(memory->disk);
    for (size_t i = 0; i < count; i++) {
        return_one(memory, &returns[i], outcome);
    }
    return leave(memory, outcome.error == ERR_OK ? ERR_OK : note_failure(memory, outcome, detail));
}

static enum error memory_backup(struct store *store, FILE *to, struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    enum error error = refuse_after_failure(memory, detail);

    if (error == ERR_OK) {
        error = memory_disk_back_up(memory->disk, to, detail);
    }
    return leave(memory, error);
}

static enum error memory_ledger(struct store *store, struct store_ledger_query *query,
                                store_ledger_fn *visit, void *context, struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    enum error error = refuse_after_failure(memory, detail);

    if (error == ERR_OK) {
        error = memory_ledger_read(memory->disk, query, visit, context, detail);
    }
    return leave(memory, error);
}

static enum error memory_recover(struct store *store, struct error_detail *detail)
{
    struct store_memory *memory = enter(store);
    struct memory_outcome outcome;

    if (memory->fenced) {
        return leave(memory, error_fail(detail, ERR_FENCED, "%s", memory->why.text));
    }
    outcome = memory_disk_commit(memory->disk);
    if (outcome.error != ERR_OK) {
        return leave(memory, note_failure(memory, outcome, detail));
    }
    memory->failed = false;
    memory->disk->recoveries++;
    return leave(memory, ERR_OK);
}

static void memory_close(struct store *store)
{
    struct store_memory *memory = enter(store);

    memory_disk_unlock(memory->disk);
    free(memory->burnt);
    free(memory);
}

void store_memory_abandon(struct store *store)
{
    struct store_memory *memory = (struct store_memory *)store;

    if (memory != NULL) {
        free(memory->burnt);
        free(memory);
    }
}

static const struct store_operations memory_operations = {
    .each = memory_each,
    .define = memory_define,
    .reserve = memory_reserve,
    .give_back = memory_give_back,
    .drop = memory_drop,
    .advance = memory_advance,
    .backup = memory_backup,
    .ledger = memory_ledger,
    .recover = memory_recover,
    .close = memory_close,
};

enum error store_memory_open(const struct store_memory_options *options, struct store **ret_store)
{
    struct store_memory *memory = calloc(1, sizeof(*memory));

    assert(options->disk != NULL);
    if (memory == NULL) {
        return ERR_NO_MEMORY;
    }
    memory->store.operations = &memory_operations;
    memory->disk = options->disk;
    memory->tolerant = options->tolerant;
    *ret_store = &memory->store;
    return ERR_OK;
}
