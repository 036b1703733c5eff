#include "grpc_timer.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#define ROOM_MIN 64

static void put_at(struct grpc_timers *timers, size_t index, struct grpc_timer *timer)
{
    timers->heap[index] = timer;
    timer->place = index + 1;
}

static void sift_up(struct grpc_timers *timers, size_t index, struct grpc_timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (timers->heap[parent]->due.ns <= timer->due.ns) {
            break;
        }
        put_at(timers, index, timers->heap[parent]);
        index = parent;
    }
    put_at(timers, index, timer);
}

static void sift_down(struct grpc_timers *timers, size_t index, struct grpc_timer *timer)
{
    for (;;) {
        size_t child = 2 * index + 1;

        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->due.ns < timers->heap[child]->due.ns) {
            child++;
        }
        if (timer->due.ns <= timers->heap[child]->due.ns) {
            break;
        }
        put_at(timers, index, timers->heap[child]);
        index = child;
    }
    put_at(timers, index, timer);
}

/* `timer` stands at `index` and may be smaller than its parent or larger than a child. */
static void settle(struct grpc_timers *timers, size_t index, struct grpc_timer *timer)
{
    if (index > 0 && timer->due.ns < timers->heap[(index - 1) / 2]->due.ns) {
        sift_up(timers, index, timer);
    } else {
        sift_down(timers, index, timer);
    }
}

void grpc_timers_fini(struct grpc_timers *timers)
{
    assert(timers->count == 0);
    free(timers->heap);
    *timers = (struct grpc_timers){.heap = NULL};
}

enum error grpc_timer_set(struct grpc_timers *timers, struct grpc_timer *timer, struct instant due)
{
    if (timer->place != 0) {
        timer->due = due;
        settle(timers, timer->place - 1, timer);
        return ERR_OK;
    }
    if (timers->count == timers->room) {
        size_t room = timers->room == 0 ? ROOM_MIN : timers->room * 2;
        struct grpc_timer **heap = realloc(timers->heap, room * sizeof(struct grpc_timer *));

        if (heap == NULL) {
            return ERR_NO_MEMORY;
        }
        timers->heap = heap;
        timers->room = room;
    }
    timer->due = due;
    sift_up(timers, timers->count++, timer);
    return ERR_OK;
}

void grpc_timer_clear(struct grpc_timers *timers, struct grpc_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    size_t index = timer->place - 1;
    struct grpc_timer *last = timers->heap[--timers->count];

    assert(timers->heap[index] == timer || index == timers->count);
    timer->place = 0;
    if (last != timer) {
        settle(timers, index, last);
    }
}

void grpc_timers_fire(struct grpc_timers *timers, struct instant now)
{
    while (timers->count > 0 && clock_reached(timers->heap[0]->due, now)) {
        struct grpc_timer *timer = timers->heap[0];

        grpc_timer_clear(timers, timer);
        timer->fire(timer);
    }
}

struct instant grpc_timers_next(const struct grpc_timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->due : (struct instant){.ns = UINT64_MAX};
}

int grpc_timers_wait_ms(const struct grpc_timers *timers, struct instant now)
{
    if (timers->count == 0) {
        return -1;
    }
    uint64_t ns = clock_elapsed(now, timers->heap[0]->due);
    uint64_t ms = ns / CLOCK_NS_PER_MS + (ns % CLOCK_NS_PER_MS != 0 ? 1 : 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
