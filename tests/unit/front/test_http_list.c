/* GET /v1/sequences: every sequence once, in the order of names, page by page. */
#include "front/http_list.h"
#include "http_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_add(stage, "b", definition_default());
    http_stage_add(stage, "a-2", definition_default());
    http_stage_add(stage, "a-10", definition_default());
    http_stage_add(stage, "Z", definition_default());
    http_stage_add(stage, "a", definition_default());
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

/* Have `count` more sequences, "s00000" and so on. Nothing is leased, so the store is free. */
static void declare_many(struct http_stage *stage, unsigned count)
{
    struct definition definition = definition_default();
    char name[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "s%05u", i);
        assert_int_equal(registry_declare(stage->registry, stage->store, name, &definition, NULL),
                         ERR_OK);
    }
}

/* What `text` says behind `key`, up to the next '"'. */
static void value_of(const char *text, const char *key, char *ret_value, size_t size)
{
    const char *found = strstr(text, key);

    assert_non_null(found);
    found += strlen(key);
    snprintf(ret_value, size, "%.*s", (int)strcspn(found, "\""), found);
}

/* The names on a page, whose items have nothing but a comma between them, each followed by a blank,
 * and `after` behind a '|'. */
static void read_page(struct http_stage *stage, const char *query, char *names, size_t size)
{
    char target[512];
    char name[SEQUENCE_NAME_MAX + 1];

    snprintf(target, sizeof target, "/v1/sequences%s", query);
    struct http_answer answer = http_ask(stage->port, "GET", target, "");
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body, "{\"sequences\":[", 14);
    assert_string_equal(answer.body + answer.body_length - 2, "}\n");
    names[0] = '\0';
    for (const char *at = answer.body; (at = strstr(at, "{\"name\":\"")) != NULL; at++) {
        value_of(at, "{\"name\":\"", name, sizeof name);
        size_t length = strlen(names);
        assert_memory_equal(at - 2, length == 0 ? ":[" : "},", 2);
        snprintf(names + length, size - length, "%s ", name);
    }
    const char *end = strstr(answer.body, "],\"after\":");
    assert_non_null(end);
    size_t length = strlen(names);
    snprintf(names + length, size - length, "|%.*s", (int)strcspn(end + 10, "}"), end + 10);
    http_answer_free(&answer);
}

static void expect_page(struct http_stage *stage, const char *query, const char *expected)
{
    char names[1024];

    read_page(stage, query, names, sizeof names);
    assert_string_equal(names, expected);
}

static void test_list_is_in_the_order_of_names(void **state)
{
    expect_page(*state, "", "Z a a-10 a-2 b default |null");
}

static void test_list_shows_what_describe_shows(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer described = http_ask(stage->port, "GET", "/v1/sequences/b", "");
    struct http_answer listed = http_ask(stage->port, "GET", "/v1/sequences?prefix=b", "");
    char type[64] = "";

    assert_true(http_answer_header(&listed, "Content-Type", type, sizeof type));
    assert_string_equal(type, "application/json");
    assert_int_equal(http_answer_count(&listed, "Cache-Control"), 1);
    described.body[strlen(described.body) - 1] = '\0'; /* its newline */
    char expected[2048];
    snprintf(expected, sizeof expected, "{\"sequences\":[%s],\"after\":null}\n", described.body);
    assert_string_equal(listed.body, expected);
    http_answer_free(&described);
    http_answer_free(&listed);
}

static void test_list_keeps_to_the_prefix(void **state)
{
    expect_page(*state, "?prefix=a", "a a-10 a-2 |null");
    expect_page(*state, "?prefix=a-", "a-10 a-2 |null");
    expect_page(*state, "?prefix=default", "default |null");
    expect_page(*state, "?prefix=A", "|null");
    expect_page(*state, "?prefix=", "Z a a-10 a-2 b default |null");
}

static void test_list_goes_on_behind_a_name(void **state)
{
    expect_page(*state, "?limit=2", "Z a |\"a\"");
    expect_page(*state, "?limit=2&after=a", "a-10 a-2 |\"a-2\"");
    expect_page(*state, "?limit=2&after=a-2", "b default |null");
    expect_page(*state, "?after=default", "|null");
    expect_page(*state, "?limit=1&prefix=a&after=a-10", "a-2 |null");
    expect_page(*state, "?after=a-11&prefix=a", "a-2 |null"); /* no such name is needed */
    expect_page(*state, "?limit=6", "Z a a-10 a-2 b default |null");
    expect_page(*state, "?limit=5", "Z a a-10 a-2 b |\"b\"");
}

static void test_list_of_many_shows_each_once(void **state)
{
    enum {
        MANY = 2500
    };
    struct http_stage *stage = *state;
    static bool seen[MANY];
    char query[64] = "?limit=999&prefix=s";
    char *names = malloc(MANY * 8);
    unsigned pages = 0;
    unsigned listed = 0;

    assert_non_null(names);
    declare_many(stage, MANY);
    for (;;) {
        read_page(stage, query, names, MANY * 8);
        pages++;
        for (char *at = names; *at == 's'; at += 7) {
            unsigned long index = strtoul(at + 1, NULL, 10);
            assert_true(index < MANY && !seen[index]);
            assert_int_equal(index, listed); /* in order */
            seen[index] = true;
            listed++;
        }
        char *after = strchr(names, '"');
        if (after == NULL) {
            break;
        }
        snprintf(query, sizeof query, "?limit=999&prefix=s&after=%.6s", after + 1);
    }
    free(names);
    assert_int_equal(listed, MANY);
    assert_int_equal(pages, 3);
}

static void test_list_has_a_hundred_where_no_limit_is_given(void **state)
{
    struct http_stage *stage = *state;
    char names[2048];
    unsigned count = 0;

    declare_many(stage, 150);
    read_page(stage, "", names, sizeof names);
    for (const char *at = names; (at = strchr(at, ' ')) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, HTTP_LIST_LIMIT_DEFAULT);
}

static void test_list_refuses_what_is_no_limit_and_no_name(void **state)
{
    static const char *const limits[] = {
        "0", "1001", "-1", "", "1.5", "abc", "99999999999999999999"};
    char target[128];

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        snprintf(target, sizeof target, "/v1/sequences?limit=%s", limits[i]);
        http_stage_expect_problem(*state, "GET", target, "", 400, "bad-parameter",
                                  "it must be a whole number from 1 to 1000");
    }
    http_stage_expect_problem(*state, "GET", "/v1/sequences?prefix=a/b", "", 400, "bad-parameter",
                              "prefix is 'a/b': ");
    http_stage_expect_problem(*state, "GET", "/v1/sequences?after=%61", "", 400, "bad-parameter",
                              "after is '%61': ");
    http_stage_expect_problem(*state, "GET", "/v1/sequences?limit=1&limit=2", "", 400,
                              "bad-parameter", "'limit' is given more than once");
    http_stage_expect_problem(*state, "GET", "/v1/sequences?count=1", "", 400, "unknown-parameter",
                              "'count' is not known here; 'prefix', 'limit' and 'after' are");
    http_stage_expect_problem(*state, "GET", "/v1/sequences?a&b&c&d&e&f&g&h&i&limit=1", "", 400,
                              "unknown-parameter", "'a'");
}

static void test_list_answers_head_without_a_body(void **state)
{
    http_stage_expect(*state, "HEAD", "/v1/sequences", "", 200, "");
    http_stage_expect_problem(*state, "POST", "/v1/sequences", "", 405, "method-not-allowed",
                              "these are: GET, HEAD, OPTIONS");
}

/* A reader that goes away in the middle of a page leaves nothing behind; the sanitizers look. */
static void test_list_survives_a_reader_that_goes_away(void **state)
{
    struct http_stage *stage = *state;

    declare_many(stage, 1000);
    for (int i = 0; i < 20; i++) {
        struct http_client *client = http_client_open(stage->port);
        assert_true(http_client_print(client, "GET /v1/sequences?limit=1000 HTTP/1.1\r\n"
                                              "Host: a\r\n\r\n"));
        http_client_close(client);
    }
    expect_page(stage, "?prefix=b", "b |null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list_is_in_the_order_of_names),
        TEST(test_list_shows_what_describe_shows),
        TEST(test_list_keeps_to_the_prefix),
        TEST(test_list_goes_on_behind_a_name),
        TEST(test_list_of_many_shows_each_once),
        TEST(test_list_has_a_hundred_where_no_limit_is_given),
        TEST(test_list_refuses_what_is_no_limit_and_no_name),
        TEST(test_list_answers_head_without_a_body),
        TEST(test_list_survives_a_reader_that_goes_away),
    };
    return cmocka_run_group_tests_name("http_list", tests, NULL, NULL);
}
