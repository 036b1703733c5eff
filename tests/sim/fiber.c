#include "fiber.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define NEVER UINT64_MAX

enum fiber_state {
    FIBER_UNUSED,
    FIBER_READY,
    FIBER_WAITING,
    FIBER_ENDED
};

struct fiber {
    enum fiber_state state;
    uint64_t wake_ns;                        /* NEVER: not by time */
    const struct fiber_condition *condition; /* what it waits for, … */
    uint64_t signals;                        /* … and what it had seen of it */
    const struct fiber_mutex *mutex;
    const struct fiber *ending;
    const bool *flag;
    bool timed_out;
    void *(*run)(void *argument);
    void *argument;
    jmp_buf point;
    ucontext_t context; /* the first entry */
    bool entered;
};

static _Alignas(64) char stacks[FIBERS_MAX][FIBER_STACK_BYTES];
static _Alignas(64) char memory[FIBER_MEMORY_BYTES];

static struct fiber fibers[FIBERS_MAX];
static struct fiber *running; /* NULL outside a life */
static jmp_buf home;
static struct chance *chance;
static size_t memory_used;
static uint64_t now_ns = UINT64_C(1000000000);
static uint64_t life;
static uint64_t steps;
static uint64_t steps_max;
static uint64_t kill_at;
static unsigned calm;
static unsigned scarce;

static bool is_free(const struct fiber_mutex *mutex)
{
    return mutex->owner == NULL || mutex->life != life;
}

/* What it waits for has come. */
static bool is_woken(struct fiber *fiber)
{
    if (fiber->mutex != NULL) {
        return is_free(fiber->mutex);
    }
    if (fiber->ending != NULL) {
        return fiber->ending->state == FIBER_ENDED;
    }
    if (fiber->flag != NULL) {
        return *fiber->flag;
    }
    if (fiber->condition != NULL && fiber->condition->signals != fiber->signals) {
        return true;
    }
    if (fiber->wake_ns <= now_ns) {
        fiber->timed_out = true;
        return true;
    }
    return false;
}

static uint64_t earliest_ns(void)
{
    uint64_t earliest = NEVER;
    for (unsigned i = 0; i < FIBERS_MAX; i++) {
        if (fibers[i].state == FIBER_WAITING && fibers[i].wake_ns < earliest) {
            earliest = fibers[i].wake_ns;
        }
    }
    return earliest;
}

/* Draw one of those that can go on; NULL when none can, now or later. */
static struct fiber *draw(void)
{
    for (;;) {
        struct fiber *ready[FIBERS_MAX];
        unsigned count = 0;
        for (unsigned i = 0; i < FIBERS_MAX; i++) {
            struct fiber *fiber = &fibers[i];
            if (fiber->state == FIBER_READY || (fiber->state == FIBER_WAITING && is_woken(fiber))) {
                ready[count++] = fiber;
            }
        }
        if (count > 0) {
            return ready[chance_below(chance, count)];
        }
        uint64_t earliest = earliest_ns();
        if (earliest == NEVER) {
            return NULL;
        }
        now_ns = earliest > now_ns ? earliest : now_ns;
    }
}

__attribute__((noreturn)) static void go_home(enum fiber_end end)
{
    running = NULL;
    _longjmp(home, (int)end + 1);
}

static void enter(void)
{
    (void)running->run(running->argument);
    running->state = FIBER_ENDED;
    if (running == &fibers[0]) {
        go_home(FIBER_RETURNED);
    }
    fiber_step();
    assert(false && "what has ended goes on");
}

static void go_on(struct fiber *fiber)
{
    running = fiber;
    fiber->state = FIBER_READY;
    if (fiber->entered) {
        _longjmp(fiber->point, 1);
    }
    fiber->entered = true;
    (void)setcontext(&fiber->context); /* does not return */
    abort();
}

static void change(void)
{
    struct fiber *next = draw();
    if (next == NULL) {
        go_home(FIBER_STANDSTILL);
    }
    if (next == running) {
        running->state = FIBER_READY;
        return;
    }
    if (_setjmp(running->point) == 0) {
        go_on(next);
    }
}

void fiber_step(void)
{
    if (running == NULL) {
        return;
    }
    steps++;
    now_ns += FIBER_STEP_NS;
    if (steps == kill_at) {
        go_home(FIBER_KILLED);
    }
    if (steps >= steps_max) {
        go_home(FIBER_ENDLESS);
    }
    if (running->state != FIBER_READY || chance_below(chance, calm) == 0) {
        change();
    }
}

/* Whatever it waits for is set: let others go on until it has come. */
static void wait(void)
{
    running->state = FIBER_WAITING;
    running->timed_out = false;
    fiber_step();
    running->wake_ns = NEVER;
    running->condition = NULL;
    running->mutex = NULL;
    running->ending = NULL;
    running->flag = NULL;
}

struct fiber *fiber_start(void *(*run)(void *argument), void *argument)
{
    unsigned i = 0;
    while (i < FIBERS_MAX && fibers[i].state != FIBER_UNUSED) {
        i++;
    }
    assert(i < FIBERS_MAX);
    struct fiber *fiber = &fibers[i];
    *fiber =
        (struct fiber){.state = FIBER_READY, .wake_ns = NEVER, .run = run, .argument = argument};
    (void)getcontext(&fiber->context); /* cannot fail on Linux */
    fiber->context.uc_stack.ss_sp = stacks[i];
    fiber->context.uc_stack.ss_size = FIBER_STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, enter, 0);
    fiber_step();
    return fiber;
}

int fiber_create(struct fiber **ret_fiber, void *(*run)(void *argument), void *argument)
{
    *ret_fiber = fiber_start(run, argument);
    return 0;
}

int fiber_forget(const volatile void *object)
{
    (void)object;
    return 0;
}

int fiber_join(struct fiber *fiber)
{
    if (fiber->state != FIBER_ENDED) {
        running->ending = fiber;
        wait();
    }
    return 0;
}

static void (*first_run)(void *argument);

static void *run_first(void *argument)
{
    first_run(argument);
    return NULL;
}

enum fiber_end fiber_life(void (*first)(void *argument), void *argument, struct chance *ret_chance,
                          unsigned steps_calm, uint64_t steps_to_kill, uint64_t steps_at_most)
{
    memset(fibers, 0, sizeof fibers);
    memset(memory, 0, memory_used);
    memory_used = 0;
    chance = ret_chance;
    calm = steps_calm;
    kill_at = steps_to_kill;
    steps_max = steps_at_most;
    steps = 0;
    life++;
    first_run = first;
    struct fiber *fiber = fiber_start(run_first, argument);
    int end = _setjmp(home);
    if (end == 0) {
        go_on(fiber);
    }
    return (enum fiber_end)(end - 1);
}

int fiber_mutex_init(struct fiber_mutex *mutex)
{
    *mutex = (struct fiber_mutex){NULL, 0};
    return 0;
}

int fiber_mutex_lock(struct fiber_mutex *mutex)
{
    fiber_step();
    if (running == NULL) {
        return 0;
    }
    while (!is_free(mutex)) {
        assert(mutex->owner != running);
        running->mutex = mutex;
        wait();
    }
    mutex->owner = running;
    mutex->life = life;
    return 0;
}

int fiber_mutex_unlock(struct fiber_mutex *mutex)
{
    if (running == NULL) {
        return 0;
    }
    assert(mutex->owner == running && mutex->life == life);
    mutex->owner = NULL;
    fiber_step();
    return 0;
}

int fiber_condition_init(struct fiber_condition *condition)
{
    condition->signals = 0;
    return 0;
}

int fiber_condition_wait(struct fiber_condition *condition, struct fiber_mutex *mutex,
                         const struct timespec *until)
{
    assert(mutex->owner == running);
    running->condition = condition;
    running->signals = condition->signals;
    if (until != NULL) {
        running->wake_ns =
            (uint64_t)until->tv_sec * UINT64_C(1000000000) + (uint64_t)until->tv_nsec;
    }
    mutex->owner = NULL;
    wait();
    bool timed_out = running->timed_out;
    fiber_mutex_lock(mutex);
    return timed_out ? ETIMEDOUT : 0;
}

/* One waiter or all: the contract of a condition allows to wake more than one. */
int fiber_condition_signal(struct fiber_condition *condition)
{
    condition->signals++;
    return 0;
}

int fiber_condition_broadcast(struct fiber_condition *condition)
{
    condition->signals++;
    return 0;
}

void fiber_sleep_ns(uint64_t ns)
{
    if (running == NULL) {
        return;
    }
    running->wake_ns = now_ns + ns;
    wait();
}

int fiber_sleep(const struct timespec *span)
{
    fiber_sleep_ns((uint64_t)span->tv_sec * UINT64_C(1000000000) + (uint64_t)span->tv_nsec);
    return 0;
}

void fiber_await(const bool *flag)
{
    if (!*flag) {
        running->flag = flag;
        wait();
    }
}

uint64_t fiber_now_ns(void)
{
    return now_ns;
}

void fiber_scarce(unsigned of)
{
    scarce = of;
}

void *fiber_allocate(size_t count, size_t size)
{
    size_t bytes = (count * size + 63) / 64 * 64;
    if (scarce != 0 && chance_below(chance, scarce) == 0) {
        return NULL;
    }
    assert(bytes <= sizeof memory - memory_used);
    void *start = memory + memory_used;
    memory_used += bytes;
    return start;
}
