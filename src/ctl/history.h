/* history: the rows and marks of all ledgers and backups that are looked at together.
 *
 * The law: nothing is judged here and nothing left out: each row is kept as it came, under the
 * input that it came from, in that input's order. A row takes 88 bytes; what repeats (names,
 * data sets, mappings) is kept once.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_HISTORY_H
#define SEQD_CTL_HISTORY_H

#include "base/definition.h"
#include "base/error.h"
#include "base/ledger_entry.h"
#include "comb.h"
#include "intern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_INPUTS_MAX 16

/* One life of a data set. */
struct history_life {
    uint8_t instance[LEDGER_INSTANCE_SIZE];
    uint8_t incarnation[LEDGER_INSTANCE_SIZE];
};

struct history_row {
    struct ledger_id id;
    uint64_t time_ms;
    uint64_t nonce;
    uint64_t generation;
    struct range positions;
    uint64_t from;
    uint32_t life;
    uint32_t name;
    uint32_t mapping;
    uint8_t act;   /* enum ledger_act */
    uint8_t input; /* that it came from first */

    /* The verifier's. */
    uint16_t seen; /* a bit for each input that has it; 0: another row stands for this one */
    uint64_t held; /* of a lease: its limit once what was given back is taken off */
};

/* How far a sequence of an input is. */
struct history_mark {
    uint32_t name;
    uint32_t mapping;
    uint8_t input;
    uint64_t mark;
};

/* A ledger or a backup. Its rows follow each other. */
struct history_input {
    const char *name; /* borrowed */
    size_t first;
    size_t count;
};

struct history {
    struct history_row *rows;
    size_t count;
    size_t room;
    struct history_mark *marks;
    size_t mark_count;
    size_t mark_room;
    struct history_input inputs[HISTORY_INPUTS_MAX];
    size_t input_count;
    struct intern names;
    struct intern mappings;
    struct intern lives;
};

void history_init(struct history *history);
void history_fini(struct history *history);

/* What is added from here on belongs to `name`, borrowed; HISTORY_INPUTS_MAX of them at most. */
void history_begin(struct history *history, const char *name);

/* `entry` was checked, and mapping_holds(). ERR_NO_MEMORY: it is not added. */
__attribute__((warn_unused_result)) enum error history_add(struct history *history,
                                                           const struct ledger_entry *entry);

/* The mark of the sequence `name`. ERR_NO_MEMORY: it is not added. */
__attribute__((warn_unused_result)) enum error history_add_mark(struct history *history,
                                                                const char *name,
                                                                const struct definition *definition,
                                                                uint64_t mark);

const char *history_name(const struct history *history, uint32_t name);
struct mapping history_mapping(const struct history *history, uint32_t mapping);
const struct history_life *history_life(const struct history *history, uint32_t life);

/* The row as it came. */
struct ledger_entry history_entry(const struct history *history, const struct history_row *row);

/* What makes numbers of the positions of a row of the ledger. */
struct mapping mapping_of_entry(const struct ledger_entry *entry);

#endif
