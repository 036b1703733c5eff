#include "load_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "

/* A 200 with `body`, in `buffer`. */
static struct load_answer answer_with(const char *head, const char *body, char buffer[1024])
{
    int length = snprintf(buffer, 1024, "%s%zu\r\n\r\n%s", head, strlen(body), body);
    struct load_answer answer = {0};
    assert_int_equal(load_answer_read(buffer, (size_t)length, &answer), LOAD_ANSWER_WHOLE);
    return answer;
}

static void test_load_answer_is_partial_until_its_last_byte(void **state)
{
    (void)state;
    static const char bytes[] = TEXT_HEAD "4\r\nConnection: close\r\n\r\n123\n";
    struct load_answer answer = {0};
    for (size_t length = 0; length < strlen(bytes); length++) {
        assert_int_equal(load_answer_read(bytes, length, &answer), LOAD_ANSWER_PARTIAL);
    }
    assert_int_equal(load_answer_read(bytes, strlen(bytes), &answer), LOAD_ANSWER_WHOLE);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_length, 4);
    assert_true(answer.close);
    assert_false(answer.json);
}

static void test_load_answer_refuses_what_is_no_answer(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n",
        "hello",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        TEXT_HEAD "2\r\n\r\n1\n2\n",
    };
    struct load_answer answer = {0};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(load_answer_read(wrong[i], strlen(wrong[i]), &answer),
                         LOAD_ANSWER_MALFORMED);
    }
}

static void test_load_answer_reads_a_block_of_text(void **state)
{
    (void)state;
    char buffer[1024];
    struct load_answer answer = answer_with(TEXT_HEAD, "5\n2\n-1\n", buffer);
    int64_t first = 0;
    int64_t last = 0;
    assert_null(load_answer_block(&answer, 3, -3, &first, &last));
    assert_int_equal(first, 5);
    assert_int_equal(last, -1);
}

static void test_load_answer_reads_a_block_of_json(void **state)
{
    (void)state;
    char buffer[1024];
    struct load_answer answer = answer_with(
        JSON_HEAD, "{\"first\":\"9223372036854775805\",\"last\":\"9223372036854775807\"}", buffer);
    int64_t first = 0;
    int64_t last = 0;
    assert_null(load_answer_block(&answer, 3, 1, &first, &last));
    assert_int_equal(first, INT64_MAX - 2);
    assert_int_equal(last, INT64_MAX);
}

static void test_load_answer_refuses_a_block_that_is_not_what_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body;
    } wrong[] = {
        {TEXT_HEAD, ""},
        {TEXT_HEAD, "1\n"},
        {TEXT_HEAD, "1\n2\n3\n"},
        {TEXT_HEAD, "1\n2"},
        {TEXT_HEAD, "1\n3\n"},
        {TEXT_HEAD, "1\n1\n"},
        {TEXT_HEAD, "2\n1\n"},
        {TEXT_HEAD, "1\nx\n"},
        {TEXT_HEAD, "1 2\n"},
        {TEXT_HEAD, "1\n\n"},
        {TEXT_HEAD, "+1\n2\n"},
        {TEXT_HEAD, "1\n9223372036854775808\n"},
        {JSON_HEAD, "{}"},
        {JSON_HEAD, "{\"first\":\"1\"}"},
        {JSON_HEAD, "{\"first\":1,\"last\":2}"},
        {JSON_HEAD, "{\"first\":\"1\",\"last\":\"3\"}"},
        {JSON_HEAD, "{\"first\":\"1\",\"last\":\"1\"}"},
        {JSON_HEAD, "{\"first\":\"\",\"last\":\"2\"}"},
        {JSON_HEAD, "{\"first\":\"1\",\"last\":\"2"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char buffer[1024];
        struct load_answer answer = answer_with(wrong[i].head, wrong[i].body, buffer);
        int64_t first = 77;
        int64_t last = 78;
        assert_non_null(load_answer_block(&answer, 2, 1, &first, &last));
        assert_int_equal(first, 77);
        assert_int_equal(last, 78);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_answer_is_partial_until_its_last_byte),
        cmocka_unit_test(test_load_answer_refuses_what_is_no_answer),
        cmocka_unit_test(test_load_answer_reads_a_block_of_text),
        cmocka_unit_test(test_load_answer_reads_a_block_of_json),
        cmocka_unit_test(test_load_answer_refuses_a_block_that_is_not_what_was_asked_for),
    };
    return cmocka_run_group_tests_name("load_answer", tests, NULL, NULL);
}
