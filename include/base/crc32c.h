/* crc32c: the checksum of all that seqd writes down, on disk and in backups.
 *
 * The law: it finds every change of up to 32 bits in a row.
 *
 * Threads: any; pure functions. */
#ifndef SEQD_BASE_CRC32C_H
#define SEQD_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli) of `length` bytes at `data`, going on from `crc`: 0 to begin, or what the
 * call for the bytes before returned. */
uint32_t crc32c(uint32_t crc, const void *data, size_t length);

#endif
