/* check_sim: the real core, in a world where one seed decides everything: which thread goes on at
 * every lock and atomic operation, when the disk fails and what it says, when the process dies.
 *
 * SEED=    the first seed; SEEDS= how many follow it; JOBS= processes that share them.
 * The first promise that is not kept ends it, with the seed that brings it back. */
#include "base/clock.h"
#include "core/admin.h"
#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"

#include "chance.h"
#include "draw.h"
#include "fiber.h"
#include "judge.h"
#include "store_memory_disk.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS_MAX 4
#define STEPS_MAX 2000000
#define PATIENCE_NS (5 * CLOCK_NS_PER_MS) /* enough for any commit, while the disk is whole */

/* One life of the process, and what it meets. */
struct world {
    struct chance chance;
    struct store_memory_disk *disk;
    struct store *store; /* open, or NULL */
    struct definition definitions[JUDGE_NAMES];
    bool faults;
    bool scarce;
    bool administrator;
    bool rewinds;
    bool shared;      /* another node takes of the same sequences */
    bool stops_early; /* the clean stop does not wait for the clients */
    bool steps;       /* the wall clock does not go as time does */
    int64_t wall_ms;  /* how far it has stepped */

    struct registry *registry;
    struct keeper *keeper;
    bool closed;
    bool leaving;
    bool settled;
};

static struct world world;

/* The core's clock is the simulation's. */
struct instant clock_now(void)
{
    return (struct instant){fiber_now_ns()};
}

struct instant clock_now_coarse(void)
{
    return clock_now();
}

/* The time of day goes with simulated time, from some day of 2026 on, but for its steps. */
static int64_t simulated_wall_ms(const struct wall_clock *clock)
{
    return INT64_C(1795000000000) + world.wall_ms +
           (int64_t)(clock->monotonic(clock).ns / CLOCK_NS_PER_MS);
}

static struct instant simulated_monotonic(const struct wall_clock *clock)
{
    (void)clock;
    return clock_now();
}

static const struct wall_clock simulated_clock = {simulated_wall_ms, simulated_monotonic};

static void step_clock(void)
{
    static const int64_t steps_ms[] = {1, 4, 40, 2000, 3600000};
    int64_t step_ms = steps_ms[chance_below(&world.chance, 5)];
    world.wall_ms += chance_below(&world.chance, 2) == 0 ? step_ms : -step_ms;
}

/* ---- clients ---- */

struct client {
    struct waiter waiter;
    struct judge_request request;
    bool stays; /* its client does not hang up while it waits */
    bool over;
};

static struct client *client_of(struct waiter *waiter)
{
    return (struct client *)((char *)waiter - offsetof(struct client, waiter));
}

static bool is_there(struct waiter *waiter)
{
    return client_of(waiter)->stays;
}

static void wait_ends(struct waiter *waiter)
{
    client_of(waiter)->over = true;
}

static enum error wait_for_lease(struct client *client, struct sequence *sequence)
{
    uint64_t patience_ns = chance_below(&world.chance, 30) * CLOCK_NS_PER_MS;
    client->stays = chance_below(&world.chance, 8) != 0;
    client->over = false;
    client->waiter.deadline = clock_after(clock_now(), patience_ns);
    client->waiter.wanted = is_there;
    client->waiter.done = wait_ends;
    judge_totals()->waits++;
    enum error error = sequence_wait(sequence, &client->waiter);
    if (error == ERR_PENDING) {
        fiber_await(&client->over);
        error = client->waiter.error;
    }
    bool let_down = error == ERR_UNAVAILABLE && client->stays && !world.leaving && !world.closed &&
                    !world.rewinds; /* which ends the waits of what it replaces */
    /* A timestamp may wait for time, and for those before it. */
    if (let_down && client->request.name != JUDGE_STAMPS && !world.faults && !world.scarce &&
        patience_ns >= PATIENCE_NS) {
        judge_fails("a wait of %" PRIu64 " ms ended without numbers on a whole disk",
                    patience_ns / CLOCK_NS_PER_MS);
    }
    return error;
}

static void ask(struct client *client)
{
    unsigned name = (unsigned)chance_below(&world.chance, JUDGE_NAMES);
    struct sequence *sequence = registry_find(world.registry, judge_names[name], 1);
    if (sequence == NULL) {
        fiber_sleep_ns(CLOCK_NS_PER_MS);
        return;
    }
    client->waiter.count =
        1 + chance_below(&world.chance, chance_below(&world.chance, 4) == 0 ? 8 : 2);
    judge_sends(&client->request, name, sequence, client->waiter.count);
    enum error error = sequence_take(sequence, client->waiter.count, &client->waiter.block);
    if (error == ERR_PENDING) {
        error = wait_for_lease(client, sequence);
    }
    if (error == ERR_OK) {
        judge_receives(&client->request, &client->waiter.block);
    } else {
        judge_refused(&client->request, error);
    }
}

static void *play_client(void *argument)
{
    struct client client = {.over = false};
    uint64_t requests = 1 + chance_below(&world.chance, 20);
    (void)argument;
    for (uint64_t i = 0; i < requests && !world.leaving; i++) {
        ask(&client);
        if (chance_below(&world.chance, 16) == 0) {
            fiber_sleep_ns(chance_below(&world.chance, 20) * CLOCK_NS_PER_MS);
        }
    }
    return NULL;
}

/* ---- the administrator ---- */

struct order {
    struct admin_request request;
    bool over;
};

static void order_ends(struct admin_request *request)
{
    ((struct order *)((char *)request - offsetof(struct order, request)))->over = true;
}

static void give_order(struct order *order, unsigned name)
{
    struct admin_request *request = &order->request;
    memset(order, 0, sizeof *order);
    memcpy(request->name, judge_names[name], 2);
    request->action = (enum admin_action)chance_below(&world.chance, 4);
    request->definition = draw_definition(&world.chance, name);
    request->fields = 1 + (unsigned)chance_below(&world.chance, 7);
    request->past = draw_past(&world.chance, name, &world.definitions[name],
                              simulated_wall_ms(&simulated_clock));
    request->force = world.rewinds && chance_below(&world.chance, 2) == 0;
    request->done = order_ends;
    judge_changes(name);
    if (request->action == ADMIN_ADVANCE && request->force) {
        judge_rewinds(name);
    }
    admin_submit(world.registry, world.keeper, request);
    fiber_await(&order->over);
    judge_totals()->changes += request->error == ERR_OK ? 1 : 0;
}

static void *play_administrator(void *argument)
{
    struct order *order = argument;
    uint64_t orders = 1 + chance_below(&world.chance, 5);
    for (uint64_t i = 0; i < orders && !world.leaving; i++) {
        fiber_sleep_ns(chance_below(&world.chance, 5000) * 1000);
        give_order(order, (unsigned)chance_below(&world.chance, JUDGE_NAMES));
    }
    return NULL;
}

/* ---- the disk's moods ---- */

static void *play_disk(void *argument)
{
    static const enum error errors[] = {ERR_IO, ERR_UNAVAILABLE};
    (void)argument;
    while (!world.leaving && chance_below(&world.chance, 6) != 0) {
        fiber_sleep_ns(chance_below(&world.chance, 10000) * 1000);
        store_memory_delay(world.disk, (unsigned)chance_below(&world.chance, 4));
        store_memory_fail_after(world.disk, chance_below(&world.chance, 3),
                                chance_below(&world.chance, 4),
                                (enum store_memory_fault)chance_below(&world.chance, 2),
                                errors[chance_below(&world.chance, 2)]);
    }
    store_memory_fail(world.disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
    return NULL;
}

/* ---- the moods of the wall clock ---- */

static void *play_clock(void *argument)
{
    (void)argument;
    while (!world.leaving && chance_below(&world.chance, 8) != 0) {
        fiber_sleep_ns(chance_below(&world.chance, 4000) * 1000);
        step_clock();
    }
    return NULL;
}

/* ---- another node over the same store ---- */

static void *play_node(void *argument)
{
    (void)argument;
    while (!world.settled) {
        fiber_sleep_ns(chance_below(&world.chance, 3000) * 1000);
        unsigned name = (unsigned)chance_below(&world.chance, JUDGE_NAMES);
        const struct memory_record *record = memory_disk_find(world.disk, judge_names[name]);
        struct range range = store_memory_take_elsewhere(world.disk, judge_names[name],
                                                         chance_below(&world.chance, 3));
        if (!range_is_empty(range)) {
            judge_elsewhere(name, &record->entry.definition, range);
        }
    }
    return NULL;
}

/* ---- one life ---- */

static enum error declare_names(struct store *store)
{
    struct error_detail detail;
    enum error error = ERR_OK;
    for (unsigned name = 0; error == ERR_OK && name < JUDGE_NAMES; name++) {
        error = registry_declare(world.registry, store, judge_names[name], &world.definitions[name],
                                 &detail);
        if (error == ERR_CONFLICT || error == ERR_EXHAUSTED) {
            error = ERR_OK; /* the administrator has changed it, or its floor leaves nothing */
        }
    }
    return error;
}

/* As service.c does it. False when the start has failed, as it may when the disk does. */
static bool start_core(struct bell *renewals, struct bell *waits, struct timekeeper *timekeeper,
                       struct expiry **ret_expiry)
{
    struct error_detail detail;
    struct keeper_options options = {.store = world.store, .renewals = renewals};
    if (timekeeper_init(timekeeper, &simulated_clock) != ERR_OK ||
        registry_open(world.store, renewals, waits, timekeeper, &world.registry, &detail) !=
            ERR_OK) {
        return false;
    }
    if (declare_names(world.store) != ERR_OK || keeper_start(&options, &world.keeper) != ERR_OK) {
        return false;
    }
    return expiry_start(waits, ret_expiry) == ERR_OK;
}

static void run_life(void *argument)
{
    struct fiber *others[CLIENTS_MAX + 3];
    unsigned count = 0;
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct expiry *expiry = NULL;
    struct error_detail detail;
    struct order order;
    struct store_memory_options options = {.disk = world.disk};
    (void)argument;
    if (store_memory_open(&options, &world.store) != ERR_OK || bell_init(&renewals) != ERR_OK ||
        bell_init(&waits) != ERR_OK || !start_core(&renewals, &waits, &timekeeper, &expiry)) {
        if (!world.faults && !world.scarce) {
            judge_fails("the start failed on a whole disk");
        }
        return;
    }
    uint64_t clients = 1 + chance_below(&world.chance, CLIENTS_MAX);
    for (uint64_t i = 0; i < clients; i++) {
        others[count++] = fiber_start(play_client, NULL);
    }
    if (world.administrator) {
        others[count++] = fiber_start(play_administrator, &order);
    }
    if (world.faults) {
        others[count++] = fiber_start(play_disk, NULL);
    }
    if (world.steps) {
        others[count++] = fiber_start(play_clock, NULL);
    }
    struct fiber *node = world.shared ? fiber_start(play_node, NULL) : NULL;
    if (world.stops_early) {
        fiber_sleep_ns(chance_below(&world.chance, 20000) * 1000);
        world.closed = true;
        registry_close(world.registry);
        fiber_sleep_ns(chance_below(&world.chance, 100) * 1000);
        world.leaving = true;
    }
    for (unsigned i = 0; i < count; i++) {
        fiber_join(others[i]);
    }
    registry_close(world.registry);
    expiry_stop(expiry);
    keeper_stop(world.keeper);
    enum error error = registry_settle(world.registry, world.store, &detail);
    if (error != ERR_OK && !world.faults && !world.scarce) {
        judge_fails("the rest could not be given back: %s", detail.text);
    }
    registry_free(world.registry);
    world.settled = true;
    if (node != NULL) {
        fiber_join(node);
    }
}

static void live(unsigned calm)
{
    bool killed = chance_below(&world.chance, 3) != 0;
    uint64_t kill_at =
        killed ? 1 + chance_below(&world.chance, 64u << chance_below(&world.chance, 7)) : 0;
    world.closed = false;
    world.leaving = false;
    world.settled = false;
    world.stops_early = chance_below(&world.chance, 2) == 0;
    if (world.steps) {
        step_clock(); /* while nobody runs */
    }
    judge_life_begins();
    enum fiber_end end = fiber_life(run_life, NULL, &world.chance, calm, kill_at, STEPS_MAX);
    if (end == FIBER_STANDSTILL || end == FIBER_ENDLESS) {
        judge_fails(end == FIBER_STANDSTILL ? "all wait, and nothing will wake them"
                                            : "it never ends");
    }
    judge_life_ends(end == FIBER_KILLED);
    store_memory_abandon(world.store);
    world.store = NULL;
    store_memory_fail(world.disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
}

static void play(uint64_t seed)
{
    memset(&world, 0, sizeof world);
    world.chance = chance_from(seed);
    world.disk = store_memory_disk_new();
    world.faults = chance_below(&world.chance, 2) == 0;
    world.administrator = chance_below(&world.chance, 3) == 0;
    world.rewinds = chance_below(&world.chance, 4) == 0;
    world.scarce = chance_below(&world.chance, 16) == 0;
    world.steps = chance_below(&world.chance, 2) == 0;
    judge_begin(seed, world.disk);
    if (chance_below(&world.chance, 3) == 0) {
        world.shared = true;
        judge_expects_losses();
    }
    if (world.faults || world.scarce) {
        judge_expects_losses();
    }
    fiber_scarce(world.scarce ? 20 : 0);
    for (unsigned name = 0; name < JUDGE_NAMES; name++) {
        world.definitions[name] = draw_definition(&world.chance, name);
        judge_define(name, &world.definitions[name]);
    }
    unsigned calm = 1u << chance_below(&world.chance, 6);
    uint64_t lives = 1 + chance_below(&world.chance, 4);
    for (uint64_t i = 0; i < lives; i++) {
        live(calm);
    }
    judge_end();
    store_memory_disk_free(world.disk);
}

/* ---- many seeds ---- */

static uint64_t current;

/* An assertion of the core's, or of the store that watches its caller. */
static void on_abort(int number)
{
    char line[96];
    int length =
        snprintf(line, sizeof line, "*** aborted; again with: SEED=%" PRIu64 " SEEDS=1\n", current);
    (void)number;
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        _exit(2);
    }
    _exit(1);
}

static void show(uint64_t done, uint64_t seeds)
{
    const struct judge_totals *totals = judge_totals();
    printf("sim: %" PRIu64 " of %" PRIu64 " seeds: %" PRIu64 " lives, %" PRIu64 " kills, %" PRIu64
           " numbers, %" PRIu64 " of them timestamps, %" PRIu64 " waits, %" PRIu64
           " refused, %" PRIu64 " changes, %" PRIu64 " commits\n",
           done, seeds, totals->lives, totals->kills, totals->numbers, totals->stamps,
           totals->waits, totals->refused, totals->changes, totals->commits);
    fflush(stdout);
}

static int run_job(uint64_t first, uint64_t seeds, uint64_t job, uint64_t jobs)
{
    uint64_t done = 0;
    struct sigaction action = {.sa_handler = on_abort};
    (void)sigaction(SIGABRT, &action, NULL); /* fails only for our own bugs */
    for (uint64_t i = job; i < seeds; i += jobs) {
        current = first + i;
        play(current);
        done++;
        if (done % 100000 == 0 && i + jobs < seeds) {
            show(done, seeds / jobs);
        }
    }
    show(done, done);
    return 0;
}

int main(void)
{
    uint64_t first = chance_seed();
    uint64_t seeds = knob("SEEDS", 200000, UINT64_C(1000000000));
    uint64_t jobs = knob("JOBS", 2, 64);
    unsigned failed = 0;
    for (uint64_t job = 0; job < jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            exit(run_job(first, seeds, job, jobs));
        }
        failed += child < 0 ? 1 : 0;
    }
    for (;;) {
        int status = 0;
        if (wait(&status) < 0) {
            break;
        }
        failed += status == 0 ? 0 : 1;
    }
    printf("%s: %" PRIu64 " seeds of the real core\n", failed == 0 ? "ok" : "FAILED", seeds);
    return failed == 0 ? 0 : 1;
}
