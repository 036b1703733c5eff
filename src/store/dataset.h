/* dataset: the directory, its sentinel and its LMDB environment as one thing with a commit counter.
 *
 * The law: a data set is trusted only after its data file was read back, belongs to the sentinel's
 * instance and incarnation, has at least as many commits as the sentinel has witnessed and as this
 * process has seen succeed, lies in the files and on the machine that the sentinel remembers, and
 * has taken one more commit, which covers no number. The last start and the last clean stop made
 * the sentinel anew, so an older copy of both files is noticed even when it was written over them.
 *
 * Initialisation, each step durable before the next:
 *   1 a sentinel that says `initialising`   2 the data file, filled with zeros
 *   3 the first commit: tables and meta record   4 a sentinel that says `initialised`
 * A crash before step 4 leaves `initialising`: nothing was ever issued, and the next start begins
 * again. After step 4 a data file is never made again.
 *
 * Threads: one at a time. */
#ifndef SEQD_STORE_DATASET_H
#define SEQD_STORE_DATASET_H

#include "base/error.h"
#include "directory.h"
#include "elsewhere.h"
#include "environment.h"
#include "ledger.h"
#include "record.h"
#include "sentinel.h"
#include "store/store_lmdb.h"

#include <stdbool.h>
#include <stdint.h>

struct dataset {
    struct directory directory;
    struct sentinel sentinel;
    struct environment environment;
    struct ledger ledger;
    struct elsewhere elsewhere; /* the witness on another file system */
    struct meta meta;           /* as of the last commit that this process saw succeed */
    bool trusted;               /* the last start, or recovery, has come to its end */
    enum store_lmdb_identity identity;
    uint8_t machine[STORE_LMDB_MACHINE_SIZE]; /* this one's */
};

/* What a commit changes beside the meta record. `apply` is NULL for nothing; it may run more than
 * once, each time in a transaction that has seen nothing of the runs before. */
struct change {
    enum error (*apply)(struct environment *environment, MDB_txn *txn, void *context,
                        struct error_detail *detail);
    void *context;
};

/* The options with what they leave open filled in. ERR_INVALID  a size outside its limits. */
__attribute__((warn_unused_result)) enum error
dataset_complete_options(const struct store_lmdb_options *options,
                         struct store_lmdb_options *ret_whole, struct error_detail *detail);

/* Lock the directory, initialise it if it is empty, and start. Errors as store_lmdb_open();
 * dataset_close() is called for all of them. */
__attribute__((warn_unused_result)) enum error
dataset_open(struct dataset *dataset, const struct store_lmdb_options *options,
             struct error_detail *detail);

/* Take what lies in the directory for the one and only, `change` and a new incarnation in one
 * commit; dataset_close() comes next, whatever it returns. Errors as store_lmdb_adopt(). */
__attribute__((warn_unused_result)) enum error
dataset_adopt(struct dataset *dataset, const struct store_lmdb_options *options,
              const struct change *change, struct error_detail *detail);

/* Let go of all but the directory's lock, and start again: after a failure. May be called again. */
__attribute__((warn_unused_result)) enum error dataset_reopen(struct dataset *dataset,
                                                              struct error_detail *detail);

/* Wall clock, ms since 1970. Nothing depends on it but what a message proposes, and how long the
 * ledger remembers. */
uint64_t dataset_now_ms(void);

/* Commit `change` durably, in a map that grows as needed, with its rows in the ledger where that
 * can be.
 * ERR_UNAVAILABLE with `environment.full`  no room; nothing was written and nothing has changed.
 * ERR_CORRUPT  found before anything was written.
 * Others: the outcome is unknown, dataset_reopen() comes next. ERR_FENCED  see directory.h. */
__attribute__((warn_unused_result)) enum error
dataset_commit(struct dataset *dataset, const struct change *change, struct error_detail *detail);

/* The same in a data file that has no tables yet: makes them. */
__attribute__((warn_unused_result)) enum error dataset_commit_first(struct dataset *dataset,
                                                                    const struct change *change,
                                                                    struct error_detail *detail);

/* Make a new data set of an empty directory, with `change` in its first commit, which is counted as
 * the one after `commits`, so that the ledger's rows go on behind those that it brings along;
 * dataset_close() comes next, whatever it returns. ERR_INVALID  not empty. Others as
 * store_lmdb_open(). */
__attribute__((warn_unused_result)) enum error
dataset_restore(struct dataset *dataset, const struct store_lmdb_options *options,
                const struct change *change, uint64_t commits, struct error_detail *detail);

/* The last commit leased so many positions of counters: how much a copy may lack, once it turns up.
 * Written with the next commit. */
void dataset_count_leased(struct dataset *dataset, uint64_t positions);

/* Have the sentinel witness the last commit. */
__attribute__((warn_unused_result)) enum error dataset_witness(struct dataset *dataset,
                                                               struct error_detail *detail);

/* Half-open is accepted. */
void dataset_close(struct dataset *dataset);

#endif
