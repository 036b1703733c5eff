#include "grpc_connection.h"

#include "grpc_call.h"
#include "grpc_session.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LINGER_MS 1000     /* for the client to close its side after ours */
#define AGE_GRACE_MS 30000 /* for the calls of a connection that is too old */

static struct grpc_connection *connection_of(struct grpc_timer *timer)
{
    return (struct grpc_connection *)((char *)timer - offsetof(struct grpc_connection, timer));
}

/* ---- time ---- */

static bool is_blocked(const struct grpc_connection *connection)
{
    return grpc_buffer_length(&connection->unsent) > 0;
}

/* When it has to be looked at next. */
static struct instant next_look(const struct grpc_connection *connection)
{
    struct grpc_service *service = connection->loop->service;
    struct instant due = {.ns = UINT64_MAX};
    uint64_t age_ns = grpc_service_age_ns(service);

    switch (connection->farewell) {
    case GRPC_LINGERS:
        return clock_after(connection->since, LINGER_MS * CLOCK_NS_PER_MS);
    case GRPC_LEAVES:
        /* Who has not answered our ping may only be slow, with a call on its way. */
        due = clock_after(connection->left_at, grpc_service_request_ns(service));
        break;
    case GRPC_LEFT:
        due = clock_after(connection->left_at, AGE_GRACE_MS * CLOCK_NS_PER_MS);
        break;
    case GRPC_STAYS:
        if (age_ns > 0) {
            due = clock_after(connection->opened, age_ns);
        }
        break;
    case GRPC_DEAD:
        break;
    }
    if (is_blocked(connection) || connection->calls == NULL) {
        bool acts = is_blocked(connection) || !connection->wire.shaken;
        uint64_t limit_ns = acts ? grpc_service_request_ns(service) : grpc_service_idle_ns(service);
        struct instant end = clock_after(connection->since, limit_ns);

        due = end.ns < due.ns ? end : due;
    }
    return due;
}

/* Set the timer anew where it has moved; one that comes too early only looks again. */
static void watch_time(struct grpc_connection *connection)
{
    struct grpc_timers *timers = &connection->loop->timers;
    struct instant due = next_look(connection);

    if (due.ns == UINT64_MAX) {
        grpc_timer_clear(timers, &connection->timer);
    } else if ((connection->timer.place == 0 || due.ns < connection->timer.due.ns) &&
               grpc_timer_set(timers, &connection->timer, due) != ERR_OK) {
        connection->farewell = GRPC_DEAD;
    }
}

static void end_long_calls(struct grpc_connection *connection)
{
    struct grpc_call *next = NULL;

    for (struct grpc_call *call = connection->calls; call != NULL; call = next) {
        next = call->next;
        if (call->step != GRPC_CALL_ENDED && call->step != GRPC_CALL_HEADERS &&
            call->method->leave != NULL) {
            call->method->leave(call);
        }
    }
}

static void on_timer(struct grpc_timer *timer)
{
    struct grpc_connection *connection = connection_of(timer);
    struct instant now = connection->loop->now;

    grpc_connection_touch(connection); /* which sets the timer again */
    if (!clock_reached(next_look(connection), now)) {
        return;
    }
    if (connection->farewell == GRPC_LINGERS) {
        connection->farewell = GRPC_DEAD;
    } else if (!connection->wire.shaken) {
        grpc_connection_refuse(connection, REFUSAL_TLS);
    } else if (is_blocked(connection)) {
        grpc_connection_refuse(connection, REFUSAL_SLOW);
    } else if (connection->farewell == GRPC_STAYS) {
        grpc_connection_leave(connection, connection->calls == NULL);
    } else if (connection->farewell == GRPC_LEAVES) {
        grpc_session_left(connection);
        connection->left_at = now;
    } else if (connection->calls != NULL) {
        end_long_calls(connection);
        connection->left_at = now;
    } else {
        connection->farewell = GRPC_DEAD; /* it was told, and its idle time is over */
    }
}

void grpc_connection_leave(struct grpc_connection *connection, bool at_once)
{
    if (connection->farewell == GRPC_STAYS) {
        grpc_session_leave(connection);
        connection->left_at = connection->loop->now;
    }
    if (at_once && connection->farewell == GRPC_LEAVES) {
        grpc_session_left(connection);
    }
}

void grpc_connection_end_calls(struct grpc_connection *connection)
{
    end_long_calls(connection);
    grpc_connection_touch(connection);
}

/* ---- open and close ---- */

/* Its place among the loop's connections. */
static void put_in_list(struct grpc_connection *connection)
{
    struct grpc_loop *loop = connection->loop;

    connection->next = loop->connections;
    connection->link = &loop->connections;
    if (connection->next != NULL) {
        connection->next->link = &connection->next;
    }
    loop->connections = connection;
}

static void leave(struct grpc_loop *loop, struct guest guest)
{
    guests_leave(&loop->service->guests, guest);
    /* order: relaxed; it decides where the next connection goes, and pairs with nothing. */
    atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
}

static bool watch_first(struct grpc_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};

    connection->events = EPOLLIN;
    return epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_ADD, connection->wire.fd, &event) == 0;
}

void grpc_connection_open(struct grpc_loop *loop, const struct grpc_newcomer *newcomer)
{
    struct grpc_service *service = loop->service;
    struct grpc_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL ||
        grpc_wire_open(&connection->wire, newcomer->fd, newcomer->secure ? service->tls : NULL,
                       service->priorities) != ERR_OK) {
        free(connection);
        close(newcomer->fd);
        leave(loop, newcomer->guest);
        return;
    }
    connection->loop = loop;
    connection->guest = newcomer->guest;
    connection->client.peer = newcomer->guest.peer;
    connection->idle = true;
    connection->timer.fire = on_timer;
    connection->opened = loop->now;
    connection->since = loop->now;
    put_in_list(connection);
    if (grpc_session_open(connection) != ERR_OK || !watch_first(connection)) {
        grpc_connection_close(connection);
        return;
    }
    grpc_connection_touch(connection);
}

void grpc_connection_close(struct grpc_connection *connection)
{
    struct grpc_loop *loop = connection->loop;

    grpc_session_close(connection);
    grpc_timer_clear(&loop->timers, &connection->timer);
    grpc_buffer_clear(&connection->unsent);
    *connection->link = connection->next;
    if (connection->next != NULL) {
        connection->next->link = connection->link;
    }
    /* Closing alone does not end its events while a child, which some library may fork, has the
     * socket, too. It fails only where it was never watched. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, connection->wire.fd, NULL);
    grpc_wire_close(&connection->wire);
    leave(loop, connection->guest);
    free(connection);
}

/* ---- bytes ---- */

/* Go on with the handshake; true once it is over. */
static bool shake(struct grpc_connection *connection)
{
    switch (grpc_wire_shake(&connection->wire)) {
    case GRPC_SHAKEN:
        connection->shake_writes = false;
        grpc_connection_touch(connection); /* our first frames wait for it */
        return true;
    case GRPC_SHAKE_READS:
        connection->shake_writes = false;
        break;
    case GRPC_SHAKE_WRITES:
        connection->shake_writes = true;
        break;
    case GRPC_SHAKE_FAILED:
        grpc_connection_refuse(connection, REFUSAL_TLS);
        return false;
    }
    grpc_connection_touch(connection); /* the events that it waits for may have changed */
    return false;
}

static void read_some(struct grpc_connection *connection)
{
    struct grpc_loop *loop = connection->loop;
    ssize_t length = grpc_wire_read(&connection->wire, loop->input, GRPC_CHUNK_SIZE);

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        connection->farewell = GRPC_DEAD; /* it has gone, and takes no answer any more */
    } else if (connection->farewell != GRPC_LINGERS) {
        grpc_session_read(connection, loop->input, (size_t)length);
    }
    grpc_connection_touch(connection);
}

void grpc_connection_ready(struct grpc_connection *connection, uint32_t events)
{
    if (!connection->wire.shaken && !shake(connection)) {
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        grpc_connection_touch(connection);
    }
    if (is_blocked(connection) && (events & (EPOLLHUP | EPOLLERR)) != 0) {
        connection->farewell = GRPC_DEAD;
        grpc_connection_touch(connection);
    } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        do {
            read_some(connection);
        } while (grpc_wire_holds(&connection->wire) && connection->farewell != GRPC_DEAD);
    }
}

/* Write `length` bytes to the socket. Returns how many it took. */
static size_t write_socket(struct grpc_connection *connection, const uint8_t *bytes, size_t length)
{
    size_t written = 0;

    while (written < length) {
        ssize_t step = grpc_wire_write(&connection->wire, bytes + written, length - written);

        if (step < 0 && errno == EINTR) {
            continue;
        }
        if (step < 0) {
            if (errno != EAGAIN) {
                connection->farewell = GRPC_DEAD;
            }
            break;
        }
        written += (size_t)step;
    }
    return written;
}

/* Send what the socket did not take before. */
static void send_rest(struct grpc_connection *connection)
{
    size_t length = grpc_buffer_length(&connection->unsent);

    if (length == 0) {
        return;
    }
    size_t written = write_socket(connection, grpc_buffer_bytes(&connection->unsent), length);
    grpc_buffer_take(&connection->unsent, written);
    if (written > 0) {
        connection->since = connection->loop->now; /* it moves */
    }
}

/* Send what is due, as long as the socket takes it. */
static void send_frames(struct grpc_connection *connection)
{
    uint8_t *output = connection->loop->output;

    while (connection->farewell < GRPC_LINGERS && !is_blocked(connection)) {
        size_t length = grpc_session_write(connection, output, GRPC_CHUNK_SIZE);

        if (length == 0 || connection->farewell == GRPC_DEAD) {
            return;
        }
        size_t written = write_socket(connection, output, length);
        if (written < length) {
            connection->since = connection->loop->now;
            if (grpc_buffer_put(&connection->unsent, output + written, length - written) !=
                ERR_OK) {
                connection->farewell = GRPC_DEAD;
            }
        }
    }
}

/* Everything is said and sent: close our side, and let the client close its own. A close at once
 * would reset the connection if it has sent something meanwhile, and could take answers with it. */
static void linger(struct grpc_connection *connection)
{
    bool over = connection->condemned || nghttp2_session_want_read(connection->session) == 0;

    if (connection->farewell >= GRPC_LINGERS || is_blocked(connection) || !over ||
        nghttp2_session_want_write(connection->session) != 0) {
        return;
    }
    connection->farewell = grpc_wire_shut(&connection->wire) ? GRPC_LINGERS : GRPC_DEAD;
    connection->since = connection->loop->now;
}

/* Read as long as nothing waits to be sent. */
static void watch_socket(struct grpc_connection *connection)
{
    bool writes = is_blocked(connection) || connection->shake_writes;
    uint32_t events = writes ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = events, .data = {.ptr = connection}};

    if (events != connection->events) {
        connection->events = events;
        if (epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_MOD, connection->wire.fd, &event) !=
            0) {
            connection->farewell = GRPC_DEAD;
        }
    }
}

void grpc_connection_finish(struct grpc_connection *connection)
{
    bool was_idle = connection->idle;

    if (connection->farewell != GRPC_DEAD && connection->wire.shaken) {
        send_rest(connection);
        send_frames(connection);
    }
    if (connection->farewell != GRPC_DEAD) {
        linger(connection);
    }
    connection->idle = connection->calls == NULL;
    if (connection->idle && !was_idle) {
        connection->since = connection->loop->now;
    }
    if (connection->farewell != GRPC_DEAD) {
        watch_socket(connection);
        watch_time(connection);
    }
    if (connection->farewell == GRPC_DEAD) {
        grpc_connection_close(connection);
    }
}
