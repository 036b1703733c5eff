/* Rows and marks as a server and a backup write them; what is not whole is refused. */
#include "ctl/ledger_row.h"

#include "ctl/ledger_show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE "11111111111111111111111111111111"
#define TWO "0123456789abcdef0123456789abcdef"

#define COUNTER_TEXT \
    "1234.5 lease orders 1795728600123 " ONE " " TWO " 99 7 1000 2000 1500 0 1 2 0 0 0 0 0 0 0"
#define STAMP_TEXT \
    "1235.0 return events 1795728600124 " ONE " " TWO \
    " 18446744073709551615 8 4096 8192 4096 1 0 0 1704067200000 10 5 9 10 " \
    "5 6"

static const char counter_json[] =
    "{\"row\":\"1234.5\",\"act\":\"lease\",\"sequence\":\"orders\","
    "\"time\":\"2026-11-26T21:30:00.123Z\",\"instance\":\"" ONE "\",\"incarnation\":\"" TWO "\","
    "\"nonce\":\"99\",\"generation\":\"7\",\"positions\":"
    "{\"first\":\"1000\",\"limit\":\"2000\",\"from\":\"1500\"},"
    "\"kind\":\"counter\",\"start\":\"1\",\"increment\":\"2\",\"first\":\"2001\","
    "\"last\":\"3999\"}";

static struct ledger_entry of_text(const char *text)
{
    struct ledger_entry entry;
    struct error_detail detail = {.text = ""};
    if (ledger_row_of_text(text, &entry, &detail) != ERR_OK) {
        fail_msg("'%s' is refused: %s", text, detail.text);
    }
    return entry;
}

static enum error of_json(const char *text, struct ledger_entry *ret_entry)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    enum error error = ledger_row_of_json(json, ret_entry, NULL);
    json_decref(json);
    return error;
}

static void test_ledger_row_reads_every_word_of_a_line(void **state)
{
    (void)state;
    struct ledger_entry counter = of_text(COUNTER_TEXT);
    assert_true(counter.id.commit == 1234 && counter.id.index == 5);
    assert_int_equal(counter.act, LEDGER_LEASE);
    assert_string_equal(counter.name, "orders");
    assert_true(counter.time_ms == UINT64_C(1795728600123));
    assert_true(counter.instance[0] == 0x11 && counter.instance[15] == 0x11);
    assert_true(counter.incarnation[0] == 0x01 && counter.incarnation[15] == 0xef);
    assert_true(counter.nonce == 99 && counter.from == 1500);
    assert_true(counter.generation == 7 && counter.kind == SEQUENCE_COUNTER);
    assert_true(counter.positions.first == 1000 && counter.positions.limit == 2000);
    assert_true(counter.start == 1 && counter.increment == 2);
    struct ledger_entry stamp = of_text(STAMP_TEXT);
    assert_int_equal(stamp.act, LEDGER_RETURN);
    assert_true(stamp.nonce == UINT64_MAX);
    assert_int_equal(stamp.kind, SEQUENCE_TIMESTAMP);
    assert_true(stamp.layout.epoch_ms == INT64_C(1704067200000) && stamp.layout.unit_ms == 10);
    assert_true(stamp.layout.machine_bits == 5 && stamp.layout.node_bits == 9);
    assert_true(stamp.layout.counter_bits == 10);
    assert_true(stamp.layout.machine_id == 5 && stamp.layout.node_id == 6);
}

static void test_ledger_row_reads_json_as_lines(void **state)
{
    (void)state;
    struct ledger_entry entry;
    struct ledger_entry wanted = of_text(COUNTER_TEXT);
    assert_int_equal(of_json(counter_json, &entry), ERR_OK);
    assert_true(entry.time_ms == wanted.time_ms);
    wanted.time_ms = entry.time_ms;
    assert_true(ledger_id_compare(entry.id, wanted.id) == 0);
    assert_memory_equal(entry.incarnation, wanted.incarnation, sizeof entry.incarnation);
    assert_true(entry.nonce == 99 && entry.from == 1500);
    assert_true(entry.positions.limit == 2000 && entry.increment == 2 && entry.generation == 7);
}

/* What is shown as JSON is read back: the shape is the server's own. */
static void test_ledger_row_of_json_is_what_is_shown(void **state)
{
    (void)state;
    static const char *const texts[] = {COUNTER_TEXT, STAMP_TEXT};
    for (size_t i = 0; i < 2; i++) {
        struct ledger_entry entry = of_text(texts[i]);
        struct ledger_entry back;
        json_t *json = ledger_show_json(&entry);
        assert_int_equal(ledger_row_of_json(json, &back, NULL), ERR_OK);
        json_decref(json);
        assert_string_equal(back.name, entry.name);
        assert_true(back.kind == entry.kind && back.act == entry.act);
        assert_true(back.nonce == entry.nonce && back.from == entry.from);
        assert_true(layout_equal(&back.layout, &entry.layout));
        assert_true(back.positions.first == entry.positions.first);
        assert_true(back.time_ms == entry.time_ms && back.start == entry.start);
    }
}

static void test_ledger_row_refuses_lines_that_are_not_whole(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " " COUNTER_TEXT,
        COUNTER_TEXT " ",
        COUNTER_TEXT " 0",
        "1234 lease orders 1 " ONE " " TWO " 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 take orders 1 " ONE " " TWO " 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease -orders 1 " ONE " " TWO " 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders -1 " ONE " " TWO " 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 1" ONE " " TWO " 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE
        " X123456789abcdef0123456789abcdef 99 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " x 7 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 7 0 1 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 x 0 1 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 1 1 1 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 2 1 2 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 1 0 2 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 1 0 0 1 0 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 1 0 0 1 2 5 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 1 0 1 0 0 0 1 5 5 12 32 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 1 0 1 0 0 0 1 256 5 12 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 1 3 0 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 1 3 4 0 1 2 0 0 0 0 0 0 0",
        "1.0 lease orders 1 " ONE " " TWO " 99 7 1 3 x 0 1 2 0 0 0 0 0 0 0",
        /* Its last number has no 64 bits. */
        "1.0 lease orders 1 " ONE " " TWO " 99 7 0 3 0 0 1 9223372036854775807 0 0 0 0 0 0 0",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ledger_entry entry = {.id = {77, 7}};
        if (ledger_row_of_text(wrong[i], &entry, NULL) != ERR_CORRUPT || entry.id.commit != 77) {
            fail_msg("'%s' is taken", wrong[i]);
        }
    }
}

static void test_ledger_row_refuses_json_that_is_not_whole(void **state)
{
    (void)state;
    static const char *const members[] = {
        "row",        "act",       "sequence", "time",  "instance",  "incarnation", "nonce",
        "generation", "positions", "kind",     "start", "increment", "first",       "last"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        static json_t *(*const others[])(void) = {json_null, json_true, json_object, json_array};
        for (size_t j = 0; j <= sizeof others / sizeof others[0]; j++) {
            struct ledger_entry entry;
            json_t *json = json_loads(counter_json, 0, NULL);
            if (j == 0) {
                assert_int_equal(json_object_del(json, members[i]), 0);
            } else {
                assert_int_equal(json_object_set_new(json, members[i], others[j - 1]()), 0);
            }
            if (ledger_row_of_json(json, &entry, NULL) != ERR_CORRUPT) {
                fail_msg("'%s' may be anything", members[i]);
            }
            json_decref(json);
        }
    }
    struct ledger_entry entry;
    assert_int_equal(ledger_row_of_json(NULL, &entry, NULL), ERR_CORRUPT);
}

/* A server that counts otherwise than we do is not believed. */
static void test_ledger_row_refuses_numbers_that_its_positions_have_not(void **state)
{
    (void)state;
    struct ledger_entry entry;
    json_t *json = json_loads(counter_json, 0, NULL);
    assert_int_equal(json_object_set_new(json, "last", json_string("4001")), 0);
    assert_int_equal(ledger_row_of_json(json, &entry, NULL), ERR_CORRUPT);
    json_decref(json);
}

static void test_ledger_mark_reads_a_sequence_of_both(void **state)
{
    (void)state;
    struct ledger_mark mark;
    assert_int_equal(ledger_mark_of_text("orders 0 1 0 1 9 2500 1 3 1 9223372036854775807 1000 0 5 "
                                         "0 0 0 0 0 0 0 0 77",
                                         &mark, NULL),
                     ERR_OK);
    assert_string_equal(mark.name, "orders");
    assert_true(mark.mark == 2500 && mark.dropped && !mark.running);
    assert_true(mark.definition.start == 1 && mark.definition.increment == 3);
    assert_int_equal(
        ledger_mark_of_text("t 1 0 0 0 9 8192 0 0 0 0 1000 0 0 1704067200000 10 5 9 10 "
                            "5 6 1000 0",
                            &mark, NULL),
        ERR_OK);
    assert_true(mark.definition.layout.node_id == 6 && mark.definition.layout.unit_ms == 10);
    json_t *json = json_loads("{\"name\":\"t\",\"kind\":\"counter\",\"start\":\"5\","
                              "\"increment\":\"-1\",\"mark\":\"10\",\"position\":\"4\"}",
                              0, NULL);
    assert_int_equal(ledger_mark_of_json(json, &mark, NULL), ERR_OK);
    assert_true(mark.running && mark.next == 4 && mark.mark == 10 && !mark.dropped);
    assert_true(mark.definition.increment == -1);
    assert_int_equal(json_object_del(json, "mark"), 0);
    assert_int_equal(ledger_mark_of_json(json, &mark, NULL), ERR_CORRUPT);
    json_decref(json);
    assert_int_equal(ledger_mark_of_text("orders 0 1", &mark, NULL), ERR_CORRUPT);
    assert_int_equal(
        ledger_mark_of_text("orders 0 1 0 1 9 x 1 3 1 9 1000 0 5 0 0 0 0 0 0 0 0 77", &mark, NULL),
        ERR_CORRUPT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_row_reads_every_word_of_a_line),
        cmocka_unit_test(test_ledger_row_reads_json_as_lines),
        cmocka_unit_test(test_ledger_row_of_json_is_what_is_shown),
        cmocka_unit_test(test_ledger_row_refuses_lines_that_are_not_whole),
        cmocka_unit_test(test_ledger_row_refuses_json_that_is_not_whole),
        cmocka_unit_test(test_ledger_row_refuses_numbers_that_its_positions_have_not),
        cmocka_unit_test(test_ledger_mark_reads_a_sequence_of_both),
    };
    return cmocka_run_group_tests_name("ledger_row", tests, NULL, NULL);
}
