#include "core/sequence.h"
#include "sequence_state.h"
#include "sequence_timed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_SIZE_FIRST UINT64_C(100) /* positions; before any rate is known */

/* Nothing is leased: every start leases anew, and the first request calls the keeper. */
static void begin_at(struct sequence *sequence, uint64_t position)
{
    atomic_init(&sequence->limit, position);
    atomic_init(&sequence->next, position);
    atomic_init(&sequence->renew_below, 0);
    sequence->floor = position;
    sequence->exhausted = position >= sequence->capacity;
}

enum error sequence_create(const struct store_entry *entry, struct bell *renewals,
                           struct bell *waits, struct timekeeper *timekeeper,
                           struct sequence **ret_sequence)
{
    struct sequence *sequence = aligned_alloc(CACHE_LINE, sizeof *sequence);
    if (sequence == NULL) {
        return ERR_NO_MEMORY;
    }
    memset(sequence, 0, sizeof *sequence);
    if (pthread_mutex_init(&sequence->lock, NULL) != 0) {
        free(sequence);
        return ERR_NO_MEMORY;
    }
    const struct definition *definition = &entry->definition;
    sequence->start = definition->start;
    sequence->increment = definition->increment;
    sequence->capacity = definition_capacity(definition);
    sequence->definition = *definition;
    sequence->generation = entry->generation;
    sequence->lease_size = range_min(LEASE_SIZE_FIRST, definition->max_gap);
    sequence->timekeeper = timekeeper;
    sequence->clock = timekeeper->clock;
    sequence->measured_at = sequence->clock->monotonic(sequence->clock);
    begin_at(sequence, definition->kind == SEQUENCE_TIMESTAMP
                           ? sequence_timed_init(sequence, definition, entry->mark)
                           : entry->mark);
    waiters_init(&sequence->waiters);
    sequence->renewals = renewals;
    sequence->waits = waits;
    rope_init(&sequence->renewal_rope, sequence);
    rope_init(&sequence->wait_rope, sequence);
    atomic_init(&sequence->retired, false);
    memcpy(sequence->name, entry->name, sizeof sequence->name);
    sequence->name_length = (uint8_t)strlen(sequence->name);
    *ret_sequence = sequence;
    return ERR_OK;
}

void sequence_free(struct sequence *sequence)
{
    if (sequence == NULL) {
        return;
    }
    assert(sequence->waiters.first == NULL);
    (void)pthread_mutex_destroy(&sequence->lock); /* nobody holds it: see the header */
    free(sequence);
}

const char *sequence_name(const struct sequence *sequence)
{
    return sequence->name;
}

uint64_t sequence_unissued(struct sequence *sequence)
{
    /* order: relaxed. The lock is held, so `limit` stands still, and a `next` that moves on only
     * makes this smaller. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    uint64_t next = sequence->closed ? sequence->final_next
                                     : atomic_load_explicit(&sequence->next, memory_order_relaxed);
    return (next < limit ? limit - next : 0) + range_count(sequence->spare);
}

uint64_t sequence_issued(struct sequence *sequence)
{
    if (sequence->timed) {
        /* order: relaxed. A count for people. */
        return atomic_load_explicit(&sequence->issued, memory_order_relaxed);
    }
    return sequence->leased - sequence->lost - sequence_unissued(sequence);
}

void sequence_leave_lease(struct sequence *sequence, uint64_t first)
{
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    assert(first >= limit);
    /* order: relaxed. With `next` at or above the old limit nobody can take; what they took until
     * now is in the value that comes back. The release in sequence_publish_limit() shows the move
     * to whoever sees the new limit. */
    uint64_t next = atomic_exchange_explicit(&sequence->next, first, memory_order_relaxed);
    assert(next <= limit);
    sequence->lost += limit - next;
    if (sequence->timed) {
        sequence_timed_anchor(sequence, first);
    }
}

void sequence_publish_limit(struct sequence *sequence, uint64_t limit)
{
    /* order: release pairs with the acquire in sequence_take_leased(): a taker that sees this
     * limit sees the `next` that was stored before it, and the store committed before both. */
    atomic_store_explicit(&sequence->limit, limit, memory_order_release);
}

void sequence_watch(struct sequence *sequence)
{
    bool renews_ahead = sequence->definition.durability == DURABILITY_LEASE &&
                        !sequence->exhausted && range_is_empty(sequence->spare);
    /* order: relaxed. A threshold that is seen late calls the keeper early or late, no more. */
    atomic_store_explicit(&sequence->renew_below, renews_ahead ? sequence->threshold + 1 : 0,
                          memory_order_relaxed);
}

enum error sequence_call_keeper(struct sequence *sequence)
{
    bell_ring(sequence->renewals, &sequence->renewal_rope);
    return ERR_OK;
}

static bool take_leased(struct sequence *sequence, uint64_t count, struct block *ret_block,
                        bool *ret_due)
{
    return sequence->timed ? sequence_timed_take_leased(sequence, count, ret_block, ret_due)
                           : sequence_take_leased(sequence, count, ret_block, ret_due);
}

static bool fits_spare(struct sequence *sequence, uint64_t count)
{
    return sequence->timed ? sequence_timed_fits_spare(sequence, count)
                           : count <= range_count(sequence->spare);
}

/* There is nothing to take: why? */
static enum error verdict(struct sequence *sequence, uint64_t count)
{
    if (sequence->timed) {
        return sequence_timed_verdict(sequence, count);
    }
    /* order: relaxed. `next` only rises, so what is refused now could not be had later either. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    assert(next <= sequence->capacity);
    if (sequence->exhausted || count > sequence->capacity - next) {
        return ERR_EXHAUSTED;
    }
    return ERR_PENDING;
}

static void enter_spare(struct sequence *sequence)
{
    sequence_leave_lease(sequence, sequence->spare.first);
    sequence_publish_limit(sequence, sequence->spare.limit);
    sequence->spare = (struct range){0, 0};
    sequence_watch(sequence);
}

/* The lease has too little; the lock is held. Take from the spare, or say why there is nothing. */
static enum error take_locked(struct sequence *sequence, uint64_t count, struct block *ret_block)
{
    if (sequence->closed) {
        return sequence_is_retired(sequence) ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    }
    if (count > sequence_block_max(sequence)) {
        return ERR_INVALID;
    }
    if (sequence->timed && sequence->waiters.first != NULL) {
        return verdict(sequence, count); /* nobody overtakes those who wait for time */
    }
    bool due;
    if (take_leased(sequence, count, ret_block, &due)) {
        return due ? sequence_call_keeper(sequence) : ERR_OK;
    }
    if (fits_spare(sequence, count)) {
        enter_spare(sequence);
        if (take_leased(sequence, count, ret_block, &due)) {
            return due ? sequence_call_keeper(sequence)
                       : ERR_OK; /* else others were quicker: wait for the next lease */
        }
    }
    return verdict(sequence, count);
}

uint64_t sequence_block_max(const struct sequence *sequence)
{
    return sequence->timed ? UINT64_C(1) << sequence->counter_bits : UINT64_MAX;
}

enum error sequence_take_slowly(struct sequence *sequence, uint64_t count, struct block *ret_block)
{
    pthread_mutex_lock(&sequence->lock);
    enum error error = take_locked(sequence, count, ret_block);
    pthread_mutex_unlock(&sequence->lock);
    return error;
}

enum error sequence_wait(struct sequence *sequence, struct waiter *waiter)
{
    pthread_mutex_lock(&sequence->lock);
    enum error error = take_locked(sequence, waiter->count, &waiter->block);
    if (error == ERR_PENDING) {
        bool first = sequence->waiters.first == NULL;
        waiters_append(&sequence->waiters, waiter);
        sequence->waited++;
        if (sequence->timed) {
            sequence_timed_note_arrival(sequence, waiter);
        }
        /* Inside the lock: whoever answers lets go of the rope first and takes the lock after, so
         * either it sees this waiter or this thread sees a rope that can be pulled. No call is
         * lost. */
        bell_ring(sequence->renewals, &sequence->renewal_rope);
        if (first) {
            bell_ring(sequence->waits, &sequence->wait_rope);
        }
    }
    pthread_mutex_unlock(&sequence->lock);
    return error;
}

/* Who of those who wait gets a block, when `room` positions are to be had? The first in line, and
 * then the next, until one does not fit: nobody is overtaken. Only where the sequence ends here
 * (`last`) are those skipped who ask for more than there will ever be. */
struct choice {
    uint64_t room;
    bool last;
    bool full;
};

static bool choose(void *context, struct waiter *waiter)
{
    struct choice *choice = context;
    if (choice->full || waiter->count > choice->room) {
        choice->full = choice->full || !choice->last;
        return false;
    }
    choice->room -= waiter->count;
    return true;
}

static uint64_t chosen_total(const struct waiters *waiters, struct choice choice)
{
    uint64_t room = choice.room;
    for (struct waiter *waiter = waiters->first; waiter != NULL; waiter = waiter->next) {
        (void)choose(&choice, waiter); /* counted by what it takes from the room */
    }
    return room - choice.room;
}

void sequence_grant(struct sequence *sequence, uint64_t limit, bool last, struct waiters *granted)
{
    /* order: relaxed. The compare-and-swap checks it again. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    struct choice choice;
    uint64_t total;
    do {
        assert(next <= limit);
        choice = (struct choice){.room = limit - next, .last = last};
        total = chosen_total(&sequence->waiters, choice);
        /* order: relaxed. As in sequence_take_leased(); the blocks are covered by a commit that
         * this thread saw succeed. */
    } while (!atomic_compare_exchange_weak_explicit(&sequence->next, &next, next + total,
                                                    memory_order_relaxed, memory_order_relaxed));

    struct waiters chosen;
    waiters_init(&chosen);
    waiters_move(&sequence->waiters, &chosen, ERR_OK, choose, &choice);
    for (struct waiter *waiter = chosen.first; waiter != NULL; waiter = waiter->next) {
        waiter->block = sequence_block(sequence, next, waiter->count);
        next += waiter->count;
    }
    waiters_concatenate(granted, &chosen);
}

void sequence_serve_line(struct sequence *sequence, struct waiters *served)
{
    if (sequence->waiters.first != NULL) {
        /* order: relaxed. Written under the lock only, which is held. */
        sequence_grant(sequence, atomic_load_explicit(&sequence->limit, memory_order_relaxed),
                       false, served);
    }
}

static bool deadline_reached(void *context, struct waiter *waiter)
{
    const struct instant *now = context;
    return clock_reached(waiter->deadline, *now);
}

/* Time may have come for some of those who wait: what is leased is theirs, in order. */
static void let_time_pass(struct sequence *sequence, struct waiters *finished)
{
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    bool last = sequence->exhausted && range_is_empty(sequence->spare);
    sequence_timed_grant(sequence, limit, last, finished);
    bool used_up = sequence->waiters.first != NULL && !sequence_timed_waits_for_time(sequence);
    if (used_up && !range_is_empty(sequence->spare)) {
        enter_spare(sequence);
        limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed); /* order: as above */
        sequence_timed_grant(sequence, limit, sequence->exhausted, finished);
    }
    if (!sequence->exhausted && sequence_timed_need(sequence) > 0) {
        bell_ring(sequence->renewals, &sequence->renewal_rope);
    }
}

bool sequence_expire(struct sequence *sequence, struct instant now)
{
    struct waiters finished;
    waiters_init(&finished);
    pthread_mutex_lock(&sequence->lock);
    waiters_move(&sequence->waiters, &finished, ERR_UNAVAILABLE, deadline_reached, &now);
    if (sequence->timed) {
        let_time_pass(sequence, &finished);
    } else {
        sequence_serve_line(sequence, &finished);
    }
    bool waiting = sequence->waiters.first != NULL;
    pthread_mutex_unlock(&sequence->lock);
    waiters_finish(&finished);
    return waiting;
}

static bool everyone(void *context, struct waiter *waiter)
{
    (void)context;
    (void)waiter;
    return true;
}

static void end(struct sequence *sequence, enum error error, bool retires)
{
    struct waiters ended;
    waiters_init(&ended);
    pthread_mutex_lock(&sequence->lock);
    if (retires) {
        /* order: release pairs with the acquire in sequence_is_retired(): who sees it sees all that
         * was done before, such as another sequence in this one's place. */
        atomic_store_explicit(&sequence->retired, true, memory_order_release);
    }
    if (!sequence->closed) {
        /* order: relaxed. From here every compare-and-swap fails, and the value that comes back
         * is what the last one that succeeded left: the first position that nobody has. */
        sequence->final_next =
            atomic_exchange_explicit(&sequence->next, UINT64_MAX, memory_order_relaxed);
        sequence->closed = true;
    }
    waiters_move(&sequence->waiters, &ended, error, everyone, NULL);
    if (sequence->timed) {
        sequence_timed_note_queue(sequence);
    }
    pthread_mutex_unlock(&sequence->lock);
    waiters_finish(&ended);
}

void sequence_close(struct sequence *sequence)
{
    end(sequence, ERR_UNAVAILABLE, false);
}

void sequence_retire(struct sequence *sequence, enum error error)
{
    end(sequence, error, true);
}

bool sequence_is_retired(const struct sequence *sequence)
{
    return sequence_has_retired(sequence);
}

void sequence_describe(struct sequence *sequence, struct sequence_status *ret_status)
{
    pthread_mutex_lock(&sequence->lock);
    /* order: relaxed, both. The lock holds publications off; `next` may be a few requests old
     * when it is read. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    uint64_t next = sequence->closed ? sequence->final_next
                                     : atomic_load_explicit(&sequence->next, memory_order_relaxed);
    uint64_t reached = next;
    if (next >= limit) {
        next = range_is_empty(sequence->spare) ? range_max(next, sequence->floor)
                                               : sequence->spare.first;
    }
    *ret_status = (struct sequence_status){
        .definition = sequence->definition,
        .capacity = sequence->capacity,
        .next = sequence->timed ? sequence_timed_next(sequence, next) : next,
        .mark = sequence->floor,
        .unissued = sequence_unissued(sequence),
        .lease_size = sequence->lease_size,
        .issued = sequence_issued(sequence),
        .burnt = sequence->lost,
        .waiters = sequence->waiters.length,
        .waited = sequence->waited,
        .rate = sequence->rate,
        .exhausted = sequence->exhausted,
    };
    if (sequence->timed) {
        /* A mark that the clock has passed costs nothing. */
        ret_status->unissued =
            sequence->floor > ret_status->next ? sequence->floor - ret_status->next : 0;
        sequence_timed_describe(sequence, reached, next, &ret_status->times);
    }
    pthread_mutex_unlock(&sequence->lock);
}

uint64_t sequence_left(struct sequence *sequence)
{
    struct sequence_status status;
    sequence_describe(sequence, &status);
    if (status.exhausted) {
        return status.unissued;
    }
    return status.next < status.capacity ? status.capacity - status.next : 0;
}
