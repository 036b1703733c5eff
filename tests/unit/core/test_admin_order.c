/* Changes and renewals in one batch: who comes first, and what a plan made too early would do. */
#include "registry_stage.h"

#include "admin_stage.h"

/* A commit of "first" stands at the gate, so whatever rings from here on is answered together. */
static void hold(struct house *house, struct caller *first)
{
    store_memory_hold(house->disk);
    house_ask(first, house_find(house, "first"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
}

static void declare_and_start(struct house *house)
{
    house_declare(house, "first", house_every());
    house_declare(house, "a", house_every());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 30), 1);
}

/* A waiter of "a" is due, and so is the change: in this order they ring. */
static struct admin_request change_under_a_waiter(struct house *house, struct caller *waiter,
                                                  struct admin_request request)
{
    struct errand_of_admin errand;
    struct caller first;
    hold(house, &first);
    house_ask(waiter, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    admin_stage_submit(house, &errand, request);
    store_memory_release(house->disk);
    assert_int_equal(house_answer_to(&first), ERR_OK);
    return admin_stage_answer(&errand);
}

static void test_admin_drop_ends_the_waits_and_leases_nothing(void **state)
{
    struct house *house = *state;
    struct caller waiter;
    declare_and_start(house);
    size_t leases = store_memory_lease_count(house->disk);
    struct admin_request answer = change_under_a_waiter(house, &waiter, admin_stage_drop("a"));
    assert_int_equal(answer.error, ERR_OK);
    assert_int_equal(answer.floor_high, 30);
    assert_int_equal(house_answer_to(&waiter), ERR_NOT_FOUND);
    assert_int_equal(house_events(house, KEEPER_SEQUENCE_FAILED), 0);
    assert_int_equal(store_memory_lease_count(house->disk), leases + 1); /* of "first" */
}

/* A plan of the old sequence would carry its floor to the disk, and undo the move. */
static void test_admin_way_backward_is_not_undone_by_a_plan(void **state)
{
    struct house *house = *state;
    struct caller waiter;
    declare_and_start(house);
    struct admin_request answer =
        change_under_a_waiter(house, &waiter, admin_stage_advance("a", 10, true));
    assert_int_equal(answer.error, ERR_OK);
    assert_int_equal(answer.repeat_first, 11);
    assert_int_equal(answer.repeat_last, 30);
    assert_int_equal(house_answer_to(&waiter), ERR_UNAVAILABLE);
    assert_int_equal(registry_stage_mark(house, "a"), 10);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), 11);
}

/* Neither has anything of the old sequence to do with the one that takes its name. */
static void test_admin_creation_is_not_charged_with_an_old_plan(void **state)
{
    struct house *house = *state;
    struct errand_of_admin errands[2];
    struct caller first;
    struct caller waiter;
    struct definition down = house_every();
    down.start = -1;
    down.increment = -1;
    down.min = SEQUENCE_NUMBER_MIN;
    declare_and_start(house);
    hold(house, &first);
    house_ask(&waiter, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    admin_stage_submit(house, &errands[0], admin_stage_drop("a"));
    admin_stage_submit(house, &errands[1], admin_stage_create("a", down));
    store_memory_release(house->disk);
    assert_int_equal(house_answer_to(&first), ERR_OK);
    assert_int_equal(admin_stage_answer(&errands[0]).error, ERR_OK);
    assert_int_equal(admin_stage_answer(&errands[1]).error, ERR_OK);
    assert_int_equal(house_answer_to(&waiter), ERR_NOT_FOUND);
    assert_int_equal(registry_stage_mark(house, "a"), 0);
    assert_int_equal(house_must_take(house_find(house, "a"), 1), -1);
}

/* Who waits is served behind the number, not refused. */
static void test_admin_advance_serves_who_waits_behind_the_number(void **state)
{
    struct house *house = *state;
    struct caller waiter;
    declare_and_start(house);
    struct admin_request answer =
        change_under_a_waiter(house, &waiter, admin_stage_advance("a", 500, false));
    assert_int_equal(answer.error, ERR_OK);
    assert_int_equal(house_answer_to(&waiter), ERR_OK);
    assert_int_equal(waiter.waiter.block.first, 501);
}

/* P6: a flood of changes keeps nobody from a lease for more than a few commits. */
static void test_admin_changes_give_way_to_renewals(void **state)
{
    struct house *house = *state;
    enum {
        CHANGES = 5 * KEEPER_ERRANDS_AT_ONCE
    };
    static struct errand_of_admin errands[CHANGES];
    char name[STAGE_NAME_SIZE];
    struct caller first;
    struct caller waiter;
    declare_and_start(house);
    hold(house, &first);
    house_ask(&waiter, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    for (unsigned i = 0; i < CHANGES; i++) {
        admin_stage_submit(house, &errands[i],
                           admin_stage_create(registry_stage_name(name, i), definition_default()));
    }
    store_memory_pass(house->disk, 1 + KEEPER_ERRANDS_AT_ONCE + 1);
    assert_int_equal(house_answer_to(&first), ERR_OK);
    assert_int_equal(house_answer_to(&waiter), ERR_OK);
    store_memory_release(house->disk);
    for (unsigned i = 0; i < CHANGES; i++) {
        assert_int_equal(admin_stage_answer(&errands[i]).error, ERR_OK);
        assert_ptr_equal(house_find(house, registry_stage_name(name, i)),
                         house_find(house, errands[i].request.name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_admin_drop_ends_the_waits_and_leases_nothing),
        house_test(test_admin_way_backward_is_not_undone_by_a_plan),
        house_test(test_admin_creation_is_not_charged_with_an_old_plan),
        house_test(test_admin_advance_serves_who_waits_behind_the_number),
        house_test(test_admin_changes_give_way_to_renewals),
    };
    return cmocka_run_group_tests_name("admin_order", tests, NULL, NULL);
}
