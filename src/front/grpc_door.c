#include "grpc_door.h"

#include "grpc_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND_MAX 64 /* connections that one listener brings before the others have their turn */
#define SHORT_MS 100 /* until the next try, when the system has no descriptor or memory left */

/* ---- the listeners ---- */

static void watch(struct grpc_door *door, bool open)
{
    for (size_t i = 0; i < door->count; i++) {
        struct epoll_event event = {.events = open ? EPOLLIN : 0,
                                    .data = {.ptr = &door->listeners[i]}};
        int result = epoll_ctl(door->loop->epoll_fd, EPOLL_CTL_MOD, door->listeners[i].fd, &event);

        assert(result == 0);
    }
}

static void open_again(struct grpc_timer *timer)
{
    watch((struct grpc_door *)((char *)timer - offsetof(struct grpc_door, again)), true);
}

/* The system has no means for one more: who knocks would wake us again at once. */
static void rest(struct grpc_door *door, int fd)
{
    struct grpc_loop *loop = door->loop;
    struct instant due = clock_after(loop->now, SHORT_MS * CLOCK_NS_PER_MS);

    refusals_note(&loop->service->refusals, REFUSAL_RESOURCES, fd);
    if (grpc_timer_set(&loop->timers, &door->again, due) == ERR_OK) {
        watch(door, false);
    }
}

/* ---- who knocks ---- */

static struct grpc_loop *least_busy(struct grpc_loop *loop)
{
    struct grpc_loop *least = loop;
    unsigned fewest = UINT32_MAX;

    for (unsigned i = 0; i < loop->service->report_count; i++) {
        /* order: relaxed; a count that is a moment old chooses nearly as well. It pairs with
         * nothing. */
        unsigned count =
            atomic_load_explicit(&loop->crew[i].connection_count, memory_order_relaxed);

        if (count < fewest) {
            fewest = count;
            least = &loop->crew[i];
        }
    }
    return least;
}

static void take_newcomer(struct grpc_loop *loop, struct grpc_post *post)
{
    struct grpc_newcomer *newcomer = (struct grpc_newcomer *)post;

    grpc_connection_open(loop, newcomer);
    free(newcomer);
}

/* Give the newcomer to the loop that has the least to do. */
static void deal(struct grpc_loop *loop, const struct grpc_newcomer *newcomer)
{
    struct grpc_loop *chosen = least_busy(loop);
    struct grpc_newcomer *sent = chosen == loop ? NULL : malloc(sizeof *sent);

    chosen = sent == NULL ? loop : chosen;
    /* order: relaxed; see least_busy(). */
    atomic_fetch_add_explicit(&chosen->connection_count, 1, memory_order_relaxed);
    if (sent == NULL) {
        grpc_connection_open(loop, newcomer);
        return;
    }
    *sent = *newcomer;
    grpc_mailbox_post(&chosen->mailbox, &sent->post);
}

static void receive(struct grpc_door *door, const struct listener *listener, int fd,
                    const struct sockaddr *address)
{
    struct grpc_loop *loop = door->loop;
    struct grpc_newcomer newcomer = {.post = {.arrived = take_newcomer},
                                     .fd = fd,
                                     .guest = guest_of(address),
                                     .secure = listener->place.scheme == PLACE_TLS};

    if (loop->phase != GRPC_SERVES) {
        close(fd);
        return;
    }
    switch (guests_come(&loop->service->guests, newcomer.guest)) {
    case WELCOME:
        deal(loop, &newcomer);
        return;
    case WELCOME_CROWDED:
        refusals_note(&loop->service->refusals, REFUSAL_ADDRESS_LIMIT, fd);
        break;
    case WELCOME_NO_MEMORY:
        refusals_note(&loop->service->refusals, REFUSAL_RESOURCES, fd);
        break;
    }
    close(fd);
}

/* Let one in. False when nobody is there, or the system has no means. */
static bool let_in(struct grpc_door *door, const struct listener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } address = {.storage = {.ss_family = AF_UNSPEC}};
    socklen_t size = sizeof address;
    int fd = accept4(listener->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        receive(door, listener, fd, &address.any);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        rest(door, listener->fd);
        return false;
    default:
        return true; /* accept(2): what befell that connection, which has gone */
    }
}

static void knock(struct grpc_door *door, const struct listener *listener)
{
    for (unsigned i = 0; i < ROUND_MAX; i++) {
        if (!guests_has_room(&door->loop->service->guests)) {
            watch(door, false); /* until somebody leaves */
            return;
        }
        if (!let_in(door, listener)) {
            return;
        }
    }
}

bool grpc_door_answer(struct grpc_door *door, void *mark)
{
    if (mark == door) {
        guests_heard(&door->loop->service->guests);
        grpc_timer_clear(&door->loop->timers, &door->again);
        watch(door, true);
        return true;
    }
    for (size_t i = 0; i < door->count; i++) {
        if (mark == &door->listeners[i]) {
            knock(door, &door->listeners[i]);
            return true;
        }
    }
    return false;
}

enum error grpc_door_open(struct grpc_door *door, struct grpc_loop *loop)
{
    struct epoll_event left = {.events = EPOLLIN, .data = {.ptr = door}};

    door->loop = loop;
    door->again.fire = open_again;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->service->guests.left_fd, &left) != 0) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < door->count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &door->listeners[i]}};

        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, door->listeners[i].fd, &event) != 0) {
            return ERR_NO_MEMORY;
        }
    }
    return ERR_OK;
}
