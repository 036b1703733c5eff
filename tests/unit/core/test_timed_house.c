/* Timestamp sequences in the whole core: registry, keeper and expiry with their threads, under a
 * clock that another thread moves about. */
#include "base/range.h"
#include "chance.h"
#include "core_house.h"
#include "fake_clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define START_MS (LAYOUT_EPOCH_DEFAULT_MS + INT64_C(100000000))
#define NAME "stamps"

struct scene {
    struct fake_clock fake;
    struct house *house;
};

static int build(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    fake_clock_init(&scene->fake, START_MS);
    scene->house = house_build_under(&scene->fake.clock);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    void *house = scene->house;
    (void)house_tear_down(&house);
    free(scene);
    return 0;
}

static enum error declare(struct scene *scene, const struct definition *definition,
                          struct error_detail *detail)
{
    return registry_declare(scene->house->registry, scene->house->store, NAME, definition, detail);
}

/* ---- declaring ---- */

static void test_timed_declare_needs_a_clock_within_its_time(void **state)
{
    struct scene *scene = *state;
    struct definition definition = definition_default_timestamp();
    struct error_detail detail;
    fake_clock_step(&scene->fake, LAYOUT_EPOCH_DEFAULT_MS - START_MS);
    assert_int_equal(declare(scene, &definition, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "epoch is 2024-01-01"));
    assert_null(registry_find(scene->house->registry, NAME, strlen(NAME)));
    fake_clock_step(&scene->fake, INT64_C(1) << 41);
    assert_int_equal(declare(scene, &definition, &detail), ERR_EXHAUSTED);
    fake_clock_step(&scene->fake, -1);
    assert_int_equal(declare(scene, &definition, &detail), ERR_OK);
}

static void test_timed_declare_keeps_kind_and_fields(void **state)
{
    struct scene *scene = *state;
    struct definition definition = definition_default_timestamp();
    struct definition counter = definition_default();
    struct error_detail detail;
    assert_int_equal(declare(scene, &definition, &detail), ERR_OK);
    assert_int_equal(declare(scene, &counter, &detail), ERR_CONFLICT);
    assert_non_null(strstr(detail.text, "kind timestamp"));
    definition.layout.epoch_ms++;
    assert_int_equal(declare(scene, &definition, &detail), ERR_CONFLICT);
    assert_non_null(strstr(detail.text, "2024-01-01T00:00:00.001Z"));
    definition.layout.epoch_ms--;
    definition.layout.node_id = 7;
    assert_int_equal(declare(scene, &definition, &detail), ERR_OK);
    house_start(scene->house);
    struct layout_parts parts =
        layout_decode(&definition.layout, house_must_take(house_find(scene->house, NAME), 1));
    assert_int_equal(parts.node, 7);
}

/* ---- waiting for time ---- */

static void test_timed_wait_for_time_is_ended_by_time(void **state)
{
    struct scene *scene = *state;
    struct definition definition = definition_default_timestamp();
    struct caller callers[3];
    definition.layout.max_borrow_ms = 0;
    assert_int_equal(declare(scene, &definition, NULL), ERR_OK);
    house_start(scene->house);
    struct sequence *sequence = house_find(scene->house, NAME);
    int64_t before = house_must_take(sequence, 4096);
    for (unsigned i = 0; i < 3; i++) {
        house_ask(&callers[i], sequence, 4096, HOUSE_PATIENCE_MS);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sem_trywait(&callers[i].over), -1);
        fake_clock_pass(&scene->fake, 1);
        assert_int_equal(house_answer_to(&callers[i]), ERR_OK);
        int64_t first = callers[i].waiter.block.first;
        assert_true(first > before);
        before = first;
    }
}

/* ---- all at once ---- */

enum {
    TAKERS = 4,
    TAKES = 40000,
    STEPS_MS_MAX = 5000
};

struct taker {
    pthread_t thread;
    struct sequence *sequence;
    struct chance chance;
    struct block *blocks; /* TAKES of them */
};

static void *take_all(void *argument)
{
    struct taker *taker = argument;
    int64_t before = 0;
    for (unsigned i = 0; i < TAKES; i++) {
        uint64_t count = chance_below(&taker->chance, 8) == 0 ? 4096 : 1 + i % 3;
        struct block block;
        struct caller caller;
        if (sequence_take(taker->sequence, count, &block) != ERR_OK) {
            house_ask(&caller, taker->sequence, count, HOUSE_PATIENCE_MS);
            assert_int_equal(house_answer_to(&caller), ERR_OK);
            block = caller.waiter.block;
        }
        assert_true(block.first >
                    before); /* an answer is smaller than what is asked for after it */
        assert_int_equal(block.last - block.first, count - 1);
        before = block.last;
        taker->blocks[i] = block;
    }
    return NULL;
}

struct mover {
    struct errand errand; /* first, so that its address is the mover's */
    sem_t altered;
    struct keeper *keeper;
    pthread_t thread;
    struct fake_clock *fake;
    struct chance chance;
    struct sequence *sequence;
    struct definition definition;
    _Atomic bool over;
};

/* On the keeper's thread, between two commits. */
static enum error alter(struct errand *errand, struct store *store, struct error_detail *detail)
{
    struct mover *mover = (struct mover *)errand;
    struct store_entry entry;
    enum error error = store_define(store, NAME, &mover->definition, &entry, detail);
    if (error == ERR_OK) {
        sequence_alter(mover->sequence, &entry);
    }
    return error;
}

static void altered(struct errand *errand, enum error error)
{
    assert_int_equal(error, ERR_OK);
    sem_post(&((struct mover *)errand)->altered);
}

/* A millisecond passes every time, and now and then the wall clock is set, to and fro. */
static void *move_clock(void *argument)
{
    struct mover *mover = argument;
    /* order: relaxed. A flag that ends a loop. */
    while (!atomic_load_explicit(&mover->over, memory_order_relaxed)) {
        fake_clock_pass(mover->fake, 1);
        if (chance_below(&mover->chance, 20) == 0) {
            int64_t step_ms = (int64_t)chance_below(&mover->chance, STEPS_MS_MAX);
            fake_clock_step(mover->fake, chance_below(&mover->chance, 2) == 0 ? step_ms : -step_ms);
        }
        if (chance_below(&mover->chance, 100) == 0) {
            mover->definition.layout.node_id = (uint32_t)chance_below(&mover->chance, 32);
            keeper_submit(mover->keeper, &mover->errand);
            while (sem_wait(&mover->altered) != 0) {
            }
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

static int by_first(const void *a, const void *b)
{
    const struct block *left = a;
    const struct block *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

static void test_timed_keeps_its_promises_under_threads_and_steps(void **state)
{
    struct scene *scene = *state;
    struct taker takers[TAKERS];
    struct mover mover = {.fake = &scene->fake, .definition = definition_default_timestamp()};
    struct chance chance = chance_from(chance_seed());
    struct block *blocks = calloc((size_t)TAKERS * TAKES, sizeof *blocks);
    assert_non_null(blocks);
    mover.definition.layout.max_borrow_ms = 50;
    assert_int_equal(declare(scene, &mover.definition, NULL), ERR_OK);
    house_start(scene->house);
    mover.sequence = house_find(scene->house, NAME);
    mover.keeper = scene->house->keeper;
    mover.errand = (struct errand){.run = alter, .done = altered};
    assert_int_equal(sem_init(&mover.altered, 0, 0), 0);
    mover.chance = chance_from(chance_next(&chance));
    assert_int_equal(pthread_create(&mover.thread, NULL, move_clock, &mover), 0);
    for (unsigned i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.sequence = mover.sequence,
                                   .chance = chance_from(chance_next(&chance)),
                                   .blocks = blocks + (size_t)i * TAKES};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
    }
    /* order: relaxed, as where it is read. */
    atomic_store_explicit(&mover.over, true, memory_order_relaxed);
    assert_int_equal(pthread_join(mover.thread, NULL), 0);
    sem_destroy(&mover.altered);

    qsort(blocks, (size_t)TAKERS * TAKES, sizeof *blocks, by_first);
    for (size_t i = 1; i < (size_t)TAKERS * TAKES; i++) {
        assert_true(blocks[i].first > blocks[i - 1].last);
    }
    uint64_t mark = 0;
    assert_int_equal(store_memory_mark(scene->house->disk, NAME, &mark), ERR_OK);
    struct layout_parts last =
        layout_decode(&mover.definition.layout, blocks[TAKERS * TAKES - 1].last);
    assert_true((last.tick << 12 | last.counter) < mark);
    free(blocks);
}

#define scene_test(test) cmocka_unit_test_setup_teardown(test, build, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(test_timed_declare_needs_a_clock_within_its_time),
        scene_test(test_timed_declare_keeps_kind_and_fields),
        scene_test(test_timed_wait_for_time_is_ended_by_time),
        scene_test(test_timed_keeps_its_promises_under_threads_and_steps),
    };
    return cmocka_run_group_tests_name("timed_house", tests, NULL, NULL);
}
