/* The fast path has a file of its own, so that the compiler keeps the slow one out of it. */
#include "core/sequence.h"
#include "sequence_state.h"

#include <assert.h>

enum error sequence_take(struct sequence *sequence, uint64_t count, struct block *ret_block)
{
    assert(count > 0);
    bool due;
    if (sequence_take_leased(sequence, count, ret_block, &due)) {
        return due ? sequence_call_keeper(sequence) : ERR_OK;
    }
    return sequence_take_slowly(sequence, count, ret_block);
}
