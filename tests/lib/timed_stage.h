/* timed_stage: a timestamp sequence between two bells, as sequence_stage, under a clock that a test
 * moves.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_TIMED_STAGE_H
#define SEQD_TESTS_LIB_TIMED_STAGE_H

#include "fake_clock.h"
#include "sequence_stage.h"

#define TIMED_START_MS (LAYOUT_EPOCH_DEFAULT_MS + INT64_C(1000000))
#define TIMED_TICK UINT64_C(4096) /* positions of the default layout */

struct timed_stage {
    struct fake_clock fake;
    struct stage stage;
    struct layout layout;
};

/* The default layout, with another max_borrow. */
struct definition timed_stage_borrowing(uint32_t max_borrow_ms);

/* One that a store remembers with `mark`, and a clock at `wall_ms`. */
void timed_stage_open(struct timed_stage *s, struct definition definition, uint64_t mark,
                      int64_t wall_ms);

void timed_stage_close(struct timed_stage *s);

/* Let the keeper see to what rang. */
void timed_stage_renew(struct timed_stage *s);

/* Take, with the keeper's help where it has to be. */
struct block timed_stage_take(struct timed_stage *s, uint64_t count);
struct layout_parts timed_stage_take_one(struct timed_stage *s);

struct sequence_times timed_stage_times(struct timed_stage *s);

#endif
