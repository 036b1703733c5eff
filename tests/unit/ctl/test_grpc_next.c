#include "ctl/grpc_next.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct block block;

static bool read_bytes(const char *bytes, size_t length)
{
    return grpc_next_read(bytes, length, &block);
}

#define READ(text) read_bytes(text, sizeof(text) - 1)

static void test_grpc_next_writes_what_protobuf_would(void **state)
{
    (void)state;
    char bytes[GRPC_NEXT_SIZE];
    static const char small[] = "\0\0\0\0\5\x0a\1a\x10\7";
    assert_int_equal(grpc_next_write(bytes, "a", 7), sizeof small - 1);
    assert_memory_equal(bytes, small, sizeof small - 1);
    static const char large[] = "\0\0\0\0\x11\x0a\4abcd\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
    assert_int_equal(grpc_next_write(bytes, "abcd", INT64_MAX), 21);
    assert_memory_equal(bytes, "\0\0\0\0\x10", 5);
    assert_memory_equal(bytes + 5, large + 5, 16);
}

static void test_grpc_next_writes_the_longest_name(void **state)
{
    (void)state;
    char bytes[GRPC_NEXT_SIZE];
    char name[129];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(grpc_next_write(bytes, name, 300), 5 + 3 + 128 + 3);
    assert_memory_equal(bytes, "\0\0\0\0\x86\x0a\x80\1n", 9);
    assert_memory_equal(bytes + 5 + 3 + 128, "\x10\xac\2", 3);
}

static void test_grpc_next_reads_numbers_exactly(void **state)
{
    (void)state;
    assert_true(READ("\0\0\0\0\x08\x08\1\x10\x03\x18\x03\x20\1"));
    assert_int_equal(block.first, 1);
    assert_int_equal(block.last, 3);
    assert_int_equal(block.count, 3);
    assert_int_equal(block.increment, 1);
    /* 2^63-1, -2^63 and -1 take 9 and 10 bytes. */
    assert_true(READ("\0\0\0\0\x22\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
                     "\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\1\x18\1"
                     "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"));
    assert_int_equal(block.first, INT64_MAX);
    assert_int_equal(block.last, INT64_MIN);
    assert_int_equal(block.increment, -1);
}

static void test_grpc_next_passes_over_what_it_does_not_know(void **state)
{
    (void)state;
    /* Fields 5 to 8 of every wire type, a `first` of another type, and another order. */
    assert_true(READ("\0\0\0\0\x1e\x28\x96\1\x31"
                     "12345678\x3a\2ab\x45wxyz\x0a\1q\x20\2\x18\1\x08\5"));
    assert_int_equal(block.first, 5);
    assert_int_equal(block.last, 0);
    assert_int_equal(block.count, 1);
    assert_int_equal(block.increment, 2);
    assert_true(READ("\0\0\0\0\0"));
    assert_int_equal(block.count, 0);
}

static void test_grpc_next_refuses_what_is_not_whole(void **state)
{
    (void)state;
    block = (struct block){.first = 77};
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\0\0\0\0", 4},
        {"\0\0\0\0\1", 5},             /* shorter than it says */
        {"\0\0\0\0\2\x08\1\x10\1", 9}, /* longer */
        {"\1\0\0\0\2\x08\1", 7},       /* compressed */
        {"\0\1\0\0\2\x08\1", 7},       /* 2^24 more */
        {"\0\0\0\0\1\x08", 6},         /* a field without its value */
        {"\0\0\0\0\2\x08\x80", 7},     /* a number without its end */
        {"\0\0\0\0\2\x00\1", 7},       /* field 0 */
        {"\0\0\0\0\2\x0b\1", 7},       /* wire type 3 */
        {"\0\0\0\0\3\x2a\5a", 8},      /* bytes that are not there */
        {"\0\0\0\0\5\x31"
         "1234",
         10},                                                           /* half of 64 bits */
        {"\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 16}, /* 65 bits */
        {"\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\1", 17},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read_bytes(cases[i].bytes, cases[i].length)) {
            fail_msg("case %zu is taken for a block", i);
        }
    }
    assert_int_equal(block.first, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc_next_writes_what_protobuf_would),
        cmocka_unit_test(test_grpc_next_writes_the_longest_name),
        cmocka_unit_test(test_grpc_next_reads_numbers_exactly),
        cmocka_unit_test(test_grpc_next_passes_over_what_it_does_not_know),
        cmocka_unit_test(test_grpc_next_refuses_what_is_not_whole),
    };
    return cmocka_run_group_tests_name("grpc_next", tests, NULL, NULL);
}
