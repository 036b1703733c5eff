/* exhaustion: says in the log when a sequence nears its end.
 *
 * The law: at 80 %, at 95 % and at the end of its numbers, each once for every start and sequence;
 * of levels that were passed since the last look only the highest. The way of a request knows
 * nothing of it: the owner's thread looks at every sequence once in EXHAUSTION_PERIOD_MS.
 *
 * Threads: one, the owner. */
#ifndef SEQD_EXHAUSTION_H
#define SEQD_EXHAUSTION_H

#include "base/clock.h"
#include "core/registry.h"

#include <stddef.h>

#define EXHAUSTION_PERIOD_MS 2000

struct exhaustion {
    struct registry *registry; /* borrowed */
    struct instant due;        /* the next look */
    void *told;                /* of which sequences something was said: tsearch(3) */
    size_t lines;              /* said since the beginning */
};

/* Begin; `registry` has to stay until exhaustion_fini(). */
void exhaustion_init(struct exhaustion *exhaustion, struct registry *registry);

/* Free what it holds. A zeroed one is accepted. */
void exhaustion_fini(struct exhaustion *exhaustion);

/* Milliseconds from `now` to the next look, for poll(2). */
int exhaustion_wait_ms(const struct exhaustion *exhaustion, struct instant now);

/* Look, if it is time. */
void exhaustion_tick(struct exhaustion *exhaustion, struct instant now);

#endif
