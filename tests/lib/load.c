#include "load.h"

#include "base/clock.h"
#include "load_connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct load {
    pthread_t thread;
    int bell; /* an eventfd, rung when an order was given */

    /* Held by the thread whenever it does not wait for events: guards all below. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* `work.state` or `quiet` */
    struct load_work work;
    struct load_connection *connections;
    size_t connection_count;
    bool abandon; /* close also what waits for an answer */
    bool quit;
    bool quiet; /* detached, and every connection is closed */
};

static void *take_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        load_die("calloc");
    }
    return memory;
}

/* ---- the thread; each function is called with the lock held ---- */

/* While detached, close what may be closed. */
static void settle(struct load *load)
{
    bool open = false;
    for (size_t i = 0; i < load->connection_count; i++) {
        struct load_connection *connection = &load->connections[i];
        if (connection->phase != LOAD_PHASE_WAITING || load->abandon) {
            load_connection_close(&load->work, connection);
        }
        open = open || connection->phase != LOAD_PHASE_CLOSED;
    }
    if (!open && !load->quiet) {
        load->quiet = true;
        (void)pthread_cond_broadcast(&load->changed);
    }
}

/* Returns for how many ms epoll may wait. */
static int press(struct load *load)
{
    int wait_ms = -1;
    struct instant now = clock_now();
    for (size_t i = 0; i < load->connection_count; i++) {
        int wait = load_connection_press(&load->work, &load->connections[i], now);
        if (wait >= 0 && (wait_ms < 0 || wait < wait_ms)) {
            wait_ms = wait;
        }
    }
    return wait_ms;
}

static void serve(struct load *load, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            uint64_t rings;
            ssize_t got = read(load->bell, &rings, sizeof(rings));
            (void)got; /* whatever was rung is seen in the next round */
        } else {
            load_connection_serve(&load->work, events[i].data.ptr);
        }
    }
}

static bool is_finished(const struct load_work *work)
{
    for (size_t i = 0; i < work->options.target_count; i++) {
        uint64_t wanted = work->options.targets[i].numbers;
        if (wanted == 0 || work->progress[i].numbers < wanted) {
            return false;
        }
    }
    return true;
}

static void *run(void *context)
{
    struct load *load = context;
    struct epoll_event events[EVENTS_MAX];
    (void)pthread_mutex_lock(&load->lock);
    while (!load->quit) {
        enum load_state before = load->work.state;
        if (load->work.port == 0) {
            settle(load);
        }
        int wait_ms = press(load);
        (void)pthread_mutex_unlock(&load->lock);
        int count = epoll_wait(load->work.epoll, events, EVENTS_MAX, wait_ms);
        (void)pthread_mutex_lock(&load->lock);
        serve(load, events, count);
        if (load->work.state == LOAD_BUSY && is_finished(&load->work)) {
            load->work.state = LOAD_FINISHED;
        }
        if (load->work.state != before) {
            (void)pthread_cond_broadcast(&load->changed);
        }
    }
    (void)pthread_mutex_unlock(&load->lock);
    return NULL;
}

/* ---- the caller's side ---- */

static void prepare_work(struct load *load, const struct load_options *options)
{
    load->work = (struct load_work){
        .options = *options,
        .progress = take_memory(options->target_count, sizeof(struct load_progress)),
        .asked = take_memory(options->target_count, sizeof(uint64_t)),
        .chance = chance_from(options->seed),
        .epoll = epoll_create1(EPOLL_CLOEXEC),
    };
    load->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (load->work.epoll < 0 || load->bell < 0 ||
        epoll_ctl(load->work.epoll, EPOLL_CTL_ADD, load->bell, &event) < 0) {
        load_die("epoll");
    }
}

static void prepare_connections(struct load *load)
{
    const struct load_options *options = &load->work.options;
    load->connections = take_memory(LOAD_CONNECTIONS_MAX, sizeof(*load->connections));
    for (size_t i = 0; i < options->target_count; i++) {
        const struct load_target *target = &options->targets[i];
        if (target->count_max > LOAD_COUNT_MAX ||
            target->connections > LOAD_CONNECTIONS_MAX - load->connection_count) {
            errno = EINVAL;
            load_die("a target beyond its limits");
        }
        for (unsigned n = 0; n < target->connections; n++) {
            load->connections[load->connection_count++].target = i;
        }
    }
}

struct load *load_start(const struct load_options *options)
{
    struct load *load = take_memory(1, sizeof(*load));
    prepare_work(load, options);
    prepare_connections(load);
    (void)pthread_mutex_init(&load->lock, NULL);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&load->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    errno = pthread_create(&load->thread, NULL, run, load);
    if (errno != 0) {
        load_die("pthread_create");
    }
    return load;
}

static void ring(struct load *load)
{
    uint64_t one = 1;
    if (write(load->bell, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        load_die("eventfd");
    }
}

void load_attach(struct load *load, uint16_t port)
{
    (void)pthread_mutex_lock(&load->lock);
    load->work.port = port;
    load->abandon = false;
    load->quiet = false;
    if (load->work.state == LOAD_REFUSED) {
        load->work.state = LOAD_BUSY;
    }
    (void)pthread_mutex_unlock(&load->lock);
    ring(load);
}

static struct timespec deadline_after(unsigned timeout_ms)
{
    struct instant deadline = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    return (struct timespec){
        .tv_sec = (time_t)(deadline.ns / CLOCK_NS_PER_S),
        .tv_nsec = (long)(deadline.ns % CLOCK_NS_PER_S),
    };
}

enum load_state load_wait(struct load *load, unsigned timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms);
    (void)pthread_mutex_lock(&load->lock);
    int error = 0;
    while (load->work.state == LOAD_BUSY && error == 0) {
        error = pthread_cond_timedwait(&load->changed, &load->lock, &deadline);
    }
    enum load_state state = load->work.state;
    (void)pthread_mutex_unlock(&load->lock);
    return state;
}

bool load_detach(struct load *load, unsigned timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms);
    (void)pthread_mutex_lock(&load->lock);
    load->work.port = 0;
    ring(load);
    int error = 0;
    while (!load->quiet && error == 0) {
        error = pthread_cond_timedwait(&load->changed, &load->lock, &deadline);
    }
    bool in_time = load->quiet;
    load->abandon = true;
    ring(load);
    while (!load->quiet) {
        (void)pthread_cond_wait(&load->changed, &load->lock);
    }
    (void)pthread_mutex_unlock(&load->lock);
    return in_time;
}

void load_progress(struct load *load, size_t target, struct load_progress *ret_progress)
{
    (void)pthread_mutex_lock(&load->lock);
    *ret_progress = load->work.progress[target];
    (void)pthread_mutex_unlock(&load->lock);
}

const char *load_failure(struct load *load)
{
    (void)pthread_mutex_lock(&load->lock);
    const char *failure = load->work.state == LOAD_FAILED ? load->work.failure : NULL;
    (void)pthread_mutex_unlock(&load->lock);
    return failure;
}

void load_free(struct load *load)
{
    if (load == NULL) {
        return;
    }
    (void)load_detach(load, 0);
    (void)pthread_mutex_lock(&load->lock);
    load->quit = true;
    (void)pthread_mutex_unlock(&load->lock);
    ring(load);
    (void)pthread_join(load->thread, NULL);
    (void)pthread_cond_destroy(&load->changed);
    (void)pthread_mutex_destroy(&load->lock);
    (void)close(load->bell);
    (void)close(load->work.epoll);
    free(load->connections);
    free(load->work.asked);
    free(load->work.progress);
    free(load);
}
