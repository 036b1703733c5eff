/* The contract of store_give_back(): a compare-and-set on the lease that we own. */
#include "contract.h"

static void test_store_takes_back_the_rest_of_a_lease(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.first + 40));
    contract_restart(contract);
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.first + 40);
}

static void test_store_leases_again_what_it_took_back(struct contract *contract)
{
    struct store_request lease;
    struct store_request next;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.first + 40));
    contract_restart(contract);
    next = contract_reserve(contract, "orders", 100, 0);
    assert_true(next.lease.first >= lease.lease.first + 40);
    assert_true(!contract->backend->contiguous || next.lease.first == lease.lease.first + 40);
}

static void test_store_takes_back_a_whole_lease_or_nothing_of_it(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.first));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.first);
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.limit));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.limit);
}

static void test_store_refuses_a_lease_that_was_followed_by_another(struct contract *contract)
{
    struct store_request old;
    struct store_request lease;

    contract_define(contract, "orders");
    old = contract_reserve(contract, "orders", 100, 0);
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_false(contract_give_back(contract, &old, old.lease.first));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.limit);
}

/* The mark is the one expected, but the record has changed: it came back to that mark another way.
 * */
static void test_store_refuses_when_only_the_generation_moved(struct contract *contract)
{
    struct store_request lease;
    struct store_request stale;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    stale = lease;
    assert_true(contract_give_back(contract, &lease, lease.lease.limit));
    assert_int_equal(contract_entry(contract, "orders").mark, stale.lease.limit);
    assert_false(contract_give_back(contract, &stale, stale.lease.first));
    assert_int_equal(contract_entry(contract, "orders").mark, stale.lease.limit);
}

static void test_store_refuses_when_only_the_mark_is_another(struct contract *contract)
{
    struct store_request lease;
    struct store_request wrong;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    wrong = lease;
    wrong.lease.limit--;
    assert_false(contract_give_back(contract, &wrong, wrong.lease.first));
    wrong.lease.limit += 2;
    assert_false(contract_give_back(contract, &wrong, wrong.lease.first));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.limit);
}

static void test_store_refuses_after_a_new_definition(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    contract_define(contract, "orders");
    assert_false(contract_give_back(contract, &lease, lease.lease.first));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.limit);
}

static void test_store_refuses_the_same_rest_twice(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.first + 40));
    assert_false(contract_give_back(contract, &lease, lease.lease.first + 20));
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.first + 40);
}

static void test_store_refuses_what_it_does_not_know(struct contract *contract)
{
    struct store_request lease = {.name = "nobody", .generation = 1, .lease = {0, 10}};

    assert_false(contract_give_back(contract, &lease, 0));
}

static void test_store_weighs_each_return_by_itself(struct contract *contract)
{
    struct store_request a;
    struct store_request b;
    struct store_return returns[3];

    contract_define(contract, "a");
    contract_define(contract, "b");
    a = contract_reserve(contract, "a", 10, 0);
    b = contract_reserve(contract, "b", 10, 0);
    returns[0] = (struct store_return){.name = "a",
                                       .generation = a.generation,
                                       .lease_limit = a.lease.limit,
                                       .mark = a.lease.first};
    returns[1] = (struct store_return){.name = "nobody", .generation = 3, .lease_limit = 9};
    returns[2] = (struct store_return){.name = "b",
                                       .generation = b.generation + 1,
                                       .lease_limit = b.lease.limit,
                                       .mark = b.lease.first};
    assert_int_equal(store_give_back(contract->store, returns, 3, &contract->detail), ERR_OK);
    assert_true(returns[0].accepted);
    assert_false(returns[1].accepted);
    assert_false(returns[2].accepted);
    assert_int_equal(contract_entry(contract, "a").mark, a.lease.first);
    assert_int_equal(contract_entry(contract, "b").mark, b.lease.limit);
}

const struct contract_case contract_give_back_cases[] = {
    CONTRACT_CASE(test_store_takes_back_the_rest_of_a_lease),
    CONTRACT_CASE(test_store_leases_again_what_it_took_back),
    CONTRACT_CASE(test_store_takes_back_a_whole_lease_or_nothing_of_it),
    CONTRACT_CASE(test_store_refuses_a_lease_that_was_followed_by_another),
    CONTRACT_CASE(test_store_refuses_when_only_the_generation_moved),
    CONTRACT_CASE(test_store_refuses_when_only_the_mark_is_another),
    CONTRACT_CASE(test_store_refuses_after_a_new_definition),
    CONTRACT_CASE(test_store_refuses_the_same_rest_twice),
    CONTRACT_CASE(test_store_refuses_what_it_does_not_know),
    CONTRACT_CASE(test_store_weighs_each_return_by_itself),
    {NULL, NULL},
};
