/* The inside of the registry, for change.c: what becomes known, and what goes.
 *
 * Threads: the one that owns the store. */
#ifndef SEQD_CORE_REGISTRY_PLACE_H
#define SEQD_CORE_REGISTRY_PLACE_H

#include "core/registry.h"

/* Have room for one sequence more, so that registry_place() cannot fail. `another`: under a name
 * that no sequence has now.
 * ERR_INVALID      REGISTRY_SEQUENCES_MAX are there. ERR_UNAVAILABLE  REGISTRY_RETIRED_MAX were
 *                  retired, and only a restart forgets them. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
registry_make_room(struct registry *registry, bool another, struct error_detail *detail);

/* Can numbers of `definition`, which is checked, be issued by the clock as it stands? As
 * layout_check_clock(); ERR_OK for a counter. */
__attribute__((warn_unused_result)) enum error
registry_check_clock(struct registry *registry, const struct definition *definition,
                     struct error_detail *detail);

/* A sequence on the registry's bells, owned by the caller until it is placed. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error registry_build(struct registry *registry,
                                                              const struct store_entry *entry,
                                                              struct sequence **ret_sequence,
                                                              struct error_detail *detail);

/* Make it known, in the place of one of the same name where there is one. The registry owns it from
 * now on; a registry that is closed closes it. */
void registry_place(struct registry *registry, struct sequence *sequence);

/* List it no longer; it was retired. */
void registry_remove(struct registry *registry, struct sequence *sequence);

#endif
