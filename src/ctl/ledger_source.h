/* ledger_source: reads a whole ledger, and how far its sequences are, from a server or a backup.
 *
 * The law: rows come in the order in which they were written, each once, or the source is refused;
 * a backup counts only when its checksum is right, which is known at its end: what came before the
 * failure is not to be used. What the source says is missing from it is passed on. What a call does
 * not return as OUTCOME_OK it has said.
 *
 * Threads: one. */
#ifndef SEQD_CTL_LEDGER_SOURCE_H
#define SEQD_CTL_LEDGER_SOURCE_H

#include "arguments.h"
#include "base/error.h"
#include "base/ledger_entry.h"
#include "ledger_row.h"
#include "outcome.h"
#include "session.h"

#include <stdbool.h>
#include <stdint.h>

/* What is done with what is read. ERR_NO_MEMORY ends it. */
struct ledger_sink {
    void *context;
    enum error (*row)(void *context, const struct ledger_entry *entry);
    enum error (*mark)(void *context, const struct ledger_mark *mark);
};

/* What is asked of a server, which then sends no other rows. A backup is always read whole. */
struct ledger_wish {
    const char *name; /* NULL: rows of every sequence */
    bool has_number;  /* only of positions of which one has `number` */
    int64_t number;
};

/* What a source says of itself. */
struct ledger_about {
    struct ledger_id oldest; /* that it keeps; commit 0: there is none */
    uint64_t oldest_ms;      /* when that was written; 0: not known */
    uint64_t missing;        /* rows that were never written for want of room */
    uint64_t damaged;        /* rows that cannot be read */
    bool none;               /* a backup from before there was a ledger */
};

/* Is it a server's URL, or else the path of a file? */
bool ledger_source_is_url(const char *word);

/* Read the source that `word` names; NULL: the server of the common options.
 * OUTCOME_UNREADABLE  it is not what it should be, or cannot be read. Others as session_ask(). */
__attribute__((warn_unused_result)) enum outcome
ledger_source_read(const struct arguments *arguments, const char *word,
                   const struct ledger_wish *wish, const struct ledger_sink *sink,
                   struct ledger_about *ret_about);

#endif
