/* Stream: many requests over one call, each answered with its tag; what waits lets others pass; a
 * client that does not read makes nobody hold more. */
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
    size_t at; /* of the answers, read so far */
};

static const struct grpc_ask ask = {.path = GRPC_STREAM_PATH};

static int open_stage(void **state)
{
    struct table *table = calloc(1, sizeof *table);
    struct definition three = definition_default();

    assert_non_null(table);
    three.max = 3;
    table->stage = grpc_stage_new();
    house_declare(table->stage->house, "other", definition_default());
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

static void send_request(struct table *table, int32_t stream, uint64_t tag, const char *sequence,
                         int64_t count)
{
    struct grpc_words words = grpc_words_stream(tag, sequence, count);

    grpc_client_send(table->client, stream, words.bytes, words.length, false);
}

/* The next answer. */
static struct grpc_block receive(struct table *table, int32_t stream)
{
    struct grpc_block block;
    struct instant until = clock_after(clock_now(), 20 * CLOCK_NS_PER_S);

    for (;;) {
        const struct grpc_answer *answer = grpc_client_answer(table->client, stream);
        size_t at = table->at;

        if (answer->length > at &&
            grpc_words_read_stream(answer->body, answer->length, &at, &block)) {
            table->at = at;
            return block;
        }
        assert_false(answer->closed || clock_reached(until, clock_now()));
        (void)grpc_client_await_body(table->client, stream, answer->length + 1, 1000);
    }
}

static void end_well(struct table *table, int32_t stream)
{
    grpc_client_send(table->client, stream, NULL, 0, true);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
    assert_int_equal(table->at, grpc_client_answer(table->client, stream)->length);
}

static void test_grpc_stream_answers_each_with_its_tag(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 7, NULL, GRPC_NO_COUNT);
    struct grpc_block block = receive(table, stream);
    assert_int_equal(block.tag, 7);
    assert_int_equal(block.first, 1);
    assert_int_equal(block.count, 1);
    send_request(table, stream, UINT64_MAX, "other", 10000);
    block = receive(table, stream);
    assert_true(block.tag == UINT64_MAX && block.first == 1 && block.last == 10000);
    send_request(table, stream, 0, "default", 2);
    block = receive(table, stream);
    assert_true(block.tag == 0 && block.first == 2 && block.last == 3 && block.increment == 1);
    end_well(table, stream);
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_STREAM_PATH, "OK"), 1);
}

/* Hundreds of requests that come in one frame are answered in few. */
static void test_grpc_stream_answers_many_at_once(void **state)
{
    struct table *table = *state;
    static uint8_t bytes[1000 * 32];
    size_t length = 0;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 5000, NULL, 1); /* so that a lease is there */
    assert_int_equal(receive(table, stream).first, 1);
    for (uint64_t tag = 0; tag < 1000; tag++) {
        struct grpc_words words = grpc_words_stream(tag, NULL, 1);

        memcpy(bytes + length, words.bytes, words.length);
        length += words.length;
    }
    unsigned frames = grpc_client_answer(table->client, stream)->frames;
    grpc_client_send(table->client, stream, bytes, length, false);
    static bool tags[1000];
    memset(tags, 0, sizeof tags);
    for (unsigned i = 0; i < 1000; i++) {
        struct grpc_block block = receive(table, stream);

        assert_true(block.tag < 1000 && !tags[block.tag] && !block.failed);
        tags[block.tag] = true;
    }
    assert_true(grpc_client_answer(table->client, stream)->frames - frames <= 50);
    end_well(table, stream);
}

static void test_grpc_stream_goes_on_after_a_refusal(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 1, "nothing", 1);
    send_request(table, stream, 2, NULL, 0);
    send_request(table, stream, 3, NULL, -5);
    send_request(table, stream, 4, "three", 4);
    send_request(table, stream, 5, "three", 3);
    struct grpc_block block = receive(table, stream);
    assert_true(block.failed && block.tag == 1 && block.code == 5 && block.retry_after_ms == 0);
    assert_string_equal(block.message, "there is no sequence 'nothing'");
    block = receive(table, stream);
    assert_true(block.failed && block.tag == 2 && block.code == 3);
    assert_string_equal(block.message, "count is 0; it must be from 1 to 10000");
    block = receive(table, stream);
    assert_true(block.failed && block.tag == 3 && block.code == 3);
    block = receive(table, stream);
    assert_true(block.failed && block.tag == 4 && block.code == 11);
    block = receive(table, stream);
    assert_true(!block.failed && block.tag == 5 && block.last == 3);
    end_well(table, stream);
}

static void test_grpc_stream_lets_others_pass_who_waits(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 1, "other", 1);
    assert_int_equal(receive(table, stream).first, 1);
    store_memory_hold(table->stage->house->disk);
    for (uint64_t tag = 10; tag < 20; tag++) {
        send_request(table, stream, tag, "default", 1);
    }
    send_request(table, stream, 2, "other", 1);
    struct grpc_block block = receive(table, stream);
    assert_true(block.tag == 2 && block.first == 2);
    grpc_stage_await_waiters(table->stage, "default", 10);
    store_memory_release(table->stage->house->disk);
    for (uint64_t tag = 10; tag < 20; tag++) {
        block = receive(table, stream);
        assert_int_equal(block.tag, tag);
        assert_int_equal(block.first, tag - 9);
    }
    end_well(table, stream);
}

/* The end of what the client sends comes before the answers: they come all the same. */
static void test_grpc_stream_answers_what_was_asked_before_the_end(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    store_memory_hold(table->stage->house->disk);
    send_request(table, stream, 1, NULL, 5);
    grpc_client_send(table->client, stream, NULL, 0, true);
    assert_false(grpc_client_await_end(table->client, stream, 50));
    store_memory_release(table->stage->house->disk);
    assert_int_equal(receive(table, stream).last, 5);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
}

static void test_grpc_stream_without_a_request_ends_well(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, true);

    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 0, "");
}

static void test_grpc_stream_ends_with_what_is_no_message(void **state)
{
    struct table *table = *state;
    static const uint8_t nonsense[] = {0, 0, 0, 0, 3, 0x12, 5, 'a'};
    static const uint8_t compressed[] = {1, 0, 0, 0, 0};
    static const uint8_t longer[] = {0, 0, 0, 0x10, 0x01};
    static const uint8_t cut[] = {0, 0, 0, 0, 9, 1};
    static const struct {
        const uint8_t *bytes;
        size_t length;
        int code;
        const char *text;
    } wrong[] = {{nonsense, sizeof nonsense, 13, "no StreamRequest"},
                 {compressed, sizeof compressed, 13, "marked as compressed"},
                 {longer, sizeof longer, 8, "more than 4096 bytes"},
                 {cut, sizeof cut, 13, "the last message is cut"}};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

        table->at = 0;
        send_request(table, stream, 1, NULL, 1);
        assert_int_equal(receive(table, stream).first, i + 1);
        grpc_client_send(table->client, stream, wrong[i].bytes, wrong[i].length, true);
        assert_true(grpc_client_await_end(table->client, stream, 10000));
        grpc_expect_status(grpc_client_answer(table->client, stream), wrong[i].code, wrong[i].text);
        assert_false(grpc_client_answer(table->client, stream)->trailers_only);
    }
}

static void test_grpc_stream_ends_at_its_deadline(void **state)
{
    struct table *table = *state;
    struct grpc_ask hurried = {.path = GRPC_STREAM_PATH, .timeout = "200m"};
    int32_t stream = grpc_client_begin(table->client, &hurried, NULL, 0, false);

    store_memory_hold(table->stage->house->disk);
    send_request(table, stream, 1, NULL, 5);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 4, "the deadline has passed");
    store_memory_release(table->stage->house->disk);
    assert_int_equal(grpc_stage_next(table->client), 1);
}

/* What waits of a call that was reset takes no number, and what was answered before is not taken
 * back. */
static void test_grpc_stream_that_is_reset_takes_no_more(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 1, "other", 3);
    assert_int_equal(receive(table, stream).last, 3);
    store_memory_hold(table->stage->house->disk);
    send_request(table, stream, 2, NULL, 5);
    send_request(table, stream, 3, NULL, 5);
    grpc_client_turn(table->client);
    grpc_stage_await_waiters(table->stage, "default", 2);
    grpc_client_reset(table->client, stream, 8);
    house_wait_until((grpc_client_turn(table->client),
                      grpc_stage_counted(table->stage, GRPC_STREAM_PATH, "CANCELLED") == 1));
    store_memory_release(table->stage->house->disk);
    assert_int_equal(grpc_stage_next(table->client), 1);
    assert_int_equal(grpc_stage_issued(table->stage, "other"), 3);
}

static void test_grpc_stream_says_when_to_try_again(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    table->stage->options.wait_timeout_ms = 50;
    grpc_alter(table->stage->grpc, &table->stage->options);
    store_memory_hold(table->stage->house->disk);
    send_request(table, stream, 1, NULL, 5);
    struct grpc_block block = receive(table, stream);
    assert_true(block.failed && block.code == 14);
    assert_int_equal(block.retry_after_ms, 1000);
    store_memory_release(table->stage->house->disk);
    end_well(table, stream);
}

/* A client that asks and does not read: the answers stop at a bound, so do the numbers taken, and
 * no answer is lost when it reads at last. */
static void test_grpc_stream_takes_no_more_than_is_read(void **state)
{
    struct table *table = *state;
    struct grpc_client *slow = grpc_client_open_slow(table->stage->port, 1000);
    int32_t stream = grpc_client_begin(slow, &ask, NULL, 0, false);
    const uint64_t requests = 60000;
    struct grpc_words words = grpc_words_stream(1, NULL, 1);
    uint8_t *bytes = malloc(words.length * requests);
    size_t length = 0;

    assert_non_null(bytes);
    for (uint64_t tag = 0; tag < requests; tag++) {
        memcpy(bytes + length, words.bytes, words.length);
        length += words.length;
    }
    grpc_client_send(slow, stream, bytes, length, true);
    free(bytes);
    /* What fits the windows and the bounds is taken, and not one more while nobody reads. */
    uint64_t taken;
    do {
        taken = grpc_stage_issued(table->stage, "default");
        assert_false(grpc_client_await_end(slow, stream, 300));
    } while (taken == 0 || grpc_stage_issued(table->stage, "default") != taken);
    assert_true(taken < 20000);
    assert_false(grpc_client_await_end(slow, stream, 300));
    assert_int_equal(grpc_stage_issued(table->stage, "default"), taken);
    /* Others are served meanwhile. */
    (void)grpc_stage_next(table->client);
    size_t given_back = 0;
    while (!grpc_client_answer(slow, stream)->closed) {
        const struct grpc_answer *answer = grpc_client_answer(slow, stream);
        (void)grpc_client_await_body(slow, stream, given_back + 1, 1000);
        assert_false(grpc_client_goodbye(slow)->closed);
        grpc_client_read(slow, stream, answer->length - given_back);
        given_back = answer->length;
    }
    const struct grpc_answer *answer = grpc_client_answer(slow, stream);
    grpc_expect_status(answer, 0, "");
    struct grpc_block block;
    size_t at = 0;
    uint64_t seen = 0;
    int64_t most = 0;
    while (grpc_words_read_stream(answer->body, answer->length, &at, &block)) {
        assert_false(block.failed);
        most = block.first > most ? block.first : most;
        seen++;
    }
    assert_int_equal(seen, requests);
    assert_true(most <= (int64_t)requests + 1);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), requests + 1);
    grpc_client_close(slow);
}

/* More requests than may wait for a lease: the others stay with the client. */
static void test_grpc_stream_bounds_what_waits(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    store_memory_hold(table->stage->house->disk);
    for (uint64_t tag = 0; tag < 3000; tag++) {
        send_request(table, stream, tag, NULL, 1);
    }
    grpc_client_turn(table->client);
    grpc_stage_await_waiters(table->stage, "default", 1024);
    assert_false(grpc_client_await_end(table->client, stream, 50));
    grpc_stage_await_waiters(table->stage, "default", 1024);
    store_memory_release(table->stage->house->disk);
    static bool tags[3000];
    static bool numbers[3000];
    memset(tags, 0, sizeof tags);
    memset(numbers, 0, sizeof numbers);
    for (uint64_t i = 0; i < 3000; i++) {
        struct grpc_block block = receive(table, stream);

        assert_true(block.tag < 3000 && !tags[block.tag]);
        assert_true(block.first >= 1 && block.first <= 3000 && !numbers[block.first - 1]);
        tags[block.tag] = true;
        numbers[block.first - 1] = true;
    }
    end_well(table, stream);
}

/* What was read is answered, then the call ends so that the client goes elsewhere. */
static void test_grpc_stream_ends_with_the_service(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    store_memory_hold(table->stage->house->disk);
    send_request(table, stream, 1, NULL, 5);
    grpc_client_turn(table->client);
    grpc_stage_await_waiters(table->stage, "default", 1);
    assert_int_equal(grpc_drain(table->stage->grpc, 50), 1);
    store_memory_release(table->stage->house->disk);
    assert_int_equal(receive(table, stream).last, 5);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 14, "the service is stopping");
    assert_int_equal(grpc_drain(table->stage->grpc, 10000), 0);
}

static void test_grpc_stream_that_is_idle_does_not_hold_up_the_stop(void **state)
{
    struct table *table = *state;
    int32_t stream = grpc_client_begin(table->client, &ask, NULL, 0, false);

    send_request(table, stream, 1, NULL, 1);
    assert_int_equal(receive(table, stream).first, 1);
    assert_int_equal(grpc_drain(table->stage->grpc, 10000), 0);
    assert_true(grpc_client_await_end(table->client, stream, 10000));
    grpc_expect_status(grpc_client_answer(table->client, stream), 14, "the service is stopping");
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_stream_answers_each_with_its_tag),
        STAGE_TEST(test_grpc_stream_answers_many_at_once),
        STAGE_TEST(test_grpc_stream_goes_on_after_a_refusal),
        STAGE_TEST(test_grpc_stream_lets_others_pass_who_waits),
        STAGE_TEST(test_grpc_stream_answers_what_was_asked_before_the_end),
        STAGE_TEST(test_grpc_stream_without_a_request_ends_well),
        STAGE_TEST(test_grpc_stream_ends_with_what_is_no_message),
        STAGE_TEST(test_grpc_stream_ends_at_its_deadline),
        STAGE_TEST(test_grpc_stream_that_is_reset_takes_no_more),
        STAGE_TEST(test_grpc_stream_says_when_to_try_again),
        STAGE_TEST(test_grpc_stream_takes_no_more_than_is_read),
        STAGE_TEST(test_grpc_stream_bounds_what_waits),
        STAGE_TEST(test_grpc_stream_ends_with_the_service),
        STAGE_TEST(test_grpc_stream_that_is_idle_does_not_hold_up_the_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
