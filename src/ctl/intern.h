/* intern: small numbers for things that come again and again, such as names.
 *
 * The law: equal bytes have one index, given out from 0 on in the order of their first coming.
 *
 * Threads: one at a time. */
#ifndef SEQD_CTL_INTERN_H
#define SEQD_CTL_INTERN_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Zeros but for `size` are an empty one. */
struct intern {
    size_t size; /* bytes of one item */
    unsigned char *items;
    uint32_t count;
    uint32_t room;   /* of items; a power of two, or 0 */
    uint32_t *slots; /* twice as many as `room`: an index and 1, or 0 */
};

/* The index of the item with the `size` bytes at `bytes`, which is added if it is new.
 * ERR_NO_MEMORY: it is not. */
__attribute__((warn_unused_result)) enum error intern_add(struct intern *intern, const void *bytes,
                                                          uint32_t *ret_index);

/* Valid until the next one is added. */
static inline const void *intern_item(const struct intern *intern, uint32_t index)
{
    return intern->items + (size_t)index * intern->size;
}

void intern_free(struct intern *intern);

#endif
