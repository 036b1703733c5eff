#include "ledger_record.h"

#include "base/crc32c.h"
#include "base/text.h"
#include "bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Offsets of a row. */
enum {
    ROW_AT_VERSION = 0,      /* 2 bytes */
    ROW_AT_ACT = 2,          /* 1 */
    ROW_AT_KIND = 3,         /* 1 */
    ROW_AT_MACHINE_BITS = 4, /* 1 */
    ROW_AT_NODE_BITS = 5,    /* 1 */
    ROW_AT_COUNTER_BITS = 6, /* 1 */
    ROW_AT_NAME_LENGTH = 7,  /* 1 */
    ROW_AT_TIME = 8,         /* 8 */
    ROW_AT_INSTANCE = 16,    /* 16 */
    ROW_AT_INCARNATION = 32, /* 16 */
    ROW_AT_NONCE = 48,       /* 8 from here on */
    ROW_AT_GENERATION = 56,
    ROW_AT_FIRST = 64,
    ROW_AT_LIMIT = 72,
    ROW_AT_FROM = 80,
    ROW_AT_START = 88,
    ROW_AT_INCREMENT = 96,
    ROW_AT_EPOCH = 104,
    ROW_AT_UNIT = 112,       /* 4 */
    ROW_AT_MACHINE_ID = 116, /* 4 */
    ROW_AT_NODE_ID = 120,    /* 4 */
    ROW_AT_NAME = 124,       /* the name's bytes, then 4 of checksum */
};

/* Offsets of the head. */
enum {
    HEAD_AT_VERSION = 0,         /* 2 bytes */
    HEAD_AT_SPACE = 2,           /* 6, zero */
    HEAD_AT_MISSING = 8,         /* 8 */
    HEAD_AT_MISSING_COMMIT = 16, /* 8 */
    HEAD_AT_SPACE_2 = 24,        /* 4, zero */
    HEAD_AT_CRC = 28,            /* 4 */
};

static_assert(ROW_AT_NAME + 4 == LEDGER_RECORD_FIXED, "the checksum ends a row");
static_assert(HEAD_AT_CRC + 4 == LEDGER_HEAD_SIZE, "the checksum ends the head");
static_assert(SEQUENCE_NAME_MAX <= UINT8_MAX, "a name's length fits its byte");

void ledger_key_encode(struct ledger_id id, uint8_t to[LEDGER_KEY_SIZE])
{
    for (size_t i = 0; i < 8; i++) {
        to[i] = (uint8_t)(id.commit >> (56 - 8 * i));
    }
    for (size_t i = 0; i < 4; i++) {
        to[8 + i] = (uint8_t)(id.index >> (24 - 8 * i));
    }
}

enum error ledger_key_decode(const void *bytes, size_t length, struct ledger_id *ret_id)
{
    const uint8_t *from = bytes;
    struct ledger_id id = {0};

    if (length != LEDGER_KEY_SIZE) {
        return ERR_CORRUPT;
    }
    for (size_t i = 0; i < 8; i++) {
        id.commit = id.commit << 8 | from[i];
    }
    for (size_t i = 8; i < LEDGER_KEY_SIZE; i++) {
        id.index = id.index << 8 | from[i];
    }
    *ret_id = id;
    return ERR_OK;
}

static uint32_t row_crc(struct ledger_id id, const uint8_t *bytes, size_t length)
{
    uint8_t key[LEDGER_KEY_SIZE];

    ledger_key_encode(id, key);
    return crc32c(crc32c(0, key, sizeof(key)), bytes, length);
}

size_t ledger_record_encode(const struct ledger_entry *entry, uint8_t to[LEDGER_RECORD_MAX])
{
    const struct layout *layout = &entry->layout;
    size_t name_length = strlen(entry->name);

    assert(ledger_entry_check(entry, NULL) == ERR_OK);
    bytes_put(to + ROW_AT_VERSION, LEDGER_RECORD_VERSION, 2);
    bytes_put(to + ROW_AT_ACT, (uint64_t)entry->act, 1);
    bytes_put(to + ROW_AT_KIND, (uint64_t)entry->kind, 1);
    bytes_put(to + ROW_AT_MACHINE_BITS, layout->machine_bits, 1);
    bytes_put(to + ROW_AT_NODE_BITS, layout->node_bits, 1);
    bytes_put(to + ROW_AT_COUNTER_BITS, layout->counter_bits, 1);
    bytes_put(to + ROW_AT_NAME_LENGTH, name_length, 1);
    bytes_put(to + ROW_AT_TIME, entry->time_ms, 8);
    memcpy(to + ROW_AT_INSTANCE, entry->instance, LEDGER_INSTANCE_SIZE);
    memcpy(to + ROW_AT_INCARNATION, entry->incarnation, LEDGER_INSTANCE_SIZE);
    bytes_put(to + ROW_AT_NONCE, entry->nonce, 8);
    bytes_put(to + ROW_AT_GENERATION, entry->generation, 8);
    bytes_put(to + ROW_AT_FIRST, entry->positions.first, 8);
    bytes_put(to + ROW_AT_LIMIT, entry->positions.limit, 8);
    bytes_put(to + ROW_AT_FROM, entry->from, 8);
    bytes_put(to + ROW_AT_START, (uint64_t)entry->start, 8);
    bytes_put(to + ROW_AT_INCREMENT, (uint64_t)entry->increment, 8);
    bytes_put(to + ROW_AT_EPOCH, (uint64_t)layout->epoch_ms, 8);
    bytes_put(to + ROW_AT_UNIT, layout->unit_ms, 4);
    bytes_put(to + ROW_AT_MACHINE_ID, layout->machine_id, 4);
    bytes_put(to + ROW_AT_NODE_ID, layout->node_id, 4);
    memcpy(to + ROW_AT_NAME, entry->name, name_length);
    bytes_put(to + ROW_AT_NAME + name_length, row_crc(entry->id, to, ROW_AT_NAME + name_length), 4);
    return LEDGER_RECORD_FIXED + name_length;
}

static struct layout decode_layout(const uint8_t *bytes)
{
    return (struct layout){
        .epoch_ms = (int64_t)bytes_get(bytes + ROW_AT_EPOCH, 8),
        .unit_ms = (uint32_t)bytes_get(bytes + ROW_AT_UNIT, 4),
        .machine_bits = (uint8_t)bytes_get(bytes + ROW_AT_MACHINE_BITS, 1),
        .node_bits = (uint8_t)bytes_get(bytes + ROW_AT_NODE_BITS, 1),
        .counter_bits = (uint8_t)bytes_get(bytes + ROW_AT_COUNTER_BITS, 1),
        .machine_id = (uint32_t)bytes_get(bytes + ROW_AT_MACHINE_ID, 4),
        .node_id = (uint32_t)bytes_get(bytes + ROW_AT_NODE_ID, 4),
    };
}

enum error ledger_record_decode(const void *data, size_t length, struct ledger_id id,
                                struct ledger_entry *ret_entry, struct error_detail *detail)
{
    const uint8_t *bytes = data;
    struct ledger_entry entry = {.id = id};
    size_t name_length;

    if (length < LEDGER_RECORD_FIXED || length > LEDGER_RECORD_MAX) {
        return error_fail(detail, ERR_CORRUPT, "no row has %zu bytes", length);
    }
    name_length = length - LEDGER_RECORD_FIXED;
    if (bytes_get(bytes + length - 4, 4) != row_crc(id, bytes, length - 4)) {
        return error_fail(detail, ERR_CORRUPT, "the checksum is wrong");
    }
    if (bytes_get(bytes + ROW_AT_VERSION, 2) != LEDGER_RECORD_VERSION ||
        bytes_get(bytes + ROW_AT_NAME_LENGTH, 1) != name_length ||
        memchr(bytes + ROW_AT_NAME, '\0', name_length) != NULL) {
        return error_fail(detail, ERR_CORRUPT, "not a row of version %d", LEDGER_RECORD_VERSION);
    }
    entry.act = (enum ledger_act)bytes_get(bytes + ROW_AT_ACT, 1);
    entry.kind = (enum sequence_kind)bytes_get(bytes + ROW_AT_KIND, 1);
    entry.time_ms = bytes_get(bytes + ROW_AT_TIME, 8);
    memcpy(entry.instance, bytes + ROW_AT_INSTANCE, LEDGER_INSTANCE_SIZE);
    memcpy(entry.incarnation, bytes + ROW_AT_INCARNATION, LEDGER_INSTANCE_SIZE);
    entry.nonce = bytes_get(bytes + ROW_AT_NONCE, 8);
    entry.generation = bytes_get(bytes + ROW_AT_GENERATION, 8);
    entry.positions.first = bytes_get(bytes + ROW_AT_FIRST, 8);
    entry.positions.limit = bytes_get(bytes + ROW_AT_LIMIT, 8);
    entry.from = bytes_get(bytes + ROW_AT_FROM, 8);
    entry.start = (int64_t)bytes_get(bytes + ROW_AT_START, 8);
    entry.increment = (int64_t)bytes_get(bytes + ROW_AT_INCREMENT, 8);
    entry.layout = decode_layout(bytes);
    memcpy(entry.name, bytes + ROW_AT_NAME, name_length);
    if (ledger_entry_check(&entry, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "the row is impossible");
    }
    *ret_entry = entry;
    return ERR_OK;
}

void ledger_head_encode(const struct ledger_head *head, uint8_t to[LEDGER_HEAD_SIZE])
{
    memset(to, 0, LEDGER_HEAD_SIZE);
    bytes_put(to + HEAD_AT_VERSION, LEDGER_RECORD_VERSION, 2);
    bytes_put(to + HEAD_AT_MISSING, head->missing, 8);
    bytes_put(to + HEAD_AT_MISSING_COMMIT, head->missing_commit, 8);
    bytes_put(to + HEAD_AT_CRC, crc32c(0, to, HEAD_AT_CRC), 4);
}

enum error ledger_head_decode(const void *data, size_t length, struct ledger_head *ret_head)
{
    const uint8_t *bytes = data;

    if (length != LEDGER_HEAD_SIZE ||
        bytes_get(bytes + HEAD_AT_CRC, 4) != crc32c(0, bytes, HEAD_AT_CRC) ||
        bytes_get(bytes + HEAD_AT_VERSION, 2) != LEDGER_RECORD_VERSION ||
        !bytes_are_zero(bytes + HEAD_AT_SPACE, HEAD_AT_MISSING - HEAD_AT_SPACE) ||
        !bytes_are_zero(bytes + HEAD_AT_SPACE_2, HEAD_AT_CRC - HEAD_AT_SPACE_2)) {
        return ERR_CORRUPT;
    }
    ret_head->missing = bytes_get(bytes + HEAD_AT_MISSING, 8);
    ret_head->missing_commit = bytes_get(bytes + HEAD_AT_MISSING_COMMIT, 8);
    return ERR_OK;
}

/* ---- as text ---- */

static void write_hex(const uint8_t id[LEDGER_INSTANCE_SIZE], char to[2 * LEDGER_INSTANCE_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < LEDGER_INSTANCE_SIZE; i++) {
        to[2 * i] = digits[id[i] >> 4];
        to[2 * i + 1] = digits[id[i] & 15];
    }
    to[2 * LEDGER_INSTANCE_SIZE] = '\0';
}

void ledger_record_write_text(const struct ledger_entry *entry, char to[LEDGER_TEXT_SIZE])
{
    const struct layout *layout = &entry->layout;
    char id[LEDGER_ID_SIZE];
    char instance[2 * LEDGER_INSTANCE_SIZE + 1];
    char incarnation[2 * LEDGER_INSTANCE_SIZE + 1];
    int length;

    ledger_id_format(entry->id, id);
    write_hex(entry->instance, instance);
    write_hex(entry->incarnation, incarnation);
    length = snprintf(to, LEDGER_TEXT_SIZE,
                      " %s %s %s %" PRIu64 " %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                      " %" PRIu64 " %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu32
                      " %d %d %d %" PRIu32 " %" PRIu32,
                      id, ledger_act_name(entry->act), entry->name, entry->time_ms, instance,
                      incarnation, entry->nonce, entry->generation, entry->positions.first,
                      entry->positions.limit, entry->from, (int)entry->kind, entry->start,
                      entry->increment, layout->epoch_ms, layout->unit_ms, layout->machine_bits,
                      layout->node_bits, layout->counter_bits, layout->machine_id, layout->node_id);
    assert(length > 0 && length < LEDGER_TEXT_SIZE);
}

/* The place in a text that is read, word by word. */
struct words {
    const char *at;
    size_t taken;
};

#define WORD_SIZE 256 /* a name is the longest word */
static_assert(SEQUENCE_NAME_MAX < WORD_SIZE, "a name is a word");

static bool take(struct words *words, char word[WORD_SIZE])
{
    size_t length;

    words->taken++;
    if (*words->at != ' ') {
        return false;
    }
    length = strcspn(++words->at, " ");
    if (length == 0 || length >= WORD_SIZE) {
        return false;
    }
    memcpy(word, words->at, length);
    word[length] = '\0';
    words->at += length;
    return true;
}

static bool take_unsigned(struct words *words, uint64_t max, uint64_t *ret_value)
{
    char word[WORD_SIZE];

    return take(words, word) && text_parse_uint64(word, max, ret_value) == ERR_OK;
}

static bool take_signed(struct words *words, int64_t *ret_value)
{
    char word[WORD_SIZE];

    return take(words, word) && text_parse_int64(word, ret_value) == ERR_OK;
}

/* Of what is no digit, 0. */
static unsigned digit_of(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                  : 0;
}

static bool take_hex(struct words *words, uint8_t id[LEDGER_INSTANCE_SIZE])
{
    char word[WORD_SIZE];
    char again[2 * LEDGER_INSTANCE_SIZE + 1];

    if (!take(words, word) || strlen(word) != 2 * LEDGER_INSTANCE_SIZE) {
        return false;
    }
    for (size_t i = 0; i < LEDGER_INSTANCE_SIZE; i++) {
        id[i] = (uint8_t)(digit_of(word[2 * i]) << 4 | digit_of(word[2 * i + 1]));
    }
    write_hex(id, again); /* what is not written so is not ours */
    return strcmp(word, again) == 0;
}

static bool take_layout(struct words *words, struct layout *ret_layout)
{
    uint64_t unit = 0;
    uint64_t bits[3] = {0};
    uint64_t ids[2] = {0};

    if (!take_signed(words, &ret_layout->epoch_ms) || !take_unsigned(words, UINT32_MAX, &unit)) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (!take_unsigned(words, UINT8_MAX, &bits[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (!take_unsigned(words, UINT32_MAX, &ids[i])) {
            return false;
        }
    }
    ret_layout->unit_ms = (uint32_t)unit;
    ret_layout->machine_bits = (uint8_t)bits[0];
    ret_layout->node_bits = (uint8_t)bits[1];
    ret_layout->counter_bits = (uint8_t)bits[2];
    ret_layout->machine_id = (uint32_t)ids[0];
    ret_layout->node_id = (uint32_t)ids[1];
    return true;
}

static bool take_all(struct words *words, struct ledger_entry *entry)
{
    char word[WORD_SIZE];
    uint64_t kind = 0;

    if (!take(words, word) || ledger_id_parse(word, &entry->id) != ERR_OK ||
        entry->id.commit == 0 || !take(words, word) ||
        ledger_act_parse(word, &entry->act) != ERR_OK || !take(words, word) ||
        definition_check_name(word, strlen(word), NULL) != ERR_OK) {
        return false;
    }
    memcpy(entry->name, word, strlen(word) + 1);
    if (!take_unsigned(words, UINT64_MAX, &entry->time_ms) || !take_hex(words, entry->instance) ||
        !take_hex(words, entry->incarnation) || !take_unsigned(words, UINT64_MAX, &entry->nonce) ||
        !take_unsigned(words, UINT64_MAX, &entry->generation) ||
        !take_unsigned(words, UINT64_MAX, &entry->positions.first) ||
        !take_unsigned(words, UINT64_MAX, &entry->positions.limit) ||
        !take_unsigned(words, UINT64_MAX, &entry->from) ||
        !take_unsigned(words, SEQUENCE_TIMESTAMP, &kind) || !take_signed(words, &entry->start) ||
        !take_signed(words, &entry->increment) || !take_layout(words, &entry->layout)) {
        return false;
    }
    entry->kind = (enum sequence_kind)kind;
    return *words->at == '\0';
}

enum error ledger_record_read_text(const char *text, struct ledger_entry *ret_entry,
                                   struct error_detail *detail)
{
    struct words words = {.at = text};
    struct ledger_entry entry = {0};

    if (!take_all(&words, &entry)) {
        return error_fail(detail, ERR_CORRUPT, "value %zu is wrong", words.taken);
    }
    if (ledger_entry_check(&entry, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "the row is impossible");
    }
    *ret_entry = entry;
    return ERR_OK;
}
