/* The command line. */
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 8

/* `line` split at blanks, "''" being an empty word, as the arguments of seqd. */
static enum error parse(const char *line, struct options *ret_options, struct error_detail *detail)
{
    static char words[256];
    static char name[] = "seqd";
    char *arguments[ARGUMENTS_MAX + 2] = {name};
    int count = 1;
    assert_true((size_t)snprintf(words, sizeof words, "%s", line) < sizeof words);
    char *rest = words;
    for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(rest, " ", &rest)) {
        assert_true(count <= ARGUMENTS_MAX);
        if (strcmp(word, "''") == 0) {
            word[0] = '\0';
        }
        arguments[count++] = word;
    }
    return options_parse(count, arguments, ret_options, detail);
}

static struct options accepted(const char *line)
{
    struct options options;
    struct error_detail detail = {.text = ""};
    if (parse(line, &options, &detail) != ERR_OK) {
        fail_msg("'%s': %s", line, detail.text);
    }
    return options;
}

static void refused(const char *line, const char *what)
{
    struct options options;
    struct error_detail detail = {.text = ""};
    assert_int_equal(parse(line, &options, &detail), ERR_INVALID);
    if (strstr(detail.text, what) == NULL) {
        fail_msg("'%s': '%s' lacks '%s'", line, detail.text, what);
    }
}

static void test_options_without_any_serve(void **state)
{
    (void)state;
    struct options options = accepted("");
    assert_int_equal(options.act, ACT_SERVE);
    assert_null(options.config_path);
    assert_null(options.data_dir);
    assert_false(options.port_given);
}

static void test_options_take_short_ones(void **state)
{
    (void)state;
    struct options options = accepted("-c /f -C /f.d -d dir -p 81");
    assert_int_equal(options.act, ACT_SERVE);
    assert_string_equal(options.config_path, "/f");
    assert_string_equal(options.config_dir, "/f.d");
    assert_string_equal(options.data_dir, "dir");
    assert_true(options.port_given);
    assert_int_equal(options.port, 81);
    assert_int_equal(accepted("-tc /f").act, ACT_CHECK);
    assert_int_equal(accepted("-tC /f.d").act, ACT_CHECK);
    assert_int_equal(accepted("-V").act, ACT_VERSION);
    assert_int_equal(accepted("-h").act, ACT_HELP);
}

static void test_options_take_long_ones(void **state)
{
    (void)state;
    struct options options = accepted("--config=/f --config-dir=/f.d --data-dir dir --port=82 "
                                      "--check");
    assert_int_equal(options.act, ACT_CHECK);
    assert_string_equal(options.config_dir, "/f.d");
    assert_string_equal(options.config_path, "/f");
    assert_string_equal(options.data_dir, "dir");
    assert_int_equal(options.port, 82);
    assert_int_equal(accepted("--version").act, ACT_VERSION);
    assert_int_equal(accepted("--help").act, ACT_HELP);
}

static void test_options_take_the_bounds_of_the_port(void **state)
{
    (void)state;
    assert_int_equal(accepted("-p 0").port, 0);
    assert_int_equal(accepted("-p 65535").port, 65535);
    refused("-p 65536", "port is '65536', it must be 0 to 65535");
    refused("-p -1", "port is '-1', it must be 0 to 65535");
    refused("-p 80x", "port is '80x'");
    refused("-p ''", "port is ''");
}

static void test_options_let_the_last_one_count(void **state)
{
    (void)state;
    struct options options = accepted("-p 1 -d a -p 2 -d b");
    assert_int_equal(options.port, 2);
    assert_string_equal(options.data_dir, "b");
}

static void test_options_refuse_unknown_ones(void **state)
{
    (void)state;
    refused("-x", "option '-x' is unknown");
    refused("-tx", "option '-x' is unknown");
    refused("--nope", "option '--nope' is unknown");
    refused("--version=1", "option '--version=1' is unknown, or takes no value");
}

static void test_options_refuse_a_missing_value(void **state)
{
    (void)state;
    refused("-c", "option '-c' has no value");
    refused("-d a -p", "option '-p' has no value");
    refused("--port", "option '--port' has no value");
    refused("-d ''", "the path of the data directory is empty");
    refused("--config=", "the path of the configuration is empty");
}

static void test_options_refuse_words_that_are_none(void **state)
{
    (void)state;
    refused("start", "'start' is no option");
    refused("-d a b", "'b' is no option");
    refused("-d a -- -V", "'-V' is no option");
}

static void test_options_check_only_a_file(void **state)
{
    (void)state;
    refused("-t", "-t checks a file");
}

static void test_options_adopt_with_a_skip_only(void **state)
{
    (void)state;
    struct options options = accepted("--adopt --skip 9223372036854775807 -d a");
    assert_int_equal(options.act, ACT_ADOPT);
    assert_true(options.skip == INT64_MAX);
    options = accepted("--skip=0 --adopt");
    assert_int_equal(options.skip, 0);
    refused("--adopt -d a", "--adopt needs --skip N");
    options = accepted("--restore b --skip 7");
    assert_int_equal(options.act, ACT_RESTORE);
    assert_string_equal(options.backup, "b");
    assert_true(options.skip_given);
    assert_false(accepted("--restore b").skip_given); /* it proposes one */
    refused("--restore ''", "the path of the backup is empty");
    refused("--skip 5", "--skip goes with --adopt or --restore");
    refused("--adopt --skip 9223372036854775808", "must be 0 to 9223372036854775807");
    refused("--adopt --skip -1", "skip is '-1'");
    refused("--adopt --skip", "option '--skip' has no value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_without_any_serve),
        cmocka_unit_test(test_options_take_short_ones),
        cmocka_unit_test(test_options_take_long_ones),
        cmocka_unit_test(test_options_take_the_bounds_of_the_port),
        cmocka_unit_test(test_options_let_the_last_one_count),
        cmocka_unit_test(test_options_refuse_unknown_ones),
        cmocka_unit_test(test_options_refuse_a_missing_value),
        cmocka_unit_test(test_options_refuse_words_that_are_none),
        cmocka_unit_test(test_options_check_only_a_file),
        cmocka_unit_test(test_options_adopt_with_a_skip_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
