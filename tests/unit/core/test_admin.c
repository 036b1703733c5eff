/* What an administrator asks for, and what becomes of it: over a store that is well. */
#include "admin_stage.h"

static struct definition fixed_lease(void)
{
    return house_fixed_lease(10);
}

/* ---- create ---- */

static void test_admin_creates_durably_and_at_once(void **state)
{
    struct house *house = *state;
    house_start(house);
    assert_null(registry_find(house->registry, "a", 1));
    struct admin_request answer = admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_true(answer.created);
    assert_true(definition_equal(&answer.status.definition, &answer.definition));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
}

static void test_admin_creates_an_equal_one_no_second_time(void **state)
{
    struct house *house = *state;
    house_start(house);
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    struct sequence *sequence = house_find(house, "a");
    uint64_t commits = store_memory_commits(house->disk);
    assert_false(admin_stage_must(house, admin_stage_create("a", fixed_lease())).created);
    assert_ptr_equal(house_find(house, "a"), sequence);
    assert_int_equal(store_memory_commits(house->disk), commits);
}

/* Over the interface what may be altered is altered by ALTER alone. */
static void test_admin_refuses_to_create_over_another(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition other = fixed_lease();
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    other.max_gap = 77;
    struct admin_request answer = admin_stage_ask(house, admin_stage_create("a", other));
    assert_int_equal(answer.error, ERR_CONFLICT);
    assert_int_equal(answer.status.definition.max_gap, fixed_lease().max_gap);
    other = fixed_lease();
    other.start = 5;
    assert_int_equal(admin_stage_ask(house, admin_stage_create("a", other)).error, ERR_CONFLICT);
}

static void test_admin_refuses_a_name_or_definition_outside_its_limits(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition bad = fixed_lease();
    bad.increment = 0;
    assert_int_equal(admin_stage_ask(house, admin_stage_create("a", bad)).error, ERR_INVALID);
    assert_int_equal(admin_stage_ask(house, admin_stage_create("", fixed_lease())).error,
                     ERR_INVALID);
    assert_int_equal(admin_stage_ask(house, admin_stage_create("a/b", fixed_lease())).error,
                     ERR_INVALID);
    struct admin_request endless = admin_stage_drop("a");
    memset(endless.name, 'a', sizeof endless.name);
    assert_int_equal(admin_stage_ask(house, endless).error, ERR_INVALID);
    assert_null(registry_find(house->registry, "a", 1));
}

/* ---- alter ---- */

static struct admin_request alter(const char *name, unsigned fields, struct definition definition)
{
    struct admin_request request = admin_stage_create(name, definition);
    request.action = ADMIN_ALTER;
    request.fields = fields;
    return request;
}

static void test_admin_alters_what_is_named_and_nothing_else(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition wanted = {
        .max_gap = 50, .lease = 5, .durability = DURABILITY_EVERY, .start = 99};
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    struct admin_request answer = admin_stage_must(house, alter("a", ADMIN_FIELD_MAX_GAP, wanted));
    struct definition expected = fixed_lease();
    expected.max_gap = 50;
    assert_true(definition_equal(&answer.status.definition, &expected));
    answer = admin_stage_must(house, alter("a", ADMIN_FIELD_LEASE, wanted));
    expected.lease = 5;
    assert_true(definition_equal(&answer.status.definition, &expected));
    answer = admin_stage_must(house, alter("a", ADMIN_FIELD_DURABILITY, wanted));
    expected.durability = DURABILITY_EVERY;
    assert_true(definition_equal(&answer.status.definition, &expected));
}

static void test_admin_alters_max_borrow_of_timestamps_only(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition wanted = {.layout = {.max_borrow_ms = 77}};
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    admin_stage_must(house, admin_stage_create("t", definition_default_timestamp()));
    assert_int_equal(admin_stage_ask(house, alter("a", ADMIN_FIELD_MAX_BORROW, wanted)).error,
                     ERR_INVALID);
    struct admin_request answer =
        admin_stage_must(house, alter("t", ADMIN_FIELD_MAX_BORROW, wanted));
    assert_int_equal(answer.status.definition.layout.max_borrow_ms, 77);
}

static void test_admin_refuses_to_alter_nothing_or_to_the_impossible(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition wanted = {.max_gap = 3};
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(admin_stage_ask(house, alter("a", 0, wanted)).error, ERR_INVALID);
    assert_int_equal(admin_stage_ask(house, alter("a", 16, wanted)).error, ERR_INVALID);
    struct admin_request answer =
        admin_stage_ask(house, alter("a", ADMIN_FIELD_MAX_GAP, wanted)); /* below the lease */
    assert_int_equal(answer.error, ERR_INVALID);
    assert_int_equal(answer.status.definition.max_gap, fixed_lease().max_gap);
    assert_int_equal(admin_stage_ask(house, alter("b", ADMIN_FIELD_MAX_GAP, wanted)).error,
                     ERR_NOT_FOUND);
}

/* P4: the record's generation has moved on, and the clean stop must not stumble over it. */
static void test_admin_alters_without_a_gap_at_the_stop(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition wanted = {.max_gap = 5000};
    uint64_t mark;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    admin_stage_must(house, alter("a", ADMIN_FIELD_MAX_GAP, wanted));
    registry_close(house->registry);
    keeper_stop(house->keeper);
    house->keeper = NULL;
    assert_int_equal(registry_settle(house->registry, house->store, NULL), ERR_OK);
    assert_int_equal(store_memory_mark(house->disk, "a", &mark), ERR_OK);
    assert_int_equal(mark, 1);
}

/* ---- advance ---- */

static void test_admin_advances_beyond_the_lease(void **state)
{
    struct house *house = *state;
    house_start(house);
    uint64_t mark;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    struct admin_request answer = admin_stage_must(house, admin_stage_advance("a", 1000, false));
    assert_false(answer.rewound);
    assert_int_equal(answer.status.next, 1000); /* the position of number 1001 */
    assert_int_equal(store_memory_mark(house->disk, "a", &mark), ERR_OK);
    assert_in_range(mark, 1000, UINT64_MAX);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1001);
}

/* What is left of the lease behind the number is as good as before. */
static void test_admin_advances_within_the_lease(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct block block;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    struct admin_request answer = admin_stage_must(house, admin_stage_advance("a", 5, false));
    assert_int_equal(answer.status.burnt, 4);
    assert_int_equal(sequence_take(house_find(house, "a"), 1, &block), ERR_OK);
    assert_int_equal(block.first, 6);
}

static void test_admin_advances_past_a_number_that_is_none_of_its(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition definition = fixed_lease();
    definition.start = 10;
    definition.increment = -3;
    definition.min = -100;
    admin_stage_must(house, admin_stage_create("a", definition));
    admin_stage_must(house, admin_stage_advance("a", 0, false));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), -2);
}

static void test_admin_refuses_to_go_backward_unless_forced(void **state)
{
    struct house *house = *state;
    house_start(house);
    uint64_t mark;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 5), 1);
    assert_int_equal(store_memory_mark(house->disk, "a", &mark), ERR_OK);
    struct admin_request answer = admin_stage_ask(house, admin_stage_advance("a", 4, false));
    assert_int_equal(answer.error, ERR_CONFLICT);
    assert_non_null(strstr(answer.detail.text, "is 6"));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 6);
    answer = admin_stage_must(house, admin_stage_advance("a", 6, false)); /* where it is */
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 7);
    answer = admin_stage_must(house, admin_stage_advance("a", 2, true));
    assert_true(answer.rewound);
    assert_int_equal(answer.repeat_first, 3);
    assert_int_equal(answer.repeat_last, mark);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 3);
}

static void test_admin_refuses_to_advance_past_the_end(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition definition = fixed_lease();
    definition.max = 20;
    admin_stage_must(house, admin_stage_create("a", definition));
    assert_int_equal(admin_stage_ask(house, admin_stage_advance("a", 20, false)).error,
                     ERR_EXHAUSTED);
    assert_int_equal(admin_stage_ask(house, admin_stage_advance("a", INT64_MAX, true)).error,
                     ERR_EXHAUSTED);
    assert_int_equal(admin_stage_ask(house, admin_stage_advance("b", 5, false)).error,
                     ERR_NOT_FOUND);
    admin_stage_must(house, admin_stage_advance("a", 19, false));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 20);
    assert_int_equal(admin_stage_ask(house, admin_stage_advance("a", 19, false)).error,
                     ERR_CONFLICT);
}

/* One that has ended goes on when it is moved backward. */
static void test_admin_brings_an_exhausted_sequence_back(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition definition = fixed_lease();
    struct block block;
    definition.max = 5;
    admin_stage_must(house, admin_stage_create("a", definition));
    assert_int_equal(house_must_take(house_find(house, "a"), 5), 1);
    assert_int_equal(sequence_take(house_find(house, "a"), 1, &block), ERR_EXHAUSTED);
    admin_stage_must(house, admin_stage_advance("a", INT64_MIN, true));
    assert_int_equal(house_must_take(house_find(house, "a"), 5), 1);
}

/* ---- drop ---- */

static void test_admin_drops_for_good(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct block block;
    struct caller caller;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    struct sequence *sequence = house_find(house, "a");
    assert_int_equal(house_must_take(sequence, 2), 1);
    struct admin_request answer = admin_stage_must(house, admin_stage_drop("a"));
    assert_true(answer.has_floor);
    assert_int_equal(answer.floor_low, 1);
    assert_in_range(answer.floor_high, 2, INT64_MAX);
    assert_null(registry_find(house->registry, "a", 1));
    assert_int_equal(sequence_take(sequence, 1, &block), ERR_NOT_FOUND);
    house_ask(&caller, sequence, 1, HOUSE_PATIENCE_MS);
    assert_int_equal(house_answer_to(&caller), ERR_NOT_FOUND);
    assert_int_equal(admin_stage_ask(house, admin_stage_drop("a")).error, ERR_NOT_FOUND);
    assert_int_equal(admin_stage_ask(house, admin_stage_advance("a", 5, false)).error,
                     ERR_NOT_FOUND);
}

static void test_admin_drops_what_was_never_used_without_a_floor(void **state)
{
    struct house *house = *state;
    house_start(house);
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_false(admin_stage_must(house, admin_stage_drop("a")).has_floor);
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
}

static void test_admin_creates_a_dropped_one_beyond_its_floor(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition down = fixed_lease();
    down.increment = -2;
    down.start = 7;
    down.min = -1000;
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 3), 1);
    struct admin_request first = admin_stage_must(house, admin_stage_drop("a"));
    assert_true(admin_stage_must(house, admin_stage_create("a", fixed_lease())).created);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), first.floor_high + 1);
    struct admin_request second = admin_stage_must(house, admin_stage_drop("a"));
    assert_int_equal(second.floor_low, 1);
    admin_stage_must(house, admin_stage_create("a", down));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), -1);
    struct admin_request third = admin_stage_must(house, admin_stage_drop("a"));
    assert_int_equal(third.floor_high, second.floor_high);
    assert_in_range(-third.floor_low, 1, 1000);
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), third.floor_high + 1);
}

static void test_admin_refuses_what_the_floor_leaves_no_number(void **state)
{
    struct house *house = *state;
    house_start(house);
    struct definition definition = fixed_lease();
    definition.max = 5;
    admin_stage_must(house, admin_stage_create("a", definition));
    assert_int_equal(house_must_take(house_find(house, "a"), 5), 1);
    admin_stage_must(house, admin_stage_drop("a"));
    struct admin_request answer = admin_stage_ask(house, admin_stage_create("a", definition));
    assert_int_equal(answer.error, ERR_EXHAUSTED);
    assert_non_null(strstr(answer.detail.text, "1 to 5"));
    assert_null(registry_find(house->registry, "a", 1));
    definition.max = 6;
    admin_stage_must(house, admin_stage_create("a", definition));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 6);
}

/* What was issued before a move backward is part of the floor, however far back it went. */
static void test_admin_keeps_what_was_issued_before_a_move_backward(void **state)
{
    struct house *house = *state;
    house_start(house);
    admin_stage_must(house, admin_stage_create("a", fixed_lease()));
    assert_int_equal(house_must_take(house_find(house, "a"), 30), 1);
    struct admin_request back = admin_stage_must(house, admin_stage_advance("a", 0, true));
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 1);
    struct admin_request drop = admin_stage_must(house, admin_stage_drop("a"));
    assert_int_equal(drop.floor_low, 1);
    assert_int_equal(drop.floor_high, back.repeat_last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_admin_creates_durably_and_at_once),
        house_test(test_admin_creates_an_equal_one_no_second_time),
        house_test(test_admin_refuses_to_create_over_another),
        house_test(test_admin_refuses_a_name_or_definition_outside_its_limits),
        house_test(test_admin_alters_what_is_named_and_nothing_else),
        house_test(test_admin_alters_max_borrow_of_timestamps_only),
        house_test(test_admin_refuses_to_alter_nothing_or_to_the_impossible),
        house_test(test_admin_alters_without_a_gap_at_the_stop),
        house_test(test_admin_advances_beyond_the_lease),
        house_test(test_admin_advances_within_the_lease),
        house_test(test_admin_advances_past_a_number_that_is_none_of_its),
        house_test(test_admin_refuses_to_go_backward_unless_forced),
        house_test(test_admin_refuses_to_advance_past_the_end),
        house_test(test_admin_brings_an_exhausted_sequence_back),
        house_test(test_admin_drops_for_good),
        house_test(test_admin_drops_what_was_never_used_without_a_floor),
        house_test(test_admin_creates_a_dropped_one_beyond_its_floor),
        house_test(test_admin_refuses_what_the_floor_leaves_no_number),
        house_test(test_admin_keeps_what_was_issued_before_a_move_backward),
    };
    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
