#include "core/bell.h"

#include <assert.h>
#include <time.h>

enum error bell_init(struct bell *bell)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&bell->lock, NULL) != 0) {
        return ERR_NO_MEMORY;
    }
    if (pthread_condattr_init(&attributes) != 0) {
        goto fail_attributes;
    }
    if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&bell->rung, &attributes) != 0) {
        goto fail_condition;
    }
    (void)pthread_condattr_destroy(&attributes); /* cannot fail for an initialised object */
    bell->first = NULL;
    bell->end = &bell->first;
    bell->stopped = false;
    return ERR_OK;

fail_condition:
    (void)pthread_condattr_destroy(&attributes);
fail_attributes:
    (void)pthread_mutex_destroy(&bell->lock);
    return ERR_NO_MEMORY;
}

void bell_fini(struct bell *bell)
{
    (void)pthread_cond_destroy(&bell->rung);
    (void)pthread_mutex_destroy(&bell->lock);
}

void rope_init(struct rope *rope, void *owner)
{
    atomic_init(&rope->pulled, false);
    rope->next = NULL;
    rope->owner = owner;
}

void bell_ring(struct bell *bell, struct rope *rope)
{
    /* order: acq_rel. Of several who ring at once exactly one sees false and lists the rope.
     * Acquire pairs with the release in bell_release(): the link belongs to this thread only
     * after the one who answered has let go of it. */
    if (atomic_exchange_explicit(&rope->pulled, true, memory_order_acq_rel)) {
        return;
    }
    pthread_mutex_lock(&bell->lock);
    rope->next = NULL;
    *bell->end = rope;
    bell->end = &rope->next;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
}

/* Wait for a signal, at most until `until`; false when that moment has come. bell->lock is held. */
static bool wait_locked(struct bell *bell, struct instant until)
{
    if (until.ns == UINT64_MAX) {
        return pthread_cond_wait(&bell->rung, &bell->lock) == 0;
    }
    struct timespec at = {
        .tv_sec = (time_t)(until.ns / CLOCK_NS_PER_S),
        .tv_nsec = (long)(until.ns % CLOCK_NS_PER_S),
    };
    return pthread_cond_timedwait(&bell->rung, &bell->lock, &at) == 0;
}

struct rope *bell_answer(struct bell *bell, struct instant until)
{
    pthread_mutex_lock(&bell->lock);
    while (bell->first == NULL && !bell->stopped && wait_locked(bell, until)) {
    }
    struct rope *ropes = bell->first;
    bell->first = NULL;
    bell->end = &bell->first;
    pthread_mutex_unlock(&bell->lock);
    return ropes;
}

void bell_sleep(struct bell *bell, struct instant until)
{
    pthread_mutex_lock(&bell->lock);
    while (!bell->stopped && wait_locked(bell, until)) {
    }
    pthread_mutex_unlock(&bell->lock);
}

void bell_release(struct rope *rope)
{
    /* order: release pairs with the exchange in bell_ring(): whoever rings next may overwrite the
     * link, which this thread has read for the last time. That no call is lost rests on the lock
     * of the rope's owner, see core/sequence.c. */
    atomic_store_explicit(&rope->pulled, false, memory_order_release);
}

void bell_stop(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->stopped = true;
    pthread_cond_broadcast(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
}

bool bell_stopped(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bool stopped = bell->stopped;
    pthread_mutex_unlock(&bell->lock);
    return stopped;
}
