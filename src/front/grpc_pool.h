/* grpc_pool: the memory of a loop's sessions and calls.
 *
 * A call takes a dozen small pieces of memory and gives them back at once, a hundred calls of a
 * round one after the other: more than the C library keeps at hand. This keeps them.
 *
 * The law: it keeps GRPC_POOL_KEPT pieces of each of its GRPC_POOL_SIZES sizes at most, so no more
 * than 320 KiB; what is larger than the largest goes through to the C library. A piece goes back to
 * the pool that it came from. AddressSanitizer sees the use of a piece that was given back, and
 * beyond what was asked for, as it does with the C library.
 *
 * Threads: one at a time. */
#ifndef SEQD_FRONT_GRPC_POOL_H
#define SEQD_FRONT_GRPC_POOL_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

#define GRPC_POOL_SIZES 4   /* 128, 256, 384 and 512 bytes, with the head of a piece */
#define GRPC_POOL_KEPT 256U /* pieces of each */

struct grpc_piece;

struct grpc_pool {
    nghttp2_mem memory; /* itself, for the library */
    struct grpc_piece *kept[GRPC_POOL_SIZES];
    unsigned counts[GRPC_POOL_SIZES]; /* of them */
};

void grpc_pool_init(struct grpc_pool *pool);

/* Free what is kept. Every piece must have been given back. */
void grpc_pool_fini(struct grpc_pool *pool);

/* `size` zeroed bytes, aligned for anything; NULL when memory is out. */
__attribute__((warn_unused_result)) void *grpc_pool_take(struct grpc_pool *pool, size_t size);

/* NULL is accepted. */
void grpc_pool_give(struct grpc_pool *pool, void *bytes);

#endif
