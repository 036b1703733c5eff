/* GET /v1/ledger: what was leased, row by row and page by page. */
#include "front/http_ledger.h"
#include "http_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct definition fixed(int64_t start, int64_t increment)
{
    struct definition definition = definition_default();

    definition.start = start;
    definition.increment = increment;
    definition.lease = 10;
    return definition;
}

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_add(stage, "down", fixed(1000, -3));
    http_stage_add(stage, "events", definition_default_timestamp());
    http_stage_open(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    http_stage_close(*state);
    free(*state);
    return 0;
}

/* Have the store lease `count` positions of `name`, as the keeper would, before any request. */
static void lease(struct http_stage *stage, const char *name, uint64_t count)
{
    struct store_request request = {.name = name, .count = count};

    assert_int_equal(store_memory_mark(stage->disk, name, &request.floor), ERR_OK);
    assert_int_equal(store_reserve(stage->store, &request, 1, NULL), ERR_OK);
}

static void expect_text(struct http_stage *stage, const char *query, const char *text)
{
    char target[512];

    (void)snprintf(target, sizeof target, "/v1/ledger%s", query);
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    if (answer.status != 200 || strstr(answer.body, text) == NULL) {
        fail_msg("%s: %d, without '%s': %s", target, answer.status, text, answer.body);
    }
    http_answer_free(&answer);
}

/* With nothing but a comma between them. */
static unsigned rows_in(const char *body)
{
    unsigned rows = 0;

    for (const char *at = body; (at = strstr(at, "{\"row\":\"")) != NULL; at++) {
        assert_memory_equal(at - 2, rows == 0 ? ":[" : "},", 2);
        rows++;
    }
    return rows;
}

static void test_ledger_of_nothing_is_an_empty_page(void **state)
{
    struct http_stage *stage = *state;

    http_stage_expect(stage, "GET", "/v1/ledger", "", 200,
                      "{\"ledger\":[],\"missing\":\"0\",\"damaged\":\"0\"}\n");
}

static void test_ledger_shows_a_counters_lease(void **state)
{
    struct http_stage *stage = *state;

    lease(stage, "down", 10);
    lease(stage, "down", 5);
    expect_text(stage, "", "\"act\":\"lease\",\"sequence\":\"down\",\"time\":\"1970-01-01T00:00:");
    expect_text(
        stage, "?limit=1",
        "\"instance\":\"00000000000000000000000000000000\",\"incarnation\":"
        "\"00000000000000000000000000000000\",\"nonce\":\"4\",\"generation\":\"2\","
        "\"positions\":{\"first\":\"0\",\"limit\":\"10\",\"from\":\"0\"},\"kind\":\"counter\","
        "\"start\":\"1000\",\"increment\":\"-3\",\"first\":\"1000\",\"last\":\"973\"}],"
        "\"missing\":\"0\",\"damaged\":\"0\","
        "\"oldest\":\"");
    expect_text(stage, "", "\"positions\":{\"first\":\"10\",\"limit\":\"15\",\"from\":\"10\"}");
}

static void test_ledger_shows_a_timestamps_layout(void **state)
{
    struct http_stage *stage = *state;

    lease(stage, "events", 8192);
    expect_text(
        stage, "?sequence=events",
        "\"positions\":{\"first\":\"0\",\"limit\":\"8192\",\"from\":\"0\"},\"kind\":\"timestamp\","
        "\"layout\":{\"epoch\":\"2024-01-01T00:00:00.000Z\",\"time_unit\":\"1ms\","
        "\"machine_bits\":5,\"node_bits\":5,\"counter_bits\":12,\"machine_id\":0,"
        "\"node_id\":0},\"first\":\"0\",\"last\":\"4198399\"}]");
}

static void test_ledger_is_filtered_by_name_and_number(void **state)
{
    struct http_stage *stage = *state;

    lease(stage, "down", 10);
    lease(stage, "default", 20);
    lease(stage, "down", 10);
    expect_text(stage, "?sequence=default", "{\"ledger\":[{\"row\"");
    expect_text(stage, "?number=970", "\"first\":\"970\",\"last\":\"943\"}],");
    expect_text(stage, "?number=971&sequence=down", "{\"ledger\":[],");
    expect_text(stage, "?number=5&sequence=down", "{\"ledger\":[],");
    expect_text(stage, "?number=5", "\"sequence\":\"default\"");
    expect_text(stage, "?number=-9223372036854775808", "{\"ledger\":[],");
}

static void test_ledger_comes_page_by_page(void **state)
{
    struct http_stage *stage = *state;
    char query[64] = "?limit=3";
    unsigned rows = 0;
    unsigned pages = 0;
    const char *after;

    for (unsigned i = 0; i < 8; i++) {
        lease(stage, "down", 1);
    }
    do {
        char target[128];

        (void)snprintf(target, sizeof target, "/v1/ledger%s", query);
        struct http_answer answer = http_ask(stage->port, "GET", target, "");
        assert_int_equal(answer.status, 200);
        rows += rows_in(answer.body);
        pages++;
        assert_true(pages <= 3);
        after = strstr(answer.body, "\"after\":\"");
        if (after != NULL) {
            assert_int_equal(rows_in(answer.body), 3);
            after += strlen("\"after\":\"");
            (void)snprintf(query, sizeof query, "?limit=3&after=%.*s", (int)strcspn(after, "\""),
                           after);
        }
        http_answer_free(&answer);
    } while (after != NULL);
    assert_int_equal(rows, 8);
    assert_int_equal(pages, 3);
}

/* The largest page, with the longest names, is sent whole. */
static void test_ledger_sends_the_largest_page(void **state)
{
    struct http_stage *stage = *state;
    struct definition definition = definition_default_timestamp();
    char name[SEQUENCE_NAME_MAX + 1];

    memset(name, 'n', SEQUENCE_NAME_MAX);
    name[SEQUENCE_NAME_MAX] = '\0';
    definition.layout.machine_id = 31;
    definition.layout.node_id = 31;
    assert_int_equal(registry_declare(stage->registry, stage->store, name, &definition, NULL),
                     ERR_OK);
    for (unsigned i = 0; i < 1005; i++) {
        lease(stage, name, UINT64_C(1) << 40);
    }
    struct http_answer answer = http_ask(stage->port, "GET", "/v1/ledger?limit=1000", "");
    assert_int_equal(answer.status, 200);
    assert_int_equal(rows_in(answer.body), 1000);
    assert_non_null(strstr(answer.body, "\"after\":\""));
    assert_string_equal(answer.body + answer.body_length - 3, "\"}\n");
    http_answer_free(&answer);
}

static void test_ledger_refuses_what_it_does_not_understand(void **state)
{
    static const struct {
        const char *query;
        const char *text;
    } cases[] = {
        {"?limit=0", "from 1 to 1000"},
        {"?limit=1001", "from 1 to 1000"},
        {"?limit=ten", "limit is 'ten'"},
        {"?after=7", "such as 1234.0"},
        {"?after=7.x", "after is '7.x'"},
        {"?number=1.5", "number is '1.5'"},
        {"?number=9223372036854775808", "9223372036854775807"},
        {"?sequence=-x", "sequence is '-x'"},
        {"?sequence=", "sequence is ''"},
        {"?limit=1&limit=2", "more than once"},
    };
    struct http_stage *stage = *state;
    char target[128];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(target, sizeof target, "/v1/ledger%s", cases[i].query);
        http_stage_expect_problem(stage, "GET", target, "", 400, "bad-parameter", cases[i].text);
    }
    http_stage_expect_problem(stage, "GET", "/v1/ledger?name=a", "", 400, "unknown-parameter",
                              "'sequence', 'number', 'after' and 'limit' are");
}

static void test_ledger_is_read_without_a_commit(void **state)
{
    struct http_stage *stage = *state;
    uint64_t commits = store_memory_commits(stage->disk);

    http_stage_expect(stage, "GET", "/v1/ledger", "", 200, NULL);
    assert_int_equal(store_memory_commits(stage->disk), commits);
}

/* Its answer has no stated length, which is what HEAD would have to say. */
static void test_ledger_answers_a_head_without_reading(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer = http_ask(stage->port, "HEAD", "/v1/ledger?limit=1", "");

    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body_length, 0);
    http_answer_free(&answer);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_ledger_of_nothing_is_an_empty_page),
        CASE(test_ledger_shows_a_counters_lease),
        CASE(test_ledger_shows_a_timestamps_layout),
        CASE(test_ledger_is_filtered_by_name_and_number),
        CASE(test_ledger_comes_page_by_page),
        CASE(test_ledger_sends_the_largest_page),
        CASE(test_ledger_refuses_what_it_does_not_understand),
        CASE(test_ledger_is_read_without_a_commit),
        CASE(test_ledger_answers_a_head_without_reading),
    };

    return cmocka_run_group_tests_name("http ledger", tests, NULL, NULL);
}
