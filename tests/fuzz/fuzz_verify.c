/* fuzz_verify: any bytes as a row of the ledger in JSON and in a line, and as a backup, whose
 * checksum is mended if the first byte is '!'.
 *
 * The law: a row is understood whole, and then it is shown as JSON that is understood as the same
 * row, or it is refused with words, and nothing was written. What a backup's rows prove does not
 * change when the same backup comes a second time, but that there are two of it. */
#include "law.h"

#include "base/crc32c.h"
#include "ctl/backup_lines.h"
#include "ctl/comb.h"
#include "ctl/history.h"
#include "ctl/ledger_row.h"
#include "ctl/ledger_show.h"
#include "ctl/verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a row ---- */

static bool same_rows(const struct ledger_entry *a, const struct ledger_entry *b)
{
    return ledger_id_compare(a->id, b->id) == 0 && a->act == b->act &&
           strcmp(a->name, b->name) == 0 && a->time_ms == b->time_ms &&
           memcmp(a->instance, b->instance, sizeof a->instance) == 0 &&
           memcmp(a->incarnation, b->incarnation, sizeof a->incarnation) == 0 &&
           a->nonce == b->nonce && a->from == b->from && a->generation == b->generation &&
           a->positions.first == b->positions.first && a->positions.limit == b->positions.limit &&
           a->kind == b->kind && a->start == b->start && a->increment == b->increment &&
           layout_equal(&a->layout, &b->layout);
}

static void check_row(const struct ledger_entry *entry)
{
    struct mapping mapping = mapping_of_entry(entry);
    struct ledger_entry again;
    uint64_t position = 0;
    law_holds(ledger_entry_check(entry, NULL) == ERR_OK);
    law_holds(mapping_holds(&mapping, entry->positions));
    law_holds(mapping_position(&mapping, mapping_number(&mapping, entry->positions.limit - 1),
                               &position));
    law_holds(position == entry->positions.limit - 1);
    json_t *json = ledger_show_json(entry);
    law_holds(ledger_row_of_json(json, &again, NULL) == ERR_OK && same_rows(entry, &again));
    json_decref(json);
}

static void check_answer(enum error error, const struct ledger_entry *entry,
                         const struct error_detail *detail)
{
    if (error == ERR_OK) {
        check_row(entry);
    } else {
        law_holds(error == ERR_CORRUPT && law_untouched(entry, sizeof *entry));
        law_holds(law_explains(detail));
    }
}

static void feed_line(const char *text)
{
    struct ledger_entry entry;
    struct error_detail detail = {.text = ""};
    law_mark(&entry, sizeof entry);
    enum error error = ledger_row_of_text(text, &entry, &detail);
    check_answer(error, &entry, &detail);
}

static void feed_json(const char *text, size_t size)
{
    struct ledger_entry entry;
    struct ledger_mark mark;
    struct error_detail detail = {.text = ""};
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    law_mark(&entry, sizeof entry);
    enum error error = ledger_row_of_json(json, &entry, &detail);
    check_answer(error, &entry, &detail);
    law_mark(&mark, sizeof mark);
    error = ledger_mark_of_json(json, &mark, NULL);
    law_holds(error == ERR_OK || law_untouched(&mark, sizeof mark));
    json_decref(json);
}

/* ---- a backup ---- */

static enum error take_row(void *context, const struct ledger_entry *entry)
{
    check_row(entry);
    return history_add(context, entry);
}

static enum error take_mark(void *context, const struct ledger_mark *mark)
{
    return history_add_mark(context, mark->name, &mark->definition, mark->mark);
}

static enum error read_backup(struct history *history, const char *path)
{
    struct ledger_sink sink = {.context = history, .row = take_row, .mark = take_mark};
    struct ledger_about about;
    struct error_detail detail = {.text = ""};
    FILE *file = fopen(path, "re");
    law_holds(file != NULL);
    history_begin(history, "input");
    enum error error = backup_lines_read(file, &sink, &about, &detail);
    law_holds(fclose(file) == 0);
    law_holds(error == ERR_OK || law_explains(&detail));
    return error;
}

/* The same rows in two inputs. */
static void judge_twice(const char *path)
{
    struct history history;
    struct verdict once;
    struct verdict twice;
    history_init(&history);
    if (read_backup(&history, path) == ERR_OK) {
        law_holds(verifier_run(&history, &once) == ERR_OK);
        history_fini(&history);
        history_init(&history);
        for (unsigned i = 0; i < 2; i++) {
            law_holds(read_backup(&history, path) == ERR_OK);
        }
        law_holds(verifier_run(&history, &twice) == ERR_OK);
        law_holds(twice.rows == once.rows && once.counts[FINDING_FORK] == 0);
        for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
            uint64_t times = kind == FINDING_ABOVE_MARK ? 2 : 1; /* each input states its marks */
            law_holds(twice.counts[kind] == times * once.counts[kind]);
        }
        verdict_free(&once);
        verdict_free(&twice);
    }
    history_fini(&history);
}

static void feed_backup(const uint8_t *data, size_t size)
{
    bool mend = size > 0 && data[0] == '!';
    size_t length = mend ? size - 1 : size;
    char *text = malloc(length + 32);
    law_holds(text != NULL);
    memcpy(text, data + (mend ? 1 : 0), length);
    if (mend) {
        length += (size_t)snprintf(text + length, 32, "checksum %08" PRIx32 "\n",
                                   crc32c(0, text, length));
    }
    judge_twice(law_file(text, length));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = law_text(data, size);
    feed_line(text);
    feed_json(text, size);
    feed_backup(data, size);
    free(text);
    return 0;
}
