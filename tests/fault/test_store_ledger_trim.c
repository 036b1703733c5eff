/* The ledger of store_lmdb is trimmed, by size and by age, a few rows at a time. */
#include "dir.h"
#include "ledger_stage.h"

#include "base/clock.h"
#include "base/wall_clock.h"
#include "store/backup.h"
#include "store/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY STORE_REQUESTS_MAX
#define HOUR_MS UINT64_C(3600000)
#define PAGE_BYTES 4096

static struct error_detail detail;

static void lease_many(struct store *store, size_t count)
{
    assert_int_equal(ledger_stage_lease_many(store, count, &detail), ERR_OK);
}

/* No call looks at more rows than it may, also where it finds none. */
static void assert_pages_of_nothing(struct store *store, size_t pages)
{
    struct store_ledger_query query = {.name = "nothing", .limit = 1, .more = true};
    size_t count = 0;

    while (query.more) {
        assert_int_equal(store_ledger(store, &query, NULL, NULL, &detail), ERR_OK);
        query.after = query.last;
        count++;
    }
    assert_int_equal(count, pages);
}

static void test_ledger_forgets_the_oldest_rows_beyond_its_size(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct ledger_stage_look look;
    struct store *store;
    unsigned rounds = 0;

    options.ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_MIN;
    store = ledger_stage_open(&options);
    ledger_stage_define_many(store, MANY);
    do {
        lease_many(store, MANY);
        look = ledger_stage_look(store);
        rounds++;
        assert_true(rounds < 40);
    } while (look.rows == rounds * MANY);
    /* From here on it stands still, and what is there is the newest without a hole. */
    for (unsigned i = 0; i < 3; i++) {
        lease_many(store, MANY);
        rounds++;
    }
    look = ledger_stage_look(store);
    assert_int_equal(ledger_id_compare(look.oldest, look.first.id), 0);
    assert_int_equal(look.last.id.index, MANY - 1);
    assert_int_equal(look.rows, (look.last.id.commit - look.first.id.commit) * MANY + MANY -
                                    look.first.id.index);
    assert_int_equal(look.missing, 0);
    assert_true(look.rows > STORE_LEDGER_SCAN_MAX);
    assert_pages_of_nothing(store, (look.rows - 1) / STORE_LEDGER_SCAN_MAX + 1);
    store_close(store);
    assert_in_range(ledger_stage_pages(dir), STORE_LMDB_LEDGER_SIZE_MIN / PAGE_BYTES - 8,
                    STORE_LMDB_LEDGER_SIZE_MIN / PAGE_BYTES + 1);
}

static void test_ledger_has_an_eighth_of_the_map_at_most(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store;

    options.map_size_bytes = UINT64_C(4) << 20;
    options.map_size_max_bytes = UINT64_C(4) << 20;
    store = ledger_stage_open(&options);
    ledger_stage_define_many(store, 100);
    for (unsigned i = 0; i < 60; i++) {
        lease_many(store, 100);
    }
    assert_int_equal(ledger_stage_look(store).missing, 0);
    store_close(store);
    assert_in_range(ledger_stage_pages(dir), 100, (4 << 20) / 8 / PAGE_BYTES + 1);
}

/* A data set whose rows are a day old, made as a restore makes one. */
static void make_old_rows(const struct dir *dir, unsigned rows)
{
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct definition definition = definition_default();
    struct record record = {.definition = definition, .generation = 1, .mark = 10 * rows};
    struct meta meta = {.counter = rows, .committed_ms = 1};
    uint64_t day_ago = (uint64_t)wall_clock_ms(wall_clock_system()) - 24 * HOUR_MS;
    struct store_lmdb_moved moved;
    struct backup backup;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    assert_non_null(to);
    backup_begin(&backup, to, &meta, 0);
    backup_add(&backup, "orders", &record);
    for (unsigned i = 0; i < rows; i++) {
        struct ledger_entry row = ledger_entry_of("orders", &definition, LEDGER_LEASE,
                                                  (struct range){10 * i, 10 * i + 10}, i + 1);

        row.id.commit = i + 1;
        row.time_ms = day_ago;
        backup_add_row(&backup, &row);
    }
    backup_end(&backup, 0, 0);
    assert_int_equal(fclose(to), 0);
    if (store_lmdb_restore(&options, text, length, 0, &moved, &detail) != ERR_OK) {
        fail_msg("restore: %s", detail.text);
    }
    free(text);
}

static void test_ledger_forgets_what_is_too_old_a_few_rows_at_a_time(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store;

    make_old_rows(dir, 30);
    options.ledger_age_ms = 48 * HOUR_MS;
    store = ledger_stage_open(&options);
    ledger_stage_lease(store, "orders", 10);
    assert_int_equal(ledger_stage_look(store).rows, 31); /* none is too old */
    store_close(store);

    options.ledger_age_ms = 12 * HOUR_MS;
    store = ledger_stage_open(&options);
    assert_int_equal(ledger_stage_look(store).rows, 31); /* nothing is written at a start */
    ledger_stage_lease(store, "orders", 10);
    assert_int_equal(ledger_stage_look(store).rows, 31 - LEDGER_EVICTED_MAX + 1);
    for (unsigned i = 0; i < 10; i++) {
        ledger_stage_lease(store, "orders", 10);
    }
    assert_int_equal(ledger_stage_look(store).rows, 12); /* those that were written here */
    assert_int_equal(ledger_stage_look(store).missing, 0);
    store_close(store);
}

/* The rows grow old while the store is open. */
static void test_ledger_forgets_while_the_store_is_open(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct instant until = clock_after(clock_now(), 20 * CLOCK_NS_PER_S);
    struct store *store;
    size_t leases = 0;

    options.ledger_age_ms = 100;
    store = ledger_stage_open(&options);
    ledger_stage_define(store, "orders");
    do {
        assert_false(clock_reached(until, clock_now()));
        ledger_stage_lease(store, "orders", 10);
        leases++;
    } while (ledger_stage_look(store).rows == leases);
    assert_int_equal(ledger_stage_look(store).missing, 0);
    store_close(store);
}

/* It has no age of its own, and must not stand in the way of those behind it. */
static void test_ledger_forgets_a_damaged_row_with_the_next(void **state)
{
    const struct dir *dir = *state;
    struct store_lmdb_options options = ledger_stage_options(dir);
    struct store *store;

    make_old_rows(dir, 3);
    ledger_stage_turn(dir, (struct ledger_id){1, 0});
    options.ledger_age_ms = 48 * HOUR_MS;
    store = ledger_stage_open(&options);
    ledger_stage_lease(store, "orders", 10);
    assert_int_equal(ledger_stage_look(store).damaged, 1);
    store_close(store);
    options.ledger_age_ms = 12 * HOUR_MS;
    store = ledger_stage_open(&options);
    ledger_stage_lease(store, "orders", 10);
    assert_int_equal(ledger_stage_look(store).damaged, 0);
    assert_int_equal(ledger_stage_look(store).rows, 2);
    store_close(store);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, dir_set_up, dir_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_ledger_forgets_the_oldest_rows_beyond_its_size),
        CASE(test_ledger_has_an_eighth_of_the_map_at_most),
        CASE(test_ledger_forgets_what_is_too_old_a_few_rows_at_a_time),
        CASE(test_ledger_forgets_while_the_store_is_open),
        CASE(test_ledger_forgets_a_damaged_row_with_the_next),
    };

    return cmocka_run_group_tests_name("store ledger trim", tests, NULL, NULL);
}
