/* The text of a backup, without a store: what was written comes back, and all else is refused. */
#include "base/crc32c.h"
#include "base/rfc3339.h"
#include "store/backup.h"
#include "store/bytes.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Write a backup of no sequence with this header, and read it whole. */
static struct backup_reader write_and_read(const struct meta *meta)
{
    struct backup backup;
    struct backup_reader reader;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    char name[SEQUENCE_NAME_MAX + 1];
    struct record record;
    struct ledger_entry row;

    assert_non_null(to);
    backup_begin(&backup, to, meta, 1000);
    backup_end(&backup, UINT64_MAX, 3);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(backup_open(&reader, text, length, NULL), ERR_OK);
    assert_int_equal(backup_next(&reader, name, &record, NULL), ERR_OK);
    assert_string_equal(name, "");
    assert_int_equal(backup_next_row(&reader, &row, NULL), ERR_OK);
    assert_true(row.id.commit == 0);
    free(text);
    return reader;
}

static void test_backup_header_comes_back_as_it_went(void **state)
{
    struct meta meta = {.counter = UINT64_MAX, .committed_ms = 1764101700123, .rate = 77};

    (void)state;
    memset(meta.instance, 0x5a, sizeof meta.instance);
    memset(meta.incarnation, 0xc3, sizeof meta.incarnation);
    struct backup_reader reader = write_and_read(&meta);
    assert_memory_equal(reader.meta.instance, meta.instance, META_ID_SIZE);
    assert_memory_equal(reader.meta.incarnation, meta.incarnation, META_ID_SIZE);
    assert_true(reader.meta.counter == UINT64_MAX && reader.meta.rate == 77);
    assert_true(reader.meta.committed_ms == 1764101700123);
    assert_true(reader.max_gap == 1000);
    assert_true(reader.missing == UINT64_MAX && reader.damaged == 3);
}

/* No text holds such a moment, and the numbers are to be had all the same. */
static void test_backup_bears_a_clock_beyond_the_year_9999(void **state)
{
    struct meta meta = {.committed_ms = RFC3339_MAX_MS + 1};

    (void)state;
    assert_true(write_and_read(&meta).meta.committed_ms == RFC3339_MAX_MS);
    meta.committed_ms = UINT64_MAX;
    assert_true(write_and_read(&meta).meta.committed_ms == RFC3339_MAX_MS);
}

/* What stands behind it would be passed over. The checksum is that of the text with the NUL. */
static void test_backup_with_a_nul_is_refused(void **state)
{
    static const char text[] =
        "seqd-backup 1\ninstance 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a incarnation "
        "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3 commits 1 time 2026-11-25T20:15:00.123Z gap 5 rate 7";
    static const char tails[2][8] = {"x\n", "\0\n"};
    struct backup_reader reader;
    struct error_detail detail;
    char whole[512];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t length = sizeof text - 1;
        memcpy(whole, text, length);
        memcpy(whole + length, tails[i], 2);
        length += 2;
        length += (size_t)snprintf(whole + length, sizeof whole - length, "checksum %08x\n",
                                   (unsigned)crc32c(0, whole, length));
        assert_int_equal(backup_open(&reader, whole, length, &detail), ERR_CORRUPT);
        assert_non_null(strstr(detail.text, i == 0 ? "no header" : "NUL"));
    }
}

/* ---- word by word ---- */

#define TEXT_SIZE 8192
#define HEADER_WORDS 12  /* which one line holds or several */
#define CHECKSUM_SIZE 18 /* of the last line */

static void add_row(struct backup *backup, const char *name, const struct definition *definition,
                    struct ledger_id id)
{
    struct ledger_entry row =
        ledger_entry_of(name, definition, LEDGER_LEASE, (struct range){5000, 5010}, 3);
    row.id = id;
    backup_add_row(backup, &row);
}

/* A backup of a counter and a timestamp sequence, with a row of each, which has these ids; without
 * its checksum. */
static void write_backup_with(char text[TEXT_SIZE], struct ledger_id first, struct ledger_id second)
{
    char *all = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&all, &length);
    struct backup backup;
    const struct meta meta = {
        .version = META_VERSION, .counter = 7, .committed_ms = 1000, .rate = 5};
    struct record record = {.definition = definition_default(), .generation = 3, .mark = 500};
    assert_non_null(to);
    backup_begin(&backup, to, &meta, 70);
    backup_add(&backup, "orders", &record);
    record.definition = definition_default_timestamp();
    record.floor = (struct floor){.some = true, .low = -5, .high = 5};
    backup_add(&backup, "stamps", &record);
    add_row(&backup, "stamps", &record.definition, first);
    record.definition = definition_default();
    add_row(&backup, "orders", &record.definition, second);
    backup_end(&backup, 4, 2);
    assert_int_equal(fclose(to), 0);
    length -= CHECKSUM_SIZE;
    assert_true(length < TEXT_SIZE);
    memcpy(text, all, length);
    text[length] = '\0';
    free(all);
}

static void write_backup(char text[TEXT_SIZE])
{
    write_backup_with(text, (struct ledger_id){6, 0}, (struct ledger_id){7, 0});
}

/* Read it whole, with the checksum that it needs. */
static enum error read_backup(const char *text)
{
    char sealed[2 * TEXT_SIZE];
    struct backup_reader reader;
    struct error_detail detail = {""};
    char name[SEQUENCE_NAME_MAX + 1] = "some";
    int length = snprintf(sealed, sizeof sealed, "%schecksum %08" PRIx32 "\n", text,
                          crc32c(0, text, strlen(text)));
    assert_true(length > 0 && (size_t)length < sizeof sealed);
    enum error error = backup_open(&reader, sealed, (size_t)length, &detail);
    while (error == ERR_OK && name[0] != '\0') {
        struct record record;
        error = backup_next(&reader, name, &record, &detail);
    }
    struct ledger_entry row = {.id = {1, 0}};
    while (error == ERR_OK && row.id.commit != 0) {
        error = backup_next_row(&reader, &row, &detail);
    }
    assert_true(error == ERR_OK || strncmp(detail.text, "line ", 5) == 0);
    return error;
}

/* Put `word` in the place of the `length` bytes at `at`. */
static void replace(char to[TEXT_SIZE], const char *text, size_t at, size_t length,
                    const char *word)
{
    int made = snprintf(to, TEXT_SIZE, "%.*s%s%s", (int)at, text, word, text + at + length);
    assert_true(made > 0 && made < TEXT_SIZE);
}

/* Each word of each line missing, too long, and another one. Only a name may be any word, and a
 * number another number. */
static void test_backup_refuses_another_word_in_any_place(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    char changed[TEXT_SIZE];
    char huge[1100];
    memset(huge, '1', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    write_backup(text);
    assert_int_equal(read_backup(text), ERR_OK);
    unsigned words = 0;
    for (size_t at = strcspn(text, "\n") + 1; text[at] != '\0';) {
        size_t length = strcspn(text + at, " \n");
        bool name = strncmp(text + at, "orders", 6) == 0 || strncmp(text + at, "stamps", 6) == 0;
        const char *const others[] = {"", "?", "1g", huge, "g234567890123456789012345678901z"};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            replace(changed, text, at, length, others[i]);
            bool fits = name && (i == 2 || i == 4);
            if ((read_backup(changed) == ERR_OK) != fits) {
                fail_msg("'%.40s' in the place of '%.*s'", others[i], (int)length, text + at);
            }
        }
        if (words >= HEADER_WORDS && text[at + length] == ' ') {
            replace(changed, text, at + length, 1, "\n"); /* the line ends behind it */
            assert_int_not_equal(read_backup(changed), ERR_OK);
        }
        if (text[at + length] == '\n') {
            replace(changed, text, at + length, 0, " 5"); /* one value too many */
            assert_int_not_equal(read_backup(changed), ERR_OK);
        }
        at += length + 1;
        words++;
    }
    assert_true(words > HEADER_WORDS + 20);
}

/* Rows rise, and none is of a commit that the header does not know; nothing comes behind them. */
static void test_backup_refuses_rows_that_are_out_of_order(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    static const struct {
        struct ledger_id first;
        struct ledger_id second;
        bool right;
    } cases[] = {
        {{6, 0}, {6, 1}, true},  {{1, 5}, {7, 0}, true},  {{6, 0}, {6, 0}, false},
        {{6, 1}, {6, 0}, false}, {{7, 0}, {6, 0}, false}, {{7, 0}, {8, 0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_backup_with(text, cases[i].first, cases[i].second);
        assert_int_equal(read_backup(text) == ERR_OK, cases[i].right);
    }
    char changed[TEXT_SIZE];
    write_backup(text);
    replace(changed, text, strlen(text), 0, "sequence orders 1\n");
    assert_int_equal(read_backup(changed), ERR_CORRUPT);
}

/* Cut after each of its bytes, which a checksum of its own does not make whole: the last line says
 * that it is the last. */
static void test_backup_refuses_a_part_of_itself(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    char changed[TEXT_SIZE];
    write_backup(text);
    for (size_t length = strlen(text) - 1; length > 0; length--) {
        replace(changed, text, length, strlen(text) - length, "");
        assert_int_not_equal(read_backup(changed), ERR_OK);
    }
    replace(changed, text, strlen(text), 0, " ");
    assert_int_equal(read_backup(changed), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_header_comes_back_as_it_went),
        cmocka_unit_test(test_backup_bears_a_clock_beyond_the_year_9999),
        cmocka_unit_test(test_backup_with_a_nul_is_refused),
        cmocka_unit_test(test_backup_refuses_another_word_in_any_place),
        cmocka_unit_test(test_backup_refuses_rows_that_are_out_of_order),
        cmocka_unit_test(test_backup_refuses_a_part_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
