/* The inside of the script, shared by its two files: script.c, and script_lives.c for the sequence
 * that lives several times; and by rigs that let it do more. */
#ifndef SEQD_TESTS_LIB_SCRIPT_INSIDE_H
#define SEQD_TESTS_LIB_SCRIPT_INSIDE_H

#include "script.h"
#include "store/store_lmdb.h"

#define SCRIPT_TRIES_MAX 4 /* a fault that comes once is gone by the second */

/* What a failing disk may make of a call; anything else is a false accusation and ends the test. */
void script_check_code(struct script *script, enum error error, const struct error_detail *detail);

/* How it opens its store. */
struct store_lmdb_options script_options(const struct script *script);

/* Open it, after a few tries. False: the disk does not get well. */
bool script_open(struct script *script, struct store **ret_store);

/* Grant from all sequences that are only leased from, in one commit. False likewise. */
bool script_reserve(struct script *script, struct store *store);

/* Let the store recover. False: it does not. */
bool script_recover(struct script *script, struct store *store);

/* From now on `fact` has this value. */
void script_tell(struct script *script, size_t fact, uint64_t value);

/* The part of the one that lives several times. False when the disk does not get well. */
bool script_live_again(struct script *script, struct store *store);

/* Hold it against the facts: what is there, and what comes of it when it is dropped and defined
 * anew. */
void script_check_lives(struct store *store, const uint64_t facts[SCRIPT_FACTS]);

#endif
