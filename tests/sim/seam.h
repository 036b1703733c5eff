/* seam: what every file of core is compiled with in the simulation, before its first line.
 *
 * The law: the core's source is the product's own, to the letter; only the ground it stands on is
 * another. Each atomic operation, each lock and each wait becomes a step at which another fiber may
 * go on; threads are fibers, time is simulated, and memory dies with the life that took it.
 *
 * Interleavings are sequentially consistent: what a weakly ordered processor adds is left to
 * ThreadSanitizer and the stress tests. */
#ifndef SEQD_TESTS_SIM_SEAM_H
#define SEQD_TESTS_SIM_SEAM_H

#include "fiber.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t seam_exchange(_Atomic uint64_t *object, uint64_t value)
{
    /* order: seq_cst pairs with itself, because one thread plays all; the orders that core states
     * are tested elsewhere. */
    return atomic_exchange_explicit(object, value, memory_order_seq_cst);
}

static inline bool seam_exchange_bool(_Atomic bool *object, bool value)
{
    /* order: seq_cst pairs with itself, because one thread plays all. */
    return atomic_exchange_explicit(object, value, memory_order_seq_cst);
}

static inline bool seam_compare_exchange(_Atomic uint64_t *object, uint64_t *expected,
                                         uint64_t desired)
{
    /* order: seq_cst pairs with itself, because one thread plays all. */
    return atomic_compare_exchange_strong_explicit(object, expected, desired, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_weak_explicit
#define atomic_load_explicit(object, order) (fiber_step(), *(object))
#define atomic_store_explicit(object, value, order) (fiber_step(), (void)(*(object) = (value)))
#define atomic_exchange_explicit(object, value, order) \
    (fiber_step(), _Generic((object), _Atomic bool *: seam_exchange_bool, \
                   default: seam_exchange)(object, value))
#define atomic_compare_exchange_weak_explicit(object, expected, desired, success, failure) \
    (fiber_step(), seam_compare_exchange(object, expected, desired))

#define pthread_mutex_t struct fiber_mutex
#define pthread_mutex_init(mutex, attributes) fiber_mutex_init(mutex)
#define pthread_mutex_destroy(mutex) fiber_forget(mutex)
#define pthread_mutex_lock(mutex) fiber_mutex_lock(mutex)
#define pthread_mutex_unlock(mutex) fiber_mutex_unlock(mutex)

#define pthread_cond_t struct fiber_condition
#define pthread_cond_init(condition, attributes) fiber_condition_init(condition)
#define pthread_cond_destroy(condition) fiber_forget(condition)
#define pthread_cond_wait(condition, mutex) fiber_condition_wait(condition, mutex, NULL)
#define pthread_cond_timedwait(condition, mutex, until) \
    fiber_condition_wait(condition, mutex, until)
#define pthread_cond_signal(condition) fiber_condition_signal(condition)
#define pthread_cond_broadcast(condition) fiber_condition_broadcast(condition)

#define pthread_t struct fiber *
#define pthread_create(thread, attributes, run, argument) fiber_create(thread, run, argument)
#define pthread_join(thread, result) fiber_join(thread)

#define nanosleep(span, rest) fiber_sleep(span)

#ifdef SIM_MEMORY /* the core's: gone when its life is; the disk's is the heap's own */
#define calloc(count, size) fiber_allocate(count, size)
#define aligned_alloc(alignment, size) fiber_allocate(1, size)
#define free(memory) ((void)fiber_forget(memory))
#endif

#endif
