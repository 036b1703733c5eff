#include "ctl/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARGV_MAX 24

static enum outcome run_nothing(const struct arguments *arguments)
{
    (void)arguments;
    return OUTCOME_OK;
}

static const struct command commands[] = {
    {.name = "take",
     .usage = "NAME [COUNT]",
     .words_min = 1,
     .words_max = 2,
     .options = OPTION_BIT(OPTION_START) | OPTION_BIT(OPTION_YES) | OPTION_BIT(OPTION_COUNT),
     .run = run_nothing},
    {.name = "plain", .usage = "", .words_max = 0, .run = run_nothing},
};

static struct arguments parsed;
static struct error_detail detail;

/* Parse words that are separated by blanks. */
static enum error parse(const char *line)
{
    static char text[512];
    char name[] = "seqctl";
    char *argv[ARGV_MAX + 1] = {name};
    int argc = 1;
    (void)snprintf(text, sizeof text, "%s", line);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < ARGV_MAX);
        argv[argc++] = word;
    }
    detail.text[0] = '\0';
    return arguments_parse(argc, argv, commands, 2, &parsed, &detail);
}

static void expect_words(const char *line, const char *first, const char *second)
{
    assert_int_equal(parse(line), ERR_OK);
    assert_ptr_equal(parsed.command, &commands[0]);
    assert_int_equal(parsed.word_count, second != NULL ? 2 : 1);
    assert_string_equal(parsed.words[0], first);
    if (second != NULL) {
        assert_string_equal(parsed.words[1], second);
    }
}

static void expect_refusal(const char *line, const char *text)
{
    if (parse(line) != ERR_INVALID) {
        fail_msg("'%s' is not refused", line);
    }
    if (strstr(detail.text, text) == NULL) {
        fail_msg("'%s' gives '%s', which lacks '%s'", line, detail.text, text);
    }
}

static void test_arguments_finds_options_before_and_behind_the_command(void **state)
{
    (void)state;
    static const char *const lines[] = {"--json -u U take orders 5", "take --json orders -u U 5",
                                        "take orders 5 --json --url=U", "take -uU orders 5 --json",
                                        "--url U take orders --json 5"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_words(lines[i], "orders", "5");
        assert_true(arguments_has(&parsed, OPTION_JSON));
        assert_string_equal(parsed.values[OPTION_URL], "U");
    }
}

static void test_arguments_takes_negative_numbers_for_words_and_values(void **state)
{
    (void)state;
    expect_words("take debts -5", "debts", "-5");
    expect_words("take debts --start -7", "debts", NULL);
    assert_string_equal(parsed.values[OPTION_START], "-7");
    expect_words("take debts --start=-7", "debts", NULL);
    assert_string_equal(parsed.values[OPTION_START], "-7");
}

static void test_arguments_takes_everything_behind_two_dashes_for_words(void **state)
{
    (void)state;
    expect_words("take -- --json -y", "--json", "-y");
    assert_false(arguments_has(&parsed, OPTION_JSON));
    expect_words("take -", "-", NULL);
}

static void test_arguments_takes_letters_together(void **state)
{
    (void)state;
    expect_words("take x -yn5", "x", NULL);
    assert_true(arguments_has(&parsed, OPTION_YES));
    assert_string_equal(parsed.values[OPTION_COUNT], "5");
    expect_words("take x -yn 6", "x", NULL);
    assert_string_equal(parsed.values[OPTION_COUNT], "6");
}

static void test_arguments_lets_the_last_of_two_count(void **state)
{
    (void)state;
    expect_words("-u A take x --url B", "x", NULL);
    assert_string_equal(parsed.values[OPTION_URL], "B");
}

static void test_arguments_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    expect_refusal("", "no command is named");
    expect_refusal("tak x", "there is no command 'tak'");
    expect_refusal("take", "seqctl take NAME [COUNT]");
    expect_refusal("take a b c", "'c' is one word too many");
    expect_refusal("plain a", "'a' is one word too many");
    expect_refusal("take a b c d e f g h i j k l m n o p q", "'q' is one word too many");
    expect_refusal("take x --jsn", "there is no option '--jsn'");
    expect_refusal("take x --js", "there is no option '--js'");
    expect_refusal("take x --jsonx", "there is no option '--jsonx'");
    expect_refusal("take x -q", "there is no option '-q'");
    expect_refusal("take x -yq", "there is no option '-q'");
    expect_refusal("take x --json=yes", "'--json' takes no value");
    expect_refusal("take x --url", "option '--url' has no value: --url URL");
    expect_refusal("take x -u", "option '-u' has no value: -u URL");
    expect_refusal("plain --yes", "'plain' has no option '--yes'");
    expect_refusal("take x --force", "'take' has no option '--force'");
    expect_refusal("take x -u A -s B", "give one");
}

/* Whoever asks for help need not have got the rest right. */
static void test_arguments_with_help_asks_for_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(parse("--help"), ERR_OK);
    assert_null(parsed.command);
    assert_int_equal(parse("take --help"), ERR_OK);
    assert_ptr_equal(parsed.command, &commands[0]);
    assert_int_equal(parse("-V"), ERR_OK);
}

static void test_arguments_number_keeps_to_its_range(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_int_equal(parse("take x"), ERR_OK);
    assert_int_equal(arguments_number(&parsed, OPTION_COUNT, 2, 9, 4, &value), OUTCOME_OK);
    assert_int_equal(value, 4);
    static const struct {
        const char *line;
        enum outcome outcome;
    } cases[] = {{"take x -n 2", OUTCOME_OK},      {"take x -n 9", OUTCOME_OK},
                 {"take x -n 1", OUTCOME_USAGE},   {"take x -n 10", OUTCOME_USAGE},
                 {"take x -n 0x3", OUTCOME_USAGE}, {"take x -n=", OUTCOME_USAGE},
                 {"take x -n -3", OUTCOME_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].line), ERR_OK);
        assert_int_equal(arguments_number(&parsed, OPTION_COUNT, 2, 9, 4, &value),
                         cases[i].outcome);
    }
    assert_int_equal(value, 9);
}

/* No letter and no name may mean two options. */
static void test_arguments_options_are_told_apart(void **state)
{
    (void)state;
    for (enum option_id a = 0; a < OPTIONS_COUNT; a++) {
        assert_non_null(arguments_option(a)->name);
        for (enum option_id b = a + 1; b < OPTIONS_COUNT; b++) {
            assert_string_not_equal(arguments_option(a)->name, arguments_option(b)->name);
            assert_true(arguments_option(a)->letter == 0 ||
                        arguments_option(a)->letter != arguments_option(b)->letter);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_finds_options_before_and_behind_the_command),
        cmocka_unit_test(test_arguments_takes_negative_numbers_for_words_and_values),
        cmocka_unit_test(test_arguments_takes_everything_behind_two_dashes_for_words),
        cmocka_unit_test(test_arguments_takes_letters_together),
        cmocka_unit_test(test_arguments_lets_the_last_of_two_count),
        cmocka_unit_test(test_arguments_refuses_what_it_does_not_know),
        cmocka_unit_test(test_arguments_with_help_asks_for_nothing_else),
        cmocka_unit_test(test_arguments_number_keeps_to_its_range),
        cmocka_unit_test(test_arguments_options_are_told_apart),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
