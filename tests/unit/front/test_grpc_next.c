/* Next: what it answers, what it refuses, and that a refusal takes no number. */
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
    struct definition down = definition_default();
    struct definition three = definition_default();

    assert_non_null(table);
    down.start = -1;
    down.increment = -10;
    down.min = -1000;
    down.max = 5;
    three.max = 3;
    table->stage = grpc_stage_new();
    house_declare(table->stage->house, "down", down);
    house_declare(table->stage->house, "three", three);
    grpc_stage_open(table->stage);
    table->client = grpc_client_open(table->stage->port);
    *state = table;
    return 0;
}

static int close_stage(void **state)
{
    struct table *table = *state;

    grpc_client_close(table->client);
    grpc_stage_close(table->stage);
    free(table);
    return 0;
}

static const struct grpc_ask next = {.path = GRPC_NEXT_PATH};

static const struct grpc_answer *ask(struct table *table, const struct grpc_words *words)
{
    return grpc_client_call(table->client, &next, words->bytes, words->length);
}

static const struct grpc_answer *ask_for(struct table *table, const char *sequence, int64_t count)
{
    struct grpc_words words = grpc_words_next(sequence, count);

    return ask(table, &words);
}

static void test_grpc_next_answers_an_empty_request_from_default(void **state)
{
    struct table *table = *state;
    const struct grpc_answer *answer = ask_for(table, NULL, GRPC_NO_COUNT);
    struct grpc_block block = grpc_expect_block(answer);

    assert_int_equal(block.first, 1);
    assert_int_equal(block.last, 1);
    assert_int_equal(block.count, 1);
    assert_int_equal(block.increment, 1);
    assert_false(answer->trailers_only);
    assert_int_equal(grpc_expect_block(ask_for(table, "", 1)).first, 2);
    assert_int_equal(grpc_expect_block(ask_for(table, "default", 1)).first, 3);
}

/* Who names no compression need not be told that none is known. */
static void test_grpc_next_tells_who_may_compress_what_is_known(void **state)
{
    struct table *table = *state;
    struct grpc_ask gzip = {.path = GRPC_NEXT_PATH, .encoding = "gzip"};
    struct grpc_words words = grpc_words_next(NULL, 1);
    const struct grpc_answer *answer =
        grpc_client_call(table->client, &gzip, words.bytes, words.length);

    assert_int_equal(grpc_expect_block(answer).first, 1);
    assert_string_equal(answer->accept_encoding, "identity");
    answer = ask(table, &words);
    assert_int_equal(grpc_expect_block(answer).first, 2);
    assert_string_equal(answer->accept_encoding, "");
}

static void test_grpc_next_answers_a_block(void **state)
{
    struct table *table = *state;
    struct grpc_block block = grpc_expect_block(ask_for(table, "default", 10000));

    assert_int_equal(block.first, 1);
    assert_int_equal(block.last, 10000);
    assert_int_equal(block.count, 10000);
    assert_int_equal(grpc_expect_block(ask_for(table, NULL, 1)).first, 10001);
}

static void test_grpc_next_answers_a_descending_sequence(void **state)
{
    struct table *table = *state;
    struct grpc_block block = grpc_expect_block(ask_for(table, "down", 3));

    assert_int_equal(block.first, -1);
    assert_int_equal(block.last, -21);
    assert_int_equal(block.count, 3);
    assert_int_equal(block.increment, -10);
}

static void test_grpc_next_names_the_limit_of_a_count(void **state)
{
    struct table *table = *state;
    const int64_t wrong[] = {0, -1, 10001, INT64_MAX, INT64_MIN + 1};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct grpc_answer *answer = ask_for(table, NULL, wrong[i]);

        grpc_expect_status(answer, 3, "it must be from 1 to 10000");
        assert_true(answer->trailers_only);
    }
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
    assert_int_equal(grpc_stage_next(table->client), 1);
}

static void test_grpc_next_names_a_sequence_that_is_not_there(void **state)
{
    struct table *table = *state;

    grpc_expect_status(ask_for(table, "nothing", 1), 5, "there is no sequence 'nothing'");
    grpc_expect_status(ask_for(table, "defaul", 1), 5, "'defaul'");
    grpc_expect_status(ask_for(table, "default/", 1), 5, "'default/'");
}

static void test_grpc_next_refuses_names_that_are_none(void **state)
{
    struct table *table = *state;
    char longer[200];
    struct grpc_words words = grpc_words_empty();

    memset(longer, 'a', sizeof longer);
    longer[129] = '\0';
    grpc_expect_status(ask_for(table, longer, 1), 3, "129 bytes, 128 at most");
    grpc_expect_status(ask_for(table, "defa\nult", 1), 3, "a byte that no name has");
    grpc_expect_status(ask_for(table, "d\xc3\xa4", 1), 3, "a byte that no name has");
    /* protobuf-c ends a text at its first NUL, so this one could pass for 'default'. */
    grpc_words_add_text(&words, 1, "default\0x", 9);
    grpc_expect_status(ask(table, &words), 3, "a byte that no name has");
    words = grpc_words_empty();
    grpc_words_add_text(&words, 1, "\0", 1);
    grpc_expect_status(ask(table, &words), 3, "a byte that no name has");
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

static void test_grpc_next_says_when_the_numbers_end(void **state)
{
    struct table *table = *state;

    grpc_expect_status(ask_for(table, "three", 4), 11,
                       "4 numbers were asked for, 'three' has 3 left");
    assert_int_equal(grpc_expect_block(ask_for(table, "three", 3)).last, 3);
    grpc_expect_status(ask_for(table, "three", 1), 11,
                       "1 numbers were asked for, 'three' has 0 left");
}

/* A client of a later version may send fields that are not known here; the last of a field that
 * stands twice counts, as Protocol Buffers say. */
static void test_grpc_next_bears_what_it_does_not_know(void **state)
{
    struct table *table = *state;
    struct grpc_words words = grpc_words_next("down", 2);

    grpc_words_add_integer(&words, 99, 7);
    grpc_words_add_text(&words, 100, "later", 5);
    grpc_words_add_text(&words, 1, "default", 7);
    assert_int_equal(grpc_expect_block(ask(table, &words)).last, 2);
}

static void test_grpc_next_refuses_what_is_no_message(void **state)
{
    struct table *table = *state;
    static const uint8_t cut_text[] = {0, 0, 0, 0, 3, 0x0a, 5, 'a'};
    static const uint8_t cut_number[] = {0, 0, 0, 0, 2, 0x10, 0x80};
    static const uint8_t field_0[] = {0, 0, 0, 0, 2, 0x00, 0x01};
    static const uint8_t group[] = {0, 0, 0, 0, 1, 0x0b};
    static const struct {
        const uint8_t *bytes;
        size_t length;
    } wrong[] = {{cut_text, sizeof cut_text},
                 {cut_number, sizeof cut_number},
                 {field_0, sizeof field_0},
                 {group, sizeof group}};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        grpc_expect_status(grpc_client_call(table->client, &next, wrong[i].bytes, wrong[i].length),
                           13, "is no NextRequest");
    }
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

/* Many small fields in one message would take more memory than the message has. */
static void test_grpc_next_bounds_the_memory_of_a_message(void **state)
{
    struct table *table = *state;
    uint8_t bytes[5 + 4000];

    memset(bytes, 0, sizeof bytes);
    bytes[3] = 4000 >> 8;
    bytes[4] = 4000 & 0xFF;
    for (size_t i = 5; i < sizeof bytes; i += 2) {
        bytes[i] = 0x78; /* field 15, a number */
        bytes[i + 1] = 1;
    }
    grpc_expect_status(grpc_client_call(table->client, &next, bytes, sizeof bytes), 13,
                       "is no NextRequest");
    assert_int_equal(grpc_stage_next(table->client), 1);
}

static void test_grpc_next_is_counted(void **state)
{
    struct table *table = *state;

    (void)ask_for(table, NULL, 1);
    (void)ask_for(table, NULL, 1);
    (void)ask_for(table, "nothing", 1);
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "OK"), 2);
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "NOT_FOUND"), 1);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_next_answers_an_empty_request_from_default),
        STAGE_TEST(test_grpc_next_tells_who_may_compress_what_is_known),
        STAGE_TEST(test_grpc_next_answers_a_block),
        STAGE_TEST(test_grpc_next_answers_a_descending_sequence),
        STAGE_TEST(test_grpc_next_names_the_limit_of_a_count),
        STAGE_TEST(test_grpc_next_names_a_sequence_that_is_not_there),
        STAGE_TEST(test_grpc_next_refuses_names_that_are_none),
        STAGE_TEST(test_grpc_next_says_when_the_numbers_end),
        STAGE_TEST(test_grpc_next_bears_what_it_does_not_know),
        STAGE_TEST(test_grpc_next_refuses_what_is_no_message),
        STAGE_TEST(test_grpc_next_bounds_the_memory_of_a_message),
        STAGE_TEST(test_grpc_next_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
