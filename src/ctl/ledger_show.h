/* ledger_show: rows of the ledger for people and for programs.
 *
 * Threads: any. */
#ifndef SEQD_CTL_LEDGER_SHOW_H
#define SEQD_CTL_LEDGER_SHOW_H

#include "base/ledger_entry.h"
#include "base/rfc3339.h"

#include <jansson.h>
#include <stdint.h>

#define LEDGER_SHOW_LIFE_SIZE (2 * LEDGER_INSTANCE_SIZE + 1) /* bytes of an id as text, with NUL */
#define LEDGER_SHOW_LIFE_SHORT 12                            /* digits of it that tables show */
#define LEDGER_SHOW_SIZE 192                                 /* bytes of a row in a few words */

/* An instance's or incarnation's id in hexadecimal. */
const char *ledger_show_life(const uint8_t id[LEDGER_INSTANCE_SIZE],
                             char to[LEDGER_SHOW_LIFE_SIZE]);

/* The moment, to the millisecond. */
const char *ledger_show_time(uint64_t time_ms, char to[RFC3339_SIZE]);

/* "row 12.0 of 2026-11-25T23:12:32.123Z (instance 7f0c2b6e91d3, incarnation 0b9d5c7a1e8f)". */
const char *ledger_show(const struct ledger_entry *entry, char to[LEDGER_SHOW_SIZE]);

/* As GET /v1/ledger has it; the caller gives it back. NULL: memory is out. */
json_t *ledger_show_json(const struct ledger_entry *entry);

/* A number of 64 bits as a member: a string. */
void ledger_show_uint64(json_t *object, const char *key, uint64_t value);
void ledger_show_int64(json_t *object, const char *key, int64_t value);

#endif
