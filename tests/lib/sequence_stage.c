#include "sequence_stage.h"

static unsigned turns; /* how many waits of this test are over */

static void patient_done(struct waiter *waiter)
{
    struct patient *patient = (struct patient *)waiter;
    patient->times_done++;
    patient->turn = ++turns;
}

static bool patient_wanted(struct waiter *waiter)
{
    return !((struct patient *)waiter)->gone;
}

struct patient sequence_stage_patient(uint64_t count)
{
    return (struct patient){
        .waiter = {
            .count = count, .deadline = FAR_AWAY, .wanted = patient_wanted, .done = patient_done}};
}

void sequence_stage_open_with(struct stage *f, struct definition definition, uint64_t mark)
{
    sequence_stage_open_under(f, definition, mark, wall_clock_system());
}

void sequence_stage_open_under(struct stage *f, struct definition definition, uint64_t mark,
                               const struct wall_clock *clock)
{
    struct store_entry entry = {
        .name = "orders", .definition = definition, .mark = mark, .generation = 1};
    memset(f, 0, sizeof *f);
    turns = 0;
    f->mark = mark;
    f->now = clock_now();
    assert_int_equal(bell_init(&f->renewals), ERR_OK);
    assert_int_equal(bell_init(&f->waits), ERR_OK);
    assert_int_equal(definition_check(&definition, NULL), ERR_OK);
    assert_int_equal(timekeeper_init(&f->timekeeper, clock), ERR_OK);
    assert_int_equal(sequence_create(&entry, &f->renewals, &f->waits, &f->timekeeper, &f->sequence),
                     ERR_OK);
}

void sequence_stage_close_all(struct stage *f)
{
    sequence_close(f->sequence);
    sequence_free(f->sequence);
    timekeeper_fini(&f->timekeeper);
    bell_fini(&f->renewals);
    bell_fini(&f->waits);
}

struct definition sequence_stage_with_gap(uint64_t max_gap)
{
    struct definition definition = definition_default();
    definition.max_gap = max_gap;
    return definition;
}

struct definition sequence_stage_ending_at(int64_t max)
{
    struct definition definition = definition_default();
    definition.max = max;
    return definition;
}

struct definition sequence_stage_fixed_lease(uint64_t lease)
{
    struct definition definition = definition_default();
    definition.lease = lease;
    return definition;
}

bool sequence_stage_has_rung(struct stage *f)
{
    struct rope *rope = bell_answer(&f->renewals, (struct instant){1});
    if (rope != NULL) {
        assert_ptr_equal(sequence_of_rope(rope), f->sequence);
        bell_release(rope);
    }
    return rope != NULL;
}

struct store_request sequence_stage_must_plan(struct stage *f)
{
    struct store_request request;
    assert_true(sequence_plan(f->sequence, f->now, &request));
    assert_string_equal(request.name, "orders");
    assert_true(request.count > 0);
    return request;
}

bool sequence_stage_plans(struct stage *f)
{
    struct store_request request;
    return sequence_plan(f->sequence, f->now, &request);
}

void sequence_stage_publish_at(struct stage *f, struct store_request request, uint64_t first,
                               uint64_t count)
{
    request.error = ERR_OK;
    request.lease = (struct range){first, first + count};
    request.burnt_limit = first + count;
    request.generation = 7;
    f->mark = first + count;
    sequence_publish(f->sequence, &request, COMMIT_NS, f->now);
}

void sequence_stage_renew(struct stage *f)
{
    struct store_request request = sequence_stage_must_plan(f);
    struct range lease = range_clamped(range_max(f->mark, request.floor), request.count,
                                       sequence_stage_describe(f).capacity);
    sequence_stage_publish_at(f, request, lease.first, range_count(lease));
}

int64_t sequence_stage_take_one(struct stage *f)
{
    struct block block;
    assert_int_equal(sequence_take(f->sequence, 1, &block), ERR_OK);
    assert_int_equal(block.first, block.last);
    assert_int_equal(block.count, 1);
    return block.first;
}

void sequence_stage_assert_must_wait(struct stage *f, uint64_t count)
{
    struct block block;
    assert_int_equal(sequence_take(f->sequence, count, &block), ERR_PENDING);
}

void sequence_stage_join(struct stage *f, struct patient *patient)
{
    assert_int_equal(sequence_wait(f->sequence, &patient->waiter), ERR_PENDING);
}

void sequence_stage_assert_granted(const struct patient *patient, int64_t first, int64_t last)
{
    assert_int_equal(patient->times_done, 1);
    assert_int_equal(patient->waiter.error, ERR_OK);
    assert_int_equal(patient->waiter.block.first, first);
    assert_int_equal(patient->waiter.block.last, last);
}

void sequence_stage_assert_refused(const struct patient *patient, enum error error)
{
    assert_int_equal(patient->times_done, 1);
    assert_int_equal(patient->waiter.error, error);
}

void sequence_stage_alter(struct stage *f, struct definition definition)
{
    struct store_entry entry = {
        .name = "orders", .definition = definition, .mark = f->mark, .generation = 8};
    sequence_alter(f->sequence, &entry);
}

void sequence_stage_burn(struct stage *f, struct store_request request, uint64_t burnt_limit)
{
    request.burnt_limit = burnt_limit;
    sequence_burn(f->sequence, &request);
}

struct sequence_status sequence_stage_describe(struct stage *f)
{
    struct sequence_status status;
    sequence_describe(f->sequence, &status);
    return status;
}
