/* What the store in memory does beyond the contract: its knobs, and the watch it keeps on its
 * caller. */
#include "store_memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

/* A disk with the sequences `a` and `b`, and a store open on it that watches its caller. */
struct scene {
    struct store_memory_disk *disk;
    struct store *store;
};

static struct store *open_on(struct store_memory_disk *disk)
{
    struct store_memory_options options = {.disk = disk};
    struct store *store;

    assert_int_equal(store_memory_open(&options, &store), ERR_OK);
    return store;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct definition definition = definition_default();
    struct store_entry entry;

    assert_non_null(scene);
    scene->disk = store_memory_disk_new();
    scene->store = open_on(scene->disk);
    assert_int_equal(store_define(scene->store, "a", &definition, &entry, NULL), ERR_OK);
    assert_int_equal(store_define(scene->store, "b", &definition, &entry, NULL), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    store_close(scene->store);
    store_memory_disk_free(scene->disk);
    free(scene);
    return 0;
}

/* Does `act`, in a process of its own, end in abort()? */
static bool aborts(struct scene *scene, void (*act)(struct scene *scene))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        /* The message is for people; here the abort is what was wanted. */
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        act(scene);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static enum error take(struct scene *scene, const char *name, uint64_t floor,
                       struct store_request *ret_request)
{
    *ret_request = (struct store_request){.name = name, .count = 10, .floor = floor};
    return store_reserve(scene->store, ret_request, 1, NULL);
}

static void reserve_without_recover(struct scene *scene)
{
    struct store_request request;

    store_memory_fail(scene->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    if (take(scene, "a", 0, &request) == ERR_IO) {
        (void)take(scene, "a", request.burnt_limit, &request);
    }
}

static void forget_a_burnt_limit(struct scene *scene)
{
    struct store_request request;

    store_memory_fail(scene->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    (void)take(scene, "a", 0, &request);
    if (store_recover(scene->store, NULL) == ERR_OK) {
        (void)take(scene, "a", request.burnt_limit - 1, &request);
    }
}

static void name_one_twice(struct scene *scene)
{
    struct store_request requests[] = {{.name = "a", .count = 1}, {.name = "a", .count = 1}};

    (void)!store_reserve(scene->store, requests, 2, NULL);
}

static void ask_for_nothing(struct scene *scene)
{
    struct store_request request = {.name = "a"};

    (void)!store_reserve(scene->store, &request, 1, NULL);
}

static void return_above_the_limit(struct scene *scene)
{
    struct store_return giving = {.name = "a", .lease_limit = 5, .mark = 6};

    (void)!store_give_back(scene->store, &giving, 1, NULL);
}

static void *reserve_b(void *context)
{
    struct scene *scene = context;
    struct store_request request;

    (void)take(scene, "b", 0, &request);
    return NULL;
}

static void call_from_two_threads(struct scene *scene)
{
    pthread_t other;
    struct store_request request;

    store_memory_hold(scene->disk);
    if (pthread_create(&other, NULL, reserve_b, scene) == 0 &&
        store_memory_wait_held(scene->disk, PATIENCE_MS)) {
        (void)take(scene, "a", 0, &request);
    }
}

static void test_store_memory_aborts_on_a_reserve_without_recover(void **state)
{
    assert_true(aborts(*state, reserve_without_recover));
}

static void test_store_memory_aborts_on_a_forgotten_burnt_limit(void **state)
{
    assert_true(aborts(*state, forget_a_burnt_limit));
}

static void test_store_memory_aborts_on_a_name_twice(void **state)
{
    assert_true(aborts(*state, name_one_twice));
}

static void test_store_memory_aborts_on_a_count_of_0(void **state)
{
    assert_true(aborts(*state, ask_for_nothing));
}

static void test_store_memory_aborts_on_a_return_above_its_lease(void **state)
{
    assert_true(aborts(*state, return_above_the_limit));
}

static void test_store_memory_aborts_on_two_threads_at_once(void **state)
{
    assert_true(aborts(*state, call_from_two_threads));
}

/* The end of the story that the tests above tell from the other side. */
static void test_store_memory_lets_a_good_caller_be(void **state)
{
    struct scene *scene = *state;
    struct store_request request;

    store_memory_fail(scene->disk, 1, STORE_MEMORY_AFTER, ERR_IO);
    assert_int_equal(take(scene, "a", 0, &request), ERR_IO);
    assert_int_equal(store_recover(scene->store, NULL), ERR_OK);
    assert_int_equal(take(scene, "a", request.burnt_limit, &request), ERR_OK);
    assert_int_equal(store_memory_recoveries(scene->disk), 1);
}

static void test_store_memory_shares_with_another_node(void **state)
{
    struct scene *scene = *state;
    struct store_request request = {0};
    unsigned joined = 0;

    store_memory_share(scene->disk, 3, 7);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t limit = request.lease.limit;

        assert_int_equal(take(scene, "a", limit, &request), ERR_OK);
        assert_true(request.lease.first - limit <= 3);
        joined += request.lease.first == limit;
    }
    assert_true(joined > 0 && joined < 100);
}

static void test_store_memory_takes_for_another_node_at_once(void **state)
{
    struct scene *scene = *state;
    struct range elsewhere = store_memory_take_elsewhere(scene->disk, "a", 25);
    struct store_request request;

    assert_int_equal(range_count(elsewhere), 25);
    assert_int_equal(take(scene, "a", 0, &request), ERR_OK);
    assert_true(request.lease.first >= elsewhere.limit);
    assert_true(range_is_empty(store_memory_take_elsewhere(scene->disk, "nobody", 25)));
}

static void test_store_memory_serves_two_nodes_from_one_disk(void **state)
{
    struct scene *scene = *state;
    struct store *other = open_on(scene->disk);
    struct store_request first;
    struct store_request second = {.name = "a", .count = 10};

    assert_int_equal(take(scene, "a", 0, &first), ERR_OK);
    assert_int_equal(store_reserve(other, &second, 1, NULL), ERR_OK);
    assert_true(second.lease.first >= first.lease.limit);
    store_close(other);
}

static void test_store_memory_fails_the_commits_it_was_told(void **state)
{
    struct scene *scene = *state;
    struct store_request request;

    store_memory_fail_after(scene->disk, 1, 2, STORE_MEMORY_BEFORE, ERR_UNAVAILABLE);
    assert_int_equal(take(scene, "a", 0, &request), ERR_OK);
    assert_int_equal(take(scene, "b", 0, &request), ERR_UNAVAILABLE);
    assert_int_equal(store_recover(scene->store, NULL), ERR_UNAVAILABLE);
    assert_int_equal(store_recover(scene->store, NULL), ERR_OK);
}

static void test_store_memory_stays_fenced(void **state)
{
    struct scene *scene = *state;
    struct store_request request;

    store_memory_fail(scene->disk, 1, STORE_MEMORY_BEFORE, ERR_FENCED);
    assert_int_equal(take(scene, "a", 0, &request), ERR_FENCED);
    assert_int_equal(store_recover(scene->store, NULL), ERR_FENCED);
    assert_int_equal(store_recover(scene->store, NULL), ERR_FENCED);
}

static void test_store_memory_holds_a_commit_before_its_effect(void **state)
{
    struct scene *scene = *state;
    uint64_t commits = store_memory_commits(scene->disk);
    uint64_t mark = 1;
    pthread_t other;

    store_memory_hold(scene->disk);
    assert_int_equal(pthread_create(&other, NULL, reserve_b, scene), 0);
    assert_true(store_memory_wait_held(scene->disk, PATIENCE_MS));
    assert_int_equal(store_memory_mark(scene->disk, "b", &mark), ERR_OK);
    assert_int_equal(mark, 0);
    assert_int_equal(store_memory_commits(scene->disk), commits);
    store_memory_pass(scene->disk, 1);
    assert_true(store_memory_wait_commits(scene->disk, commits + 1, PATIENCE_MS));
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(store_memory_mark(scene->disk, "b", &mark), ERR_OK);
    assert_int_equal(mark, 10);
    assert_false(store_memory_wait_held(scene->disk, 0));
    store_memory_release(scene->disk);
}

static void test_store_memory_logs_every_lease(void **state)
{
    struct scene *scene = *state;
    struct store_request request;
    struct store_memory_lease lease;

    assert_int_equal(take(scene, "a", 0, &request), ERR_OK);
    store_memory_fail(scene->disk, 1, STORE_MEMORY_AFTER, ERR_IO);
    assert_int_equal(take(scene, "b", 3, &request), ERR_IO);
    assert_int_equal(store_memory_lease_count(scene->disk), 2);
    lease = store_memory_lease_at(scene->disk, 0);
    assert_string_equal(lease.name, "a");
    assert_true(lease.answered);
    lease = store_memory_lease_at(scene->disk, 1);
    assert_string_equal(lease.name, "b");
    assert_int_equal(lease.range.first, 3);
    assert_int_equal(lease.range.limit, 13);
    assert_false(lease.answered);
}

static void test_store_memory_damages_one_record(void **state)
{
    struct scene *scene = *state;
    struct store_request request;

    assert_int_equal(store_memory_damage(scene->disk, "a", true), ERR_OK);
    assert_int_equal(take(scene, "a", 0, &request), ERR_OK);
    assert_int_equal(request.error, ERR_CORRUPT);
    assert_int_equal(take(scene, "b", 0, &request), ERR_OK);
    assert_int_equal(request.error, ERR_OK);
    assert_int_equal(store_memory_damage(scene->disk, "nobody", true), ERR_NOT_FOUND);
}

static void test_store_memory_starts_where_a_mark_was_set(void **state)
{
    struct scene *scene = *state;
    struct store_request request;

    assert_int_equal(store_memory_set_mark(scene->disk, "a", 1234), ERR_OK);
    assert_int_equal(take(scene, "a", 0, &request), ERR_OK);
    assert_int_equal(request.lease.first, 1234);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(test_store_memory_aborts_on_a_reserve_without_recover),
        CASE(test_store_memory_aborts_on_a_forgotten_burnt_limit),
        CASE(test_store_memory_aborts_on_a_name_twice),
        CASE(test_store_memory_aborts_on_a_count_of_0),
        CASE(test_store_memory_aborts_on_a_return_above_its_lease),
        CASE(test_store_memory_aborts_on_two_threads_at_once),
        CASE(test_store_memory_lets_a_good_caller_be),
        CASE(test_store_memory_shares_with_another_node),
        CASE(test_store_memory_takes_for_another_node_at_once),
        CASE(test_store_memory_serves_two_nodes_from_one_disk),
        CASE(test_store_memory_fails_the_commits_it_was_told),
        CASE(test_store_memory_stays_fenced),
        CASE(test_store_memory_holds_a_commit_before_its_effect),
        CASE(test_store_memory_logs_every_lease),
        CASE(test_store_memory_damages_one_record),
        CASE(test_store_memory_starts_where_a_mark_was_set),
    };

    return cmocka_run_group_tests_name("store_memory", tests, NULL, NULL);
}
