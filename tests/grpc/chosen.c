/* Run one test of a program only: the one that TEST names. Linked with --wrap, so that a program
 * need know nothing of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests,
                                   const size_t count, CMFixtureFunction setup,
                                   CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests,
                                   const size_t count, CMFixtureFunction setup,
                                   CMFixtureFunction teardown);

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests,
                                   const size_t count, CMFixtureFunction setup,
                                   CMFixtureFunction teardown)
{
    cmocka_set_test_filter(getenv("TEST"));
    return __real__cmocka_run_group_tests(name, tests, count, setup, teardown);
}
