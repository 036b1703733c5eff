#include "commands.h"

#include "history.h"

/* What counts from its creation on, and what may be altered at any time. */
#define ALTERED \
    (OPTION_BIT(OPTION_MAX_GAP) | OPTION_BIT(OPTION_LEASE) | OPTION_BIT(OPTION_DURABILITY) | \
     OPTION_BIT(OPTION_MAX_BORROW))
#define CREATED \
    (ALTERED | OPTION_BIT(OPTION_KIND) | OPTION_BIT(OPTION_START) | OPTION_BIT(OPTION_INCREMENT) | \
     OPTION_BIT(OPTION_MIN) | OPTION_BIT(OPTION_MAX) | OPTION_BIT(OPTION_EPOCH) | \
     OPTION_BIT(OPTION_TIME_UNIT) | OPTION_BIT(OPTION_MACHINE_BITS) | \
     OPTION_BIT(OPTION_NODE_BITS) | OPTION_BIT(OPTION_COUNTER_BITS) | \
     OPTION_BIT(OPTION_MACHINE_ID) | OPTION_BIT(OPTION_NODE_ID))

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
    {.name = "list",
     .usage = "[PREFIX]",
     .summary = "List the sequences, or those whose names begin with PREFIX",
     .words_max = 1,
     .options = OPTION_BIT(OPTION_NAMES_ONLY),
     .run = list_run},
    {.name = "show",
     .usage = "NAME",
     .summary = "Show the definition, the state and the forecast of a sequence",
     .words_min = 1,
     .words_max = 1,
     .run = show_run},
    {.name = "create",
     .usage = "NAME",
     .summary = "Create a sequence; exit status 5 when it is there with another definition",
     .help = "What is not given has the server's default. Creating it again with the same\n"
             "definition changes nothing. A name that was dropped goes on above its old numbers.\n",
     .words_min = 1,
     .words_max = 1,
     .options = CREATED,
     .run = create_run},
    {.name = "alter",
     .usage = "NAME",
     .summary = "Change what may be changed of a sequence; the rest is fixed at its creation",
     .words_min = 1,
     .words_max = 1,
     .options = ALTERED,
     .run = alter_run},
    {.name = "advance",
     .usage = "NAME PAST",
     .summary = "Let a sequence go on behind the number PAST",
     .help = "Forward only, unless --force is given: going back may give numbers out twice. On a\n"
             "terminal --force asks whether that is meant, unless --yes says so.\n",
     .words_min = 2,
     .words_max = 2,
     .options = OPTION_BIT(OPTION_FORCE) | OPTION_BIT(OPTION_YES),
     .run = advance_run},
    {.name = "drop",
     .usage = "NAME",
     .summary = "Drop a sequence; its numbers never come again, even if it is created anew",
     .help = "On a terminal it asks whether that is meant, unless --yes says so.\n",
     .words_min = 1,
     .words_max = 1,
     .options = OPTION_BIT(OPTION_YES),
     .run = drop_run},
    {.name = "backup",
     .usage = "FILE",
     .summary = "Write all that the server remembers to FILE, durably, for 'seqd --restore'",
     .help =
         "The server goes on meanwhile. No server starts from FILE by itself: a restore has to\n"
         "say how many numbers to skip.\n",
     .words_min = 1,
     .words_max = 1,
     .run = backup_run},
    {.name = "verify",
     .usage = "[FILE|URL]...",
     .summary = "Prove by ledgers that no number was leased twice; exit status 1: one was",
     .help =
         "Without words, of the server. With words, of backups (FILE) and servers (URL) together,\n"
         "such as all nodes of a cluster, or a server and the backups of what its ledger has\n"
         "forgotten. It says what the record does not tell of.\n",
     .words_max = HISTORY_INPUTS_MAX,
     .run = verify_run},
    {.name = "whois",
     .usage = "NUMBER [SEQUENCE]",
     .summary = "Name the lease that a number is of; exit status 4: none is on record",
     .help = "By the ledger of the server, or by that of a backup or another server (--from).\n",
     .words_min = 1,
     .words_max = 2,
     .options = OPTION_BIT(OPTION_FROM),
     .run = whois_run},
    {.name = "status",
     .usage = "",
     .summary = "Show whether the server is ready, and what it has done; exit status 7: not ready",
     .words_max = 0,
     .run = status_run},
    {.name = "top",
     .usage = "",
     .summary = "Show what the server is doing, again and again, busiest sequences first",
     .help =
         "On a terminal it fills the screen, until q or ^C. Elsewhere it prints lines: one for\n"
         "the service, and one for each sequence that gave out numbers.\n",
     .words_max = 0,
     .options = OPTION_BIT(OPTION_INTERVAL) | OPTION_BIT(OPTION_ROUNDS),
     .run = top_run},
    {.name = "decode",
     .usage = "NAME NUMBER",
     .summary = "Show the time, machine, node and counter in a number of a timestamp sequence",
     .words_min = 2,
     .words_max = 2,
     .run = decode_run},
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
    {.name = "bench",
     .usage = "[NAME]",
     .summary = "Load the server and tell how fast it answers; takes numbers for good",
     .help =
         "Each connection asks again as soon as it is answered. Every number is judged as 'check'\n"
         "does. NAME is 'default' without it.\n"
         "^C ends the load early and still tells the figures.\n",
     .words_max = 1,
     .options =
         OPTION_BIT(OPTION_CONNECTIONS) | OPTION_BIT(OPTION_SECONDS) | OPTION_BIT(OPTION_COUNT),
     .run = bench_run},
    {.name = "check",
     .usage = "[NAME]",
     .summary = "Load the server and judge every number that it answers; takes numbers for good",
     .help =
         "Asks over many connections, as JSON, as text and over gRPC, and tells what was\n"
         "attempted, acknowledged (ok, fail, or info: of unknown outcome), duplicated and out of\n"
         "order, and which numbers were never seen. Exit status: 0 every promise was held, 1 one\n"
         "was broken, 2 and more: it could not be checked. NAME is 'default' without it. ^C ends\n"
         "it early and still tells the verdict.\n",
     .words_max = 1,
     .options = OPTION_BIT(OPTION_CONNECTIONS) | OPTION_BIT(OPTION_SECONDS) |
                OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_REQUESTS) | OPTION_BIT(OPTION_GRPC) |
                OPTION_BIT(OPTION_ALSO) | OPTION_BIT(OPTION_THROUGH),
     .run = check_run},
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
