#include "intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16U
#define ROOM_MAX (UINT32_C(1) << 30)

/* FNV-1a. */
static uint64_t hash_of(const unsigned char *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 32;
}

/* Where the item is, or would be. */
static uint32_t *find(const struct intern *intern, const void *bytes)
{
    uint32_t mask = 2 * intern->room - 1;
    uint32_t at = (uint32_t)hash_of(bytes, intern->size) & mask;
    while (intern->slots[at] != 0 &&
           memcmp(intern_item(intern, intern->slots[at] - 1), bytes, intern->size) != 0) {
        at = (at + 1) & mask;
    }
    return &intern->slots[at];
}

static enum error grow(struct intern *intern)
{
    uint32_t room = intern->room == 0 ? ROOM_FIRST : 2 * intern->room;
    if (room > ROOM_MAX) {
        return ERR_NO_MEMORY;
    }
    unsigned char *items = reallocarray(intern->items, room, intern->size);
    if (items == NULL) {
        return ERR_NO_MEMORY;
    }
    intern->items = items;
    uint32_t *slots = calloc((size_t)2 * room, sizeof *slots);
    if (slots == NULL) {
        return ERR_NO_MEMORY;
    }
    free(intern->slots);
    intern->slots = slots;
    intern->room = room;
    for (uint32_t i = 0; i < intern->count; i++) {
        *find(intern, intern_item(intern, i)) = i + 1;
    }
    return ERR_OK;
}

enum error intern_add(struct intern *intern, const void *bytes, uint32_t *ret_index)
{
    assert(intern->size > 0);
    if (intern->count == intern->room) {
        enum error error = grow(intern);
        if (error != ERR_OK) {
            return error;
        }
    }
    uint32_t *slot = find(intern, bytes);
    if (*slot == 0) {
        memcpy(intern->items + (size_t)intern->count * intern->size, bytes, intern->size);
        *slot = ++intern->count;
    }
    *ret_index = *slot - 1;
    return ERR_OK;
}

void intern_free(struct intern *intern)
{
    free(intern->items);
    free(intern->slots);
    *intern = (struct intern){.size = intern->size};
}
