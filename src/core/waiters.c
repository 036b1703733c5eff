#include "waiters.h"

#include <assert.h>
#include <stddef.h>

void waiters_init(struct waiters *waiters)
{
    waiters->first = NULL;
    waiters->end = &waiters->first;
    waiters->length = 0;
}

void waiters_append(struct waiters *waiters, struct waiter *waiter)
{
    assert(waiter->count > 0);
    waiter->next = NULL;
    *waiters->end = waiter;
    waiters->end = &waiter->next;
    waiters->length++;
}

void waiters_move(struct waiters *from, struct waiters *to, enum error error,
                  bool (*matches)(void *context, struct waiter *waiter), void *context)
{
    struct waiters stay;
    waiters_init(&stay);
    struct waiter *next = from->first;
    while (next != NULL) {
        struct waiter *waiter = next;
        next = waiter->next;
        if (matches(context, waiter)) {
            waiter->error = error;
            waiters_append(to, waiter);
        } else {
            waiters_append(&stay, waiter);
        }
    }
    *from = stay;
    if (from->first == NULL) {
        from->end = &from->first; /* the copy's own end pointed into `stay` */
    }
}

struct waiter *waiters_take_first(struct waiters *waiters)
{
    struct waiter *first = waiters->first;
    assert(first != NULL);
    waiters->first = first->next;
    waiters->length--;
    if (waiters->first == NULL) {
        waiters->end = &waiters->first;
    }
    return first;
}

void waiters_concatenate(struct waiters *to, struct waiters *from)
{
    if (from->first != NULL) {
        *to->end = from->first;
        to->end = from->end;
        to->length += from->length;
    }
    waiters_init(from);
}

void waiters_finish(struct waiters *waiters)
{
    struct waiter *next = waiters->first;
    waiters_init(waiters);
    while (next != NULL) {
        struct waiter *waiter = next;
        next = waiter->next; /* read before: after `done` the memory is the front's again */
        waiter->done(waiter);
    }
}
