/* draw: definitions and numbers for the simulated worlds: small, and in all shapes.
 *
 * Threads: any, each with a chance of its own. */
#ifndef SEQD_TESTS_SIM_DRAW_H
#define SEQD_TESTS_SIM_DRAW_H

#include "base/definition.h"

#include "chance.h"

#include <stdint.h>

/* What the sequence of number `name` (judge.h) may be. */
struct definition draw_definition(struct chance *chance, unsigned name);

/* A number that an administrator may want it to go on after: of a timestamp, from a little before
 * `wall_ms` to a little after it. */
int64_t draw_past(struct chance *chance, unsigned name, const struct definition *definition,
                  int64_t wall_ms);

#endif
