#include "core/registry.h"

#include "registry_place.h"
#include "sequence_state.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64 /* a power of two, as every size of the table */

/* An open-addressed table that only gains names: a sequence that was retired keeps its slot until
 * another of its name takes it, or the table is made anew. A table that became too small stays
 * allocated behind the new one, for a lookup may still be reading it: all of them together are less
 * than twice the newest. */
struct table {
    struct table *older;
    size_t mask;
    _Atomic(struct sequence *) slots[];
};

struct registry {
    _Atomic(struct table *) table; /* written under the lock */
    struct bell *renewals;         /* constant */
    struct bell *waits;            /* constant */
    struct timekeeper *timekeeper; /* constant */
    pthread_mutex_t lock;
    struct sequence **ordered; /* lock; by name: what registry_list() lists */
    size_t count;              /* lock; of them */
    size_t ordered_room;       /* lock */
    struct sequence **all;     /* lock; every sequence of this life, the retired ones too: owned */
    size_t built;              /* lock; how many */
    size_t all_room;           /* lock */
    size_t used;               /* lock; slots of the table that are not empty */
    bool closed;               /* lock */
};

static uint64_t eight_bytes(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint64_t four_bytes(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Eight bytes a step, for every request waits for it. A step loses nothing, for it multiplies by an
 * odd number. Names come from administrators, so no keyed hash is needed. */
static size_t hash(const char *name, size_t length)
{
    static const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 by the golden ratio */
    uint64_t value = length;
    uint64_t rest = 0;
    for (; length > 8; name += 8, length -= 8) {
        value = (value ^ eight_bytes(name)) * odd;
        value ^= value >> 32;
    }
    if (length >= 4) {
        rest = four_bytes(name) << 32 | four_bytes(name + length - 4); /* they may overlap */
    } else {
        for (size_t i = 0; i < length; i++) {
            rest = rest << 8 | (unsigned char)name[i];
        }
    }
    value = (value ^ rest) * odd;
    value = (value ^ value >> 32) * odd;
    return (size_t)(value ^ value >> 32);
}

static struct table *table_create(size_t slots, struct table *older)
{
    struct table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);
    if (table != NULL) {
        table->older = older;
        table->mask = slots - 1;
    }
    return table;
}

/* Put `sequence` into the slot of its name, or into an empty one. The lock is held. */
static void table_put(struct registry *registry, struct table *table, struct sequence *sequence)
{
    const char *name = sequence_name(sequence);
    size_t length = strlen(name);
    for (size_t slot = hash(name, length) & table->mask;; slot = (slot + 1) & table->mask) {
        /* order: relaxed. Only the holder of the registry's lock writes slots, and it is held. */
        struct sequence *there = atomic_load_explicit(&table->slots[slot], memory_order_relaxed);
        if (there == NULL || sequence_is_called(there, name, length)) {
            registry->used += there == NULL ? 1 : 0;
            /* order: release pairs with the acquire in look_up(): who sees the sequence sees
             * it whole. */
            atomic_store_explicit(&table->slots[slot], sequence, memory_order_release);
            return;
        }
    }
}

/* The table, with room for one more name. The lock is held. NULL when there is no memory. */
static struct table *table_with_room(struct registry *registry)
{
    /* order: relaxed. Written under the lock only, which is held. */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_relaxed);
    if ((registry->used + 1) * 2 <= table->mask + 1) {
        return table;
    }
    struct table *larger = table_create((table->mask + 1) * 2, table);
    if (larger == NULL) {
        return NULL;
    }
    registry->used = 0;
    for (size_t i = 0; i < registry->count; i++) {
        table_put(registry, larger, registry->ordered[i]);
    }
    /* order: release pairs with the acquire in look_up(): who sees the table sees every
     * slot filled above. */
    atomic_store_explicit(&registry->table, larger, memory_order_release);
    return larger;
}

/* The one that has the slot of `name` now, retired or not, or NULL. */
static inline struct sequence *look_up(struct registry *registry, const char *name, size_t length)
{
    /* order: acquire pairs with the release in table_with_room(): the slots are seen as they were
     * filled. */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_acquire);
    for (size_t slot = hash(name, length) & table->mask;; slot = (slot + 1) & table->mask) {
        /* order: acquire pairs with the release in table_put(): the sequence is seen whole. */
        struct sequence *sequence = atomic_load_explicit(&table->slots[slot], memory_order_acquire);
        if (sequence == NULL) {
            return NULL; /* there always is such a slot: the table is at most half full */
        }
        if (sequence_is_called(sequence, name, length)) {
            return sequence;
        }
    }
}

struct timekeeper *registry_timekeeper(struct registry *registry)
{
    return registry->timekeeper;
}

/* `sequence`, which was found, is retired. Perhaps only since it was looked up: then another was
 * placed before, and who has seen that this one is retired sees the other one. */
static struct sequence *find_another(struct registry *registry, const char *name, size_t length,
                                     struct sequence *sequence)
{
    do {
        struct sequence *again = look_up(registry, name, length);
        sequence = again != sequence ? again : NULL;
    } while (sequence != NULL && sequence_has_retired(sequence));
    return sequence;
}

struct sequence *registry_find(struct registry *registry, const char *name, size_t length)
{
    struct sequence *sequence = look_up(registry, name, length);
    if (sequence == NULL || !sequence_has_retired(sequence)) {
        return sequence;
    }
    return find_another(registry, name, length, sequence);
}

/* Where `name` stands, or would stand, among the sequences in order. The lock is held. */
static size_t rank(const struct registry *registry, const char *name)
{
    size_t first = 0;
    size_t limit = registry->count;
    while (first < limit) {
        size_t middle = first + (limit - first) / 2;
        if (strcmp(sequence_name(registry->ordered[middle]), name) < 0) {
            first = middle + 1;
        } else {
            limit = middle;
        }
    }
    return first;
}

static bool stands_at(const struct registry *registry, size_t at, const char *name)
{
    return at < registry->count && strcmp(sequence_name(registry->ordered[at]), name) == 0;
}

/* `*list` with room for `count`; false, and as it was, when there is no memory. */
static bool grow(struct sequence ***list, size_t *room, size_t count)
{
    if (count <= *room) {
        return true;
    }
    size_t wanted = *room == 0 ? SLOTS_MIN : *room * 2;
    struct sequence **larger = reallocarray(*list, wanted, sizeof larger[0]);
    if (larger == NULL) {
        return false;
    }
    *list = larger;
    *room = wanted;
    return true;
}

enum error registry_make_room(struct registry *registry, bool another, struct error_detail *detail)
{
    pthread_mutex_lock(&registry->lock);
    bool full = another && registry->count >= REGISTRY_SEQUENCES_MAX;
    bool worn = registry->built - registry->count >= REGISTRY_RETIRED_MAX;
    bool room = full || worn ||
                (grow(&registry->ordered, &registry->ordered_room, registry->count + 1) &&
                 grow(&registry->all, &registry->all_room, registry->built + 1) &&
                 table_with_room(registry) != NULL);
    pthread_mutex_unlock(&registry->lock);
    if (full) {
        return error_fail(detail, ERR_INVALID, "%d sequences are there already, which is the limit",
                          REGISTRY_SEQUENCES_MAX);
    }
    if (worn) {
        return error_fail(
            detail, ERR_UNAVAILABLE,
            "%d sequences were dropped or moved backward since the start, which is the "
            "limit; restart seqd",
            REGISTRY_RETIRED_MAX);
    }
    return room ? ERR_OK : error_fail(detail, ERR_NO_MEMORY, "no memory for another sequence");
}

enum error registry_check_clock(struct registry *registry, const struct definition *definition,
                                struct error_detail *detail)
{
    if (definition->kind != SEQUENCE_TIMESTAMP) {
        return ERR_OK;
    }
    int64_t now_ms = wall_clock_ms(registry->timekeeper->clock);
    return layout_check_clock(&definition->layout, now_ms, detail);
}

enum error registry_build(struct registry *registry, const struct store_entry *entry,
                          struct sequence **ret_sequence, struct error_detail *detail)
{
    enum error error = sequence_create(entry, registry->renewals, registry->waits,
                                       registry->timekeeper, ret_sequence);
    if (error != ERR_OK) {
        return error_fail(detail, error, "no memory for sequence '%s'", entry->name);
    }
    return ERR_OK;
}

void registry_place(struct registry *registry, struct sequence *sequence)
{
    pthread_mutex_lock(&registry->lock);
    bool closed = registry->closed;
    size_t at = rank(registry, sequence_name(sequence));
    registry->all[registry->built++] = sequence;
    if (!stands_at(registry, at, sequence_name(sequence))) {
        memmove(&registry->ordered[at + 1], &registry->ordered[at],
                (registry->count - at) * sizeof registry->ordered[0]);
        registry->count++;
    }
    registry->ordered[at] = sequence;
    /* order: relaxed. Written under the lock only, which is held. */
    table_put(registry, atomic_load_explicit(&registry->table, memory_order_relaxed), sequence);
    pthread_mutex_unlock(&registry->lock);
    if (closed) {
        sequence_close(sequence);
    }
}

void registry_remove(struct registry *registry, struct sequence *sequence)
{
    pthread_mutex_lock(&registry->lock);
    size_t at = rank(registry, sequence_name(sequence));
    assert(at < registry->count && registry->ordered[at] == sequence);
    registry->count--;
    memmove(&registry->ordered[at], &registry->ordered[at + 1],
            (registry->count - at) * sizeof registry->ordered[0]);
    pthread_mutex_unlock(&registry->lock);
}

static enum error admit(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    struct registry *registry = context;
    struct sequence *sequence = NULL;
    /* What the store remembers is served, even where a creation whose outcome was unknown has made
     * one more than the limit. */
    enum error error = registry_make_room(registry, false, detail);
    if (error == ERR_OK) {
        error = registry_build(registry, entry, &sequence, detail);
    }
    if (error == ERR_OK) {
        registry_place(registry, sequence);
    }
    return error;
}

enum error registry_open(struct store *store, struct bell *renewals, struct bell *waits,
                         struct timekeeper *timekeeper, struct registry **ret_registry,
                         struct error_detail *detail)
{
    struct registry *registry = calloc(1, sizeof *registry);
    struct table *table = table_create(SLOTS_MIN, NULL);
    if (registry == NULL || table == NULL || pthread_mutex_init(&registry->lock, NULL) != 0) {
        free(registry);
        free(table);
        return error_fail(detail, ERR_NO_MEMORY, "no memory for the registry");
    }
    atomic_init(&registry->table, table);
    registry->renewals = renewals;
    registry->waits = waits;
    registry->timekeeper = timekeeper;
    enum error error = store_each(store, admit, registry, detail);
    if (error != ERR_OK) {
        registry_free(registry);
        return error;
    }
    *ret_registry = registry;
    return ERR_OK;
}

void registry_each(struct registry *registry,
                   void (*visit)(void *context, struct sequence *sequence), void *context)
{
    /* order: acquire pairs with the release in table_with_room(), as in look_up(). */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_acquire);
    for (size_t i = 0; i <= table->mask; i++) {
        /* order: acquire pairs with the release in table_put(), as in look_up(). */
        struct sequence *sequence = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        if (sequence != NULL && !sequence_is_retired(sequence)) {
            visit(context, sequence);
        }
    }
}

/* The next page, of at most `limit` sequences, to `found`. Returns whether there are more. */
static bool find_page(struct registry *registry, const char *prefix, const char *after,
                      size_t limit, struct sequence **found, size_t *ret_count)
{
    size_t length = strlen(prefix);
    bool more = false;
    *ret_count = 0;
    pthread_mutex_lock(&registry->lock);
    size_t at = rank(registry, strcmp(after, prefix) > 0 ? after : prefix);
    at += stands_at(registry, at, after) ? 1 : 0;
    for (; at < registry->count && !more; at++) {
        struct sequence *sequence = registry->ordered[at];
        if (strncmp(sequence_name(sequence), prefix, length) != 0) {
            break;
        }
        if (sequence_is_retired(sequence)) {
            continue;
        }
        more = *ret_count == limit;
        if (!more) {
            found[(*ret_count)++] = sequence;
        }
    }
    pthread_mutex_unlock(&registry->lock);
    return more;
}

bool registry_list(struct registry *registry, const char *prefix, const char *after, size_t limit,
                   void (*visit)(void *context, struct sequence *sequence), void *context)
{
    struct sequence *found[REGISTRY_LIST_MAX];
    size_t count;
    bool more = find_page(registry, prefix != NULL ? prefix : "", after != NULL ? after : "",
                          limit < REGISTRY_LIST_MAX ? limit : REGISTRY_LIST_MAX, found, &count);
    for (size_t i = 0; i < count; i++) {
        visit(context, found[i]);
    }
    return more;
}

static void close_one(void *context, struct sequence *sequence)
{
    (void)context;
    sequence_close(sequence);
}

void registry_close(struct registry *registry)
{
    /* First, so that whatever is placed later is closed there, and whatever was before is met
     * here. */
    pthread_mutex_lock(&registry->lock);
    registry->closed = true;
    pthread_mutex_unlock(&registry->lock);
    registry_each(registry, close_one, NULL);
}

/* Collects what there is to give back, and commits whenever a commit's worth has come together. */
struct settlement {
    struct store *store;
    struct error_detail *detail;
    enum error error; /* of the first commit that failed; nothing is tried after it */
    size_t count;
    struct store_return returns[STORE_REQUESTS_MAX];
};

static void settle_commit(struct settlement *settlement)
{
    if (settlement->count > 0 && settlement->error == ERR_OK) {
        settlement->error = store_give_back(settlement->store, settlement->returns,
                                            settlement->count, settlement->detail);
    }
    settlement->count = 0;
}

static void settle_one(void *context, struct sequence *sequence)
{
    struct settlement *settlement = context;
    if (sequence_settle(sequence, &settlement->returns[settlement->count])) {
        settlement->count++;
    }
    if (settlement->count == STORE_REQUESTS_MAX) {
        settle_commit(settlement);
    }
}

enum error registry_settle(struct registry *registry, struct store *store,
                           struct error_detail *detail)
{
    struct settlement *settlement = calloc(1, sizeof *settlement);
    if (settlement == NULL) {
        return error_fail(detail, ERR_NO_MEMORY, "no memory to give leases back");
    }
    settlement->store = store;
    settlement->detail = detail;
    registry_each(registry, settle_one, settlement);
    settle_commit(settlement);
    enum error error = settlement->error;
    free(settlement);
    return error;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < registry->built; i++) {
        sequence_free(registry->all[i]);
    }
    free(registry->all);
    free(registry->ordered);
    /* order: relaxed. Nobody else is left. */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_relaxed);
    while (table != NULL) {
        struct table *older = table->older;
        free(table);
        table = older;
    }
    (void)pthread_mutex_destroy(&registry->lock); /* nobody holds it */
    free(registry);
}
