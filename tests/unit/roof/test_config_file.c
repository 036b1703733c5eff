/* Every mistake that a file can hold, with its line. */
#include "config_text.h"

/* ---- what is wrong in a line ---- */

static void test_config_file_refuses_a_line_that_is_too_long(void **state)
{
    (void)state;
    char *text = config_text_stretched("[http]\n\nmax_count = *\nmax_count = 7\n", '1',
                                       CONFIG_LINE_MAX - 11);
    config_text_refused(text, 3, "190 bytes at most");
    free(text);
}

static void test_config_file_refuses_a_comment_that_is_too_long(void **state)
{
    (void)state;
    char *text = config_text_stretched("# *", 'x', 100000);
    config_text_refused(text, 1, "190 bytes at most");
    free(text);
}

static void test_config_file_refuses_a_line_without_a_key(void **state)
{
    (void)state;
    config_text_refused("[http]\nmax_count\n\n", 2, "no '='");
    config_text_refused("[http]\nmax_count = 7\nhello", 3, "no '='");
    config_text_refused("[http]\nmax_count ; = 7\n", 2, "no '='");
}

static void test_config_file_refuses_a_value_without_a_key(void **state)
{
    (void)state;
    config_text_refused("[http]\n = 7\n", 2, "unknown key ''");
}

static void test_config_file_refuses_a_key_before_any_section(void **state)
{
    (void)state;
    config_text_refused("\nmax_count = 7\n[http]\n", 2, "before the first section");
}

static void test_config_file_refuses_an_empty_value(void **state)
{
    (void)state;
    config_text_refused("[http]\nmax_count =\n", 2, "max_count has no value, it must be 1 to");
    config_text_refused("[http]\nmax_count = ; 7\n", 2, "max_count has no value");
    config_text_refused("[seqd]\ndata_dir =   \n", 2, "data_dir has no value");
}

static void test_config_file_refuses_a_comment_sign_in_a_value(void **state)
{
    (void)state;
    config_text_refused("[seqd]\ndata_dir = /a # b\n", 2, "'#' in the value of data_dir");
    config_text_refused("[http]\nmax_count = #7\n", 2, "'#' in the value of max_count");
    config_text_refused("[http]\nmax_count = 7\t#\n", 2, "'#' in the value of max_count");
}

static void test_config_file_refuses_control_bytes(void **state)
{
    (void)state;
    static const char nul[] = "[http]\nmax_count = 7\0 8\n";
    config_text_refused_bytes(nul, sizeof nul - 1, 2, "NUL byte");
    config_text_refused("[http]\nmax_count = 7\rwait_timeout = 1s\n", 2, "control");
    config_text_refused("# \x1B[31m\n", 1, "control");
    static const char wide[] = "\xFF\xFE[\0h\0t\0t\0p\0]\0";
    config_text_refused_bytes(wide, sizeof wide - 1, 1, "NUL byte");
}

/* ---- what is wrong with keys and sections ---- */

static void test_config_file_refuses_an_unknown_key_and_lists_the_known(void **state)
{
    (void)state;
    config_text_refused("[http]\nmaxcount = 7\n", 2,
                        "unknown key 'maxcount', section [http] has "
                        "listen, socket, socket_mode, issue_without_token");
    config_text_refused("[seqd]\nmax_count = 7\n", 2, "unknown key 'max_count'");
    config_text_refused("[sequence:a]\nMin = 7\n", 2, "unknown key 'Min'");
}

static void test_config_file_refuses_a_key_that_stands_twice(void **state)
{
    (void)state;
    config_text_refused("[http]\nmax_count = 7\n\nmax_count = 7\n", 4,
                        "key 'max_count' stands on line 2 already");
}

static void test_config_file_allows_the_same_key_in_every_sequence(void **state)
{
    (void)state;
    struct config config = config_text_valid("[sequence:a]\nmin = 3\n[sequence:b]\nmin = 4\n");
    assert_int_equal(config_text_sequence(&config, "a")->min, 3);
    assert_int_equal(config_text_sequence(&config, "b")->min, 4);
    config_free(&config);
}

static void test_config_file_refuses_an_unknown_section_once(void **state)
{
    (void)state;
    config_text_refused("[https]\na = 1\nb\n[http]\n", 1, "unknown section [https]");
    config_text_refused("[ http]\n", 1, "unknown section [ http]");
    config_text_refused("[sequence]\nmin = 1\n", 1, "unknown section [sequence]");
    config_text_refused("[]\n", 1, "unknown section []");
}

static void test_config_file_refuses_a_section_that_stands_twice(void **state)
{
    (void)state;
    config_text_refused("[http]\n[seqd]\n[http]\n", 3, "[http] stands on line 1 already");
    config_text_refused("[seqd]\n\n[seqd]\n", 3, "[seqd] stands on line 1 already");
    config_text_refused("[sequence:a]\n[sequence:b]\n[sequence:a]\nmin = 2\n", 3,
                        "[sequence:a] stands on line 1 already");
}

static void test_config_file_refuses_a_broken_section_line(void **state)
{
    (void)state;
    config_text_refused("\n[http\nmax_count = 7\n", 2, "has no ']'");
    config_text_refused("[http] max_count = 7\n", 1, "follows the ']'");
    config_text_refused("[http] # why\n", 1, "follows the ']'");
}

static void test_config_file_refuses_a_bad_name_of_a_sequence(void **state)
{
    (void)state;
    config_text_refused("[sequence:]\n", 1, "it must have 1 to 128");
    config_text_refused("[sequence:../etc]\n", 1, "[A-Za-z0-9._-]");
    config_text_refused("[sequence:a b]\n", 1, "[A-Za-z0-9._-]");
    config_text_refused("[sequence: a]\n", 1, "[A-Za-z0-9._-]");
    char *text = config_text_stretched("[sequence:*]\n", 'n', SEQUENCE_NAME_MAX + 1);
    config_text_refused(text, 1, "129 bytes, it must have 1 to 128");
    free(text);
}

static void test_config_file_looks_into_a_sequence_with_a_bad_name(void **state)
{
    (void)state;
    static struct config_report report;
    static const char text[] = "[sequence:?]\nmin = x\n";
    config_text_invalid(text, strlen(text), &report);
    assert_int_equal(report.count, 2);
    assert_non_null(strstr(report.mistakes[1].text, ":2: min is 'x'"));
}

static void test_config_file_refuses_more_sequences_than_the_limit(void **state)
{
    (void)state;
    size_t size = (CONFIG_SEQUENCES_MAX + 1) * 24;
    char *text = malloc(size);
    assert_non_null(text);
    size_t length = 0;
    for (int i = 0; i < CONFIG_SEQUENCES_MAX; i++) {
        length += (size_t)snprintf(text + length, size - length, "[sequence:s%d]\n", i);
    }
    struct config config = config_text_valid(text);
    assert_int_equal(config.sequence_count, CONFIG_SEQUENCES_MAX);
    config_free(&config);
    (void)snprintf(text + length, size - length, "[sequence:more]\n");
    config_text_refused(text, CONFIG_SEQUENCES_MAX + 1,
                        "more sequences than a configuration may list, 4096");
    free(text);
}

/* ---- what is wrong between keys ---- */

static void test_config_file_points_to_the_section_of_a_wrong_definition(void **state)
{
    (void)state;
    config_text_refused("\n[sequence:a]\nincrement = 0\n", 2, "[sequence:a]: increment is 0");
    config_text_refused("[sequence:a]\nmin = 5\nmax = 4\n", 1, "min is 5, above max, 4");
    config_text_refused("[sequence:a]\nstart = 5\nmax = 4\n[http]\n", 1, "start is 5");
    config_text_refused("[sequence:a]\nlease = 11\nmax_gap = 10\n", 1, "lease is 11");
}

static void test_config_file_says_nothing_that_follows_from_a_mistake(void **state)
{
    (void)state;
    config_text_refused("[sequence:a]\nmin = 5\nmax = 9x\nstart = 1\n", 3, "max is '9x'");
    config_text_refused("[http]\nwait_timeout = 1h\nrequest_timeout = 2\n", 3, "request_timeout");
}

static void test_config_file_wants_request_timeout_above_wait_timeout(void **state)
{
    (void)state;
    config_text_refused("[http]\nwait_timeout = 10s\n", 2,
                        "request_timeout is 10000 ms, it must be "
                        "above wait_timeout, 10000 ms");
    config_text_refused("[http]\nrequest_timeout = 5s\nmax_count = 1\n", 2, "above wait_timeout");
    config_text_refused("[http]\nwait_timeout = 2s\nrequest_timeout = 1s\n\n", 3, "above");
    struct config config = config_text_valid("[http]\nwait_timeout = 9999ms\n");
    config_free(&config);
}

static void test_config_file_wants_a_connection_for_every_thread(void **state)
{
    (void)state;
    config_text_refused("[http]\nthreads = 5\nmax_connections = 4\n", 3, "threads is 5");
    struct config config = config_text_valid("[http]\nthreads = 4\nmax_connections = 4\n");
    config_free(&config);
}

/* ---- the report ---- */

static void test_config_file_reports_every_mistake_with_its_line(void **state)
{
    (void)state;
    static struct config_report report;
    static const char text[] = "x = 1\n[http]\nmax_count = 0\nbad = 1\nlisten\n[sequence:a]\n"
                               "increment = 0\n[nope]\n";
    /* What shows between several keys comes after what shows on one line. */
    static const char *const wanted[] = {":1: ", ":3: ", ":4: ", ":5: ", ":8: ", ":6: "};
    config_text_invalid(text, strlen(text), &report);
    assert_int_equal(report.count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < report.count; i++) {
        assert_non_null(strstr(report.mistakes[i].text, wanted[i]));
        assert_int_equal(strncmp(report.mistakes[i].text, "/proc/self/fd/", 14), 0);
    }
}

static void test_config_file_stops_after_the_most_mistakes(void **state)
{
    (void)state;
    static struct config_report report;
    char lines[8 * (CONFIG_MISTAKES_MAX + 5)] = "[http]\n";
    for (int i = 0; i < CONFIG_MISTAKES_MAX + 3; i++) {
        size_t length = strlen(lines);
        (void)snprintf(lines + length, sizeof lines - length, "k%d=1\n", i);
    }
    config_text_invalid(lines, strlen(lines), &report);
    assert_int_equal(report.count, CONFIG_MISTAKES_MAX);
    assert_non_null(strstr(report.mistakes[CONFIG_MISTAKES_MAX - 1].text, ":21: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_file_refuses_a_line_that_is_too_long),
        cmocka_unit_test(test_config_file_refuses_a_comment_that_is_too_long),
        cmocka_unit_test(test_config_file_refuses_a_line_without_a_key),
        cmocka_unit_test(test_config_file_refuses_a_value_without_a_key),
        cmocka_unit_test(test_config_file_refuses_a_key_before_any_section),
        cmocka_unit_test(test_config_file_refuses_an_empty_value),
        cmocka_unit_test(test_config_file_refuses_a_comment_sign_in_a_value),
        cmocka_unit_test(test_config_file_refuses_control_bytes),
        cmocka_unit_test(test_config_file_refuses_an_unknown_key_and_lists_the_known),
        cmocka_unit_test(test_config_file_refuses_a_key_that_stands_twice),
        cmocka_unit_test(test_config_file_allows_the_same_key_in_every_sequence),
        cmocka_unit_test(test_config_file_refuses_an_unknown_section_once),
        cmocka_unit_test(test_config_file_refuses_a_section_that_stands_twice),
        cmocka_unit_test(test_config_file_refuses_a_broken_section_line),
        cmocka_unit_test(test_config_file_refuses_a_bad_name_of_a_sequence),
        cmocka_unit_test(test_config_file_looks_into_a_sequence_with_a_bad_name),
        cmocka_unit_test(test_config_file_refuses_more_sequences_than_the_limit),
        cmocka_unit_test(test_config_file_points_to_the_section_of_a_wrong_definition),
        cmocka_unit_test(test_config_file_says_nothing_that_follows_from_a_mistake),
        cmocka_unit_test(test_config_file_wants_request_timeout_above_wait_timeout),
        cmocka_unit_test(test_config_file_wants_a_connection_for_every_thread),
        cmocka_unit_test(test_config_file_reports_every_mistake_with_its_line),
        cmocka_unit_test(test_config_file_stops_after_the_most_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
