/* ledger_record: a row of the ledger and its head, to bytes and back; and a row as a line of a
 * backup. docs/DISK-FORMAT.md gives every byte.
 *
 * The law: as for the records (record.h): a row is believed only when its length, checksum, version
 * and every field are right. The checksum covers the key, so a row that turns up under another id
 * is refused. Keys sort as bytes in the order in which the rows were written.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_STORE_LEDGER_RECORD_H
#define SEQD_STORE_LEDGER_RECORD_H

#include "base/error.h"
#include "base/ledger_entry.h"

#include <stddef.h>
#include <stdint.h>

#define LEDGER_RECORD_VERSION 1
#define LEDGER_KEY_SIZE 12
#define LEDGER_RECORD_FIXED 128 /* bytes of a row without its name */
#define LEDGER_RECORD_MAX (LEDGER_RECORD_FIXED + SEQUENCE_NAME_MAX)
#define LEDGER_HEAD_SIZE 32
#define LEDGER_TEXT_SIZE 640 /* bytes of a row as text, with the NUL */

/* What the ledger says of itself, under the key of the id {0, 0}. */
struct ledger_head {
    uint64_t missing;        /* rows that were not written, because there was no room for them */
    uint64_t missing_commit; /* the commit that told of the last of them; 0: there is none */
};

void ledger_key_encode(struct ledger_id id, uint8_t to[LEDGER_KEY_SIZE]);

/* ERR_CORRUPT  it is no key. */
__attribute__((warn_unused_result)) enum error ledger_key_decode(const void *bytes, size_t length,
                                                                 struct ledger_id *ret_id);

/* A checked row. Returns its length, LEDGER_RECORD_MAX at most. */
size_t ledger_record_encode(const struct ledger_entry *entry, uint8_t to[LEDGER_RECORD_MAX]);

/* What was found under the key of `id`. ERR_CORRUPT  damaged, or not of this format; what exactly
 * in `detail`. */
__attribute__((warn_unused_result)) enum error
ledger_record_decode(const void *bytes, size_t length, struct ledger_id id,
                     struct ledger_entry *ret_entry, struct error_detail *detail);

void ledger_head_encode(const struct ledger_head *head, uint8_t to[LEDGER_HEAD_SIZE]);

/* ERR_CORRUPT. */
__attribute__((warn_unused_result)) enum error ledger_head_decode(const void *bytes, size_t length,
                                                                  struct ledger_head *ret_head);

/* A checked row as the words behind "ledger" in a line of a backup, each behind a blank. */
void ledger_record_write_text(const struct ledger_entry *entry, char to[LEDGER_TEXT_SIZE]);

/* What ledger_record_write_text() wrote. ERR_CORRUPT  it is not that, or impossible. */
__attribute__((warn_unused_result)) enum error
ledger_record_read_text(const char *text, struct ledger_entry *ret_entry,
                        struct error_detail *detail);

#endif
