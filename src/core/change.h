/* change: one change of a sequence in the store and in memory, in the order that is safe: the store
 * first, and memory by what the store has answered.
 *
 * The law: where the outcome of a commit is unknown, memory takes the side on which no number comes
 * twice, and nothing is issued below a position that a move forward may have made durable.
 *
 * Threads: the one that owns the store. */
#ifndef SEQD_CORE_CHANGE_H
#define SEQD_CORE_CHANGE_H

#include "base/error.h"
#include "base/floor.h"
#include "core/registry.h"
#include "core/sequence.h"
#include "store/store.h"

struct change {
    struct registry *registry;
    struct store *store;
    struct error_detail *detail;
    enum error failure; /* what the store said where it has failed; ERR_OK: it has not */
};

/* The sequence `name`, with any doubt about it resolved.
 * ERR_NOT_FOUND  there is none; or what store_advance() returned. */
__attribute__((warn_unused_result)) enum error change_find(struct change *change, const char *name,
                                                           struct sequence **ret_sequence);

/* Create what is not there, from checked name and definition.
 * ERR_INVALID, ERR_UNAVAILABLE, ERR_NO_MEMORY  as registry_make_room(). Or what store_define()
 * returned: in memory nothing has changed. */
__attribute__((warn_unused_result)) enum error change_create(struct change *change,
                                                             const char *name,
                                                             const struct definition *definition,
                                                             struct sequence **ret_sequence);

/* Use a checked definition with the same numbers from now on. What store_define() returned: in
 * memory nothing has changed. */
__attribute__((warn_unused_result)) enum error
change_alter(struct change *change, struct sequence *sequence, const struct definition *definition);

/* Issue nothing below `position`, which is below the capacity, from now on. What store_advance()
 * returned: in memory it is done all the same where the outcome is unknown. */
__attribute__((warn_unused_result)) enum error
change_forward(struct change *change, struct sequence *sequence, uint64_t position);

/* Put another sequence in the place of `sequence`, which goes on at `position`, below the present
 * one. `ret_repeat`: the numbers that may come again; written also where it fails.
 * As registry_make_room(), or what store_advance() returned: in memory nothing has changed. */
__attribute__((warn_unused_result)) enum error
change_backward(struct change *change, struct sequence *sequence, uint64_t position,
                struct sequence **ret_sequence, struct floor *ret_repeat);

/* Drop it. What store_drop() returned: in memory it lives on, in doubt where the outcome is
 * unknown. */
__attribute__((warn_unused_result)) enum error
change_drop(struct change *change, struct sequence *sequence, struct floor *ret_floor);

#endif
