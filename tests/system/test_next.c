/* What the service is for, from outside: numbers that are never given twice. */
#include "http_client.h"
#include "stage.h"

#include "base/text.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEXT(name) "/v1/sequences/" name "/next"
#define TEXT "text/plain"
#define JSON "application/json"

/* ---- without any configuration ---- */

static void test_next_counts_from_one(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    for (int64_t number = 1; number <= 20; number++) {
        assert_int_equal(stage_next(&stage, "/"), number);
    }
    stage_close(&stage);
}

static void test_next_gives_the_root_s_sequence_by_its_name_too(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    assert_int_equal(stage_next(&stage, "/"), 1);
    assert_int_equal(stage_next(&stage, NEXT("default")), 2);
    assert_int_equal(stage_next(&stage, "/"), 3);
    stage_close(&stage);
}

static void test_next_gives_a_block_as_lines(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    stage_expect(&stage, NEXT("default") "?count=6", TEXT, "1\n2\n3\n4\n5\n6\n");
    stage_expect(&stage, "/?count=4", TEXT, "7\n8\n9\n10\n");
    stage_close(&stage);
}

static void test_next_gives_a_block_as_json(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    stage_expect(&stage, NEXT("default") "?count=3", JSON,
                 "{\"sequence\":\"default\",\"first\":\"1\",\"last\":\"3\",\"count\":3,"
                 "\"increment\":\"1\"}\n");
    assert_int_equal(stage_next(&stage, "/"), 4);
    stage_close(&stage);
}

static void test_next_takes_post_for_get(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct http_answer answer =
        http_ask(stage.port, "POST", NEXT("default"), "Content-Length: 0\r\n");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "1\n");
    http_answer_free(&answer);
    assert_int_equal(stage_next(&stage, "/"), 2);
    stage_close(&stage);
}

static void test_next_never_consumes_for_head_options_and_looking(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        int status;
    } looks[] = {
        {"HEAD", "/", 200},
        {"HEAD", NEXT("default"), 200},
        {"HEAD", NEXT("default") "?count=50", 200},
        {"OPTIONS", "/", 204},
        {"OPTIONS", NEXT("default"), 204},
        {"GET", "/v1/sequences/default", 200},
        {"HEAD", "/v1/sequences/default", 200},
        {"GET", "/healthz", 200},
        {"GET", "/readyz", 200},
    };
    struct stage stage = stage_open(NULL);
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        stage_expect_status(&stage, looks[i].method, looks[i].target, "", looks[i].status);
        assert_int_equal(stage_next(&stage, "/"), (int64_t)i + 1);
    }
    stage_close(&stage);
}

/* A browser that fetches on suspicion, or a cache, must not eat numbers nor keep them. */
static void test_next_forbids_caches_to_keep_a_number(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    struct http_answer answer = http_ask(stage.port, "GET", "/", "");
    char value[64] = "";
    assert_true(http_answer_header(&answer, "Cache-Control", value, sizeof(value)));
    assert_string_equal(value, "no-store");
    http_answer_free(&answer);
    stage_expect_status(&stage, "GET", "/", "Sec-Purpose: prefetch\r\n", 503);
    assert_int_equal(stage_next(&stage, "/"), 2);
    stage_close(&stage);
}

/* ---- over the ends of lives ---- */

static void test_next_goes_on_after_clean_stops_without_a_gap(void **state)
{
    (void)state;
    struct stage stage = stage_open(NULL);
    for (int64_t life = 0; life < 4; life++) {
        for (int64_t i = 1; i <= 3; i++) {
            assert_int_equal(stage_next(&stage, "/"), life * 3 + i);
        }
        stage_stop(&stage);
        stage_start(&stage, NULL);
    }
    stage_close(&stage);
}

static void test_next_never_repeats_after_kills_and_loses_max_gap_at_most(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:default]\nmax_gap = 100\n");
    int64_t last = 0;
    for (int life = 0; life < 5; life++) {
        for (int i = 0; i < 7; i++) {
            int64_t number = stage_next(&stage, "/");
            assert_true(number > last);
            assert_true(i == 0 ? number <= last + 101 : number == last + 1);
            last = number;
        }
        stage_kill(&stage);
        stage_start(&stage, NULL);
    }
    stage_close(&stage);
}

static void test_next_loses_nothing_in_a_kill_where_every_number_is_committed(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:default]\ndurability = every\n");
    for (int64_t number = 1; number <= 12; number++) {
        assert_int_equal(stage_next(&stage, "/"), number);
        if (number % 3 == 0) {
            stage_kill(&stage);
            stage_start(&stage, NULL);
        }
    }
    stage_close(&stage);
}

/* ---- kinds of sequences ---- */

static void test_next_keeps_sequences_apart(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:orders]\nstart = 1001\n[sequence:invoices]\n");
    assert_int_equal(stage_next(&stage, NEXT("orders")), 1001);
    assert_int_equal(stage_next(&stage, NEXT("invoices")), 1);
    assert_int_equal(stage_next(&stage, NEXT("orders")), 1002);
    stage_kill(&stage);
    stage_start(&stage, NULL);
    assert_true(stage_next(&stage, NEXT("orders")) > 1002);
    assert_true(stage_next(&stage, NEXT("invoices")) > 1);
    stage_expect_status(&stage, "GET", "/", "", 404);
    stage_close(&stage);
}

/* The numbers in `expected`, then 409 for ever, over a clean stop and over a kill. */
static void expect_to_end(const char *options, const int64_t *expected, size_t count)
{
    char configuration[256];
    (void)snprintf(configuration, sizeof(configuration), "[sequence:short]\n%s", options);
    struct stage stage = stage_open(configuration);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(stage_next(&stage, NEXT("short")), expected[i]);
    }
    for (int life = 0; life < 3; life++) {
        stage_expect_status(&stage, "GET", NEXT("short"), "", 409);
        stage_expect_status(&stage, "GET", NEXT("short"), "", 409);
        if (life == 0) {
            stage_stop(&stage);
        } else {
            stage_kill(&stage);
        }
        stage_start(&stage, NULL);
    }
    stage_close(&stage);
}

static void test_next_ends_at_max_and_never_wraps(void **state)
{
    (void)state;
    static const int64_t expected[] = {1, 2, 3, 4, 5};
    expect_to_end("max = 5\n", expected, 5);
}

static void test_next_ends_at_the_end_of_63_bits(void **state)
{
    (void)state;
    static const int64_t expected[] = {INT64_MAX - 1, INT64_MAX};
    expect_to_end("start = 9223372036854775806\n", expected, 2);
}

static void test_next_descends_below_zero(void **state)
{
    (void)state;
    static const int64_t expected[] = {4, 1, -2, -5};
    expect_to_end("start = 4\nincrement = -3\nmin = -7\n", expected, 4);
}

static void test_next_rises_from_below_zero(void **state)
{
    (void)state;
    static const int64_t expected[] = {-10, -6, -2, 2};
    expect_to_end("start = -10\nmin = -10\nmax = 5\nincrement = 4\n", expected, 4);
}

/* More than is left: nothing is taken, nothing is cut, and what is left can still be had. */
static void test_next_refuses_more_than_is_left_and_takes_none(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:short]\nmax = 5\n");
    stage_expect(&stage, NEXT("short") "?count=3", TEXT, "1\n2\n3\n");
    stage_expect_status(&stage, "GET", NEXT("short") "?count=3", "", 409);
    stage_expect(&stage, NEXT("short") "?count=2", TEXT, "4\n5\n");
    stage_expect_status(&stage, "GET", NEXT("short"), "", 409);
    stage_close(&stage);
}

static void test_next_gives_a_block_larger_than_max_gap_whole(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:default]\nmax_gap = 10\n");
    assert_int_equal(stage_next(&stage, "/"), 1);
    struct http_answer answer = http_ask(stage.port, "GET", "/?count=10000", "");
    assert_int_equal(answer.status, 200);
    char *line = answer.body;
    for (int64_t number = 2; number <= 10001; number++) {
        char expected[TEXT_INT64_SIZE + 1];
        size_t length = text_format_int64(expected, number);
        expected[length++] = '\n';
        assert_memory_equal(line, expected, length);
        line += length;
    }
    assert_string_equal(line, "");
    http_answer_free(&answer);
    assert_int_equal(stage_next(&stage, "/"), 10002);
    stage_close(&stage);
}

/* ---- many at once ---- */

#define CLIENTS 8
#define NUMBERS_EACH 500

struct client {
    uint16_t port;
    int64_t numbers[NUMBERS_EACH];
};

static void *take_numbers(void *context)
{
    struct client *client = context;
    struct http_client *connection = http_client_open(client->port);
    for (size_t i = 0; i < NUMBERS_EACH; i++) {
        struct http_answer answer = http_client_ask(connection, "GET", "/", "");
        client->numbers[i] = answer.status == 200 ? strtoll(answer.body, NULL, 10) : 0;
        http_answer_free(&answer);
    }
    http_client_close(connection);
    return NULL;
}

static void test_next_gives_clients_at_once_different_numbers_in_order(void **state)
{
    (void)state;
    struct stage stage = stage_open("[sequence:default]\nmax_gap = 50\n");
    static struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].port = stage.port;
        assert_int_equal(pthread_create(&threads[i], NULL, take_numbers, &clients[i]), 0);
    }
    static bool seen[CLIENTS * NUMBERS_EACH + 1];
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t n = 0; n < NUMBERS_EACH; n++) {
            int64_t number = clients[i].numbers[n];
            assert_in_range(number, 1, CLIENTS * NUMBERS_EACH);
            assert_false(seen[number]);
            seen[number] = true;
            assert_true(n == 0 || number > clients[i].numbers[n - 1]);
        }
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_counts_from_one),
        cmocka_unit_test(test_next_gives_the_root_s_sequence_by_its_name_too),
        cmocka_unit_test(test_next_gives_a_block_as_lines),
        cmocka_unit_test(test_next_gives_a_block_as_json),
        cmocka_unit_test(test_next_takes_post_for_get),
        cmocka_unit_test(test_next_never_consumes_for_head_options_and_looking),
        cmocka_unit_test(test_next_forbids_caches_to_keep_a_number),
        cmocka_unit_test(test_next_goes_on_after_clean_stops_without_a_gap),
        cmocka_unit_test(test_next_never_repeats_after_kills_and_loses_max_gap_at_most),
        cmocka_unit_test(test_next_loses_nothing_in_a_kill_where_every_number_is_committed),
        cmocka_unit_test(test_next_keeps_sequences_apart),
        cmocka_unit_test(test_next_ends_at_max_and_never_wraps),
        cmocka_unit_test(test_next_ends_at_the_end_of_63_bits),
        cmocka_unit_test(test_next_descends_below_zero),
        cmocka_unit_test(test_next_rises_from_below_zero),
        cmocka_unit_test(test_next_refuses_more_than_is_left_and_takes_none),
        cmocka_unit_test(test_next_gives_a_block_larger_than_max_gap_whole),
        cmocka_unit_test(test_next_gives_clients_at_once_different_numbers_in_order),
    };
    return cmocka_run_group_tests_name("next", tests, NULL, NULL);
}
