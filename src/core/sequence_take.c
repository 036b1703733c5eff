/* The fast path has a file of its own, so that the compiler keeps the slow one out of it. */
#include "core/sequence.h"
#include "sequence_state.h"
#include "sequence_timed.h"

#include <assert.h>

/* Somebody waits: then everybody goes through the lock, which knows the queue. */
static bool is_crowded(struct sequence *sequence)
{
    /* order: relaxed. Who sees it late takes past somebody who came at the same moment. */
    return atomic_load_explicit(&sequence->crowded, memory_order_relaxed);
}

static enum error take_timed(struct sequence *sequence, uint64_t count, struct block *ret_block)
{
    bool due;
    if (count > sequence_block_max(sequence)) {
        return ERR_INVALID;
    }
    if (!is_crowded(sequence) && sequence_timed_take_leased(sequence, count, ret_block, &due)) {
        return due ? sequence_call_keeper(sequence) : ERR_OK;
    }
    return sequence_take_slowly(sequence, count, ret_block);
}

enum error sequence_take(struct sequence *sequence, uint64_t count, struct block *ret_block)
{
    assert(count > 0);
    bool due;
    if (sequence->timed) {
        return take_timed(sequence, count, ret_block);
    }
    if (sequence_take_leased(sequence, count, ret_block, &due)) {
        return due ? sequence_call_keeper(sequence) : ERR_OK;
    }
    return sequence_take_slowly(sequence, count, ret_block);
}
