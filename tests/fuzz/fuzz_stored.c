/* fuzz_stored: any bytes as what lies on the disk: a record, a meta record, a slot of the sentinel,
 * two copies that differ, a record as text, a backup.
 *
 * The first byte says which: r m s c t b. Checksums are mended before, for no fuzzer guesses one;
 * as they came, the bytes are tried too.
 *
 * The law: what is decoded encodes to the same bytes, and is a checked definition; all else is
 * refused, says why, and writes nothing. A record is refused under another name. Of two copies that
 * differ, the mark and the floor that come out cover both. What a backup says is written and read
 * again as the same. */
#include "law.h"

#include "base/crc32c.h"
#include "base/range.h"
#include "base/rfc3339.h"
#include "store/backup.h"
#include "store/bytes.h"
#include "store/copies.h"
#include "store/record.h"
#include "store/sentinel.h"
#include "store/store_lmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "orders"
#define OTHER "order2"
#define CRC_SIZE 4
#define CHECKSUM_SIZE 20 /* bytes of the last line of a backup, with a NUL */

/* `wanted` bytes of the input, with zeros behind what there is. */
static void take(uint8_t *to, size_t wanted, const uint8_t *data, size_t size)
{
    size_t length = size < wanted ? size : wanted;

    memset(to, 0, wanted);
    if (length > 0) {
        memcpy(to, data, length);
    }
}

/* Mend the checksum in the last bytes, which goes on from `crc`. */
static void mend(uint8_t *bytes, size_t size, uint32_t crc)
{
    bytes_put(bytes + size - CRC_SIZE, crc32c(crc, bytes, size - CRC_SIZE), CRC_SIZE);
}

static void mend_record(uint8_t bytes[RECORD_SIZE])
{
    mend(bytes, RECORD_SIZE, crc32c(0, NAME, sizeof NAME - 1));
}

/* ---- one record ---- */

static bool check_record(const uint8_t bytes[RECORD_SIZE], size_t length)
{
    struct record record;
    struct error_detail detail = {.text = ""};
    uint8_t again[RECORD_SIZE];

    law_mark(&record, sizeof record);
    if (record_decode(bytes, length, NAME, &record, &detail) != ERR_OK) {
        law_holds(law_untouched(&record, sizeof record) && law_explains(&detail));
        return false;
    }
    law_holds(definition_check(&record.definition, NULL) == ERR_OK);
    law_holds(!record.floor.some || record.floor.low <= record.floor.high);
    record_encode(&record, NAME, again);
    law_holds(length == RECORD_SIZE && memcmp(bytes, again, RECORD_SIZE) == 0);
    law_holds(record_decode(bytes, length, OTHER, &record, &detail) == ERR_CORRUPT);
    return true;
}

static void check_text(const char *text)
{
    struct record record;
    struct record again;
    struct error_detail detail = {.text = ""};
    char written[RECORD_TEXT_SIZE];
    uint8_t bytes[RECORD_SIZE];

    law_mark(&record, sizeof record);
    if (record_read_text(text, NAME, &record, &detail) != ERR_OK) {
        law_holds(law_untouched(&record, sizeof record) && law_explains(&detail));
        return;
    }
    record_encode(&record, NAME, bytes);
    law_holds(check_record(bytes, sizeof bytes));
    record_write_text(&record, NAME, written);
    law_holds(record_read_text(written, NAME, &again, &detail) == ERR_OK);
    law_holds(definition_equal(&record.definition, &again.definition));
    law_holds(record.mark == again.mark && record.generation == again.generation);
}

static void take_record(const uint8_t *data, size_t size)
{
    uint8_t bytes[RECORD_SIZE];
    struct record record;
    char text[RECORD_TEXT_SIZE];
    uint8_t *raw = law_bytes(data, size);

    (void)check_record(raw, size);
    free(raw);
    take(bytes, sizeof bytes, data, size);
    mend_record(bytes);
    if (check_record(bytes, sizeof bytes)) {
        law_holds(record_decode(bytes, sizeof bytes, NAME, &record, NULL) == ERR_OK);
        record_write_text(&record, NAME, text);
        check_text(text);
    }
}

static void take_text(const uint8_t *data, size_t size)
{
    char *text = law_text(data, size);

    check_text(text);
    free(text);
}

/* ---- meta records and slots ---- */

/* What a backup says of it is read again as the same. */
static void check_header(const struct meta *meta)
{
    struct backup backup;
    struct backup_reader reader;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    law_holds(to != NULL);
    backup_begin(&backup, to, meta, 1);
    backup_end(&backup, 0, 0);
    law_holds(fclose(to) == 0);
    law_holds(backup_open(&reader, text, length, NULL) == ERR_OK);
    law_holds(memcmp(reader.meta.instance, meta->instance, META_ID_SIZE) == 0);
    law_holds(memcmp(reader.meta.incarnation, meta->incarnation, META_ID_SIZE) == 0);
    law_holds(reader.meta.counter == meta->counter && reader.meta.rate == meta->rate);
    law_holds(reader.meta.committed_ms == range_min(meta->committed_ms, RFC3339_MAX_MS));
    free(text);
}

static void check_meta(const uint8_t *bytes, size_t length)
{
    struct meta meta;
    struct error_detail detail = {.text = ""};
    uint8_t again[META_SIZE];

    law_mark(&meta, sizeof meta);
    enum error error = meta_decode(bytes, length, &meta, &detail);
    if (error != ERR_OK) {
        law_holds(error == ERR_CORRUPT || error == ERR_FENCED);
        law_holds(law_untouched(&meta, sizeof meta) && law_explains(&detail));
        return;
    }
    meta_encode(&meta, again);
    law_holds(length == META_SIZE && memcmp(bytes, again, META_SIZE) == 0);
    check_header(&meta);
}

static void take_meta(const uint8_t *data, size_t size)
{
    uint8_t bytes[META_SIZE];
    uint8_t *raw = law_bytes(data, size);

    check_meta(raw, size);
    if (size >= CRC_SIZE) { /* of another length, as a newer version may have */
        mend(raw, size, 0);
        check_meta(raw, size);
    }
    free(raw);
    take(bytes, sizeof bytes, data, size);
    mend(bytes, sizeof bytes, 0);
    check_meta(bytes, sizeof bytes);
}

static void check_slot(const uint8_t bytes[SENTINEL_SLOT_SIZE])
{
    struct sentinel_slot slot;
    struct error_detail detail = {.text = ""};
    uint8_t again[SENTINEL_SLOT_SIZE];

    law_mark(&slot, sizeof slot);
    enum error error = sentinel_slot_decode(bytes, &slot, &detail);
    if (error != ERR_OK) {
        law_holds(error == ERR_CORRUPT || error == ERR_FENCED);
        law_holds(law_untouched(&slot, sizeof slot) && law_explains(&detail));
        return;
    }
    sentinel_slot_encode(&slot, again);
    law_holds(memcmp(bytes, again, sizeof again) == 0);
}

static void take_slot(const uint8_t *data, size_t size)
{
    uint8_t bytes[SENTINEL_SLOT_SIZE];

    take(bytes, sizeof bytes, data, size);
    check_slot(bytes);
    mend(bytes, sizeof bytes, 0);
    check_slot(bytes);
}

/* ---- two copies ---- */

/* A data file of LMDB in a folder of its own, opened with the first input. What is put into it is
 * never committed. */
static struct environment *open_environment(void)
{
    static char path[] = "/tmp/fuzz.XXXXXX";
    static struct directory directory;
    static struct environment environment;

    if (environment.env == NULL) {
        law_holds(mkdtemp(path) != NULL);
        law_holds(directory_open(&directory, path, NULL) == ERR_OK);
        environment = (struct environment){.directory = &directory,
                                           .map_size_bytes = STORE_LMDB_MAP_SIZE_MIN,
                                           .map_size_max_bytes = STORE_LMDB_MAP_SIZE_MIN};
        law_holds(environment_create(&environment, NULL) == ERR_OK);
        /* Both stay open; nothing is left behind, however this ends. */
        law_holds(unlinkat(directory.fd, DIRECTORY_DATA, 0) == 0);
        law_holds(unlinkat(directory.fd, DIRECTORY_LOCK, 0) == 0);
        law_holds(rmdir(path) == 0);
    }
    return &environment;
}

static void put(MDB_txn *txn, MDB_dbi table, const uint8_t *bytes, size_t length)
{
    char name[] = NAME;
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val value = {.mv_size = length, .mv_data = (void *)(uintptr_t)bytes};

    law_holds(mdb_put(txn, table, &key, &value, 0) == 0);
}

/* Is every number that `record` may have issued covered by what came out? */
static void check_covered(const struct record *out, const struct record *record)
{
    struct floor issued = record->floor;

    if (definition_same_numbers(&out->definition, &record->definition)) {
        law_holds(out->mark >= record->mark);
    } else {
        issued = floor_grown(issued, &record->definition, record->mark);
    }
    if (issued.some) {
        law_holds(out->floor.some && out->floor.low <= issued.low &&
                  out->floor.high >= issued.high);
    }
}

static void check_copies(enum copies_state state, const struct record *out, const uint8_t *first,
                         const uint8_t *second)
{
    struct record record;
    unsigned whole = 0;

    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *bytes = i == 0 ? first : second;
        if (record_decode(bytes, RECORD_SIZE, NAME, &record, NULL) == ERR_OK) {
            whole++;
            law_holds(state == COPIES_WHOLE || state == COPIES_DOUBTFUL);
            check_covered(out, &record);
        }
    }
    bool same = memcmp(first, second, RECORD_SIZE) == 0;
    law_holds((state == COPIES_WHOLE) == (whole == 2 && same));
    law_holds((state == COPIES_DAMAGED) == (whole == 0));
    if (state == COPIES_DOUBTFUL) {
        law_holds(out->mark >= out->definition.max_gap); /* a lease of distance */
    }
}

/* A byte that says which checksums are mended, and two records. */
static void take_copies(const uint8_t *data, size_t size)
{
    struct environment *environment = open_environment();
    uint8_t bytes[1 + 2 * RECORD_SIZE];
    struct record record;
    struct error_detail detail = {.text = ""};
    enum copies_state state = COPIES_ABSENT;
    MDB_txn *txn = NULL;

    take(bytes, sizeof bytes, data, size);
    uint8_t *first = bytes + 1;
    uint8_t *second = first + RECORD_SIZE;
    if ((bytes[0] & 1) == 0) {
        mend_record(first);
    }
    if ((bytes[0] & 2) == 0) {
        mend_record(second);
    }
    law_holds(environment_begin(environment, true, &txn, NULL) == ERR_OK);
    put(txn, environment->sequence, first, RECORD_SIZE);
    put(txn, environment->mirror, second, RECORD_SIZE);
    law_holds(copies_read(environment, txn, NAME, &state, &record, &detail) == ERR_OK);
    environment_abort(&txn);
    law_holds(state != COPIES_DAMAGED || law_explains(&detail));
    check_copies(state, &record, first, second);
}

/* ---- a backup ---- */

/* Rows come in their order, none of a commit that the header does not know. */
static bool copy_rows(struct backup_reader *reader, struct backup *backup)
{
    struct ledger_entry entry;
    struct error_detail detail = {.text = ""};
    struct ledger_id last = {0};

    for (;;) {
        if (backup_next_row(reader, &entry, &detail) != ERR_OK) {
            law_holds(law_explains(&detail) && strncmp(detail.text, "line ", 5) == 0);
            return false;
        }
        if (entry.id.commit == 0) {
            return true;
        }
        law_holds(ledger_entry_check(&entry, NULL) == ERR_OK);
        law_holds(ledger_id_compare(last, entry.id) < 0);
        law_holds(entry.id.commit <= reader->meta.counter);
        last = entry.id;
        backup_add_row(backup, &entry);
    }
}

/* Write what `reader` reads to the end of `to`. False where it is refused. */
static bool copy_backup(struct backup_reader *reader, FILE *to)
{
    struct backup backup;
    struct record record;
    struct error_detail detail = {.text = ""};
    char name[SEQUENCE_NAME_MAX + 1];

    backup_begin(&backup, to, &reader->meta, reader->max_gap);
    for (;;) {
        if (backup_next(reader, name, &record, &detail) != ERR_OK) {
            law_holds(law_explains(&detail) && strncmp(detail.text, "line ", 5) == 0);
            return false;
        }
        if (name[0] == '\0') {
            break;
        }
        law_holds(definition_check_name(name, strlen(name), NULL) == ERR_OK);
        backup_add(&backup, name, &record);
    }
    bool good = copy_rows(reader, &backup);
    backup_end(&backup, reader->missing, reader->damaged);
    return good;
}

/* Copy the backup at `text`, to be freed; NULL where it is refused. */
static char *read_backup(const char *text, size_t length, size_t *ret_length)
{
    struct backup_reader reader;
    struct error_detail detail = {.text = ""};
    char *copy = NULL;
    FILE *to = open_memstream(&copy, ret_length);

    law_holds(to != NULL);
    enum error error = backup_open(&reader, text, length, &detail);
    law_holds(error == ERR_OK || error == ERR_CORRUPT || error == ERR_FENCED);
    law_holds(error == ERR_OK || law_explains(&detail));
    bool good = error == ERR_OK && copy_backup(&reader, to);
    law_holds(fclose(to) == 0);
    if (!good) {
        free(copy);
        copy = NULL;
    }
    return copy;
}

static void take_backup(const uint8_t *data, size_t size)
{
    char *text = realloc(law_text(data, size), size + CHECKSUM_SIZE);
    size_t length = 0;

    law_holds(text != NULL);
    free(read_backup(text, size, &length));
    size_t whole = size + (size_t)snprintf(text + size, CHECKSUM_SIZE, "checksum %08x\n",
                                           crc32c(0, data, size)); /* fits */
    char *copy = read_backup(text, whole, &length);
    if (copy != NULL) {
        law_holds(memchr(data, '\0', size) == NULL); /* what stands behind it was passed over */
        size_t again_length = 0;
        char *again = read_backup(copy, length, &again_length);
        law_holds(again != NULL && again_length == length && memcmp(copy, again, length) == 0);
        free(again);
    }
    free(copy);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        void (*take)(const uint8_t *data, size_t size);
    } kinds[] = {{'r', take_record}, {'m', take_meta}, {'s', take_slot},
                 {'c', take_copies}, {'t', take_text}, {'b', take_backup}};

    for (size_t i = 0; size > 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (data[0] == (uint8_t)kinds[i].letter) {
            kinds[i].take(data + 1, size - 1);
        }
    }
    return 0;
}
