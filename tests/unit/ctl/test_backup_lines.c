/* Backups as files: read whole, or refused. */
#include "ctl/backup_lines.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef"
#define HEADER \
    "instance " ID " incarnation " ID " commits 42 time 2026-11-25T21:30:00.000Z gap 1000 rate 8\n"
#define MARK "sequence orders 0 0 0 0 9 2500 1 1 1 99999999 1000 0 0 0 0 0 0 0 0 0 0 0\n"
#define ROW(id, first, limit) \
    "ledger " id " lease orders 1795728600123 " ID " " ID " 99 7 " first " " limit " " first \
    " 0 1 1 0 0 0 0 0 0 0\n"

#define LACK "missing 3 damaged 18446744073709551615\n"

struct seen {
    unsigned rows;
    unsigned marks;
    uint64_t mark;  /* of the last sequence */
    uint64_t limit; /* of the last row */
};

static enum error see_row(void *context, const struct ledger_entry *entry)
{
    struct seen *seen = context;
    seen->rows++;
    seen->limit = entry->positions.limit;
    return ERR_OK;
}

static enum error see_mark(void *context, const struct ledger_mark *mark)
{
    struct seen *seen = context;
    seen->marks++;
    seen->mark = mark->mark;
    return ERR_OK;
}

static enum error read_bytes(const char *text, size_t length, struct seen *ret_seen,
                             struct ledger_about *ret_about, struct error_detail *detail)
{
    struct ledger_sink sink = {.context = ret_seen, .row = see_row, .mark = see_mark};
    *ret_seen = (struct seen){.rows = 0};
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    rewind(file);
    enum error error = backup_lines_read(file, &sink, ret_about, detail);
    assert_int_equal(fclose(file), 0);
    return error;
}

/* With its checksum behind it; to be freed. */
static char *sealed(const char *text)
{
    char *whole = NULL;
    assert_true(
        asprintf(&whole, "%schecksum %08" PRIx32 "\n", text, crc32c(0, text, strlen(text))) > 0);
    return whole;
}

static void expect(const char *text, enum error wanted, const char *word)
{
    struct seen seen;
    struct ledger_about about;
    struct error_detail detail = {.text = ""};
    char *whole = sealed(text);
    enum error error = read_bytes(whole, strlen(whole), &seen, &about, &detail);
    if (error != wanted || strstr(detail.text, word) == NULL) {
        fail_msg("%s, '%s', is not '%s', of:\n%s", error_name(error), detail.text, word, whole);
    }
    free(whole);
}

static void test_backup_lines_reads_marks_and_rows(void **state)
{
    (void)state;
    struct seen seen;
    struct ledger_about about = {.none = true};
    char *whole = sealed("seqd-backup 2\n" HEADER MARK MARK ROW("17.0", "0", "10")
                             ROW("17.1", "10", "20") ROW("40.0", "20", "30") LACK);
    assert_int_equal(read_bytes(whole, strlen(whole), &seen, &about, NULL), ERR_OK);
    assert_true(seen.rows == 3 && seen.marks == 2 && seen.limit == 30 && seen.mark == 2500);
    assert_true(about.oldest.commit == 17 && about.oldest.index == 0 && !about.none);
    assert_true(about.missing == 3 && about.damaged == UINT64_MAX);
    assert_true(about.oldest_ms == UINT64_C(1795728600123));
    free(whole);
}

static void test_backup_lines_reads_what_had_no_ledger_yet(void **state)
{
    (void)state;
    struct seen seen;
    struct ledger_about about = {.none = false};
    char *whole = sealed("seqd-backup 1\n" HEADER MARK);
    assert_int_equal(read_bytes(whole, strlen(whole), &seen, &about, NULL), ERR_OK);
    assert_true(seen.rows == 0 && seen.marks == 1 && about.none && about.oldest.commit == 0);
    free(whole);
    expect("seqd-backup 1\n" HEADER MARK ROW("17.0", "0", "10"), ERR_CORRUPT, "no place here");
    expect("seqd-backup 1\n" HEADER MARK LACK, ERR_CORRUPT, "no place here");
}

static void test_backup_lines_refuses_what_is_no_backup(void **state)
{
    (void)state;
    expect("", ERR_CORRUPT, "no backup");
    expect("hello\n", ERR_CORRUPT, "line 1: this is no backup");
    expect("seqd-backup 3\n" HEADER, ERR_FENCED, "does not know");
    expect("seqd-backup 2\n", ERR_CORRUPT, "line 2: this is no header");
    expect("seqd-backup 2\n" HEADER "sequence orders 0\n", ERR_CORRUPT, "line 3: a value");
    expect("seqd-backup 2\n" HEADER "ledger 17.0 lease\n", ERR_CORRUPT, "line 3: a word");
    expect("seqd-backup 2\n" HEADER "\n", ERR_CORRUPT, "line 3: this line has no place");
    expect("seqd-backup 2\n" HEADER ROW("17.0", "0", "10") MARK, ERR_CORRUPT, "line 4: this line");
    expect("seqd-backup 2\n" HEADER ROW("17.1", "0", "10") ROW("17.1", "0", "10"), ERR_CORRUPT,
           "line 4: the row is out of its order");
    expect("seqd-backup 2\n" HEADER LACK "checksum 00000000\n", ERR_CORRUPT,
           "line 5: there is something");
    expect("seqd-backup 2\n" HEADER MARK ROW("17.0", "0", "10"), ERR_CORRUPT, "line 5: this line");
    static const char *const behind[] = {LACK, MARK, ROW("17.0", "0", "10")};
    for (size_t i = 0; i < 3; i++) {
        char *text = NULL;
        assert_true(asprintf(&text, "seqd-backup 2\n" HEADER LACK "%s", behind[i]) > 0);
        expect(text, ERR_CORRUPT, "line 4: this line has no place");
        free(text);
    }
    static const char *const crooked[] = {"missing \n",
                                          "missing 3\n",
                                          "missing 3 damaged\n",
                                          "missing 3 damaged -1\n",
                                          "missing x damaged 1\n",
                                          "missing 3 damages 1\n",
                                          "missing 3 damaged 1 \n"};
    for (size_t i = 0; i < sizeof crooked / sizeof crooked[0]; i++) {
        char *text = NULL;
        assert_true(asprintf(&text, "seqd-backup 2\n" HEADER "%s", crooked[i]) > 0);
        expect(text, ERR_CORRUPT, "line 3: what the ledger lacks");
        free(text);
    }
}

/* Whatever byte is turned, and wherever it ends, it is refused. */
static void test_backup_lines_refuses_damage_and_cuts(void **state)
{
    (void)state;
    struct seen seen;
    struct ledger_about about;
    char *whole = sealed("seqd-backup 2\n" HEADER MARK ROW("17.0", "0", "10") LACK);
    size_t length = strlen(whole);
    for (size_t i = 0; i < length; i++) {
        assert_int_not_equal(read_bytes(whole, i, &seen, &about, NULL), ERR_OK);
        whole[i] ^= 1;
        assert_int_not_equal(read_bytes(whole, length, &seen, &about, NULL), ERR_OK);
        whole[i] ^= 1;
        char kept = whole[i];
        whole[i] = '\0';
        assert_int_not_equal(read_bytes(whole, length, &seen, &about, NULL), ERR_OK);
        whole[i] = kept;
    }
    assert_int_equal(read_bytes(whole, length, &seen, &about, NULL), ERR_OK);
    free(whole);
    static char line[100000];
    memset(line, 'a', sizeof line);
    assert_int_equal(read_bytes(line, sizeof line, &seen, &about, NULL), ERR_CORRUPT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_lines_reads_marks_and_rows),
        cmocka_unit_test(test_backup_lines_reads_what_had_no_ledger_yet),
        cmocka_unit_test(test_backup_lines_refuses_what_is_no_backup),
        cmocka_unit_test(test_backup_lines_refuses_damage_and_cuts),
    };
    return cmocka_run_group_tests_name("backup_lines", tests, NULL, NULL);
}
