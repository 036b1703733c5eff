/* The keeper's side of a sequence: how much to lease and when, and what becomes of a commit's
 * result. */
#include "core/sequence.h"
#include "sequence_state.h"
#include "sequence_timed.h"

#include <assert.h>

#define LEASE_AHEAD_NS CLOCK_NS_PER_S /* a lease is enough for about this long */
#define COMMITS_AHEAD \
    UINT64_C(4) /* commits that may pass between the call and the end of the lease */
#define RATE_WINDOW_MIN_NS (CLOCK_NS_PER_S / 1000) /* a shorter look says nothing about a rate */

struct sequence *sequence_of_rope(struct rope *rope)
{
    return rope->owner;
}

struct rope *sequence_renewal_rope(struct sequence *sequence)
{
    return &sequence->renewal_rope;
}

/* a × b / c where the product may exceed 64 bits: for rates only. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t product = range_multiply_capped(a, b);
    return product == UINT64_MAX ? range_multiply_capped(a / c, b) : product / c;
}

/* Adapt the lease to what was issued since the last look: about a second's worth, twice as much
 * as before where a request had to wait, at most halved otherwise, so that one quiet moment does
 * not undo a busy hour. */
static void measure(struct sequence *sequence, struct instant now)
{
    uint64_t elapsed_ns = clock_elapsed(sequence->measured_at, now);
    uint64_t issued = sequence_issued(sequence);
    bool waited = sequence->waited > sequence->measured_waited;
    if (elapsed_ns < RATE_WINDOW_MIN_NS && !waited) {
        return;
    }
    elapsed_ns = range_max(elapsed_ns, RATE_WINDOW_MIN_NS);
    sequence->rate = scaled(issued - sequence->measured_issued, CLOCK_NS_PER_S, elapsed_ns);
    sequence->measured_at = now;
    sequence->measured_issued = issued;
    sequence->measured_waited = sequence->waited;
    if (sequence->timed) {
        sequence_timed_adapt(sequence, elapsed_ns);
        return;
    }
    uint64_t size = scaled(sequence->rate, LEASE_AHEAD_NS, CLOCK_NS_PER_S);
    uint64_t least =
        waited ? range_multiply_capped(sequence->lease_size, 2) : sequence->lease_size / 2;
    size = range_max(range_max(size, least), 1);
    sequence->lease_size = range_min(size, sequence->definition.max_gap);
}

/* How few positions may be left before a renewal begins. Never more than half of max_gap, so that
 * a renewal is worth its commit; for a fixed lease never so many that lease and rest together
 * would exceed max_gap. */
static uint64_t renewal_threshold(const struct sequence *sequence, uint64_t commit_ns)
{
    const struct definition *definition = &sequence->definition;
    if (definition->lease != SEQUENCE_LEASE_AUTO) {
        return range_min(definition->lease / 2, definition->max_gap - definition->lease);
    }
    uint64_t in_commits =
        scaled(sequence->rate, range_multiply_capped(commit_ns, COMMITS_AHEAD), CLOCK_NS_PER_S);
    return range_min(range_max(sequence->lease_size / 2, in_commits), definition->max_gap / 2);
}

/* Positions to lease beyond what those who wait need, with `unissued` still in hand. */
static uint64_t positions_ahead(const struct sequence *sequence, uint64_t unissued)
{
    const struct definition *definition = &sequence->definition;
    if (definition->durability == DURABILITY_EVERY || unissued > sequence->threshold) {
        return 0;
    }
    uint64_t room = definition->max_gap - range_min(unissued, definition->max_gap);
    uint64_t size =
        definition->lease != SEQUENCE_LEASE_AUTO ? definition->lease : sequence->lease_size;
    return range_min(size, room);
}

static bool is_unwanted(void *context, struct waiter *waiter)
{
    const struct instant *now = context;
    return clock_reached(waiter->deadline, *now) ||
           (waiter->wanted != NULL && !waiter->wanted(waiter));
}

static uint64_t waiters_need(const struct waiters *waiters)
{
    uint64_t need = 0;
    for (const struct waiter *waiter = waiters->first; waiter != NULL; waiter = waiter->next) {
        need = range_add_capped(need, waiter->count);
    }
    return need;
}

/* Positions to ask the store for. */
static uint64_t positions_due(struct sequence *sequence)
{
    if (sequence->timed) {
        sequence_timed_note_queue(sequence);
        return sequence_timed_need(sequence);
    }
    return range_add_capped(waiters_need(&sequence->waiters),
                            positions_ahead(sequence, sequence_unissued(sequence)));
}

bool sequence_plan(struct sequence *sequence, struct instant now, struct store_request *ret_request)
{
    struct waiters finished;
    waiters_init(&finished);
    /* First let go of the rope, then look: what happens after the look rings anew. */
    bell_release(&sequence->renewal_rope);
    if (sequence->timed) {
        timekeeper_look(sequence->timekeeper);
    }

    pthread_mutex_lock(&sequence->lock);
    waiters_move(&sequence->waiters, &finished, ERR_UNAVAILABLE, is_unwanted, &now);
    if (!sequence->timed) {
        sequence_serve_line(sequence, &finished);
    }
    measure(sequence, now);
    /* Before the need, which reckons with it: a later one would only ask for more. */
    uint64_t from = sequence->timed ? sequence_timed_present(sequence) : 0;
    uint64_t count = positions_due(sequence);
    *ret_request = (struct store_request){
        .name = sequence->name, .count = count, .floor = sequence->floor, .from = from};
    bool due = count > 0 && !sequence->closed && !sequence->exhausted;
    pthread_mutex_unlock(&sequence->lock);

    waiters_finish(&finished);
    return due;
}

void sequence_burn(struct sequence *sequence, const struct store_request *request)
{
    pthread_mutex_lock(&sequence->lock);
    sequence->floor = range_max(sequence->floor, request->burnt_limit);
    pthread_mutex_unlock(&sequence->lock);
}

static void grant_below(struct sequence *sequence, uint64_t limit, bool last,
                        struct waiters *granted)
{
    if (sequence->timed) {
        sequence_timed_grant(sequence, limit, last, granted);
    } else {
        sequence_grant(sequence, limit, last, granted);
    }
}

/* Is the lease used up, as far as those who wait are concerned? */
static bool wants_other_lease(struct sequence *sequence)
{
    return sequence->waiters.first != NULL &&
           !(sequence->timed && sequence_timed_waits_for_time(sequence));
}

/* What of `lease`, which does not go on from the present one, may be issued. */
static struct range cut_off(struct sequence *sequence, struct range lease, uint64_t from)
{
    uint64_t first = range_max(lease.first, range_min(from, lease.limit));
    sequence->lost += first - lease.first;
    return (struct range){first, lease.limit};
}

/* Take the committed `lease` over, and grant on the way: extend what is leased where it continues
 * it; else, when somebody waits, leave the old lease for it; else set it aside as the spare. */
static void take_over(struct sequence *sequence, struct range lease, uint64_t from, bool last,
                      struct waiters *granted)
{
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    struct range spare = sequence->spare;
    bool in_place = lease.first == limit;
    sequence->spare = (struct range){0, 0};
    lease = in_place ? lease : cut_off(sequence, lease, from);

    if (!range_is_empty(spare) && range_is_empty(lease)) {
        lease = spare;
    } else if (!range_is_empty(spare) && lease.first == spare.limit) {
        lease.first = spare.first;
    } else {
        sequence->lost +=
            range_count(spare); /* keeping both would issue the lower one after the higher one */
    }

    if (range_is_empty(lease)) {
        grant_below(sequence, limit, last, granted);
        return;
    }
    if (!in_place && !wants_other_lease(sequence)) {
        sequence->spare = lease;
        grant_below(sequence, limit, false, granted);
        return;
    }
    if (!in_place) {
        sequence_leave_lease(sequence, lease.first);
    } else if (from > limit) {
        sequence_timed_skip(sequence, from, lease.limit);
    }
    grant_below(sequence, lease.limit, last, granted);
    sequence_publish_limit(sequence, lease.limit);
}

/* The sequence was closed while the commit ran: nobody takes any more, the lease only has to be
 * found by sequence_settle(). */
static void keep_for_return(struct sequence *sequence, struct range lease)
{
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    if (range_is_empty(lease)) {
        return;
    }
    if (range_is_empty(sequence->spare) && lease.first == limit) {
        sequence_publish_limit(sequence, lease.limit);
    } else if (lease.first == sequence->spare.limit) {
        sequence->spare.limit = lease.limit;
    } else {
        sequence->lost += range_count(sequence->spare);
        sequence->spare = lease;
    }
}

static bool everyone(void *context, struct waiter *waiter)
{
    (void)context;
    (void)waiter;
    return true;
}

static void set_threshold(struct sequence *sequence, uint64_t commit_ns)
{
    if (sequence->timed) {
        sequence_timed_watch_commits(sequence, commit_ns);
    } else {
        sequence->threshold = renewal_threshold(sequence, commit_ns);
    }
}

static bool is_more_due(struct sequence *sequence, bool last)
{
    if (sequence->timed) {
        return !last && sequence_timed_need(sequence) > 0;
    }
    return sequence->waiters.first != NULL ||
           (!last && positions_ahead(sequence, sequence_unissued(sequence)) > 0);
}

void sequence_publish(struct sequence *sequence, const struct store_request *request,
                      uint64_t commit_ns, struct instant now)
{
    struct waiters finished;
    waiters_init(&finished);
    assert(request->error == ERR_OK);
    assert(request->lease.first <= request->lease.limit);
    assert(range_count(request->lease) <= request->count);

    pthread_mutex_lock(&sequence->lock);
    assert(request->lease.first >=
           sequence->floor); /* a store that goes back must not get past this line */
    assert(request->lease.limit <= sequence->capacity);
    bool last =
        range_count(request->lease) < request->count || request->lease.limit == sequence->capacity;
    sequence->floor = range_max(sequence->floor, request->burnt_limit);
    sequence->generation = request->generation;
    sequence->doubtful = false;
    sequence->leased += range_count(request->lease);
    if (sequence->closed) {
        keep_for_return(sequence, request->lease);
    } else {
        waiters_move(&sequence->waiters, &finished, ERR_UNAVAILABLE, is_unwanted, &now);
        take_over(sequence, request->lease, request->from, last, &finished);
    }
    if (last) {
        sequence->exhausted = true;
    }
    if (last && !sequence->timed) { /* else time may be all that some of them wait for */
        waiters_move(&sequence->waiters, &finished, ERR_EXHAUSTED, everyone, NULL);
    }
    set_threshold(sequence, commit_ns);
    sequence_watch(sequence);
    bool more_due = is_more_due(sequence, last);
    pthread_mutex_unlock(&sequence->lock);

    if (more_due) {
        bell_ring(sequence->renewals, &sequence->renewal_rope);
    }
    waiters_finish(&finished);
}

bool sequence_settle(struct sequence *sequence, struct store_return *ret_return)
{
    pthread_mutex_lock(&sequence->lock);
    assert(sequence->closed);
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    bool ours = !sequence_is_retired(sequence);
    struct range rest = {.first = range_min(sequence->final_next, limit), .limit = limit};
    if (!range_is_empty(sequence->spare)) {
        /* Only the newest lease can be given back: below it the store's mark has moved on. It does
         * not continue the lease, or it would be part of it. */
        assert(sequence->spare.first > limit);
        rest.first = sequence->spare.first;
        rest.limit = sequence->spare.limit;
    }
    *ret_return = (struct store_return){
        .name = sequence->name,
        .generation = sequence->generation,
        .lease_limit = rest.limit,
        .mark = rest.first,
    };
    pthread_mutex_unlock(&sequence->lock);
    return ours && !range_is_empty(rest);
}
