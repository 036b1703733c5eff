#include "arguments.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static_assert(OPTIONS_COUNT <= 64, "a command's options are the bits of 64");

static const struct option_text options[OPTIONS_COUNT] = {
    [OPTION_URL] = {'u', "url", "URL",
                    "the server, as http://127.0.0.1:8080 or unix:/PATH; else $SEQD_URL"},
    [OPTION_SOCKET] = {'s', "socket", "PATH", "the server's unix socket"},
    [OPTION_TOKEN] = {'t', "token-file", "FILE", "a file with the token; else $SEQD_TOKEN"},
    [OPTION_CA] = {0, "ca", "FILE", "trust these certificates (PEM) instead of the system's"},
    [OPTION_TIMEOUT] = {0, "timeout", "SECONDS", "wait so long for an answer (10)"},
    [OPTION_JSON] = {0, "json", NULL, "JSON for programs instead of text for people"},
    [OPTION_HELP] = {'h', "help", NULL, "explain the command"},
    [OPTION_VERSION] = {'V', "version", NULL, "print the version"},
    [OPTION_KIND] = {0, "kind", "KIND", "counter or timestamp (counter)"},
    [OPTION_START] = {0, "start", "N", "the first number (min; max when descending)"},
    [OPTION_INCREMENT] = {0, "increment", "N", "from one number to the next, not 0 (1)"},
    [OPTION_MIN] = {0, "min", "N", "no number is below it (1)"},
    [OPTION_MAX] = {0, "max", "N", "no number is above it (9223372036854775807)"},
    [OPTION_MAX_GAP] = {0, "max-gap", "N", "numbers that a crash may lose, at most (100000)"},
    [OPTION_LEASE] = {0, "lease", "N|auto", "numbers that one commit covers (auto)"},
    [OPTION_DURABILITY] = {0, "durability", "CLASS", "lease, or every: commit before each answer"},
    [OPTION_EPOCH] = {0, "epoch", "TIME", "timestamp: time 0, as 2025-01-01T00:00:00Z"},
    [OPTION_TIME_UNIT] = {0, "time-unit", "UNIT", "timestamp: 1ms, 10ms or 1s (1ms)"},
    [OPTION_MACHINE_BITS] = {0, "machine-bits", "N", "timestamp: width of the machine id"},
    [OPTION_NODE_BITS] = {0, "node-bits", "N", "timestamp: width of the node id"},
    [OPTION_COUNTER_BITS] = {0, "counter-bits", "N", "timestamp: width of the counter"},
    [OPTION_MACHINE_ID] = {0, "machine-id", "N", "timestamp: the machine id"},
    [OPTION_NODE_ID] = {0, "node-id", "N", "timestamp: the node id"},
    [OPTION_MAX_BORROW] = {0, "max-borrow", "MS", "timestamp: how far ahead of the clock, in ms"},
    [OPTION_FORCE] = {0, "force", NULL, "go backward, too: numbers may then come twice"},
    [OPTION_YES] = {'y', "yes", NULL, "do not ask whether you are sure"},
    [OPTION_NAMES_ONLY] = {0, "names-only", NULL, "print the names alone, one a line"},
    [OPTION_INTERVAL] = {'i', "interval", "SECONDS", "time between two looks (2)"},
    [OPTION_ROUNDS] = {'r', "rounds", "N", "end after so many looks"},
    [OPTION_SCOPE] = {0, "scope", "LIST", "what it may: issue, read, admin, with commas (issue)"},
    [OPTION_NAMES] = {0, "names", "PATTERN", "for sequences of such names, with * and ? (*)"},
    [OPTION_EXPIRES] = {0, "expires", "WHEN",
                        "2027-01-01T00:00:00Z, or from now: 90d, 12h (never)"},
    [OPTION_CONNECTIONS] = {'c', "connections", "N", "connections at a time (16)"},
    [OPTION_SECONDS] = {'d', "duration", "SECONDS", "how long (10)"},
    [OPTION_COUNT] = {'n', "count", "N", "numbers that each request asks for (1)"},
    [OPTION_REQUESTS] = {0, "requests", "N", "end after so many requests instead of a time"},
    [OPTION_GRPC] = {0, "grpc", "URL,…", "ask over gRPC, too: as grpc://127.0.0.1:9090"},
    [OPTION_ALSO] = {0, "also", "URL,…", "ask there, too: the same server by other addresses"},
    [OPTION_THROUGH] = {0, "through-restarts", NULL, "wait for a server that is away, and go on"},
    [OPTION_FROM] = {0, "from", "FILE|URL", "read this backup or server instead"},
};

const struct option_text *arguments_option(enum option_id id)
{
    assert(id < OPTIONS_COUNT);
    return &options[id];
}

const struct command *arguments_find(const struct command *commands, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* What is left to read. */
struct reader {
    int argc;
    char **argv;
    int at;
    bool words_only; /* after "--" */
};

static bool is_option(const struct reader *reader, const char *argument)
{
    return !reader->words_only && argument[0] == '-' && argument[1] != '\0' &&
           !(argument[1] >= '0' && argument[1] <= '9');
}

static enum error take_word(struct arguments *arguments, const char *word,
                            struct error_detail *detail)
{
    if (arguments->command == NULL) {
        arguments->command = arguments_find(arguments->commands, arguments->command_count, word);
        if (arguments->command == NULL) {
            return error_fail(detail, ERR_INVALID, "there is no command '%s'", word);
        }
        return ERR_OK;
    }
    if (arguments->word_count == ARGUMENTS_WORDS_MAX) {
        return error_fail(detail, ERR_INVALID, "'%s' is one word too many", word);
    }
    arguments->words[arguments->word_count++] = word;
    return ERR_OK;
}

/* The next argument, as the value of the option that `written` names. */
static enum error take_value(struct reader *reader, struct arguments *arguments, enum option_id id,
                             const char *written, struct error_detail *detail)
{
    if (reader->at == reader->argc) {
        return error_fail(detail, ERR_INVALID, "option '%s' has no value: %s %s", written, written,
                          options[id].value);
    }
    arguments->values[id] = reader->argv[reader->at++];
    return ERR_OK;
}

static enum error take_long(struct reader *reader, struct arguments *arguments,
                            const char *argument, struct error_detail *detail)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
        if (strlen(options[id].name) != length || memcmp(options[id].name, name, length) != 0) {
            continue;
        }
        bool has_value = name[length] == '=';
        if (options[id].value == NULL) {
            if (has_value) {
                return error_fail(detail, ERR_INVALID, "option '--%s' takes no value",
                                  options[id].name);
            }
            arguments->values[id] = "";
            return ERR_OK;
        }
        if (has_value) {
            arguments->values[id] = name + length + 1;
            return ERR_OK;
        }
        return take_value(reader, arguments, id, argument, detail);
    }
    return error_fail(detail, ERR_INVALID, "there is no option '%s'", argument);
}

static enum option_id find_letter(char letter)
{
    enum option_id id = 0;
    while (id < OPTIONS_COUNT && (options[id].letter == 0 || options[id].letter != letter)) {
        id++;
    }
    return id;
}

/* "-yt FILE": letters, of which the last may have a value, there or in the next argument. */
static enum error take_letters(struct reader *reader, struct arguments *arguments,
                               const char *argument, struct error_detail *detail)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        const char written[] = {'-', *letter, '\0'};
        enum option_id id = find_letter(*letter);
        if (id == OPTIONS_COUNT) {
            return error_fail(detail, ERR_INVALID, "there is no option '%s'", written);
        }
        if (options[id].value == NULL) {
            arguments->values[id] = "";
        } else if (letter[1] != '\0') {
            arguments->values[id] = letter + 1;
            return ERR_OK;
        } else {
            return take_value(reader, arguments, id, written, detail);
        }
    }
    return ERR_OK;
}

/* Does the command take what was given? */
static enum error check(const struct arguments *arguments, struct error_detail *detail)
{
    const struct command *command = arguments->command;
    if (arguments_has(arguments, OPTION_HELP) || arguments_has(arguments, OPTION_VERSION)) {
        return ERR_OK;
    }
    if (command == NULL) {
        return error_fail(detail, ERR_INVALID, "no command is named");
    }
    for (enum option_id id = 0; id < OPTIONS_COUNT; id++) {
        if (arguments_has(arguments, id) &&
            ((command->options | OPTIONS_COMMON) & OPTION_BIT(id)) == 0) {
            return error_fail(detail, ERR_INVALID, "'%s' has no option '--%s'", command->name,
                              options[id].name);
        }
    }
    if (arguments_has(arguments, OPTION_URL) && arguments_has(arguments, OPTION_SOCKET)) {
        return error_fail(detail, ERR_INVALID, "--url and --socket name two servers: give one");
    }
    if (arguments->word_count < command->words_min) {
        return error_fail(detail, ERR_INVALID, "something is missing: seqctl %s %s", command->name,
                          command->usage);
    }
    if (arguments->word_count > command->words_max) {
        return error_fail(detail, ERR_INVALID, "'%s' is one word too many: seqctl %s %s",
                          arguments->words[command->words_max], command->name, command->usage);
    }
    return ERR_OK;
}

enum error arguments_parse(int argc, char **argv, const struct command *commands, size_t count,
                           struct arguments *ret_arguments, struct error_detail *detail)
{
    struct reader reader = {.argc = argc, .argv = argv, .at = 1};
    *ret_arguments = (struct arguments){.commands = commands, .command_count = count};
    while (reader.at < argc) {
        const char *argument = argv[reader.at++];
        enum error error = ERR_OK;
        if (!is_option(&reader, argument)) {
            error = take_word(ret_arguments, argument, detail);
        } else if (argument[1] != '-') {
            error = take_letters(&reader, ret_arguments, argument, detail);
        } else if (argument[2] == '\0') {
            reader.words_only = true;
        } else {
            error = take_long(&reader, ret_arguments, argument, detail);
        }
        if (error != ERR_OK) {
            return error;
        }
    }
    return check(ret_arguments, detail);
}

enum outcome arguments_number(const struct arguments *arguments, enum option_id id, uint64_t min,
                              uint64_t max, uint64_t standard, uint64_t *ret_value)
{
    uint64_t value = standard;
    if (arguments_has(arguments, id) &&
        (text_parse_uint64(arguments->values[id], max, &value) != ERR_OK || value < min)) {
        return outcome_fail(OUTCOME_USAGE,
                            "--%s is '%s', it must be a whole number from %" PRIu64 " to %" PRIu64,
                            options[id].name, arguments->values[id], min, max);
    }
    *ret_value = value;
    return OUTCOME_OK;
}
