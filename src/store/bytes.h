/* bytes: fixed-width little-endian integers of all that seqd writes to disk.
 *
 * The law: what lies on the disk is laid out byte by byte, never by copying a struct, so the files
 * of one machine are read by any other.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_STORE_BYTES_H
#define SEQD_STORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The low `width` bytes (1 … 8) of `value`, the least significant first. */
static inline void bytes_put(uint8_t *to, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

/* What bytes_put() wrote. */
static inline uint64_t bytes_get(const uint8_t *from, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

bool bytes_are_zero(const uint8_t *bytes, size_t length);

#endif
