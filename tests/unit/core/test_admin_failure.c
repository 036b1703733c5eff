/* An administrator over a store that fails under the change: what is answered, and what memory
 * makes of an outcome that nobody knows. */
#include "registry_stage.h"

#include "admin_stage.h"

static const enum store_memory_fault faults[] = {STORE_MEMORY_BEFORE, STORE_MEMORY_AFTER};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* The change is tried, and its outcome is unknown. */
static struct admin_request ask_in_vain(struct house *house, enum store_memory_fault fault,
                                        struct admin_request request)
{
    uint64_t recoveries = store_memory_recoveries(house->disk);
    store_memory_fail(house->disk, 1, fault, ERR_IO);
    struct admin_request answer = admin_stage_ask(house, request);
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    house_wait_until(store_memory_recoveries(house->disk) > recoveries &&
                     !house_health_of(house).failing);
    return answer;
}

/* "a<index>", a sequence with a fixed lease of 10, of which 1 to `taken` are issued. */
static struct sequence *begin(struct house *house, size_t index, char name[STAGE_NAME_SIZE],
                              uint64_t taken)
{
    registry_stage_name(name, (unsigned)index);
    admin_stage_must(house, admin_stage_create(name, house_fixed_lease(10)));
    struct sequence *sequence = house_find(house, name);
    assert_int_equal(house_must_take(sequence, taken), 1);
    return sequence;
}

static bool is_known(struct house *house, const char *name)
{
    return registry_find(house->registry, name, strlen(name)) != NULL;
}

/* ---- drop ---- */

/* All that is leased is issued; then the store says whether there is more. */
static void test_admin_drop_in_doubt_goes_on_until_the_store_decides(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        struct sequence *sequence = begin(house, i, name, 1);
        struct sequence_status status;
        struct block block;
        struct caller caller;
        ask_in_vain(house, faults[i], admin_stage_drop(name));
        assert_true(is_known(house, name));
        sequence_describe(sequence, &status);
        for (uint64_t left = status.unissued; left > 0; left--) {
            enum error error = sequence_take(sequence, 1, &block);
            if (error == ERR_NOT_FOUND) { /* a renewal ahead of need was quicker */
                break;
            }
            assert_int_equal(error, ERR_OK);
        }
        house_ask(&caller, sequence, 50, HOUSE_PATIENCE_MS);
        bool dropped = faults[i] == STORE_MEMORY_AFTER;
        assert_int_equal(house_answer_to(&caller), dropped ? ERR_NOT_FOUND : ERR_OK);
        assert_int_equal(is_known(house, name), !dropped);
        assert_int_equal(sequence_is_doubtful(sequence), dropped);
        assert_int_equal(house_events(house, KEEPER_SEQUENCE_FAILED), 0);
        if (dropped) {
            admin_stage_must(house, admin_stage_create(name, house_fixed_lease(10)));
            assert_true(house_must_take(house_find(house, name), 1) > block.last);
        }
    }
}

static void test_admin_drop_in_doubt_can_be_repeated(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        begin(house, i, name, 3);
        ask_in_vain(house, faults[i], admin_stage_drop(name));
        struct admin_request answer = admin_stage_must(house, admin_stage_drop(name));
        assert_true(answer.has_floor);
        assert_int_equal(answer.floor_low, 1);
        assert_false(is_known(house, name));
    }
}

/* Whatever comes next finds out first. */
static void test_admin_finds_out_about_a_drop_in_doubt(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < 2 * FAULTS; i++) {
        enum store_memory_fault fault = faults[i % FAULTS];
        bool dropped = fault == STORE_MEMORY_AFTER;
        struct sequence *sequence = begin(house, i, name, 3);
        ask_in_vain(house, fault, admin_stage_drop(name));
        if (i < FAULTS) {
            struct admin_request answer =
                admin_stage_ask(house, admin_stage_advance(name, 100, false));
            assert_int_equal(answer.error, dropped ? ERR_NOT_FOUND : ERR_OK);
            assert_int_equal(is_known(house, name), !dropped);
        } else {
            struct admin_request answer =
                admin_stage_must(house, admin_stage_create(name, house_fixed_lease(10)));
            assert_int_equal(answer.created, dropped);
            assert_int_equal(house_find(house, name) == sequence, !dropped);
            assert_true(house_must_take(house_find(house, name), 1) > 3);
        }
        assert_int_equal(sequence_is_retired(sequence), dropped);
        assert_int_equal(sequence_is_doubtful(sequence), dropped);
    }
}

/* ---- create ---- */

static void test_admin_create_in_doubt_can_be_repeated(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        registry_stage_name(name, (unsigned)i);
        struct admin_request create = admin_stage_create(name, house_fixed_lease(10));
        ask_in_vain(house, faults[i], create);
        assert_false(is_known(house, name));
        assert_true(admin_stage_must(house, create).created);
        assert_int_equal(house_must_take(house_find(house, name), 1), 1);
    }
}

/* By another definition even, and beyond the floor of the life before. */
static void test_admin_create_in_doubt_can_be_followed_by_another(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        struct definition other = house_fixed_lease(10);
        begin(house, i, name, 30);
        int64_t high = admin_stage_must(house, admin_stage_drop(name)).floor_high;
        other.start = -1000;
        other.min = -1000;
        ask_in_vain(house, faults[i], admin_stage_create(name, other));
        admin_stage_must(house, admin_stage_create(name, house_fixed_lease(10)));
        assert_true(house_must_take(house_find(house, name), 1) > high);
    }
}

/* ---- advance ---- */

/* The number that was to be passed may be durable by now: nothing at or below it is issued. */
static void test_admin_advance_in_doubt_issues_nothing_below(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    const int64_t past[] = {5, 1000}; /* within the lease, and beyond it */
    house_start(house);
    for (size_t i = 0; i < 2 * FAULTS; i++) {
        struct sequence *sequence = begin(house, i, name, 1);
        ask_in_vain(house, faults[i % FAULTS], admin_stage_advance(name, past[i / FAULTS], false));
        assert_ptr_equal(house_find(house, name), sequence);
        assert_true(house_must_take(sequence, 1) > past[i / FAULTS]);
        registry_stage_restart(house);
        assert_true(house_must_take(house_find(house, name), 1) > past[i / FAULTS] + 1);
    }
}

/* Memory goes on above all that was issued; the disk follows at the next renewal. */
static void test_admin_way_backward_in_doubt_is_not_taken(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        struct sequence *sequence = begin(house, i, name, 5);
        struct admin_request answer =
            ask_in_vain(house, faults[i], admin_stage_advance(name, 1, true));
        assert_false(answer.rewound);
        assert_non_null(strstr(answer.detail.text, "from 2 to"));
        assert_ptr_equal(house_find(house, name), sequence);
        int64_t last = 5;
        for (unsigned j = 0; j < 40; j++) {
            int64_t number = house_must_take(sequence, 1);
            assert_true(number > last);
            last = number;
        }
        assert_true(registry_stage_mark(house, name) >= (uint64_t)last);
        admin_stage_must(house, admin_stage_advance(name, 1, true));
        assert_int_equal(house_must_take(house_find(house, name), 1), 2);
    }
}

/* The next change raises the mark again where nobody asks for numbers. */
static void test_admin_way_backward_in_doubt_is_undone_by_the_next_change(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        struct definition same = house_fixed_lease(10);
        begin(house, i, name, 5);
        uint64_t mark = registry_stage_mark(house, name);
        ask_in_vain(house, faults[i], admin_stage_advance(name, 1, true));
        assert_false(admin_stage_must(house, admin_stage_create(name, same)).created);
        assert_int_equal(registry_stage_mark(house, name), mark);
    }
}

/* ---- alter ---- */

static void test_admin_alter_in_doubt_leaves_memory_as_it_was(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    for (size_t i = 0; i < FAULTS; i++) {
        struct sequence_status status;
        struct sequence *sequence = begin(house, i, name, 1);
        struct admin_request request = admin_stage_create(name, house_every());
        request.action = ADMIN_ALTER;
        request.fields = ADMIN_FIELD_DURABILITY;
        ask_in_vain(house, faults[i], request);
        sequence_describe(sequence, &status);
        assert_int_equal(status.definition.durability, DURABILITY_LEASE);
        admin_stage_must(house, request);
        sequence_describe(sequence, &status);
        assert_int_equal(status.definition.durability, DURABILITY_EVERY);
    }
}

/* ---- no store to write to ---- */

static void test_admin_is_refused_while_the_store_fails(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    struct block block;
    struct caller caller;
    house_start(house);
    struct sequence *sequence = begin(house, 0, name, 1);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    while (
        !house_health_of(house).failing) { /* as long as the keeper sees nobody waiting in time */
        house_ask(&caller, sequence, 50, 30);
        assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
    }
    struct admin_request requests[] = {
        admin_stage_create("new", definition_default()),
        admin_stage_advance(name, 5, false),
        admin_stage_advance(name, 0, true),
        admin_stage_drop(name),
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(admin_stage_ask(house, requests[i]).error, ERR_UNAVAILABLE);
    }
    assert_false(is_known(house, "new"));
    assert_false(sequence_is_doubtful(sequence));
    assert_int_equal(sequence_take(sequence, 1, &block), ERR_OK);
    assert_int_equal(block.first, 2);
}

/* Queued behind a commit that hangs, and then the service stops. */
static void test_admin_is_refused_after_the_stop(void **state)
{
    struct house *house = *state;
    struct errand_of_admin errands[3];
    struct caller caller;
    house_declare(house, "a", house_every());
    house_start(house);
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    admin_stage_submit(house, &errands[0], admin_stage_drop("a"));
    admin_stage_submit(house, &errands[1], admin_stage_create("b", house_every()));
    admin_stage_submit(house, &errands[2], admin_stage_advance("a", 5, false));
    bell_stop(&house->renewals);
    store_memory_release(house->disk);
    keeper_stop(house->keeper);
    house->keeper = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(admin_stage_answer(&errands[i]).error, ERR_UNAVAILABLE);
    }
    assert_int_equal(house_answer_to(&caller), ERR_OK);
    assert_true(is_known(house, "a"));
    assert_false(is_known(house, "b"));
}

/* What is created while everything is being closed is closed as well, and settles. */
static void test_admin_creates_nothing_open_in_a_closed_registry(void **state)
{
    struct house *house = *state;
    struct block block;
    char name[STAGE_NAME_SIZE];
    house_start(house);
    begin(house, 0, name, 5);
    registry_close(house->registry);
    admin_stage_must(house, admin_stage_create("b", house_every()));
    assert_int_equal(sequence_take(house_find(house, "b"), 1, &block), ERR_UNAVAILABLE);
    admin_stage_must(house, admin_stage_advance(name, 1, true));
    assert_int_equal(sequence_take(house_find(house, name), 1, &block), ERR_UNAVAILABLE);
    registry_stage_stop(house);
    assert_int_equal(registry_settle(house->registry, house->store, NULL), ERR_OK);
    assert_int_equal(registry_stage_mark(house, name), 1);
}

/* A closed sequence gives back what lies behind the number that it was moved past, and no more. */
static void test_admin_advances_a_closed_sequence(void **state)
{
    struct house *house = *state;
    char name[STAGE_NAME_SIZE];
    const int64_t past[] = {3, 7, 2000};
    house_start(house);
    for (size_t i = 0; i < 3; i++) {
        begin(house, i, name, 2);
    }
    registry_close(house->registry);
    for (size_t i = 0; i < 3; i++) {
        registry_stage_name(name, (unsigned)i);
        admin_stage_must(house, admin_stage_advance(name, past[i], false));
    }
    registry_stage_stop(house);
    assert_int_equal(registry_settle(house->registry, house->store, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        registry_stage_name(name, (unsigned)i);
        assert_int_equal(registry_stage_mark(house, name), past[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_admin_drop_in_doubt_goes_on_until_the_store_decides),
        house_test(test_admin_drop_in_doubt_can_be_repeated),
        house_test(test_admin_finds_out_about_a_drop_in_doubt),
        house_test(test_admin_create_in_doubt_can_be_repeated),
        house_test(test_admin_create_in_doubt_can_be_followed_by_another),
        house_test(test_admin_advance_in_doubt_issues_nothing_below),
        house_test(test_admin_way_backward_in_doubt_is_not_taken),
        house_test(test_admin_way_backward_in_doubt_is_undone_by_the_next_change),
        house_test(test_admin_alter_in_doubt_leaves_memory_as_it_was),
        house_test(test_admin_is_refused_while_the_store_fails),
        house_test(test_admin_is_refused_after_the_stop),
        house_test(test_admin_creates_nothing_open_in_a_closed_registry),
        house_test(test_admin_advances_a_closed_sequence),
    };
    return cmocka_run_group_tests_name("admin_failure", tests, NULL, NULL);
}
