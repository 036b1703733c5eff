/* The ledger of store_lmdb, which never stands in a lease's way: on a full disk, in a small map, in
 * an old data set, damaged, and where none is kept. */
#include "apart.h"
#include "chance.h"
#include "dir.h"
#include "ledger_stage.h"

#include "store/ledger_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(fact) APART_CHECK(fact, detail.text)
#define MANY STORE_REQUESTS_MAX
#define PAGE_BYTES 4096

static struct error_detail detail;

static void lease_many(struct store *store, size_t count)
{
    assert_int_equal(ledger_stage_lease_many(store, count, &detail), ERR_OK);
}

/* ---- without room ---- */

static void renew_on_a_full_disk(const struct dir *dir)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store_request request = {.name = "orders", .count = 10};
    struct ledger_stage_look before;
    struct ledger_stage_look after;
    struct store *store = NULL;

    apart_mount(dir, "4m");
    CHECK(store_lmdb_open(&options, &store, &detail) == ERR_OK);
    ledger_stage_define(store, "orders");
    apart_fill(dir);
    /* Until the file is as full as it may be, and on. */
    for (unsigned i = 0; i < 6000; i++) {
        CHECK(store_reserve(store, &request, 1, &detail) == ERR_OK);
    }
    before = ledger_stage_look(store);
    CHECK(before.rows > 500 && before.rows < 6000);
    for (unsigned i = 0; i < 6000; i++) {
        CHECK(store_reserve(store, &request, 1, &detail) == ERR_OK);
    }
    after = ledger_stage_look(store);
    CHECK(after.rows <= before.rows && after.rows >= before.rows / 2);
    CHECK(after.last.positions.limit == 120000 && after.missing == 0);
    CHECK(store_recover(store, &detail) == ERR_OK);
    store_close(store);
    CHECK(store_lmdb_open(&options, &store, &detail) == ERR_OK);
    CHECK(ledger_stage_look(store).rows == after.rows);
    store_close(store);
}

static void test_ledger_gives_way_on_a_full_disk(void **state)
{
    apart_tell(*state, renew_on_a_full_disk);
}

static uint64_t seed;

/* The largest commits and smaller ones, as it comes, on a disk that is full sooner or later. */
static void renew_at_random_on_a_full_disk(const struct dir *dir)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct chance chance = chance_from(seed);
    unsigned sequences = 1 + (unsigned)chance_below(&chance, MANY);
    uint64_t full_from = chance_below(&chance, 20);
    struct store *store = NULL;

    apart_mount(dir, "24m");
    CHECK(store_lmdb_open(&options, &store, &detail) == ERR_OK);
    ledger_stage_define_many(store, sequences);
    for (uint64_t i = 0; i < 120; i++) {
        if (i == full_from) {
            apart_fill(dir);
        }
        CHECK(ledger_stage_lease_many(store, 1 + (size_t)chance_below(&chance, sequences),
                                      &detail) == ERR_OK);
    }
    CHECK(ledger_stage_look(store).damaged == 0);
    store_close(store);
}

static void test_ledger_gives_way_to_any_commits_on_a_full_disk(void **state)
{
    struct chance chance = chance_from(chance_seed());

    for (unsigned i = 0; i < 10; i++) {
        seed = chance_next(&chance);
        apart_tell(*state, renew_at_random_on_a_full_disk);
    }
}

/* The largest commits, with a row each, when there is no room for one of them. */
static void renew_many_on_a_full_disk(const struct dir *dir)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = NULL;

    apart_mount(dir, "16m");
    CHECK(store_lmdb_open(&options, &store, &detail) == ERR_OK);
    ledger_stage_define_many(store, MANY);
    apart_fill(dir);
    for (unsigned i = 0; i < 60; i++) {
        CHECK(ledger_stage_lease_many(store, MANY, &detail) == ERR_OK);
    }
    CHECK(ledger_stage_look(store).rows < 60 * MANY);
    store_close(store);
}

static void test_ledger_gives_way_to_thousands_on_a_full_disk(void **state)
{
    apart_tell(*state, renew_many_on_a_full_disk);
}

/* A map that is all too small for a ledger: no lease is refused, and what is missing is known. */
static void test_ledger_counts_what_it_had_no_room_for(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct ledger_stage_look look;
    struct ledger_stage_look again;
    struct store *store;

    options.map_size_bytes = UINT64_C(128) << 10;
    options.map_size_max_bytes = UINT64_C(128) << 10;
    store = ledger_stage_open(&options);
    ledger_stage_define(store, "orders");
    for (unsigned i = 0; i < 500; i++) {
        ledger_stage_lease(store, "orders", 10);
    }
    look = ledger_stage_look(store);
    assert_true(look.rows < 500);
    store_close(store);
    store = ledger_stage_open(&options);
    again = ledger_stage_look(store);
    print_message("    %zu rows, %llu missing\n", again.rows, (unsigned long long)again.missing);
    assert_int_equal(again.missing, look.missing);
    assert_true(look.missing > 0);
    assert_int_equal(ledger_stage_lease(store, "orders", 10).first, 5000);
    store_close(store);
}

/* ---- of another time, damaged, and none ---- */

static void test_ledger_begins_in_a_data_set_that_had_none(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    struct ledger_stage_look look;
    struct range lease;

    ledger_stage_define(store, "orders");
    ledger_stage_lease(store, "orders", 100);
    store_close(store);
    ledger_stage_remove(dir);
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_look(store).rows, 0);
    lease = ledger_stage_lease(store, "orders", 7);
    assert_int_equal(lease.first, 100);
    look = ledger_stage_look(store);
    assert_int_equal(look.rows, 1);
    assert_int_equal(look.last.positions.first, lease.first);
    assert_int_equal(look.last.positions.limit, lease.limit);
    store_close(store);
}

static void test_ledger_passes_over_a_damaged_row(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    struct ledger_stage_look look;
    char *text = NULL;
    size_t length = 0;
    FILE *to;

    ledger_stage_define(store, "orders");
    for (unsigned i = 0; i < 3; i++) {
        ledger_stage_lease(store, "orders", 10);
    }
    look = ledger_stage_look(store);
    store_close(store);
    ledger_stage_turn(dir, (struct ledger_id){look.first.id.commit + 1, 0});
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_lease(store, "orders", 10).first, 30);
    look = ledger_stage_look(store);
    assert_int_equal(look.rows, 3);
    assert_int_equal(look.damaged, 1);
    assert_int_equal(look.missing, 0);
    assert_non_null(to = open_memstream(&text, &length));
    assert_int_equal(store_backup(store, to, &detail), ERR_OK);
    assert_int_equal(fclose(to), 0);
    assert_null(strstr(text, " 10 20 10 0 1 1 "));
    assert_non_null(strstr(text, " 20 30 20 0 1 1 "));
    assert_non_null(strstr(text, "\nmissing 0 damaged 1\n"));
    free(text);
    store_close(store);
}

/* Every page that ever held the row: LMDB finds no leaf there. */
static void ruin_pages(const struct dir *dir, const struct ledger_entry *row)
{
    static const uint8_t no_flags[2];
    uint8_t bytes[LEDGER_RECORD_MAX];
    size_t length = ledger_record_encode(row, bytes);
    uint64_t at = dir_find(dir, "data.mdb", 0, bytes, length);
    unsigned pages = 0;

    while (at != UINT64_MAX) {
        dir_patch(dir, "data.mdb", at / PAGE_BYTES * PAGE_BYTES + 10, no_flags, sizeof no_flags);
        at = dir_find(dir, "data.mdb", at + 1, bytes, length);
        pages++;
    }
    assert_true(pages > 0);
}

static void test_ledger_whose_table_is_damaged_is_left_alone(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    struct store_ledger_query query = {.limit = 1};
    struct ledger_stage_look look;
    char *text = NULL;
    size_t length = 0;
    FILE *to;

    ledger_stage_define(store, "orders");
    ledger_stage_lease(store, "orders", 10);
    ledger_stage_lease(store, "orders", 10);
    look = ledger_stage_look(store);
    store_close(store);
    ruin_pages(dir, &look.last);
    store = ledger_stage_open(&options);
    for (unsigned i = 2; i < 20; i++) {
        assert_int_equal(ledger_stage_lease(store, "orders", 10).first, 10 * i);
    }
    assert_int_equal(store_ledger(store, &query, NULL, NULL, &detail), ERR_CORRUPT);
    assert_int_equal(ledger_stage_lease(store, "orders", 10).first, 200);
    assert_int_equal(store_recover(store, &detail), ERR_OK);
    assert_int_equal(ledger_stage_lease(store, "orders", 10).first, 210);
    assert_non_null(to = open_memstream(&text, &length));
    assert_int_equal(store_backup(store, to, &detail), ERR_OK);
    assert_int_equal(fclose(to), 0);
    assert_null(strstr(text, "\nledger "));
    assert_non_null(strstr(text, "\nmissing 20 damaged 1\nchecksum "));
    free(text);
    store_close(store);
}

static void test_ledger_is_not_kept_where_none_is_wanted(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = ledger_stage_open(&options);
    struct store_ledger_query query = {.limit = 1};

    ledger_stage_define_many(store, MANY);
    lease_many(store, MANY);
    store_close(store);
    assert_true(ledger_stage_pages(dir) > 10);
    options.no_ledger = true;
    store = ledger_stage_open(&options);
    lease_many(store, MANY);
    assert_int_equal(store_ledger(store, &query, NULL, NULL, &detail), ERR_NOT_FOUND);
    store_close(store);
    assert_int_equal(ledger_stage_pages(dir), 0);
    options.no_ledger = false;
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_look(store).rows, 0);
    lease_many(store, MANY);
    assert_int_equal(ledger_stage_look(store).rows, MANY);
    assert_int_equal(ledger_stage_look(store).missing, 0);
    store_close(store);
}

static void test_ledger_has_bounds_of_size(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store = NULL;

    options.ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_MIN - 1;
    assert_int_equal(store_lmdb_open(&options, &store, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "1048576"));
    options.ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_MAX + 1;
    assert_int_equal(store_lmdb_open(&options, &store, &detail), ERR_INVALID);
    options.ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_MAX;
    assert_int_equal(store_lmdb_open(&options, &store, &detail), ERR_OK);
    store_close(store);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, dir_set_up, dir_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_ledger_gives_way_on_a_full_disk),
        CASE(test_ledger_gives_way_to_thousands_on_a_full_disk),
        CASE(test_ledger_gives_way_to_any_commits_on_a_full_disk),
        CASE(test_ledger_counts_what_it_had_no_room_for),
        CASE(test_ledger_begins_in_a_data_set_that_had_none),
        CASE(test_ledger_passes_over_a_damaged_row),
        CASE(test_ledger_whose_table_is_damaged_is_left_alone),
        CASE(test_ledger_is_not_kept_where_none_is_wanted),
        CASE(test_ledger_has_bounds_of_size),
    };

    return cmocka_run_group_tests_name("store ledger", tests, NULL, NULL);
}
