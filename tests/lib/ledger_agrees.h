/* ledger_agrees: holds a store's ledger against its marks.
 *
 * The law: of a sequence that was never dropped, given other numbers or moved backward, the mark is
 * where the newest row has left it, and 0 where there is none; and no row leases what an earlier
 * one has leased, unless it was given back. Of every sequence, no row is newer than the record. So
 * a row whose mark is not on the disk shows, and a mark whose row is not there.
 *
 * Where rows are missing or damaged, only those that are there are held against each other, and
 * only by their generations. It is for stores so young that no row was forgotten.
 *
 * Threads: one at a time; the one that owns the store. */
#ifndef SEQD_TESTS_LIB_LEDGER_AGREES_H
#define SEQD_TESTS_LIB_LEDGER_AGREES_H

#include "store/store.h"

#include <stdbool.h>

/* ERR_OK; ERR_CORRUPT  they do not agree: how, in `detail`. Or what the store returned. Up to
 * LEDGER_AGREES_MAX sequences. `ret_whole`: no row is missing or damaged; written on ERR_OK. */
#define LEDGER_AGREES_MAX 64
__attribute__((warn_unused_result)) enum error ledger_agrees(struct store *store, bool *ret_whole,
                                                             struct error_detail *detail);

#endif
