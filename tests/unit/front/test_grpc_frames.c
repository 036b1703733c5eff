/* Calls written by hand, frame by frame, and sent in one piece: what HTTP/2 allows and no client's
 * library does, or does not do on demand. */
#include "grpc_raw.h"
#include "grpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct table {
    struct grpc_stage *stage;
    struct grpc_raw *raw;
};

/* Numbers are leased: 1 was taken already. */
static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    grpc_stage_open(table->stage);
    struct grpc_client *client = grpc_client_open(table->stage->port);
    assert_int_equal(grpc_stage_next(client), 1);
    grpc_client_close(client);
    table->raw = grpc_raw_open(table->stage->port);
    grpc_raw_preface(table->raw);
    *state = table;
    return 0;
}

static int close_stage(void **state)
{
    struct table *table = *state;

    grpc_raw_close(table->raw);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

/* A message cut into frames with padding, and trailers of the client's own behind it. */
static void test_grpc_frames_may_be_padded_and_trailed(void **state)
{
    struct table *table = *state;
    static const uint8_t first[] = {3, 0, 0, 0, 'p', 'a', 'd'}; /* 3 of the message, 3 of padding */
    static const uint8_t second[] = {0, 0, 0};                  /* 2 of the message, no padding */
    uint8_t trailers[64];

    grpc_raw_call(table->raw, 1, 0);
    grpc_raw_frame(table->raw, DATA, PADDED, 1, first, sizeof first);
    grpc_raw_frame(table->raw, DATA, PADDED, 1, second, sizeof second);
    grpc_raw_frame(table->raw, HEADERS, END_HEADERS | END_STREAM, 1, trailers,
                   grpc_raw_put_field(trailers, "x-trailer", "y"));
    struct grpc_verdict verdict = grpc_raw_await(table->raw, (struct grpc_verdict){.headers = 2});
    assert_int_equal(verdict.headers, 2); /* of the answer, and behind it */
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 2);
}

/* HTTP/2 wants frames of later versions to be passed over; they cost no more than their bytes. */
static void test_grpc_frames_of_later_versions_are_passed_over(void **state)
{
    struct table *table = *state;

    for (int i = 0; i < 5000; i++) {
        grpc_raw_frame(table->raw, UNHEARD_OF, 0, 0, "x", 1);
    }
    grpc_raw_frame(table->raw, PING, 0, 0, "12345678", 8);
    struct grpc_verdict verdict = grpc_raw_await(table->raw, (struct grpc_verdict){.acks = 2});
    assert_false(verdict.closed || verdict.goaway);
    assert_int_equal(verdict.acks, 2);
}

/* The call, its message and its deadline come together, and there are numbers to take: no timer is
 * needed to see that it is too late. */
static void test_grpc_frames_past_the_deadline_take_no_number(void **state)
{
    struct table *table = *state;
    static const uint8_t empty_message[5];
    uint8_t head[256];
    size_t length = grpc_raw_put_head(head);

    length += grpc_raw_put_field(head + length, "grpc-timeout", "1n");
    grpc_raw_frame(table->raw, HEADERS, END_HEADERS, 1, head, length);
    grpc_raw_frame(table->raw, DATA, END_STREAM, 1, empty_message, sizeof empty_message);
    struct grpc_verdict verdict = grpc_raw_await(table->raw, (struct grpc_verdict){.headers = 1});
    assert_int_equal(verdict.headers, 1); /* a status and nothing before it */
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "DEADLINE_EXCEEDED"), 1);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 1);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_frames_may_be_padded_and_trailed),
        STAGE_TEST(test_grpc_frames_of_later_versions_are_passed_over),
        STAGE_TEST(test_grpc_frames_past_the_deadline_take_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
