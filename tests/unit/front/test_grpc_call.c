/* What makes a call: method, path, content type, headers, the frame of the message, its end. Each
 * case of a conformant server, and that none but a right one takes a number. */
#include "grpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct table {
    struct grpc_stage *stage;
    struct grpc_client *client;
};

static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    grpc_stage_open(table->stage);
    table->client = grpc_client_open(table->stage->port);
    *state = table;
    return 0;
}

/* Whatever a test did: the connection is as good as before, and 1 is the next number. */
static int close_stage(void **state)
{
    struct table *table = *state;

    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
    assert_int_equal(grpc_stage_next(table->client), 1);
    grpc_client_close(table->client);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

static const struct grpc_ask next = {.path = GRPC_NEXT_PATH};
static const uint8_t empty_message[] = {0, 0, 0, 0, 0};

static const struct grpc_answer *call(struct table *table, struct grpc_ask ask)
{
    return grpc_client_call(table->client, &ask, empty_message, sizeof empty_message);
}

static const struct grpc_answer *send_body(struct table *table, const void *bytes, size_t length)
{
    return grpc_client_call(table->client, &next, bytes, length);
}

/* ---- the head ---- */

static void test_grpc_call_takes_post_only(void **state)
{
    struct table *table = *state;
    const struct grpc_answer *answer =
        call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .method = "GET"});

    assert_int_equal(answer->http_status, 405);
    assert_string_equal(answer->allow, "POST");
    assert_int_equal(answer->code, -1);
    assert_true(answer->trailers_only);
    answer = call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .method = "PUT"});
    assert_int_equal(answer->http_status, 405);
    answer = call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .method = "HEAD"});
    assert_int_equal(answer->http_status, 405);
}

static void test_grpc_call_takes_its_own_content_type_only(void **state)
{
    struct table *table = *state;
    static const char *const wrong[] = {"", "application/json", "application/grpc-web",
                                        "text/plain", "application/grpc+json"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct grpc_answer *answer =
            call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .content_type = wrong[i]});

        assert_int_equal(answer->http_status, 415);
        assert_int_equal(answer->code, -1);
        assert_true(answer->trailers_only);
    }
}

static void test_grpc_call_names_a_method_that_is_not_there(void **state)
{
    struct table *table = *state;
    static const char *const wrong[] = {"/",
                                        "/seqd.v1.SequenceService",
                                        "/seqd.v1.SequenceService/",
                                        "/x",
                                        "/seqd.v1.SequenceService/Nex",
                                        "/seqd.v1.SequenceService/Nextt",
                                        "/seqd.v1.SequenceService/next",
                                        "/seqd.v1.SequenceService/Next?count=1",
                                        "//seqd.v1.SequenceService/Next"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct grpc_answer *answer = call(table, (struct grpc_ask){.path = wrong[i]});

        grpc_expect_status(answer, 12, "there is no method '/");
        assert_true(answer->trailers_only);
        assert_string_equal(answer->accept_encoding, "identity");
    }
    assert_int_equal(grpc_stage_counted(table->stage, "none", "UNIMPLEMENTED"), 9);
}

/* What comes back of a path is encoded, so it cannot end the header. */
static void test_grpc_call_encodes_what_it_repeats(void **state)
{
    struct table *table = *state;

    grpc_expect_status(call(table, (struct grpc_ask){.path = "/a%b/\xc3\xa4"}), 12,
                       "'/a%25b/%C3%A4'");
}

static void test_grpc_call_refuses_a_timeout_that_is_none(void **state)
{
    struct table *table = *state;

    grpc_expect_status(call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .timeout = "5"}), 13,
                       "grpc-timeout must stand once");
    grpc_expect_status(call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH,
                                                     .timeout = "1S",
                                                     .more = {"grpc-timeout", "1S"}}),
                       13, "grpc-timeout must stand once");
}

static void test_grpc_call_past_its_deadline_takes_no_number(void **state)
{
    struct table *table = *state;

    grpc_expect_status(call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .timeout = "0n"}), 4,
                       "none were taken");
    grpc_expect_status(call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH, .timeout = "1n"}), 4,
                       "none were taken");
}

static void test_grpc_call_bounds_its_headers(void **state)
{
    struct table *table = *state;
    char value[1000];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    assert_int_equal(grpc_client_setting(table->client, 6), 0xFFFFFFFF); /* not seen yet */
    grpc_expect_status(call(table, (struct grpc_ask){.path = GRPC_NEXT_PATH,
                                                     .more = {"x-filler", value},
                                                     .more_times = 9}),
                       8, "the headers take more than 8192 bytes");
    assert_int_equal(grpc_client_setting(table->client, 6), 8192); /* MAX_HEADER_LIST_SIZE */
}

/* As HTTP/2 counts them: a field that fills them up is borne, one that is a byte longer is not. */
static void test_grpc_call_bounds_its_headers_to_the_byte(void **state)
{
    struct table *table = *state;
    static const char usual[] = ":methodPOST:schemehttp:path/x:authoritytestte"
                                "trailerscontent-typeapplication/grpcx-filler";
    const size_t room = 8192 - (sizeof usual - 1) - (size_t)7 * 32;
    char value[8192];

    memset(value, 'v', sizeof value);
    value[room] = '\0';
    grpc_expect_status(call(table, (struct grpc_ask){.path = "/x", .more = {"x-filler", value}}),
                       12, "there is no method");
    value[room] = 'v';
    value[room + 1] = '\0';
    grpc_expect_status(call(table, (struct grpc_ask){.path = "/x", .more = {"x-filler", value}}), 8,
                       "more than 8192 bytes");
}

/* Metadata that means nothing here, of names and bytes that HTTP allows. */
static void test_grpc_call_bears_metadata(void **state)
{
    struct table *table = *state;
    static const char *const more[][2] = {
        {"x-trace-bin", "AAEC/w=="},   {"x-trace-bin", "AAEC/w,AA"},
        {"x-text", "\xc3\xa4 \t\x80"}, {"x-text", ""},
        {"grpc-later", "1"},           {"user-agent", "a/1 (b;)"}};

    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        grpc_expect_status(
            call(table, (struct grpc_ask){.path = "/x", .more = {more[i][0], more[i][1]}}), 12,
            "there is no method");
    }
}

/* ---- the body ---- */

static void test_grpc_call_takes_exactly_one_message(void **state)
{
    struct table *table = *state;
    static const uint8_t two[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    grpc_expect_status(send_body(table, NULL, 0), 12, "exactly one message");
    grpc_expect_status(send_body(table, two, sizeof two), 12, "exactly one message");
    grpc_expect_status(send_body(table, two, 6), 12, "exactly one message");
}

static void test_grpc_call_notices_a_cut_message(void **state)
{
    struct table *table = *state;
    struct grpc_words words = grpc_words_next("default", 3);

    for (size_t length = 1; length < words.length; length++) {
        grpc_expect_status(send_body(table, words.bytes, length), 13, "the last message is cut");
    }
}

static void test_grpc_call_knows_no_compression(void **state)
{
    struct table *table = *state;
    static const uint8_t compressed[] = {1, 0, 0, 0, 1, 0};
    static const uint8_t nonsense[] = {2, 0, 0, 0, 0};
    struct grpc_ask gzip = {.path = GRPC_NEXT_PATH, .encoding = "gzip"};
    struct grpc_ask identity = {.path = GRPC_NEXT_PATH, .encoding = "identity"};

    const struct grpc_answer *answer =
        grpc_client_call(table->client, &gzip, compressed, sizeof compressed);
    grpc_expect_status(answer, 12, "no compression is known here");
    assert_string_equal(answer->accept_encoding, "identity");
    grpc_expect_status(send_body(table, compressed, sizeof compressed), 13, "marked as compressed");
    grpc_expect_status(grpc_client_call(table->client, &identity, compressed, sizeof compressed),
                       13, "marked as compressed");
    grpc_expect_status(send_body(table, nonsense, sizeof nonsense), 13, "neither 0 nor 1");
}

/* What is not compressed is read, whatever compression its client would know. */
static void test_grpc_call_reads_what_is_not_compressed(void **state)
{
    struct table *table = *state;
    struct grpc_ask gzip = {.path = GRPC_NEXT_PATH, .encoding = "gzip"};
    struct grpc_words words = grpc_words_next("nothing", 3);

    grpc_expect_status(grpc_client_call(table->client, &gzip, words.bytes, words.length), 5,
                       "'nothing'");
}

static void test_grpc_call_bounds_its_message(void **state)
{
    struct table *table = *state;
    static uint8_t bytes[5 + 4097];

    bytes[3] = 4097 >> 8;
    bytes[4] = 4097 & 0xFF;
    grpc_expect_status(send_body(table, bytes, sizeof bytes), 8, "more than 4096 bytes");
    memset(bytes, 0xFF, 5);
    bytes[0] = 0;
    grpc_expect_status(send_body(table, bytes, sizeof bytes), 8, "more than 4096 bytes");
}

/* The status comes as soon as it is certain, and the client is asked to stop sending. */
static void test_grpc_call_does_not_wait_for_what_it_will_not_read(void **state)
{
    struct table *table = *state;
    static const uint8_t huge[] = {0, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2, 3};
    int32_t stream = grpc_client_begin(table->client, &next, huge, sizeof huge, false);

    assert_true(grpc_client_await_end(table->client, stream, 10000));
    const struct grpc_answer *answer = grpc_client_answer(table->client, stream);
    grpc_expect_status(answer, 8, "more than 4096 bytes");
    assert_int_equal(answer->reset, 0); /* NO_ERROR */
}

/* Not as many bytes as there are in the largest message, all at once, but one by one. */
static void test_grpc_call_takes_a_message_in_pieces(void **state)
{
    struct table *table = *state;
    struct grpc_words words = grpc_words_next("nothing", 3);
    int32_t stream = grpc_client_begin(table->client, &next, NULL, 0, false);

    for (size_t i = 0; i < words.length; i++) {
        grpc_client_send(table->client, stream, words.bytes + i, 1, false);
        grpc_client_turn(table->client);
    }
    grpc_client_send(table->client, stream, NULL, 0, true);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 5, "'nothing'");
}

/* ---- cancelled ---- */

static void test_grpc_call_that_is_reset_is_counted(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &next, empty_message, 3, false);

    grpc_client_turn(table->client);
    grpc_client_reset(table->client, stream, 8);
    house_wait_until((grpc_client_turn(table->client),
                      grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "CANCELLED") == 1));
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_call_takes_post_only),
        STAGE_TEST(test_grpc_call_takes_its_own_content_type_only),
        STAGE_TEST(test_grpc_call_names_a_method_that_is_not_there),
        STAGE_TEST(test_grpc_call_encodes_what_it_repeats),
        STAGE_TEST(test_grpc_call_refuses_a_timeout_that_is_none),
        STAGE_TEST(test_grpc_call_past_its_deadline_takes_no_number),
        STAGE_TEST(test_grpc_call_bounds_its_headers),
        STAGE_TEST(test_grpc_call_bounds_its_headers_to_the_byte),
        STAGE_TEST(test_grpc_call_bears_metadata),
        STAGE_TEST(test_grpc_call_takes_exactly_one_message),
        STAGE_TEST(test_grpc_call_notices_a_cut_message),
        STAGE_TEST(test_grpc_call_knows_no_compression),
        STAGE_TEST(test_grpc_call_reads_what_is_not_compressed),
        STAGE_TEST(test_grpc_call_bounds_its_message),
        STAGE_TEST(test_grpc_call_does_not_wait_for_what_it_will_not_read),
        STAGE_TEST(test_grpc_call_takes_a_message_in_pieces),
        STAGE_TEST(test_grpc_call_that_is_reset_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
