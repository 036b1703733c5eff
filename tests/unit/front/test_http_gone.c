/* Requests to a sequence that is dropped, moved or created anew under them. */
#include "http_stage.h"

#include "admin_stage.h"

#include <stdio.h>
#include <stdlib.h>

#define NEXT "/v1/sequences/default/next"

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

static struct admin_request must(struct http_stage *stage, struct admin_request request)
{
    struct errand_of_admin errand;

    admin_stage_submit_to(stage->registry, stage->keeper, &errand, request);
    request = admin_stage_answer(&errand);
    assert_int_equal(request.error, ERR_OK);
    return request;
}

static void expect_number(struct http_stage *stage, const char *target, int64_t number)
{
    char body[32];

    snprintf(body, sizeof body, "%lld\n", (long long)number);
    http_stage_expect(stage, "GET", target, "", 200, body);
}

/* By its name and as the default one, whose handle is kept from request to request. */
static void test_http_gone_is_not_found_and_found_again(void **state)
{
    struct http_stage *stage = *state;

    expect_number(stage, "/", 1);
    expect_number(stage, NEXT, 2);
    int64_t high = must(stage, admin_stage_drop("default")).floor_high;
    for (unsigned i = 0; i < 2; i++) {
        http_stage_expect_problem(stage, "GET", "/", "", 404, "unknown-sequence", "'default'");
        http_stage_expect_problem(stage, "GET", NEXT, "", 404, "unknown-sequence", "'default'");
        http_stage_expect_problem(stage, "GET", "/v1/sequences/default", "", 404,
                                  "unknown-sequence", "'default'");
    }
    must(stage, admin_stage_create("default", definition_default()));
    expect_number(stage, "/", high + 1);
    expect_number(stage, NEXT, high + 2);
}

static void test_http_gone_ends_in_404_for_who_waits(void **state)
{
    struct http_stage *stage = *state;
    struct errand_of_admin errand;
    struct http_answer answer;
    struct http_client *client = http_client_open(stage->port);

    store_memory_hold(stage->disk);
    admin_stage_submit_to(stage->registry, stage->keeper, &errand, admin_stage_drop("default"));
    assert_true(store_memory_wait_held(stage->disk, 10000));
    assert_true(http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(http_stage_await_waiters(stage, "default", 1));
    store_memory_release(stage->disk);
    assert_int_equal(admin_stage_answer(&errand).error, ERR_OK);
    assert_int_equal(http_client_receive(client, 20000, false, &answer), HTTP_CLIENT_ANSWERED);
    assert_true(http_answer_is_problem(&answer, 404, "unknown-sequence", "'default'"));
    http_answer_free(&answer);
    http_client_close(client);
}

static void test_http_gone_backward_goes_on_from_there(void **state)
{
    struct http_stage *stage = *state;

    expect_number(stage, "/", 1);
    expect_number(stage, "/", 2);
    expect_number(stage, NEXT, 3);
    must(stage, admin_stage_advance("default", 1, true));
    expect_number(stage, "/", 2);
    expect_number(stage, NEXT, 3);
    must(stage, admin_stage_advance("default", 5000, false));
    expect_number(stage, "/", 5001);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_http_gone_is_not_found_and_found_again),
        CASE(test_http_gone_ends_in_404_for_who_waits),
        CASE(test_http_gone_backward_goes_on_from_there),
    };

    return cmocka_run_group_tests_name("http_gone", tests, NULL, NULL);
}
