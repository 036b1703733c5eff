/* The administrator's side of a sequence: what becomes of the lease in memory after the store has
 * changed the record under it. */
#include "core/sequence.h"
#include "sequence_state.h"
#include "sequence_timed.h"

#include <assert.h>

void sequence_alter(struct sequence *sequence, const struct store_entry *entry)
{
    const struct definition *definition = &entry->definition;
    pthread_mutex_lock(&sequence->lock);
    assert(definition_same_numbers(&sequence->definition, definition));
    sequence->definition = *definition;
    sequence->lease_size = range_min(sequence->lease_size, definition->max_gap);
    sequence->threshold = range_min(sequence->threshold, definition->max_gap / 2);
    sequence->generation = entry->generation; /* else the clean stop could give nothing back */
    if (sequence->timed) {
        sequence_timed_alter(sequence, &definition->layout);
    }
    sequence_watch(sequence);
    pthread_mutex_unlock(&sequence->lock);
}

/* Skip what is left of the lease below `position`, which lies inside it or at its end. Takers may
 * be at work: what they get lies below `position` until this returns, and at or above it after. */
static void skip_within(struct sequence *sequence, uint64_t position)
{
    if (sequence->closed) {
        uint64_t next = sequence->final_next;
        sequence->final_next = range_max(next, position);
        sequence->lost += sequence->final_next - next;
        return;
    }
    /* order: relaxed. The compare-and-swap checks it again. */
    uint64_t next = atomic_load_explicit(&sequence->next, memory_order_relaxed);
    while (next < position) {
        /* order: relaxed. As in sequence_take_leased(): what is skipped is taken by nobody else,
         * and nothing rides on it. */
        if (atomic_compare_exchange_weak_explicit(&sequence->next, &next, position,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            sequence->lost += position - next;
            return;
        }
    }
}

/* Go on at `position`, beyond the lease: with what the spare has from there on, or with nothing. */
static void leave_for(struct sequence *sequence, uint64_t position)
{
    struct range lease = sequence->spare;
    sequence->spare = (struct range){0, 0};
    if (position < lease.limit) {
        sequence->lost += position > lease.first ? position - lease.first : 0;
        lease.first = range_max(lease.first, position);
    } else {
        sequence->lost += range_count(lease);
        lease = (struct range){position, position};
    }
    if (sequence->closed) {
        sequence->spare = lease;
        return;
    }
    sequence_leave_lease(sequence, lease.first);
    sequence_publish_limit(sequence, lease.limit);
}

void sequence_advance(struct sequence *sequence, uint64_t position, const struct store_entry *entry)
{
    pthread_mutex_lock(&sequence->lock);
    /* order: relaxed. Written under the lock only, which is held. */
    uint64_t limit = atomic_load_explicit(&sequence->limit, memory_order_relaxed);
    assert(position <= sequence->capacity);
    skip_within(sequence, range_min(position, limit));
    if (sequence->timed) {
        sequence_timed_anchor(sequence, position);
    }
    if (position > limit) {
        leave_for(sequence, position);
    }
    if (entry != NULL) {
        sequence->generation = entry->generation; /* as above */
    }
    sequence->floor = range_max(sequence->floor, entry != NULL ? entry->mark : position);
    sequence_watch(sequence);
    pthread_mutex_unlock(&sequence->lock);
    /* Perhaps little is left, and somebody waits. */
    bell_ring(sequence->renewals, &sequence->renewal_rope);
}

void sequence_set_doubtful(struct sequence *sequence, bool doubtful)
{
    pthread_mutex_lock(&sequence->lock);
    sequence->doubtful = doubtful;
    pthread_mutex_unlock(&sequence->lock);
}

bool sequence_is_doubtful(struct sequence *sequence)
{
    pthread_mutex_lock(&sequence->lock);
    bool doubtful = sequence->doubtful;
    pthread_mutex_unlock(&sequence->lock);
    return doubtful;
}
