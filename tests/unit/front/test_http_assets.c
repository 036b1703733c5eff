/* The description of the interface, and the pages that show it. */
#include "http_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUNDLE "/docs/swagger-ui-bundle.js"
#define STYLE "/docs/swagger-ui.css"
#define POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " \
    "img-src 'self' data:; connect-src 'self'"

/* What every asset is, and how it begins. */
static const struct {
    const char *path;
    const char *type;
    const char *encoding; /* "" for none */
    const char *begins;
} assets[] = {
    {"/openapi.yaml", "application/yaml", "", "openapi: 3.0.3\n"},
    {"/openapi.json", "application/json", "", "{\"openapi\": \"3.0.3\", "},
    {"/docs/", "text/html; charset=utf-8", "", "<!DOCTYPE html>\n"},
    {"/docs/start.js", "text/javascript; charset=utf-8", "", "SwaggerUIBundle({\n"},
    {BUNDLE, "text/javascript; charset=utf-8", "gzip", "\x1f\x8b"},
    {STYLE, "text/css; charset=utf-8", "gzip", "\x1f\x8b"},
};
#define ASSETS (sizeof assets / sizeof assets[0])

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
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

static bool has_header(const struct http_answer *answer, const char *name, const char *value)
{
    char found[256] = "";

    return http_answer_header(answer, name, found, sizeof found) ? strcmp(found, value) == 0
                                                                 : value[0] == '\0';
}

/* The tag in its quotes; it is one for all of them. */
static void read_tag(struct http_stage *stage, char ret_tag[64])
{
    struct http_answer answer = http_ask(stage->port, "GET", "/docs/", "");

    assert_true(http_answer_header(&answer, "ETag", ret_tag, 64));
    assert_int_equal(strlen(ret_tag), 18);
    assert_int_equal(strspn(ret_tag + 1, "0123456789abcdef"), 16);
    assert_true(ret_tag[0] == '"' && ret_tag[17] == '"');
    http_answer_free(&answer);
}

/* The status for who has what the text says. */
__attribute__((format(printf, 2, 3))) static int ask_again(struct http_stage *stage,
                                                           const char *format, ...)
{
    char known[128];
    char headers[192];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(known, sizeof known, format, arguments);
    va_end(arguments);
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", known);
    struct http_answer answer = http_ask(stage->port, "GET", "/docs/start.js", headers);
    int status = answer.status;
    http_answer_free(&answer);
    return status;
}

static void test_http_assets_come_with_type_encoding_and_policy(void **state)
{
    struct http_stage *stage = *state;

    for (size_t i = 0; i < ASSETS; i++) {
        /* Whatever is said of encodings: what is stored compressed is sent so. */
        struct http_answer answer =
            http_ask(stage->port, "GET", assets[i].path, "Accept-Encoding: identity\r\n");
        assert_int_equal(answer.status, 200);
        assert_true(has_header(&answer, "Content-Type", assets[i].type));
        assert_true(has_header(&answer, "Content-Encoding", assets[i].encoding));
        assert_true(has_header(&answer, "Content-Security-Policy", POLICY));
        assert_true(has_header(&answer, "X-Content-Type-Options", "nosniff"));
        assert_true(has_header(&answer, "Cache-Control", "no-cache"));
        assert_int_equal(http_answer_count(&answer, "Cache-Control"), 1);
        assert_memory_equal(answer.body, assets[i].begins, strlen(assets[i].begins));
        assert_true(answer.body_length > 100);
        http_answer_free(&answer);
    }
}

/* Not a byte is missing, and none of the next asset follows. */
static void test_http_assets_are_whole(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer page = http_ask(stage->port, "GET", "/docs/", "");
    struct http_answer yaml = http_ask(stage->port, "GET", "/openapi.yaml", "");
    struct http_answer json = http_ask(stage->port, "GET", "/openapi.json", "");

    assert_string_equal(page.body + page.body_length - 8, "</html>\n");
    assert_int_equal(strlen(yaml.body), yaml.body_length);
    assert_int_equal(yaml.body[yaml.body_length - 1], '\n');
    assert_int_equal(strlen(json.body), json.body_length);
    assert_string_equal(json.body + json.body_length - 3, "}}}");
    http_answer_free(&page);
    http_answer_free(&yaml);
    http_answer_free(&json);
}

/* The page names no other host, and nothing but what is served here. */
static void test_http_assets_page_asks_no_other_host(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer page = http_ask(stage->port, "GET", "/docs/", "");
    struct http_answer start = http_ask(stage->port, "GET", "/docs/start.js", "");

    assert_null(strstr(page.body, "//"));
    assert_non_null(strstr(page.body, "src=\"swagger-ui-bundle.js\""));
    assert_non_null(strstr(page.body, "src=\"start.js\""));
    assert_non_null(strstr(page.body, "href=\"swagger-ui.css\""));
    assert_null(strstr(start.body, "://"));
    assert_non_null(strstr(start.body, "url: \"../openapi.json\""));
    assert_non_null(strstr(start.body, "validatorUrl: null"));
    http_answer_free(&page);
    http_answer_free(&start);
}

static void test_http_assets_are_not_sent_to_who_has_them(void **state)
{
    struct http_stage *stage = *state;
    char tag[64];

    read_tag(stage, tag);
    assert_int_equal(ask_again(stage, "%s", tag), 304);
    assert_int_equal(ask_again(stage, "W/%s", tag), 304);
    assert_int_equal(ask_again(stage, "\"0\", %s, \"1\"", tag), 304);
    assert_int_equal(ask_again(stage, "*"), 304);
    assert_int_equal(ask_again(stage, "\"0%s", tag + 1), 200);
    assert_int_equal(ask_again(stage, "%.17s0\"", tag), 200);
    assert_int_equal(ask_again(stage, "%s", ""), 200);
}

/* 304 has the tag, no body, and no length but that of the body it stands for; the connection goes
 * on. */
static void test_http_assets_not_modified_is_a_whole_answer(void **state)
{
    struct http_stage *stage = *state;
    struct http_client *client = http_client_open(stage->port);
    struct http_answer answer;
    char tag[64];
    char length[32] = "";

    read_tag(stage, tag);
    for (int i = 0; i < 2; i++) {
        assert_true(http_client_print(
            client, "GET /docs/ HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n", tag));
        assert_int_equal(http_client_receive(client, HTTP_CLIENT_TIMEOUT_MS, true, &answer),
                         HTTP_CLIENT_ANSWERED);
        assert_int_equal(answer.status, 304);
        assert_true(has_header(&answer, "ETag", tag));
        assert_true(has_header(&answer, "Cache-Control", "no-cache"));
        if (http_answer_header(&answer, "Content-Length", length, sizeof length)) {
            assert_string_not_equal(length, "0");
        }
        http_answer_free(&answer);
    }
    http_client_close(client);
}

static void test_http_assets_head_tells_the_length(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer get = http_ask(stage->port, "GET", STYLE, "");
    struct http_client *client = http_client_open(stage->port);
    struct http_answer head;
    char length[32];
    char expected[32];

    assert_true(http_client_print(client, "HEAD " STYLE " HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(http_client_receive(client, HTTP_CLIENT_TIMEOUT_MS, true, &head),
                     HTTP_CLIENT_ANSWERED);
    snprintf(expected, sizeof expected, "%zu", get.body_length);
    assert_int_equal(head.status, 200);
    assert_true(http_answer_header(&head, "Content-Length", length, sizeof length));
    assert_string_equal(length, expected);
    http_answer_free(&head);
    http_answer_free(&get);
    http_client_close(client);
}

/* Who leaves out the last '/' is sent to the page, also behind a proxy with a path of its own. */
static void test_http_assets_move_to_the_folder(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer = http_ask(stage->port, "GET", "/docs", "");

    assert_int_equal(answer.status, 308);
    assert_true(has_header(&answer, "Location", "docs/"));
    assert_int_equal(answer.body_length, 0);
    http_answer_free(&answer);
}

static void test_http_assets_refuse_what_they_do_not_know(void **state)
{
    http_stage_expect_problem(*state, "GET", "/docs/index.html", "", 404, "unknown-path", "");
    http_stage_expect_problem(*state, "GET", "/docs/swagger-ui.css.gz", "", 404, "unknown-path",
                              "");
    http_stage_expect_problem(*state, "GET", "/docs/../docs/", "", 404, "unknown-path", "");
    http_stage_expect_problem(*state, "GET", "/docs/?x=1", "", 400, "unknown-parameter", "'x'");
    http_stage_expect_problem(*state, "POST", "/openapi.yaml", "", 405, "method-not-allowed",
                              "GET, HEAD, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http_assets_come_with_type_encoding_and_policy,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_are_whole, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_page_asks_no_other_host, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_are_not_sent_to_who_has_them, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_not_modified_is_a_whole_answer, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_head_tells_the_length, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_move_to_the_folder, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(test_http_assets_refuse_what_they_do_not_know, open_stage,
                                        close_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
