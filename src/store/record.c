#include "record.h"

#include "base/crc32c.h"
#include "base/range.h"
#include "base/text.h"
#include "bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Offsets of a sequence record. */
enum {
    RECORD_AT_VERSION = 0,    /* 2 bytes */
    RECORD_AT_KIND = 2,       /* 1 */
    RECORD_AT_STATE = 3,      /* 1 */
    RECORD_AT_DURABILITY = 4, /* 1 */
    RECORD_AT_FLOOR_SOME = 5, /* 1 */
    RECORD_AT_SPACE_1 = 6,    /* 2, zero */
    RECORD_AT_GENERATION = 8, /* 8 from here on */
    RECORD_AT_MARK = 16,
    RECORD_AT_START = 24,
    RECORD_AT_INCREMENT = 32,
    RECORD_AT_MIN = 40,
    RECORD_AT_MAX = 48,
    RECORD_AT_MAX_GAP = 56,
    RECORD_AT_LEASE = 64,
    RECORD_AT_FLOOR_LOW = 72,
    RECORD_AT_EPOCH = 80,        /* 8; the layout, all zero in a counter, from here … */
    RECORD_AT_UNIT = 88,         /* 4 */
    RECORD_AT_MACHINE_BITS = 92, /* 1 */
    RECORD_AT_NODE_BITS = 93,    /* 1 */
    RECORD_AT_COUNTER_BITS = 94, /* 1 */
    RECORD_AT_SPACE_2 = 95,      /* 1, zero */
    RECORD_AT_MACHINE_ID = 96,   /* 4 */
    RECORD_AT_NODE_ID = 100,     /* 4 */
    RECORD_AT_MAX_BORROW = 104,  /* 4; … to here */
    RECORD_AT_FLOOR_HIGH = 108,  /* 8 */
    RECORD_AT_SPACE_3 = 116,     /* 40, zero */
    RECORD_AT_CRC = 156,         /* 4 */
};

/* Offsets of a meta record. */
enum {
    META_AT_MAGIC = 0,        /* 8 */
    META_AT_VERSION = 8,      /* 4 */
    META_AT_SPACE_1 = 12,     /* 4, zero */
    META_AT_INSTANCE = 16,    /* 16 */
    META_AT_INCARNATION = 32, /* 16 */
    META_AT_COUNTER = 48,     /* 8 */
    META_AT_CREATED = 56,     /* 8 */
    META_AT_COMMITTED = 64,   /* 8 */
    META_AT_WINDOW = 72,      /* 8 */
    META_AT_POSITIONS = 80,   /* 8 */
    META_AT_RATE = 88,        /* 8 */
    META_AT_WITNESSED = 96,   /* 1 */
    META_AT_SPACE_2 = 97,     /* 7, zero */
    META_AT_ROWS_OWED = 104,  /* 8 */
    META_AT_SPACE_3 = 112,    /* 12, zero */
    META_AT_CRC = 124,        /* 4 */
};

enum {
    RECORD_STATE_LIVE = 0,
    RECORD_STATE_DROPPED = 1,
};

#define MS_PER_S 1000
#define WINDOW_MS 60000

static_assert(SEQUENCE_COUNTER == 0 && SEQUENCE_TIMESTAMP == 1, "kinds are written as they are");
static const uint8_t meta_magic[8] = {'s', 'e', 'q', 'd', 'm', 'e', 't', 'a'};

static_assert(RECORD_AT_CRC + 4 == RECORD_SIZE, "the checksum ends a sequence record");
static_assert(META_AT_CRC + 4 == META_SIZE, "the checksum ends a meta record");

/* The record has a fixed length, so key and record one after the other cannot be split otherwise.
 * */
static uint32_t record_crc(const char *name, const uint8_t *bytes)
{
    return crc32c(crc32c(0, name, strlen(name)), bytes, RECORD_AT_CRC);
}

static void encode_layout(const struct layout *layout, uint8_t to[RECORD_SIZE])
{
    bytes_put(to + RECORD_AT_EPOCH, (uint64_t)layout->epoch_ms, 8);
    bytes_put(to + RECORD_AT_UNIT, layout->unit_ms, 4);
    bytes_put(to + RECORD_AT_MACHINE_BITS, layout->machine_bits, 1);
    bytes_put(to + RECORD_AT_NODE_BITS, layout->node_bits, 1);
    bytes_put(to + RECORD_AT_COUNTER_BITS, layout->counter_bits, 1);
    bytes_put(to + RECORD_AT_MACHINE_ID, layout->machine_id, 4);
    bytes_put(to + RECORD_AT_NODE_ID, layout->node_id, 4);
    bytes_put(to + RECORD_AT_MAX_BORROW, layout->max_borrow_ms, 4);
}

static struct layout decode_layout(const uint8_t *bytes)
{
    return (struct layout){
        .epoch_ms = (int64_t)bytes_get(bytes + RECORD_AT_EPOCH, 8),
        .unit_ms = (uint32_t)bytes_get(bytes + RECORD_AT_UNIT, 4),
        .machine_bits = (uint8_t)bytes_get(bytes + RECORD_AT_MACHINE_BITS, 1),
        .node_bits = (uint8_t)bytes_get(bytes + RECORD_AT_NODE_BITS, 1),
        .counter_bits = (uint8_t)bytes_get(bytes + RECORD_AT_COUNTER_BITS, 1),
        .machine_id = (uint32_t)bytes_get(bytes + RECORD_AT_MACHINE_ID, 4),
        .node_id = (uint32_t)bytes_get(bytes + RECORD_AT_NODE_ID, 4),
        .max_borrow_ms = (uint32_t)bytes_get(bytes + RECORD_AT_MAX_BORROW, 4),
    };
}

void record_encode(const struct record *record, const char *name, uint8_t to[RECORD_SIZE])
{
    const struct definition *definition = &record->definition;

    memset(to, 0, RECORD_SIZE);
    bytes_put(to + RECORD_AT_VERSION, RECORD_VERSION, 2);
    bytes_put(to + RECORD_AT_KIND, (uint64_t)definition->kind, 1);
    bytes_put(to + RECORD_AT_STATE, record->dropped ? RECORD_STATE_DROPPED : RECORD_STATE_LIVE, 1);
    bytes_put(to + RECORD_AT_DURABILITY, (uint64_t)definition->durability, 1);
    bytes_put(to + RECORD_AT_FLOOR_SOME, record->floor.some, 1);
    bytes_put(to + RECORD_AT_GENERATION, record->generation, 8);
    bytes_put(to + RECORD_AT_MARK, record->mark, 8);
    bytes_put(to + RECORD_AT_START, (uint64_t)definition->start, 8);
    bytes_put(to + RECORD_AT_INCREMENT, (uint64_t)definition->increment, 8);
    bytes_put(to + RECORD_AT_MIN, (uint64_t)definition->min, 8);
    bytes_put(to + RECORD_AT_MAX, (uint64_t)definition->max, 8);
    bytes_put(to + RECORD_AT_MAX_GAP, definition->max_gap, 8);
    bytes_put(to + RECORD_AT_LEASE, definition->lease, 8);
    bytes_put(to + RECORD_AT_FLOOR_LOW, (uint64_t)record->floor.low, 8);
    bytes_put(to + RECORD_AT_FLOOR_HIGH, (uint64_t)record->floor.high, 8);
    encode_layout(&definition->layout, to);
    bytes_put(to + RECORD_AT_CRC, record_crc(name, to), 4);
}

static struct definition decode_definition(const uint8_t *bytes)
{
    return (struct definition){
        .kind = (enum sequence_kind)bytes_get(bytes + RECORD_AT_KIND, 1),
        .start = (int64_t)bytes_get(bytes + RECORD_AT_START, 8),
        .increment = (int64_t)bytes_get(bytes + RECORD_AT_INCREMENT, 8),
        .min = (int64_t)bytes_get(bytes + RECORD_AT_MIN, 8),
        .max = (int64_t)bytes_get(bytes + RECORD_AT_MAX, 8),
        .max_gap = bytes_get(bytes + RECORD_AT_MAX_GAP, 8),
        .lease = bytes_get(bytes + RECORD_AT_LEASE, 8),
        .durability = (enum durability)bytes_get(bytes + RECORD_AT_DURABILITY, 1),
        .layout = decode_layout(bytes),
    };
}

static bool record_space_is_zero(const uint8_t *bytes)
{
    return bytes_are_zero(bytes + RECORD_AT_SPACE_1, RECORD_AT_GENERATION - RECORD_AT_SPACE_1) &&
           bytes_are_zero(bytes + RECORD_AT_SPACE_2, RECORD_AT_MACHINE_ID - RECORD_AT_SPACE_2) &&
           bytes_are_zero(bytes + RECORD_AT_SPACE_3, RECORD_AT_CRC - RECORD_AT_SPACE_3);
}

/* Can a record have this floor? A tombstone's covers every number of its last life. */
static bool floor_is_possible(const struct record *record)
{
    const struct floor *floor = &record->floor;
    struct floor grown = floor_grown(*floor, &record->definition, record->mark);

    if (!floor->some && (floor->low != 0 || floor->high != 0)) {
        return false;
    }
    if (floor->low > floor->high || floor->low < SEQUENCE_NUMBER_MIN) {
        return false;
    }
    return !record->dropped ||
           (grown.some == floor->some && grown.low == floor->low && grown.high == floor->high);
}

enum error record_decode(const void *data, size_t length, const char *name,
                         struct record *ret_record, struct error_detail *detail)
{
    const uint8_t *bytes = data;
    struct record record;

    if (length != RECORD_SIZE) {
        return error_fail(detail, ERR_CORRUPT, "%zu bytes, not %d", length, RECORD_SIZE);
    }
    if (bytes_get(bytes + RECORD_AT_CRC, 4) != record_crc(name, bytes)) {
        return error_fail(detail, ERR_CORRUPT, "the checksum is wrong");
    }
    if (bytes_get(bytes + RECORD_AT_VERSION, 2) != RECORD_VERSION ||
        bytes_get(bytes + RECORD_AT_STATE, 1) > RECORD_STATE_DROPPED ||
        bytes_get(bytes + RECORD_AT_FLOOR_SOME, 1) > 1 || !record_space_is_zero(bytes)) {
        return error_fail(detail, ERR_CORRUPT, "not a sequence of version %d", RECORD_VERSION);
    }
    record = (struct record){
        .definition = decode_definition(bytes),
        .generation = bytes_get(bytes + RECORD_AT_GENERATION, 8),
        .mark = bytes_get(bytes + RECORD_AT_MARK, 8),
        .dropped = bytes_get(bytes + RECORD_AT_STATE, 1) == RECORD_STATE_DROPPED,
        .floor = {.some = bytes_get(bytes + RECORD_AT_FLOOR_SOME, 1) == 1,
                  .low = (int64_t)bytes_get(bytes + RECORD_AT_FLOOR_LOW, 8),
                  .high = (int64_t)bytes_get(bytes + RECORD_AT_FLOOR_HIGH, 8)},
    };
    if (definition_check(&record.definition, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "the definition is impossible");
    }
    if (!floor_is_possible(&record)) {
        return error_fail(detail, ERR_CORRUPT, "the floor is impossible");
    }
    *ret_record = record;
    return ERR_OK;
}

/* ---- as text ---- */

/* The fields as they stand in a line of a backup. */
static const struct {
    size_t offset;
    size_t width;
    bool is_signed; /* of 8 bytes */
} columns[] = {
    {RECORD_AT_KIND, 1, false},       {RECORD_AT_STATE, 1, false},
    {RECORD_AT_DURABILITY, 1, false}, {RECORD_AT_FLOOR_SOME, 1, false},
    {RECORD_AT_GENERATION, 8, false}, {RECORD_AT_MARK, 8, false},
    {RECORD_AT_START, 8, true},       {RECORD_AT_INCREMENT, 8, true},
    {RECORD_AT_MIN, 8, true},         {RECORD_AT_MAX, 8, true},
    {RECORD_AT_MAX_GAP, 8, false},    {RECORD_AT_LEASE, 8, false},
    {RECORD_AT_FLOOR_LOW, 8, true},   {RECORD_AT_EPOCH, 8, true},
    {RECORD_AT_UNIT, 4, false},       {RECORD_AT_MACHINE_BITS, 1, false},
    {RECORD_AT_NODE_BITS, 1, false},  {RECORD_AT_COUNTER_BITS, 1, false},
    {RECORD_AT_MACHINE_ID, 4, false}, {RECORD_AT_NODE_ID, 4, false},
    {RECORD_AT_MAX_BORROW, 4, false}, {RECORD_AT_FLOOR_HIGH, 8, true},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static_assert(COLUMNS * (TEXT_INT64_SIZE + 1) <= RECORD_TEXT_SIZE, "a line has room for all");

void record_write_text(const struct record *record, const char *name, char to[RECORD_TEXT_SIZE])
{
    uint8_t bytes[RECORD_SIZE];
    size_t used = 0;

    record_encode(record, name, bytes);
    for (size_t i = 0; i < COLUMNS; i++) {
        uint64_t value = bytes_get(bytes + columns[i].offset, columns[i].width);

        used +=
            columns[i].is_signed
                ? (size_t)snprintf(to + used, RECORD_TEXT_SIZE - used, " %" PRId64, (int64_t)value)
                : (size_t)snprintf(to + used, RECORD_TEXT_SIZE - used, " %" PRIu64, value);
    }
}

/* One value, which has to fit its field. */
static bool read_column(const char *word, size_t column, uint8_t bytes[RECORD_SIZE])
{
    size_t width = columns[column].width;
    uint64_t max = width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
    uint64_t value = 0;
    int64_t number = 0;
    bool good = columns[column].is_signed ? text_parse_int64(word, &number) == ERR_OK
                                          : text_parse_uint64(word, max, &value) == ERR_OK;

    bytes_put(bytes + columns[column].offset, columns[column].is_signed ? (uint64_t)number : value,
              width);
    return good;
}

enum error record_read_text(const char *text, const char *name, struct record *ret_record,
                            struct error_detail *detail)
{
    uint8_t bytes[RECORD_SIZE] = {0};
    size_t column = 0;

    while (*text == ' ' && column < COLUMNS) {
        char word[TEXT_INT64_SIZE + 1] = "";
        size_t length = strcspn(++text, " ");

        if (length >= sizeof(word)) {
            break;
        }
        memcpy(word, text, length);
        if (!read_column(word, column, bytes)) {
            break;
        }
        text += length;
        column++;
    }
    if (column != COLUMNS || *text != '\0') {
        return error_fail(detail, ERR_CORRUPT, "value %zu is wrong", column + 1);
    }
    bytes_put(bytes + RECORD_AT_VERSION, RECORD_VERSION, 2);
    bytes_put(bytes + RECORD_AT_CRC, record_crc(name, bytes), 4);
    return record_decode(bytes, sizeof(bytes), name, ret_record, detail);
}

/* ---- the meta record ---- */

uint64_t meta_window_rate(const struct meta *meta, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms > meta->window_ms ? now_ms - meta->window_ms : 0;

    return range_multiply_capped(meta->window_positions, MS_PER_S) /
           range_max(elapsed_ms, MS_PER_S);
}

void meta_count_leased(struct meta *meta, uint64_t positions, uint64_t now_ms)
{
    meta->window_positions = range_add_capped(meta->window_positions, positions);
    if (now_ms >= meta->window_ms && now_ms - meta->window_ms < WINDOW_MS) {
        return;
    }
    /* A busy minute is forgotten by and by, not at once: the next one may be as busy. */
    meta->rate = range_max(meta->rate - meta->rate / 16, meta_window_rate(meta, now_ms));
    meta->window_ms = now_ms;
    meta->window_positions = 0;
}

void meta_encode(const struct meta *meta, uint8_t to[META_SIZE])
{
    memset(to, 0, META_SIZE);
    memcpy(to + META_AT_MAGIC, meta_magic, sizeof(meta_magic));
    bytes_put(to + META_AT_VERSION, meta->version, 4);
    memcpy(to + META_AT_INSTANCE, meta->instance, META_ID_SIZE);
    memcpy(to + META_AT_INCARNATION, meta->incarnation, META_ID_SIZE);
    bytes_put(to + META_AT_COUNTER, meta->counter, 8);
    bytes_put(to + META_AT_CREATED, meta->created_ms, 8);
    bytes_put(to + META_AT_COMMITTED, meta->committed_ms, 8);
    bytes_put(to + META_AT_WINDOW, meta->window_ms, 8);
    bytes_put(to + META_AT_POSITIONS, meta->window_positions, 8);
    bytes_put(to + META_AT_RATE, meta->rate, 8);
    bytes_put(to + META_AT_WITNESSED, meta->witnessed, 1);
    bytes_put(to + META_AT_ROWS_OWED, meta->rows_owed, 8);
    bytes_put(to + META_AT_CRC, crc32c(0, to, META_AT_CRC), 4);
}

/* Does a meta record of whatever version hold together? Magic, version and a checksum in the last
 * four bytes stand in every version, so that an older seqd can tell a newer record from a damaged
 * one. */
static bool meta_is_whole(const uint8_t *bytes, size_t length)
{
    if (length < META_AT_INSTANCE + 4 ||
        memcmp(bytes + META_AT_MAGIC, meta_magic, sizeof(meta_magic)) != 0) {
        return false;
    }
    return bytes_get(bytes + length - 4, 4) == crc32c(0, bytes, length - 4);
}

enum error meta_decode(const void *data, size_t length, struct meta *ret_meta,
                       struct error_detail *detail)
{
    const uint8_t *bytes = data;
    uint32_t version;

    if (!meta_is_whole(bytes, length)) {
        return error_fail(detail, ERR_CORRUPT, "the checksum of the meta record is wrong");
    }
    version = (uint32_t)bytes_get(bytes + META_AT_VERSION, 4);
    if (version > META_VERSION) {
        return error_fail(detail, ERR_FENCED, "the data is of format %u, this seqd reads up to %d",
                          version, META_VERSION);
    }
    if (version == 0 || length != META_SIZE || bytes[META_AT_WITNESSED] > 1 ||
        !bytes_are_zero(bytes + META_AT_SPACE_1, META_AT_INSTANCE - META_AT_SPACE_1) ||
        !bytes_are_zero(bytes + META_AT_SPACE_2, META_AT_ROWS_OWED - META_AT_SPACE_2) ||
        !bytes_are_zero(bytes + META_AT_SPACE_3, META_AT_CRC - META_AT_SPACE_3)) {
        return error_fail(detail, ERR_CORRUPT, "the meta record is impossible");
    }
    ret_meta->version = version;
    memcpy(ret_meta->instance, bytes + META_AT_INSTANCE, META_ID_SIZE);
    memcpy(ret_meta->incarnation, bytes + META_AT_INCARNATION, META_ID_SIZE);
    ret_meta->counter = bytes_get(bytes + META_AT_COUNTER, 8);
    ret_meta->created_ms = bytes_get(bytes + META_AT_CREATED, 8);
    ret_meta->committed_ms = bytes_get(bytes + META_AT_COMMITTED, 8);
    ret_meta->window_ms = bytes_get(bytes + META_AT_WINDOW, 8);
    ret_meta->window_positions = bytes_get(bytes + META_AT_POSITIONS, 8);
    ret_meta->rate = bytes_get(bytes + META_AT_RATE, 8);
    ret_meta->rows_owed = bytes_get(bytes + META_AT_ROWS_OWED, 8);
    ret_meta->witnessed = bytes[META_AT_WITNESSED] == 1;
    return ERR_OK;
}
