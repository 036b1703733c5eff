#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define LOOKS 100000

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void test_clock_now_is_the_monotonic_clock_in_ns(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t before = read_ns(CLOCK_MONOTONIC);
        struct instant now = clock_now();
        uint64_t after = read_ns(CLOCK_MONOTONIC);
        assert_true(before <= now.ns && now.ns <= after);
    }
}

static void test_clock_now_coarse_is_the_same_clock_at_the_last_tick(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t before = read_ns(CLOCK_MONOTONIC_COARSE);
        struct instant now = clock_now_coarse();
        uint64_t after = read_ns(CLOCK_MONOTONIC_COARSE);
        assert_true(before <= now.ns && now.ns <= after);
    }
}

static void test_clock_now_never_goes_back(void **state)
{
    (void)state;
    struct instant last = clock_now();
    for (int i = 0; i < LOOKS; i++) {
        struct instant now = clock_now();
        assert_true(now.ns >= last.ns);
        last = now;
    }
}

static void test_clock_now_coarse_never_goes_back_or_ahead(void **state)
{
    (void)state;
    struct instant last = clock_now_coarse();
    for (int i = 0; i < LOOKS; i++) {
        struct instant coarse = clock_now_coarse();
        assert_true(coarse.ns >= last.ns);
        assert_true(coarse.ns <= clock_now().ns);
        last = coarse;
    }
}

/* A machine that is held up between two ticks may show more lag once, but not each time. */
static void test_clock_now_coarse_lags_by_10_ms_at_most(void **state)
{
    (void)state;
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < LOOKS; i++) {
        struct instant now = clock_now();
        uint64_t lag_ns = clock_elapsed(clock_now_coarse(), now);
        least_ns = lag_ns < least_ns ? lag_ns : least_ns;
    }
    assert_true(least_ns <= 10 * CLOCK_NS_PER_MS);
}

static void test_clock_now_coarse_goes_on(void **state)
{
    (void)state;
    struct instant first = clock_now_coarse();
    struct instant give_up = clock_after(clock_now(), 10 * CLOCK_NS_PER_S);
    while (clock_now_coarse().ns == first.ns) {
        assert_false(clock_reached(give_up, clock_now()));
    }
}

static void test_clock_after_ends_at_the_far_end_of_time(void **state)
{
    (void)state;
    assert_true(clock_after((struct instant){5}, 7).ns == 12);
    assert_true(clock_after((struct instant){5}, 0).ns == 5);
    assert_true(clock_after((struct instant){5}, UINT64_MAX - 5).ns == UINT64_MAX);
    assert_true(clock_after((struct instant){5}, UINT64_MAX - 4).ns == UINT64_MAX);
    assert_true(clock_after((struct instant){5}, UINT64_MAX).ns == UINT64_MAX);
    assert_true(clock_after((struct instant){UINT64_MAX}, 1).ns == UINT64_MAX);
}

static void test_clock_elapsed_is_never_negative(void **state)
{
    (void)state;
    assert_true(clock_elapsed((struct instant){5}, (struct instant){12}) == 7);
    assert_true(clock_elapsed((struct instant){12}, (struct instant){12}) == 0);
    assert_true(clock_elapsed((struct instant){12}, (struct instant){5}) == 0);
    assert_true(clock_elapsed((struct instant){0}, (struct instant){UINT64_MAX}) == UINT64_MAX);
}

static void test_clock_reached_is_true_from_the_moment_on(void **state)
{
    (void)state;
    assert_false(clock_reached((struct instant){10}, (struct instant){9}));
    assert_true(clock_reached((struct instant){10}, (struct instant){10}));
    assert_true(clock_reached((struct instant){10}, (struct instant){11}));
    assert_false(clock_reached((struct instant){UINT64_MAX}, clock_now()));
}

static void test_clock_units_are_in_ns(void **state)
{
    (void)state;
    assert_true(CLOCK_NS_PER_S == 1000 * CLOCK_NS_PER_MS);
    assert_true(CLOCK_NS_PER_MS == 1000 * UINT64_C(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_now_is_the_monotonic_clock_in_ns),
        cmocka_unit_test(test_clock_now_coarse_is_the_same_clock_at_the_last_tick),
        cmocka_unit_test(test_clock_now_never_goes_back),
        cmocka_unit_test(test_clock_now_coarse_never_goes_back_or_ahead),
        cmocka_unit_test(test_clock_now_coarse_lags_by_10_ms_at_most),
        cmocka_unit_test(test_clock_now_coarse_goes_on),
        cmocka_unit_test(test_clock_after_ends_at_the_far_end_of_time),
        cmocka_unit_test(test_clock_elapsed_is_never_negative),
        cmocka_unit_test(test_clock_reached_is_true_from_the_moment_on),
        cmocka_unit_test(test_clock_units_are_in_ns),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
