/* The watchdog over a running service: what it vouches for, and what it does not. Time is the
 * test's own: a tick is told what time it is. */
#include "base/clock.h"
#include "config_text.h"
#include "dir.h"
#include "http_client.h"
#include "service.h"
#include "store_memory.h"
#include "watchdog.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define PERIOD_US "4000000" /* what the manager waits; a proof comes every 2 s */
#define PERIOD_MS 2000
#define WAIT_MS 30000
#define LATE_NS ((WATCHDOG_PATIENCE_MS + PERIOD_MS) * CLOCK_NS_PER_MS)

struct scene {
    struct dir dir;
    int manager; /* the socket of the service manager */
    struct store_memory_disk *disk;
    struct store *store;
    struct config config;
    struct service service;
    struct watchdog watchdog;
    struct instant now;
};

static int open_manager(const struct dir *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct dir path = dir_entry(dir, "notify");
    assert_true(strlen(path.path) < sizeof address.sun_path);
    memcpy(address.sun_path, path.path, strlen(path.path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path.path, 1), 0);
    return fd;
}

/* With `more` in the configuration. */
static struct scene *open_scene_with(const char *more)
{
    char text[256];
    struct error_detail detail = {.text = ""};
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->dir = dir_make();
    scene->manager = open_manager(&scene->dir);
    scene->disk = store_memory_disk_new();
    struct store_memory_options options = {.disk = scene->disk};
    assert_int_equal(store_memory_open(&options, &scene->store), ERR_OK);
    (void)snprintf(text, sizeof text,
                   "[http]\nlisten = 127.0.0.1:0\nthreads = 1\nidle_timeout = 1h\n%s"
                   "[sequence:a]\ndurability = every\n",
                   more);
    scene->config = config_text_valid(text);
    if (service_start(&scene->service, scene->store, &scene->config, &detail) != ERR_OK) {
        fail_msg("%s", detail.text);
    }
    assert_int_equal(setenv("WATCHDOG_USEC", PERIOD_US, 1), 0);
    watchdog_init(&scene->watchdog, &scene->service, "all is well");
    scene->now = clock_now();
    return scene;
}

static struct scene *open_scene(void)
{
    return open_scene_with("");
}

static void close_scene(struct scene *scene)
{
    (void)service_stop(&scene->service, NULL); /* how many were cut off does not matter */
    store_close(scene->store);
    store_memory_disk_free(scene->disk);
    config_free(&scene->config);
    close(scene->manager);
    dir_remove(&scene->dir);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    free(scene);
}

/* Does a message of this tick begin with `text`? */
static bool tick_says(struct scene *scene, uint64_t later_ns, const char *text)
{
    char message[512];
    bool said = false;
    scene->now = clock_after(scene->now, later_ns);
    watchdog_tick(&scene->watchdog, scene->now);
    for (ssize_t length = 0; (length = recv(scene->manager, message, sizeof message - 1, 0)) > 0;) {
        message[length] = '\0';
        said = said || strncmp(message, text, strlen(text)) == 0;
    }
    return said;
}

static bool tick_feeds(struct scene *scene, uint64_t later_ns)
{
    return tick_says(scene, later_ns, "WATCHDOG=1");
}

static void nap(void)
{
    const struct timespec span = {.tv_nsec = 5000000};
    (void)nanosleep(&span, NULL);
}

/* The keeper's answer to the question is there. */
static void wait_for_answer(struct scene *scene)
{
    struct instant until = clock_after(clock_now(), WAIT_MS * CLOCK_NS_PER_MS);
    /* order: acquire pairs with the release in note_answer(), as in the watchdog itself. */
    while (!atomic_load_explicit(&scene->watchdog.answered, memory_order_acquire)) {
        assert_false(clock_reached(until, clock_now()));
        nap();
    }
}

/* An errand that keeps the keeper from everything else: in a call to the store, or outside. */
struct obstacle {
    struct errand errand;
    sem_t reached;
    sem_t go_on;
    bool in_store;
};

static void stand_in_the_way(struct obstacle *obstacle)
{
    assert_int_equal(sem_post(&obstacle->reached), 0);
    while (sem_wait(&obstacle->go_on) != 0) {
    }
}

static enum error run_obstacle(struct errand *errand, struct store *store,
                               struct error_detail *detail)
{
    struct obstacle *obstacle = (struct obstacle *)errand; /* its first member */
    (void)store;
    (void)detail;
    if (obstacle->in_store) {
        stand_in_the_way(obstacle);
    }
    return ERR_OK;
}

static void end_obstacle(struct errand *errand, enum error error)
{
    struct obstacle *obstacle = (struct obstacle *)errand;
    (void)error;
    if (!obstacle->in_store) {
        stand_in_the_way(obstacle);
    }
}

static void obstruct(struct scene *scene, struct obstacle *obstacle, bool in_store)
{
    *obstacle = (struct obstacle){.errand = {.run = run_obstacle, .done = end_obstacle},
                                  .in_store = in_store};
    assert_int_equal(sem_init(&obstacle->reached, 0, 0), 0);
    assert_int_equal(sem_init(&obstacle->go_on, 0, 0), 0);
    wait_for_answer(scene);
    keeper_submit(scene->service.keeper, &obstacle->errand);
    while (sem_wait(&obstacle->reached) != 0) {
    }
}

static void clear_away(struct obstacle *obstacle)
{
    assert_int_equal(sem_post(&obstacle->go_on), 0);
}

static void test_watchdog_is_idle_where_nobody_watches(void **state)
{
    (void)state;
    struct watchdog watchdog;
    struct service service = {.store = NULL};
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    watchdog_init(&watchdog, &service, "");
    assert_int_equal(watchdog_wait_ms(&watchdog, clock_now()), -1);
    watchdog_tick(&watchdog, clock_now());
}

static void test_watchdog_feeds_twice_in_each_period(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    assert_true(tick_feeds(scene, 0));
    assert_false(tick_feeds(scene, 0));
    int wait_ms = watchdog_wait_ms(&scene->watchdog, scene->now);
    assert_true(wait_ms >= PERIOD_MS && wait_ms <= PERIOD_MS + 1);
    assert_false(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS - 1));
    assert_true(tick_feeds(scene, 1));
    close_scene(scene);
}

static void test_watchdog_feeds_while_the_keeper_answers(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    for (int i = 0; i < 10; i++) {
        wait_for_answer(scene);
        assert_true(tick_feeds(scene, LATE_NS));
    }
    close_scene(scene);
}

/* A disk that hangs is no reason for a restart, however long it does. */
static void test_watchdog_feeds_while_the_store_hangs(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct obstacle obstacle;
    obstruct(scene, &obstacle, true);
    for (int i = 0; i < 10; i++) {
        assert_true(tick_feeds(scene, LATE_NS));
    }
    clear_away(&obstacle);
    close_scene(scene);
}

/* Nor is one that fails. What the manager shows says so. */
static void test_watchdog_feeds_while_the_store_fails(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    store_memory_fail(scene->disk, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
    struct http_client *client = http_client_open(http_place(scene->service.http, 0)->port);
    assert_true(http_client_print(client, "GET /v1/sequences/a/next HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct keeper_health health = {.failing = false};
    struct instant until = clock_after(clock_now(), WAIT_MS * CLOCK_NS_PER_MS);
    while (!health.failing) {
        assert_false(clock_reached(until, clock_now()));
        nap();
        keeper_health(scene->service.keeper, &health);
    }
    assert_true(tick_says(scene, LATE_NS, "STATUS=The store takes no commits"));
    for (int i = 0; i < 5; i++) {
        wait_for_answer(scene);
        assert_true(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    }
    store_memory_fail(scene->disk, 0, STORE_MEMORY_BEFORE, ERR_IO);
    while (health.failing) {
        assert_false(clock_reached(until, clock_now()));
        nap();
        keeper_health(scene->service.keeper, &health);
    }
    assert_true(tick_says(scene, PERIOD_MS * CLOCK_NS_PER_MS, "STATUS=all is well"));
    http_client_close(client);
    close_scene(scene);
}

/* A keeper that answers nobody, and not because of the disk, is not vouched for; when it goes on,
 * it is again. */
static void test_watchdog_starves_while_the_keeper_is_stuck(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct obstacle obstacle;
    obstruct(scene, &obstacle, false);
    assert_true(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS)); /* an answer was there still */
    assert_true(tick_feeds(scene, WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS - 1));
    assert_false(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    assert_false(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    clear_away(&obstacle);
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    close_scene(scene);
}

/* A connection that outlives its time by far shows that a thread of the front is stuck. */
static void test_watchdog_starves_while_a_connection_outlives_its_time(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct http_client *client = http_client_open(http_place(scene->service.http, 0)->port);
    struct http_answer answer = http_client_ask(client, "GET", "/healthz", "");
    http_answer_free(&answer);
    scene->now = clock_after(clock_now(), 3600 * CLOCK_NS_PER_S);
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS / 2));
    wait_for_answer(scene);
    assert_false(tick_feeds(scene, WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS));

    http_client_close(client);
    struct instant until = clock_after(clock_now(), WAIT_MS * CLOCK_NS_PER_MS);
    while (http_overdue_ns(scene->service.http, scene->now) > 0) {
        assert_false(clock_reached(until, clock_now()));
        nap();
    }
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    close_scene(scene);
}

/* A limit that was lowered since does not make those late that began under the old one. */
static void test_watchdog_judges_by_the_highest_limit(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct http_client *client = http_client_open(http_place(scene->service.http, 0)->port);
    struct http_answer answer = http_client_ask(client, "GET", "/healthz", "");
    http_answer_free(&answer);
    struct http_options lower = scene->config.http;
    lower.idle_timeout_ms = 60000;
    http_alter(scene->service.http, &lower);
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, 3500 * CLOCK_NS_PER_S));
    http_client_close(client);
    close_scene(scene);
}

/* ---- gRPC ---- */

static struct scene *open_grpc_scene(void)
{
    struct scene *scene =
        open_scene_with("[grpc]\nlisten = 127.0.0.1:0\nthreads = 1\nidle_timeout = 1h\n");
    const struct instant far = {.ns = UINT64_MAX - 1};
    struct instant until = clock_after(clock_now(), WAIT_MS * CLOCK_NS_PER_MS);
    while (grpc_overdue_ns(scene->service.grpc, far) > 0) { /* until its thread sleeps */
        assert_false(clock_reached(until, clock_now()));
        nap();
    }
    return scene;
}

/* Who connects to a port that is held up holds up the thread that would let him in. */
static struct {
    _Atomic uint16_t port; /* 0: none */
    sem_t reached;
    sem_t go_on;
} trap;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    struct sockaddr_in own = {.sin_port = 0};
    socklen_t own_size = sizeof own;
    (void)getsockname(fd, (struct sockaddr *)&own, &own_size); /* a unix socket has no port */
    /* order: acquire pairs with the release in set_trap(): the semaphores are there. */
    uint16_t port = atomic_load_explicit(&trap.port, memory_order_acquire);
    if (port != 0 && own.sin_family == AF_INET && ntohs(own.sin_port) == port) {
        assert_int_equal(sem_post(&trap.reached), 0);
        while (sem_wait(&trap.go_on) != 0) {
        }
    }
    return __real_accept4(fd, address, size, flags);
}

static void set_trap(uint16_t port)
{
    assert_int_equal(sem_init(&trap.reached, 0, 0), 0);
    assert_int_equal(sem_init(&trap.go_on, 0, 0), 0);
    /* order: release pairs with the acquire in __wrap_accept4(). */
    atomic_store_explicit(&trap.port, port, memory_order_release);
}

static void open_trap(void)
{
    /* order: relaxed; it stands alone, for nobody waits for who passes the trap again. */
    atomic_store_explicit(&trap.port, 0, memory_order_relaxed);
    assert_int_equal(sem_post(&trap.go_on), 0);
}

static void test_watchdog_feeds_while_grpc_has_nothing_to_do(void **state)
{
    (void)state;
    if (!grpc_built()) {
        skip();
    }
    struct scene *scene = open_grpc_scene();
    for (int i = 0; i < 10; i++) {
        wait_for_answer(scene);
        assert_true(tick_feeds(scene, LATE_NS));
    }
    close_scene(scene);
}

/* A loop that hangs in its work is not vouched for; when it goes on, it is again. */
static void test_watchdog_starves_while_a_grpc_loop_hangs(void **state)
{
    (void)state;
    if (!grpc_built()) {
        skip();
    }
    struct scene *scene = open_grpc_scene();
    uint16_t port = grpc_place(scene->service.grpc, 0)->port;
    set_trap(port);
    struct http_client *client = http_client_open(port);
    while (sem_wait(&trap.reached) != 0) {
    }
    scene->now = clock_now();
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS / 2));
    wait_for_answer(scene);
    assert_false(tick_feeds(scene, WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS));
    wait_for_answer(scene);
    assert_false(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));

    open_trap();
    struct instant until = clock_after(clock_now(), WAIT_MS * CLOCK_NS_PER_MS);
    while (grpc_overdue_ns(scene->service.grpc, scene->now) > 0) {
        assert_false(clock_reached(until, clock_now()));
        nap();
    }
    wait_for_answer(scene);
    assert_true(tick_feeds(scene, PERIOD_MS * CLOCK_NS_PER_MS));
    http_client_close(client);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watchdog_is_idle_where_nobody_watches),
        cmocka_unit_test(test_watchdog_feeds_twice_in_each_period),
        cmocka_unit_test(test_watchdog_feeds_while_the_keeper_answers),
        cmocka_unit_test(test_watchdog_feeds_while_the_store_hangs),
        cmocka_unit_test(test_watchdog_feeds_while_the_store_fails),
        cmocka_unit_test(test_watchdog_starves_while_the_keeper_is_stuck),
        cmocka_unit_test(test_watchdog_starves_while_a_connection_outlives_its_time),
        cmocka_unit_test(test_watchdog_judges_by_the_highest_limit),
        cmocka_unit_test(test_watchdog_feeds_while_grpc_has_nothing_to_do),
        cmocka_unit_test(test_watchdog_starves_while_a_grpc_loop_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
