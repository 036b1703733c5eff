#include "ctl/check_way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct check_reply reply;

static void judge(enum check_form form, struct answer answer, uint64_t count, int64_t increment)
{
    reply = (struct check_reply){.event = CHECK_FAILED};
    check_way_judge(form, &answer, count, increment, &reply);
}

/* An answer with success over HTTP. */
static enum check_event judge_body(enum check_form form, const char *text, uint64_t count,
                                   int64_t increment)
{
    char body[512];
    (void)snprintf(body, sizeof body, "%s", text);
    judge(form, (struct answer){.status = 200, .body = body, .length = strlen(body)}, count,
          increment);
    return reply.event;
}

static enum check_event judge_status(long status, const char *type, const char *text)
{
    char body[256];
    struct answer answer = {.status = status, .body = body, .length = strlen(text)};
    (void)snprintf(body, sizeof body, "%s", text);
    (void)snprintf(answer.type, sizeof answer.type, "%s", type);
    judge(CHECK_JSON, answer, 1, 1);
    return reply.event;
}

static enum check_event judge_grpc(long status, int grpc_status, const char *bytes, size_t length)
{
    char body[64];
    memcpy(body, bytes, length);
    judge(CHECK_GRPC,
          (struct answer){
              .status = status, .body = body, .length = length, .grpc_status = grpc_status},
          3, 1);
    return reply.event;
}

static void test_check_way_takes_text_apart(void **state)
{
    (void)state;
    assert_int_equal(judge_body(CHECK_TEXT, "5\n15\n25\n", 3, 10), CHECK_BLOCK);
    assert_int_equal(reply.block.first, 5);
    assert_int_equal(reply.block.last, 25);
    assert_int_equal(reply.block.count, 3);
    assert_int_equal(judge_body(CHECK_TEXT, "3\n2\n1\n", 3, -1), CHECK_BLOCK);
    assert_int_equal(judge_body(CHECK_TEXT, "7\n", 1, 10), CHECK_BLOCK);

    assert_int_equal(judge_body(CHECK_TEXT, "5\n15\n", 3, 10), CHECK_WRONG);
    assert_non_null(strstr(reply.detail.text, "asked for 3, got 2 from 5 to 15"));
    assert_true(reply.has_block);
    assert_int_equal(judge_body(CHECK_TEXT, "5\n15\n25\n35\n", 3, 10), CHECK_WRONG);
    assert_int_equal(judge_body(CHECK_TEXT, "5\n16\n25\n", 3, 10), CHECK_WRONG);
    assert_non_null(strstr(reply.detail.text, "from 5 to 25 are not 10 apart"));
    assert_int_equal(judge_body(CHECK_TEXT, "5\n5\n5\n", 3, 10), CHECK_WRONG);
    assert_int_equal(judge_body(CHECK_TEXT, "1\n2\n3\n", 3, -1), CHECK_WRONG);
    assert_int_equal(judge_body(CHECK_TEXT, "5\n15\n25", 3, 10), CHECK_WRONG);
    assert_int_equal(judge_body(CHECK_TEXT, "5\n15\n25\nmore", 3, 10), CHECK_WRONG);
    assert_int_equal(judge_body(CHECK_TEXT, "hello\n", 1, 10), CHECK_WRONG);
    assert_false(reply.has_block);
    assert_int_equal(judge_body(CHECK_TEXT, "", 1, 10), CHECK_WRONG);
}

static void test_check_way_compares_json_with_what_was_asked_for(void **state)
{
    (void)state;
    static const char block[] =
        "{\"first\":\"5\",\"last\":\"25\",\"count\":3,\"increment\":\"10\"}";
    assert_int_equal(judge_body(CHECK_JSON, block, 3, 10), CHECK_BLOCK);
    assert_int_equal(judge_body(CHECK_JSON, block, 3, 0), CHECK_BLOCK); /* the first of all */
    assert_int_equal(reply.block.increment, 10);
    assert_int_equal(judge_body(CHECK_JSON, block, 2, 10), CHECK_WRONG);
    assert_non_null(strstr(reply.detail.text, "asked for 2, got 3 from 5 to 25 by 10"));
    assert_int_equal(judge_body(CHECK_JSON, block, 3, 5), CHECK_WRONG);
    assert_true(reply.has_block);
    assert_int_equal(judge_body(CHECK_JSON, "{\"first\":\"5\"}", 1, 1), CHECK_WRONG);
    assert_false(reply.has_block);
}

static void test_check_way_reads_grpc_by_its_status(void **state)
{
    (void)state;
    static const char block[] = "\0\0\0\0\x08\x08\1\x10\3\x18\3\x20\1";
    assert_int_equal(judge_grpc(200, 0, block, sizeof block - 1), CHECK_BLOCK);
    assert_int_equal(reply.block.last, 3);
    assert_int_equal(judge_grpc(200, 0, block, sizeof block - 2), CHECK_WRONG);
    assert_int_equal(judge_grpc(200, 0, "\0\0\0\0\0", 5), CHECK_WRONG); /* no numbers: zeros */
    /* Without a status nobody said that it is whole. */
    assert_int_equal(judge_grpc(200, -1, block, sizeof block - 1), CHECK_LOST);
    assert_int_equal(judge_grpc(200, 14, "", 0), CHECK_FAILED);
    assert_int_equal(judge_grpc(200, 4, "", 0), CHECK_FAILED);
    static const struct {
        int status;
        enum outcome outcome;
    } refusals[] = {{5, OUTCOME_NOT_FOUND},
                    {7, OUTCOME_FORBIDDEN},
                    {11, OUTCOME_CONFLICT},
                    {16, OUTCOME_FORBIDDEN},
                    {12, OUTCOME_FAILED}};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(judge_grpc(200, refusals[i].status, "", 0), CHECK_REFUSED);
        assert_int_equal(reply.outcome, refusals[i].outcome);
    }
    assert_int_equal(judge_grpc(502, -1, "", 0), CHECK_LOST);
}

/* "It failed" is said only where a seqd has said so. */
static void test_check_way_calls_nothing_a_failure_that_may_have_taken_numbers(void **state)
{
    (void)state;
    assert_int_equal(judge_status(503, SERVER_TYPE_PROBLEM, "{\"type\":\"/problems/no-lease\"}"),
                     CHECK_FAILED);
    assert_false(reply.unreached);
    assert_int_equal(judge_status(503, "text/html", "<h1>Bad gateway</h1>"), CHECK_LOST);
    assert_true(reply.unreached);
    assert_int_equal(judge_status(504, "", ""), CHECK_LOST);
    assert_int_equal(
        judge_status(404, SERVER_TYPE_PROBLEM, "{\"type\":\"/problems/unknown-sequence\"}"),
        CHECK_REFUSED);
    assert_int_equal(reply.outcome, OUTCOME_NOT_FOUND);
    assert_int_equal(judge_status(404, "text/html", "no"), CHECK_REFUSED);
    assert_int_equal(reply.outcome, OUTCOME_FAILED);
}

static void test_check_way_aims_each_form(void **state)
{
    (void)state;
    char name[ADDRESS_SIZE + 16];
    struct check_way way = {.form = CHECK_TEXT, .options = {.address = {.url = "http://h:1"}}};
    check_way_aim(&way, "orders", 12);
    assert_string_equal(way.path, "/v1/sequences/orders/next?count=12");
    assert_int_equal(way.message_length, 0);
    assert_string_equal(check_way_name(&way, name), "http://h:1 (text)");
    way.form = CHECK_GRPC;
    check_way_aim(&way, "orders", 12);
    assert_string_equal(way.path, GRPC_NEXT_PATH);
    assert_int_equal(way.message_length, 5 + 2 + 6 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_way_takes_text_apart),
        cmocka_unit_test(test_check_way_compares_json_with_what_was_asked_for),
        cmocka_unit_test(test_check_way_reads_grpc_by_its_status),
        cmocka_unit_test(test_check_way_calls_nothing_a_failure_that_may_have_taken_numbers),
        cmocka_unit_test(test_check_way_aims_each_form),
    };
    return cmocka_run_group_tests_name("check_way", tests, NULL, NULL);
}
