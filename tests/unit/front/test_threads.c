/* How many threads a front starts. */
#include "front/threads.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_threads_are_as_many_as_are_wanted(void **state)
{
    (void)state;
    assert_int_equal(threads_choose(1, 256), 1);
    assert_int_equal(threads_choose(256, 256), 256);
    assert_int_equal(threads_choose(257, 256), 256);
}

/* Not the machine's: those that this process may run on. */
static void test_threads_are_one_a_processor_where_nothing_is_said(void **state)
{
    cpu_set_t all;
    cpu_set_t one;
    int first = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_int_equal(threads_choose(0, CPU_SETSIZE), CPU_COUNT(&all));
    while (!CPU_ISSET((size_t)first, &all)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET((size_t)first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(threads_choose(0, 256), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_are_as_many_as_are_wanted),
        cmocka_unit_test(test_threads_are_one_a_processor_where_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
