/* registry: from name to sequence; the one door of every front.
 *
 * The law: a sequence that was found stays valid until registry_free(), so a lookup takes no lock
 * and holds no count. One that was dropped answers ERR_NOT_FOUND from then on, and is found no
 * longer; what is created under its name later is another sequence. The store decides what a
 * sequence is: a declaration that names other numbers than the store remembers is a conflict, never
 * a silent change.
 *
 * Threads: registry_find(), registry_list() and registry_each() any, at any time.
 * registry_declare() and registry_settle() the thread that owns the store. The rest the owner. */
#ifndef SEQD_CORE_REGISTRY_H
#define SEQD_CORE_REGISTRY_H

#include "base/definition.h"
#include "base/error.h"
#include "core/bell.h"
#include "core/sequence.h"
#include "core/timekeeper.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

#define REGISTRY_SEQUENCES_MAX 100000 /* sequences in one registry */
/* Sequences that were dropped or moved backward, which stay in memory until registry_free(). */
#define REGISTRY_RETIRED_MAX 100000
#define REGISTRY_LIST_MAX 1000 /* sequences in one call of registry_list() */

struct registry;

/* Load every sequence that `store` remembers, also beyond the limit. The bells and the timekeeper
 * are borrowed until registry_free(). What store_each() returns, or ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
registry_open(struct store *store, struct bell *renewals, struct bell *waits,
              struct timekeeper *timekeeper, struct registry **ret_registry,
              struct error_detail *detail);

/* What it was opened with. */
struct timekeeper *registry_timekeeper(struct registry *registry);

/* The sequence named `name`, `length` bytes, or NULL. No lock, no allocation. */
struct sequence *registry_find(struct registry *registry, const char *name, size_t length);

/* See to it that `name` exists as `definition` says: create it durably, alter what may be
 * altered, or do nothing when all is as it should be. One that was dropped is created anew, beyond
 * its name's floor.
 * ERR_INVALID   name or definition outside its limits, or REGISTRY_SEQUENCES_MAX are there
 *               already; or the clock stands before the epoch of a timestamp sequence.
 * ERR_EXHAUSTED the clock stands behind the end of its time field.
 * ERR_CONFLICT  it exists with other numbers (start, increment, min, max); both are in `detail`;
 *               nothing was changed.
 * ERR_UNAVAILABLE  REGISTRY_RETIRED_MAX were retired; nothing was changed.
 * Or what store_define() returned. */
__attribute__((warn_unused_result)) enum error
registry_declare(struct registry *registry, struct store *store, const char *name,
                 const struct definition *definition, struct error_detail *detail);

/* Call `visit` for the sequences whose names begin with `prefix` (NULL: all), in the order of their
 * names' bytes, from the first name behind `after` (NULL: from the beginning) on, for `limit` of
 * them at most and REGISTRY_LIST_MAX. Returns whether there are more. One that is retired meanwhile
 * may be among them. */
bool registry_list(struct registry *registry, const char *prefix, const char *after, size_t limit,
                   void (*visit)(void *context, struct sequence *sequence), void *context);

/* Call `visit` for each sequence, in no stated order; those created meanwhile may be missed. */
void registry_each(struct registry *registry,
                   void (*visit)(void *context, struct sequence *sequence), void *context);

/* Close every sequence: nothing is issued from now on, and every wait ends. */
void registry_close(struct registry *registry);

/* Give back what closed sequences hold unissued, after the keeper has stopped: the clean stop
 * loses no number (P4).
 * An error is what store_give_back() returned; the rest then becomes a gap. */
__attribute__((warn_unused_result)) enum error
registry_settle(struct registry *registry, struct store *store, struct error_detail *detail);

/* Free all. NULL is accepted. Fronts, keeper and expiry must have stopped. */
void registry_free(struct registry *registry);

#endif
