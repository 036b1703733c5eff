#include "ctl/fate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NUMBER 50 /* at position 49 */
#define LETTERS_MAX 8

/* One letter a row that covers NUMBER: Lease, Return, Advance, reWind, aDopt; '|' begins another
 * life. */
static size_t rows_of(const char *letters, struct ledger_entry rows[LETTERS_MAX])
{
    size_t count = 0;
    uint8_t life = 0;
    for (; *letters != '\0'; letters++) {
        enum ledger_act act = LEDGER_LEASE;
        if (*letters == '|') {
            life++;
            continue;
        }
        act = *letters == 'R'   ? LEDGER_RETURN
              : *letters == 'A' ? LEDGER_ADVANCE
              : *letters == 'W' ? LEDGER_REWIND
              : *letters == 'D' ? LEDGER_ADOPT
                                : act;
        assert_true(count < LETTERS_MAX);
        rows[count] = (struct ledger_entry){.id = {count + 1, 0},
                                            .act = act,
                                            .name = "orders",
                                            .positions = {0, 100},
                                            .start = 1,
                                            .increment = 1};
        memset(rows[count].incarnation, life, sizeof rows[count].incarnation);
        count++;
    }
    return count;
}

/* `next`: position that the server issues next; SIZE_MAX: no server. */
static void expect(const char *letters, uint64_t next, enum fate number, const enum fate *of_rows)
{
    struct ledger_entry items[LETTERS_MAX];
    struct ledger_mark mark = {
        .mark = 100, .running = true, .next = next, .definition = definition_default()};
    struct fate_rows rows = {.items = items,
                             .count = rows_of(letters, items),
                             .mark = next == SIZE_MAX ? NULL : &mark,
                             .number = NUMBER};
    if (fate_of_number(&rows) != number) {
        fail_msg("%s: '%s', not '%s'", letters, fate_word(fate_of_number(&rows)),
                 fate_word(number));
    }
    for (size_t i = 0; i < rows.count; i++) {
        if (fate_of_row(&rows, i) != of_rows[i]) {
            fail_msg("%s, row %zu: '%s', not '%s'", letters, i, fate_word(fate_of_row(&rows, i)),
                     fate_word(of_rows[i]));
        }
    }
}

#define FATES(...) ((const enum fate[]){__VA_ARGS__})

static void test_fate_names_the_lease_that_may_have_issued(void **state)
{
    (void)state;
    expect("L", SIZE_MAX, FATE_MAYBE, FATES(FATE_MAYBE));
    expect("L", 50, FATE_MAYBE, FATES(FATE_MAYBE));
    expect("LRL", SIZE_MAX, FATE_MAYBE, FATES(FATE_GIVEN_BACK, FATE_GIVEN_BACK, FATE_MAYBE));
    expect("LA", 50, FATE_MAYBE, FATES(FATE_MAYBE, FATE_SKIPPED));
    expect("LW", 0, FATE_MAYBE, FATES(FATE_MAYBE, FATE_FORCED));
    expect("LRLR", 50, FATE_GIVEN_BACK,
           FATES(FATE_GIVEN_BACK, FATE_GIVEN_BACK, FATE_GIVEN_BACK, FATE_GIVEN_BACK));
}

static void test_fate_knows_what_the_server_has_not_come_to(void **state)
{
    (void)state;
    expect("L", 49, FATE_HELD, FATES(FATE_HELD));
    expect("LRL", 10, FATE_HELD, FATES(FATE_GIVEN_BACK, FATE_GIVEN_BACK, FATE_HELD));
    /* The mark was moved on: it is not come to any more. */
    expect("LA", 10, FATE_MAYBE, FATES(FATE_MAYBE, FATE_SKIPPED));
}

static void test_fate_names_all_that_may_have_issued(void **state)
{
    (void)state;
    expect("LL", SIZE_MAX, FATE_SEVERAL, FATES(FATE_MAYBE, FATE_MAYBE));
    expect("LWL", 50, FATE_SEVERAL, FATES(FATE_MAYBE, FATE_FORCED, FATE_MAYBE));
    expect("LWLR", 10, FATE_MAYBE,
           FATES(FATE_MAYBE, FATE_FORCED, FATE_GIVEN_BACK, FATE_GIVEN_BACK));
    /* A life gives back nothing that another one leased. */
    expect("L|RL", SIZE_MAX, FATE_SEVERAL, FATES(FATE_MAYBE, FATE_GIVEN_BACK, FATE_MAYBE));
}

static void test_fate_of_what_was_never_leased(void **state)
{
    (void)state;
    expect("A", 50, FATE_SKIPPED, FATES(FATE_SKIPPED));
    expect("LR|D", 50, FATE_SKIPPED, FATES(FATE_GIVEN_BACK, FATE_GIVEN_BACK, FATE_SKIPPED));
    expect("W", 50, FATE_FORCED, FATES(FATE_FORCED));
}

static void test_fate_of_a_time_that_had_passed(void **state)
{
    (void)state;
    struct ledger_entry lease = {.id = {1, 0},
                                 .act = LEDGER_LEASE,
                                 .time_ms = LAYOUT_EPOCH_DEFAULT_MS + 1000000,
                                 .positions = {0, UINT64_C(1000250) << 12},
                                 .from = UINT64_C(1000001) << 12,
                                 .kind = SEQUENCE_TIMESTAMP,
                                 .layout = layout_default()};
    struct fate_rows rows = {
        .items = &lease, .count = 1, .number = layout_number(&lease.layout, UINT64_C(5000) << 12)};
    assert_int_equal(fate_of_number(&rows), FATE_SKIPPED);
    rows.number = layout_number(&lease.layout, lease.from - 1);
    assert_int_equal(fate_of_number(&rows), FATE_SKIPPED);
    rows.number = layout_number(&lease.layout, lease.from);
    assert_int_equal(fate_of_number(&rows), FATE_MAYBE);
}

static void test_fate_is_passed_below_the_mark(void **state)
{
    (void)state;
    struct ledger_mark mark = {.mark = 100, .definition = definition_default()};
    assert_true(fate_is_passed(&mark, 1));
    assert_true(fate_is_passed(&mark, 100));
    assert_false(fate_is_passed(&mark, 101));
    assert_false(fate_is_passed(&mark, 0));
    mark.definition.increment = 2;
    assert_false(fate_is_passed(&mark, 100));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fate_names_the_lease_that_may_have_issued),
        cmocka_unit_test(test_fate_knows_what_the_server_has_not_come_to),
        cmocka_unit_test(test_fate_names_all_that_may_have_issued),
        cmocka_unit_test(test_fate_of_what_was_never_leased),
        cmocka_unit_test(test_fate_of_a_time_that_had_passed),
        cmocka_unit_test(test_fate_is_passed_below_the_mark),
    };
    return cmocka_run_group_tests_name("fate", tests, NULL, NULL);
}
