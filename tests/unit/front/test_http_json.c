/* The writer of JSON objects. */
#include "front/http_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_json_writes_every_kind_of_member(void **state)
{
    struct http_json json;
    char buffer[256];

    (void)state;
    http_json_begin(&json, buffer, sizeof buffer);
    http_json_text(&json, "a", "b c");
    http_json_int64(&json, "least", INT64_MIN);
    http_json_uint64(&json, "most", UINT64_MAX);
    http_json_small(&json, "small", 1000000);
    http_json_small(&json, "zero", 0);
    http_json_plain(&json, "nothing", "null");
    size_t length = http_json_end(&json);
    static const char expected[] =
        "{\"a\":\"b c\",\"least\":\"-9223372036854775808\",\"most\":\"18446744073709551615\","
        "\"small\":1000000,\"zero\":0,\"nothing\":null}\n";
    assert_int_equal(length, sizeof expected - 1);
    assert_memory_equal(buffer, expected, length);
}

static void test_json_holds_objects_in_an_object(void **state)
{
    struct http_json json;
    char buffer[64];
    static const char expected[] = "{\"a\":{\"b\":{},\"c\":1},\"d\":{\"e\":null},\"f\":2}\n";

    (void)state;
    http_json_begin(&json, buffer, sizeof buffer);
    http_json_open(&json, "a");
    http_json_open(&json, "b");
    http_json_close(&json);
    http_json_small(&json, "c", 1);
    http_json_close(&json);
    http_json_open(&json, "d");
    http_json_plain(&json, "e", "null");
    http_json_close(&json);
    http_json_small(&json, "f", 2);
    assert_int_equal(http_json_end(&json), sizeof expected - 1);
    assert_memory_equal(buffer, expected, sizeof expected - 1);
}

static void test_json_of_nothing_is_an_object(void **state)
{
    struct http_json json;
    char buffer[8];

    (void)state;
    http_json_begin(&json, buffer, sizeof buffer);
    assert_int_equal(http_json_end(&json), 3);
    assert_memory_equal(buffer, "{}\n", 3);
}

/* Every byte but NUL leaves as printable ASCII, and no quote or backslash stands alone. */
static void test_json_escapes_every_byte(void **state)
{
    char text[256];
    char buffer[256 * HTTP_JSON_ESCAPED_MAX + 16];
    struct http_json json;

    (void)state;
    for (int i = 1; i < 256; i++) {
        text[i - 1] = (char)i;
    }
    text[255] = '\0';
    http_json_begin(&json, buffer, sizeof buffer);
    http_json_text(&json, "t", text);
    size_t length = http_json_end(&json);
    for (size_t i = 0; i + 1 < length; i++) {
        assert_in_range((unsigned char)buffer[i], ' ', '~');
    }
    buffer[length] = '\0';
    assert_non_null(strstr(buffer, "\\u0001\\u0002"));
    assert_non_null(strstr(buffer, "\\u001f !\\\"#"));
    assert_non_null(strstr(buffer, "[\\\\]"));
    assert_non_null(strstr(buffer, "~\\u007f\\u0080"));
    assert_non_null(strstr(buffer, "\\u00fe\\u00ff\"}"));
}

static void test_json_fills_its_buffer_to_the_last_byte(void **state)
{
    struct http_json json;
    char buffer[10];

    (void)state;
    http_json_begin(&json, buffer, sizeof buffer);
    http_json_text(&json, "a", "b");
    assert_int_equal(json.length, 8);
    assert_int_equal(http_json_end(&json), sizeof buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_writes_every_kind_of_member),
        cmocka_unit_test(test_json_holds_objects_in_an_object),
        cmocka_unit_test(test_json_of_nothing_is_an_object),
        cmocka_unit_test(test_json_escapes_every_byte),
        cmocka_unit_test(test_json_fills_its_buffer_to_the_last_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
