/* The contract of store_drop() and store_advance(), and of store_define() over what they leave. */
#include "contract.h"

#include <string.h>

static struct store_entry drop(struct contract *contract, const char *name)
{
    struct store_entry entry;
    enum error error = store_drop(contract->store, name, &entry, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("drop '%s': %s: %s", name, error_name(error), contract->detail.text);
    }
    assert_string_equal(entry.name, name);
    return entry;
}

static struct store_entry advance(struct contract *contract, const char *name,
                                  struct store_move *move)
{
    struct store_entry entry;
    enum error error = store_advance(contract->store, name, move, &entry, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("advance '%s': %s: %s", name, error_name(error), contract->detail.text);
    }
    assert_string_equal(entry.name, name);
    return entry;
}

static struct store_entry move_to(struct contract *contract, const char *name, uint64_t position,
                                  bool backward)
{
    struct store_move move = {.position = position, .backward = backward};

    return advance(contract, name, &move);
}

static enum error count_name(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    unsigned *count = context;

    (void)detail;
    *count += strcmp(entry->name, "orders") == 0 ? 1 : 0;
    return ERR_OK;
}

static unsigned visits_of_orders(struct contract *contract)
{
    unsigned count = 0;

    assert_int_equal(store_each(contract->store, count_name, &count, &contract->detail), ERR_OK);
    return count;
}

static enum error reserve_error(struct contract *contract, const char *name)
{
    struct store_request request = {.name = name, .count = 10, .floor = 3};

    assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail), ERR_OK);
    assert_int_equal(request.burnt_limit, 3);
    return request.error;
}

/* Numbers start, start + increment, … without an end in sight. */
static struct definition counting(int64_t start, int64_t increment)
{
    struct definition definition = definition_default();

    definition.start = start;
    definition.increment = increment;
    definition.min = SEQUENCE_NUMBER_MIN;
    return definition;
}

static int64_t number_of(const struct store_entry *entry)
{
    return definition_number_at(&entry->definition, entry->mark);
}

static void assert_floor(const struct store_entry *entry, int64_t low, int64_t high)
{
    assert_true(entry->floor.some);
    assert_int_equal(entry->floor.low, low);
    assert_int_equal(entry->floor.high, high);
}

/* ---- drop ---- */

static void test_store_knows_no_sequence_that_was_dropped(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "other");
    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 10, 0);
    drop(contract, "orders");
    for (unsigned i = 0; i < 2; i++) {
        struct store_move move = {.position = 50};
        struct store_entry entry;

        assert_int_equal(visits_of_orders(contract), 0);
        assert_int_equal(reserve_error(contract, "orders"), ERR_NOT_FOUND);
        assert_false(contract_give_back(contract, &lease, lease.lease.first));
        assert_int_equal(store_advance(contract->store, "orders", &move, &entry, NULL),
                         ERR_NOT_FOUND);
        contract_restart(contract);
    }
    contract_entry(contract, "other");
}

static void test_store_drops_no_name_that_was_never_defined(struct contract *contract)
{
    struct store_entry entry;

    assert_int_equal(store_drop(contract->store, "orders", &entry, &contract->detail),
                     ERR_NOT_FOUND);
    assert_int_equal(visits_of_orders(contract), 0);
    contract_restart(contract);
    assert_int_equal(contract_define(contract, "orders").mark, 0);
}

static void test_store_drops_to_a_floor_over_all_below_the_mark(struct contract *contract)
{
    struct definition down = counting(10, -5);
    struct store_request lease;
    struct store_entry entry;

    contract_define_as(contract, "orders", &down);
    lease = contract_reserve(contract, "orders", 7, 0);
    entry = drop(contract, "orders");
    assert_floor(&entry, definition_number_at(&down, lease.lease.limit - 1), 10);
    assert_true(definition_equal(&entry.definition, &down));
    contract_define(contract, "unused");
    assert_false(drop(contract, "unused").floor.some);
}

/* So that one whose outcome is unknown can be repeated. */
static void test_store_drops_a_tombstone_once_more(struct contract *contract)
{
    struct store_entry first;
    struct store_entry second;

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 7, 0);
    first = drop(contract, "orders");
    contract_restart(contract);
    second = drop(contract, "orders");
    assert_floor(&second, first.floor.low, first.floor.high);
    assert_int_equal(visits_of_orders(contract), 0);
}

/* ---- revive ---- */

static void test_store_revives_beyond_the_floor(struct contract *contract)
{
    struct definition again = counting(-3, 4);
    struct store_entry dropped;
    struct store_entry entry;

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 100, 0);
    dropped = drop(contract, "orders");
    entry = contract_define_as(contract, "orders", &again);
    assert_true(number_of(&entry) > dropped.floor.high);
    assert_true(number_of(&entry) - 4 <= dropped.floor.high);
    assert_true(entry.generation > dropped.generation);
    assert_floor(&entry, dropped.floor.low, dropped.floor.high);
    contract_restart(contract);
    assert_int_equal(contract_entry(contract, "orders").mark, entry.mark);
    assert_true(contract_reserve(contract, "orders", 10, 0).lease.first >= entry.mark);
}

static void test_store_revives_what_was_never_used_at_mark_0(struct contract *contract)
{
    contract_define(contract, "orders");
    drop(contract, "orders");
    assert_int_equal(contract_define(contract, "orders").mark, 0);
}

/* Up, down and up again, by other steps each time. */
static void test_store_keeps_one_floor_over_many_lives(struct contract *contract)
{
    static const struct {
        int64_t start;
        int64_t increment;
    } lives[] = {{1, 1}, {500, -7}, {0, 3}, {100000, -1}, {-100000, 11}, {7, 1}};
    struct floor floor = {.some = false};

    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        struct definition definition = counting(lives[i].start, lives[i].increment);
        struct store_entry entry = contract_define_as(contract, "orders", &definition);
        struct store_request lease = contract_reserve(contract, "orders", 50, entry.mark);

        for (uint64_t p = lease.lease.first; p < lease.lease.limit; p++) {
            int64_t number = definition_number_at(&definition, p);

            assert_true(!floor.some || number < floor.low || number > floor.high);
        }
        floor = floor_grown(floor, &definition, lease.lease.limit);
        entry = drop(contract, "orders");
        assert_floor(&entry, floor.low, floor.high);
        if (i % 2 == 0) {
            contract_restart(contract);
        }
    }
}

static void test_store_revives_nothing_that_the_floor_leaves_no_number(struct contract *contract)
{
    struct definition definition = contract_short_definition(20);
    struct store_entry entry;

    contract_define_as(contract, "orders", &definition);
    contract_reserve(contract, "orders", 20, 0);
    drop(contract, "orders");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            store_define(contract->store, "orders", &definition, &entry, &contract->detail),
            ERR_EXHAUSTED);
        assert_string_not_equal(contract->detail.text, "");
        assert_int_equal(visits_of_orders(contract), 0);
        contract_restart(contract);
    }
    definition.max = 21;
    entry = contract_define_as(contract, "orders", &definition);
    assert_int_equal(number_of(&entry), 21);
}

/* A position of the one definition means nothing to the other, tombstone or not. */
static void
test_store_begins_beyond_what_another_definition_may_have_issued(struct contract *contract)
{
    struct definition other = counting(1, 2);
    struct store_request lease;
    struct store_entry entry;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    entry = contract_define_as(contract, "orders", &other);
    assert_true(number_of(&entry) > (int64_t)lease.lease.limit);
    assert_false(contract_give_back(contract, &lease, lease.lease.first));
}

/* ---- advance ---- */

static void test_store_advances_and_never_goes_back_by_it(struct contract *contract)
{
    struct store_move move = {.position = 500};
    struct store_request lease;
    struct store_entry entry;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 10, 0);
    entry = advance(contract, "orders", &move);
    assert_int_equal(entry.mark, 500);
    assert_int_equal(move.mark_before, lease.lease.limit);
    assert_true(entry.generation > lease.generation);
    assert_false(entry.floor.some);
    assert_int_equal(move_to(contract, "orders", 499, false).mark, 500);
    contract_restart(contract);
    assert_int_equal(contract_entry(contract, "orders").mark, 500);
    lease = contract_reserve(contract, "orders", 10, 0);
    assert_true(lease.lease.first >= 500);
    assert_false(contract_give_back(contract,
                                    &(struct store_request){.name = "orders",
                                                            .generation = entry.generation,
                                                            .lease = {0, 500}},
                                    0));
}

static void test_store_advances_to_the_end_and_no_farther(struct contract *contract)
{
    struct definition definition = contract_short_definition(20);

    contract_define_as(contract, "orders", &definition);
    assert_int_equal(move_to(contract, "orders", 20, false).mark, 20);
    assert_true(range_is_empty(contract_reserve(contract, "orders", 5, 20).lease));
}

static void test_store_moves_backward_where_it_is_told_to(struct contract *contract)
{
    struct store_move move = {.position = 30, .backward = true};
    struct store_request lease;
    struct store_entry entry;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    entry = advance(contract, "orders", &move);
    assert_int_equal(entry.mark, 30);
    assert_int_equal(move.mark_before, lease.lease.limit);
    assert_floor(&entry, 1, (int64_t)lease.lease.limit);
    assert_false(contract_give_back(contract, &lease, lease.lease.first));
    contract_restart(contract);
    entry = contract_entry(contract, "orders");
    assert_int_equal(entry.mark, 30);
    assert_floor(&entry, 1, (int64_t)lease.lease.limit);
    assert_true(contract_reserve(contract, "orders", 10, 0).lease.first >= 30);
    /* And yet nothing of all that comes back after a drop. */
    entry = drop(contract, "orders");
    assert_floor(&entry, 1, (int64_t)lease.lease.limit);
    entry = contract_define(contract, "orders");
    assert_int_equal(number_of(&entry), (int64_t)lease.lease.limit + 1);
}

/* Altering, which is defining with the same numbers, moves neither mark nor floor. */
static void test_store_alters_without_a_move(struct contract *contract)
{
    struct definition definition = definition_default();
    struct store_entry before;
    struct store_entry entry;

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 100, 0);
    before = move_to(contract, "orders", 30, true);
    definition.max_gap = 77;
    entry = contract_define_as(contract, "orders", &definition);
    assert_int_equal(entry.mark, 30);
    assert_int_equal(entry.definition.max_gap, 77);
    assert_floor(&entry, before.floor.low, before.floor.high);
}

/* ---- failures ---- */

static void recover(struct contract *contract)
{
    assert_int_equal(store_recover(contract->store, &contract->detail), ERR_OK);
}

static void fail_next(struct contract *contract, int fault)
{
    contract->backend->fail_once(contract->durable, (enum contract_fault)fault);
}

static void test_store_drop_that_failed_can_be_repeated(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_entry entry = {.mark = 4711};
        struct store_request lease;
        struct store_entry defined = contract_define(contract, "orders");

        lease = contract_reserve(contract, "orders", 10, defined.mark);
        fail_next(contract, fault);
        assert_int_equal(store_drop(contract->store, "orders", &entry, &contract->detail), ERR_IO);
        assert_int_equal(entry.mark, 4711);
        assert_int_equal(store_drop(contract->store, "orders", &entry, NULL), ERR_UNAVAILABLE);
        recover(contract);
        /* What is leased may go on meanwhile: the floor is above it whatever became of the drop. */
        entry = drop(contract, "orders");
        assert_floor(&entry, 1, (int64_t)lease.lease.limit);
    }
}

static void test_store_advance_that_failed_is_made_or_not(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        uint64_t far = 1000 * ((uint64_t)fault + 1);
        struct store_move move = {.position = far, .mark_before = 4711};
        struct store_entry entry;
        uint64_t before = contract_define(contract, "orders").mark;

        fail_next(contract, fault);
        assert_int_equal(store_advance(contract->store, "orders", &move, &entry, NULL), ERR_IO);
        assert_int_equal(move.mark_before, 4711);
        assert_int_equal(store_advance(contract->store, "orders", &move, &entry, NULL),
                         ERR_UNAVAILABLE);
        recover(contract);
        entry = contract_entry(contract, "orders");
        assert_true(entry.mark == before || entry.mark == far);
        assert_true(contract_reserve(contract, "orders", 10, far).lease.first >= far);
    }
}

/* The caller goes on above the old mark, and so does the disk. */
static void test_store_backward_move_that_failed_can_be_undone(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_move move = {.position = 3, .backward = true};
        struct store_entry entry;
        struct store_request lease;

        contract_define(contract, "orders");
        lease = contract_reserve(contract, "orders", 100, contract_entry(contract, "orders").mark);
        fail_next(contract, fault);
        assert_int_equal(store_advance(contract->store, "orders", &move, &entry, NULL), ERR_IO);
        recover(contract);
        entry = move_to(contract, "orders", lease.lease.limit, false);
        assert_int_equal(entry.mark, lease.lease.limit);
    }
}

/* The creation may have been made, and the next one has other numbers. */
static void test_store_definition_that_failed_can_be_followed_by_another(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct definition first = counting(-5000, 1);
        struct definition second = counting(-10, 5);
        struct store_entry entry = contract_define(contract, "orders");
        struct floor floor;

        contract_reserve(contract, "orders", 100, entry.mark);
        floor = drop(contract, "orders").floor;
        fail_next(contract, fault);
        assert_int_equal(store_define(contract->store, "orders", &first, &entry, NULL), ERR_IO);
        recover(contract);
        entry = contract_define_as(contract, "orders", &second);
        assert_true(number_of(&entry) > floor.high);
        assert_true(entry.floor.high >= floor.high);
        drop(contract, "orders");
    }
}

const struct contract_case contract_admin_cases[] = {
    CONTRACT_CASE(test_store_knows_no_sequence_that_was_dropped),
    CONTRACT_CASE(test_store_drops_no_name_that_was_never_defined),
    CONTRACT_CASE(test_store_drops_to_a_floor_over_all_below_the_mark),
    CONTRACT_CASE(test_store_drops_a_tombstone_once_more),
    CONTRACT_CASE(test_store_revives_beyond_the_floor),
    CONTRACT_CASE(test_store_revives_what_was_never_used_at_mark_0),
    CONTRACT_CASE(test_store_keeps_one_floor_over_many_lives),
    CONTRACT_CASE(test_store_revives_nothing_that_the_floor_leaves_no_number),
    CONTRACT_CASE(test_store_begins_beyond_what_another_definition_may_have_issued),
    CONTRACT_CASE(test_store_advances_and_never_goes_back_by_it),
    CONTRACT_CASE(test_store_advances_to_the_end_and_no_farther),
    CONTRACT_CASE(test_store_moves_backward_where_it_is_told_to),
    CONTRACT_CASE(test_store_alters_without_a_move),
    CONTRACT_CASE(test_store_drop_that_failed_can_be_repeated),
    CONTRACT_CASE(test_store_advance_that_failed_is_made_or_not),
    CONTRACT_CASE(test_store_backward_move_that_failed_can_be_undone),
    CONTRACT_CASE(test_store_definition_that_failed_can_be_followed_by_another),
    {NULL, NULL},
};
