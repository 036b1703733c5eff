/* The contract of store_ledger(): each act has its row, with the numbers that it is about. */
#include "contract.h"

#include <string.h>

#define ROWS_MAX 64

struct rows {
    struct ledger_entry rows[ROWS_MAX];
    size_t count;
};

static enum error keep(void *context, const struct ledger_entry *entry, struct error_detail *detail)
{
    struct rows *rows = context;

    (void)detail;
    assert_true(rows->count < ROWS_MAX);
    rows->rows[rows->count++] = *entry;
    return ERR_OK;
}

/* One call; asserts ERR_OK. */
static struct rows ask(struct contract *contract, struct store_ledger_query *query)
{
    struct rows rows = {.count = 0};
    enum error error = store_ledger(contract->store, query, keep, &rows, &contract->detail);

    if (error != ERR_OK) {
        fail_msg("ledger: %s: %s", error_name(error), contract->detail.text);
    }
    return rows;
}

/* All rows of `name`; NULL: of every sequence. */
static struct rows rows_of(struct contract *contract, const char *name)
{
    struct store_ledger_query query = {.name = name, .limit = ROWS_MAX};
    struct rows rows = ask(contract, &query);

    assert_false(query.more);
    assert_int_equal(query.damaged, 0);
    assert_int_equal(query.missing, 0);
    return rows;
}

static void assert_row(const struct ledger_entry *row, enum ledger_act act, const char *name,
                       struct range positions)
{
    assert_int_equal(ledger_entry_check(row, NULL), ERR_OK);
    assert_string_equal(ledger_act_name(row->act), ledger_act_name(act));
    assert_string_equal(row->name, name);
    assert_int_equal(row->positions.first, positions.first);
    assert_int_equal(row->positions.limit, positions.limit);
}

static struct store_entry move_to(struct contract *contract, const char *name, uint64_t position,
                                  bool backward, uint64_t *ret_before)
{
    struct store_move move = {.position = position, .backward = backward};
    struct store_entry entry;

    assert_int_equal(store_advance(contract->store, name, &move, &entry, &contract->detail),
                     ERR_OK);
    *ret_before = move.mark_before;
    return entry;
}

static void test_store_has_no_rows_before_the_first_act(struct contract *contract)
{
    struct store_ledger_query query = {.limit = 1};

    contract_define(contract, "orders");
    assert_int_equal(ask(contract, &query).count, 0);
    assert_int_equal(query.oldest.commit, 0);
    assert_false(query.more);
}

static void test_store_notes_a_lease_with_its_generation(struct contract *contract)
{
    struct store_request lease;
    struct rows rows;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    contract_restart(contract);
    rows = rows_of(contract, NULL);
    assert_int_equal(rows.count, 1);
    assert_row(&rows.rows[0], LEDGER_LEASE, "orders", lease.lease);
    assert_int_equal(rows.rows[0].generation, lease.generation);
    assert_true(rows.rows[0].id.commit > 0);
    assert_int_equal(rows.rows[0].id.index, 0);
}

static void test_store_notes_every_lease_of_a_commit(struct contract *contract)
{
    struct store_request requests[] = {{.name = "a", .count = 10}, {.name = "b", .count = 20}};
    struct rows rows;

    contract_define(contract, "a");
    contract_define(contract, "b");
    assert_int_equal(store_reserve(contract->store, requests, 2, &contract->detail), ERR_OK);
    rows = rows_of(contract, NULL);
    assert_int_equal(rows.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_row(&rows.rows[i], LEDGER_LEASE, requests[i].name, requests[i].lease);
        assert_int_equal(rows.rows[i].id.index, i);
        assert_int_equal(rows.rows[i].id.commit, rows.rows[0].id.commit);
        assert_true(rows.rows[i].nonce == rows.rows[0].nonce);
    }
}

/* What will not be issued of a lease is said of its row, and changes nothing else. */
static void test_store_notes_from_where_a_lease_is_issued(struct contract *contract)
{
    static const uint64_t ahead[] = {0, 50, 99, 100, 5000};
    struct range leases[5];
    uint64_t froms[5];
    uint64_t limit = 0;
    struct rows rows;

    contract_define(contract, "orders");
    for (size_t i = 0; i < 5; i++) {
        struct store_request request = {
            .name = "orders", .count = 100, .floor = limit, .from = limit + ahead[i]};

        assert_int_equal(store_reserve(contract->store, &request, 1, &contract->detail), ERR_OK);
        assert_int_equal(range_count(request.lease), 100);
        leases[i] = request.lease;
        froms[i] = range_max(request.lease.first, range_min(request.from, request.lease.limit));
        limit = request.lease.limit;
    }
    assert_true(froms[4] == leases[4].limit && froms[1] > leases[0].limit);
    rows = rows_of(contract, NULL);
    assert_int_equal(rows.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rows.rows[i].positions.first, leases[i].first);
        assert_int_equal(rows.rows[i].from, froms[i]);
    }
}

/* It tells the rows of two copies apart, which may be alike in all else. */
static void test_store_notes_each_commit_with_a_nonce_of_its_own(struct contract *contract)
{
    struct rows rows;

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 100, 0);
    contract_reserve(contract, "orders", 100, 0);
    contract_restart(contract);
    contract_reserve(contract, "orders", 100, 0);
    rows = rows_of(contract, NULL);
    assert_int_equal(rows.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(rows.rows[i].nonce != 0);
        assert_true(rows.rows[i].nonce != rows.rows[(i + 1) % 3].nonce);
    }
}

static void test_store_notes_no_lease_of_nothing(struct contract *contract)
{
    struct definition definition = contract_short_definition(10);

    contract_define_as(contract, "short", &definition);
    contract_reserve(contract, "short", 100, 0);
    contract_reserve(contract, "short", 100, 10);
    assert_int_equal(rows_of(contract, "short").count, 1);
}

static void test_store_notes_what_was_given_back(struct contract *contract)
{
    struct store_request lease;
    struct rows rows;

    contract_define(contract, "orders");
    lease = contract_reserve(contract, "orders", 100, 0);
    assert_true(contract_give_back(contract, &lease, lease.lease.first + 40));
    assert_false(contract_give_back(contract, &lease, lease.lease.first)); /* not noted */
    rows = rows_of(contract, "orders");
    assert_int_equal(rows.count, 2);
    assert_row(&rows.rows[1], LEDGER_RETURN, "orders",
               (struct range){lease.lease.first + 40, lease.lease.limit});
    assert_true(ledger_id_compare(rows.rows[0].id, rows.rows[1].id) < 0);
}

static void test_store_notes_moves_in_both_directions(struct contract *contract)
{
    uint64_t before = 0;
    struct rows rows;

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 10, 0);
    move_to(contract, "orders", 1000, false, &before);
    move_to(contract, "orders", 500, false, &before); /* it is beyond: nothing to note */
    move_to(contract, "orders", 50, true, &before);
    assert_int_equal(before, 1000);
    rows = rows_of(contract, "orders");
    assert_int_equal(rows.count, 3);
    assert_row(&rows.rows[1], LEDGER_ADVANCE, "orders",
               (struct range){rows.rows[0].positions.limit, 1000});
    assert_row(&rows.rows[2], LEDGER_REWIND, "orders", (struct range){50, 1000});
}

/* What makes numbers of positions stays as it was when the row was written. */
static void test_store_keeps_a_rows_own_numbers(struct contract *contract)
{
    struct definition down = definition_default();
    struct definition other = definition_default();
    struct store_request lease;
    struct store_entry entry;
    struct rows rows;

    down.start = 1000;
    down.increment = -3;
    down.min = 1;
    down.max = 1000;
    other.start = 5000;
    contract_define_as(contract, "orders", &down);
    lease = contract_reserve(contract, "orders", 10, 0);
    assert_int_equal(store_drop(contract->store, "orders", &entry, &contract->detail), ERR_OK);
    contract_define_as(contract, "orders", &other);
    contract_reserve(contract, "orders", 10, 0);
    rows = rows_of(contract, "orders");
    assert_int_equal(rows.count, 2);
    assert_int_equal(ledger_entry_number(&rows.rows[0], lease.lease.first),
                     1000 - 3 * (int64_t)lease.lease.first);
    assert_int_equal(rows.rows[0].increment, -3);
    assert_int_equal(rows.rows[1].start, 5000);
}

static void test_store_notes_the_layout_of_a_timestamp_sequence(struct contract *contract)
{
    struct definition definition = definition_default_timestamp();
    struct store_request lease;
    struct rows rows;

    definition.layout.node_id = 17;
    contract_define_as(contract, "events", &definition);
    lease = contract_reserve(contract, "events", 5000, 4096);
    rows = rows_of(contract, "events");
    assert_int_equal(rows.count, 1);
    assert_row(&rows.rows[0], LEDGER_LEASE, "events", lease.lease);
    assert_int_equal(rows.rows[0].kind, SEQUENCE_TIMESTAMP);
    assert_true(layout_same_fields(&rows.rows[0].layout, &definition.layout));
    assert_int_equal(ledger_entry_number(&rows.rows[0], lease.lease.first),
                     definition_number_at(&definition, lease.lease.first));
}

static void test_store_finds_the_rows_of_a_number(struct contract *contract)
{
    struct store_request first;
    struct store_request second;
    struct store_ledger_query query = {.has_number = true, .limit = ROWS_MAX};
    struct rows rows;

    contract_define(contract, "orders");
    contract_define(contract, "events");
    first = contract_reserve(contract, "orders", 100, 0);
    second = contract_reserve(contract, "orders", 100, first.lease.limit);
    query.number = (int64_t)second.lease.first + 1;
    rows = ask(contract, &query);
    assert_int_equal(rows.count, 1);
    assert_row(&rows.rows[0], LEDGER_LEASE, "orders", second.lease);
    query.name = "events";
    assert_int_equal(ask(contract, &query).count, 0);
    query.name = NULL;
    query.number = (int64_t)second.lease.limit + 1;
    assert_int_equal(ask(contract, &query).count, 0);
}

static void test_store_gives_the_ledger_page_by_page(struct contract *contract)
{
    struct store_ledger_query query = {.limit = 3, .more = true};
    struct ledger_id last = {0};
    size_t count = 0;

    contract_define(contract, "orders");
    for (unsigned i = 0; i < 7; i++) {
        contract_reserve(contract, "orders", 10, 0);
    }
    for (unsigned pages = 0; query.more; pages++) {
        struct rows rows = ask(contract, &query);

        assert_true(pages < 3);
        assert_int_equal(rows.count, pages < 2 ? 3 : 1);
        for (size_t i = 0; i < rows.count; i++) {
            assert_true(ledger_id_compare(rows.rows[i].id, last) > 0);
            last = rows.rows[i].id;
        }
        assert_int_equal(ledger_id_compare(query.last, last), 0);
        assert_true(query.oldest.commit > 0 && ledger_id_compare(query.oldest, last) < 0);
        query.after = query.last;
        count += rows.count;
    }
    assert_int_equal(count, 7);
}

/* A commit that takes effect brings its row, and one that does not brings none. */
static void test_store_keeps_a_row_and_its_mark_together(struct contract *contract)
{
    for (int fault = 0; fault < CONTRACT_FAULTS; fault++) {
        const char *name = fault == CONTRACT_BEFORE ? "before" : "after";
        struct store_request request = {.name = name, .count = 100};
        uint64_t limit = 0;
        struct rows rows;

        contract_define(contract, name);
        contract->backend->fail_once(contract->durable, (enum contract_fault)fault);
        assert_int_not_equal(store_reserve(contract->store, &request, 1, &contract->detail),
                             ERR_OK);
        contract->backend->heal(contract->durable);
        assert_int_equal(store_recover(contract->store, &contract->detail), ERR_OK);
        rows = rows_of(contract, name);
        for (size_t i = 0; i < rows.count; i++) {
            limit = rows.rows[i].positions.limit;
        }
        assert_true(!contract->backend->contiguous || contract_entry(contract, name).mark == limit);
        assert_true(limit <= contract_entry(contract, name).mark);
    }
}

static enum error refuse(void *context, const struct ledger_entry *entry,
                         struct error_detail *detail)
{
    (void)context;
    (void)entry;
    return error_fail(detail, ERR_CONFLICT, "no more");
}

static void test_store_forwards_what_a_visitor_of_the_ledger_returns(struct contract *contract)
{
    struct store_ledger_query query = {.limit = 10};

    contract_define(contract, "orders");
    contract_reserve(contract, "orders", 10, 0);
    contract_reserve(contract, "orders", 10, 0);
    assert_int_equal(store_ledger(contract->store, &query, refuse, NULL, &contract->detail),
                     ERR_CONFLICT);
    contract_reserve(contract, "orders", 10, 0); /* and the store goes on */
}

const struct contract_case contract_ledger_cases[] = {
    CONTRACT_CASE(test_store_has_no_rows_before_the_first_act),
    CONTRACT_CASE(test_store_notes_a_lease_with_its_generation),
    CONTRACT_CASE(test_store_notes_every_lease_of_a_commit),
    CONTRACT_CASE(test_store_notes_each_commit_with_a_nonce_of_its_own),
    CONTRACT_CASE(test_store_notes_from_where_a_lease_is_issued),
    CONTRACT_CASE(test_store_notes_no_lease_of_nothing),
    CONTRACT_CASE(test_store_notes_what_was_given_back),
    CONTRACT_CASE(test_store_notes_moves_in_both_directions),
    CONTRACT_CASE(test_store_keeps_a_rows_own_numbers),
    CONTRACT_CASE(test_store_notes_the_layout_of_a_timestamp_sequence),
    CONTRACT_CASE(test_store_finds_the_rows_of_a_number),
    CONTRACT_CASE(test_store_gives_the_ledger_page_by_page),
    CONTRACT_CASE(test_store_keeps_a_row_and_its_mark_together),
    CONTRACT_CASE(test_store_forwards_what_a_visitor_of_the_ledger_returns),
    {NULL, NULL},
};
