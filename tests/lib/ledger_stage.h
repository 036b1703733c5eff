/* ledger_stage: a data directory with a ledger, and ways to read, age and damage it.
 *
 * Every failure of a helper ends the test.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_LEDGER_STAGE_H
#define SEQD_TESTS_LIB_LEDGER_STAGE_H

#include "dir.h"

#include "store/store_lmdb.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a walk over the whole ledger finds. */
struct ledger_stage_look {
    size_t rows; /* that are whole */
    uint64_t damaged;
    uint64_t missing;
    struct ledger_id oldest;   /* as the store says */
    struct ledger_entry first; /* the oldest whole row */
    struct ledger_entry last;  /* the newest */
};

/* The default options, on any file system. */
struct store_lmdb_options ledger_stage_options(const struct dir *dir);

struct store *ledger_stage_open(const struct store_lmdb_options *options);

/* Define `name`, a counter from 1 on. */
void ledger_stage_define(struct store *store, const char *name);

/* One commit, which leases `count` positions of `name`. */
struct range ledger_stage_lease(struct store *store, const char *name, uint64_t count);

/* Define `count` sequences, STORE_REQUESTS_MAX at most. And lease of the first `count` of them in
 * one commit; what store_reserve() returns. */
void ledger_stage_define_many(struct store *store, size_t count);
enum error ledger_stage_lease_many(struct store *store, size_t count, struct error_detail *detail);

struct ledger_stage_look ledger_stage_look(struct store *store);

/* Of a closed directory: the pages of the table `ledger`; 0 when there is none. */
size_t ledger_stage_pages(const struct dir *dir);

/* Of a closed directory: make it one of an earlier seqd, without the table. */
void ledger_stage_remove(const struct dir *dir);

/* Of a closed directory: turn a bit in the row of `id`, so that LMDB does not notice. */
void ledger_stage_turn(const struct dir *dir, struct ledger_id id);

#endif
