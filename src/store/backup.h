/* backup: a data set as text, to be kept elsewhere and brought back by an explicit act only.
 *
 * The law: what is read back is whole or refused: a header that names format, instance,
 * incarnation, commits and time, one line a sequence (tombstones too), and a checksum over all
 * before it. The text is no data directory, so nothing can start from it by mistake.
 *
 *     seqd-backup 2
 *     instance HEX incarnation HEX commits N time RFC3339 gap N rate N
 *     sequence NAME VALUE …     (the columns of record_write_text(), in order)
 *     ledger VALUE …            (the words of ledger_record_write_text(), oldest row first)
 *     missing N damaged N       (rows that the ledger itself did not have, or could not read)
 *     checksum HEX              (CRC-32C of all lines before)
 *
 * Threads: one at a time. */
#ifndef SEQD_STORE_BACKUP_H
#define SEQD_STORE_BACKUP_H

#include "base/definition.h"
#include "base/error.h"
#include "base/ledger_entry.h"
#include "record.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A backup that is being written. */
struct backup {
    FILE *to;     /* borrowed; it remembers its errors, which are the caller's to look for */
    uint32_t crc; /* of what was written */
};

/* The first two lines. `max_gap`, the largest of the counters, is for identity_propose_skip(). */
void backup_begin(struct backup *backup, FILE *to, const struct meta *meta, uint64_t max_gap);
void backup_add(struct backup *backup, const char *name, const struct record *record);
void backup_add_row(struct backup *backup, const struct ledger_entry *entry); /* after all those */
void backup_end(struct backup *backup, uint64_t missing, uint64_t damaged);

/* One that is being read, and the place in it. */
struct backup_reader {
    const char *at; /* borrowed */
    const char *end;
    unsigned line;
    struct meta meta; /* instance, incarnation, counter, committed_ms, rate */
    uint64_t max_gap;
    unsigned format;       /* 1, which had no ledger, or 2 */
    struct ledger_id last; /* of the rows that were read */
    uint64_t missing;      /* known at the end of the rows, as the next */
    uint64_t damaged;
};

/* Look at all `length` bytes of `text`: the first line, the checksum; then read the header.
 * ERR_CORRUPT  cut, altered or no backup: the line in `detail`. ERR_FENCED  of another format. */
__attribute__((warn_unused_result)) enum error backup_open(struct backup_reader *reader,
                                                           const char *text, size_t length,
                                                           struct error_detail *detail);

/* The next sequence; an empty name behind the last. ERR_CORRUPT  the line in `detail`. */
__attribute__((warn_unused_result)) enum error backup_next(struct backup_reader *reader,
                                                           char name[SEQUENCE_NAME_MAX + 1],
                                                           struct record *ret_record,
                                                           struct error_detail *detail);

/* The next row of the ledger, once there is no sequence any more; their ids rise, up to the
 * header's commits. `ret_entry->id.commit` is 0 at the end, and the reader then knows what the
 * ledger lacked. ERR_CORRUPT  the line in `detail`. */
__attribute__((warn_unused_result)) enum error backup_next_row(struct backup_reader *reader,
                                                               struct ledger_entry *ret_entry,
                                                               struct error_detail *detail);

#endif
