#include "core/registry.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64 /* a power of two, as every size of the table */

/* An open-addressed table that only gains entries. A table that became too small stays allocated
 * behind the new one, for a lookup may still be reading it: all of them together are less than
 * twice the newest. */
struct table {
    struct table *older;
    size_t mask;
    _Atomic(struct sequence *) slots[];
};

struct registry {
    _Atomic(struct table *) table; /* written under the lock */
    pthread_mutex_t lock;
    size_t count;          /* lock */
    struct bell *renewals; /* constant */
    struct bell *waits;    /* constant */
};

/* FNV-1a, 64 bits; names come from administrators, so no keyed hash is needed. Source: Fowler,
 * Noll, Vo. */
static size_t hash(const char *name, size_t length)
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) {
        value = (value ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(value ^ (value >> 32));
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

static void table_insert(struct table *table, struct sequence *sequence)
{
    const char *name = sequence_name(sequence);
    size_t slot = hash(name, strlen(name)) & table->mask;
    /* order: relaxed. Only the holder of the registry's lock writes slots, and it is held. */
    while (atomic_load_explicit(&table->slots[slot], memory_order_relaxed) != NULL) {
        slot = (slot + 1) & table->mask;
    }
    /* order: release pairs with the acquire in registry_find(): who sees the sequence sees it
     * whole. */
    atomic_store_explicit(&table->slots[slot], sequence, memory_order_release);
}

/* The table, with room for one more. The lock is held. NULL when there is no memory. */
static struct table *table_with_room(struct registry *registry)
{
    /* order: relaxed. Written under the lock only, which is held. */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_relaxed);
    if ((registry->count + 1) * 2 <= table->mask + 1) {
        return table;
    }
    struct table *larger = table_create((table->mask + 1) * 2, table);
    if (larger == NULL) {
        return NULL;
    }
    for (size_t i = 0; i <= table->mask; i++) {
        /* order: relaxed. Written under the lock only, which is held. */
        struct sequence *sequence = atomic_load_explicit(&table->slots[i], memory_order_relaxed);
        if (sequence != NULL) {
            table_insert(larger, sequence);
        }
    }
    /* order: release pairs with the acquire in registry_find(): who sees the table sees every
     * slot filled above. */
    atomic_store_explicit(&registry->table, larger, memory_order_release);
    return larger;
}

struct sequence *registry_find(struct registry *registry, const char *name, size_t length)
{
    /* order: acquire pairs with the release in table_with_room(): the slots are seen as they were
     * filled. */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_acquire);
    for (size_t slot = hash(name, length) & table->mask;; slot = (slot + 1) & table->mask) {
        /* order: acquire pairs with the release in table_insert(): the sequence is seen whole. */
        struct sequence *sequence = atomic_load_explicit(&table->slots[slot], memory_order_acquire);
        if (sequence == NULL) {
            return NULL; /* there always is such a slot: the table is at most half full */
        }
        const char *found = sequence_name(sequence);
        if (strlen(found) == length && memcmp(found, name, length) == 0) {
            return sequence;
        }
    }
}

/* Build a sequence from what the store remembers, and make it known. */
static enum error admit(struct registry *registry, const struct store_entry *entry,
                        struct error_detail *detail)
{
    struct sequence *sequence = NULL;
    enum error error = ERR_NO_MEMORY;
    pthread_mutex_lock(&registry->lock);
    struct table *table = table_with_room(registry);
    if (table != NULL) {
        error = sequence_create(entry, registry->renewals, registry->waits, &sequence);
    }
    if (error == ERR_OK) {
        table_insert(table, sequence);
        registry->count++;
    }
    pthread_mutex_unlock(&registry->lock);
    if (error != ERR_OK) {
        return error_fail(detail, error, "no memory for sequence '%s'", entry->name);
    }
    return ERR_OK;
}

static enum error admit_visited(void *context, const struct store_entry *entry,
                                struct error_detail *detail)
{
    return admit(context, entry, detail);
}

enum error registry_open(struct store *store, struct bell *renewals, struct bell *waits,
                         struct registry **ret_registry, struct error_detail *detail)
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
    enum error error = store_each(store, admit_visited, registry, detail);
    if (error != ERR_OK) {
        registry_free(registry);
        return error;
    }
    *ret_registry = registry;
    return ERR_OK;
}

#define NUMBERS_FORMAT "start %" PRId64 ", increment %" PRId64 ", min %" PRId64 ", max %" PRId64
#define NUMBERS_OF(definition) \
    (definition)->start, (definition)->increment, (definition)->min, (definition)->max

/* What stands in the way of `definition` for a sequence that exists; ERR_OK when at most tunables
 * differ. */
static enum error check_existing(const char *name, const struct definition *existing,
                                 const struct definition *definition, struct error_detail *detail)
{
    if (definition_same_numbers(existing, definition)) {
        return ERR_OK;
    }
    return error_fail(detail, ERR_CONFLICT,
                      "sequence '%s' exists with " NUMBERS_FORMAT "; asked for was " NUMBERS_FORMAT,
                      name, NUMBERS_OF(existing), NUMBERS_OF(definition));
}

static enum error declare_existing(struct sequence *sequence, struct store *store,
                                   const struct definition *definition, struct error_detail *detail)
{
    struct sequence_status status;
    struct store_entry entry;
    sequence_describe(sequence, &status);
    enum error error =
        check_existing(sequence_name(sequence), &status.definition, definition, detail);
    if (error != ERR_OK || definition_equal(&status.definition, definition)) {
        return error;
    }
    error = store_define(store, sequence_name(sequence), definition, &entry, detail);
    if (error == ERR_OK) {
        sequence_alter(sequence, definition);
    }
    return error;
}

static size_t registry_count(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    size_t count = registry->count;
    pthread_mutex_unlock(&registry->lock);
    return count;
}

enum error registry_declare(struct registry *registry, struct store *store, const char *name,
                            const struct definition *definition, struct error_detail *detail)
{
    struct store_entry entry;
    enum error error = definition_check_name(name, strlen(name), detail);
    if (error == ERR_OK) {
        error = definition_check(definition, detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    struct sequence *sequence = registry_find(registry, name, strlen(name));
    if (sequence != NULL) {
        return declare_existing(sequence, store, definition, detail);
    }
    if (registry_count(registry) >= REGISTRY_SEQUENCES_MAX) {
        return error_fail(detail, ERR_INVALID, "%d sequences are there already, which is the limit",
                          REGISTRY_SEQUENCES_MAX);
    }
    error = store_define(store, name, definition, &entry, detail);
    if (error == ERR_OK) {
        error = admit(registry, &entry, detail);
    }
    return error;
}

void registry_each(struct registry *registry,
                   void (*visit)(void *context, struct sequence *sequence), void *context)
{
    /* order: acquire pairs with the release in table_with_room(), as in registry_find(). */
    struct table *table = atomic_load_explicit(&registry->table, memory_order_acquire);
    for (size_t i = 0; i <= table->mask; i++) {
        /* order: acquire pairs with the release in table_insert(), as in registry_find(). */
        struct sequence *sequence = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        if (sequence != NULL) {
            visit(context, sequence);
        }
    }
}

static void close_one(void *context, struct sequence *sequence)
{
    (void)context;
    sequence_close(sequence);
}

void registry_close(struct registry *registry)
{
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

static void free_one(void *context, struct sequence *sequence)
{
    (void)context;
    sequence_free(sequence);
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    registry_each(registry, free_one, NULL);
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
