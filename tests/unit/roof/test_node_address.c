#include "node_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SLASH_24 UINT32_C(0xFFFFFF00)

static void test_node_address_takes_the_low_bits(void **state)
{
    (void)state;
    uint32_t id = 0;
    assert_int_equal(node_address_choose(0xC0A80711, SLASH_24, 8, &id, NULL), ERR_OK);
    assert_int_equal(id, 0x11);
    assert_int_equal(node_address_choose(0xC0A80711, SLASH_24, 10, &id, NULL), ERR_OK);
    assert_int_equal(id, 0x311);
    assert_int_equal(node_address_choose(0x0A0000FF, 0xFFFFFFFF, 5, &id, NULL), ERR_OK);
    assert_int_equal(id, 31);
    assert_int_equal(node_address_choose(0x0A0000FF, 0xFFFFFFFF, 0, &id, NULL), ERR_OK);
    assert_int_equal(id, 0);
}

static void test_node_address_refuses_a_network_that_does_not_fit(void **state)
{
    (void)state;
    struct error_detail detail;
    uint32_t id = 4711;
    assert_int_equal(node_address_choose(0xC0A80711, SLASH_24, 7, &id, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "192.168.7.17"));
    assert_non_null(strstr(detail.text, "7 bits"));
    assert_int_equal(id, 4711);
}

/* The edges of each range that is refused, and what lies beside them. */
static void test_node_address_refuses_what_is_no_hosts_own(void **state)
{
    (void)state;
    const struct {
        uint32_t address;
        const char *says; /* NULL: taken */
    } cases[] = {
        {0x00FFFFFF, "no host's"},  {0x01000001, NULL},        {0x7E000001, NULL},
        {0x7F000001, "loopback"},   {0x7FFFFFFE, "loopback"},  {0x80000001, NULL},
        {0x643FFFFF, NULL},         {0x64400001, "shared"},    {0x647FFFFE, "shared"},
        {0x64800001, NULL},         {0xA9FDFFFF, NULL},        {0xA9FE0001, "link-local"},
        {0xA9FEFFFE, "link-local"}, {0xA9FF0001, NULL},        {0xDFFFFFFE, NULL},
        {0xE0000001, "no host's"},  {0xFFFFFFFF, "no host's"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error_detail detail = {""};
        uint32_t id = 0;
        enum error error = node_address_choose(cases[i].address, SLASH_24, 8, &id, &detail);
        assert_int_equal(error, cases[i].says == NULL ? ERR_OK : ERR_INVALID);
        assert_true(cases[i].says == NULL || strstr(detail.text, cases[i].says) != NULL);
    }
}

static void test_node_address_source_has_a_form(void **state)
{
    (void)state;
    assert_true(node_address_is_source("ip"));
    assert_true(node_address_is_source("ip:eth0"));
    assert_true(node_address_is_source("ip:abcdefghijklmno"));
    assert_false(node_address_is_source("ip:abcdefghijklmnop"));
    assert_false(node_address_is_source("ip:"));
    assert_false(node_address_is_source("ip:a b"));
    assert_false(node_address_is_source("ip:a/b"));
    assert_false(node_address_is_source("ipx"));
    assert_false(node_address_is_source("IP"));
    assert_false(node_address_is_source(""));
    assert_false(node_address_is_source("7"));
}

static void test_node_address_find_refuses_loopback_and_what_is_not_there(void **state)
{
    (void)state;
    struct error_detail detail;
    char text[NODE_ADDRESS_TEXT_SIZE];
    uint32_t id = 0;
    assert_int_equal(node_address_find("ip:lo", 24, &id, text, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "127.0.0.1 is a loopback address"));
    assert_int_equal(node_address_find("ip:nosuch0", 24, &id, text, &detail), ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "'nosuch0'"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_address_takes_the_low_bits),
        cmocka_unit_test(test_node_address_refuses_a_network_that_does_not_fit),
        cmocka_unit_test(test_node_address_refuses_what_is_no_hosts_own),
        cmocka_unit_test(test_node_address_source_has_a_form),
        cmocka_unit_test(test_node_address_find_refuses_loopback_and_what_is_not_there),
    };
    return cmocka_run_group_tests_name("node_address", tests, NULL, NULL);
}
