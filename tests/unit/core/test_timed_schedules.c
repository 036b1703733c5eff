/* Timestamp sequences under a clock that does what it likes: many short schedules of takes, waits,
 * commits, steps of the clock, restarts and kills, drawn at random, one thread. SCHEDULES= says how
 * many, SEED= which.
 *
 * What holds at every moment: a number is larger than every number before it, which is uniqueness
 * and order at once; it lies below the durable mark; it holds a time not before the clock's when it
 * was asked for, and not beyond what may be borrowed. And who waits is served in the end. */
#include "base/range.h"
#include "chance.h"
#include "core/sequence.h"
#include "fake_clock.h"
#include "store_memory.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCHEDULES 100000
#define STEPS 60    /* of one schedule */
#define WAITING 8   /* requests at a time */
#define TURNS 20000 /* of a millisecond, after which everybody must have been served */
#define NAME "stamps"
#define START_MS INT64_C(1800000000000)

struct asker {
    struct waiter waiter; /* first, so that its address is the asker's */
    struct world *world;
    int64_t asked_ms; /* what the clock said */
    bool waits;
};

struct world {
    struct chance chance;
    uint64_t seed; /* of this schedule */
    struct fake_clock fake;
    struct timekeeper timekeeper;
    struct bell renewals;
    struct bell waits;
    struct store_memory_disk *disk;
    struct store *store;
    struct sequence *sequence;
    struct definition definition;
    struct asker askers[WAITING];
    bool faulty; /* commits fail */
    bool exact;  /* nobody else moves the mark, so what may be borrowed is known */

    int64_t highest;   /* number issued, in all lives */
    int64_t ahead_ms;  /* what the wall clock was ahead of the monotonic clock, at most */
    uint64_t issued;   /* blocks */
    uint64_t borrowed; /* of those, ahead of the clock */
    uint64_t waited;
};

static uint64_t issued_in_all;
static uint64_t borrowed_in_all;
static uint64_t waited_in_all;

static struct instant monotonic(struct world *w)
{
    return w->fake.clock.monotonic(&w->fake.clock);
}

/* The test's own idea of how far time has come. */
static void note_clock(struct world *w, int64_t wall_ms)
{
    int64_t ahead_ms = wall_clock_ahead_ms(wall_ms, monotonic(w));
    w->ahead_ms = ahead_ms > w->ahead_ms ? ahead_ms : w->ahead_ms;
}

static uint64_t durable_mark(struct world *w)
{
    uint64_t mark = 0;
    assert_int_equal(store_memory_mark(w->disk, NAME, &mark), ERR_OK);
    return mark;
}

#define check(w, condition) \
    do { \
        if (!(condition)) { \
            fail_msg("schedule of seed %" PRIu64 ": not so: %s", (w)->seed, #condition); \
        } \
    } while (0)

static void check_block(struct world *w, const struct block *block, uint64_t count,
                        int64_t asked_ms)
{
    const struct layout *layout = &w->definition.layout;
    struct layout_parts first = layout_decode(layout, block->first);
    struct layout_parts last = layout_decode(layout, block->last);
    uint64_t position = last.tick << layout->counter_bits | last.counter;
    int64_t unit_ms = (int64_t)layout->unit_ms;
    check(w, block->first > w->highest);
    check(w, block->count == count && block->last - block->first == (int64_t)(count - 1));
    check(w, first.tick == last.tick && first.tick > 0);
    check(w, first.machine == layout->machine_id && first.node == layout->node_id);
    check(w, position < durable_mark(w));
    check(w, first.time_ms + unit_ms > asked_ms);
    int64_t time_ms = w->ahead_ms + (int64_t)(monotonic(w).ns / CLOCK_NS_PER_MS);
    check(w, !w->exact || first.time_ms <= time_ms + (int64_t)layout->max_borrow_ms);
    w->highest = block->last;
    w->issued++;
    w->borrowed += first.time_ms > fake_clock_ms(&w->fake);
}

/* ---- one who asks ---- */

static void asker_done(struct waiter *waiter)
{
    struct asker *asker = (struct asker *)waiter;
    asker->waits = false;
    if (waiter->error == ERR_OK) {
        check_block(asker->world, &waiter->block, waiter->count, asker->asked_ms);
    } else {
        check(asker->world, waiter->error == ERR_UNAVAILABLE);
    }
}

static struct asker *idle_asker(struct world *w)
{
    for (unsigned i = 0; i < WAITING; i++) {
        if (!w->askers[i].waits) {
            return &w->askers[i];
        }
    }
    return NULL;
}

static bool somebody_waits(struct world *w)
{
    bool waits = false;
    for (unsigned i = 0; i < WAITING; i++) {
        waits = waits || w->askers[i].waits;
    }
    return waits;
}

static void ask(struct world *w, uint64_t count)
{
    struct asker *asker = idle_asker(w);
    struct block block;
    int64_t now_ms = fake_clock_ms(&w->fake);
    bool crowded = somebody_waits(w);
    enum error error = sequence_take(w->sequence, count, &block);
    if (error == ERR_OK) {
        check(w, !crowded); /* nobody is overtaken */
        check_block(w, &block, count, now_ms);
        return;
    }
    check(w, error == ERR_PENDING);
    if (asker == NULL) {
        return;
    }
    *asker =
        (struct asker){.waiter = {.count = count, .deadline = {UINT64_MAX}, .done = asker_done},
                       .world = w,
                       .asked_ms = now_ms,
                       .waits = true};
    check(w, sequence_wait(w->sequence, &asker->waiter) == ERR_PENDING);
    w->waited++;
}

/* ---- those who serve ---- */

static void recover(struct world *w)
{
    while (store_recover(w->store, NULL) != ERR_OK) {
    }
}

/* What rang, if anything did; a bell that is asked without need costs a system call. */
static struct rope *rung(struct bell *bell)
{
    return bell->first == NULL ? NULL : bell_answer(bell, (struct instant){1});
}

static void keeper_turn(struct world *w)
{
    struct store_request request;
    struct rope *rope = rung(&w->renewals);
    if (rope == NULL || !sequence_plan(w->sequence, monotonic(w), &request)) {
        return;
    }
    if (store_reserve(w->store, &request, 1, NULL) == ERR_OK) {
        assert_int_equal(request.error, ERR_OK);
        sequence_publish(w->sequence, &request, 1000000, monotonic(w));
    } else {
        sequence_burn(w->sequence, &request);
        bell_ring(&w->renewals, sequence_renewal_rope(w->sequence));
        recover(w);
    }
}

static void expiry_turn(struct world *w)
{
    struct rope *rope = rung(&w->waits);
    if (rope != NULL) {
        bell_release(rope);
        if (sequence_expire(w->sequence, (struct instant){1})) {
            bell_ring(&w->waits, rope);
        }
    }
}

/* ---- lives ---- */

static enum error keep_entry(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    (void)detail;
    *(struct store_entry *)context = *entry;
    return ERR_OK;
}

static void begin_life(struct world *w)
{
    struct store_memory_options options = {.disk = w->disk};
    struct store_entry entry;
    assert_int_equal(store_memory_open(&options, &w->store), ERR_OK);
    assert_int_equal(store_define(w->store, NAME, &w->definition, &entry, NULL), ERR_OK);
    assert_int_equal(store_each(w->store, keep_entry, &entry, NULL), ERR_OK);
    assert_int_equal(bell_init(&w->renewals), ERR_OK);
    assert_int_equal(bell_init(&w->waits), ERR_OK);
    assert_int_equal(timekeeper_init(&w->timekeeper, &w->fake.clock), ERR_OK);
    assert_int_equal(sequence_create(&entry, &w->renewals, &w->waits, &w->timekeeper, &w->sequence),
                     ERR_OK);
    const struct layout *layout = &w->definition.layout;
    w->ahead_ms = INT64_MIN;
    note_clock(w, fake_clock_ms(&w->fake));
    uint64_t mark = entry.mark + layout_tick_positions(layout) - 1; /* begins at a whole tick */
    note_clock(w, layout_time_ms(layout, mark >> layout->counter_bits));
}

static void end_life(struct world *w, bool clean)
{
    struct store_return rest;
    sequence_close(w->sequence);
    check(w, !somebody_waits(w));
    if (clean && sequence_settle(w->sequence, &rest)) {
        assert_int_equal(store_give_back(w->store, &rest, 1, NULL), ERR_OK);
        check(w, rest.accepted || w->faulty); /* what was burnt has moved the mark on */
    }
    sequence_free(w->sequence);
    timekeeper_fini(&w->timekeeper);
    bell_fini(&w->renewals);
    bell_fini(&w->waits);
    store_close(w->store);
}

static void draw_ids(struct world *w)
{
    struct layout *layout = &w->definition.layout;
    layout->machine_id = (uint32_t)chance_below(&w->chance, UINT64_C(1) << layout->machine_bits);
    layout->node_id = (uint32_t)chance_below(&w->chance, UINT64_C(1) << layout->node_bits);
}

/* ---- schedules ---- */

static uint64_t draw_count(struct world *w)
{
    uint64_t most = layout_tick_positions(&w->definition.layout);
    switch (chance_below(&w->chance, 4)) {
    case 0:
        return 1 + chance_below(&w->chance, most);
    case 1:
        return most;
    default:
        return 1;
    }
}

static void draw_step(struct world *w)
{
    static const int64_t steps_ms[] = {1, 5, 1000, 3600000};
    int64_t step_ms = steps_ms[chance_below(&w->chance, 4)];
    fake_clock_step(&w->fake, chance_below(&w->chance, 2) == 0 ? step_ms : -step_ms);
}

static void draw_pause(struct world *w)
{
    static const uint64_t pauses_ms[] = {1, 1, 2, 20, 400, 5000};
    fake_clock_pass(&w->fake, pauses_ms[chance_below(&w->chance, 6)]);
}

/* While it runs: what is issued under the new ids begins a tick of its own, which time counts as
 * come. */
static void alter_ids(struct world *w)
{
    const struct layout *layout = &w->definition.layout;
    draw_ids(w);
    struct store_entry entry;
    if (store_define(w->store, NAME, &w->definition, &entry, NULL) == ERR_OK) {
        sequence_alter(w->sequence, &entry);
    }
    struct layout_parts last = layout_decode(layout, w->highest);
    note_clock(w, last.time_ms + (int64_t)layout->unit_ms);
}

static void one_step(struct world *w)
{
    uint64_t turn = chance_below(&w->chance, 100);
    if (turn < 50) {
        ask(w, draw_count(w));
    } else if (turn < 66) {
        keeper_turn(w);
    } else if (turn < 74) {
        expiry_turn(w);
    } else if (turn < 84) {
        draw_pause(w);
    } else if (turn < 94) {
        draw_step(w);
    } else if (turn < 98) {
        end_life(w, chance_below(&w->chance, 2) == 0);
        if (chance_below(&w->chance, 4) == 0) {
            draw_ids(w);
        }
        begin_life(w);
    } else if (!somebody_waits(w)) {
        alter_ids(w);
    }
    note_clock(w, fake_clock_ms(&w->fake));
}

static struct definition draw_definition(struct chance *chance)
{
    static const uint32_t units[] = {1, 1, 10, 1000};
    static const uint32_t borrows[] = {0, 1, 30, 1000};
    struct definition definition = definition_default_timestamp();
    definition.layout.unit_ms = units[chance_below(chance, 4)];
    if (definition.layout.unit_ms == 1000) {
        definition.layout.counter_bits = 18;
    }
    definition.layout.max_borrow_ms = borrows[chance_below(chance, 4)];
    definition.max_gap = definition_max_gap_default(&definition);
    if (chance_below(chance, 4) == 0) {
        definition.durability = DURABILITY_EVERY;
    } else if (chance_below(chance, 4) == 0) {
        definition.lease =
            layout_tick_positions(&definition.layout) * (1 + chance_below(chance, 50));
        definition.max_gap = range_max(definition.max_gap, definition.lease);
    }
    return definition;
}

/* Everybody is served once time and disk behave, wherever the clock stands. */
static void serve_all(struct world *w)
{
    store_memory_fail(w->disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
    ask(w, 1);
    for (unsigned i = 0; somebody_waits(w); i++) {
        check(w, i < TURNS);
        keeper_turn(w);
        expiry_turn(w);
        fake_clock_pass(&w->fake, 1);
        note_clock(w, fake_clock_ms(&w->fake));
    }
}

static void run_schedule(uint64_t seed, uint64_t elsewhere_max, unsigned failures_in_100)
{
    struct world w = {.chance = chance_from(seed), .seed = seed};
    fake_clock_init(&w.fake, START_MS);
    w.definition = draw_definition(&w.chance);
    w.faulty = failures_in_100 > 0;
    w.exact = elsewhere_max == 0 && failures_in_100 == 0;
    w.disk = store_memory_disk_new();
    store_memory_share(w.disk, elsewhere_max, chance_next(&w.chance));
    begin_life(&w);
    for (unsigned i = 0; i < STEPS; i++) {
        if (chance_below(&w.chance, 100) < failures_in_100) {
            store_memory_fail_after(
                w.disk, 0, 1,
                chance_below(&w.chance, 2) == 0 ? STORE_MEMORY_BEFORE : STORE_MEMORY_AFTER, ERR_IO);
        }
        keeper_turn(&w);
        store_memory_fail(w.disk, 0, STORE_MEMORY_BEFORE, ERR_OK);
        one_step(&w);
    }
    serve_all(&w);
    end_life(&w, true);
    issued_in_all += w.issued;
    borrowed_in_all += w.borrowed;
    waited_in_all += w.waited;
    store_memory_disk_free(w.disk);
}

static void run_schedules(uint64_t elsewhere_max, unsigned failures_in_100, uint64_t share)
{
    uint64_t count = knob("SCHEDULES", SCHEDULES, 100000000) / share;
    struct chance chance = chance_from(chance_seed());
    issued_in_all = borrowed_in_all = waited_in_all = 0;
    for (uint64_t i = 0; i < count; i++) {
        run_schedule(chance_next(&chance), elsewhere_max, failures_in_100);
    }
    printf("%" PRIu64 " schedules: %" PRIu64 " blocks, %" PRIu64 " of them borrowed; %" PRIu64
           " requests waited\n",
           count, issued_in_all, borrowed_in_all, waited_in_all);
    /* Else the schedules do not go where it is hard. */
    assert_true(issued_in_all > count * 5);
    assert_true(borrowed_in_all > count && waited_in_all > count);
}

static void test_timed_survives_every_clock(void **state)
{
    (void)state;
    run_schedules(0, 0, 1);
}

static void test_timed_survives_every_clock_on_a_shared_store(void **state)
{
    (void)state;
    run_schedules(20000, 0, 2);
}

static void test_timed_survives_every_clock_while_commits_fail(void **state)
{
    (void)state;
    run_schedules(20000, 10, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timed_survives_every_clock),
        cmocka_unit_test(test_timed_survives_every_clock_on_a_shared_store),
        cmocka_unit_test(test_timed_survives_every_clock_while_commits_fail),
    };
    return cmocka_run_group_tests_name("timed_schedules", tests, NULL, NULL);
}
