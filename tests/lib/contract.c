#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 112

/* What a case begins with: cmocka's initial state. */
struct beginning {
    const struct contract_backend *backend;
    const struct contract_case *which;
};

/* What it runs in. */
struct scene {
    struct contract contract;
    const struct contract_case *which;
};

static void open_store(struct contract *contract)
{
    enum error error =
        contract->backend->open(contract->durable, &contract->store, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("open: %s: %s", error_name(error), contract->detail.text);
    }
}

static int set_up(void **state)
{
    const struct beginning *beginning = *state;
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->which = beginning->which;
    scene->contract.backend = beginning->backend;
    scene->contract.durable = beginning->backend->make();
    open_store(&scene->contract);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    store_close(scene->contract.store);
    scene->contract.backend->destroy(scene->contract.durable);
    free(scene);
    return 0;
}

static void run_case(void **state)
{
    struct scene *scene = *state;

    scene->which->run(&scene->contract);
}

int contract_run(const struct contract_backend *backend)
{
    const struct contract_case *const lists[] = {contract_define_cases,    contract_reserve_cases,
                                                 contract_give_back_cases, contract_failure_cases,
                                                 contract_admin_cases,     contract_random_cases,
                                                 contract_lives_cases,     contract_ledger_cases};
    static struct CMUnitTest tests[CASES_MAX];
    static struct beginning beginnings[CASES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct contract_case *which = lists[i]; which->name != NULL; which++) {
            assert_true(count < CASES_MAX);
            beginnings[count] = (struct beginning){.backend = backend, .which = which};
            tests[count] = (struct CMUnitTest){.name = which->name,
                                               .test_func = run_case,
                                               .setup_func = set_up,
                                               .teardown_func = tear_down,
                                               .initial_state = &beginnings[count]};
            count++;
        }
    }
    return _cmocka_run_group_tests(backend->name, tests, count, NULL, NULL);
}

void contract_restart(struct contract *contract)
{
    store_close(contract->store);
    contract->store = NULL;
    open_store(contract);
}

struct definition contract_short_definition(int64_t capacity)
{
    struct definition definition = definition_default();

    definition.max = capacity;
    definition.max_gap = 16;
    assert_int_equal(definition_capacity(&definition), capacity);
    return definition;
}

struct store_entry contract_define_as(struct contract *contract, const char *name,
                                      const struct definition *definition)
{
    struct store_entry entry;
    enum error error = store_define(contract->store, name, definition, &entry, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("define '%s': %s: %s", name, error_name(error), contract->detail.text);
    }
    return entry;
}

struct store_entry contract_define(struct contract *contract, const char *name)
{
    struct definition definition = definition_default();

    return contract_define_as(contract, name, &definition);
}

/* What contract_entry() looks for and finds. */
struct search {
    const char *name;
    struct store_entry entry;
    unsigned found;
};

static enum error look(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    struct search *search = context;

    (void)detail;
    if (strcmp(entry->name, search->name) == 0) {
        search->entry = *entry;
        search->found++;
    }
    return ERR_OK;
}

struct store_entry contract_entry(struct contract *contract, const char *name)
{
    struct search search = {.name = name};
    enum error error = store_each(contract->store, look, &search, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("each: %s: %s", error_name(error), contract->detail.text);
    }
    assert_int_equal(search.found, 1);
    return search.entry;
}

struct store_request contract_reserve(struct contract *contract, const char *name, uint64_t count,
                                      uint64_t floor)
{
    struct store_request request = {.name = name, .count = count, .floor = floor};
    enum error error = store_reserve(contract->store, &request, 1, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("reserve '%s': %s: %s", name, error_name(error), contract->detail.text);
    }
    assert_int_equal(request.error, ERR_OK);
    assert_true(request.lease.first >= floor);
    assert_true(request.lease.limit >= request.lease.first);
    assert_true(range_count(request.lease) <= count);
    assert_int_equal(request.burnt_limit, request.lease.limit);
    return request;
}

bool contract_give_back(struct contract *contract, const struct store_request *lease, uint64_t mark)
{
    struct store_return giving = {.name = lease->name,
                                  .generation = lease->generation,
                                  .lease_limit = lease->lease.limit,
                                  .mark = mark};
    enum error error = store_give_back(contract->store, &giving, 1, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("give back '%s': %s: %s", lease->name, error_name(error), contract->detail.text);
    }
    return giving.accepted;
}
