/* The token file: what a line may say, and every mistake with its file and line. */
#include "dir.h"
#include "front/access_file.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define A TOKEN_A_HASH
#define B TOKEN_B_HASH

static struct dir folder;

static int make_folder(void **state)
{
    (void)state;
    folder = dir_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    dir_remove(&folder);
    return 0;
}

/* Read a file of exactly these bytes. */
static enum error read_bytes(const void *bytes, size_t length, struct access_tokens *ret_tokens,
                             struct error_detail *detail)
{
    struct dir path = dir_entry(&folder, "tokens");

    dir_write(&folder, "tokens", bytes, length);
    return access_tokens_read(path.path, ret_tokens, detail);
}

static struct access_tokens take(const char *text)
{
    struct access_tokens tokens = {.items = NULL};
    struct error_detail detail = {""};
    enum error error = read_bytes(text, strlen(text), &tokens, &detail);

    if (error != ERR_OK) {
        fail_msg("%s: %s", error_name(error), detail.text);
    }
    return tokens;
}

/* `text` is refused with "PATH:LINE: … what …", and nothing is left to free. */
static void refuse_bytes(const void *bytes, size_t length, unsigned line, const char *what)
{
    struct access_tokens tokens = {.items = NULL};
    struct error_detail detail = {""};
    char start[DIR_PATH_SIZE + 32];

    assert_int_equal(read_bytes(bytes, length, &tokens, &detail), ERR_INVALID);
    assert_null(tokens.items);
    snprintf(start, sizeof start, "%s/tokens:%u: ", folder.path, line);
    if (strncmp(detail.text, start, strlen(start)) != 0 || strstr(detail.text, what) == NULL) {
        fail_msg("expected '%s … %s', got '%s'", start, what, detail.text);
    }
}

static void refuse(const char *text, unsigned line, const char *what)
{
    refuse_bytes(text, strlen(text), line, what);
}

/* ---- what is accepted ---- */

static void test_access_file_takes_every_line(void **state)
{
    (void)state;
    struct access_tokens tokens = take("# tokens\n"
                                       "\n" A " issue orders\r\n"
                                       "  \t # more\r\n"
                                       "\t" B "\tread,admin\tinvoice-*   # the office\r\n");
    assert_int_equal(tokens.count, 2);
    assert_int_equal(tokens.items[0].line, 3);
    assert_int_equal(tokens.items[0].hash[0], 0x0c);
    assert_int_equal(tokens.items[0].hash[31], 0xf9);
    assert_int_equal(tokens.items[0].grant.scopes, ACCESS_ISSUE | ACCESS_READ);
    assert_string_equal(tokens.items[0].grant.pattern, "orders");
    assert_false(tokens.items[0].grant.any_name);
    assert_true(tokens.items[0].grant.expires_s == INT64_MAX);
    assert_int_equal(tokens.items[1].line, 5);
    assert_int_equal(tokens.items[1].grant.scopes, ACCESS_ISSUE | ACCESS_READ | ACCESS_ADMIN);
    assert_string_equal(tokens.items[1].grant.pattern, "invoice-*");
    access_tokens_free(&tokens);
}

static void test_access_file_takes_a_last_line_without_an_end(void **state)
{
    (void)state;
    struct access_tokens tokens = take(A " read *");
    assert_int_equal(tokens.count, 1);
    assert_int_equal(tokens.items[0].grant.scopes, ACCESS_READ);
    assert_true(tokens.items[0].grant.any_name);
    access_tokens_free(&tokens);
}

static void test_access_file_may_be_empty(void **state)
{
    (void)state;
    struct access_tokens tokens = take("");
    assert_int_equal(tokens.count, 0);
    access_tokens_free(&tokens);
    tokens = take("# none any more\n");
    assert_int_equal(tokens.count, 0);
    access_tokens_free(&tokens);
}

static void test_access_file_understands_when_a_token_expires(void **state)
{
    static const struct {
        const char *text;
        int64_t moment_s;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2027-01-31T23:59:59Z", 1801439999},
        {"2028-02-29T12:00:00Z", 1835438400},
        {"2027-01-31T23:59:59+01:30", 1801439999 - 5400},
        {"2027-01-31T23:59:59-00:01", 1801439999 + 60},
        {"2027-01-31T23:59:59.999Z", 1801439999},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, A " read * expires=%s # soon\n", cases[i].text);
        struct access_tokens tokens = take(text);
        assert_true(tokens.items[0].grant.expires_s == cases[i].moment_s);
        access_tokens_free(&tokens);
    }
}

/* ---- mistakes ---- */

static void test_access_file_refuses_what_is_no_hash(void **state)
{
    (void)state;
    refuse("\n\nsha512:00 read *\n", 3, "a line begins with 'sha256:'");
    refuse("sha256: read *\n", 1, "64 digits");
    refuse("sha256:0c497d read *\n", 1, "64 digits");
    refuse(A "0 read *\n", 1, "64 digits");
    refuse("sha256:0C497d0c3396ebd108547a12982ff693fbab45930a90ec0805ea39418bc704f9 read *\n", 1,
           "64 digits");
    refuse("sha256:0c497d0c3396ebd108547a12982ff693fbab45930a90ec0805ea39418bc704fg read *\n", 1,
           "64 digits");
    refuse("# fine\n" A "\n", 2, "no scopes");
}

/* Somebody wrote the token itself: it must not come into a log. */
static void test_access_file_does_not_repeat_a_token(void **state)
{
    struct access_tokens tokens = {.items = NULL};
    struct error_detail detail = {""};
    const char *text = TOKEN_A " read *\n";

    (void)state;
    assert_int_equal(read_bytes(text, strlen(text), &tokens, &detail), ERR_INVALID);
    assert_null(strstr(detail.text, "AAAA"));
}

static void test_access_file_refuses_a_scope_that_it_does_not_know(void **state)
{
    (void)state;
    refuse(A " write *\n", 1, "scope 'write' is unknown, there are issue, read and admin");
    refuse(A " Issue *\n", 1, "scope 'Issue' is unknown");
    refuse(A " public *\n", 1, "scope 'public' is unknown");
    refuse(A " issue,,read *\n", 1, "scope '' is unknown");
    refuse(A " issue, *\n", 1, "scope '' is unknown");
    refuse(A " ,issue *\n", 1, "scope '' is unknown");
    refuse(A " issue,read,issue *\n", 1, "scope 'issue' stands twice");
    refuse(A " issu *\n", 1, "scope 'issu' is unknown");
    refuse(A " issuer *\n", 1, "scope 'issuer' is unknown");
}

static void test_access_file_refuses_a_pattern_that_is_none(void **state)
{
    char text[512];
    char name[SEQUENCE_NAME_MAX + 2];

    (void)state;
    refuse(A " read\n", 1, "no pattern");
    refuse(A " read # *\n", 1, "no pattern");
    refuse(A " read a/b\n", 1, "pattern 'a/b' is none");
    refuse(A " read [ab]\n", 1, "pattern '[ab]' is none");
    refuse(A " read a,b\n", 1, "pattern 'a,b' is none");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, A " read %s\n", name);
    refuse(text, 1, "128 at most");
    snprintf(text, sizeof text, A " read %s\n", name + 1);
    struct access_tokens tokens = take(text);
    access_tokens_free(&tokens);
}

static void test_access_file_refuses_what_is_no_moment(void **state)
{
    static const char *const moments[] = {
        "",
        "tomorrow",
        "2027-01-31",
        "2027-01-31T00:00:00",
        "2027-01-31 00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2027-13-01T00:00:00Z",
        "2027-00-01T00:00:00Z",
        "2027-01-00T00:00:00Z",
        "2027-01-31T24:00:00Z",
        "2027-01-31T23:60:00Z",
        "2027-01-31T23:59:60Z",
        "2027-01-31T23:59:59Z1",
        "2027-01-31T23:59:59+1:00",
        "2027-01-31T23:59:59+24:00",
        "2027-01-31T23:59:59+01:60",
        "2027-01-31T2x:59:59Z",
        "1969-12-31T23:59:59Z",
        "-027-01-31T23:59:59Z",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        snprintf(text, sizeof text, A " read * expires=%s\n", moments[i]);
        refuse(text, 1, "is no moment, one looks like");
    }
    refuse(A " read * expires=2027-02-30T00:00:00Z\n", 1, "'expires=2027-02-30T00:00:00Z' is no");
}

static void test_access_file_refuses_what_follows(void **state)
{
    (void)state;
    refuse(A " read * until=2027-01-31T00:00:00Z\n", 1, "'until=2027-01-31T00:00:00Z' follows");
    refuse(A " read * expires=2027-01-31T00:00:00Z x\n", 1, "'x' follows the last word");
    refuse(A " read a b\n", 1, "'b' follows the pattern");
}

static void test_access_file_refuses_a_hash_twice(void **state)
{
    (void)state;
    refuse(A " read *\n" B " read *\n\n" A " admin *\n", 4, "the same hash stands on line 1");
}

static void test_access_file_refuses_bytes_that_are_no_text(void **state)
{
    static const char nul[] = A " read *\n# a\0b\n";

    (void)state;
    refuse_bytes(nul, sizeof nul - 1, 2, "a NUL byte");
    refuse(A " read \x01\n", 1, "is none");
}

static void test_access_file_refuses_a_line_that_is_too_long(void **state)
{
    char text[ACCESS_LINE_MAX + 3];

    (void)state;
    memset(text, '#', sizeof text);
    text[ACCESS_LINE_MAX] = '\n';
    text[ACCESS_LINE_MAX + 1] = '\0';
    struct access_tokens tokens = take(text);
    access_tokens_free(&tokens);
    text[ACCESS_LINE_MAX] = '#';
    text[ACCESS_LINE_MAX + 1] = '\n';
    text[ACCESS_LINE_MAX + 2] = '\0';
    refuse(text, 1, "511 bytes at most");
}

static void test_access_file_refuses_more_tokens_than_it_may_have(void **state)
{
    size_t size = (ACCESS_TOKENS_MAX + 1) * 128;
    char *text = malloc(size);
    size_t length = 0;

    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i < ACCESS_TOKENS_MAX; i++) {
        length += (size_t)snprintf(text + length, size - length, "sha256:%064x read *\n", i);
    }
    struct access_tokens tokens = take(text);
    assert_int_equal(tokens.count, ACCESS_TOKENS_MAX);
    access_tokens_free(&tokens);
    snprintf(text + length, size - length, A " read *\n");
    refuse(text, ACCESS_TOKENS_MAX + 1, "more tokens than a file may have, 1024");
    free(text);
}

/* ---- the file itself ---- */

static void refuse_file(const char *path, enum error expected, const char *what)
{
    struct access_tokens tokens = {.items = NULL};
    struct error_detail detail = {""};

    assert_int_equal(access_tokens_read(path, &tokens, &detail), expected);
    assert_null(tokens.items);
    if (strncmp(detail.text, path, strlen(path)) != 0 || strstr(detail.text, what) == NULL) {
        fail_msg("expected '%s … %s', got '%s'", path, what, detail.text);
    }
}

static void test_access_file_must_be_a_file_that_few_may_write(void **state)
{
    struct dir path = dir_entry(&folder, "tokens");
    struct dir pipe = dir_entry(&folder, "pipe");

    (void)state;
    dir_empty(&folder);
    refuse_file(path.path, ERR_NOT_FOUND, "cannot open the tokens: No such file");
    refuse_file(folder.path, ERR_INVALID, "a regular file");
    assert_int_equal(mkfifo(pipe.path, 0600), 0);
    refuse_file(pipe.path, ERR_INVALID, "a regular file");
    dir_write(&folder, "tokens", "", 0);
    assert_int_equal(chmod(path.path, 0602), 0);
    refuse_file(path.path, ERR_INVALID, "chmod o-w");
    dir_delete(&folder, "tokens");
    dir_write(&folder, "tokens", "", 0);
    dir_truncate(&folder, "tokens", (uint64_t)ACCESS_FILE_MAX_BYTES + 1);
    refuse_file(path.path, ERR_INVALID, "1048577 bytes, a token file has 1048576 at most");
    dir_delete(&folder, "tokens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_file_takes_every_line),
        cmocka_unit_test(test_access_file_takes_a_last_line_without_an_end),
        cmocka_unit_test(test_access_file_may_be_empty),
        cmocka_unit_test(test_access_file_understands_when_a_token_expires),
        cmocka_unit_test(test_access_file_refuses_what_is_no_hash),
        cmocka_unit_test(test_access_file_does_not_repeat_a_token),
        cmocka_unit_test(test_access_file_refuses_a_scope_that_it_does_not_know),
        cmocka_unit_test(test_access_file_refuses_a_pattern_that_is_none),
        cmocka_unit_test(test_access_file_refuses_what_is_no_moment),
        cmocka_unit_test(test_access_file_refuses_what_follows),
        cmocka_unit_test(test_access_file_refuses_a_hash_twice),
        cmocka_unit_test(test_access_file_refuses_bytes_that_are_no_text),
        cmocka_unit_test(test_access_file_refuses_a_line_that_is_too_long),
        cmocka_unit_test(test_access_file_refuses_more_tokens_than_it_may_have),
        cmocka_unit_test(test_access_file_must_be_a_file_that_few_may_write),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
