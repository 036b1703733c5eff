#include "grpc_loop.h"

#include "grpc_connection.h"
#include "grpc_door.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64 /* of one round */

/* ---- one round ---- */

static void read_mailbox(struct grpc_loop *loop)
{
    struct grpc_post *post = grpc_mailbox_empty(&loop->mailbox);

    while (post != NULL) {
        struct grpc_post *next = post->next;

        post->arrived(loop, post);
        post = next;
    }
}

/* Send what this round has brought. */
static void finish_touched(struct grpc_loop *loop)
{
    while (loop->touched != NULL) {
        struct grpc_connection *connection = loop->touched;

        loop->touched = connection->next_touched;
        connection->touched = false;
        grpc_connection_finish(connection);
    }
}

/* Has the service gone on? Then so do the connections. */
static void follow_phase(struct grpc_loop *loop)
{
    enum grpc_phase phase = grpc_service_phase(loop->service);

    if (phase == loop->phase) {
        return;
    }
    for (struct grpc_connection *c = loop->connections; c != NULL; c = c->next) {
        grpc_connection_leave(c, phase >= GRPC_CLOSES);
        grpc_connection_end_calls(c);
    }
    loop->phase = phase;
}

static void report(struct grpc_loop *loop)
{
    if (loop->phase != GRPC_SERVES) {
        /* order: relaxed; only newcomers raise it in another thread, and none come any more. */
        unsigned connections = atomic_load_explicit(&loop->connection_count, memory_order_relaxed);

        grpc_service_report(loop->service, loop->index, loop->phase,
                            loop->phase == GRPC_DRAINS ? loop->calls : connections);
    }
}

/* ---- what happens next ---- */

static int ask_kernel(struct grpc_loop *loop, struct epoll_event events[EVENTS_MAX], int wait_ms)
{
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait_ms);

    assert(count >= 0 || errno == EINTR);
    loop->now = clock_now();
    return count;
}

/* Without sleeping, from now until `end`. */
static int look(struct grpc_loop *loop, struct epoll_event events[EVENTS_MAX], struct instant end)
{
    struct instant began = loop->now;
    int count = 0;

    do {
        count = ask_kernel(loop, events, 0);
    } while (count == 0 && !clock_reached(end, loop->now));
    grpc_look_ended(&loop->look, began, loop->now, count > 0);
    grpc_count_look(&loop->counters, count > 0);
    return count;
}

/* Wait for something to happen. Returns how many events there are; none, or -1, when it is a timer
 * that is due or there was a signal. */
static int await(struct grpc_loop *loop, struct epoll_event events[EVENTS_MAX])
{
    struct instant began = clock_now();
    int wait_ms = grpc_timers_wait_ms(&loop->timers, began);
    uint64_t look_ns = grpc_look_ns(&loop->look, began);
    int count = 0;

    if (look_ns > 0) {
        loop->now = began;
        count = look(loop, events, clock_after(began, look_ns));
    }
    if (count == 0) {
        count = ask_kernel(loop, events, wait_ms);
        if (look_ns == 0) {
            grpc_look_slept(&loop->look, began, loop->now);
        }
    }
    return count;
}

/* Wait for something to happen, and do what it asks for. */
static void run_round(struct grpc_loop *loop)
{
    struct epoll_event events[EVENTS_MAX];

    grpc_pulse_sleeps(&loop->pulse, grpc_timers_next(&loop->timers));
    int count = await(loop, events);
    grpc_pulse_wakes(&loop->pulse, loop->now);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &loop->mailbox) {
            read_mailbox(loop);
        } else if (loop->door == NULL || !grpc_door_answer(loop->door, events[i].data.ptr)) {
            grpc_connection_ready(events[i].data.ptr, events[i].events);
        }
    }
    follow_phase(loop);
    grpc_timers_fire(&loop->timers, loop->now);
    finish_touched(loop);
    report(loop);
}

static void *run(void *context)
{
    struct grpc_loop *loop = context;

    /* Core lets go of every ticket once the registry is closed; none may be left behind. */
    while (loop->phase != GRPC_ENDS || loop->tickets > 0) {
        run_round(loop);
    }
    return NULL;
}

/* ---- start and stop ---- */

static bool watch_mailbox(struct grpc_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &loop->mailbox}};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->mailbox.event_fd, &event) == 0;
}

enum error grpc_loop_start(struct grpc_loop *crew, unsigned index, struct grpc_service *service,
                           const struct grpc_session_kind *kind, struct grpc_door *door)
{
    struct grpc_loop *loop = &crew[index];

    loop->service = service;
    loop->kind = kind;
    loop->crew = crew;
    loop->index = index;
    loop->door = door;
    loop->now = clock_now();
    grpc_look_init(&loop->look, service->look_ns);
    grpc_pulse_init(&loop->pulse, loop->now);
    grpc_arena_init(&loop->arena);
    grpc_pool_init(&loop->pool);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        return ERR_NO_MEMORY;
    }
    if (grpc_mailbox_init(&loop->mailbox) != ERR_OK) {
        goto no_mailbox;
    }
    if (!watch_mailbox(loop) || (door != NULL && grpc_door_open(door, loop) != ERR_OK) ||
        pthread_create(&loop->thread, NULL, run, loop) != 0) {
        goto no_thread;
    }
    return ERR_OK;

no_thread:
    grpc_mailbox_fini(&loop->mailbox);
no_mailbox:
    close(loop->epoll_fd);
    return ERR_NO_MEMORY;
}

void grpc_loop_wake(struct grpc_loop *loop)
{
    grpc_mailbox_wake(&loop->mailbox);
}

void grpc_loop_join(struct grpc_loop *loop)
{
    int result = pthread_join(loop->thread, NULL);

    assert(result == 0);
}

void grpc_loop_fini(struct grpc_loop *loop)
{
    read_mailbox(loop); /* a connection may have been dealt to it when it had ended */
    while (loop->connections != NULL) {
        grpc_connection_close(loop->connections);
    }
    if (loop->door != NULL) {
        grpc_timer_clear(&loop->timers, &loop->door->again);
    }
    grpc_timers_fini(&loop->timers);
    grpc_pool_fini(&loop->pool);
    grpc_mailbox_fini(&loop->mailbox);
    close(loop->epoll_fd);
}
