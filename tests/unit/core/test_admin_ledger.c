/* A page of the ledger through the keeper: what is leased is on it, and the lease goes on. */
#include "admin_stage.h"

#include <stdlib.h>

static struct admin_request page_of(const char *name, size_t limit, struct ledger_id after)
{
    struct admin_request request = {.action = ADMIN_LEDGER,
                                    .ledger = {.limit = limit, .after = after}};
    (void)snprintf(request.ledger.name, sizeof request.ledger.name, "%s", name);
    return request;
}

static void test_admin_reads_the_rows_of_what_is_leased(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", house_fixed_lease(10));
    house_declare(house, "b", house_fixed_lease(10));
    house_start(house);
    int64_t first = house_must_take(house_find(house, "a"), 3);
    (void)house_must_take(house_find(house, "b"), 1);
    struct admin_request all = admin_stage_must(house, page_of("", 100, (struct ledger_id){0}));
    assert_true(all.ledger.count >= 2);
    assert_false(all.ledger.more);
    struct admin_request request = page_of("a", 100, (struct ledger_id){0});
    request.ledger.has_number = true;
    request.ledger.number = first + 2;
    struct admin_request answer = admin_stage_must(house, request);
    assert_int_equal(answer.ledger.count, 1);
    assert_string_equal(answer.ledger.rows[0].name, "a");
    assert_int_equal(answer.ledger.rows[0].act, LEDGER_LEASE);
    assert_true(ledger_entry_covers(&answer.ledger.rows[0], first));
    assert_false(answer.ledger.more);
    assert_int_equal(ledger_id_compare(answer.ledger.oldest, all.ledger.rows[0].id), 0);
    free(answer.ledger.rows);
    free(all.ledger.rows);
}

/* The keeper may lease in between, and its rows come as well. */
static void test_admin_reads_the_ledger_page_by_page(void **state)
{
    struct house *house = *state;
    struct ledger_id after = {0};
    unsigned advances = 0;
    bool more = true;
    house_start(house);
    admin_stage_must(house, admin_stage_create("a", house_fixed_lease(10)));
    for (int64_t past = 1000; past <= 5000; past += 1000) {
        admin_stage_must(house, admin_stage_advance("a", past, false));
    }
    for (unsigned pages = 0; more; pages++) {
        struct admin_request page = admin_stage_must(house, page_of("a", 3, after));
        assert_true(pages < 100 && page.ledger.count <= 3);
        for (size_t i = 0; i < page.ledger.count; i++) {
            const struct ledger_entry *row = &page.ledger.rows[i];
            assert_true(ledger_id_compare(row->id, after) > 0);
            after = row->id;
            advances += row->act == LEDGER_ADVANCE ? 1 : 0;
        }
        more = page.ledger.more;
        assert_true(!more || page.ledger.count == 3);
        assert_int_equal(ledger_id_compare(page.ledger.last, after), 0);
        free(page.ledger.rows);
    }
    assert_int_equal(advances, 5);
}

/* It is read between two commits, so a store that fails has none. */
static void test_admin_reads_no_ledger_while_the_store_fails(void **state)
{
    struct house *house = *state;
    house_start(house);
    store_memory_fail(house->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    struct admin_request lost = admin_stage_ask(house, admin_stage_create("a", house_every()));
    assert_int_equal(lost.error, ERR_UNAVAILABLE);
    struct admin_request answer = admin_stage_ask(house, page_of("", 100, (struct ledger_id){0}));
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_int_equal(answer.ledger.count, 0);
    free(answer.ledger.rows);
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
    house_wait_until(!house_health_of(house).failing);
    answer = admin_stage_must(house, page_of("", 100, (struct ledger_id){0}));
    free(answer.ledger.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_admin_reads_the_rows_of_what_is_leased),
        house_test(test_admin_reads_the_ledger_page_by_page),
        house_test(test_admin_reads_no_ledger_while_the_store_fails),
    };
    return cmocka_run_group_tests_name("admin ledger", tests, NULL, NULL);
}
