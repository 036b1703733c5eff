/* The contract of store_reserve() on a store that is well. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_store_leases_exactly_what_was_asked(struct contract *contract)
{
    const uint64_t counts[] = {1, 2, 3, 1000, UINT64_C(1) << 40};

    contract_define(contract, "orders");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct store_request request = contract_reserve(contract, "orders", counts[i], 0);

        assert_int_equal(range_count(request.lease), counts[i]);
    }
}

static void test_store_leases_no_position_twice(struct contract *contract)
{
    uint64_t limit = 0;

    contract_define(contract, "orders");
    for (unsigned i = 1; i < 50; i++) {
        struct store_request request = contract_reserve(contract, "orders", i, 0);

        assert_true(request.lease.first >= limit);
        limit = request.lease.limit;
    }
}

static void test_store_continues_a_lease_where_it_has_one_owner(struct contract *contract)
{
    uint64_t limit = 0;

    if (!contract->backend->contiguous) {
        return;
    }
    contract_define(contract, "orders");
    for (unsigned i = 1; i < 10; i++) {
        struct store_request request = contract_reserve(contract, "orders", i, 0);

        assert_int_equal(request.lease.first, limit);
        limit = request.lease.limit;
    }
}

static void test_store_leases_no_position_twice_across_restarts(struct contract *contract)
{
    uint64_t limit = 0;

    contract_define(contract, "orders");
    for (unsigned i = 1; i < 10; i++) {
        struct store_request request = contract_reserve(contract, "orders", i, 0);

        assert_true(request.lease.first >= limit);
        limit = request.lease.limit;
        contract_restart(contract);
        assert_true(contract_entry(contract, "orders").mark >= limit);
    }
}

static void test_store_starts_a_lease_at_the_floor(struct contract *contract)
{
    struct store_request request;

    contract_define(contract, "orders");
    request = contract_reserve(contract, "orders", 10, 5000);
    assert_true(request.lease.first >= 5000);
    assert_int_equal(range_count(request.lease), 10);
}

static void test_store_remembers_a_floor_as_part_of_the_mark(struct contract *contract)
{
    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 10, 5000);
    contract_restart(contract);
    assert_true(contract_reserve(contract, "orders", 10, 0).lease.first >= 5010);
}

static void test_store_does_not_go_down_to_a_floor(struct contract *contract)
{
    uint64_t limit;

    contract_define(contract, "orders");
    limit = contract_reserve(contract, "orders", 5000, 0).lease.limit;
    assert_true(contract_reserve(contract, "orders", 10, 17).lease.first >= limit);
}

static void test_store_cuts_the_last_lease_at_the_capacity(struct contract *contract)
{
    struct definition definition = contract_short_definition(25);
    uint64_t left;
    struct store_request request;

    contract_define_as(contract, "short", &definition);
    left = 25 - contract_reserve(contract, "short", 20, 0).lease.limit;
    request = contract_reserve(contract, "short", 20, 0);
    assert_int_equal(request.lease.limit, 25);
    assert_true(range_count(request.lease) <= left);
}

static void test_store_leases_nothing_at_the_capacity(struct contract *contract)
{
    struct definition definition = contract_short_definition(25);

    contract_define_as(contract, "short", &definition);
    contract_reserve(contract, "short", 25, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(range_is_empty(contract_reserve(contract, "short", 1, 0).lease));
        contract_restart(contract);
    }
}

static void test_store_leases_nothing_above_the_capacity(struct contract *contract)
{
    struct definition definition = contract_short_definition(25);

    contract_define_as(contract, "short", &definition);
    assert_true(range_is_empty(contract_reserve(contract, "short", 1, 26).lease));
    assert_true(range_is_empty(contract_reserve(contract, "short", 1, UINT64_MAX).lease));
    assert_true(range_is_empty(contract_reserve(contract, "short", 1, 0).lease));
}

/* As many positions as there are: sums that wrap would show here. */
static void test_store_goes_to_the_end_of_64_bits(struct contract *contract)
{
    struct definition definition = definition_default();
    struct store_request request;

    definition.start = SEQUENCE_NUMBER_MIN;
    definition.min = SEQUENCE_NUMBER_MIN;
    assert_true(definition_capacity(&definition) == UINT64_MAX);
    contract_define_as(contract, "vast", &definition);
    request = contract_reserve(contract, "vast", UINT64_MAX, UINT64_MAX - 100);
    assert_true(request.lease.first >= UINT64_MAX - 100);
    assert_true(request.lease.limit == UINT64_MAX);
    contract_restart(contract);
    assert_true(range_is_empty(contract_reserve(contract, "vast", UINT64_MAX, 0).lease));
    assert_true(contract_entry(contract, "vast").mark == UINT64_MAX);
}

static void test_store_moves_the_generation_with_every_lease(struct contract *contract)
{
    uint64_t last = contract_define(contract, "orders").generation;

    for (unsigned i = 0; i < 5; i++) {
        struct store_request request = contract_reserve(contract, "orders", 1, 0);

        assert_int_not_equal(request.generation, last);
        last = request.generation;
        assert_int_equal(contract_entry(contract, "orders").generation, last);
    }
}

static void test_store_says_which_request_has_no_sequence(struct contract *contract)
{
    struct store_request requests[] = {{.name = "a", .count = 5},
                                       {.name = "nobody", .count = 5, .floor = 12},
                                       {.name = "b", .count = 5}};

    contract_define(contract, "a");
    contract_define(contract, "b");
    assert_int_equal(store_reserve(contract->store, requests, 3, &contract->detail), ERR_OK);
    assert_int_equal(requests[0].error, ERR_OK);
    assert_int_equal(requests[1].error, ERR_NOT_FOUND);
    assert_int_equal(requests[2].error, ERR_OK);
    assert_int_equal(range_count(requests[0].lease), 5);
    assert_true(range_is_empty(requests[1].lease));
    assert_true(requests[1].burnt_limit >= 12);
    assert_int_equal(range_count(requests[2].lease), 5);
}

static void test_store_leases_to_1024_sequences_in_one_commit(struct contract *contract)
{
    static char names[STORE_REQUESTS_MAX][16];
    static struct store_request requests[STORE_REQUESTS_MAX];

    for (size_t i = 0; i < STORE_REQUESTS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%zu", i);
        requests[i] = (struct store_request){.name = names[i], .count = i + 1};
        contract_define(contract, names[i]);
    }
    assert_int_equal(
        store_reserve(contract->store, requests, STORE_REQUESTS_MAX, &contract->detail), ERR_OK);
    contract_restart(contract);
    for (size_t i = 0; i < STORE_REQUESTS_MAX; i++) {
        assert_int_equal(requests[i].error, ERR_OK);
        assert_int_equal(range_count(requests[i].lease), i + 1);
    }
    assert_int_equal(store_reserve(contract->store, requests, STORE_REQUESTS_MAX, NULL), ERR_OK);
    for (size_t i = 0; i < STORE_REQUESTS_MAX; i++) {
        assert_true(requests[i].lease.first >= i + 1);
    }
}

const struct contract_case contract_reserve_cases[] = {
    CONTRACT_CASE(test_store_leases_exactly_what_was_asked),
    CONTRACT_CASE(test_store_leases_no_position_twice),
    CONTRACT_CASE(test_store_continues_a_lease_where_it_has_one_owner),
    CONTRACT_CASE(test_store_leases_no_position_twice_across_restarts),
    CONTRACT_CASE(test_store_starts_a_lease_at_the_floor),
    CONTRACT_CASE(test_store_remembers_a_floor_as_part_of_the_mark),
    CONTRACT_CASE(test_store_does_not_go_down_to_a_floor),
    CONTRACT_CASE(test_store_cuts_the_last_lease_at_the_capacity),
    CONTRACT_CASE(test_store_leases_nothing_at_the_capacity),
    CONTRACT_CASE(test_store_leases_nothing_above_the_capacity),
    CONTRACT_CASE(test_store_goes_to_the_end_of_64_bits),
    CONTRACT_CASE(test_store_moves_the_generation_with_every_lease),
    CONTRACT_CASE(test_store_says_which_request_has_no_sequence),
    CONTRACT_CASE(test_store_leases_to_1024_sequences_in_one_commit),
    {NULL, NULL},
};
