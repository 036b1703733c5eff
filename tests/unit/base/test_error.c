#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum error all[] = {
    ERR_OK,          ERR_PENDING, ERR_INVALID, ERR_NOT_FOUND, ERR_CONFLICT,  ERR_EXHAUSTED,
    ERR_UNAVAILABLE, ERR_IO,      ERR_CORRUPT, ERR_FENCED,    ERR_NO_MEMORY,
};

static void test_error_name_is_there_for_every_code_and_different(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(strlen(error_name(all[i])) > 0);
        assert_null(strstr(error_name(all[i]), "unknown"));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(error_name(all[i]), error_name(all[j]));
        }
    }
    assert_string_equal(error_name(ERR_NOT_FOUND), "not found");
}

static void test_error_name_is_never_null(void **state)
{
    (void)state;
    assert_non_null(error_name((enum error)12345));
}

static void test_error_ok_is_0(void **state)
{
    (void)state;
    assert_int_equal(ERR_OK, 0);
}

static void test_error_fail_returns_the_code_and_fills_the_detail(void **state)
{
    (void)state;
    struct error_detail detail = {"what was there before, and longer"};
    assert_int_equal(error_fail(&detail, ERR_INVALID, "count is %d, the limit is %s", 7, "5"),
                     ERR_INVALID);
    assert_string_equal(detail.text, "count is 7, the limit is 5");
}

static void test_error_fail_needs_no_detail(void **state)
{
    (void)state;
    assert_int_equal(error_fail(NULL, ERR_CORRUPT, "record %d", 1), ERR_CORRUPT);
}

/* A text that has no room is cut; nothing is written behind the detail. */
static void test_error_fail_cuts_a_long_text(void **state)
{
    (void)state;
    struct {
        struct error_detail detail;
        char guard[8];
    } box;
    char exact[ERROR_DETAIL_SIZE];
    char longer[2 * ERROR_DETAIL_SIZE];
    memset(exact, 'x', sizeof exact);
    exact[sizeof exact - 1] = '\0';
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    memset(&box, '#', sizeof box);

    assert_int_equal(error_fail(&box.detail, ERR_IO, "%s", exact), ERR_IO);
    assert_string_equal(box.detail.text, exact);
    assert_int_equal(error_fail(&box.detail, ERR_IO, "%s", longer), ERR_IO);
    assert_string_equal(box.detail.text, exact);
    assert_memory_equal(box.guard, "########", sizeof box.guard);
}

static void test_error_wrap_puts_a_prefix_before_the_text(void **state)
{
    (void)state;
    struct error_detail detail;
    (void)error_fail(&detail, ERR_IO, "no space left"); /* its text is what counts here */
    assert_int_equal(error_wrap(&detail, ERR_IO, "'%s', sequence %d", "data", 3), ERR_IO);
    assert_string_equal(detail.text, "'data', sequence 3: no space left");
    assert_int_equal(error_wrap(&detail, ERR_UNAVAILABLE, "start"), ERR_UNAVAILABLE);
    assert_string_equal(detail.text, "start: 'data', sequence 3: no space left");
}

static void test_error_wrap_needs_no_detail(void **state)
{
    (void)state;
    assert_int_equal(error_wrap(NULL, ERR_FENCED, "at %d", 1), ERR_FENCED);
}

static void test_error_wrap_takes_the_inner_text_as_it_is(void **state)
{
    (void)state;
    struct error_detail detail = {"100 %s of %n"};
    assert_int_equal(error_wrap(&detail, ERR_IO, "p"), ERR_IO);
    assert_string_equal(detail.text, "p: 100 %s of %n");
}

/* A letter that the locale does not have makes no text; nothing is written beside the detail. */
static void test_error_wrap_bears_a_prefix_that_cannot_be_text(void **state)
{
    (void)state;
    struct {
        char guard_before[8];
        struct error_detail detail;
        char guard[8];
    } box;
    memset(&box, '#', sizeof box);
    (void)error_fail(&box.detail, ERR_IO, "inner"); /* its text is what counts here */
    assert_int_equal(error_wrap(&box.detail, ERR_IO, "%ls", L"\x20ac"), ERR_IO);
    assert_non_null(memchr(box.detail.text, '\0', sizeof box.detail.text));
    assert_memory_equal(box.guard_before, "########", sizeof box.guard_before);
    assert_memory_equal(box.guard, "########", sizeof box.guard);
}

/* Prefixes of every length, around a text that fills the detail: always cut, never torn. */
static void test_error_wrap_cuts_what_has_no_room(void **state)
{
    (void)state;
    char full[ERROR_DETAIL_SIZE];
    char prefix[ERROR_DETAIL_SIZE + 16];
    memset(full, 'x', sizeof full);
    full[sizeof full - 1] = '\0';
    memset(prefix, 'p', sizeof prefix);
    for (int length = 0; length < (int)sizeof prefix; length++) {
        struct {
            struct error_detail detail;
            char guard[8];
        } box;
        char expected[3 * ERROR_DETAIL_SIZE] = "";
        memset(&box, '#', sizeof box);
        memcpy(box.detail.text, full, sizeof full);
        memset(expected, 'p', (size_t)length);
        memcpy(expected + length, ": ", 2);
        memcpy(expected + length + 2, full, sizeof full);
        expected[ERROR_DETAIL_SIZE - 1] = '\0';

        assert_int_equal(error_wrap(&box.detail, ERR_IO, "%.*s", length, prefix), ERR_IO);
        assert_string_equal(box.detail.text, expected);
        assert_memory_equal(box.guard, "########", sizeof box.guard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_name_is_there_for_every_code_and_different),
        cmocka_unit_test(test_error_name_is_never_null),
        cmocka_unit_test(test_error_ok_is_0),
        cmocka_unit_test(test_error_fail_returns_the_code_and_fills_the_detail),
        cmocka_unit_test(test_error_fail_needs_no_detail),
        cmocka_unit_test(test_error_fail_cuts_a_long_text),
        cmocka_unit_test(test_error_wrap_puts_a_prefix_before_the_text),
        cmocka_unit_test(test_error_wrap_needs_no_detail),
        cmocka_unit_test(test_error_wrap_takes_the_inner_text_as_it_is),
        cmocka_unit_test(test_error_wrap_bears_a_prefix_that_cannot_be_text),
        cmocka_unit_test(test_error_wrap_cuts_what_has_no_room),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
