/* The inside of a sequence, shared by its two sides, sequence.c (fronts) and sequence_lease.c
 * (keeper), and by registry.c, which looks at its name. */
#ifndef SEQD_CORE_SEQUENCE_STATE_H
#define SEQD_CORE_SEQUENCE_STATE_H

#include "base/range.h"
#include "core/sequence.h"
#include "waiters.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define CACHE_LINE 64

struct sequence {
    /* Read by every request, written at a publication. */
    _Alignas(CACHE_LINE) _Atomic uint64_t limit; /* end of the lease; only rises */
    _Atomic uint64_t renew_below; /* the keeper is called when fewer positions are left; 0: never */
    int64_t start;                /* constant, as are the next two */
    int64_t increment;
    uint64_t capacity;
    /* A timestamp sequence's, constant but for the last two. sequence_timed.h says how `next`
     * moves. */
    bool timed;
    uint8_t counter_bits;
    uint8_t tick_shift;   /* from a tick to its place in a number */
    uint32_t unit_ms;     /* the length of a tick */
    int64_t epoch_ms;     /* where tick 0 begins */
    _Atomic uint64_t ids; /* machine and node in their places; changes while `next` is shut */
    _Atomic bool crowded; /* somebody waits, so that nobody may take past the queue */

    /* Written by every request. */
    _Alignas(CACHE_LINE) _Atomic uint64_t next; /* only rises, but for sequence_timed_alter() */
    /* A timestamp sequence's: numbers issued, which positions do not tell; and how far its time
     * stands ahead of the monotonic clock, in milliseconds, which only rises. */
    _Atomic uint64_t issued;
    _Atomic uint64_t ahead_ms; /* an int64_t */
    _Atomic uint32_t max_borrow_ms;
    const struct wall_clock *clock; /* constant */

    /* Under the lock, unless said otherwise. */
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
    struct definition definition;
    /* Committed, and not contiguous with the lease; empty where leases are extended in place. */
    struct range spare;
    uint64_t floor;      /* no later lease may start below it; only rises */
    uint64_t generation; /* of the record as of our last commit of it */
    struct waiters waiters;
    uint64_t threshold;         /* a renewal is due when no more than this is left */
    uint64_t lease_size;        /* what the next renewal asks for, beyond what waiters need */
    uint64_t leased;            /* positions leased since the start of this process */
    uint64_t lost;              /* of those, given up without being issued */
    uint64_t waited;            /* requests that joined the waiters since the start */
    uint64_t rate;              /* positions a second */
    struct instant measured_at; /* when the rate was measured last, and … */
    uint64_t measured_issued;   /* … how many had been issued then */
    uint64_t measured_waited;   /* … how many had waited then */
    uint64_t final_next;        /* `next` at the moment of closing */
    bool exhausted;             /* the store has no position beyond what is leased here */
    bool closed;
    bool doubtful; /* whether the store still knows it has to be found out */

    struct bell *renewals;         /* constant */
    struct bell *waits;            /* constant */
    struct timekeeper *timekeeper; /* constant */
    struct rope renewal_rope;
    struct rope wait_rope;
    _Atomic bool retired; /* beside the name: who looks it up looks at both */
    uint8_t name_length;  /* constant, as the name */
    char name[SEQUENCE_NAME_MAX + 1];
};

static_assert(SEQUENCE_NAME_MAX <= UINT8_MAX, "the length of a name fits its field");

/* Is it called `name`, of `length` bytes? Inline, as the next one: every request asks by name. */
static inline bool sequence_is_called(const struct sequence *sequence, const char *name,
                                      size_t length)
{
    return sequence->name_length == length && memcmp(sequence->name, name, length) == 0;
}

/* As sequence_is_retired(). */
static inline bool sequence_has_retired(const struct sequence *sequence)
{
    /* order: acquire pairs with the release in end() of sequence.c, which says why. */
    return atomic_load_explicit(&sequence->retired, memory_order_acquire);
}

/* Leased and not issued, in lease and spare, at this moment. The lock is held. */
uint64_t sequence_unissued(struct sequence *sequence);

/* Issued since the start of this process. The lock is held. */
uint64_t sequence_issued(struct sequence *sequence);

/* The two halves of a move to another lease, which starts at `first`, at or above the old limit.
 * In this order, with the lock held from before the first to after the second:
 * sequence_leave_lease() moves `next`, which closes the way, and counts what was left as lost;
 * sequence_publish_limit() opens it again. The second alone extends the lease in place. */
void sequence_leave_lease(struct sequence *sequence, uint64_t first);
void sequence_publish_limit(struct sequence *sequence, uint64_t limit);

/* Give those who wait for a counter their blocks, in order, out of [next, limit) as it will be once
 * `limit` is published, and move them to `granted`. Takers may still be drawing below the old
 * limit; from the moment of the compare-and-swap on, `next` stands behind the granted blocks, so
 * whoever comes later gets more. `last`: the sequence ends there. The lock is held. */
void sequence_grant(struct sequence *sequence, uint64_t limit, bool last, struct waiters *granted);

/* Somebody has left the line of a counter: whoever stood behind may be served from what is leased,
 * and moves to `served`. The lock is held. */
void sequence_serve_line(struct sequence *sequence, struct waiters *served);

/* Set from when on takers call the keeper, after the lease, the spare or the threshold have
 * changed. The lock is held. */
void sequence_watch(struct sequence *sequence);

/* Call the keeper for the next lease. ERR_OK always, so that it can be the last thing of a take. */
enum error sequence_call_keeper(struct sequence *sequence);

/* The lease has too little: take the lock, and take from the spare, or say why there is nothing. */
enum error sequence_take_slowly(struct sequence *sequence, uint64_t count, struct block *ret_block);

/* The block of `count` positions from `position`. */
static inline struct block sequence_block(const struct sequence *sequence, uint64_t position,
                                          uint64_t count)
{
    return (struct block){
        .first = definition_number(sequence->start, sequence->increment, position),
        .last = definition_number(sequence->start, sequence->increment, position + (count - 1)),
        .increment = sequence->increment,
        .count = count,
    };
}

/* The fast path. False when fewer than `count` positions are left in the lease. `ret_due`, written
 * on success, says that the keeper has to be called: that is left to the caller, so that nothing
 * has to be kept over a call. */
static inline bool sequence_take_leased(struct sequence *sequence, uint64_t count,
                                        struct block *ret_block, bool *ret_due)
{
    /* order: acquire pairs with the release of `limit` at a publication: seeing this limit means
     * seeing the `next` that was moved before it, so [next, limit) lies inside one lease, which
     * the store had committed before. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_acquire);
    /* order: relaxed. The compare-and-swap below checks it again; a stale value only costs a
     * turn. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    while (next < limit && count <= limit - next) {
        /* order: relaxed. Uniqueness is the single modification order of `next`; nothing else
         * rides on it. That `limit` still belongs to `next`: a switch to another lease moves
         * `next` to or above every earlier limit. */
        if (atomic_compare_exchange_weak_explicit(&sequence->next, &next, next + count,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            *ret_block = sequence_block(sequence, next, count);
            /* order: relaxed. A threshold that is late by one publication calls the keeper early
             * or late, no more. */
            *ret_due = limit - next - count <
                       atomic_load_explicit(&sequence->renew_below, memory_order_relaxed);
            return true;
        }
    }
    return false;
}

#endif
