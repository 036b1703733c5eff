/* The contract of store_define() and store_each(). */
#include "contract.h"

#include <stdio.h>
#include <string.h>

static void test_store_starts_a_new_sequence_at_mark_0(struct contract *contract)
{
    struct store_entry entry = contract_define(contract, "orders");

    assert_string_equal(entry.name, "orders");
    assert_int_equal(entry.mark, 0);
    contract_restart(contract);
    assert_int_equal(contract_entry(contract, "orders").mark, 0);
}

static void test_store_keeps_the_mark_of_a_sequence_that_is_defined_again(struct contract *contract)
{
    struct definition other = contract_short_definition(1000);
    uint64_t limit;
    struct store_entry entry;

    contract_define(contract, "orders");
    limit = contract_reserve(contract, "orders", 5, 0).lease.limit;
    entry = contract_define_as(contract, "orders", &other);
    assert_int_equal(entry.mark, limit);
    assert_true(definition_equal(&entry.definition, &other));
    assert_true(contract_reserve(contract, "orders", 5, 0).lease.first >= limit);
}

/* A definition with every field unlike the default, so that none can be lost unseen. */
static struct definition unusual(void)
{
    return (struct definition){.start = -7,
                               .increment = -3,
                               .min = -123456789012,
                               .max = 99,
                               .max_gap = 4321,
                               .lease = 77,
                               .durability = DURABILITY_EVERY};
}

static void test_store_remembers_a_definition_whole(struct contract *contract)
{
    struct definition definition = unusual();
    struct store_entry entry;

    contract_define_as(contract, "orders", &definition);
    contract_restart(contract);
    entry = contract_entry(contract, "orders");
    assert_true(definition_equal(&entry.definition, &definition));
}

static void test_store_remembers_the_last_of_two_definitions(struct contract *contract)
{
    struct definition definition = unusual();
    struct store_entry entry;

    contract_define(contract, "orders");
    contract_define_as(contract, "orders", &definition);
    contract_restart(contract);
    entry = contract_entry(contract, "orders");
    assert_true(definition_equal(&entry.definition, &definition));
}

static void test_store_takes_names_of_128_bytes(struct contract *contract)
{
    char name[SEQUENCE_NAME_MAX + 1];
    char other[SEQUENCE_NAME_MAX + 1];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memcpy(other, name, sizeof(name));
    other[SEQUENCE_NAME_MAX - 1] = 'o';
    contract_define(contract, name);
    contract_define(contract, other);
    contract_reserve(contract, name, 9, 0);
    contract_restart(contract);
    assert_true(contract_entry(contract, name).mark >= 9);
    assert_int_equal(contract_entry(contract, other).mark, 0);
}

/* One name being the beginning of another must not make them one. */
static void test_store_keeps_sequences_apart(struct contract *contract)
{
    contract_define(contract, "a");
    contract_define(contract, "ab");
    contract_define(contract, "A");
    contract_reserve(contract, "ab", 50, 0);
    contract_restart(contract);
    assert_int_equal(contract_entry(contract, "a").mark, 0);
    assert_true(contract_entry(contract, "ab").mark >= 50);
    assert_int_equal(contract_entry(contract, "A").mark, 0);
}

/* Counts visits, and ends the walk with `error` at visit number `end_at`. */
struct visits {
    unsigned count;
    unsigned end_at;
    enum error error;
};

static enum error count_visit(void *context, const struct store_entry *entry,
                              struct error_detail *detail)
{
    struct visits *visits = context;

    visits->count++;
    return visits->count == visits->end_at
               ? error_fail(detail, visits->error, "enough at '%s'", entry->name)
               : ERR_OK;
}

static void test_store_visits_nothing_when_empty(struct contract *contract)
{
    struct visits visits = {0};

    assert_int_equal(store_each(contract->store, count_visit, &visits, &contract->detail), ERR_OK);
    assert_int_equal(visits.count, 0);
}

static void test_store_visits_every_sequence_once(struct contract *contract)
{
    struct visits visits = {0};
    char name[16];

    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "s%u", i * 7 % 40);
        contract_define(contract, name);
    }
    contract_restart(contract);
    assert_int_equal(store_each(contract->store, count_visit, &visits, &contract->detail), ERR_OK);
    assert_int_equal(visits.count, 40);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        contract_entry(contract, name);
    }
}

static void test_store_ends_the_walk_with_the_visitors_error(struct contract *contract)
{
    struct visits visits = {.end_at = 2, .error = ERR_CONFLICT};

    contract_define(contract, "a");
    contract_define(contract, "b");
    contract_define(contract, "c");
    assert_int_equal(store_each(contract->store, count_visit, &visits, &contract->detail),
                     ERR_CONFLICT);
    assert_int_equal(visits.count, 2);
    assert_non_null(strstr(contract->detail.text, "enough"));
    /* And the store is none the worse for it. */
    contract_reserve(contract, "a", 1, 0);
}

static void test_store_takes_no_detail_where_none_is_wanted(struct contract *contract)
{
    struct definition definition = definition_default();
    struct store_entry entry;
    struct store_request request = {.name = "orders", .count = 1};

    assert_int_equal(store_define(contract->store, "orders", &definition, &entry, NULL), ERR_OK);
    contract->backend->fail_once(contract->durable, CONTRACT_BEFORE);
    assert_int_equal(store_reserve(contract->store, &request, 1, NULL), ERR_IO);
    assert_int_equal(store_reserve(contract->store, &request, 1, NULL), ERR_UNAVAILABLE);
    assert_int_equal(store_recover(contract->store, NULL), ERR_OK);
}

static void test_store_close_takes_null(struct contract *contract)
{
    (void)contract;
    store_close(NULL);
}

const struct contract_case contract_define_cases[] = {
    CONTRACT_CASE(test_store_starts_a_new_sequence_at_mark_0),
    CONTRACT_CASE(test_store_keeps_the_mark_of_a_sequence_that_is_defined_again),
    CONTRACT_CASE(test_store_remembers_a_definition_whole),
    CONTRACT_CASE(test_store_remembers_the_last_of_two_definitions),
    CONTRACT_CASE(test_store_takes_names_of_128_bytes),
    CONTRACT_CASE(test_store_keeps_sequences_apart),
    CONTRACT_CASE(test_store_visits_nothing_when_empty),
    CONTRACT_CASE(test_store_visits_every_sequence_once),
    CONTRACT_CASE(test_store_ends_the_walk_with_the_visitors_error),
    CONTRACT_CASE(test_store_takes_no_detail_where_none_is_wanted),
    CONTRACT_CASE(test_store_close_takes_null),
    {NULL, NULL},
};
