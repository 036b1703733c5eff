#include "core/timekeeper.h"
#include "fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check_steps(struct timekeeper *timekeeper, uint64_t forward, uint64_t backward,
                        int64_t last_ms)
{
    struct timekeeper_steps steps;
    timekeeper_steps(timekeeper, &steps);
    assert_int_equal(steps.forward, forward);
    assert_int_equal(steps.backward, backward);
    assert_true(steps.last_ms == last_ms);
}

static void test_timekeeper_counts_steps_by_their_direction(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct timekeeper timekeeper;
    fake_clock_init(&fake, INT64_C(1800000000000));
    assert_int_equal(timekeeper_init(&timekeeper, &fake.clock), ERR_OK);
    fake_clock_pass(&fake, 86400000);
    check_steps(&timekeeper, 0, 0, 0);
    fake_clock_step(&fake, -3600000);
    check_steps(&timekeeper, 0, 1, -3600000);
    fake_clock_pass(&fake, 5);
    check_steps(&timekeeper, 0, 1, -3600000);
    fake_clock_step(&fake, 5);
    timekeeper_look(&timekeeper);
    fake_clock_step(&fake, 1000);
    check_steps(&timekeeper, 2, 1, 1000);
    timekeeper_fini(&timekeeper);
}

/* A clock that is slewed is not stepped; one that has crept away for long is noticed once. */
static void test_timekeeper_takes_small_differences_together(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct timekeeper timekeeper;
    fake_clock_init(&fake, INT64_C(1800000000000));
    assert_int_equal(timekeeper_init(&timekeeper, &fake.clock), ERR_OK);
    for (unsigned i = 1; i < TIMEKEEPER_STEP_MS; i++) {
        fake_clock_step(&fake, -1);
        check_steps(&timekeeper, 0, 0, 0);
    }
    fake_clock_step(&fake, -1);
    check_steps(&timekeeper, 0, 1, -TIMEKEEPER_STEP_MS);
    check_steps(&timekeeper, 0, 1, -TIMEKEEPER_STEP_MS);
    timekeeper_fini(&timekeeper);
}

/* Held up for an hour between two readings: nothing can be said of the distance. */
static int64_t slow_wall_ms(const struct wall_clock *clock)
{
    fake_clock_pass((struct fake_clock *)clock, 3600000);
    return fake_clock_ms((struct fake_clock *)clock) - 3600000;
}

static void test_timekeeper_says_nothing_when_it_was_held_up(void **state)
{
    (void)state;
    struct fake_clock fake;
    struct timekeeper timekeeper;
    fake_clock_init(&fake, INT64_C(1800000000000));
    assert_int_equal(timekeeper_init(&timekeeper, &fake.clock), ERR_OK);
    fake.clock.wall_ms = slow_wall_ms;
    check_steps(&timekeeper, 0, 0, 0);
    timekeeper_fini(&timekeeper);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timekeeper_counts_steps_by_their_direction),
        cmocka_unit_test(test_timekeeper_takes_small_differences_together),
        cmocka_unit_test(test_timekeeper_says_nothing_when_it_was_held_up),
    };
    return cmocka_run_group_tests_name("timekeeper", tests, NULL, NULL);
}
