#include "timed_stage.h"

void timed_stage_open(struct timed_stage *s, struct definition definition, uint64_t mark,
                      int64_t wall_ms)
{
    fake_clock_init(&s->fake, wall_ms);
    s->layout = definition.layout;
    sequence_stage_open_under(&s->stage, definition, mark, &s->fake.clock);
}

struct definition timed_stage_borrowing(uint32_t max_borrow_ms)
{
    struct definition definition = definition_default_timestamp();
    definition.layout.max_borrow_ms = max_borrow_ms;
    return definition;
}

void timed_stage_renew(struct timed_stage *s)
{
    s->stage.now = s->fake.clock.monotonic(&s->fake.clock);
    if (sequence_stage_has_rung(&s->stage) && sequence_stage_plans(&s->stage)) {
        sequence_stage_renew(&s->stage);
    }
}

struct block timed_stage_take(struct timed_stage *s, uint64_t count)
{
    struct block block = {0};
    struct patient patient = sequence_stage_patient(count);
    if (sequence_take(s->stage.sequence, count, &block) == ERR_OK) {
        return block;
    }
    assert_int_equal(sequence_wait(s->stage.sequence, &patient.waiter), ERR_PENDING);
    timed_stage_renew(s);
    assert_int_equal(patient.times_done, 1);
    assert_int_equal(patient.waiter.error, ERR_OK);
    return patient.waiter.block;
}

struct layout_parts timed_stage_take_one(struct timed_stage *s)
{
    return layout_decode(&s->layout, timed_stage_take(s, 1).first);
}

struct sequence_times timed_stage_times(struct timed_stage *s)
{
    return sequence_stage_describe(&s->stage).times;
}

void timed_stage_close(struct timed_stage *s)
{
    sequence_stage_close_all(&s->stage);
}
