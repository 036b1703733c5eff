/* The sequence record and the meta record, to bytes and back. */
#include "base/crc32c.h"
#include "store/bytes.h"
#include "store/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALL_BITS UINT8_MAX

/* Every field unlike the others, so that none can stand in for another. */
static struct record sample_record(void)
{
    return (struct record){
        .definition = {.start = -7,
                       .increment = -3,
                       .min = SEQUENCE_NUMBER_MIN,
                       .max = 99,
                       .max_gap = 4321,
                       .lease = 77,
                       .durability = DURABILITY_EVERY},
        .generation = UINT64_C(0x1122334455667788),
        .mark = UINT64_MAX - 1,
        .floor = {.some = true, .low = SEQUENCE_NUMBER_MIN, .high = INT64_C(0x7123456789abcdef)},
    };
}

static struct record sample_timestamp_record(void)
{
    return (struct record){
        .definition = {.kind = SEQUENCE_TIMESTAMP,
                       .max_gap = 4321,
                       .lease = 77,
                       .durability = DURABILITY_EVERY,
                       .layout = {.epoch_ms = INT64_C(0x0123456789a),
                                  .unit_ms = 10,
                                  .machine_bits = 9,
                                  .node_bits = 10,
                                  .counter_bits = 6,
                                  .machine_id = 0x1ab,
                                  .node_id = 0x2cd,
                                  .max_borrow_ms = 123456}},
        .generation = UINT64_C(0x1122334455667788),
        .mark = UINT64_C(0xfedcba987654),
        .floor = {.some = true, .low = SEQUENCE_NUMBER_MIN, .high = INT64_C(0x7123456789abcdef)},
    };
}

static struct meta sample_meta(void)
{
    struct meta meta = {.version = META_VERSION,
                        .counter = UINT64_C(0x8877665544332211),
                        .created_ms = UINT64_C(1790000000123),
                        .committed_ms = UINT64_C(0x1112131415161718),
                        .window_ms = UINT64_C(0x2122232425262728),
                        .window_positions = UINT64_C(0x3132333435363738),
                        .rate = UINT64_C(0x4142434445464748),
                        .witnessed = true,
                        .rows_owed = UINT64_C(0x5152535455565758)};

    memset(meta.instance, 0x5a, sizeof(meta.instance));
    memset(meta.incarnation, 0xc3, sizeof(meta.incarnation));
    return meta;
}

static void test_record_comes_back_as_it_went(void **state)
{
    struct record record = sample_record();
    struct record back = {0};
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_OK);
    assert_true(definition_equal(&back.definition, &record.definition));
    assert_true(back.generation == record.generation);
    assert_true(back.mark == record.mark);
    assert_false(back.dropped);
    assert_true(back.floor.some);
    assert_true(back.floor.low == record.floor.low);
    assert_true(back.floor.high == record.floor.high);
}

static void test_record_of_a_timestamp_comes_back_as_it_went(void **state)
{
    struct record record = sample_timestamp_record();
    struct record back = {0};
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_OK);
    assert_true(definition_equal(&back.definition, &record.definition));
    assert_true(back.mark == record.mark);
}

static void test_record_of_a_timestamp_lies_as_documented(void **state)
{
    struct record record = sample_timestamp_record();
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    assert_int_equal(bytes_get(bytes + 2, 1), 1);
    assert_true(bytes_are_zero(bytes + 24, 32));
    assert_true(bytes_get(bytes + 80, 8) == UINT64_C(0x0123456789a));
    assert_int_equal(bytes_get(bytes + 88, 4), 10);
    assert_int_equal(bytes_get(bytes + 92, 1), 9);
    assert_int_equal(bytes_get(bytes + 93, 1), 10);
    assert_int_equal(bytes_get(bytes + 94, 1), 6);
    assert_int_equal(bytes_get(bytes + 95, 1), 0);
    assert_int_equal(bytes_get(bytes + 96, 4), 0x1ab);
    assert_int_equal(bytes_get(bytes + 100, 4), 0x2cd);
    assert_int_equal(bytes_get(bytes + 104, 4), 123456);
    assert_true(bytes_are_zero(bytes + 116, 40));
}

/* The layout is a promise to later releases: docs/DISK-FORMAT.md has the same offsets. */
static void test_record_lies_as_documented(void **state)
{
    struct record record = sample_record();
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    assert_int_equal(bytes_get(bytes + 0, 2), 1);
    assert_int_equal(bytes_get(bytes + 2, 2), 0);
    assert_int_equal(bytes_get(bytes + 4, 1), 1);
    assert_true(bytes_get(bytes + 8, 8) == record.generation);
    assert_true(bytes_get(bytes + 16, 8) == record.mark);
    assert_true((int64_t)bytes_get(bytes + 24, 8) == -7);
    assert_true((int64_t)bytes_get(bytes + 32, 8) == -3);
    assert_true((int64_t)bytes_get(bytes + 40, 8) == SEQUENCE_NUMBER_MIN);
    assert_true(bytes_get(bytes + 48, 8) == 99);
    assert_true(bytes_get(bytes + 56, 8) == 4321);
    assert_true(bytes_get(bytes + 64, 8) == 77);
    assert_int_equal(bytes_get(bytes + 5, 1), 1);
    assert_true((int64_t)bytes_get(bytes + 72, 8) == SEQUENCE_NUMBER_MIN);
    assert_true((int64_t)bytes_get(bytes + 108, 8) == INT64_C(0x7123456789abcdef));
    assert_true(bytes_are_zero(bytes + 80, 28));
    assert_true(bytes_are_zero(bytes + 116, 40));
    assert_int_equal(bytes_get(bytes + 156, 4), crc32c(crc32c(0, "orders", 6), bytes, 156));
}

static void test_record_with_any_bit_turned_is_refused(void **state)
{
    struct record record = sample_record();
    struct record back;
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        for (unsigned mask = 1; mask <= ALL_BITS; mask++) {
            bytes[i] = (uint8_t)(bytes[i] ^ mask);
            assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL),
                             ERR_CORRUPT);
            bytes[i] = (uint8_t)(bytes[i] ^ mask);
        }
    }
}

static void test_record_of_another_length_is_refused(void **state)
{
    struct record record = sample_record();
    struct record back;
    uint8_t bytes[RECORD_SIZE + 1] = {0};

    (void)state;
    record_encode(&record, "orders", bytes);
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        assert_int_equal(record_decode(bytes, length, "orders", &back, NULL),
                         length == RECORD_SIZE ? ERR_OK : ERR_CORRUPT);
    }
}

static void test_record_under_another_name_is_refused(void **state)
{
    const char *const names[] = {"order", "orders2", "Orders", "sorder", "o"};
    struct record record = sample_record();
    struct record back;
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(record_decode(bytes, sizeof(bytes), names[i], &back, NULL), ERR_CORRUPT);
    }
}

/* A whole page of zeros is what a lost write leaves. */
static void test_record_of_zeros_is_refused(void **state)
{
    uint8_t bytes[RECORD_SIZE] = {0};
    struct record back;

    (void)state;
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_CORRUPT);
}

static void sign_record(uint8_t bytes[RECORD_SIZE])
{
    bytes_put(bytes + 156, crc32c(crc32c(0, "orders", 6), bytes, 156), 4);
}

/* Rightly signed, and not what this release writes: each place of what it does not know. */
static void test_record_of_another_kind_is_refused(void **state)
{
    const size_t places[] = {0, 1, 2, 3, 5, 7, 80, 88, 92, 95, 104, 116, 155};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct record record = sample_record();
        struct record back;
        uint8_t bytes[RECORD_SIZE];

        record_encode(&record, "orders", bytes);
        bytes[places[i]] ^= 2;
        sign_record(bytes);
        assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_CORRUPT);
    }
}

static void test_record_with_an_impossible_definition_is_refused(void **state)
{
    struct record record = sample_record();
    struct record back;
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record.definition.increment = 0;
    record_encode(&record, "orders", bytes);
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_CORRUPT);
    record = sample_record();
    record.definition.durability = (enum durability)9;
    record_encode(&record, "orders", bytes);
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_CORRUPT);
}

/* Numbers 10 to 7 were issued in its last life, and more in earlier ones. */
static struct record sample_tombstone(void)
{
    struct record record = sample_record();

    record.definition.start = 10;
    record.definition.increment = -1;
    record.mark = 4;
    record.dropped = true;
    record.floor = (struct floor){.some = true, .low = -50, .high = 10};
    return record;
}

static enum error decode_signed(const struct record *record)
{
    struct record back;
    uint8_t bytes[RECORD_SIZE];

    record_encode(record, "orders", bytes);
    return record_decode(bytes, sizeof(bytes), "orders", &back, NULL);
}

static void test_record_of_a_tombstone_comes_back_as_it_went(void **state)
{
    struct record record = sample_tombstone();
    struct record back;
    uint8_t bytes[RECORD_SIZE];

    (void)state;
    record_encode(&record, "orders", bytes);
    assert_int_equal(bytes_get(bytes + 3, 1), 1);
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_OK);
    assert_true(back.dropped);
    assert_true(definition_equal(&back.definition, &record.definition));
    assert_int_equal(back.mark, 4);
    assert_int_equal(back.floor.low, -50);
    assert_int_equal(back.floor.high, 10);
    record.mark = 0;
    record.floor = (struct floor){.some = false};
    assert_int_equal(decode_signed(&record), ERR_OK);
}

/* A tombstone that has forgotten what was issued in its last life is worth nothing. */
static void test_record_of_a_tombstone_without_its_numbers_is_refused(void **state)
{
    struct record record = sample_tombstone();

    (void)state;
    record.floor.high = 9;
    assert_int_equal(decode_signed(&record), ERR_CORRUPT);
    record.floor = (struct floor){.some = true, .low = 8, .high = 10};
    assert_int_equal(decode_signed(&record), ERR_CORRUPT);
    record.floor = (struct floor){.some = false};
    assert_int_equal(decode_signed(&record), ERR_CORRUPT);
    record.dropped = false;
    assert_int_equal(decode_signed(&record), ERR_OK);
}

static void test_record_with_an_impossible_floor_is_refused(void **state)
{
    const struct floor floors[] = {
        {.some = false, .low = 1, .high = 0},         {.some = false, .low = 0, .high = 1},
        {.some = true, .low = 2, .high = 1},          {.some = true, .low = INT64_MIN, .high = 1},
        {.some = true, .low = INT64_MAX, .high = -1},
    };
    struct record record = sample_record();

    (void)state;
    for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
        record.floor = floors[i];
        assert_int_equal(decode_signed(&record), ERR_CORRUPT);
    }
}

static void test_record_refused_leaves_the_result_alone(void **state)
{
    uint8_t bytes[RECORD_SIZE] = {0};
    struct record back = {.mark = 4711};

    (void)state;
    assert_int_equal(record_decode(bytes, sizeof(bytes), "orders", &back, NULL), ERR_CORRUPT);
    assert_int_equal(back.mark, 4711);
}

static void test_meta_comes_back_as_it_went(void **state)
{
    struct meta meta = sample_meta();
    struct meta back = {0};
    uint8_t bytes[META_SIZE];

    (void)state;
    meta_encode(&meta, bytes);
    assert_int_equal(meta_decode(bytes, sizeof(bytes), &back, NULL), ERR_OK);
    assert_int_equal(back.version, meta.version);
    assert_memory_equal(back.instance, meta.instance, META_ID_SIZE);
    assert_memory_equal(back.incarnation, meta.incarnation, META_ID_SIZE);
    assert_true(back.counter == meta.counter);
    assert_true(back.created_ms == meta.created_ms);
    assert_true(back.committed_ms == meta.committed_ms && back.window_ms == meta.window_ms);
    assert_true(back.window_positions == meta.window_positions && back.rate == meta.rate);
    assert_true(back.witnessed);
    assert_true(back.rows_owed == meta.rows_owed);
}

static void test_meta_lies_as_documented(void **state)
{
    struct meta meta = sample_meta();
    uint8_t bytes[META_SIZE];

    (void)state;
    meta_encode(&meta, bytes);
    assert_memory_equal(bytes, "seqdmeta", 8);
    assert_int_equal(bytes_get(bytes + 8, 4), 1);
    assert_memory_equal(bytes + 16, meta.instance, META_ID_SIZE);
    assert_memory_equal(bytes + 32, meta.incarnation, META_ID_SIZE);
    assert_true(bytes_get(bytes + 48, 8) == meta.counter);
    assert_true(bytes_get(bytes + 56, 8) == meta.created_ms);
    assert_true(bytes_get(bytes + 64, 8) == meta.committed_ms);
    assert_true(bytes_get(bytes + 72, 8) == meta.window_ms);
    assert_true(bytes_get(bytes + 104, 8) == meta.rows_owed);
    assert_true(bytes_get(bytes + 80, 8) == meta.window_positions);
    assert_true(bytes_get(bytes + 88, 8) == meta.rate);
    assert_int_equal(bytes[96], 1);
    assert_true(bytes_are_zero(bytes + 97, 7) && bytes_are_zero(bytes + 112, 12));
    assert_int_equal(bytes_get(bytes + 124, 4), crc32c(0, bytes, 124));
}

static void test_meta_with_any_bit_turned_is_refused(void **state)
{
    struct meta meta = sample_meta();
    struct meta back;
    uint8_t bytes[META_SIZE];

    (void)state;
    meta_encode(&meta, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        for (unsigned mask = 1; mask <= ALL_BITS; mask++) {
            bytes[i] = (uint8_t)(bytes[i] ^ mask);
            assert_int_equal(meta_decode(bytes, sizeof(bytes), &back, NULL), ERR_CORRUPT);
            bytes[i] = (uint8_t)(bytes[i] ^ mask);
        }
    }
}

static void test_meta_of_a_newer_format_is_fenced_and_named(void **state)
{
    struct meta meta = sample_meta();
    struct meta back;
    struct error_detail detail;
    uint8_t bytes[META_SIZE];

    (void)state;
    meta.version = 7;
    meta_encode(&meta, bytes);
    assert_int_equal(meta_decode(bytes, sizeof(bytes), &back, &detail), ERR_FENCED);
    assert_non_null(strstr(detail.text, "format 7"));
    assert_non_null(strstr(detail.text, "up to 1"));
}

/* A later format may be longer, as long as its checksum comes last. */
static void test_meta_of_a_longer_newer_format_is_fenced(void **state)
{
    uint8_t bytes[META_SIZE + 40] = "seqdmeta\x02";
    struct meta back;

    (void)state;
    bytes_put(bytes + sizeof(bytes) - 4, crc32c(0, bytes, sizeof(bytes) - 4), 4);
    assert_int_equal(meta_decode(bytes, sizeof(bytes), &back, NULL), ERR_FENCED);
    bytes[8] = 1;
    bytes_put(bytes + sizeof(bytes) - 4, crc32c(0, bytes, sizeof(bytes) - 4), 4);
    assert_int_equal(meta_decode(bytes, sizeof(bytes), &back, NULL), ERR_CORRUPT);
}

static void test_meta_of_another_length_is_refused(void **state)
{
    struct meta meta = sample_meta();
    struct meta back;
    uint8_t bytes[META_SIZE + 1] = {0};

    (void)state;
    meta_encode(&meta, bytes);
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        assert_int_equal(meta_decode(bytes, length, &back, NULL),
                         length == META_SIZE ? ERR_OK : ERR_CORRUPT);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_comes_back_as_it_went),
        cmocka_unit_test(test_record_lies_as_documented),
        cmocka_unit_test(test_record_of_a_timestamp_comes_back_as_it_went),
        cmocka_unit_test(test_record_of_a_timestamp_lies_as_documented),
        cmocka_unit_test(test_record_with_any_bit_turned_is_refused),
        cmocka_unit_test(test_record_of_another_length_is_refused),
        cmocka_unit_test(test_record_under_another_name_is_refused),
        cmocka_unit_test(test_record_of_zeros_is_refused),
        cmocka_unit_test(test_record_of_another_kind_is_refused),
        cmocka_unit_test(test_record_with_an_impossible_definition_is_refused),
        cmocka_unit_test(test_record_of_a_tombstone_comes_back_as_it_went),
        cmocka_unit_test(test_record_of_a_tombstone_without_its_numbers_is_refused),
        cmocka_unit_test(test_record_with_an_impossible_floor_is_refused),
        cmocka_unit_test(test_record_refused_leaves_the_result_alone),
        cmocka_unit_test(test_meta_comes_back_as_it_went),
        cmocka_unit_test(test_meta_lies_as_documented),
        cmocka_unit_test(test_meta_with_any_bit_turned_is_refused),
        cmocka_unit_test(test_meta_of_a_newer_format_is_fenced_and_named),
        cmocka_unit_test(test_meta_of_a_longer_newer_format_is_fenced),
        cmocka_unit_test(test_meta_of_another_length_is_refused),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
