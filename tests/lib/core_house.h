/* core_house: everything but the fronts, built as the roof builds it, over the store in memory.
 *
 * Threads: the test's own, beside those of keeper and expiry. */
#ifndef SEQD_TESTS_LIB_CORE_HOUSE_H
#define SEQD_TESTS_LIB_CORE_HOUSE_H

#include "store_memory.h"

#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOUSE_PATIENCE_MS 20000 /* a test that waits longer than this has failed */

struct house {
    struct store_memory_disk *disk;
    struct store *store;
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct registry *registry;
    struct keeper *keeper;
    struct expiry *expiry;
    _Atomic unsigned events[3]; /* how often each keeper_event was told */
};

/* A request that waits; `over` is posted when it is done. */
struct caller {
    struct waiter waiter;
    sem_t over;
};

unsigned house_events(struct house *house, enum keeper_event event);

/* Everything but the fronts, as the roof would build it. */
int house_build(void **state);

/* The same, with a clock of the test's own, which is borrowed. */
struct house *house_build_under(const struct wall_clock *clock);

void house_declare(struct house *house, const char *name, struct definition definition);

void house_start(struct house *house);

int house_tear_down(void **state);

struct sequence *house_find(struct house *house, const char *name);

void house_ask(struct caller *caller, struct sequence *sequence, uint64_t count,
               unsigned patience_ms);

enum error house_answer_to(struct caller *caller);

int64_t house_must_take(struct sequence *sequence, uint64_t count);

struct keeper_health house_health_of(struct house *house);

struct definition house_every(void);

struct definition house_fixed_lease(uint64_t lease);

/* A test that gets a house of its own as its state. */
#define house_test(test) cmocka_unit_test_setup_teardown(test, house_build, house_tear_down)

/* Poll until the condition holds; the test has failed when it does not in time. */
#define house_wait_until(condition) \
    do { \
        struct instant deadline_ = clock_after(clock_now(), HOUSE_PATIENCE_MS * CLOCK_NS_PER_MS); \
        while (!(condition)) { \
            assert_false(clock_reached(deadline_, clock_now())); \
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); \
        } \
    } while (0)

#endif
