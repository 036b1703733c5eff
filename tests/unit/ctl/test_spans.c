#include "ctl/spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct spans *spans, int64_t low, int64_t high)
{
    assert_int_equal(spans_add(spans, (struct span){low, high}), ERR_OK);
}

static void test_spans_that_touch_do_not_overlap(void **state)
{
    (void)state;
    struct spans spans = {.items = NULL};
    assert_int_equal(spans_overlaps(&spans), 0);
    add(&spans, 11, 20);
    add(&spans, 1, 10);
    add(&spans, 21, 21);
    add(&spans, INT64_MAX, INT64_MAX);
    add(&spans, INT64_MIN, -1);
    assert_int_equal(spans_overlaps(&spans), 0);
    spans_free(&spans);
}

static void test_spans_with_one_number_in_common_overlap(void **state)
{
    (void)state;
    static const struct span twice[][2] = {{{1, 10}, {10, 20}}, {{10, 20}, {1, 10}},
                                           {{5, 5}, {5, 5}},    {{1, 10}, {3, 4}},
                                           {{3, 4}, {1, 10}},   {{INT64_MIN, INT64_MAX}, {0, 0}}};
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        struct spans spans = {.items = NULL};
        add(&spans, twice[i][0].low, twice[i][0].high);
        add(&spans, twice[i][1].low, twice[i][1].high);
        assert_int_equal(spans_overlaps(&spans), 1);
        spans_free(&spans);
    }
}

/* A long one covers all that begin in it, also behind a short one. */
static void test_spans_counts_each_that_shares_a_number(void **state)
{
    (void)state;
    struct spans spans = {.items = NULL};
    add(&spans, 1, 100);
    add(&spans, 2, 3);
    add(&spans, 50, 60);
    add(&spans, 100, 101);
    add(&spans, 102, 103);
    assert_int_equal(spans_overlaps(&spans), 3);
    spans_free(&spans);
}

static void test_spans_of_all_connections_come_together(void **state)
{
    (void)state;
    struct spans all = {.items = NULL};
    struct spans one = {.items = NULL};
    assert_int_equal(spans_add_all(&all, &one), ERR_OK);
    for (int64_t i = 0; i < 5000; i++) {
        add(&one, i, i);
    }
    assert_int_equal(spans_add_all(&all, &one), ERR_OK);
    assert_int_equal(spans_overlaps(&all), 0);
    assert_int_equal(spans_add_all(&all, &one), ERR_OK);
    assert_int_equal(all.count, 10000);
    assert_int_equal(spans_overlaps(&all), 5000);
    spans_free(&one);
    spans_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_that_touch_do_not_overlap),
        cmocka_unit_test(test_spans_with_one_number_in_common_overlap),
        cmocka_unit_test(test_spans_counts_each_that_shares_a_number),
        cmocka_unit_test(test_spans_of_all_connections_come_together),
    };
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
