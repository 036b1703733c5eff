#include "ledger_row.h"

#include "base/rfc3339.h"
#include "base/text.h"
#include "comb.h"
#include "history.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ID_DIGITS ((size_t)2 * LEDGER_INSTANCE_SIZE)
#define WORDS_MAX 24
#define LINE_SIZE 1024

static enum error refuse(struct error_detail *detail, const char *what)
{
    return error_fail(detail, ERR_CORRUPT, "%s is missing or wrong", what);
}

/* ---- what both have ---- */

static bool read_id(const char *text, uint8_t id[LEDGER_INSTANCE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    if (text == NULL || strlen(text) != ID_DIGITS || strspn(text, digits) != ID_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < LEDGER_INSTANCE_SIZE; i++) {
        id[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 |
                          (strchr(digits, text[2 * i + 1]) - digits));
    }
    return true;
}

static bool read_name(const char *text, char to[SEQUENCE_NAME_MAX + 1])
{
    if (text == NULL || definition_check_name(text, strlen(text), NULL) != ERR_OK) {
        return false;
    }
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static enum error check_row(const struct ledger_entry *entry, struct error_detail *detail)
{
    return ledger_entry_check(entry, detail) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum error check_mark(const struct ledger_mark *mark, struct error_detail *detail)
{
    const struct definition *definition = &mark->definition;
    struct mapping mapping = {definition->kind, definition->start, definition->increment,
                              definition->layout};
    struct range issued = {0, mark->mark};
    return mark->mark == 0 || mapping_holds(&mapping, issued) ? ERR_OK : refuse(detail, "the mark");
}

/* ---- JSON ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key)); /* NULL: there is none */
}

static bool read_uint64(const json_t *object, const char *key, uint64_t *ret_value)
{
    const char *text = text_of(object, key);
    return text != NULL && text_parse_uint64(text, UINT64_MAX, ret_value) == ERR_OK;
}

static bool read_int64(const json_t *object, const char *key, int64_t *ret_value)
{
    const char *text = text_of(object, key);
    return text != NULL && text_parse_int64(text, ret_value) == ERR_OK;
}

static bool read_small(const json_t *object, const char *key, uint32_t max, uint32_t *ret_value)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > (json_int_t)max) {
        return false;
    }
    *ret_value = (uint32_t)json_integer_value(value);
    return true;
}

static bool read_unit(const json_t *object, struct layout *layout)
{
    static const uint32_t units_ms[] = {1, 10, 1000};
    const char *text = text_of(object, "time_unit");
    for (size_t i = 0; text != NULL && i < sizeof units_ms / sizeof units_ms[0]; i++) {
        layout->unit_ms = units_ms[i];
        if (strcmp(text, layout_unit_name(layout)) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_layout(const json_t *object, struct layout *ret_layout)
{
    struct layout layout = {0};
    const char *epoch = text_of(object, "epoch");
    uint32_t bits[3] = {0};
    if (epoch == NULL || rfc3339_parse(epoch, &layout.epoch_ms, NULL) != ERR_OK ||
        !read_unit(object, &layout) || !read_small(object, "machine_bits", UINT8_MAX, &bits[0]) ||
        !read_small(object, "node_bits", UINT8_MAX, &bits[1]) ||
        !read_small(object, "counter_bits", UINT8_MAX, &bits[2]) ||
        !read_small(object, "machine_id", UINT32_MAX, &layout.machine_id) ||
        !read_small(object, "node_id", UINT32_MAX, &layout.node_id)) {
        return false;
    }
    layout.machine_bits = (uint8_t)bits[0];
    layout.node_bits = (uint8_t)bits[1];
    layout.counter_bits = (uint8_t)bits[2];
    *ret_layout = layout;
    return true;
}

static bool read_kind(const json_t *object, enum sequence_kind *ret_kind)
{
    const char *text = text_of(object, "kind");
    for (enum sequence_kind kind = SEQUENCE_COUNTER; kind <= SEQUENCE_TIMESTAMP; kind++) {
        if (text != NULL && strcmp(text, sequence_kind_name(kind)) == 0) {
            *ret_kind = kind;
            return true;
        }
    }
    return false;
}

/* `layout` is the object with a timestamp sequence's layout. */
static bool read_mapping(const json_t *object, const json_t *layout, struct mapping *ret_mapping)
{
    struct mapping mapping = {.kind = SEQUENCE_COUNTER};
    if (!read_kind(object, &mapping.kind)) {
        return false;
    }
    bool good = mapping.kind == SEQUENCE_TIMESTAMP
                    ? read_layout(layout, &mapping.layout)
                    : read_int64(object, "start", &mapping.start) &&
                          read_int64(object, "increment", &mapping.increment);
    *ret_mapping = mapping;
    return good;
}

static bool read_head(const json_t *row, struct ledger_entry *entry)
{
    const char *id = text_of(row, "row");
    const char *act = text_of(row, "act");
    const char *time = text_of(row, "time");
    int64_t time_ms = 0;
    if (id == NULL || ledger_id_parse(id, &entry->id) != ERR_OK || act == NULL ||
        ledger_act_parse(act, &entry->act) != ERR_OK || time == NULL ||
        rfc3339_parse(time, &time_ms, NULL) != ERR_OK) {
        return false;
    }
    entry->time_ms = (uint64_t)time_ms;
    return true;
}

enum error ledger_row_of_json(const json_t *row, struct ledger_entry *ret_entry,
                              struct error_detail *detail)
{
    struct ledger_entry entry = {.id = {0}};
    struct mapping mapping;
    const json_t *positions = json_object_get(row, "positions");
    int64_t first = 0;
    int64_t last = 0;
    if (!read_head(row, &entry) || !read_name(text_of(row, "sequence"), entry.name)) {
        return refuse(detail, "row, act, time or sequence");
    }
    if (!read_id(text_of(row, "instance"), entry.instance) ||
        !read_id(text_of(row, "incarnation"), entry.incarnation) ||
        !read_uint64(row, "nonce", &entry.nonce) ||
        !read_uint64(row, "generation", &entry.generation)) {
        return refuse(detail, "instance, incarnation, nonce or generation");
    }
    if (!read_uint64(positions, "first", &entry.positions.first) ||
        !read_uint64(positions, "limit", &entry.positions.limit) ||
        !read_uint64(positions, "from", &entry.from) ||
        !read_mapping(row, json_object_get(row, "layout"), &mapping)) {
        return refuse(detail, "positions or kind");
    }
    entry.kind = mapping.kind;
    entry.start = mapping.start;
    entry.increment = mapping.increment;
    entry.layout = mapping.layout;
    enum error error = check_row(&entry, detail);
    if (error == ERR_OK && (!read_int64(row, "first", &first) || !read_int64(row, "last", &last) ||
                            first != mapping_number(&mapping, entry.positions.first) ||
                            last != mapping_number(&mapping, entry.positions.limit - 1))) {
        error = refuse(detail, "first or last");
    }
    if (error == ERR_OK) {
        *ret_entry = entry;
    }
    return error;
}

enum error ledger_mark_of_json(const json_t *sequence, struct ledger_mark *ret_mark,
                               struct error_detail *detail)
{
    struct ledger_mark mark = {.running = true};
    struct mapping mapping;
    if (!read_name(text_of(sequence, "name"), mark.name) ||
        !read_mapping(sequence, sequence, &mapping) || !read_uint64(sequence, "mark", &mark.mark) ||
        !read_uint64(sequence, "position", &mark.next)) {
        return refuse(detail, "name, kind, mark or position");
    }
    mark.definition = (struct definition){.kind = mapping.kind,
                                          .start = mapping.start,
                                          .increment = mapping.increment,
                                          .layout = mapping.layout};
    enum error error = check_mark(&mark, detail);
    if (error == ERR_OK) {
        *ret_mark = mark;
    }
    return error;
}

/* ---- lines ---- */

struct words {
    char text[LINE_SIZE];
    const char *items[WORDS_MAX];
    size_t count;
};

/* Words with one blank between them; whoever reads an empty one refuses it. */
static bool split(const char *text, struct words *words)
{
    size_t length = strlen(text);
    words->count = 0;
    if (length >= sizeof words->text) {
        return false;
    }
    memcpy(words->text, text, length + 1);
    for (char *word = words->text; word != NULL;) {
        char *blank = strchr(word, ' ');
        if (blank != NULL) {
            *blank++ = '\0';
        }
        if (words->count == WORDS_MAX) {
            return false;
        }
        words->items[words->count++] = word;
        word = blank;
    }
    return true;
}

/* The unsigned number that `word` is, at most `max`; `good` turns false when it is none. */
static uint64_t number_of(const char *word, uint64_t max, bool *good)
{
    uint64_t value = 0;
    *good = *good && text_parse_uint64(word, max, &value) == ERR_OK;
    return value;
}

static int64_t signed_of(const char *word, bool *good)
{
    int64_t value = 0;
    *good = *good && text_parse_int64(word, &value) == ERR_OK;
    return value;
}

/* Seven words, from the epoch to the node id. */
static struct layout layout_of(const char *const *words, bool *good)
{
    return (struct layout){.epoch_ms = signed_of(words[0], good),
                           .unit_ms = (uint32_t)number_of(words[1], UINT32_MAX, good),
                           .machine_bits = (uint8_t)number_of(words[2], UINT8_MAX, good),
                           .node_bits = (uint8_t)number_of(words[3], UINT8_MAX, good),
                           .counter_bits = (uint8_t)number_of(words[4], UINT8_MAX, good),
                           .machine_id = (uint32_t)number_of(words[5], UINT32_MAX, good),
                           .node_id = (uint32_t)number_of(words[6], UINT32_MAX, good)};
}

/* In their order. */
enum row_word {
    ROW_ID,
    ROW_ACT,
    ROW_NAME,
    ROW_TIME,
    ROW_INSTANCE,
    ROW_INCARNATION,
    ROW_NONCE,
    ROW_GENERATION,
    ROW_FIRST,
    ROW_LIMIT,
    ROW_FROM,
    ROW_KIND,
    ROW_START,
    ROW_INCREMENT,
    ROW_LAYOUT,
    ROW_WORDS = ROW_LAYOUT + 7
};

enum error ledger_row_of_text(const char *text, struct ledger_entry *ret_entry,
                              struct error_detail *detail)
{
    struct ledger_entry entry = {.id = {0}};
    struct words words;
    const char *const *items = words.items;
    bool good = split(text, &words) && words.count == ROW_WORDS;
    if (!good) {
        return refuse(detail, "a word of the row");
    }
    good = ledger_id_parse(items[ROW_ID], &entry.id) == ERR_OK &&
           ledger_act_parse(items[ROW_ACT], &entry.act) == ERR_OK &&
           read_name(items[ROW_NAME], entry.name) && read_id(items[ROW_INSTANCE], entry.instance) &&
           read_id(items[ROW_INCARNATION], entry.incarnation);
    entry.time_ms = number_of(items[ROW_TIME], RFC3339_MAX_MS, &good);
    entry.nonce = number_of(items[ROW_NONCE], UINT64_MAX, &good);
    entry.generation = number_of(items[ROW_GENERATION], UINT64_MAX, &good);
    entry.positions.first = number_of(items[ROW_FIRST], UINT64_MAX, &good);
    entry.positions.limit = number_of(items[ROW_LIMIT], UINT64_MAX, &good);
    entry.from = number_of(items[ROW_FROM], UINT64_MAX, &good);
    entry.kind = (enum sequence_kind)number_of(items[ROW_KIND], SEQUENCE_TIMESTAMP, &good);
    entry.start = signed_of(items[ROW_START], &good);
    entry.increment = signed_of(items[ROW_INCREMENT], &good);
    entry.layout = layout_of(&items[ROW_LAYOUT], &good);
    if (!good) {
        return refuse(detail, "a word of the row");
    }
    enum error error = check_row(&entry, detail);
    if (error == ERR_OK) {
        *ret_entry = entry;
    }
    return error;
}

enum error ledger_lack_of_text(const char *text, uint64_t *ret_missing, uint64_t *ret_damaged,
                               struct error_detail *detail)
{
    struct words words;
    bool good = split(text, &words) && words.count == 3 && strcmp(words.items[1], "damaged") == 0;
    if (!good) {
        return refuse(detail, "what the ledger lacks");
    }
    uint64_t missing = number_of(words.items[0], UINT64_MAX, &good);
    uint64_t damaged = number_of(words.items[2], UINT64_MAX, &good);
    if (!good) {
        return refuse(detail, "what the ledger lacks");
    }
    *ret_missing = missing;
    *ret_damaged = damaged;
    return ERR_OK;
}

/* In their order; those that nobody asks for here have no name. */
enum mark_word {
    MARK_NAME,
    MARK_KIND,
    MARK_STATE,
    MARK_MARK = 6,
    MARK_START,
    MARK_INCREMENT,
    MARK_LAYOUT = 14,
    MARK_WORDS = 23
};

enum error ledger_mark_of_text(const char *text, struct ledger_mark *ret_mark,
                               struct error_detail *detail)
{
    struct ledger_mark mark = {.running = false};
    struct words words;
    const char *const *items = words.items;
    bool good = split(text, &words) && words.count == MARK_WORDS;
    if (!good) {
        return refuse(detail, "a value of the sequence");
    }
    good = read_name(items[MARK_NAME], mark.name);
    mark.definition.kind =
        (enum sequence_kind)number_of(items[MARK_KIND], SEQUENCE_TIMESTAMP, &good);
    mark.dropped = number_of(items[MARK_STATE], 1, &good) == 1;
    mark.mark = number_of(items[MARK_MARK], UINT64_MAX, &good);
    mark.definition.start = signed_of(items[MARK_START], &good);
    mark.definition.increment = signed_of(items[MARK_INCREMENT], &good);
    mark.definition.layout = layout_of(&items[MARK_LAYOUT], &good);
    if (!good) {
        return refuse(detail, "a value of the sequence");
    }
    enum error error = check_mark(&mark, detail);
    if (error == ERR_OK) {
        *ret_mark = mark;
    }
    return error;
}
