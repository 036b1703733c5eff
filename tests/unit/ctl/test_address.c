#include "ctl/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct address chosen;
static struct error_detail detail;

static enum error choose(const char *url, const char *socket, const char *environment,
                         const char *default_socket)
{
    struct address_sources sources = {url, socket, environment, default_socket};
    return address_choose(&sources, &chosen, &detail);
}

static void test_address_prefers_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(choose("http://a", NULL, "http://b", "/dev/null"), ERR_OK);
    assert_string_equal(address_name(&chosen), "http://a");
    assert_int_equal(choose(NULL, "/a.sock", "http://b", "/dev/null"), ERR_OK);
    assert_string_equal(address_name(&chosen), "/a.sock");
    assert_int_equal(choose(NULL, NULL, "http://b", "/dev/null"), ERR_OK);
    assert_string_equal(address_name(&chosen), "http://b");
}

static void test_address_takes_the_default_socket_where_it_is(void **state)
{
    (void)state;
    assert_int_equal(choose(NULL, NULL, "", "/dev/null"), ERR_OK);
    assert_string_equal(address_name(&chosen), "/dev/null");
    assert_int_equal(choose(NULL, NULL, NULL, "/nowhere/x.sock"), ERR_OK);
    assert_string_equal(address_name(&chosen), ADDRESS_URL);
    assert_string_equal(chosen.socket, "");
    assert_int_equal(choose(NULL, NULL, NULL, NULL), ERR_OK);
    assert_string_equal(address_name(&chosen), ADDRESS_URL);
}

static void test_address_takes_urls_of_http_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"127.0.0.1:8080", "ftp://x",      "http://",
                                      "https://",       "http://x y",   "http://x?y",
                                      "http://x#y",     "http://x\r\n", "file:///etc/passwd"};
    static const char *const good[][2] = {{"http://[::1]:8080/", "http://[::1]:8080"},
                                          {"https://x:1/seqd//", "https://x:1/seqd"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(choose(bad[i], NULL, NULL, NULL), ERR_INVALID);
        assert_non_null(strstr(detail.text, "it must be like http://127.0.0.1:8080"));
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(choose(good[i][0], NULL, NULL, NULL), ERR_OK);
        assert_string_equal(chosen.url, good[i][1]);
    }
}

static void test_address_takes_a_socket_for_a_url(void **state)
{
    (void)state;
    assert_int_equal(choose("unix:/a.sock", NULL, NULL, NULL), ERR_OK);
    assert_string_equal(chosen.socket, "/a.sock");
    assert_int_equal(choose(NULL, NULL, "unix:/b.sock", NULL), ERR_OK);
    assert_string_equal(address_name(&chosen), "/b.sock");
    assert_int_equal(choose("unix:", NULL, NULL, NULL), ERR_INVALID);
}

static void test_address_bounds_what_it_is_given(void **state)
{
    (void)state;
    char text[ADDRESS_SIZE + 16];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    text[0] = '/';
    text[108] = '\0';
    assert_int_equal(choose(NULL, text, NULL, NULL), ERR_INVALID);
    assert_non_null(strstr(detail.text, "108 bytes, 107 at most"));
    text[107] = '\0';
    assert_int_equal(choose(NULL, text, NULL, NULL), ERR_OK);
    text[107] = text[108] = 'x';
    memcpy(text, "http://", 7);
    assert_int_equal(choose(text, NULL, NULL, NULL), ERR_INVALID);
    text[ADDRESS_SIZE - 1] = '\0';
    assert_int_equal(choose(text, NULL, NULL, NULL), ERR_OK);
    assert_int_equal(strlen(chosen.url), ADDRESS_SIZE - 1);
}

static void test_address_explains_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(choose(NULL, "/dev/null", NULL, NULL), ERR_OK);
    address_explain(&chosen, EACCES, &detail);
    assert_non_null(strstr(detail.text, "its group is 'root'"));
    address_explain(&chosen, ECONNREFUSED, &detail);
    assert_non_null(
        strstr(detail.text, "no server answers at /dev/null: Connection refused; start"));
    address_explain(&chosen, 0, &detail);
    assert_non_null(strstr(detail.text, "no server answers at /dev/null; start one"));
    assert_int_equal(choose("http://127.0.0.1:1", NULL, NULL, NULL), ERR_OK);
    address_explain(&chosen, EACCES, &detail);
    assert_non_null(strstr(detail.text, "http://127.0.0.1:1: Permission denied; start one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_prefers_the_command_line),
        cmocka_unit_test(test_address_takes_the_default_socket_where_it_is),
        cmocka_unit_test(test_address_takes_urls_of_http_only),
        cmocka_unit_test(test_address_takes_a_socket_for_a_url),
        cmocka_unit_test(test_address_bounds_what_it_is_given),
        cmocka_unit_test(test_address_explains_what_to_do),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
