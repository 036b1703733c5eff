/* The bytes of a row of the ledger, as docs/DISK-FORMAT.md has them, and its line in a backup. */
#include "base/crc32c.h"
#include "store/bytes.h"
#include "store/ledger.h"
#include "store/ledger_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ledger_entry counter_row(void)
{
    struct definition definition = definition_default();
    struct ledger_entry row;

    definition.start = -5;
    definition.increment = 3;
    row = ledger_entry_of("orders", &definition, LEDGER_RETURN, (struct range){0x0102, 0x0304},
                          0x05060708);
    row.id = (struct ledger_id){0x1122334455667788, 0x99aabbcc};
    row.time_ms = 0x0a0b0c0d0e;
    memset(row.instance, 0x21, sizeof row.instance);
    memset(row.incarnation, 0x43, sizeof row.incarnation);
    row.nonce = 0x6172839405162738;
    row.from = 0x0203;
    return row;
}

static struct ledger_entry timestamp_row(void)
{
    struct definition definition = definition_default_timestamp();
    struct ledger_entry row;

    definition.layout.machine_id = 3;
    definition.layout.node_id = 17;
    definition.layout.unit_ms = 10;
    row = ledger_entry_of("events", &definition, LEDGER_ADOPT, (struct range){4096, 9000}, 2);
    row.id = (struct ledger_id){7, 1};
    return row;
}

static void assert_same(const struct ledger_entry *a, const struct ledger_entry *b)
{
    assert_int_equal(ledger_id_compare(a->id, b->id), 0);
    assert_int_equal(a->act, b->act);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_memory_equal(a->instance, b->instance, sizeof a->instance);
    assert_memory_equal(a->incarnation, b->incarnation, sizeof a->incarnation);
    assert_true(a->nonce == b->nonce);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->positions.first, b->positions.first);
    assert_int_equal(a->positions.limit, b->positions.limit);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->increment, b->increment);
    assert_true(layout_equal(&a->layout, &b->layout));
}

static void test_ledger_record_lies_as_documented(void **state)
{
    struct ledger_entry row = counter_row();
    struct ledger_entry timed = timestamp_row();
    uint8_t bytes[LEDGER_RECORD_MAX];
    uint8_t key[LEDGER_KEY_SIZE];

    (void)state;
    ledger_key_encode(row.id, key);
    assert_memory_equal(key, "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc", 12);
    assert_int_equal(ledger_record_encode(&row, bytes), 128 + 6);
    assert_memory_equal(bytes, "\x01\x00\x02\x00\x00\x00\x00\x06", 8);
    assert_memory_equal(bytes + 8, "\x0e\x0d\x0c\x0b\x0a\x00\x00\x00", 8);
    assert_int_equal(bytes[16], 0x21);
    assert_int_equal(bytes[32], 0x43);
    assert_memory_equal(bytes + 48, "\x38\x27\x16\x05\x94\x83\x72\x61", 8);
    assert_int_equal(bytes_get(bytes + 56, 8), 0x05060708);
    assert_int_equal(bytes_get(bytes + 64, 8), 0x0102);
    assert_int_equal(bytes_get(bytes + 72, 8), 0x0304);
    assert_int_equal(bytes_get(bytes + 80, 8), 0x0203);
    assert_int_equal((int64_t)bytes_get(bytes + 88, 8), -5);
    assert_int_equal(bytes_get(bytes + 96, 8), 3);
    assert_true(bytes_are_zero(bytes + 104, 20));
    assert_memory_equal(bytes + 124, "orders", 6);
    assert_int_equal(bytes_get(bytes + 130, 4), crc32c(crc32c(0, key, 12), bytes, 130));

    ledger_record_encode(&timed, bytes);
    assert_memory_equal(bytes + 2, "\x05\x01\x05\x05\x0c\x06", 6);
    assert_int_equal(bytes_get(bytes + 104, 8), (uint64_t)LAYOUT_EPOCH_DEFAULT_MS);
    assert_int_equal(bytes_get(bytes + 112, 4), 10);
    assert_int_equal(bytes_get(bytes + 116, 4), 3);
    assert_int_equal(bytes_get(bytes + 120, 4), 17);
}

static void test_ledger_record_is_read_as_it_was_written(void **state)
{
    struct ledger_entry rows[] = {counter_row(), timestamp_row(), counter_row()};

    (void)state;
    memset(rows[2].name, 'n', SEQUENCE_NAME_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[LEDGER_RECORD_MAX];
        uint8_t key[LEDGER_KEY_SIZE];
        size_t length = ledger_record_encode(&rows[i], bytes);
        struct ledger_entry read;
        struct ledger_id id;

        ledger_key_encode(rows[i].id, key);
        assert_int_equal(ledger_key_decode(key, sizeof key, &id), ERR_OK);
        assert_int_equal(ledger_record_decode(bytes, length, id, &read, NULL), ERR_OK);
        assert_same(&read, &rows[i]);
    }
}

static void test_ledger_record_refuses_every_changed_bit(void **state)
{
    struct ledger_entry row = counter_row();
    uint8_t bytes[LEDGER_RECORD_MAX];
    size_t length = ledger_record_encode(&row, bytes);
    struct ledger_entry read;
    struct ledger_id other = row.id;

    (void)state;
    for (size_t bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ledger_record_decode(bytes, length, row.id, &read, NULL), ERR_CORRUPT);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(ledger_record_decode(bytes, cut, row.id, &read, NULL), ERR_CORRUPT);
    }
    other.index++;
    assert_int_equal(ledger_record_decode(bytes, length, other, &read, NULL), ERR_CORRUPT);
    assert_int_equal(ledger_record_decode(bytes, length, row.id, &read, NULL), ERR_OK);
}

/* With a checksum that is right, so that the fields themselves have to be refused. */
static void test_ledger_record_refuses_fields_that_no_row_has(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 2},  {1, 1},  {2, 0},  {2, 6},   {3, 2},     {3, 1},  {7, 5},
                   {81, 0}, {81, 4}, {96, 0}, {112, 1}, {124, '-'}, {128, 0}};
    struct ledger_entry row = counter_row();
    uint8_t key[LEDGER_KEY_SIZE];

    (void)state;
    ledger_key_encode(row.id, key);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t bytes[LEDGER_RECORD_MAX];
        size_t length = ledger_record_encode(&row, bytes);
        struct ledger_entry read;
        struct error_detail detail;

        bytes[changes[i].at] = changes[i].value;
        bytes_put(bytes + length - 4, crc32c(crc32c(0, key, 12), bytes, length - 4), 4);
        assert_int_equal(ledger_record_decode(bytes, length, row.id, &read, &detail), ERR_CORRUPT);
        assert_null(strstr(detail.text, "checksum"));
    }
}

static void test_ledger_keys_sort_as_rows_do(void **state)
{
    static const struct ledger_id ids[] = {{0, 0},          {1, 0},          {1, 1},
                                           {1, 256},        {255, 0},        {256, 0},
                                           {256, 0xffffff}, {1ULL << 40, 0}, {UINT64_MAX, 0}};

    (void)state;
    for (size_t i = 1; i < sizeof ids / sizeof ids[0]; i++) {
        uint8_t a[LEDGER_KEY_SIZE];
        uint8_t b[LEDGER_KEY_SIZE];

        ledger_key_encode(ids[i - 1], a);
        ledger_key_encode(ids[i], b);
        assert_true(memcmp(a, b, sizeof a) < 0);
    }
}

static void test_ledger_head_is_read_as_it_was_written_or_not_at_all(void **state)
{
    struct ledger_head head = {.missing = 258, .missing_commit = 77};
    struct ledger_head read = {0};
    uint8_t bytes[LEDGER_HEAD_SIZE];

    (void)state;
    ledger_head_encode(&head, bytes);
    assert_memory_equal(bytes, "\x01\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\x4d\0\0\0\0\0\0\0\0\0\0\0",
                        28);
    assert_int_equal(bytes_get(bytes + 28, 4), crc32c(0, bytes, 28));
    assert_int_equal(ledger_head_decode(bytes, sizeof bytes, &read), ERR_OK);
    assert_int_equal(read.missing, 258);
    assert_int_equal(read.missing_commit, 77);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ledger_head_decode(bytes, sizeof bytes, &read), ERR_CORRUPT);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(ledger_head_decode(bytes, sizeof bytes - 1, &read), ERR_CORRUPT);
    for (size_t i = 2; i < 28; i = i == 7 ? 24 : i + 1) { /* kept for later, so it is zero */
        bytes[i] = 1;
        bytes_put(bytes + 28, crc32c(0, bytes, 28), 4);
        assert_int_equal(ledger_head_decode(bytes, sizeof bytes, &read), ERR_CORRUPT);
        bytes[i] = 0;
    }
}

static void test_ledger_row_is_text_and_back(void **state)
{
    struct ledger_entry rows[] = {counter_row(), timestamp_row(), counter_row()};
    char text[LEDGER_TEXT_SIZE];
    struct ledger_entry read;

    (void)state;
    memset(rows[2].name, 'n', SEQUENCE_NAME_MAX);
    rows[2].positions = (struct range){UINT64_MAX - 1, UINT64_MAX};
    rows[2].from = UINT64_MAX;
    rows[2].generation = UINT64_MAX;
    rows[2].nonce = UINT64_MAX;
    rows[2].start = SEQUENCE_NUMBER_MIN;
    rows[2].increment = 1;
    rows[2].id = (struct ledger_id){UINT64_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_record_write_text(&rows[i], text);
        assert_int_equal(ledger_record_read_text(text, &read, NULL), ERR_OK);
        assert_same(&read, &rows[i]);
    }
    ledger_record_write_text(&rows[1], text);
    assert_string_equal(
        text, " 7.1 adopt events 0 00000000000000000000000000000000 "
              "00000000000000000000000000000000 0 2 4096 9000 4096 1 0 0 1704067200000 10 "
              "5 5 12 3 17");
}

static void test_ledger_row_refuses_other_text(void **state)
{
    struct ledger_entry row = counter_row();
    char good[LEDGER_TEXT_SIZE];
    struct ledger_entry read;

    (void)state;
    ledger_record_write_text(&row, good);
    for (size_t i = 0; i < strlen(good); i++) {
        char text[LEDGER_TEXT_SIZE];

        memcpy(text, good, sizeof text);
        text[i] = '#'; /* in no word, number or name */
        assert_int_equal(ledger_record_read_text(text, &read, NULL), ERR_CORRUPT);
        text[i] = '\0';
        assert_int_equal(ledger_record_read_text(text, &read, NULL), ERR_CORRUPT);
    }
    static const char *const endings[] = {" ", " 0", "0x"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char text[LEDGER_TEXT_SIZE + 4];

        (void)snprintf(text, sizeof text, "%s%s", good, endings[i]);
        assert_int_equal(ledger_record_read_text(text, &read, NULL), ERR_CORRUPT);
    }
}

/* A table that cannot be written: what it lacks is owed by the meta record, which every commit
 * writes, so a crash does not lose the count. */
static void test_ledger_owes_the_rows_of_a_table_that_is_damaged(void **state)
{
    struct ledger ledger = {.age_ms = 1, .size_bytes = 1 << 20, .broken = true};
    struct environment environment = {.has_ledger = true};
    struct record record = {.definition = definition_default()};
    struct meta meta = {.counter = 7, .rows_owed = 5};
    const struct ledger_move move = {LEDGER_LEASE, {10, 20}, 0};

    (void)state;
    assert_int_equal(ledger_begin(&ledger, &environment, NULL, &meta, NULL), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_note(&ledger, &environment, NULL, "orders", &record, &move, NULL),
                         ERR_OK);
    }
    assert_int_equal(ledger_end(&ledger, &environment, NULL, NULL), ERR_OK);
    assert_int_equal(meta.rows_owed, 7);
    /* The next commit counts its own only. */
    assert_int_equal(ledger_begin(&ledger, &environment, NULL, &meta, NULL), ERR_OK);
    assert_int_equal(ledger_end(&ledger, &environment, NULL, NULL), ERR_OK);
    assert_int_equal(meta.rows_owed, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_record_lies_as_documented),
        cmocka_unit_test(test_ledger_record_is_read_as_it_was_written),
        cmocka_unit_test(test_ledger_record_refuses_every_changed_bit),
        cmocka_unit_test(test_ledger_record_refuses_fields_that_no_row_has),
        cmocka_unit_test(test_ledger_keys_sort_as_rows_do),
        cmocka_unit_test(test_ledger_head_is_read_as_it_was_written_or_not_at_all),
        cmocka_unit_test(test_ledger_row_is_text_and_back),
        cmocka_unit_test(test_ledger_row_refuses_other_text),
        cmocka_unit_test(test_ledger_owes_the_rows_of_a_table_that_is_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
