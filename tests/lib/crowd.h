/* crowd: many threads that take blocks from sequences, wait where they must, and write down what
 * they got.
 *
 * The law: a wait that does not end long after its deadline ends the program with a message: a
 * call was lost.
 *
 * Threads: start, watch and join by one; the threads themselves are the crowd's. */
#ifndef SEQD_TESTS_LIB_CROWD_H
#define SEQD_TESTS_LIB_CROWD_H

#include "ledger.h"

#include "core/sequence.h"

#include <stdbool.h>
#include <stdint.h>

#define CROWD_SEQUENCES_MAX 4
#define CROWD_LOST_MS 30000 /* a wait that outlives its deadline by this was lost */

struct crowd_options {
    unsigned threads;
    unsigned spinners; /* so many of them never wait: they ask again at once */
    uint64_t seed;
    uint64_t count_max;   /* a block has 1 … so many numbers */
    unsigned wait_max_ms; /* how long a wait may take: 1 … so many; 0: as long as it takes */
    unsigned gone_one_in; /* one client in so many has gone when its turn comes; 0: none */
};

struct crowd;

/* Never NULL: without threads or memory the test ends. `sequences` are borrowed until the end. */
struct crowd *crowd_start(const struct crowd_options *options, struct sequence *const sequences[],
                          unsigned count);

/* Requests that were answered until now, with numbers or without. */
uint64_t crowd_requests(struct crowd *crowd);

/* The fewest refusals that any of the threads has had until now. */
uint64_t crowd_refusals_least(struct crowd *crowd);

/* From now on a thread that is refused is done. To be called before the sequences are closed. */
void crowd_leave(struct crowd *crowd);

/* After crowd_leave() and the close: wait for all threads, and tell `ledgers`, one for each
 * sequence, what was received. The positions that were asked for and refused go to
 * `ret_refused`, one for each sequence. Returns how many answers were wrong: blocks that are not
 * what was asked for, errors that cannot be. Frees the crowd. */
uint64_t crowd_join(struct crowd *crowd, struct ledger *const ledgers[], uint64_t ret_refused[]);

#endif
