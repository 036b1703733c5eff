/* arguments: the command line of seqctl: a command, its words, and options anywhere between them.
 *
 * The law: what is not understood is refused, with what was wrong; nothing is guessed and no option
 * is abbreviated. An option has one meaning wherever it stands; a command that does not take it
 * refuses it. Of an option that is given twice the last counts. A word that begins with '-' and a
 * digit is a number, not an option, so that `advance debts -5` needs no '--'.
 *
 * Threads: any; pure functions. Every text belongs to argv. */
#ifndef SEQD_CTL_ARGUMENTS_H
#define SEQD_CTL_ARGUMENTS_H

#include "base/error.h"
#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGUMENTS_WORDS_MAX 16

enum option_id {
    /* Every command takes these. */
    OPTION_URL,
    OPTION_SOCKET,
    OPTION_TOKEN,
    OPTION_CA,
    OPTION_TIMEOUT,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,

    /* The definition of a sequence. */
    OPTION_KIND,
    OPTION_START,
    OPTION_INCREMENT,
    OPTION_MIN,
    OPTION_MAX,
    OPTION_MAX_GAP,
    OPTION_LEASE,
    OPTION_DURABILITY,
    OPTION_EPOCH,
    OPTION_TIME_UNIT,
    OPTION_MACHINE_BITS,
    OPTION_NODE_BITS,
    OPTION_COUNTER_BITS,
    OPTION_MACHINE_ID,
    OPTION_NODE_ID,
    OPTION_MAX_BORROW,

    OPTION_FORCE,
    OPTION_YES,
    OPTION_NAMES_ONLY,
    OPTION_INTERVAL,
    OPTION_ROUNDS,
    OPTION_SCOPE,
    OPTION_NAMES,
    OPTION_EXPIRES,
    OPTION_CONNECTIONS,
    OPTION_SECONDS,
    OPTION_COUNT,
    OPTION_REQUESTS,
    OPTION_GRPC,
    OPTION_ALSO,
    OPTION_THROUGH,
    OPTION_FROM,

    OPTIONS_COUNT
};

#define OPTION_BIT(id) (UINT64_C(1) << (id))
#define OPTIONS_COMMON \
    (OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_SOCKET) | OPTION_BIT(OPTION_TOKEN) | \
     OPTION_BIT(OPTION_CA) | OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_JSON) | \
     OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))

/* An option as people see it. */
struct option_text {
    char letter;       /* 0: none */
    const char *name;  /* without the dashes */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
};

struct arguments;

/* One entry of the table of commands. */
struct command {
    const char *name;
    const char *usage; /* its words, such as "NAME [COUNT]" */
    const char *summary;
    const char *help; /* more, in lines; may be NULL */
    unsigned words_min;
    unsigned words_max;
    uint64_t options; /* OPTION_BIT() of those it takes beside OPTIONS_COMMON */
    enum outcome (*run)(const struct arguments *arguments);
};

struct arguments {
    const struct command *commands; /* the whole table, for `help` */
    size_t command_count;
    const struct command *command; /* NULL: none was named */
    const char *words[ARGUMENTS_WORDS_MAX];
    unsigned word_count;
    const char *values[OPTIONS_COUNT]; /* NULL: not given; "" for an option without a value */
};

/* How `id` is written and what it means. */
const struct option_text *arguments_option(enum option_id id);

/* The entry called `name`; NULL when there is none. */
const struct command *arguments_find(const struct command *commands, size_t count,
                                     const char *name);

/* Understand a command line by the table of `count` commands. With --help or --version the rest
 * need not be complete. ERR_INVALID, what is wrong in `detail`; `ret_arguments` then says which
 * command it was, if any. */
__attribute__((warn_unused_result)) enum error
arguments_parse(int argc, char **argv, const struct command *commands, size_t count,
                struct arguments *ret_arguments, struct error_detail *detail);

static inline bool arguments_has(const struct arguments *arguments, enum option_id id)
{
    return arguments->values[id] != NULL;
}

/* The value of `id` as a whole number from `min` to `max`; `standard` when it was not given. Says
 * what is wrong otherwise: OUTCOME_USAGE. */
__attribute__((warn_unused_result)) enum outcome arguments_number(const struct arguments *arguments,
                                                                  enum option_id id, uint64_t min,
                                                                  uint64_t max, uint64_t standard,
                                                                  uint64_t *ret_value);

#endif
