#include "ctl/metrics.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEN_SIZE 1024

static char seen[SEEN_SIZE];

static void note(void *context, const struct metric *metric)
{
    (void)context;
    size_t length = strlen(seen);
    (void)snprintf(seen + length, sizeof seen - length, "%s[%s]=%" PRIu64 ";", metric->name,
                   metric->labels, metric->value);
}

static bool read_page(const char *page)
{
    char text[SEEN_SIZE];
    (void)snprintf(text, sizeof text, "%s", page);
    seen[0] = '\0';
    return metrics_each(text, note, NULL);
}

static void test_metrics_reads_samples_exactly(void **state)
{
    (void)state;
    assert_true(read_page("# HELP a b\n# TYPE a counter\n"
                          "a 9007199254740993\n"
                          "\n"
                          "b{sequence=\"x\"} 18446744073709551615\n"
                          "c{code=\"200\",le=\"1} 2\"} 3\n"));
    assert_string_equal(seen, "a[]=9007199254740993;b[sequence=\"x\"]=18446744073709551615;"
                              "c[code=\"200\",le=\"1} 2\"]=3;");
}

static void test_metrics_passes_over_what_is_no_whole_number(void **state)
{
    (void)state;
    assert_true(read_page("a 1.5\nb +Inf\nc 1e3\nd -1\ne 5\n"));
    assert_string_equal(seen, "e[]=5;");
}

static void test_metrics_refuses_what_is_no_page_of_metrics(void **state)
{
    (void)state;
    assert_false(read_page("<html>\n"));
    assert_false(read_page("a 1"));
    assert_false(read_page("a{b=\"c\" 1\n"));
    assert_false(read_page("a{b=\"c\"}1\n"));
    assert_false(read_page(" 1\n"));
}

static bool label(const char *labels, const char *name, char to[8])
{
    struct metric metric = {.name = "a", .labels = labels};
    return metrics_label(&metric, name, to, 8);
}

static void test_metrics_finds_a_label(void **state)
{
    (void)state;
    char to[8] = "";
    assert_true(label("sequence=\"x\"", "sequence", to));
    assert_string_equal(to, "x");
    assert_true(label("a=\"1\",b=\"2\"", "b", to));
    assert_string_equal(to, "2");
    assert_true(label("a=\"b=\",b=\"1234567\"", "b", to));
    assert_string_equal(to, "1234567");
    assert_false(label("a=\"1\"", "b", to));
    assert_false(label("", "b", to));
    assert_false(label("b=\"12345678\"", "b", to));
    assert_false(label("b=\"1\\\"2\"", "b", to));
    assert_false(label("b=1", "b", to));
    assert_false(label("b", "b", to));
    assert_false(label("b=\"1", "b", to));
    assert_string_equal(to, "1234567");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_reads_samples_exactly),
        cmocka_unit_test(test_metrics_passes_over_what_is_no_whole_number),
        cmocka_unit_test(test_metrics_refuses_what_is_no_page_of_metrics),
        cmocka_unit_test(test_metrics_finds_a_label),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
