#include "http_door.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL_TICK_MS 10     /* how late a place that became free may be noticed */
#define ACCEPTED_AT_ONCE 64 /* before time is looked at again */

struct http_door {
    int fd;      /* constant, as are the next four */
    int wake_fd; /* an eventfd: something below has changed */
    struct MHD_Daemon *daemon;
    struct http_deadline *deadline;
    unsigned max_connections;
    _Atomic bool shut;
    _Atomic bool stopped;
    pthread_t thread; /* the owner's */
};

/* Let one in. False when nobody else is there, or the system gives no more. */
static bool accept_one(struct http_door *door, bool *ret_exhausted)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = accept4(door->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        int number = errno;
        *ret_exhausted =
            number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
        return number == EINTR || number == ECONNABORTED;
    }
    /* Closes `fd` itself when it cannot take it. */
    if (MHD_add_connection(door->daemon, fd, (struct sockaddr *)&address, size) != MHD_YES) {
        log_debug("a connection could not be taken in, closing it");
    }
    return true;
}

/* Let in who stands there. Returns whether the system has run out of what a connection needs. */
static bool accept_some(struct http_door *door)
{
    bool exhausted = false;

    for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
        if (http_deadline_connections(door->deadline) >= door->max_connections ||
            !accept_one(door, &exhausted)) {
            break;
        }
    }
    return exhausted;
}

static bool is_set(_Atomic bool *flag)
{
    /* order: relaxed. A flag stands alone, and the eventfd that is written after it makes the
     * thread look again. */
    return atomic_load_explicit(flag, memory_order_relaxed);
}

static void set(struct http_door *door, _Atomic bool *flag)
{
    uint64_t one = 1;

    /* order: relaxed, as in is_set(). */
    atomic_store_explicit(flag, true, memory_order_relaxed);
    ssize_t written = write(door->wake_fd, &one, sizeof one);
    (void)written; /* fails only when the count is full, and then the thread is awake */
}

static void *run(void *argument)
{
    struct http_door *door = argument;
    struct instant reap_at = clock_now();
    bool exhausted = false;

    while (!is_set(&door->stopped)) {
        bool full = http_deadline_connections(door->deadline) >= door->max_connections;
        bool closed = is_set(&door->shut);
        struct pollfd fds[] = {
            {.fd = door->wake_fd, .events = POLLIN},
            {.fd = closed || full || exhausted ? -1 : door->fd, .events = POLLIN},
        };
        (void)poll(fds, 2, full && !closed ? FULL_TICK_MS : HTTP_DOOR_TICK_MS); /* or EINTR */
        if (fds[0].revents != 0) {
            uint64_t count = 0;
            ssize_t got = read(door->wake_fd, &count, sizeof count);
            (void)got; /* only to make it unreadable again */
        }
        exhausted = (fds[1].revents & POLLIN) != 0 && accept_some(door);
        struct instant now = clock_now();
        if (clock_reached(reap_at, now)) {
            http_deadline_reap(door->deadline);
            reap_at = clock_after(now, HTTP_DOOR_TICK_MS * CLOCK_NS_PER_MS);
        }
    }
    return NULL;
}

enum error http_door_start(int fd, struct MHD_Daemon *daemon, struct http_deadline *deadline,
                           unsigned max_connections, struct http_door **ret_door)
{
    struct http_door *door = calloc(1, sizeof *door);

    if (door == NULL) {
        return ERR_NO_MEMORY;
    }
    door->fd = fd;
    door->daemon = daemon;
    door->deadline = deadline;
    door->max_connections = max_connections;
    door->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (door->wake_fd < 0) {
        goto no_eventfd;
    }
    if (pthread_create(&door->thread, NULL, run, door) != 0) {
        goto no_thread;
    }
    *ret_door = door;
    return ERR_OK;

no_thread:
    close(door->wake_fd);
no_eventfd:
    free(door);
    return ERR_NO_MEMORY;
}

void http_door_shut(struct http_door *door)
{
    set(door, &door->shut);
    (void)shutdown(door->fd, SHUT_RDWR); /* the kernel refuses from here on */
}

void http_door_stop(struct http_door *door)
{
    if (door == NULL) {
        return;
    }
    set(door, &door->stopped);
    (void)pthread_join(door->thread, NULL); /* fails only for our own bugs */
    close(door->wake_fd);
    free(door);
}
