/* judge: what was promised, held against every number that the simulated clients received.
 *
 * The law: it looks at the durable record itself, without a lock, for time stands still while it
 * judges. The first promise that was not kept is printed, with the seed, and ends the program.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_SIM_JUDGE_H
#define SEQD_TESTS_SIM_JUDGE_H

#include "base/definition.h"
#include "base/range.h"
#include "core/sequence.h"
#include "store_memory.h"

#include <stdbool.h>
#include <stdint.h>

#define JUDGE_NAMES 3
#define JUDGE_STAMPS 2        /* the one that is a timestamp sequence */
#define JUDGE_NUMBER_MAX 2000 /* numbers of the others lie between its negative and it */

extern const char *const judge_names[JUDGE_NAMES];

/* Totals over all seeds. */
struct judge_totals {
    uint64_t lives;
    uint64_t kills;
    uint64_t numbers;
    uint64_t stamps; /* of those: timestamps */
    uint64_t waits;
    uint64_t refused;
    uint64_t changes; /* by an administrator, that succeeded */
    uint64_t commits;
};

/* A request on its way: what had been answered when it began. */
struct judge_request {
    unsigned name;
    const struct sequence *sequence;
    uint64_t count;
    uint64_t life;
    bool seen_any; /* of this sequence object … */
    int64_t seen;  /* … the latest number answered */
    bool seen_any_ever;
    int64_t seen_ever; /* of the name, while nobody has changed it */
};

/* A new world, of which this seed tells. `disk` is borrowed. */
void judge_begin(uint64_t seed, struct store_memory_disk *disk);
void judge_define(unsigned name, const struct definition *definition);

/* Losses can be counted exactly only where nothing but crashes makes them. */
void judge_expects_losses(void);

/* Somebody changes the name: from now on its order in time is judged per sequence only. */
void judge_changes(unsigned name);

/* A forced move backward was asked for: numbers of the name may come again. */
void judge_rewinds(unsigned name);

void judge_life_begins(void);
void judge_life_ends(bool killed);

void judge_sends(struct judge_request *request, unsigned name, const struct sequence *sequence,
                 uint64_t count);
void judge_receives(struct judge_request *request, const struct block *block);
void judge_refused(struct judge_request *request, enum error error);

/* Another node took these positions of the name's first definition, and answered them. */
void judge_elsewhere(unsigned name, const struct definition *definition, struct range range);

/* All lives are over. */
void judge_end(void);

/* Not kept: print why and the seed, and end the program with status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void judge_fails(const char *format, ...);

struct judge_totals *judge_totals(void);

#endif
