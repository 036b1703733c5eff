/* fuzz_ledger: any bytes as a row of the ledger, its head, or a row as text.
 *
 * The first byte says which: r h t. A row has a number of 8 bytes and its key before it, and its
 * checksum is mended, for no fuzzer guesses one.
 *
 * The law: what is decoded is a checked row and encodes to the same bytes; all else is refused,
 * says why, and writes nothing. A row is refused under another key. A line is understood by the
 * store and by seqctl, which have a reader each, or by neither. The numbers that it is about
 * are those of its positions and no others, found by 128 bits of arithmetic here. What is written
 * as text is read again as the same. */
#include "law.h"

#include "base/crc32c.h"
#include "base/ledger_entry.h"
#include "ctl/ledger_row.h"
#include "store/bytes.h"
#include "store/ledger_record.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 8
#define WORD_MAX 256 /* bytes of a word that the store takes; seqctl takes a line of any words */
#define CRC_SIZE 4

/* Two copies of an entry may differ in what lies behind the name; their bytes may not. */
static void check_same(const struct ledger_entry *a, const struct ledger_entry *b)
{
    uint8_t a_bytes[LEDGER_RECORD_MAX];
    uint8_t b_bytes[LEDGER_RECORD_MAX];
    size_t length = ledger_record_encode(a, a_bytes);

    law_holds(ledger_id_compare(a->id, b->id) == 0);
    law_holds(ledger_record_encode(b, b_bytes) == length);
    law_holds(memcmp(a_bytes, b_bytes, length) == 0);
}

static void check_text(const struct ledger_entry *entry)
{
    struct ledger_entry again;
    char text[LEDGER_TEXT_SIZE];

    if (entry->id.commit > 0) { /* that of the head is no row's */
        ledger_record_write_text(entry, text);
        law_holds(ledger_record_read_text(text, &again, NULL) == ERR_OK);
        check_same(entry, &again);
    }
}

/* ---- which numbers ---- */

/* Is `number` that of a position of the row? */
static bool is_about(const struct ledger_entry *entry, int64_t number)
{
    const struct layout *layout = &entry->layout;
    __int128 position = -1;

    if (entry->kind == SEQUENCE_COUNTER) {
        __int128 way = (__int128)number - entry->start;
        position = way % entry->increment == 0 ? way / entry->increment : -1;
    } else if (number >= 0) {
        struct layout_parts parts = layout_decode(layout, number);
        if (parts.machine == layout->machine_id && parts.node == layout->node_id) {
            position =
                (__int128)parts.tick * (__int128)layout_tick_positions(layout) + parts.counter;
        }
    }
    return position >= entry->positions.first && position < entry->positions.limit;
}

static void check_numbers(const struct ledger_entry *entry, int64_t number)
{
    struct range positions = entry->positions;
    const uint64_t places[] = {positions.first, positions.limit - 1,
                               positions.first + range_count(positions) / 2};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int64_t its = ledger_entry_number(entry, places[i]);
        law_holds(is_about(entry, its) && ledger_entry_covers(entry, its));
    }
    law_holds(ledger_entry_covers(entry, number) == is_about(entry, number));
}

/* ---- rows and heads ---- */

static void check_row(const uint8_t *bytes, size_t length, struct ledger_id id, int64_t number)
{
    struct ledger_entry entry;
    struct error_detail detail = {.text = ""};
    uint8_t again[LEDGER_RECORD_MAX];
    struct ledger_id other = {.commit = id.commit, .index = id.index ^ 1};

    law_mark(&entry, sizeof entry);
    if (ledger_record_decode(bytes, length, id, &entry, &detail) != ERR_OK) {
        law_holds(law_untouched(&entry, sizeof entry) && law_explains(&detail));
        return;
    }
    law_holds(ledger_entry_check(&entry, NULL) == ERR_OK);
    law_holds(ledger_record_encode(&entry, again) == length && memcmp(bytes, again, length) == 0);
    check_numbers(&entry, number);
    check_text(&entry);
    law_holds(ledger_record_decode(bytes, length, other, &entry, NULL) == ERR_CORRUPT);
}

static void take_row(const uint8_t *data, size_t size)
{
    struct ledger_id id = {0};

    if (size < NUMBER_SIZE + LEDGER_KEY_SIZE + CRC_SIZE) {
        return;
    }
    int64_t number = (int64_t)bytes_get(data, NUMBER_SIZE);
    const uint8_t *key = data + NUMBER_SIZE;
    law_holds(ledger_key_decode(key, LEDGER_KEY_SIZE, &id) == ERR_OK);
    size_t length = size - NUMBER_SIZE - LEDGER_KEY_SIZE;
    uint8_t *bytes = law_bytes(key + LEDGER_KEY_SIZE, length);
    check_row(bytes, length, id, number);
    bytes_put(bytes + length - CRC_SIZE,
              crc32c(crc32c(0, key, LEDGER_KEY_SIZE), bytes, length - CRC_SIZE), CRC_SIZE);
    check_row(bytes, length, id, number);
    free(bytes);
}

static void take_head(const uint8_t *data, size_t size)
{
    struct ledger_head head;
    uint8_t bytes[LEDGER_HEAD_SIZE] = {0};
    uint8_t again[LEDGER_HEAD_SIZE];

    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    bytes_put(bytes + sizeof bytes - CRC_SIZE, crc32c(0, bytes, sizeof bytes - CRC_SIZE), CRC_SIZE);
    law_mark(&head, sizeof head);
    if (ledger_head_decode(bytes, sizeof bytes, &head) != ERR_OK) {
        law_holds(law_untouched(&head, sizeof head));
        return;
    }
    ledger_head_encode(&head, again);
    law_holds(memcmp(bytes, again, sizeof again) == 0);
}

/* What seqctl reads of the same line, with code of its own: it agrees. */
static void check_twin(const char *text, const struct ledger_entry *entry)
{
    struct ledger_entry twin;
    struct error_detail detail = {.text = ""};
    bool good = text[0] == ' ' && ledger_row_of_text(text + 1, &twin, &detail) == ERR_OK;

    if (good && twin.id.commit == 0) {
        return; /* the head's own id, which only the store looks for */
    }
    law_holds(strlen(text) >= WORD_MAX || good == (entry != NULL));
    if (good && entry != NULL) {
        check_same(&twin, entry);
    }
}

static void take_text(const uint8_t *data, size_t size)
{
    char *text = law_text(data, size);
    struct ledger_entry entry;
    struct error_detail detail = {.text = ""};
    uint8_t bytes[LEDGER_RECORD_MAX];

    law_mark(&entry, sizeof entry);
    if (ledger_record_read_text(text, &entry, &detail) != ERR_OK) {
        law_holds(law_untouched(&entry, sizeof entry) && law_explains(&detail));
        check_twin(text, NULL);
    } else {
        law_holds(ledger_entry_check(&entry, NULL) == ERR_OK);
        check_text(&entry);
        check_twin(text, &entry);
        size_t length = ledger_record_encode(&entry, bytes);
        law_holds(ledger_record_decode(bytes, length, entry.id, &entry, NULL) == ERR_OK);
        check_row(bytes, length, entry.id, entry.start);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 && data[0] == 'r') {
        take_row(data + 1, size - 1);
    } else if (size > 1 && data[0] == 'h') {
        take_head(data + 1, size - 1);
    } else if (size > 1 && data[0] == 't') {
        take_text(data + 1, size - 1);
    }
    return 0;
}
