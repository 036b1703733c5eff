/* The side of a sequence whose positions are made of time: how `next` moves there.
 *
 * The law: `next` never goes down, whatever the clock does.
 *
 *   - Where the clock has come to a tick past that of `next`, a taker goes on in the clock's
 *     tick, with the counter where it stood: it rolls on over ticks, so its low bits are even at
 *     any rate.
 *   - Where the clock stands at or before the tick of `next`, a taker goes on from `next`.
 *   - A block never crosses a tick. What does not fit begins at the counter's 0: of the clock's
 *     tick when nothing of that was used, else of the tick after that of `next`.
 *   - A tick ahead of time is borrowed, at most max_borrow. Time, there, is the wall clock or what
 *     it would be had it not stepped back: the highest it has been, or the mark at the start, and
 *     what the monotonic clock has counted since. So a step back changes nothing.
 *   - Who waits is granted a tick not before the one in which it came, and while somebody waits
 *     nobody takes past the queue.
 *   - A lease that was planned once the clock had come past the last one issues nothing before the
 *     tick in which it was planned, though it begins where the last one ended. So the ledger knows
 *     which of its numbers can have been issued. */
#ifndef SEQD_CORE_SEQUENCE_TIMED_H
#define SEQD_CORE_SEQUENCE_TIMED_H

#include "sequence_state.h"

/* Set up what is a timestamp sequence's; `definition` is one of those. Returns the first position
 * that may be issued: the mark, rounded up to a tick, so that no tick is shared by two lives, which
 * may have different ids. The sequence is nobody else's yet. */
uint64_t sequence_timed_init(struct sequence *sequence, const struct definition *definition,
                             uint64_t mark);

/* As sequence_take_leased(). */
bool sequence_timed_take_leased(struct sequence *sequence, uint64_t count, struct block *ret_block,
                                bool *ret_due);

/* The rest is called with the lock held. */

/* Does `count` fit into the spare, once `next` has been moved to its beginning? */
bool sequence_timed_fits_spare(struct sequence *sequence, uint64_t count);

/* Why was nothing taken? ERR_PENDING: for want of a lease or of time. ERR_EXHAUSTED: the time field
 * ends before. ERR_UNAVAILABLE: the clock stands before the epoch and there is nothing to go on
 * from. */
enum error sequence_timed_verdict(struct sequence *sequence, uint64_t count);

/* Time is at least that of `position`: what comes is not borrowed from there. */
void sequence_timed_anchor(struct sequence *sequence, uint64_t position);

/* `waiter` joins, or the queue has changed. */
void sequence_timed_note_arrival(struct sequence *sequence, struct waiter *waiter);
void sequence_timed_note_queue(struct sequence *sequence);

/* Give those who wait their blocks, in order, below `limit`, which is durable, as far as time goes,
 * and move them to `finished`; those that nobody wants any more go there as well. Where the
 * sequence ends at `limit` (`last`), so do those that no longer fit. Whose deadline has come the
 * caller has moved there before. */
void sequence_timed_grant(struct sequence *sequence, uint64_t limit, bool last,
                          struct waiters *finished);

/* Does the first of those who wait, and there is one, need nothing but time? Then the lease is not
 * left for another. */
bool sequence_timed_waits_for_time(struct sequence *sequence);

/* Where the present tick begins: what is leased now is issued from there on. 0 where the clock
 * stands behind the end, for it may come back. */
uint64_t sequence_timed_present(struct sequence *sequence);

/* Positions to lease above the newest lease; 0: nothing is due. */
uint64_t sequence_timed_need(struct sequence *sequence);

/* Before a lease that goes on from the present one is published: nothing of it below `from` is
 * issued, whatever the clock does. It ends at `limit`. */
void sequence_timed_skip(struct sequence *sequence, uint64_t from, uint64_t limit);

/* Adapt the size of the lease, when one is due; `used_ns` since the one before. */
void sequence_timed_adapt(struct sequence *sequence, uint64_t used_ns);

/* Let the lease reach over some commits, each of `commit_ns`, and renew it when half is left. */
void sequence_timed_watch_commits(struct sequence *sequence, uint64_t commit_ns);

/* The first position that a taker would get now. */
uint64_t sequence_timed_next(struct sequence *sequence, uint64_t next);

/* `reached`: behind the last position that was issued; `next`: before the next, if no time passes.
 * */
void sequence_timed_describe(struct sequence *sequence, uint64_t reached, uint64_t next,
                             struct sequence_times *to);

/* Other ids, or another max_borrow: from the next tick on. */
void sequence_timed_alter(struct sequence *sequence, const struct layout *layout);

#endif
