#include "core/expiry.h"
#include "core/sequence.h"

#include <pthread.h>
#include <stdlib.h>

struct expiry {
    struct bell *waits; /* constant */
    pthread_t thread;   /* the owner's */
};

/* Look after every sequence on the list; each one where somebody still waits rings again, for the
 * next tick. */
static bool expire_all(struct bell *waits, struct rope *ropes)
{
    struct instant now = clock_now();
    bool waiting = false;
    while (ropes != NULL) {
        struct rope *rope = ropes;
        ropes = rope->next;
        /* First let go, then look: a waiter who joins after the look finds a rope that can be
         * pulled. */
        bell_release(rope);
        if (sequence_expire(sequence_of_rope(rope), now)) {
            bell_ring(waits, rope);
            waiting = true;
        }
    }
    return waiting;
}

static void *run(void *argument)
{
    struct expiry *expiry = argument;
    while (!bell_stopped(expiry->waits)) {
        struct rope *ropes = bell_answer(expiry->waits, (struct instant){UINT64_MAX});
        if (expire_all(expiry->waits, ropes)) {
            bell_sleep(expiry->waits, clock_after(clock_now(), EXPIRY_TICK_MS * CLOCK_NS_PER_MS));
        }
    }
    return NULL;
}

enum error expiry_start(struct bell *waits, struct expiry **ret_expiry)
{
    struct expiry *expiry = calloc(1, sizeof *expiry);
    if (expiry == NULL) {
        return ERR_NO_MEMORY;
    }
    expiry->waits = waits;
    if (pthread_create(&expiry->thread, NULL, run, expiry) != 0) {
        free(expiry);
        return ERR_NO_MEMORY;
    }
    *ret_expiry = expiry;
    return ERR_OK;
}

void expiry_stop(struct expiry *expiry)
{
    if (expiry == NULL) {
        return;
    }
    bell_stop(expiry->waits);
    (void)pthread_join(expiry->thread, NULL); /* fails only for our own bugs */
    free(expiry);
}
