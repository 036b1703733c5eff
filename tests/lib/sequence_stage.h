/* sequence_stage: a sequence between two bells, and a thread that plays both its sides: the
 * fronts that take and wait, and the keeper with a store that does what the test says.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_SEQUENCE_STAGE_H
#define SEQD_TESTS_LIB_SEQUENCE_STAGE_H

#include "base/range.h"
#include "core/sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COMMIT_NS UINT64_C(1000000)
#define FAR_AWAY ((struct instant){UINT64_MAX})

struct stage {
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct sequence *sequence;
    uint64_t mark; /* what a store would remember */
    struct instant now;
};

/* A request that waits, and what became of it. */
struct patient {
    struct waiter waiter; /* first, so that a waiter's address is the patient's */
    unsigned times_done;
    unsigned turn; /* 1 for the first of this test that was done */
    bool gone;
};

struct patient sequence_stage_patient(uint64_t count);

void sequence_stage_open_with(struct stage *f, struct definition definition, uint64_t mark);

/* The same, under a clock of the test's own, which is borrowed. */
void sequence_stage_open_under(struct stage *f, struct definition definition, uint64_t mark,
                               const struct wall_clock *clock);

void sequence_stage_close_all(struct stage *f);

struct definition sequence_stage_with_gap(uint64_t max_gap);

struct definition sequence_stage_ending_at(int64_t max);

struct definition sequence_stage_fixed_lease(uint64_t lease);

/* Has the sequence called its keeper since the last look? */
bool sequence_stage_has_rung(struct stage *f);

struct store_request sequence_stage_must_plan(struct stage *f);

bool sequence_stage_plans(struct stage *f);

void sequence_stage_publish_at(struct stage *f, struct store_request request, uint64_t first,
                               uint64_t count);

/* Play a store that belongs to this sequence alone. */
void sequence_stage_renew(struct stage *f);

int64_t sequence_stage_take_one(struct stage *f);

void sequence_stage_assert_must_wait(struct stage *f, uint64_t count);

void sequence_stage_join(struct stage *f, struct patient *patient);

void sequence_stage_assert_granted(const struct patient *patient, int64_t first, int64_t last);

void sequence_stage_assert_refused(const struct patient *patient, enum error error);

/* As after the store has taken the definition. */
void sequence_stage_alter(struct stage *f, struct definition definition);

void sequence_stage_burn(struct stage *f, struct store_request request, uint64_t burnt_limit);

struct sequence_status sequence_stage_describe(struct stage *f);

#endif
