#include "spans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum error make_room(struct spans *spans, size_t count)
{
    if (count <= spans->room - spans->count) {
        return ERR_OK;
    }
    size_t room = 2 * spans->room + count + 1024;
    struct span *items = reallocarray(spans->items, room, sizeof *items);
    if (items == NULL) {
        return ERR_NO_MEMORY;
    }
    spans->items = items;
    spans->room = room;
    return ERR_OK;
}

enum error spans_add(struct spans *spans, struct span span)
{
    assert(span.low <= span.high);
    enum error error = make_room(spans, 1);
    if (error == ERR_OK) {
        spans->items[spans->count++] = span;
    }
    return error;
}

enum error spans_add_all(struct spans *to, const struct spans *from)
{
    enum error error = make_room(to, from->count);
    if (error == ERR_OK && from->count > 0) {
        memcpy(to->items + to->count, from->items, from->count * sizeof *from->items);
        to->count += from->count;
    }
    return error;
}

static int compare(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

uint64_t spans_overlaps(struct spans *spans)
{
    uint64_t overlaps = 0;
    if (spans->count == 0) {
        return 0;
    }
    qsort(spans->items, spans->count, sizeof *spans->items, compare);
    int64_t high = spans->items[0].high; /* the highest number so far */
    for (size_t i = 1; i < spans->count; i++) {
        overlaps += spans->items[i].low <= high ? 1 : 0;
        high = spans->items[i].high > high ? spans->items[i].high : high;
    }
    return overlaps;
}

void spans_free(struct spans *spans)
{
    free(spans->items);
    *spans = (struct spans){.items = NULL};
}
