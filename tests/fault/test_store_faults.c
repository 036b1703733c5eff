/* A disk that fails: every call of a store's life fails once, in every way, and then for good. */
#include "dir.h"
#include "faultio.h"
#include "script.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CALLS_MAX 2000 /* far above the calls of one life */

static int set_up(void **state)
{
    struct dir *dir = malloc(sizeof(*dir));

    assert_non_null(dir);
    faultio_reset();
    *dir = dir_make();
    *state = dir;
    return 0;
}

static int tear_down(void **state)
{
    struct dir *dir = *state;

    faultio_reset();
    dir_remove(dir);
    free(dir);
    return 0;
}

static void check_after(const struct dir *dir, const struct script *script)
{
    faultio_reset();
    script_check(dir, script->facts);
}

/* Lives whose 1st, 2nd, 3rd … call fails, until one meets no fault. */
static void fail_each_call(const struct dir *dir, enum faultio_kind kind, unsigned times)
{
    unsigned first = 0;
    unsigned failed;

    do {
        struct script script = {.dir = dir};
        bool done;

        first++;
        assert_true(first < CALLS_MAX);
        dir_empty(dir);
        faultio_reset();
        faultio_add((struct faultio_plan){
            .calls = FAULTIO_ANY, .first = first, .times = times, .kind = kind});
        done = script_run(&script);
        failed = faultio_failed();
        /* One fault may cost a call, never the life. */
        assert_true(done || times > 1);
        assert_true(failed > 0 || script.failures == 0);
        check_after(dir, &script);
    } while (failed > 0);
    print_message("    %u lives, each with another call failing\n", first - 1);
    assert_true(first > 50);
}

static void test_store_survives_an_error_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_EIO, 1);
}

static void test_store_survives_a_full_disk_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_ENOSPC, 1);
}

static void test_store_survives_a_short_write_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_SHORT, 1);
}

static void test_store_survives_an_error_after_the_fact_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_LATE, 1);
}

static void test_store_survives_an_error_that_cannot_be_undone_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_STUCK, 1);
}

static void test_store_survives_a_disk_that_dies_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_EIO, UINT_MAX);
}

static void test_store_survives_a_disk_that_stays_full_at_every_call(void **state)
{
    fail_each_call(*state, FAULTIO_ENOSPC, UINT_MAX);
}

/* What a life that will be killed tells its parent, before anybody could use it. */
struct told {
    size_t fact;
    uint64_t value;
};

static void tell(void *context, size_t fact, uint64_t value)
{
    struct told told = {.fact = fact, .value = value};

    if (write(*(int *)context, &told, sizeof(told)) != sizeof(told)) {
        _exit(3);
    }
}

/* Live one life that is killed at call `first`; what it told, and how it ended. */
static int live_and_die(const struct dir *dir, unsigned first, uint64_t facts[SCRIPT_FACTS])
{
    int ends[2];
    int status = 0;
    struct told told;
    pid_t child;

    memset(facts, 0, SCRIPT_FACTS * sizeof(*facts));
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct script script = {.dir = dir, .on_fact = tell, .context = &ends[1]};

        close(ends[0]);
        faultio_reset();
        faultio_add((struct faultio_plan){
            .calls = FAULTIO_ANY, .first = first, .times = 1, .kind = FAULTIO_KILL});
        _exit(script_run(&script) ? 0 : 2);
    }
    close(ends[1]);
    while (read(ends[0], &told, sizeof(told)) == sizeof(told)) {
        facts[told.fact] = told.value;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* kill -9 finds no missing sync, but it finds every state that the files can be left in. */
static void test_store_survives_a_kill_at_every_call(void **state)
{
    const struct dir *dir = *state;
    unsigned first = 0;
    int status;

    do {
        uint64_t facts[SCRIPT_FACTS];

        first++;
        assert_true(first < CALLS_MAX);
        dir_empty(dir);
        status = live_and_die(dir, first, facts);
        assert_true(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        script_check(dir, facts);
    } while (WIFSIGNALED(status));
    print_message("    %u lives, each killed at another call\n", first - 1);
    assert_true(first > 50);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_store_survives_an_error_at_every_call),
        CASE(test_store_survives_a_full_disk_at_every_call),
        CASE(test_store_survives_a_short_write_at_every_call),
        CASE(test_store_survives_an_error_after_the_fact_at_every_call),
        CASE(test_store_survives_an_error_that_cannot_be_undone_at_every_call),
        CASE(test_store_survives_a_disk_that_dies_at_every_call),
        CASE(test_store_survives_a_disk_that_stays_full_at_every_call),
        CASE(test_store_survives_a_kill_at_every_call),
    };

    return cmocka_run_group_tests_name("store faults", tests, NULL, NULL);
}
