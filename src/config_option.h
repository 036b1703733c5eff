/* config_option: every option that the configuration knows, in one table.
 *
 * The law: what stands here is what the daemon accepts, what conf/seqd.conf shows and what
 * docs/CONFIGURATION.md says; `make check-options` and a test compare them.
 *
 * Threads: any; the table is constant. */
#ifndef SEQD_CONFIG_OPTION_H
#define SEQD_CONFIG_OPTION_H

#include "base/definition.h"
#include "base/error.h"
#include "config_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_SECTION_SEQUENCE "sequence" /* stands for every [sequence:NAME] */
#define OPTIONS_MAX 64                     /* entries in the table, at most */
#define OPTION_RANGE_SIZE 128              /* bytes for a range in words, with its NUL */

enum option_reload {
    OPTION_RELOADS,  /* SIGHUP applies it */
    OPTION_RESTARTS, /* it counts from the next start on */
    OPTION_CREATES,  /* it counts when a sequence is created, and is fixed from then on */
};

/* A word that stands for a value. */
struct option_word {
    const char *word; /* NULL ends a list */
    int64_t value;
};

struct option {
    const char *
        section; /* "seqd" and "http": a field of struct config; "sequence": of struct definition */
    const char *key;
    enum value_kind kind;
    size_t offset; /* of the field, in bytes */
    size_t size;   /* of the field, in bytes */
    int64_t min;   /* integers only */
    int64_t max;
    const struct option_word *words; /* accepted beside, or instead of, an integer; NULL: none */
    const char *unit;                /* what is counted, for people */
    const char *standard;            /* the value when the file has none, as one would write it */
    enum option_reload reload;
    const char *meaning;
};

/* The table; `ret_count` entries, OPTIONS_MAX at most. */
const struct option *option_table(size_t *ret_count);

/* The option's index in the table, or -1. */
int option_find(const char *section, const char *key);

/* What was not said in the keys of a sequence follows from its kind, and from what was said: bit i
 * of `said` is that of the option of index i. What belongs to the other kind stays as it was said,
 * for definition_check() to refuse. */
void option_complete(struct definition *definition, uint64_t said);

/* Its place in `fields`, a struct config or struct definition. */
static inline void *option_field(const struct option *option, void *fields)
{
    return (char *)fields + option->offset;
}

/* Understand `text` and write it to its field. ERR_INVALID, with the range in `detail`; nothing is
 * written then. */
__attribute__((warn_unused_result)) enum error option_set(const struct option *option, void *fields,
                                                          const char *text,
                                                          struct error_detail *detail);

/* What the option accepts, in words: "1 to 1000000", "'auto' or 1 to 256", "'lease' or 'every'". */
void option_range(const struct option *option, char to[OPTION_RANGE_SIZE]);

/* Do both hold the same value? */
bool option_same(const struct option *option, const void *a, const void *b);

/* Copy the value. */
void option_copy(const struct option *option, void *to, const void *from);

#endif
