#include "commands.h"

/* The one place that says what there is; the man page and the completion are compared with it. */
static const struct command table[] = {
    {.name = "next",
     .usage = "NAME [COUNT]",
     .summary = "Take numbers of a sequence and print them, one a line",
     .help = "COUNT is 1 without it. All of them or none: a server that has fewer left, or allows\n"
             "fewer at a time, says so. Asking again never repeats a number.\n",
     .words_min = 1,
     .words_max = 2,
     .run = next_run},
    {.name = "show",
     .usage = "NAME",
     .summary = "Show the definition, the state and the forecast of a sequence",
     .words_min = 1,
     .words_max = 1,
     .run = show_run},
    {.name = "status",
     .usage = "",
     .summary = "Show whether the server is ready, and what it has done; exit status 7: not ready",
     .words_max = 0,
     .run = status_run},
    {.name = "token",
     .usage = "new",
     .summary = "Make a token for clients over TCP, and its line for the server's file of tokens",
     .help = "No server is asked. The token is random (256 bits) and shown once; the server keeps\n"
             "only its hash. A client sends it as 'Authorization: Bearer TOKEN'; seqctl takes it\n"
             "from -t FILE or $SEQD_TOKEN.\n",
     .words_min = 1,
     .words_max = 1,
     .options = OPTION_BIT(OPTION_SCOPE) | OPTION_BIT(OPTION_NAMES) | OPTION_BIT(OPTION_EXPIRES),
     .run = token_run},
    {.name = "help",
     .usage = "[COMMAND]",
     .summary = "Explain all commands, or one",
     .words_max = 1,
     .run = help_run},
};

const struct command *commands_table(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}
