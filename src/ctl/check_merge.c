#include "check_merge.h"

#include <assert.h>

static const struct check_take *head(const struct check_merge *merge, uint32_t index)
{
    return &merge->histories[index].takes[merge->at[index]];
}

static uint64_t key_of(const struct check_merge *merge, uint32_t index)
{
    const struct check_take *take = head(merge, index);
    switch (merge->key) {
    case CHECK_BY_SENT:
        return take->span.sent_ns;
    case CHECK_BY_ENDED:
        return take->span.ended_ns;
    case CHECK_BY_LOW:
        return take->low;
    }
    return 0;
}

static bool comes_first(const struct check_merge *merge, uint32_t a, uint32_t b)
{
    uint64_t x = key_of(merge, a);
    uint64_t y = key_of(merge, b);
    return x != y ? x < y : a < b;
}

static void sift_down(struct check_merge *merge, size_t at)
{
    uint32_t moved = merge->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->heap_count) {
            break;
        }
        if (child + 1 < merge->heap_count &&
            comes_first(merge, merge->heap[child + 1], merge->heap[child])) {
            child++;
        }
        if (!comes_first(merge, merge->heap[child], moved)) {
            break;
        }
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = moved;
}

void check_merge_init(struct check_merge *merge, const struct check_history *histories,
                      size_t count, enum check_key key)
{
    assert(count <= CHECK_CONNECTIONS_MAX);
    merge->histories = histories;
    merge->key = key;
    merge->heap_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        merge->at[i] = 0;
        if (histories[i].take_count > 0) {
            merge->heap[merge->heap_count++] = i;
        }
    }
    for (size_t i = merge->heap_count / 2; i > 0; i--) {
        sift_down(merge, i - 1);
    }
}

const struct check_take *check_merge_peek(const struct check_merge *merge)
{
    return merge->heap_count > 0 ? head(merge, merge->heap[0]) : NULL;
}

void check_merge_pass(struct check_merge *merge)
{
    assert(merge->heap_count > 0);
    uint32_t top = merge->heap[0];
    if (++merge->at[top] == merge->histories[top].take_count) {
        merge->heap[0] = merge->heap[--merge->heap_count];
    }
    if (merge->heap_count > 0) {
        sift_down(merge, 0);
    }
}
