/* Little-endian integers and CRC-32C. */
#include "store/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_bytes_put_lays_the_least_byte_first(void **state)
{
    uint8_t bytes[9] = {0};

    (void)state;
    bytes_put(bytes, UINT64_C(0x0102030405060708), 8);
    assert_memory_equal(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01\x00", 9);
}

static void test_bytes_put_writes_no_wider_than_told(void **state)
{
    uint8_t bytes[4] = {0xaa, 0xaa, 0xaa, 0xaa};

    (void)state;
    bytes_put(bytes, UINT64_MAX, 3);
    assert_memory_equal(bytes, "\xff\xff\xff\xaa", 4);
}

static void test_bytes_get_gives_back_what_was_put(void **state)
{
    const uint64_t values[] = {0, 1, 0x80, UINT64_C(1) << 63, UINT64_MAX};
    uint8_t bytes[8];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        bytes_put(bytes, values[i], 8);
        assert_true(bytes_get(bytes, 8) == values[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_put_lays_the_least_byte_first),
        cmocka_unit_test(test_bytes_put_writes_no_wider_than_told),
        cmocka_unit_test(test_bytes_get_gives_back_what_was_put),
    };

    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
