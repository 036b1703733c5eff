/* record: the two records of the data file, to bytes and back. docs/DISK-FORMAT.md gives every
 * byte.
 *
 * The law: a record is believed only when its length, checksum, version and every field are right;
 * bytes kept for later must be zero. The checksum covers the key as well, so a record that turns up
 * under another name is refused.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_STORE_RECORD_H
#define SEQD_STORE_RECORD_H

#include "base/definition.h"
#include "base/error.h"
#include "base/floor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_SIZE 160 /* bytes of a sequence record */
#define RECORD_VERSION 1
#define META_SIZE 128 /* bytes of a meta record */
#define META_VERSION 1
#define META_ID_SIZE 16 /* bytes of an instance or incarnation id */

/* What is remembered of one sequence. */
struct record {
    struct definition definition;
    uint64_t generation; /* one more with every durable change */
    uint64_t mark;       /* high-water mark */
    bool dropped;        /* a tombstone: the definition and the mark are those of its last life */
    struct floor floor;  /* numbers of earlier lives, and from before a move backward */
};

/* What is remembered of the data set as a whole. */
struct meta {
    uint32_t version;                  /* of the whole format, META_VERSION */
    uint8_t instance[META_ID_SIZE];    /* random; the same in the sentinel */
    uint8_t incarnation[META_ID_SIZE]; /* random; changes with a restore or an adoption */
    uint64_t counter;                  /* durable commits so far */
    uint64_t created_ms;               /* wall clock at the initialisation, ms since 1970 */

    /* How much a copy may lack when it turns up again. */
    uint64_t committed_ms;     /* wall clock at the last commit */
    uint64_t window_ms;        /* when the running minute began … */
    uint64_t window_positions; /* … and what the counters leased in it */
    uint64_t rate;             /* positions a second, in the busiest minute of late */
    bool witnessed; /* a witness elsewhere was made: it must be there when it is wanted */

    uint64_t rows_owed; /* rows that the ledger left out and could not say so itself, yet */
};

void record_encode(const struct record *record, const char *name, uint8_t to[RECORD_SIZE]);

/* `bytes` as found under the key `name`.
 * ERR_CORRUPT  damaged, or not of this format; what exactly in `detail`. *ret_record is untouched.
 * */
__attribute__((warn_unused_result)) enum error record_decode(const void *bytes, size_t length,
                                                             const char *name,
                                                             struct record *ret_record,
                                                             struct error_detail *detail);

/* Positions a second in the running minute, as of `now_ms`. */
uint64_t meta_window_rate(const struct meta *meta, uint64_t now_ms);

/* `positions` more were leased of counters, at `now_ms`. */
void meta_count_leased(struct meta *meta, uint64_t positions, uint64_t now_ms);

#define RECORD_TEXT_SIZE 512 /* bytes of a record as text, with the NUL */

/* Every field but version and checksum as decimal numbers, each behind a blank, in the order of
 * docs/DISK-FORMAT.md. */
void record_write_text(const struct record *record, const char *name, char to[RECORD_TEXT_SIZE]);

/* What record_write_text() wrote. ERR_CORRUPT  it is not that, or impossible. */
__attribute__((warn_unused_result)) enum error record_read_text(const char *text, const char *name,
                                                                struct record *ret_record,
                                                                struct error_detail *detail);

void meta_encode(const struct meta *meta, uint8_t to[META_SIZE]);

/* ERR_CORRUPT  damaged. ERR_FENCED  whole, and of a newer version: both versions in `detail`. */
__attribute__((warn_unused_result)) enum error
meta_decode(const void *bytes, size_t length, struct meta *ret_meta, struct error_detail *detail);

#endif
