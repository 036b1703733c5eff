/* The administration of sequences over HTTP: each answer, and that what was refused changed
 * nothing. */
#include "http_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATH "/v1/sequences/orders"
#define ADVANCE PATH "/advance"
#define NEXT PATH "/next"
#define BORN \
    "{\"name\":\"orders\",\"kind\":\"counter\",\"start\":\"1\",\"increment\":\"1\",\"min\":\"1\"," \
    "\"max\":\"9223372036854775807\",\"max_gap\":\"100000\",\"lease\":\"auto\"," \
    "\"durability\":\"lease\",\"next\":\"1\",\"left\":\"9223372036854775807\",\"exhausted\":false,"

static int open_stage(void **state)
{
    struct http_stage *stage = malloc(sizeof *stage);

    assert_non_null(stage);
    *stage = http_stage_options();
    http_stage_administer(stage);
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

static void create(struct http_stage *stage, const char *definition)
{
    http_stage_expect_json(stage, "PUT", PATH, definition, 201, "{\"name\":\"orders\"");
}

/* ---- create ---- */

static void test_create_without_a_body_has_the_defaults(void **state)
{
    struct http_stage *stage = *state;
    struct http_answer answer = http_ask(stage->port, "PUT", PATH, "");
    char location[64] = "";

    assert_int_equal(answer.status, 201);
    assert_memory_equal(answer.body, BORN, sizeof BORN - 1);
    assert_true(http_answer_header(&answer, "Location", location, sizeof location));
    assert_string_equal(location, PATH);
    http_answer_free(&answer);
    http_stage_expect(stage, "GET", NEXT, "", 200, "1\n");
}

static void test_create_again_finds_what_is_there(void **state)
{
    create(*state, "{}");
    http_stage_expect(*state, "GET", NEXT "?count=3", "", 200, NULL);
    http_stage_expect_json(*state, "PUT", PATH, "{}", 200, "\"next\":\"4\"");
    http_stage_expect_json(*state, "PUT", PATH, "{\"start\":1,\"max_gap\":\"100000\"}", 200,
                           "\"next\":\"4\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "4\n");
}

static void test_create_takes_every_member(void **state)
{
    create(*state, "{\"kind\":\"counter\",\"start\":\"10\",\"increment\":5,\"min\":-3,"
                   "\"max\":\"1000\",\"max_gap\":50,\"lease\":\"7\",\"durability\":\"every\"}");
    struct sequence_status status = http_stage_status(*state, "orders");
    assert_int_equal(status.definition.start, 10);
    assert_int_equal(status.definition.increment, 5);
    assert_int_equal(status.definition.min, -3);
    assert_int_equal(status.definition.max, 1000);
    assert_int_equal(status.definition.max_gap, 50);
    assert_int_equal(status.definition.lease, 7);
    assert_int_equal(status.definition.durability, DURABILITY_EVERY);
    http_stage_expect(*state, "GET", NEXT "?count=2", "", 200, "10\n15\n");
}

static void test_create_starts_where_the_direction_says(void **state)
{
    http_stage_expect_json(*state, "PUT", "/v1/sequences/up", "{\"min\":7}", 201,
                           "\"start\":\"7\"");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/down", "{\"increment\":-1,\"max\":70}",
                           201, "\"start\":\"70\"");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/deep", "{\"increment\":\"-1\"}", 201,
                           "\"start\":\"9223372036854775807\"");
}

static void test_create_takes_every_member_of_a_timestamp_sequence(void **state)
{
    static const char shown[] =
        "\"kind\":\"timestamp\",\"max_gap\":\"500000\",\"lease\":\"auto\",\"durability\":\"lease\","
        "\"epoch\":\"2025-06-01T00:00:00.500Z\",\"time_unit\":\"10ms\",\"machine_bits\":5,"
        "\"node_bits\":5,\"counter_bits\":14,\"machine_id\":7,\"node_id\":15,"
        "\"max_borrow_ms\":250,";

    http_stage_expect_json(*state, "PUT", PATH,
                           "{\"kind\":\"timestamp\",\"epoch\":\"2025-06-01T02:00:00.5+02:00\","
                           "\"time_unit\":\"10ms\",\"machine_bits\":5,\"node_bits\":\"5\","
                           "\"counter_bits\":14,\"machine_id\":7,\"node_id\":15,"
                           "\"max_borrow_ms\":250,\"max_gap\":500000}",
                           201, shown);
    http_stage_expect_json(*state, "PATCH", PATH, "{\"max_borrow_ms\":\"300\"}", 200,
                           "\"max_borrow_ms\":300,");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"epoch\":\"2025-06-01T00:00:00Z\"}", 400,
                           "bad-definition", "epoch is fixed");
    http_stage_refuse_json(*state, "PUT", PATH, "{\"kind\":\"timestamp\",\"epoch\":1}", 400,
                           "bad-body", "epoch is 1, it must be a moment such as 2024-");
    http_stage_refuse_json(*state, "PUT", PATH,
                           "{\"kind\":\"timestamp\",\"epoch\":\"2025-13-01T00:00:00Z\"}", 400,
                           "bad-body", "epoch is");
}

/* 2^53 + 1 and 2^63 - 1 come through exactly, as integers and as strings. */
static void test_create_keeps_large_numbers_exact(void **state)
{
    http_stage_expect_json(*state, "PUT", "/v1/sequences/a", "{\"start\":9007199254740993}", 201,
                           "\"start\":\"9007199254740993\"");
    http_stage_expect(*state, "GET", "/v1/sequences/a/next", "", 200, "9007199254740993\n");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/b", "{\"start\":\"9223372036854775807\"}",
                           201, "\"start\":\"9223372036854775807\"");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/c", "{\"start\":9223372036854775807}", 201,
                           "\"left\":\"1\"");
    http_stage_expect(*state, "GET", "/v1/sequences/c/next", "", 200, "9223372036854775807\n");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/d",
                           "{\"start\":-9223372036854775807,\"min\":\"-9223372036854775807\"}", 201,
                           "\"start\":\"-9223372036854775807\"");
    http_stage_expect(*state, "GET", "/v1/sequences/d/next", "", 200, "-9223372036854775807\n");
}

static void test_create_conflicts_show_both_definitions(void **state)
{
    static const char expected[] =
        "\"existing\":{\"kind\":\"counter\",\"start\":\"1\",\"increment\":\"1\",\"min\":\"1\","
        "\"max\":\"9223372036854775807\",\"max_gap\":\"100000\",\"lease\":\"auto\","
        "\"durability\":\"lease\"},"
        "\"wanted\":{\"kind\":\"counter\",\"start\":\"5\",\"increment\":\"1\",\"min\":\"1\","
        "\"max\":\"9223372036854775807\",\"max_gap\":\"100000\",\"lease\":\"auto\","
        "\"durability\":\"lease\"}}\n";

    create(*state, "{}");
    http_stage_refuse_json(*state, "PUT", PATH, "{\"start\":5}", 409, "conflict", expected);
    /* Also where only what may be altered differs: PATCH is for that. */
    http_stage_refuse_json(*state, "PUT", PATH, "{\"max_gap\":5}", 409, "conflict",
                           "\"max_gap\":\"5\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "1\n");
}

static void test_create_refuses_what_cannot_be(void **state)
{
    static const struct {
        const char *sent, *text;
    } cases[] = {
        {"{\"increment\":0}", "increment is 0"},
        {"{\"min\":10,\"max\":9}", "min is 10, above max, 9"},
        {"{\"start\":0}", "start is 0, it must lie within min 1"},
        {"{\"min\":\"-9223372036854775808\"}", "the least is -9223372036854775807"},
        {"{\"max_gap\":0}", "max_gap is 0, it must be 1 to 281474976710656"},
        {"{\"max_gap\":\"281474976710657\"}", "max_gap is 281474976710657"},
        {"{\"max_gap\":10,\"lease\":11}", "lease is 11"},
        {"{\"kind\":\"timestamp\",\"start\":1}", "start belongs to the kind 'counter'"},
        {"{\"machine_bits\":1}", "machine_bits belongs to the kind 'timestamp'"},
        {"{\"kind\":\"timestamp\",\"machine_bits\":32}", "machine_bits is 32"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_stage_refuse_json(*state, "PUT", PATH, cases[i].sent, 400, "bad-definition",
                               cases[i].text);
    }
    http_stage_expect_problem(*state, "GET", PATH, "", 404, "unknown-sequence", "'orders'");
}

static void test_create_takes_names_up_to_the_limit(void **state)
{
    char name[SEQUENCE_NAME_MAX + 2];
    char target[SEQUENCE_NAME_MAX + 32];

    memset(name, 'n', sizeof name);
    snprintf(target, sizeof target, "/v1/sequences/%.*s", SEQUENCE_NAME_MAX, name);
    http_stage_expect_json(*state, "PUT", target, "{}", 201, "{\"name\":\"nnn");
    snprintf(target, sizeof target, "/v1/sequences/%.*s", SEQUENCE_NAME_MAX + 1, name);
    http_stage_refuse_json(*state, "PUT", target, "{}", 400, "bad-name", "129 bytes");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/0", "{}", 201, "{\"name\":\"0\"");
    http_stage_refuse_json(*state, "PUT", "/v1/sequences/.", "{}", 400, "bad-name", "byte 0");
    http_stage_refuse_json(*state, "PUT", "/v1/sequences/", "{}", 400, "bad-name", "0 bytes");
}

/* ---- alter ---- */

static void test_alter_changes_what_may_be_altered_and_no_more(void **state)
{
    create(*state, "{\"max_gap\":1000}");
    http_stage_expect_json(*state, "PATCH", PATH, "{\"lease\":\"50\"}", 200,
                           "\"max_gap\":\"1000\",\"lease\":\"50\",\"durability\":\"lease\"");
    http_stage_expect_json(*state, "PATCH", PATH, "{\"durability\":\"every\",\"max_gap\":60}", 200,
                           "\"max_gap\":\"60\",\"lease\":\"50\",\"durability\":\"every\"");
    http_stage_expect_json(*state, "PATCH", PATH, "{\"lease\":\"auto\"}", 200,
                           "\"lease\":\"auto\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "1\n");
}

static void test_alter_refuses_what_is_fixed_or_cannot_be(void **state)
{
    create(*state, "{}");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"start\":1}", 400, "bad-definition",
                           "start is fixed once the sequence exists; max_gap, lease");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"max_gap\":5,\"kind\":\"counter\"}", 400,
                           "bad-definition", "kind is fixed");
    http_stage_refuse_json(*state, "PATCH", PATH, "{}", 400, "bad-definition", "at least one of");
    http_stage_expect_problem(*state, "PATCH", PATH, "", 400, "bad-definition", "at least one of");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"max_gap\":0}", 400, "bad-definition",
                           "max_gap is 0");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"lease\":\"100001\"}", 400, "bad-definition",
                           "lease is 100001");
    http_stage_refuse_json(*state, "PATCH", PATH, "{\"max_borrow_ms\":5}", 400, "bad-definition",
                           "max_borrow");
    http_stage_refuse_json(*state, "PATCH", "/v1/sequences/none", "{\"max_gap\":5}", 404,
                           "unknown-sequence", "there is no sequence 'none'");
    http_stage_expect_json(*state, "PUT", PATH, "{}", 200, "\"max_gap\":\"100000\"");
}

/* ---- advance ---- */

static void test_advance_goes_on_behind_a_number(void **state)
{
    create(*state, "{}");
    http_stage_expect(*state, "GET", NEXT, "", 200, "1\n");
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":\"1000\"}", 200,
                           "\"next\":\"1001\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "1001\n");
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":9007199254740993}", 200,
                           "\"next\":\"9007199254740994\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "9007199254740994\n");
}

static void test_advance_backward_needs_force_and_says_what_may_repeat(void **state)
{
    /* Each commit covers what was asked for and no more, so it is known where the mark is. */
    create(*state, "{\"durability\":\"every\"}");
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":50}", 200, "\"next\":\"51\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "51\n");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":5}", 409, "would-rewind",
                           "the next number of 'orders' is 52");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":5,\"force\":false}", 409,
                           "would-rewind", "'force' permits it");
    http_stage_expect(*state, "GET", NEXT, "", 200, "52\n");
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":5,\"force\":true}", 200,
                           "\"may_repeat\":{\"first\":\"6\",\"last\":\"52\"}}");
    http_stage_expect(*state, "GET", NEXT, "", 200, "6\n");
    /* Forward, force changes nothing. */
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":99,\"force\":true}", 200,
                           "\"used_percent\":0}\n");
}

static void test_advance_past_the_end_is_refused(void **state)
{
    create(*state, "{\"max\":100}");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":100}", 409, "exhausted",
                           "no number of 'orders' comes after 100");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":\"9223372036854775807\"}", 409,
                           "exhausted", "no number");
    http_stage_expect_json(*state, "POST", ADVANCE, "{\"past\":99}", 200, "\"left\":\"1\"");
    http_stage_expect(*state, "GET", NEXT, "", 200, "100\n");
    http_stage_expect_problem(*state, "GET", NEXT, "", 409, "exhausted", "'orders' has 0 left");
}

static void test_advance_refuses_a_body_that_is_none(void **state)
{
    create(*state, "{}");
    http_stage_expect_problem(*state, "POST", ADVANCE, "", 400, "bad-body", "past is missing");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"force\":true}", 400, "bad-body",
                           "past is missing");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":1,\"force\":1}", 400, "bad-body",
                           "force is 1, it must be true or false");
    http_stage_refuse_json(*state, "POST", ADVANCE, "{\"past\":1,\"farce\":true}", 400, "bad-body",
                           "member 'farce' is not known here; 'past' and 'force' are");
    http_stage_refuse_json(*state, "POST", "/v1/sequences/none/advance", "{\"past\":1}", 404,
                           "unknown-sequence", "'none'");
}

/* ---- drop ---- */

static void test_drop_leaves_the_floor_of_the_name(void **state)
{
    static const char head[] = "{\"name\":\"orders\",\"floor\":{\"low\":\"1\",\"high\":\"";
    struct http_stage *stage = *state;
    char next[32];

    create(*state, "{\"max_gap\":10,\"lease\":10}");
    http_stage_expect(*state, "GET", NEXT "?count=3", "", 200, "1\n2\n3\n");
    struct http_answer answer = http_ask(stage->port, "DELETE", PATH, "");
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body, head, sizeof head - 1);
    unsigned long high = strtoul(answer.body + sizeof head - 1, NULL, 10);
    assert_in_range(high, 3, 13);
    assert_string_equal(strchr(answer.body, '}'), "}}\n");
    http_answer_free(&answer);
    http_stage_expect_problem(*state, "GET", NEXT, "", 404, "unknown-sequence", "'orders'");
    http_stage_expect_problem(*state, "GET", PATH, "", 404, "unknown-sequence", "'orders'");
    http_stage_expect_problem(*state, "DELETE", PATH, "", 404, "unknown-sequence", "'orders'");
    create(*state, "{\"max_gap\":10,\"lease\":10}");
    snprintf(next, sizeof next, "%lu\n", high + 1);
    http_stage_expect(*state, "GET", NEXT, "", 200, next);
}

static void test_drop_of_what_gave_nothing_has_no_floor(void **state)
{
    create(*state, "{}");
    http_stage_expect(*state, "DELETE", PATH, "", 200, "{\"name\":\"orders\",\"floor\":null}\n");
    create(*state, "{}");
    http_stage_expect(*state, "GET", NEXT, "", 200, "1\n");
}

static void test_drop_of_all_numbers_leaves_none_to_create(void **state)
{
    create(*state, "{\"max\":3}");
    http_stage_expect(*state, "GET", NEXT "?count=3", "", 200, "1\n2\n3\n");
    http_stage_expect(*state, "DELETE", PATH, "", 200, NULL);
    http_stage_refuse_json(*state, "PUT", PATH, "{\"max\":3}", 409, "exhausted",
                           "1 to 3 may have been issued");
    create(*state, "{\"max\":4}");
    http_stage_expect(*state, "GET", NEXT, "", 200, "4\n");
}

/* What the front remembers of the sequence behind GET / is found again. */
static void test_drop_of_the_default_sequence_is_noticed_and_its_return(void **state)
{
    http_stage_expect(*state, "GET", "/", "", 200, "1\n");
    http_stage_expect(*state, "DELETE", "/v1/sequences/default", "", 200, NULL);
    http_stage_expect_problem(*state, "GET", "/", "", 404, "unknown-sequence", "'default'");
    http_stage_expect_problem(*state, "GET", "/", "", 404, "unknown-sequence", "'default'");
    http_stage_expect_json(*state, "PUT", "/v1/sequences/default", "{\"max_gap\":7}", 201, "");
    struct http_answer answer = http_ask(((struct http_stage *)*state)->port, "GET", "/", "");
    assert_int_equal(answer.status, 200);
    assert_true(strtoul(answer.body, NULL, 10) > 100); /* behind the lease of the first life */
    http_answer_free(&answer);
    http_stage_expect_json(*state, "POST", "/v1/sequences/default/advance",
                           "{\"past\":7,\"force\":true}", 200, "may_repeat");
    http_stage_expect(*state, "GET", "/", "", 200, "8\n");
}

static void test_admin_takes_no_number(void **state)
{
    static const char *const methods[] = {"HEAD", "OPTIONS"};

    create(*state, "{}");
    for (size_t i = 0; i < 2; i++) {
        int status = i == 0 ? 200 : 204;
        http_stage_expect(*state, methods[i], PATH, "", status, NULL);
        http_stage_expect(*state, methods[i], NEXT, "", status, NULL);
        http_stage_expect(*state, methods[i], "/", "", status, NULL);
    }
    http_stage_expect(*state, "OPTIONS", ADVANCE, "", 204, NULL);
    http_stage_expect(*state, "GET", PATH, "", 200, NULL);
    assert_int_equal(http_stage_status(*state, "orders").issued, 0);
    assert_int_equal(http_stage_status(*state, "default").issued, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_without_a_body_has_the_defaults),
        TEST(test_create_again_finds_what_is_there),
        TEST(test_create_takes_every_member),
        TEST(test_create_starts_where_the_direction_says),
        TEST(test_create_takes_every_member_of_a_timestamp_sequence),
        TEST(test_create_keeps_large_numbers_exact),
        TEST(test_create_conflicts_show_both_definitions),
        TEST(test_create_refuses_what_cannot_be),
        TEST(test_create_takes_names_up_to_the_limit),
        TEST(test_alter_changes_what_may_be_altered_and_no_more),
        TEST(test_alter_refuses_what_is_fixed_or_cannot_be),
        TEST(test_advance_goes_on_behind_a_number),
        TEST(test_advance_backward_needs_force_and_says_what_may_repeat),
        TEST(test_advance_past_the_end_is_refused),
        TEST(test_advance_refuses_a_body_that_is_none),
        TEST(test_drop_leaves_the_floor_of_the_name),
        TEST(test_drop_of_what_gave_nothing_has_no_floor),
        TEST(test_drop_of_all_numbers_leaves_none_to_create),
        TEST(test_drop_of_the_default_sequence_is_noticed_and_its_return),
        TEST(test_admin_takes_no_number),
    };
    return cmocka_run_group_tests_name("http_admin", tests, NULL, NULL);
}
