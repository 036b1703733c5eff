/* What the table of commands says, the man page and the completion say as well. Run in the root of
 * the source. */
#include "ctl/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE "docs/man/seqctl.1.scd"
#define COMPLETION "packaging/completion/seqctl"
#define TEXT_SIZE ((size_t)1 << 17)

static void read_file(const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, TEXT_SIZE - 1, file);
    assert_true(length < TEXT_SIZE - 1);
    assert_int_equal(fclose(file), 0);
    text[length] = '\0';
}

/* Does `word` stand in `text` with blanks, line ends or quotes around it? */
static bool has_word(const char *text, const char *word)
{
    static const char around[] = " \n'\"";
    size_t length = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if (at > text && strchr(around, at[-1]) != NULL && strchr(around, at[length]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The section of the page under "## NAME", up to the next head; to be freed. */
static char *section_of(const char *page, const char *name)
{
    char head[64];
    (void)snprintf(head, sizeof head, "\n## %s\n", name);
    const char *start = strstr(page, head);
    if (start == NULL) {
        fail_msg(PAGE " has no section '## %s'", name);
        abort();
    }
    const char *end = strstr(start + 2, "\n#");
    assert_non_null(end);
    char *section = strndup(start, (size_t)(end - start));
    assert_non_null(section);
    return section;
}

/* Is there a line that begins with an option, as those that explain one do, and holds `written`? */
static bool explains(const char *section, const char *written)
{
    for (const char *line = strstr(section, "\n*-"); line != NULL;
         line = strstr(line + 1, "\n*-")) {
        const char *at = strstr(line, written);
        if (at != NULL && at < line + 1 + strcspn(line + 1, "\n")) {
            return true;
        }
    }
    return false;
}

static void check_page_option(const char *section, const struct option_text *option,
                              const char *where)
{
    char written[64];
    (void)snprintf(written, sizeof written, "*--%s*", option->name);
    if (!explains(section, written)) {
        fail_msg(PAGE ": '%s' does not explain %s", where, written);
    }
    (void)snprintf(written, sizeof written, "*-%c*", option->letter);
    if (option->letter != 0 && !explains(section, written)) {
        fail_msg(PAGE ": '%s' does not explain %s", where, written);
    }
}

static void test_commands_are_all_in_the_man_page(void **state)
{
    (void)state;
    static char page[TEXT_SIZE];
    size_t count = 0;
    const struct command *commands = commands_table(&count);
    read_file(PAGE, page);
    for (size_t i = 0; i < count; i++) {
        char *section = section_of(page, commands[i].name);
        for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
            if ((commands[i].options & OPTION_BIT(id)) != 0) {
                check_page_option(section, arguments_option(id), commands[i].name);
            }
        }
        free(section);
    }
    const char *options = strstr(page, "\n# OPTIONS\n");
    assert_non_null(options);
    for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
        if ((OPTIONS_COMMON & OPTION_BIT(id)) != 0) {
            check_page_option(options, arguments_option(id), "OPTIONS");
        }
    }
}

/* The other way round: the page explains nothing that there is not. */
static void test_commands_of_the_man_page_all_exist(void **state)
{
    (void)state;
    static char page[TEXT_SIZE];
    size_t count = 0;
    size_t sections = 0;
    (void)commands_table(&count);
    read_file(PAGE, page);
    for (const char *at = strstr(page, "\n## "); at != NULL; at = strstr(at + 1, "\n## ")) {
        sections++;
    }
    assert_int_equal(sections, count);
}

static void test_commands_are_all_completed(void **state)
{
    (void)state;
    static char script[TEXT_SIZE];
    size_t count = 0;
    const struct command *commands = commands_table(&count);
    read_file(COMPLETION, script);
    const char *words = strstr(script, "local commands='");
    assert_non_null(words);
    size_t length = strcspn(words + 16, "'");
    size_t listed = 1;
    for (size_t i = 0; i < length; i++) {
        listed += words[16 + i] == ' ' ? 1 : 0;
    }
    assert_int_equal(listed, count);
    char *line = strndup(words, 16 + length + 1);
    assert_non_null(line);
    for (size_t i = 0; i < count; i++) {
        if (!has_word(line, commands[i].name)) {
            fail_msg(COMPLETION " does not complete '%s'", commands[i].name);
        }
    }
    free(line);
    for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
        char written[64];
        (void)snprintf(written, sizeof written, "--%s", arguments_option(id)->name);
        if (!has_word(script, written)) {
            fail_msg(COMPLETION " does not complete '%s'", written);
        }
    }
}

static void test_commands_are_told_apart_and_whole(void **state)
{
    (void)state;
    size_t count = 0;
    const struct command *commands = commands_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(arguments_find(commands, count, commands[i].name), &commands[i]);
        assert_non_null(commands[i].usage);
        assert_non_null(commands[i].summary);
        assert_non_null(commands[i].run);
        assert_true(commands[i].words_min <= commands[i].words_max);
        assert_true(commands[i].words_max <= ARGUMENTS_WORDS_MAX);
        assert_int_equal(commands[i].options & OPTIONS_COMMON, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_all_in_the_man_page),
        cmocka_unit_test(test_commands_of_the_man_page_all_exist),
        cmocka_unit_test(test_commands_are_all_completed),
        cmocka_unit_test(test_commands_are_told_apart_and_whole),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
