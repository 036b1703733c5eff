/* sequence: hands out blocks of numbers, from memory, never beyond what is durable.
 *
 * The law, in one line: every position that is issued lies in a lease that the store has
 * committed, and `next` never goes down. From it follow P1 (unique), P2 (durable first) and P3
 * (ordered):
 *
 *   - [next, limit) always lies inside one committed lease. A taker advances `next` by
 *     compare-and-swap and only below the `limit` that it has seen; there is no bare fetch-add,
 *     so an outage burns nothing.
 *   - `limit` is raised only by the thread that saw the commit succeed. Where the new lease
 *     continues the old one, it is raised in place. Where it does not, `next` is moved first
 *     (which closes the way) and `limit` is published after.
 *   - Those who wait are granted their blocks in the order in which they came, in one step with
 *     the publication, so nobody who comes later overtakes them within a lease. Where the first
 *     in line asks for more than the lease holds, its rest is left to whoever comes by; when he
 *     gives up, the next in line are served from it first.
 *
 * A timestamp sequence is the same over positions that are made of time (base/layout.h). A taker
 * moves `next` on to the present tick where the clock has come past it, and never back: a clock
 * that steps back lets numbers go on from the highest. What is issued ahead of time is borrowed,
 * and no more than max_borrow; beyond it a request waits as for a lease, and nobody overtakes it.
 *
 * Two sides use it: fronts take and wait; the keeper plans, publishes, burns and settles. All
 * sums are on positions.
 *
 * Threads: any for the fronts' side; the keeper's side is one thread at a time. */
#ifndef SEQD_CORE_SEQUENCE_H
#define SEQD_CORE_SEQUENCE_H

#include "base/clock.h"
#include "base/definition.h"
#include "base/error.h"
#include "core/bell.h"
#include "core/timekeeper.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sequence;

/* One request that waits for a lease. The front owns the memory and leaves it alone from
 * sequence_wait() returning ERR_PENDING until `done` is called, which happens exactly once. */
struct waiter {
    /* Set by the front. */
    uint64_t count;          /* numbers wanted, >= 1 */
    struct instant deadline; /* after it the wait ends with ERR_UNAVAILABLE */

    /* Is somebody still there to take the answer? Asked once, just before numbers are given; it
     * must not block. NULL means always. Called under the sequence's lock: it may not call into
     * core. */
    bool (*wanted)(struct waiter *waiter);

    /* The wait is over, `error` and `block` are set. Called by a thread of core, with no lock
     * held; must not block. */
    void (*done)(struct waiter *waiter);

    /* The answer: ERR_OK with a block; ERR_EXHAUSTED; ERR_NOT_FOUND, because the sequence was
     * dropped; or ERR_UNAVAILABLE, because the deadline has come, nobody wants it any more, the
     * sequence was moved backward, or the service stops. */
    enum error error;
    struct block block;

    struct waiter *next;   /* core's own */
    uint64_t came_at_tick; /* core's own */
};

/* What a timestamp sequence says of time; all 0 for a counter. Times are ms since 1970. */
struct sequence_times {
    int64_t clock_ms;     /* the wall clock */
    int64_t next_ms;      /* the time that the next number would hold */
    int64_t mark_ms;      /* the time at the durable mark */
    int64_t end_ms;       /* the last millisecond of the time field */
    uint64_t borrowed_ms; /* how far the last number issued runs ahead of the clock */
    bool before_epoch;    /* the clock stands before tick 1 */
};

/* What an administrator sees of a sequence: a copy, true at one moment between two publications. */
struct sequence_status {
    struct definition definition;
    uint64_t capacity; /* positions in all, 1 … 2^64-1 */
    uint64_t next;     /* the position that is issued next, if nothing is burnt before */
    uint64_t
        mark; /* durable high-water mark as far as this process knows: no lease reaches beyond it */
    uint64_t unissued; /* positions that a crash would lose now: rest of the lease, and the spare */
    uint64_t lease_size; /* positions that the next renewal will ask for */
    uint64_t issued;     /* positions issued since this process started */
    uint64_t burnt;      /* positions leased and given up since this process started */
    uint64_t waiters;    /* requests that wait now */
    uint64_t waited;     /* requests that had to wait since this process started */
    uint64_t rate;       /* positions a second, as measured at the last renewal */
    bool exhausted;      /* no position is left that is not leased already */
    struct sequence_times times;
};

/* Positions that go in a second: those of the numbers that are issued, or, of a timestamp sequence,
 * those of the time that passes. For a forecast. */
static inline uint64_t sequence_pace(const struct sequence_status *status)
{
    const struct layout *layout = &status->definition.layout;
    return status->definition.kind == SEQUENCE_TIMESTAMP
               ? (UINT64_C(1000) / layout->unit_ms) << layout->counter_bits
               : status->rate;
}

/* ---- the registry's side ---- */

/* A sequence as the store remembers it, with nothing leased. It rings `renewals` when it is due
 * for a lease and `waits` when its first waiter comes; a timestamp sequence reads the clock of
 * `timekeeper`. All three are borrowed for its life.
 * ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
sequence_create(const struct store_entry *entry, struct bell *renewals, struct bell *waits,
                struct timekeeper *timekeeper, struct sequence **ret_sequence);

/* Free it. NULL is accepted. Nobody may wait on it or use it any more. */
void sequence_free(struct sequence *sequence);

/* Use other values for what may be altered (max_gap, lease, durability), as the store remembers
 * them now. Applies from the next renewal on. */
void sequence_alter(struct sequence *sequence, const struct store_entry *entry);

/* Issue nothing from now on; every wait ends with ERR_UNAVAILABLE. The rest stays to be settled. */
void sequence_close(struct sequence *sequence);

/* The sequence is no more: it was dropped, or another stands in its place. Issue nothing from now
 * on; every wait ends with `error`, and nothing is left to be settled. It stays valid for those who
 * found it before. */
void sequence_retire(struct sequence *sequence, enum error error);

/* Was it? Once true, always true. */
bool sequence_is_retired(const struct sequence *sequence);

/* Every number from now on lies at or above `position`, at most the capacity, whatever is leased.
 * `entry` is what the store remembers after the commit that moved the mark there; NULL when the
 * outcome of that commit is unknown. */
void sequence_advance(struct sequence *sequence, uint64_t position,
                      const struct store_entry *entry);

/* Whether the store still knows this sequence is in doubt (`doubtful`), because the outcome of an
 * administrator's commit is unknown, or no longer. What is leased is issued on meanwhile: it lies
 * below the floor that a drop would have left. The next renewal finds out: sequence_publish() ends
 * the doubt, and the store's ERR_NOT_FOUND means that it was dropped. */
void sequence_set_doubtful(struct sequence *sequence, bool doubtful);
bool sequence_is_doubtful(struct sequence *sequence);

/* ---- the fronts' side ---- */

const char *sequence_name(const struct sequence *sequence);

/* The most numbers that one request may ask for, as far as the kind limits them: those of a tick
 * for a timestamp sequence; UINT64_MAX for a counter. */
uint64_t sequence_block_max(const struct sequence *sequence);

/* Take `count` (1 … sequence_block_max()) numbers from memory. One compare-and-swap when they are
 * leased; never blocks on I/O.
 * ERR_INVALID      `count` is above sequence_block_max().
 * ERR_PENDING      none are leased: call sequence_wait().
 * ERR_EXHAUSTED    fewer than `count` are left; nothing was taken.
 * ERR_NOT_FOUND    the sequence was retired: its name may lead to another one by now.
 * ERR_UNAVAILABLE  the sequence is closed; or its clock stands before its epoch, and it has no
 *                  number to go on from. */
__attribute__((warn_unused_result)) enum error
sequence_take(struct sequence *sequence, uint64_t count, struct block *ret_block);

/* Join those who wait. ERR_PENDING: `done` will be called, perhaps before this returns. Any other
 * value is the answer itself, as of sequence_take(), with `waiter->block` filled on ERR_OK, and
 * `done` is not called. */
__attribute__((warn_unused_result)) enum error sequence_wait(struct sequence *sequence,
                                                             struct waiter *waiter);

/* End the waits whose deadline has come, and those that time itself has ended. Returns whether
 * somebody still waits. */
bool sequence_expire(struct sequence *sequence, struct instant now);

void sequence_describe(struct sequence *sequence, struct sequence_status *ret_status);

/* How many numbers are left in all, at least: for the text of ERR_EXHAUSTED. */
uint64_t sequence_left(struct sequence *sequence);

/* ---- the keeper's side ---- */

/* The sequence whose rope this is, and its other way round. */
struct sequence *sequence_of_rope(struct rope *rope);
struct rope *sequence_renewal_rope(struct sequence *sequence);

/* Decide what to ask of the store now: name, count and floor of `ret_request`. False when nothing
 * is due. */
bool sequence_plan(struct sequence *sequence, struct instant now,
                   struct store_request *ret_request);

/* The commit of `request` has returned ERR_OK and request->error is ERR_OK: grant those who wait,
 * in order, publish the rest, and ring again if more is due. `commit_ns`: how long commits take,
 * to renew early enough. Calls `done` of those whose wait is over, after letting go of its lock. */
void sequence_publish(struct sequence *sequence, const struct store_request *request,
                      uint64_t commit_ns, struct instant now);

/* The commit of `request` failed, or its outcome is unknown: what it may have reached is never
 * issued. */
void sequence_burn(struct sequence *sequence, const struct store_request *request);

/* After sequence_close(): what is left to give back, if anything. The name is borrowed from the
 * sequence. */
bool sequence_settle(struct sequence *sequence, struct store_return *ret_return);

#endif
