/* The text of a backup, without a store: what is in its header comes back. */
#include "base/crc32c.h"
#include "base/rfc3339.h"
#include "store/backup.h"
#include "store/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Write a backup of no sequence with this header, and read it. */
static struct backup_reader write_and_read(const struct meta *meta)
{
    struct backup backup;
    struct backup_reader reader;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    assert_non_null(to);
    backup_begin(&backup, to, meta, 1000);
    backup_end(&backup);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(backup_open(&reader, text, length, NULL), ERR_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_header_comes_back_as_it_went),
        cmocka_unit_test(test_backup_bears_a_clock_beyond_the_year_9999),
        cmocka_unit_test(test_backup_with_a_nul_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
