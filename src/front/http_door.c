#include "http_door.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND_MAX 64 /* connections that one listener brings before the others have their turn */
#define SHORT_MS 100 /* until the next try, when the system has no descriptor or memory left */

/* What is polled: two bells, then the listeners. */
#define BELL_SHUT 0
#define BELL_LEFT 1
#define BELLS 2

struct http_door {
    struct http_service *service; /* constant, as are the next four */
    const struct listener *listeners;
    size_t count;
    struct http_crew plain;
    struct http_crew secure;
    int shut_fd; /* an eventfd: readable once the door should be shut; constant */
    pthread_t thread;
};

/* ---- one who knocks ---- */

static struct http_worker *least_busy(struct http_crew crew)
{
    struct http_worker *chosen = &crew.workers[0];

    assert(crew.count > 0);
    for (unsigned i = 1; i < crew.count; i++) {
        if (http_worker_load(&crew.workers[i]) < http_worker_load(chosen)) {
            chosen = &crew.workers[i];
        }
    }
    return chosen;
}

static void receive(struct http_door *door, const struct listener *listener, int fd,
                    const struct sockaddr *address, socklen_t size)
{
    struct http_service *service = door->service;
    struct http_crew crew = listener->place.scheme == PLACE_TLS ? door->secure : door->plain;

    switch (guests_come(&service->guests, guest_of(address))) {
    case WELCOME:
        http_worker_admit(least_busy(crew), fd, address, size);
        return;
    case WELCOME_CROWDED:
        refusals_note(&service->refusals, REFUSAL_ADDRESS_LIMIT, fd);
        break;
    case WELCOME_NO_MEMORY:
        refusals_note(&service->refusals, REFUSAL_RESOURCES, fd);
        break;
    }
    close(fd);
}

enum knock {
    KNOCK_NOBODY,   /* no one more */
    KNOCK_CAME,     /* one was let in or turned away, or has gone */
    KNOCK_NO_MEANS, /* somebody is there, and the system has nothing to let him in with */
};

static enum knock open_once(struct http_door *door, const struct listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } address = {.storage = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof address;
    int fd = accept4(listener->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        receive(door, listener, fd, &address.any, size);
        return KNOCK_CAME;
    }
    switch (errno) {
    case EAGAIN:
        return KNOCK_NOBODY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        refusals_note(&door->service->refusals, REFUSAL_RESOURCES, listener->fd);
        return KNOCK_NO_MEANS;
    default:
        return KNOCK_CAME; /* accept(2): what befell that connection, which has gone */
    }
}

/* Let in at most `most`. False when the system has no means. */
static bool let_in(struct http_door *door, const struct listener *listener, unsigned most)
{
    for (unsigned i = 0; i < most && guests_has_room(&door->service->guests); i++) {
        switch (open_once(door, listener)) {
        case KNOCK_CAME:
            break;
        case KNOCK_NOBODY:
            return true;
        case KNOCK_NO_MEANS:
            return false;
        }
    }
    return true;
}

/* ---- the thread ---- */

static void *run(void *argument)
{
    struct http_door *door = argument;
    struct pollfd watched[BELLS + HTTP_INHERITED_MAX] = {
        [BELL_SHUT] = {.fd = door->shut_fd, .events = POLLIN},
        [BELL_LEFT] = {.fd = door->service->guests.left_fd, .events = POLLIN},
    };
    bool means = true;

    for (size_t i = 0; i < door->count; i++) {
        watched[BELLS + i] = (struct pollfd){.fd = door->listeners[i].fd, .events = POLLIN};
    }
    while ((watched[BELL_SHUT].revents & POLLIN) == 0) {
        bool room = guests_has_room(&door->service->guests);
        nfds_t count = BELLS + (means && room ? door->count : 0);
        int ready = poll(watched, count, means ? -1 : SHORT_MS);
        means = true;
        guests_heard(&door->service->guests);
        for (size_t i = BELLS; ready > 0 && i < count; i++) {
            if (watched[i].revents != 0) {
                means = let_in(door, &door->listeners[i - BELLS], ROUND_MAX) && means;
            }
        }
    }
    for (size_t i = 0; i < door->count; i++) {
        if (!door->listeners[i].inherited) {
            (void)let_in(door, &door->listeners[i],
                         LISTENER_BACKLOG); /* as far as there are means */
        }
    }
    return NULL;
}

enum error http_door_open(struct http_service *service, const struct listener *listeners,
                          size_t count, struct http_crew plain, struct http_crew secure,
                          struct http_door **ret_door)
{
    assert(count <= HTTP_INHERITED_MAX);
    struct http_door *door = calloc(1, sizeof *door);
    if (door == NULL) {
        return ERR_NO_MEMORY;
    }
    *door = (struct http_door){.service = service,
                               .listeners = listeners,
                               .count = count,
                               .plain = plain,
                               .secure = secure,
                               .shut_fd = eventfd(0, EFD_CLOEXEC)};
    if (door->shut_fd < 0) {
        goto no_eventfd;
    }
    if (pthread_create(&door->thread, NULL, run, door) != 0) {
        goto no_thread;
    }
    *ret_door = door;
    return ERR_OK;

no_thread:
    close(door->shut_fd);
no_eventfd:
    free(door);
    return ERR_NO_MEMORY;
}

void http_door_shut(struct http_door *door)
{
    uint64_t one = 1;

    if (door == NULL) {
        return;
    }
    ssize_t written = write(door->shut_fd, &one, sizeof one);
    (void)written;                          /* an eventfd at 0 takes it */
    (void)pthread_join(door->thread, NULL); /* fails only for our own bugs */
    close(door->shut_fd);
    free(door);
}
