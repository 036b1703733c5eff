/* One instruction at a time: a child process acts on a sequence while this one stops it after each
 * instruction and looks, as a taker on another processor might, at what could be taken just then.
 * What a stress test sees once in a million switches is seen here at once: that [next, limit) lies
 * inside one committed lease at every moment, and that nobody is offered what is being granted to
 * those who wait.
 *
 * It sees the order of the program, which on x86 is the order of its stores; what a weaker
 * processor may do to it is for the order: comments to rule out. */
#include "sequence_stage.h"

#include "core/sequence_state.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 3000000 /* instructions of one act: a child that makes more is lost */
#define MOMENTS_MAX 64
#define SPANS_MAX 3
#define WAITERS_MAX 2
#define NOT_TRACED 77 /* the child's exit status where tracing is forbidden */

_Static_assert(sizeof(long) == sizeof(uint64_t), "ptrace reads a position at once");

/* What could be taken at one moment. */
struct moment {
    uint64_t next;
    uint64_t limit;
};

struct scene {
    struct stage stage;
    struct store_request request; /* planned before the act */
    struct patient patients[WAITERS_MAX];
    struct range committed[SPANS_MAX]; /* leases; those that touch are one */
    size_t committed_count;
    struct moment moments[MOMENTS_MAX]; /* those that differ from the one before */
    size_t moment_count;
};

typedef void act_fn(struct scene *scene);

/* ---- stepping ---- */

static uint64_t peek(pid_t child, const void *address)
{
    return (uint64_t)ptrace(PTRACE_PEEKDATA, child, address, NULL);
}

static void look(struct scene *scene, pid_t child)
{
    struct moment now = {
        .next = peek(child, &scene->stage.sequence->next),
        .limit = peek(child, &scene->stage.sequence->limit),
    };
    if (scene->moment_count > 0) {
        const struct moment *last = &scene->moments[scene->moment_count - 1];
        if (last->next == now.next && last->limit == now.limit) {
            return;
        }
    }
    assert_true(scene->moment_count < MOMENTS_MAX);
    scene->moments[scene->moment_count++] = now;
}

static void child_main(struct scene *scene, act_fn *act)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(NOT_TRACED);
    }
    (void)raise(SIGSTOP); /* this is where the parent takes over */
    act(scene);
    _exit(0);
}

/* Let a child act, and look after each of its instructions. Then act in this process, too, so that
 * the scene shows what came of it. */
static void step_through(struct scene *scene, act_fn *act)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        child_main(scene, act);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    for (unsigned steps = 0; WIFSTOPPED(status); steps++) {
        int signal = WSTOPSIG(status);
        if (steps > STEPS_MAX || (signal != SIGTRAP && signal != SIGSTOP)) {
            (void)kill(child, SIGKILL); /* it is ours */
            (void)waitpid(child, &status, 0);
            fail_msg("the child was stopped by signal %d after %u steps", signal, steps);
        }
        look(scene, child);
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_TRACED) {
        print_message("SKIPPED: this system lets no process trace its child\n");
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    act(scene);
}

/* ---- what must hold at every moment ---- */

static bool lies_in_one(const struct scene *scene, struct moment moment)
{
    for (size_t i = 0; i < scene->committed_count; i++) {
        if (moment.next >= scene->committed[i].first && moment.limit <= scene->committed[i].limit) {
            return true;
        }
    }
    return moment.next >= moment.limit;
}

static void assert_every_moment_is_safe(const struct scene *scene)
{
    for (size_t i = 0; i < scene->moment_count; i++) {
        struct moment moment = scene->moments[i];
        if (!lies_in_one(scene, moment)) {
            fail_msg("moment %zu: %" PRIu64 " to %" PRIu64 " can be taken, and no lease covers it",
                     i, moment.next, moment.limit);
        }
        if (i > 0 && (moment.next < scene->moments[i - 1].next ||
                      moment.limit < scene->moments[i - 1].limit)) {
            fail_msg("moment %zu: next %" PRIu64 " or limit %" PRIu64 " went down", i, moment.next,
                     moment.limit);
        }
    }
}

/* Once the new limit can be seen, what was granted cannot be taken any more. */
static void assert_nothing_granted_was_offered(const struct scene *scene)
{
    assert_true(scene->moment_count > 0);
    struct moment end = scene->moments[scene->moment_count - 1];
    for (size_t i = 0; i < scene->moment_count; i++) {
        if (scene->moments[i].limit == end.limit && scene->moments[i].next < end.next) {
            fail_msg("moment %zu: %" PRIu64 " can be taken, and is being granted", i,
                     scene->moments[i].next);
        }
    }
}

/* ---- scenes ---- */

static void commit(struct scene *scene, uint64_t first, uint64_t limit)
{
    scene->committed[scene->committed_count++] = (struct range){first, limit};
}

/* Positions 0 … 3 are leased, and two of them issued. */
static void open_scene(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    sequence_stage_open_with(&scene->stage, sequence_stage_fixed_lease(4), 0);
    sequence_stage_renew(&scene->stage);
    assert_int_equal(sequence_stage_take_one(&scene->stage), 1);
    assert_int_equal(sequence_stage_take_one(&scene->stage), 2);
}

/* ... and 100 … 103 are set aside as the spare. */
static void open_scene_with_spare(struct scene *scene)
{
    open_scene(scene);
    struct store_request request = sequence_stage_must_plan(&scene->stage);
    sequence_stage_publish_at(&scene->stage, request, 100, 4);
    assert_int_equal(sequence_stage_describe(&scene->stage).unissued, 6);
}

/* Two who wait, for more numbers than any spare has, and the request that is made of it. */
static void let_two_wait(struct scene *scene)
{
    for (unsigned i = 0; i < WAITERS_MAX; i++) {
        scene->patients[i] = sequence_stage_patient(5 + 2 * i);
        sequence_stage_join(&scene->stage, &scene->patients[i]);
    }
    scene->request = sequence_stage_must_plan(&scene->stage);
}

/* Step through, judge, and end the scene. */
static void play(struct scene *scene, act_fn *act, bool grants)
{
    step_through(scene, act);
    assert_every_moment_is_safe(scene);
    if (grants) {
        assert_nothing_granted_was_offered(scene);
        for (unsigned i = 0; i < WAITERS_MAX; i++) {
            assert_int_equal(scene->patients[i].waiter.error, ERR_OK);
        }
    }
    sequence_stage_close_all(&scene->stage);
}

static void take_one(struct scene *scene)
{
    (void)sequence_stage_take_one(&scene->stage); /* looked at from outside */
}

static void take_three(struct scene *scene)
{
    struct block block;
    assert_int_equal(sequence_take(scene->stage.sequence, 3, &block), ERR_OK);
}

static void close_it(struct scene *scene)
{
    sequence_close(scene->stage.sequence);
}

/* The lease that was asked for, where the last span that is committed ends. */
static void publish(struct scene *scene)
{
    struct range span = scene->committed[scene->committed_count - 1];
    uint64_t count = range_min(scene->request.count, range_count(span));
    sequence_stage_publish_at(&scene->stage, scene->request, span.limit - count, count);
}

static void publish_nothing(struct scene *scene)
{
    struct range span = scene->committed[scene->committed_count - 1];
    sequence_stage_publish_at(&scene->stage, scene->request, span.limit, 0);
}

static void test_sequence_take_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    commit(&scene, 0, 4);
    play(&scene, take_one, false);
}

static void test_sequence_take_of_the_spare_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene_with_spare(&scene);
    take_one(&scene);
    take_one(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 104);
    play(&scene, take_one, false);
}

static void test_sequence_take_that_leaves_a_rest_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene_with_spare(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 104);
    play(&scene, take_three, false);
}

static void test_sequence_extension_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.request = sequence_stage_must_plan(&scene.stage);
    commit(&scene, 0, 4 + scene.request.count);
    play(&scene, publish, false);
}

static void test_sequence_extension_for_those_who_wait_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    let_two_wait(&scene);
    commit(&scene, 0, 4 + scene.request.count);
    play(&scene, publish, true);
}

static void test_sequence_switch_for_those_who_wait_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    let_two_wait(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 100 + scene.request.count);
    play(&scene, publish, true);
}

static void test_sequence_switch_to_spare_and_lease_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene_with_spare(&scene);
    let_two_wait(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 104 + scene.request.count);
    play(&scene, publish, true);
}

static void test_sequence_switch_away_from_the_spare_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene_with_spare(&scene);
    let_two_wait(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 104);
    commit(&scene, 200, 200 + scene.request.count);
    play(&scene, publish, true);
}

/* The sequence ends: of those who wait nobody fits into the spare that is left. */
static void test_sequence_end_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene_with_spare(&scene);
    let_two_wait(&scene);
    commit(&scene, 0, 4);
    commit(&scene, 100, 104);
    play(&scene, publish_nothing, false);
    for (unsigned i = 0; i < WAITERS_MAX; i++) {
        assert_int_equal(scene.patients[i].waiter.error, ERR_EXHAUSTED);
    }
}

static void test_sequence_close_is_safe_at_every_step(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    commit(&scene, 0, 4);
    play(&scene, close_it, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence_take_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_take_of_the_spare_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_take_that_leaves_a_rest_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_extension_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_extension_for_those_who_wait_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_switch_for_those_who_wait_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_switch_to_spare_and_lease_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_switch_away_from_the_spare_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_end_is_safe_at_every_step),
        cmocka_unit_test(test_sequence_close_is_safe_at_every_step),
    };
    return cmocka_run_group_tests_name("sequence_steps", tests, NULL, NULL);
}
