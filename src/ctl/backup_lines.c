#include "backup_lines.h"

#include "base/crc32c.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LINE_SIZE 1024 /* the longest line of a backup has some 500 bytes */
#define FIRST_WORD "seqd-backup "
#define HEADER "instance "
#define SEQUENCE "sequence "
#define ROW "ledger "
#define LACK "missing "
#define CHECKSUM "checksum "

struct reading {
    FILE *file;
    const struct ledger_sink *sink;
    struct ledger_about about;
    struct ledger_id last;
    uint64_t line_number;
    char line[LINE_SIZE]; /* without its end */
    uint32_t crc;         /* of all lines before it */
    uint32_t crc_with;    /* ... and of it */
    bool at_end;
    bool in_rows;
    bool at_lack; /* behind which there is but the checksum */
};

static enum error refuse(const struct reading *reading, const char *what,
                         struct error_detail *detail)
{
    return error_fail(detail, ERR_CORRUPT, "line %" PRIu64 ": %s", reading->line_number, what);
}

static enum error next_line(struct reading *reading, struct error_detail *detail)
{
    reading->crc = reading->crc_with;
    if (fgets(reading->line, sizeof reading->line, reading->file) == NULL) {
        reading->at_end = true;
        return ferror(reading->file) == 0 ? ERR_OK
                                          : error_fail(detail, ERR_IO, "%s", strerror(errno));
    }
    reading->line_number++;
    size_t length = strlen(reading->line); /* a NUL in it is found by the checksum */
    reading->crc_with = crc32c(reading->crc, reading->line, length);
    if (length == 0 || reading->line[length - 1] != '\n') {
        return refuse(reading, "the line has no end", detail);
    }
    reading->line[length - 1] = '\0';
    return ERR_OK;
}

static bool begins(const struct reading *reading, const char *word)
{
    return strncmp(reading->line, word, strlen(word)) == 0;
}

static enum error take_row(struct reading *reading, struct error_detail *detail)
{
    struct ledger_entry entry;
    reading->in_rows = true;
    if (ledger_row_of_text(reading->line + sizeof ROW - 1, &entry, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "line %" PRIu64, reading->line_number);
    }
    if (ledger_id_compare(entry.id, reading->last) <= 0) {
        return refuse(reading, "the row is out of its order", detail);
    }
    if (reading->last.commit == 0) {
        reading->about.oldest = entry.id;
        reading->about.oldest_ms = entry.time_ms;
    }
    reading->last = entry.id;
    return reading->sink->row(reading->sink->context, &entry);
}

static enum error take_mark(struct reading *reading, struct error_detail *detail)
{
    struct ledger_mark mark;
    if (ledger_mark_of_text(reading->line + sizeof SEQUENCE - 1, &mark, detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "line %" PRIu64, reading->line_number);
    }
    return reading->sink->mark(reading->sink->context, &mark);
}

static enum error take_lack(struct reading *reading, struct error_detail *detail)
{
    struct ledger_about *about = &reading->about;
    reading->at_lack = true;
    if (ledger_lack_of_text(reading->line + sizeof LACK - 1, &about->missing, &about->damaged,
                            detail) != ERR_OK) {
        return error_wrap(detail, ERR_CORRUPT, "line %" PRIu64, reading->line_number);
    }
    return ERR_OK;
}

/* The first two lines. */
static enum error take_head(struct reading *reading, struct error_detail *detail)
{
    enum error error = next_line(reading, detail);
    if (error == ERR_OK && (reading->at_end || !begins(reading, FIRST_WORD))) {
        error = refuse(reading, "this is no backup of seqd", detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    reading->about.none = strcmp(reading->line, FIRST_WORD "1") == 0;
    if (!reading->about.none && strcmp(reading->line, FIRST_WORD "2") != 0) {
        return error_fail(detail, ERR_FENCED, "line 1: a format that this seqctl does not know");
    }
    error = next_line(reading, detail);
    if (error == ERR_OK && !begins(reading, HEADER)) {
        error = refuse(reading, "this is no header", detail);
    }
    return error;
}

static enum error check_sum(struct reading *reading, struct error_detail *detail)
{
    char wanted[sizeof CHECKSUM + 8];
    char said[LINE_SIZE];
    (void)snprintf(wanted, sizeof wanted, CHECKSUM "%08" PRIx32, reading->crc);
    memcpy(said, reading->line, sizeof said);
    enum error error = next_line(reading, detail);
    if (error == ERR_OK && !reading->at_end) {
        error = refuse(reading, "there is something behind the checksum", detail);
    }
    if (error == ERR_OK && strcmp(said, wanted) != 0) {
        error =
            refuse(reading, "the checksum is wrong: the file was altered or is damaged", detail);
    }
    return error;
}

static enum error take_line(struct reading *reading, struct error_detail *detail)
{
    const struct ledger_about *about = &reading->about;
    if (reading->at_end) {
        return refuse(reading, "the file is cut: it does not end in a checksum", detail);
    }
    if (begins(reading, CHECKSUM) && (reading->at_lack || about->none)) {
        return check_sum(reading, detail);
    }
    if (begins(reading, SEQUENCE) && !reading->in_rows && !reading->at_lack) {
        return take_mark(reading, detail);
    }
    if (begins(reading, ROW) && !reading->at_lack && !about->none) {
        return take_row(reading, detail);
    }
    if (begins(reading, LACK) && !reading->at_lack && !about->none) {
        return take_lack(reading, detail);
    }
    return refuse(reading, "this line has no place here", detail);
}

enum error backup_lines_read(FILE *file, const struct ledger_sink *sink,
                             struct ledger_about *ret_about, struct error_detail *detail)
{
    struct reading reading = {.file = file, .sink = sink};
    enum error error = take_head(&reading, detail);
    while (error == ERR_OK && !reading.at_end) {
        error = next_line(&reading, detail);
        if (error == ERR_OK) {
            error = take_line(&reading, detail);
        }
    }
    if (error == ERR_OK) {
        *ret_about = reading.about;
    }
    return error;
}
