#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The check value of the CRC catalogues, and the test vectors of RFC 3720, B.4. */
static void test_crc32c_is_castagnolis(void **state)
{
    uint8_t zeros[32] = {0};
    uint8_t ones[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
    assert_int_equal(crc32c(0, ones, sizeof(ones)), 0x62a8ab43);
}

static void test_crc32c_goes_on_from_a_part(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t part = crc32c(0, "123456789", cut);

        assert_int_equal(crc32c(part, &"123456789"[cut], 9 - cut), 0xe3069283);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_is_castagnolis),
        cmocka_unit_test(test_crc32c_goes_on_from_a_part),
    };

    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
