/* expiry: ends the waits whose deadline has come, even while the keeper sits in a commit that
 * does not return.
 *
 * The law (P5): a request waits for a lease until its deadline and not longer, whatever the disk
 * does. Precision is EXPIRY_TICK_MS; while nobody waits, the thread sleeps.
 *
 * Threads: start and stop by the owner. */
#ifndef SEQD_CORE_EXPIRY_H
#define SEQD_CORE_EXPIRY_H

#include "base/error.h"
#include "core/bell.h"

#define EXPIRY_TICK_MS 10

struct expiry;

/* Start the thread. `waits` is the bell that sequences ring when their first waiter comes;
 * borrowed until stop. ERR_NO_MEMORY when no thread can be had. */
__attribute__((warn_unused_result)) enum error expiry_start(struct bell *waits,
                                                            struct expiry **ret_expiry);

/* Stop and free. NULL is accepted. */
void expiry_stop(struct expiry *expiry);

#endif
