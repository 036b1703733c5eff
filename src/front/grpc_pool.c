#include "grpc_pool.h"

#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GRAIN 128 /* bytes from one size to the next */

/* Stands before its bytes. */
struct grpc_piece {
    _Alignas(max_align_t) struct grpc_piece *next; /* among those that are kept */
    unsigned size;                                 /* GRPC_POOL_SIZES: the C library's own */
};

static void *bytes_of(struct grpc_piece *piece)
{
    return piece + 1;
}

static struct grpc_piece *piece_of(void *bytes)
{
    return (struct grpc_piece *)bytes - 1;
}

/* How many bytes a piece of this size has for its user. */
static size_t room_of(unsigned size)
{
    return (size_t)(size + 1) * GRAIN - sizeof(struct grpc_piece);
}

/* The smallest size that has room for `length` bytes. */
static unsigned size_for(size_t length)
{
    return length > room_of(GRPC_POOL_SIZES - 1)
               ? GRPC_POOL_SIZES
               : (unsigned)((sizeof(struct grpc_piece) + length - 1) / GRAIN);
}

/* Let the first `length` bytes of it be used, and no more. */
static void *lend(struct grpc_piece *piece, size_t length)
{
    if (piece->size < GRPC_POOL_SIZES) {
        ASAN_POISON_MEMORY_REGION(bytes_of(piece), room_of(piece->size));
        ASAN_UNPOISON_MEMORY_REGION(bytes_of(piece), length);
    }
    return bytes_of(piece);
}

static void *take(size_t length, void *context)
{
    struct grpc_pool *pool = context;
    unsigned size = size_for(length);
    struct grpc_piece *piece = size < GRPC_POOL_SIZES ? pool->kept[size] : NULL;

    if (piece != NULL) {
        pool->kept[size] = piece->next;
        pool->counts[size]--;
        return lend(piece, length);
    }
    size_t room = size < GRPC_POOL_SIZES ? room_of(size) : length;
    if (room > SIZE_MAX - sizeof *piece) {
        return NULL;
    }
    piece = malloc(sizeof *piece + room);
    if (piece == NULL) {
        return NULL;
    }
    piece->size = size;
    return lend(piece, length);
}

static void give(void *bytes, void *context)
{
    struct grpc_pool *pool = context;

    if (bytes == NULL) {
        return;
    }
    struct grpc_piece *piece = piece_of(bytes);
    unsigned size = piece->size;
    assert(size <= GRPC_POOL_SIZES);
    if (size == GRPC_POOL_SIZES || pool->counts[size] == GRPC_POOL_KEPT) {
        free(piece);
        return;
    }
    (void)lend(piece, 0);
    piece->next = pool->kept[size];
    pool->kept[size] = piece;
    pool->counts[size]++;
}

static void *take_zeroed(size_t count, size_t length, void *context)
{
    if (length > 0 && count > SIZE_MAX / length) {
        return NULL;
    }
    void *bytes = take(count * length, context);
    return bytes == NULL ? NULL : memset(bytes, 0, count * length);
}

/* From one of ours, which is too small, to `length` bytes elsewhere. */
static void *move(struct grpc_piece *piece, size_t length, void *context)
{
    size_t room = room_of(piece->size);
    void *to = take(length, context);

    if (to == NULL) {
        return NULL;
    }
    /* How much of its room was asked for is not known. */
    ASAN_UNPOISON_MEMORY_REGION(bytes_of(piece), room);
    memcpy(to, bytes_of(piece), room);
    give(bytes_of(piece), context);
    return to;
}

static void *change(void *bytes, size_t length, void *context)
{
    if (bytes == NULL) {
        return take(length, context);
    }
    struct grpc_piece *piece = piece_of(bytes);
    if (piece->size < GRPC_POOL_SIZES) {
        return length <= room_of(piece->size) ? lend(piece, length) : move(piece, length, context);
    }
    if (length > SIZE_MAX - sizeof *piece) {
        return NULL;
    }
    piece = realloc(piece, sizeof *piece + length);
    return piece == NULL ? NULL : bytes_of(piece);
}

void grpc_pool_init(struct grpc_pool *pool)
{
    *pool = (struct grpc_pool){.memory = {.mem_user_data = pool,
                                          .malloc = take,
                                          .free = give,
                                          .calloc = take_zeroed,
                                          .realloc = change}};
}

void grpc_pool_fini(struct grpc_pool *pool)
{
    for (unsigned size = 0; size < GRPC_POOL_SIZES; size++) {
        while (pool->kept[size] != NULL) {
            struct grpc_piece *piece = pool->kept[size];

            pool->kept[size] = piece->next;
            free(piece);
        }
        pool->counts[size] = 0;
    }
}

void *grpc_pool_take(struct grpc_pool *pool, size_t size)
{
    return take_zeroed(1, size, pool);
}

void grpc_pool_give(struct grpc_pool *pool, void *bytes)
{
    give(bytes, pool);
}
