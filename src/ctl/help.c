#include "commands.h"
#include "table.h"

#include <stdio.h>

#define EXIT_STATUSES \
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 cannot reach the server,\n" \
    "4 no such sequence, 5 conflict or exhausted, 6 not allowed, 7 not now, try again,\n" \
    "8 a ledger or a backup cannot be read whole.\n"

/* The options in `set`, one a line. */
static void print_options(uint64_t set)
{
    struct table *table = table_new("option\tmeaning");
    for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
        const struct option_text *option = arguments_option(id);
        if ((set & OPTION_BIT(id)) == 0) {
            continue;
        }
        char letter[] = {'-', option->letter, ',', ' ', '\0'};
        table_add(table, "  %s--%s%s%s", option->letter != 0 ? letter : "    ", option->name,
                  option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
        table_add(table, "%s", option->help);
    }
    table_print_bare(table, stdout);
    table_free(table);
}

static void print_all(const struct arguments *arguments)
{
    struct table *table = table_new("command\tsummary");
    puts("Usage: seqctl [OPTIONS] COMMAND [WORDS]\n"
         "Ask and administer seqd, the service of unique numbers.\n");
    for (size_t i = 0; i < arguments->command_count; i++) {
        const struct command *command = &arguments->commands[i];
        table_add(table, "  %s%s%s", command->name, command->usage[0] != '\0' ? " " : "",
                  command->usage);
        table_add(table, "%s", command->summary);
    }
    table_print_bare(table, stdout);
    table_free(table);
    puts("\nOptions of every command, before or after it:");
    print_options(OPTIONS_COMMON);
    puts("\nThe server is the one of -u or -s, else $SEQD_URL, else /run/seqd/seqd.sock if it is\n"
         "there, else http://127.0.0.1:8080. 'seqctl help COMMAND' tells more.\n");
    fputs(EXIT_STATUSES, stdout);
}

static void print_one(const struct command *command)
{
    printf("Usage: seqctl %s%s%s%s\n%s.\n", command->name, command->usage[0] != '\0' ? " " : "",
           command->usage, command->options != 0 ? " [OPTIONS]" : "", command->summary);
    if (command->help != NULL) {
        printf("\n%s", command->help);
    }
    if (command->options != 0) {
        puts("\nOptions:");
        print_options(command->options);
    }
    puts("\nThe options of every command: 'seqctl help'. More: 'man seqctl'.");
}

enum outcome help_run(const struct arguments *arguments)
{
    const struct command *command = NULL;
    if (arguments->word_count > 0) {
        const char *name = arguments->words[0];
        command = arguments_find(arguments->commands, arguments->command_count, name);
        if (command == NULL) {
            return outcome_fail(OUTCOME_USAGE, "there is no command '%s'; 'seqctl help' lists them",
                                name);
        }
    }
    if (command != NULL) {
        print_one(command);
    } else {
        print_all(arguments);
    }
    return OUTCOME_OK;
}
