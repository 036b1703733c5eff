#include "core_house.h"

#include <stdlib.h>

static void count_event(void *context, enum keeper_event event, enum error error, const char *text)
{
    struct house *house = context;
    (void)error;
    (void)text;
    /* order: relaxed. A count that a test polls. */
    atomic_fetch_add_explicit(&house->events[event], 1, memory_order_relaxed);
}

unsigned house_events(struct house *house, enum keeper_event event)
{
    /* order: relaxed, as above. */
    return atomic_load_explicit(&house->events[event], memory_order_relaxed);
}

struct house *house_build_under(const struct wall_clock *clock)
{
    struct house *house = calloc(1, sizeof *house);
    assert_non_null(house);
    house->disk = store_memory_disk_new();
    struct store_memory_options options = {.disk = house->disk};
    assert_int_equal(store_memory_open(&options, &house->store), ERR_OK);
    assert_int_equal(bell_init(&house->renewals), ERR_OK);
    assert_int_equal(bell_init(&house->waits), ERR_OK);
    assert_int_equal(timekeeper_init(&house->timekeeper, clock), ERR_OK);
    assert_int_equal(registry_open(house->store, &house->renewals, &house->waits,
                                   &house->timekeeper, &house->registry, NULL),
                     ERR_OK);
    return house;
}

int house_build(void **state)
{
    *state = house_build_under(wall_clock_system());
    return 0;
}

void house_declare(struct house *house, const char *name, struct definition definition)
{
    assert_int_equal(registry_declare(house->registry, house->store, name, &definition, NULL),
                     ERR_OK);
}

void house_start(struct house *house)
{
    struct keeper_options options = {.store = house->store,
                                     .renewals = &house->renewals,
                                     .event = count_event,
                                     .context = house};
    assert_int_equal(keeper_start(&options, &house->keeper), ERR_OK);
    assert_int_equal(expiry_start(&house->waits, &house->expiry), ERR_OK);
}

int house_tear_down(void **state)
{
    struct house *house = *state;
    store_memory_fail(house->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    store_memory_release(house->disk);
    registry_close(house->registry);
    keeper_stop(house->keeper);
    expiry_stop(house->expiry);
    registry_free(house->registry);
    store_close(house->store);
    store_memory_disk_free(house->disk);
    timekeeper_fini(&house->timekeeper);
    bell_fini(&house->renewals);
    bell_fini(&house->waits);
    free(house);
    return 0;
}

struct sequence *house_find(struct house *house, const char *name)
{
    struct sequence *sequence = registry_find(house->registry, name, strlen(name));
    assert_non_null(sequence);
    return sequence;
}

static void caller_done(struct waiter *waiter)
{
    sem_post(&((struct caller *)waiter)->over);
}

void house_ask(struct caller *caller, struct sequence *sequence, uint64_t count,
               unsigned patience_ms)
{
    *caller = (struct caller){.waiter = {.count = count, .done = caller_done}};
    caller->waiter.deadline = clock_after(clock_now(), patience_ms * CLOCK_NS_PER_MS);
    assert_int_equal(sem_init(&caller->over, 0, 0), 0);
    enum error error = sequence_wait(sequence, &caller->waiter);
    if (error != ERR_PENDING) { /* else the waiter belongs to core until it is done */
        caller->waiter.error = error;
        sem_post(&caller->over);
    }
}

enum error house_answer_to(struct caller *caller)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOUSE_PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&caller->over, &until), 0);
    sem_destroy(&caller->over);
    return caller->waiter.error;
}

int64_t house_must_take(struct sequence *sequence, uint64_t count)
{
    struct caller caller;
    house_ask(&caller, sequence, count, HOUSE_PATIENCE_MS);
    assert_int_equal(house_answer_to(&caller), ERR_OK);
    return caller.waiter.block.first;
}

struct keeper_health house_health_of(struct house *house)
{
    struct keeper_health health;
    keeper_health(house->keeper, &health);
    return health;
}

struct definition house_every(void)
{
    struct definition definition = definition_default();
    definition.durability = DURABILITY_EVERY;
    return definition;
}

struct definition house_fixed_lease(uint64_t lease)
{
    struct definition definition = definition_default();
    definition.lease = lease;
    return definition;
}
