#include "backup.h"

#include "base/crc32c.h"
#include "base/range.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "bytes.h"
#include "ledger_record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define FIRST_WORD "seqd-backup "
#define FIRST_LINE FIRST_WORD "2\n"
#define OLD_FIRST_LINE FIRST_WORD "1\n" /* of as many bytes */
#define ROW_WORD "ledger"
#define LACK_WORD "missing"
#define CHECKSUM_SIZE 18 /* "checksum ", eight digits and the line's end */
#define LINE_SIZE 1024
#define WORD_SIZE 256 /* a name is the longest word */

/* ---- writing ---- */

__attribute__((format(printf, 2, 3))) static void put(struct backup *backup, const char *format,
                                                      ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    backup->crc = crc32c(backup->crc, line, (size_t)length);
    (void)fwrite(line, 1, (size_t)length, backup->to); /* the stream remembers */
}

static void put_id(struct backup *backup, const char *what, const uint8_t id[META_ID_SIZE])
{
    put(backup, "%s ", what);
    for (size_t i = 0; i < META_ID_SIZE; i++) {
        put(backup, "%02x", id[i]);
    }
}

void backup_begin(struct backup *backup, FILE *to, const struct meta *meta, uint64_t max_gap)
{
    char time[RFC3339_SIZE];

    *backup = (struct backup){.to = to};
    /* A clock that ran beyond the year 9999 has no text; what it says matters to nobody. */
    rfc3339_format(time, (int64_t)range_min(meta->committed_ms, RFC3339_MAX_MS), 3);
    put(backup, FIRST_LINE);
    put_id(backup, "instance", meta->instance);
    put_id(backup, " incarnation", meta->incarnation);
    put(backup, " commits %" PRIu64 " time %s gap %" PRIu64 " rate %" PRIu64 "\n", meta->counter,
        time, max_gap, meta->rate);
}

void backup_add(struct backup *backup, const char *name, const struct record *record)
{
    char text[RECORD_TEXT_SIZE];

    record_write_text(record, name, text);
    put(backup, "sequence %s%s\n", name, text);
}

void backup_add_row(struct backup *backup, const struct ledger_entry *entry)
{
    char text[LEDGER_TEXT_SIZE];

    ledger_record_write_text(entry, text);
    put(backup, ROW_WORD "%s\n", text);
}

void backup_end(struct backup *backup, uint64_t missing, uint64_t damaged)
{
    put(backup, LACK_WORD " %" PRIu64 " damaged %" PRIu64 "\n", missing, damaged);
    fprintf(backup->to, "checksum %08" PRIx32 "\n", backup->crc);
}

/* ---- reading ---- */

static enum error refuse(const struct backup_reader *reader, const char *what,
                         struct error_detail *detail)
{
    return error_fail(detail, ERR_CORRUPT, "line %u: %s", reader->line, what);
}

/* The next word, and the blank or the line's end behind it. */
static bool take_word(struct backup_reader *reader, char word[WORD_SIZE])
{
    size_t length = 0;

    while (reader->at + length < reader->end && reader->at[length] != ' ' &&
           reader->at[length] != '\n') {
        length++;
    }
    if (length == 0 || length >= WORD_SIZE || reader->at + length == reader->end) {
        return false;
    }
    memcpy(word, reader->at, length);
    word[length] = '\0';
    reader->at += length + 1;
    return true;
}

static bool expect(struct backup_reader *reader, const char *wanted)
{
    char word[WORD_SIZE];

    return take_word(reader, word) && strcmp(word, wanted) == 0;
}

static bool take_number(struct backup_reader *reader, const char *what, uint64_t *ret_number)
{
    char word[WORD_SIZE];

    return expect(reader, what) && take_word(reader, word) &&
           text_parse_uint64(word, UINT64_MAX, ret_number) == ERR_OK;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = strchr(digits, c);

    return found == NULL ? -1 : (int)(found - digits);
}

static bool take_id(struct backup_reader *reader, const char *what, uint8_t id[META_ID_SIZE])
{
    char word[WORD_SIZE];

    if (!expect(reader, what) || !take_word(reader, word) || strlen(word) != 2 * META_ID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < META_ID_SIZE; i++) {
        int high = digit_of(word[2 * i]);
        int low = digit_of(word[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        id[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* Is the last line the checksum of all before it? Takes it off. */
static enum error check_sum(struct backup_reader *reader, struct error_detail *detail)
{
    size_t length = (size_t)(reader->end - reader->at);
    char wanted[CHECKSUM_SIZE + 1];

    reader->line = 0;
    for (const char *c = reader->at; c < reader->end; c++) {
        reader->line += *c == '\n';
    }
    if (length < CHECKSUM_SIZE || memcmp(reader->end - CHECKSUM_SIZE, "checksum ", 9) != 0) {
        return refuse(reader, "the file is cut: it does not end in a checksum", detail);
    }
    (void)snprintf(wanted, sizeof(wanted), "checksum %08" PRIx32 "\n",
                   crc32c(0, reader->at, length - CHECKSUM_SIZE)); /* fits exactly */
    if (memcmp(wanted, reader->end - CHECKSUM_SIZE, CHECKSUM_SIZE) != 0) {
        return refuse(reader, "the checksum is wrong: the file was altered or is damaged", detail);
    }
    reader->end -= CHECKSUM_SIZE;
    if (memchr(reader->at, '\0', (size_t)(reader->end - reader->at)) != NULL) {
        return refuse(reader, "a NUL byte stands before it, which no backup has", detail);
    }
    return ERR_OK;
}

static bool read_header(struct backup_reader *reader, struct error_detail *detail)
{
    struct meta *meta = &reader->meta;
    char time[WORD_SIZE];
    int64_t time_ms = 0;

    if (!take_id(reader, "instance", meta->instance) ||
        !take_id(reader, "incarnation", meta->incarnation) ||
        !take_number(reader, "commits", &meta->counter) || !expect(reader, "time") ||
        !take_word(reader, time) || rfc3339_parse(time, &time_ms, detail) != ERR_OK ||
        !take_number(reader, "gap", &reader->max_gap) ||
        !take_number(reader, "rate", &meta->rate)) {
        return false;
    }
    meta->committed_ms = (uint64_t)time_ms;
    return true;
}

enum error backup_open(struct backup_reader *reader, const char *text, size_t length,
                       struct error_detail *detail)
{
    size_t first = sizeof(FIRST_LINE) - 1;
    enum error error;

    *reader = (struct backup_reader){.at = text, .end = text + length, .line = 1};
    if (length < first || memcmp(text, FIRST_WORD, sizeof(FIRST_WORD) - 1) != 0) {
        return refuse(reader, "this is no backup of seqd", detail);
    }
    reader->format = memcmp(text, OLD_FIRST_LINE, first) == 0 ? 1 : 2;
    if (reader->format == 2 && memcmp(text, FIRST_LINE, first) != 0) {
        return error_fail(detail, ERR_FENCED, "line 1: a format that this seqd does not know");
    }
    error = check_sum(reader, detail);
    if (error != ERR_OK) {
        return error;
    }
    reader->at += first;
    reader->line = 2;
    return read_header(reader, detail) ? ERR_OK : refuse(reader, "this is no header", detail);
}

static bool at_word(const struct backup_reader *reader, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(reader->end - reader->at) > length && reader->at[length] == ' ' &&
           memcmp(reader->at, word, length) == 0;
}

/* Is there no sequence any more? The first format ended there. */
static bool is_behind_sequences(const struct backup_reader *reader)
{
    return reader->format == 1 ? reader->at == reader->end
                               : at_word(reader, ROW_WORD) || at_word(reader, LACK_WORD);
}

/* What is left of the line; false where it is too long for one. */
static bool take_rest(struct backup_reader *reader, char text[LINE_SIZE])
{
    const char *line_end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    size_t length = line_end == NULL ? LINE_SIZE : (size_t)(line_end - reader->at);

    if (length >= LINE_SIZE) {
        return false;
    }
    memcpy(text, reader->at, length);
    text[length] = '\0';
    reader->at = line_end + 1;
    return true;
}

enum error backup_next(struct backup_reader *reader, char name[SEQUENCE_NAME_MAX + 1],
                       struct record *ret_record, struct error_detail *detail)
{
    char word[WORD_SIZE];
    char text[LINE_SIZE];

    static_assert(SEQUENCE_NAME_MAX < WORD_SIZE, "a name is a word");
    name[0] = '\0';
    if (is_behind_sequences(reader)) {
        return ERR_OK;
    }
    reader->line++;
    if (!expect(reader, "sequence") || reader->at[-1] != ' ' || !take_word(reader, word) ||
        reader->at[-1] != ' ' || definition_check_name(word, strlen(word), NULL) != ERR_OK) {
        return refuse(reader, "this is no sequence", detail);
    }
    reader->at--; /* the blank before the first value belongs to it */
    if (!take_rest(reader, text)) {
        return refuse(reader, "this is no sequence", detail);
    }
    if (record_read_text(text, word, ret_record, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "line %u", reader->line);
    }
    memcpy(name, word, strlen(word) + 1);
    return ERR_OK;
}

/* The last line before the checksum. */
static enum error take_lack(struct backup_reader *reader, struct error_detail *detail)
{
    size_t length = (size_t)(reader->end - reader->at);
    bool good = memchr(reader->at, '\n', length) == reader->end - 1 &&
                take_number(reader, LACK_WORD, &reader->missing) &&
                take_number(reader, "damaged", &reader->damaged) && reader->at == reader->end;

    return good ? ERR_OK : refuse(reader, "this is not what the ledger lacks", detail);
}

enum error backup_next_row(struct backup_reader *reader, struct ledger_entry *ret_entry,
                           struct error_detail *detail)
{
    char text[LINE_SIZE];
    struct ledger_entry entry;

    if (reader->format == 1) {
        *ret_entry = (struct ledger_entry){0};
        return ERR_OK;
    }
    reader->line++;
    if (at_word(reader, LACK_WORD)) {
        *ret_entry = (struct ledger_entry){0};
        return take_lack(reader, detail);
    }
    if (!at_word(reader, ROW_WORD)) {
        return refuse(reader, "this is no row of the ledger", detail);
    }
    reader->at += sizeof(ROW_WORD) - 1;
    if (!take_rest(reader, text)) {
        return refuse(reader, "this is no row of the ledger", detail);
    }
    if (ledger_record_read_text(text, &entry, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "line %u", reader->line);
    }
    if (ledger_id_compare(entry.id, reader->last) <= 0 || entry.id.commit > reader->meta.counter) {
        return refuse(reader, "the row is out of order", detail);
    }
    reader->last = entry.id;
    *ret_entry = entry;
    return ERR_OK;
}
