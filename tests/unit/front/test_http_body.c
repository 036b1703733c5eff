/* The body of a request: all of it, or a bound that holds. */
#include "front/http_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t held(struct http_bodies *bodies)
{
    /* order: relaxed; one thread. */
    return atomic_load_explicit(&bodies->bytes, memory_order_relaxed);
}

static void test_body_keeps_every_byte_of_pieces_of_any_size(void **state)
{
    static char sent[HTTP_BODY_MAX];
    static const size_t steps[] = {1, 7, 1023, 1024, 1025, 40000, HTTP_BODY_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 31 % 251);
    }
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct http_bodies bodies = {0};
        struct http_body body = {.wanted = true};
        for (size_t at = 0; at < sizeof sent; at += steps[s]) {
            size_t step = sizeof sent - at < steps[s] ? sizeof sent - at : steps[s];
            assert_true(http_body_add(&body, &bodies, sent + at, step));
        }
        assert_int_equal(body.length, sizeof sent);
        assert_non_null(body.bytes);
        assert_memory_equal(body.bytes, sent, sizeof sent);
        assert_in_range(held(&bodies), sizeof sent, HTTP_BODY_MAX);
        http_body_reset(&body, &bodies);
        assert_null(body.bytes);
        assert_int_equal(body.length, 0);
        assert_int_equal(held(&bodies), 0);
    }
}

static void test_body_of_one_byte_too_many_is_counted_and_not_kept(void **state)
{
    static char sent[HTTP_BODY_READ_MAX];
    struct http_bodies bodies = {0};
    struct http_body body = {.wanted = true};

    (void)state;
    assert_true(http_body_add(&body, &bodies, sent, HTTP_BODY_MAX));
    assert_non_null(body.bytes);
    assert_true(http_body_add(&body, &bodies, sent, 1));
    assert_null(body.bytes);
    assert_int_equal(body.length, HTTP_BODY_MAX + 1);
    assert_int_equal(held(&bodies), 0);
    assert_true(http_body_add(&body, &bodies, sent, HTTP_BODY_READ_MAX - HTTP_BODY_MAX - 1));
    assert_false(http_body_add(&body, &bodies, sent, 1)); /* it never ends */
    http_body_reset(&body, &bodies);
    assert_int_equal(held(&bodies), 0);
}

static void test_body_that_nobody_wants_takes_no_memory(void **state)
{
    static char sent[HTTP_BODY_MAX];
    struct http_bodies bodies = {0};
    struct http_body body = {.wanted = false};

    (void)state;
    assert_true(http_body_add(&body, &bodies, sent, sizeof sent));
    assert_null(body.bytes);
    assert_int_equal(body.length, sizeof sent);
    assert_int_equal(held(&bodies), 0);
    http_body_reset(&body, &bodies);
}

static void test_bodies_together_keep_to_their_bound(void **state)
{
    enum {
        COUNT = HTTP_BODIES_MAX / HTTP_BODY_MAX
    };
    static char sent[HTTP_BODY_MAX];
    static struct http_body many[COUNT];
    struct http_bodies bodies = {0};
    struct http_body one_more = {.wanted = true};

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        many[i].wanted = true;
        assert_true(http_body_add(&many[i], &bodies, sent, sizeof sent));
        assert_false(many[i].crowded);
    }
    assert_int_equal(held(&bodies), HTTP_BODIES_MAX);
    assert_true(http_body_add(&one_more, &bodies, sent, 1));
    assert_true(one_more.crowded);
    assert_null(one_more.bytes);
    assert_int_equal(held(&bodies), HTTP_BODIES_MAX);
    assert_true(http_body_add(&one_more, &bodies, sent, 1)); /* and stays so */
    assert_true(one_more.crowded);
    http_body_reset(&many[0], &bodies);
    http_body_reset(&one_more, &bodies);
    one_more.wanted = true;
    assert_true(http_body_add(&one_more, &bodies, sent, 1));
    assert_false(one_more.crowded);
    http_body_reset(&one_more, &bodies);
    for (size_t i = 1; i < COUNT; i++) {
        http_body_reset(&many[i], &bodies);
    }
    assert_int_equal(held(&bodies), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_keeps_every_byte_of_pieces_of_any_size),
        cmocka_unit_test(test_body_of_one_byte_too_many_is_counted_and_not_kept),
        cmocka_unit_test(test_body_that_nobody_wants_takes_no_memory),
        cmocka_unit_test(test_bodies_together_keep_to_their_bound),
    };
    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
