#include "ctl/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BUILD "seqd_build_info{version=\"1.2.3\"} 1\n"

static enum error take(const char *page, uint64_t ms, const struct sample *before,
                       struct sample *ret_sample)
{
    char text[4096];
    struct instant when = {1000 * CLOCK_NS_PER_S + ms * CLOCK_NS_PER_MS};
    (void)snprintf(text, sizeof text, "%s", page);
    return sample_read(text, when, before, ret_sample);
}

static void test_sample_adds_up_the_service(void **state)
{
    (void)state;
    struct sample sample;
    assert_int_equal(take(BUILD "seqd_http_requests_total{code=\"200\"} 7\n"
                                "seqd_http_requests_total{code=\"503\"} 3\n"
                                "seqd_commits_total 4\n"
                                "seqd_store_errors_total 2\n"
                                "seqd_sequences 5\n"
                                "seqd_other{sequence=\"x\"} 1\n",
                          0, NULL, &sample),
                     ERR_OK);
    assert_string_equal(sample.version, "1.2.3");
    assert_int_equal(sample.requests, 10);
    assert_int_equal(sample.commits, 4);
    assert_int_equal(sample.store_errors, 2);
    assert_int_equal(sample.sequences, 5);
    assert_int_equal(sample.requests_rate, 0);
    sample_free(&sample);
}

static void test_sample_brings_the_metrics_of_a_sequence_together(void **state)
{
    (void)state;
    struct sample sample;
    assert_int_equal(take(BUILD "seqd_numbers_issued_total{sequence=\"a\"} 9007199254740993\n"
                                "seqd_numbers_issued_total{sequence=\"b\"} 2\n"
                                "seqd_lease_unissued{sequence=\"a\"} 3\n"
                                "seqd_lease_unissued{sequence=\"b\"} 4\n"
                                "seqd_lease_waiters{sequence=\"b\"} 6\n"
                                "seqd_lease_waiters{sequence=\"a\"} 5\n"
                                "seqd_sequence_left{sequence=\"b\"} 18446744073709551615\n",
                          0, NULL, &sample),
                     ERR_OK);
    assert_int_equal(sample.count, 2);
    assert_string_equal(sample.rows[0].name, "a");
    assert_int_equal(sample.rows[0].issued, 9007199254740993);
    assert_int_equal(sample.rows[0].unissued, 3);
    assert_int_equal(sample.rows[0].waiters, 5);
    assert_int_equal(sample.rows[0].left, 0);
    assert_string_equal(sample.rows[1].name, "b");
    assert_int_equal(sample.rows[1].issued, 2);
    assert_int_equal(sample.rows[1].unissued, 4);
    assert_int_equal(sample.rows[1].waiters, 6);
    assert_true(sample.rows[1].left == UINT64_MAX);
    assert_int_equal(sample.issued, 9007199254740995);
    sample_free(&sample);
}

static void test_sample_rates_are_the_rise_over_the_time(void **state)
{
    (void)state;
    struct sample before;
    struct sample after;
    assert_int_equal(take(BUILD "seqd_http_requests_total{code=\"200\"} 100\n"
                                "seqd_commits_total 10\n"
                                "seqd_numbers_issued_total{sequence=\"a\"} 1000\n"
                                "seqd_numbers_issued_total{sequence=\"b\"} 1000\n",
                          0, NULL, &before),
                     ERR_OK);
    assert_int_equal(take(BUILD "seqd_http_requests_total{code=\"200\"} 300\n"
                                "seqd_commits_total 11\n"
                                "seqd_numbers_issued_total{sequence=\"a\"} 1001\n"
                                "seqd_numbers_issued_total{sequence=\"b\"} 3000\n"
                                "seqd_numbers_issued_total{sequence=\"new\"} 50\n",
                          500, &before, &after),
                     ERR_OK);
    assert_int_equal(after.requests_rate, 400);
    assert_int_equal(after.commits_rate, 2);
    assert_int_equal(after.issued_rate, (1 + 2000 + 50) * 2);
    /* The busiest comes first, and a new one has no rate yet. */
    assert_string_equal(after.rows[0].name, "b");
    assert_int_equal(after.rows[0].rate, 4000);
    assert_string_equal(after.rows[1].name, "a");
    assert_int_equal(after.rows[1].rate, 2);
    assert_string_equal(after.rows[2].name, "new");
    assert_int_equal(after.rows[2].rate, 0);
    sample_free(&before);
    sample_free(&after);
}

/* A server that started anew counts from 0 again: no rate rather than one beyond all bounds. */
static void test_sample_has_no_rate_where_a_count_fell(void **state)
{
    (void)state;
    struct sample before;
    struct sample after;
    assert_int_equal(
        take(BUILD "seqd_numbers_issued_total{sequence=\"a\"} 1000\n", 0, NULL, &before), ERR_OK);
    assert_int_equal(
        take(BUILD "seqd_numbers_issued_total{sequence=\"a\"} 10\n", 1000, &before, &after),
        ERR_OK);
    assert_int_equal(after.rows[0].rate, 0);
    assert_int_equal(after.issued_rate, 0);
    sample_free(&before);
    sample_free(&after);
}

static void test_sample_takes_many_sequences(void **state)
{
    (void)state;
    static char page[1 << 17];
    struct sample sample;
    size_t length = (size_t)snprintf(page, sizeof page, BUILD);
    for (int i = 0; i < 1000; i++) {
        length += (size_t)snprintf(page + length, sizeof page - length,
                                   "seqd_numbers_issued_total{sequence=\"s%03d\"} %d\n", i, i);
    }
    for (int i = 0; i < 1000; i++) {
        length += (size_t)snprintf(page + length, sizeof page - length,
                                   "seqd_lease_unissued{sequence=\"s%03d\"} %d\n", i, 2 * i);
    }
    assert_int_equal(sample_read(page, (struct instant){0}, NULL, &sample), ERR_OK);
    assert_int_equal(sample.count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(sample.rows[i].issued, i);
        assert_int_equal(sample.rows[i].unissued, 2 * i);
    }
    sample_free(&sample);
}

static void test_sample_refuses_what_is_no_seqd(void **state)
{
    (void)state;
    struct sample sample;
    assert_int_equal(take("", 0, NULL, &sample), ERR_CORRUPT);
    assert_int_equal(take("go_goroutines 5\n", 0, NULL, &sample), ERR_CORRUPT);
    assert_int_equal(take(BUILD "<html>\n", 0, NULL, &sample), ERR_CORRUPT);
    assert_int_equal(take("seqd_build_info{v=\"1\"} 1\n", 0, NULL, &sample), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_adds_up_the_service),
        cmocka_unit_test(test_sample_brings_the_metrics_of_a_sequence_together),
        cmocka_unit_test(test_sample_rates_are_the_rise_over_the_time),
        cmocka_unit_test(test_sample_has_no_rate_where_a_count_fell),
        cmocka_unit_test(test_sample_takes_many_sequences),
        cmocka_unit_test(test_sample_refuses_what_is_no_seqd),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
