/* The contract of a store whose commits fail: what is burnt, what is refused, what a recovery
 * gives. */
#include "contract.h"

#include <string.h>

static void fail_next(struct contract *contract, enum contract_fault fault)
{
    contract->backend->fail_once(contract->durable, fault);
}

static void recover(struct contract *contract)
{
    enum error error = store_recover(contract->store, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("recover: %s: %s", error_name(error), contract->detail.text);
    }
}

/* A reserve of 10 that fails; its request. */
static struct store_request failing_reserve(struct contract *contract, uint64_t floor)
{
    struct store_request request = {.name = "orders", .count = 10, .floor = floor};

    contract->detail.text[0] = '\0';
    assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail), ERR_IO);
    assert_string_not_equal(contract->detail.text, "");
    assert_true(request.burnt_limit >= floor);
    return request;
}

static void test_store_burns_what_a_failed_commit_may_have_reached(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_request before;
        struct store_request failed;
        struct store_request after;

        contract_define(contract, "orders");
        before = contract_reserve(contract, "orders", 10, 0);
        fail_next(contract, (enum contract_fault)fault);
        failed = failing_reserve(contract, before.burnt_limit);
        recover(contract);
        after = contract_reserve(contract, "orders", 10, failed.burnt_limit);
        assert_true(after.lease.first >= failed.burnt_limit);
        contract_restart(contract);
        /* And a restart, which forgets the floor, goes on from what succeeded. */
        assert_true(contract_entry(contract, "orders").mark >= after.lease.limit);
    }
}

/* The caller that asked has forgotten all: only the disk can tell whether the commit was made. */
static void test_store_after_a_failure_and_a_restart_is_not_behind(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_request before;

        contract_define(contract, "orders");
        before = contract_reserve(contract, "orders", 10, 0);
        fail_next(contract, (enum contract_fault)fault);
        failing_reserve(contract, 0);
        contract->backend->heal(contract->durable);
        contract_restart(contract);
        assert_true(contract_reserve(contract, "orders", 10, 0).lease.first >= before.lease.limit);
    }
}

static void test_store_writes_no_lease_when_the_commit_fails(struct contract *contract)
{
    struct store_request request = {.name = "orders",
                                    .count = 10,
                                    .error = ERR_CONFLICT,
                                    .lease = {123, 456},
                                    .generation = 789};

    contract_define(contract, "orders");
    fail_next(contract, CONTRACT_AFTER);
    assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail), ERR_IO);
    assert_int_equal(request.error, ERR_CONFLICT);
    assert_int_equal(request.lease.first, 123);
    assert_int_equal(request.lease.limit, 456);
    assert_int_equal(request.generation, 789);
}

static enum error visit_nothing(void *context, const struct store_entry *entry,
                                struct error_detail *detail)
{
    (void)context;
    (void)entry;
    (void)detail;
    return ERR_OK;
}

static void test_store_refuses_every_call_until_it_has_recovered(struct contract *contract)
{
    struct definition definition = definition_default();
    struct store_entry entry;
    struct store_request request = {.name = "orders", .count = 10, .floor = 77};
    struct store_return giving = {.name = "orders"};

    contract_define(contract, "orders");
    fail_next(contract, CONTRACT_BEFORE);
    failing_reserve(contract, 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail),
                         ERR_UNAVAILABLE);
        assert_true(request.burnt_limit >= 77);
        assert_int_equal(store_give_back(contract->store, &giving, 1, NULL), ERR_UNAVAILABLE);
        assert_int_equal(store_define(contract->store, "other", &definition, &entry, NULL),
                         ERR_UNAVAILABLE);
        assert_int_equal(store_each(contract->store, visit_nothing, NULL, NULL), ERR_UNAVAILABLE);
    }
    recover(contract);
    assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail), ERR_OK);
}

static void test_store_says_why_it_refuses(struct contract *contract)
{
    struct store_request request = {.name = "orders", .count = 10};
    struct error_detail why;

    contract_define(contract, "orders");
    fail_next(contract, CONTRACT_BEFORE);
    failing_reserve(contract, 0);
    why = contract->detail;
    assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail),
                     ERR_UNAVAILABLE);
    assert_non_null(strstr(contract->detail.text, why.text));
}

static void test_store_stays_down_while_the_disk_is(struct contract *contract)
{
    struct store_request request = {.name = "orders", .count = 10};
    struct store_request before;

    contract_define(contract, "orders");
    before = contract_reserve(contract, "orders", 10, 0);
    contract->backend->break_down(contract->durable);
    failing_reserve(contract, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_not_equal(store_recover(contract->store, &contract->detail), ERR_OK);
        assert_int_equal(store_reserve(contract->store, &request, 1, NULL), ERR_UNAVAILABLE);
    }
    contract->backend->heal(contract->durable);
    recover(contract);
    assert_true(contract_reserve(contract, "orders", 10, 0).lease.first >= before.lease.limit);
}

/* A recovery is a commit that succeeded, not the hope that the next one will. */
static void test_store_recovers_only_with_a_commit(struct contract *contract)
{
    contract_define(contract, "orders");
    fail_next(contract, CONTRACT_BEFORE);
    failing_reserve(contract, 0);
    fail_next(contract, CONTRACT_BEFORE);
    assert_int_equal(store_recover(contract->store, &contract->detail), ERR_IO);
    recover(contract);
    contract_reserve(contract, "orders", 10, 0);
}

static void test_store_recovers_unharmed_when_nothing_had_failed(struct contract *contract)
{
    struct store_request lease;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 10, 0);
    recover(contract);
    recover(contract);
    assert_int_equal(contract_entry(contract, "orders").mark, lease.lease.limit);
    assert_int_equal(contract_entry(contract, "orders").generation, lease.generation);
    assert_true(contract_give_back(contract, &lease, lease.lease.first));
}

static void test_store_keeps_a_mark_when_a_define_fails(struct contract *contract)
{
    struct definition other = contract_short_definition(1000);

    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_entry entry;
        uint64_t limit;

        contract_define(contract, "orders");
        limit = contract_reserve(contract, "orders", 10, 0).lease.limit;
        fail_next(contract, (enum contract_fault)fault);
        assert_int_equal(store_define(contract->store, "orders", &other, &entry, &contract->detail),
                         ERR_IO);
        recover(contract);
        assert_true(contract_entry(contract, "orders").mark >= limit);
        entry = contract_define_as(contract, "orders", &other);
        assert_true(entry.mark >= limit);
    }
}

static void test_store_never_takes_back_what_was_issued(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        struct store_request lease;
        struct store_return giving;

        contract_define(contract, "orders");
        lease = contract_reserve(contract, "orders", 10, 0);
        giving = (struct store_return){.name = "orders",
                                       .generation = lease.generation,
                                       .lease_limit = lease.lease.limit,
                                       .mark = lease.lease.first + 4};
        fail_next(contract, (enum contract_fault)fault);
        assert_int_equal(store_give_back(contract->store, &giving, 1, &contract->detail), ERR_IO);
        contract->backend->heal(contract->durable);
        contract_restart(contract);
        assert_true(contract_entry(contract, "orders").mark >= lease.lease.first + 4);
    }
}

const struct contract_case contract_failure_cases[] = {
    CONTRACT_CASE(test_store_burns_what_a_failed_commit_may_have_reached),
    CONTRACT_CASE(test_store_after_a_failure_and_a_restart_is_not_behind),
    CONTRACT_CASE(test_store_writes_no_lease_when_the_commit_fails),
    CONTRACT_CASE(test_store_refuses_every_call_until_it_has_recovered),
    CONTRACT_CASE(test_store_says_why_it_refuses),
    CONTRACT_CASE(test_store_stays_down_while_the_disk_is),
    CONTRACT_CASE(test_store_recovers_only_with_a_commit),
    CONTRACT_CASE(test_store_recovers_unharmed_when_nothing_had_failed),
    CONTRACT_CASE(test_store_keeps_a_mark_when_a_define_fails),
    CONTRACT_CASE(test_store_never_takes_back_what_was_issued),
    {NULL, NULL},
};
