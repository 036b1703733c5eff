/* seqctl: asks and administers seqd over its unix socket or a URL. A roof of its own: it knows the
 * server only by what HTTP says, and links none of the floors but base. */

#include "arguments.h"
#include "base/version.h"
#include "commands.h"
#include "outcome.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* --help, after a command or alone, is the command `help`. */
static enum outcome help_on(const struct arguments *arguments)
{
    struct arguments help = *arguments;
    help.word_count = 0;
    if (arguments->command != NULL) {
        help.words[help.word_count++] = arguments->command->name;
    }
    return help_run(&help);
}

static enum outcome refuse(const struct arguments *arguments, const char *what)
{
    const struct command *command = arguments->command;
    return outcome_fail(OUTCOME_USAGE, "%s; 'seqctl help%s%s' tells more", what,
                        command != NULL ? " " : "", command != NULL ? command->name : "");
}

static enum outcome run(int argc, char **argv)
{
    struct arguments arguments;
    struct error_detail detail = {.text = ""};
    size_t count = 0;
    const struct command *commands = commands_table(&count);
    if (arguments_parse(argc, argv, commands, count, &arguments, &detail) != ERR_OK) {
        return refuse(&arguments, detail.text);
    }
    if (arguments_has(&arguments, OPTION_VERSION)) {
        printf("seqctl %s\n", SEQD_VERSION);
        return OUTCOME_OK;
    }
    if (arguments_has(&arguments, OPTION_HELP)) {
        return help_on(&arguments);
    }
    return arguments.command->run(&arguments);
}

int main(int argc, char **argv)
{
    /* A reader that went away, or a server, is an error of a write, not the end of the program. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) != 0) {
        return OUTCOME_FAILED;
    }
    enum outcome outcome = run(argc, argv);
    int error = fflush(stdout) != 0 ? errno : ferror(stdout) != 0 ? EIO : 0;
    if (error != 0) {
        if (error != EPIPE) {
            outcome_say("cannot write the result: %s", strerror(error));
        }
        return outcome != OUTCOME_OK ? (int)outcome : OUTCOME_FAILED;
    }
    return (int)outcome;
}
