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

struct fixture {
    struct bell renewals;
    struct bell waits;
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

struct patient patient_with(uint64_t count);

void open_with(struct fixture *f, struct definition definition, uint64_t mark);

void close_all(struct fixture *f);

struct definition with_gap(uint64_t max_gap);

struct definition ending_at(int64_t max);

struct definition fixed_lease(uint64_t lease);

/* Has the sequence called its keeper since the last look? */
bool has_rung(struct fixture *f);

struct store_request must_plan(struct fixture *f);

bool plans(struct fixture *f);

void publish_at(struct fixture *f, struct store_request request, uint64_t first, uint64_t count);

/* Play a store that belongs to this sequence alone. */
void renew(struct fixture *f);

int64_t take_one(struct fixture *f);

void assert_must_wait(struct fixture *f, uint64_t count);

void join(struct fixture *f, struct patient *patient);

void assert_granted(const struct patient *patient, int64_t first, int64_t last);

void assert_refused(const struct patient *patient, enum error error);

void burn(struct fixture *f, struct store_request request, uint64_t burnt_limit);

struct sequence_status describe(struct fixture *f);

#endif
