#include "sequence_timed.h"

#include "core/sequence.h"

#include <assert.h>

#define LEASE_MS_MAX UINT64_C(3000)  /* a lease in steady use reaches so far ahead of the clock */
#define LEASE_MS_FIRST UINT64_C(250) /* and the first one so far: a crash skips it */
#define COMMITS_AHEAD UINT64_C(4)    /* commits that may pass before a lease ends */

/* ---- ticks ---- */

static uint64_t tick_positions(const struct sequence *sequence)
{
    return UINT64_C(1) << sequence->counter_bits;
}

static uint64_t tick_of(const struct sequence *sequence, uint64_t position)
{
    return position >> sequence->counter_bits;
}

/* The tick of `time_ms`; 0 before tick 1 begins, the first one that does not exist behind the end.
 * */
static uint64_t tick_at(const struct sequence *sequence, int64_t time_ms)
{
    uint64_t end = tick_of(sequence, sequence->capacity);
    if (time_ms <= sequence->epoch_ms) {
        return 0;
    }
    return range_min((uint64_t)(time_ms - sequence->epoch_ms) / sequence->unit_ms, end);
}

static int64_t time_of(const struct sequence *sequence, uint64_t position)
{
    return sequence->epoch_ms + (int64_t)(tick_of(sequence, position) * sequence->unit_ms);
}

/* Where `count` positions come to lie for somebody who comes in `tick`, with `next` as it is: the
 * first three lines of the law. */
static uint64_t place(const struct sequence *sequence, uint64_t next, uint64_t tick, uint64_t count)
{
    uint64_t mask = tick_positions(sequence) - 1;
    uint64_t counter = next & mask;
    bool fits = count <= mask + 1 - counter;
    if (tick > tick_of(sequence, next)) {
        return tick << sequence->counter_bits | (fits ? counter : 0);
    }
    return fits ? next : (tick_of(sequence, next) + 1) << sequence->counter_bits;
}

static bool fits_below(uint64_t position, uint64_t count, uint64_t limit)
{
    return position < limit && count <= limit - position;
}

/* ---- time, as far as numbers may go ---- */

static void raise_ahead(struct sequence *sequence, int64_t ahead_ms)
{
    /* order: relaxed, here and below. A bound for borrowing; nothing else rides on it. */
    uint64_t known_ms = atomic_load_explicit(&sequence->ahead_ms, memory_order_relaxed);
    while (ahead_ms > (int64_t)known_ms) {
        /* order: relaxed, as above. */
        if (atomic_compare_exchange_weak_explicit(&sequence->ahead_ms, &known_ms,
                                                  (uint64_t)ahead_ms, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            return;
        }
    }
}

/* The wall clock has brought `next` on: it will not count as borrowed should the clock step back.
 * */
static void remember_clock(struct sequence *sequence, int64_t wall_ms)
{
    struct instant monotonic = sequence->clock->monotonic(sequence->clock);
    raise_ahead(sequence, wall_clock_ahead_ms(wall_ms, monotonic));
}

/* The last tick that may be issued. */
static uint64_t horizon(struct sequence *sequence, int64_t wall_ms)
{
    /* order: relaxed, both. Bounds for borrowing; nothing else rides on them. */
    int64_t ahead_ms = (int64_t)atomic_load_explicit(&sequence->ahead_ms, memory_order_relaxed);
    uint32_t borrow_ms = atomic_load_explicit(&sequence->max_borrow_ms, memory_order_relaxed);
    struct instant monotonic = sequence->clock->monotonic(sequence->clock);
    int64_t time_ms = ahead_ms + (int64_t)(monotonic.ns / CLOCK_NS_PER_MS);
    time_ms = wall_ms > time_ms ? wall_ms : time_ms;
    return tick_at(sequence, time_ms) + borrow_ms / sequence->unit_ms;
}

/* May `position` be issued by now? */
static bool time_allows(struct sequence *sequence, uint64_t position, uint64_t tick_now,
                        int64_t wall_ms)
{
    uint64_t tick = tick_of(sequence, position);
    return tick <= tick_now || tick <= horizon(sequence, wall_ms);
}

void sequence_timed_anchor(struct sequence *sequence, uint64_t position)
{
    struct instant monotonic = sequence->clock->monotonic(sequence->clock);
    raise_ahead(sequence, wall_clock_ahead_ms(time_of(sequence, position), monotonic));
}

/* ---- taking ---- */

static struct block block_at(struct sequence *sequence, uint64_t position, uint64_t count)
{
    /* order: relaxed. Whoever reads them has read `next` with acquire, or holds the lock: see
     * sequence_timed_alter(). */
    uint64_t ids = atomic_load_explicit(&sequence->ids, memory_order_relaxed);
    uint64_t counter = position & (tick_positions(sequence) - 1);
    assert(count <= tick_positions(sequence) - counter);
    int64_t first = (int64_t)(tick_of(sequence, position) << sequence->tick_shift | ids | counter);
    return (struct block){
        .first = first, .last = first + (int64_t)(count - 1), .increment = 1, .count = count};
}

/* Move `next` from *next_seen to behind `count` positions at `position`. On failure *next_seen is
 * what `next` is instead. */
static bool claim(struct sequence *sequence, uint64_t *next_seen, uint64_t position, uint64_t count)
{
    /* order: acquire pairs, on failure, with the release in sequence_timed_alter(), as the first
     * load of `next` does. On success nothing rides on it: uniqueness is the single modification
     * order of `next`, as in sequence_take_leased(). */
    if (!atomic_compare_exchange_weak_explicit(&sequence->next, next_seen, position + count,
                                               memory_order_acquire, memory_order_acquire)) {
        return false;
    }
    /* order: relaxed. A count for people. */
    atomic_fetch_add_explicit(&sequence->issued, count, memory_order_relaxed);
    return true;
}

bool sequence_timed_take_leased(struct sequence *sequence, uint64_t count, struct block *ret_block,
                                bool *ret_due)
{
    /* order: acquire pairs with the release of `limit` at a publication, as in
     * sequence_take_leased(): seeing this limit means seeing the `next` that was moved before it.
     * */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_acquire);
    int64_t wall_ms = wall_clock_ms(sequence->clock);
    uint64_t tick = tick_at(sequence, wall_ms);
    /* order: acquire pairs with the release in sequence_timed_alter(): who sees the `next` that was
     * set after the ids sees these ids. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_acquire);
    /* `next` above the limit is shut. Position 0 to the end of its tick do not exist: only a clock
     * behind the epoch leads out of there. */
    while (next <= limit) {
        uint64_t position = place(sequence, next, tick, count);
        if (!fits_below(position, count, limit) || tick_of(sequence, position) == 0 ||
            !time_allows(sequence, position, tick, wall_ms)) {
            return false;
        }
        if (tick > tick_of(sequence, next)) {
            remember_clock(sequence, wall_ms);
        }
        if (claim(sequence, &next, position, count)) {
            *ret_block = block_at(sequence, position, count);
            /* order: relaxed. A threshold that is late by one publication calls the keeper early or
             * late, no more. */
            *ret_due = limit - position - count <
                       atomic_load_explicit(&sequence->renew_below, memory_order_relaxed);
            return true;
        }
    }
    return false;
}

bool sequence_timed_fits_spare(struct sequence *sequence, uint64_t count)
{
    uint64_t tick = tick_at(sequence, wall_clock_ms(sequence->clock));
    uint64_t position = place(sequence, sequence->spare.first, tick, count);
    return !range_is_empty(sequence->spare) && fits_below(position, count, sequence->spare.limit);
}

enum error sequence_timed_verdict(struct sequence *sequence, uint64_t count)
{
    /* order: relaxed. The lock is held; `next` only rises. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    uint64_t tick = tick_at(sequence, wall_clock_ms(sequence->clock));
    uint64_t position = place(sequence, next, tick, count);
    if (tick_of(sequence, position) == 0) {
        return ERR_UNAVAILABLE;
    }
    if (!fits_below(position, count, range_max(limit, sequence->spare.limit))) {
        position = place(sequence, range_max(next, sequence->floor), tick, count);
    }
    return fits_below(position, count, sequence->capacity) ? ERR_PENDING : ERR_EXHAUSTED;
}

/* ---- those who wait ---- */

void sequence_timed_note_queue(struct sequence *sequence)
{
    /* order: relaxed. Who sees it late takes past somebody who came at the same moment; the order
     * of numbers is that of `next`. */
    atomic_store_explicit(&sequence->crowded, sequence->waiters.first != NULL,
                          memory_order_relaxed);
}

void sequence_timed_note_arrival(struct sequence *sequence, struct waiter *waiter)
{
    int64_t wall_ms = wall_clock_ms(sequence->clock);
    waiter->came_at_tick = tick_at(sequence, wall_ms);
    remember_clock(sequence, wall_ms);
    sequence_timed_note_queue(sequence);
}

/* Give `waiter` its block. False when it does not fit below `limit`, or not into time yet;
 * `ret_fits`: is it only time? */
static bool grant_one(struct sequence *sequence, uint64_t limit, struct waiter *waiter,
                      bool *ret_fits)
{
    int64_t wall_ms = wall_clock_ms(sequence->clock);
    uint64_t tick = tick_at(sequence, wall_ms);
    /* order: acquire pairs with the release in sequence_timed_alter(), as for every taker; under
     * the lock that is more than is needed. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_acquire);
    uint64_t position;
    do {
        position = place(sequence, next, waiter->came_at_tick, waiter->count);
        *ret_fits = fits_below(position, waiter->count, limit);
        if (!*ret_fits || !time_allows(sequence, position, tick, wall_ms)) {
            return false;
        }
    } while (!claim(sequence, &next, position, waiter->count));
    waiter->block = block_at(sequence, position, waiter->count);
    return true;
}

void sequence_timed_grant(struct sequence *sequence, uint64_t limit, bool last,
                          struct waiters *finished)
{
    while (sequence->waiters.first != NULL) {
        struct waiter *waiter = sequence->waiters.first;
        bool fits = true;
        if (waiter->wanted != NULL && !waiter->wanted(waiter)) {
            waiter->error = ERR_UNAVAILABLE;
        } else if (grant_one(sequence, limit, waiter, &fits)) {
            waiter->error = ERR_OK;
        } else if (last && !fits) {
            waiter->error = ERR_EXHAUSTED;
        } else {
            break; /* nobody is overtaken */
        }
        waiters_append(finished, waiters_take_first(&sequence->waiters));
    }
    sequence_timed_note_queue(sequence);
}

bool sequence_timed_waits_for_time(struct sequence *sequence)
{
    /* order: relaxed, both. Written under the lock, but for takers who make less of the lease. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    const struct waiter *waiter = sequence->waiters.first;
    assert(waiter != NULL);
    return fits_below(place(sequence, next, waiter->came_at_tick, waiter->count), waiter->count,
                      limit);
}

/* ---- leases ---- */

uint64_t sequence_timed_next(struct sequence *sequence, uint64_t next)
{
    uint64_t tick = tick_at(sequence, wall_clock_ms(sequence->clock));
    return range_min(place(sequence, next, tick, 1), sequence->capacity);
}

/* Where those who wait will have brought `next`, as far as time goes, and in any case the first of
 * them: out of the lease, which ends at `end`, and then out of the one to come, which begins at the
 * floor; or of that alone, where it issues nothing below `from`. */
static uint64_t reach_of_waiters(struct sequence *sequence, uint64_t next, uint64_t end,
                                 uint64_t from)
{
    const struct waiter *first = sequence->waiters.first;
    uint64_t last_tick = horizon(sequence, wall_clock_ms(sequence->clock));
    if (first != NULL && from > end) {
        next = range_max(place(sequence, next, tick_of(sequence, from), 1), sequence->floor);
        end = UINT64_MAX;
    }
    for (const struct waiter *waiter = first; waiter != NULL; waiter = waiter->next) {
        uint64_t position = place(sequence, next, waiter->came_at_tick, waiter->count);
        if (!fits_below(position, waiter->count, end)) {
            end = UINT64_MAX;
            next = range_max(next, sequence->floor);
            position = place(sequence, next, waiter->came_at_tick, waiter->count);
        }
        if (waiter != first && tick_of(sequence, position) > last_tick) {
            break;
        }
        next = position + waiter->count;
    }
    return next;
}

uint64_t sequence_timed_present(struct sequence *sequence)
{
    uint64_t tick = tick_at(sequence, wall_clock_ms(sequence->clock));
    return tick < tick_of(sequence, sequence->capacity) ? tick << sequence->counter_bits : 0;
}

uint64_t sequence_timed_need(struct sequence *sequence)
{
    /* order: relaxed, both. The lock holds publications off; a `next` that moves on makes the need
     * no smaller than it is. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    uint64_t tick = tick_at(sequence, wall_clock_ms(sequence->clock));
    if (next > limit || (tick == 0 && tick_of(sequence, next) == 0)) {
        return 0; /* shut; or without any time */
    }
    uint64_t end = limit;
    if (!range_is_empty(sequence->spare)) {
        next = next == limit ? sequence->spare.first : next;
        end = sequence->spare.limit;
    }
    /* A clock beyond the end must not lead the mark there: it may come back. */
    bool over = tick == tick_of(sequence, sequence->capacity);
    uint64_t present = tick << sequence->counter_bits;
    uint64_t target = reach_of_waiters(sequence, next, end, over ? 0 : present);
    present = range_max(present, target);
    bool due = end <= present || end - present <= sequence->threshold;
    if (sequence->definition.durability == DURABILITY_LEASE && due && !over) {
        /* What was burnt lies between: the next lease begins behind it. */
        uint64_t from = sequence->floor > end ? range_max(present, sequence->floor) : present;
        target = range_add_capped(from, sequence->lease_size);
    }
    return target > sequence->floor ? target - sequence->floor : 0;
}

void sequence_timed_skip(struct sequence *sequence, uint64_t from, uint64_t limit)
{
    /* order: relaxed, here and below. Above the old limit `next` stops whoever still takes there;
     * the release in sequence_publish_limit() shows it to whoever sees the new one. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    uint64_t position;
    do {
        position = range_min(place(sequence, next, tick_of(sequence, from), 1), limit);
        /* order: relaxed, as above. */
    } while (!atomic_compare_exchange_weak_explicit(&sequence->next, &next, position,
                                                    memory_order_relaxed, memory_order_relaxed));
    sequence_timed_anchor(sequence, position);
}

/* Positions of `span_ms`, no less than two ticks and no more than max_gap. */
static uint64_t lease_span(const struct sequence *sequence, uint64_t span_ms)
{
    uint64_t positions = layout_span(&sequence->definition.layout, span_ms, SEQUENCE_MAX_GAP_MAX);
    return range_min(range_max(positions, 2 * tick_positions(sequence)),
                     sequence->definition.max_gap);
}

void sequence_timed_adapt(struct sequence *sequence, uint64_t used_ns)
{
    const struct definition *definition = &sequence->definition;
    bool steady = used_ns < LEASE_MS_MAX * CLOCK_NS_PER_MS && sequence->leased > 0;
    if (definition->lease != SEQUENCE_LEASE_AUTO) {
        sequence->lease_size = definition->lease;
    } else if (steady) {
        uint64_t twice = range_multiply_capped(sequence->lease_size, 2);
        sequence->lease_size = range_min(twice, lease_span(sequence, LEASE_MS_MAX));
    } else {
        sequence->lease_size = lease_span(sequence, LEASE_MS_FIRST);
    }
}

void sequence_timed_watch_commits(struct sequence *sequence, uint64_t commit_ns)
{
    if (sequence->definition.lease == SEQUENCE_LEASE_AUTO) {
        uint64_t commits_ms = range_multiply_capped(commit_ns, 2 * COMMITS_AHEAD) / CLOCK_NS_PER_MS;
        sequence->lease_size = range_max(sequence->lease_size, lease_span(sequence, commits_ms));
    }
    sequence->threshold = sequence->lease_size / 2;
}

/* ---- the rest ---- */

uint64_t sequence_timed_init(struct sequence *sequence, const struct definition *definition,
                             uint64_t mark)
{
    const struct layout *layout = &definition->layout;
    uint64_t mask = layout_tick_positions(layout) - 1;
    uint64_t first = (mark & mask) == 0 ? mark : (mark | mask) + 1;
    sequence->timed = true;
    sequence->counter_bits = layout->counter_bits;
    sequence->tick_shift = (uint8_t)(LAYOUT_BITS - layout_time_bits(layout));
    sequence->unit_ms = layout->unit_ms;
    sequence->epoch_ms = layout->epoch_ms;
    atomic_init(&sequence->ids, layout_ids(layout));
    atomic_init(&sequence->max_borrow_ms, layout->max_borrow_ms);
    int64_t wall_ms = wall_clock_ms(sequence->clock);
    struct instant monotonic = sequence->clock->monotonic(sequence->clock);
    atomic_init(&sequence->ahead_ms, (uint64_t)wall_clock_ahead_ms(wall_ms, monotonic));
    first = range_min(first, sequence->capacity);
    sequence_timed_anchor(sequence, first);
    sequence_timed_adapt(sequence, UINT64_MAX);
    return first;
}

void sequence_timed_describe(struct sequence *sequence, uint64_t reached, uint64_t next,
                             struct sequence_times *to)
{
    int64_t wall_ms = wall_clock_ms(sequence->clock);
    uint64_t tick = tick_at(sequence, wall_ms);
    uint64_t last_tick = tick_of(sequence, reached == 0 ? 0 : reached - 1);
    *to = (struct sequence_times){
        .clock_ms = wall_ms,
        .next_ms = time_of(sequence, sequence_timed_next(sequence, next)),
        .mark_ms = time_of(sequence, sequence->floor),
        .end_ms = layout_end_ms(&sequence->definition.layout),
        .borrowed_ms = last_tick > tick ? (last_tick - tick) * sequence->unit_ms : 0,
        .before_epoch = tick == 0,
    };
}

void sequence_timed_alter(struct sequence *sequence, const struct layout *layout)
{
    /* order: relaxed. A bound for borrowing; nothing else rides on it. */
    atomic_store_explicit(&sequence->max_borrow_ms, layout->max_borrow_ms, memory_order_relaxed);
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t ids = atomic_load_explicit(&sequence->ids, memory_order_relaxed);
    if (ids == layout_ids(layout)) {
        return;
    }
    if (sequence->closed) {
        /* order: relaxed. Nobody takes any more. */
        atomic_store_explicit(&sequence->ids, layout_ids(layout), memory_order_relaxed);
        return;
    }
    /* One tick is never shared by two ids, or the order could fall within it. So the way is shut,
     * which makes every compare-and-swap under way fail; the ids are set; and it is opened again at
     * the next tick, or, where the lease ends before, at its end, and the next lease begins there.
     * */
    uint64_t mask = tick_positions(sequence) - 1;
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    /* order: relaxed. Nothing is published by it; what comes back is the last that was taken. */
    uint64_t next = atomic_exchange_explicit(&sequence->next, UINT64_MAX, memory_order_relaxed);
    uint64_t fresh = (next & mask) == 0 ? next : (next | mask) + 1;
    /* order: relaxed. The release below shows it. */
    atomic_store_explicit(&sequence->ids, layout_ids(layout), memory_order_relaxed);
    sequence->floor = range_max(sequence->floor, range_min(fresh, sequence->capacity));
    if (sequence->spare.first < fresh) {
        sequence->lost += range_count(sequence->spare);
        sequence->spare = (struct range){0, 0};
    }
    /* order: release pairs with the acquire of `next` in sequence_timed_take_leased(): who sees
     * this `next` sees the ids. It is above every `next` that was taken from under the old ids. */
    atomic_store_explicit(&sequence->next, range_min(fresh, limit), memory_order_release);
}
