/* A move forward through everything that a sequence can have in hand: its lease, the hole behind
 * it, the spare, and what lies beyond; and the end of a sequence that is retired. */
#include "sequence_stage.h"

/* Positions 0 to 9 leased and 2 of them issued, 20 to 29 in the spare; position p is number p + 1.
 */
static void open_stage(struct stage *f)
{
    struct store_request request = {.name = "orders", .count = 10};
    struct block block;
    sequence_stage_open_with(f, sequence_stage_fixed_lease(10), 0);
    sequence_stage_publish_at(f, request, 0, 10);
    assert_int_equal(sequence_take(f->sequence, 2, &block), ERR_OK);
    sequence_stage_publish_at(f, request, 20, 10);
    assert_int_equal(sequence_stage_describe(f).unissued, 18);
}

static void advance(struct stage *f, uint64_t position)
{
    struct store_entry entry = {
        .name = "orders", .mark = range_max(position, f->mark), .generation = 8};
    sequence_advance(f->sequence, position, &entry);
}

/* Where it goes on, what is left in hand, and what was given up. */
struct expected {
    uint64_t position;
    uint64_t next;
    uint64_t unissued;
    uint64_t burnt;
};

static const struct expected moves[] = {
    {.position = 0, .next = 2, .unissued = 18, .burnt = 0},
    {.position = 2, .next = 2, .unissued = 18, .burnt = 0},
    {.position = 5, .next = 5, .unissued = 15, .burnt = 3},
    {.position = 9, .next = 9, .unissued = 11, .burnt = 7},
    {.position = 10, .next = 20, .unissued = 10, .burnt = 8},
    {.position = 15, .next = 20, .unissued = 10, .burnt = 8},
    {.position = 20, .next = 20, .unissued = 10, .burnt = 8},
    {.position = 24, .next = 24, .unissued = 6, .burnt = 12},
    {.position = 29, .next = 29, .unissued = 1, .burnt = 17},
    {.position = 30, .next = 30, .unissued = 0, .burnt = 18},
    {.position = 1000, .next = 1000, .unissued = 0, .burnt = 18},
};

#define MOVES (sizeof moves / sizeof moves[0])

static void check(struct stage *f, const struct expected *expected)
{
    struct sequence_status status = sequence_stage_describe(f);
    assert_int_equal(status.next, expected->next);
    assert_int_equal(status.unissued, expected->unissued);
    assert_int_equal(status.burnt, expected->burnt);
    assert_int_equal(status.issued, 2);
    assert_int_equal(status.mark, range_max(expected->position, 30));
}

static void test_sequence_advances_through_all_it_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOVES; i++) {
        struct stage f;
        struct store_request request;
        open_stage(&f);
        advance(&f, moves[i].position);
        check(&f, &moves[i]);
        for (uint64_t left = moves[i].unissued; left > 0; left--) {
            int64_t number = sequence_stage_take_one(&f);
            assert_true(number > (int64_t)moves[i].position);
            assert_true(left < moves[i].unissued || number == (int64_t)moves[i].next + 1);
        }
        sequence_stage_assert_must_wait(&f, 1);
        request = sequence_stage_must_plan(&f);
        assert_int_equal(request.floor, range_max(moves[i].position, 30));
        sequence_stage_close_all(&f);
    }
}

/* Whether it was made is unknown, so nothing below is issued, and what is asked for next lies at or
 * above it. */
static void test_sequence_advances_as_far_when_the_outcome_is_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOVES; i++) {
        struct stage f;
        open_stage(&f);
        sequence_advance(f.sequence, moves[i].position, NULL);
        check(&f, &moves[i]);
        sequence_stage_close_all(&f);
    }
}

/* Closed meanwhile: what lies behind the position is still given back, and nothing below. */
static void test_sequence_advances_when_it_is_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOVES; i++) {
        struct stage f;
        struct store_return giving;
        open_stage(&f);
        sequence_close(f.sequence);
        advance(&f, moves[i].position);
        check(&f, &moves[i]);
        /* Of two leases only the newer can be given back. */
        bool some = moves[i].position < 30;
        assert_int_equal(sequence_settle(f.sequence, &giving), some);
        if (some) {
            assert_int_equal(giving.mark, range_max(moves[i].position, 20));
            assert_int_equal(giving.lease_limit, 30);
            assert_int_equal(giving.generation, 8);
        }
        sequence_stage_close_all(&f);
    }
}

/* Whoever waits does so for a lease behind the number. */
static void test_sequence_advances_under_those_who_wait(void **state)
{
    (void)state;
    struct stage f;
    struct patient patient = sequence_stage_patient(30);
    open_stage(&f);
    sequence_stage_join(&f, &patient);
    assert_true(sequence_stage_has_rung(&f));
    advance(&f, 500);
    assert_true(sequence_stage_has_rung(&f));
    f.mark = 500;
    sequence_stage_renew(&f);
    sequence_stage_assert_granted(&patient, 501, 530);
    sequence_stage_close_all(&f);
}

static void test_sequence_retired_answers_not_found_for_ever(void **state)
{
    (void)state;
    struct stage f;
    struct block block;
    struct store_return giving;
    struct patient waiting = sequence_stage_patient(30);
    struct patient late = sequence_stage_patient(1);
    open_stage(&f);
    sequence_stage_join(&f, &waiting);
    assert_false(sequence_is_retired(f.sequence));
    sequence_retire(f.sequence, ERR_NOT_FOUND);
    sequence_stage_assert_refused(&waiting, ERR_NOT_FOUND);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(sequence_is_retired(f.sequence));
        assert_int_equal(sequence_take(f.sequence, 1, &block), ERR_NOT_FOUND);
        assert_int_equal(sequence_wait(f.sequence, &late.waiter), ERR_NOT_FOUND);
        assert_false(sequence_stage_plans(&f));
        assert_false(sequence_settle(f.sequence, &giving));
        sequence_close(f.sequence); /* the stop finds it as well, and changes nothing */
    }
    assert_int_equal(sequence_stage_describe(&f).issued, 2);
    sequence_stage_close_all(&f);
}

/* Closed first, by the stop, and dropped by an errand that was under way. */
static void test_sequence_retired_after_the_close_settles_nothing(void **state)
{
    (void)state;
    struct stage f;
    struct store_return giving;
    open_stage(&f);
    sequence_close(f.sequence);
    assert_true(sequence_settle(f.sequence, &giving));
    sequence_retire(f.sequence, ERR_NOT_FOUND);
    assert_false(sequence_settle(f.sequence, &giving));
    sequence_stage_close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_advances_through_all_it_has),
        cmocka_unit_test(test_sequence_advances_as_far_when_the_outcome_is_unknown),
        cmocka_unit_test(test_sequence_advances_when_it_is_closed),
        cmocka_unit_test(test_sequence_advances_under_those_who_wait),
        cmocka_unit_test(test_sequence_retired_answers_not_found_for_ever),
        cmocka_unit_test(test_sequence_retired_after_the_close_settles_nothing),
    };
    return cmocka_run_group_tests_name("sequence_admin", tests, NULL, NULL);
}
