#include "load_connection.h"

#include "load_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_SIZE 512
#define BACK_OFF_NS (2 * CLOCK_NS_PER_MS) /* after a refusal */

void load_die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    abort();
}

static const struct load_target *target_of(const struct load_work *work,
                                           const struct load_connection *connection)
{
    return &work->options.targets[connection->target];
}

static struct load_progress *progress_of(struct load_work *work,
                                         const struct load_connection *connection)
{
    return &work->progress[connection->target];
}

/* The first that happens is told; a failure outdoes the rest. */
static void set_state(struct load_work *work, enum load_state state)
{
    if (work->state == LOAD_BUSY || state == LOAD_FAILED) {
        work->state = state;
    }
}

void load_connection_close(struct load_work *work, struct load_connection *connection)
{
    const struct load_target *target = target_of(work, connection);
    if (connection->phase == LOAD_PHASE_WAITING) {
        oracle_lose(target->oracle, connection->count);
        work->asked[connection->target] -= connection->count;
        progress_of(work, connection)->unanswered++;
        /* A server that takes connections only to close them is not to be run down. */
        connection->not_before = clock_after(clock_now(), BACK_OFF_NS);
    }
    if (connection->phase != LOAD_PHASE_CLOSED) {
        (void)close(connection->socket);
    }
    connection->phase = LOAD_PHASE_CLOSED;
    connection->connection_after = 0;
}

static void fail(struct load_work *work, struct load_connection *connection, const char *what)
{
    if (work->failure[0] == '\0') {
        (void)snprintf(work->failure, sizeof(work->failure), "%s: '%.*s'", what,
                       connection->length > 160 ? 160 : (int)connection->length,
                       connection->buffer);
        for (char *c = work->failure; *c != '\0'; c++) {
            *c = *c >= ' ' && *c <= '~' ? *c : ' ';
        }
    }
    set_state(work, LOAD_FAILED);
    load_connection_close(work, connection);
}

static void open_connection(struct load_work *work, struct load_connection *connection)
{
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->socket < 0) {
        load_die("socket");
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(work->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    connection->phase = LOAD_PHASE_CONNECTING;
    int result = connect(connection->socket, (struct sockaddr *)&address, sizeof(address));
    if (result < 0 && errno != EINPROGRESS) {
        if (errno == ECONNREFUSED) {
            set_state(work, LOAD_REFUSED);
        }
        load_connection_close(work, connection);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    if (epoll_ctl(work->epoll, EPOLL_CTL_ADD, connection->socket, &event) < 0) {
        load_die("epoll_ctl");
    }
}

/* Connecting from an address to itself succeeds when the kernel happens to choose the very port
 * that nobody listens on any more. */
static bool is_connected_to_itself(int socket)
{
    struct sockaddr_in mine = {0};
    struct sockaddr_in other = {0};
    socklen_t size = sizeof(mine);
    return getsockname(socket, (struct sockaddr *)&mine, &size) == 0 &&
           getpeername(socket, (struct sockaddr *)&other, &size) == 0 &&
           mine.sin_port == other.sin_port;
}

static void finish_connecting(struct load_work *work, struct load_connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);
    (void)getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && is_connected_to_itself(connection->socket)) {
        error = ECONNREFUSED;
    }
    if (error != 0) {
        if (error == ECONNREFUSED) {
            set_state(work, LOAD_REFUSED);
        }
        connection->not_before = clock_after(clock_now(), BACK_OFF_NS);
        load_connection_close(work, connection);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    (void)epoll_ctl(work->epoll, EPOLL_CTL_MOD, connection->socket, &event);
    connection->phase = LOAD_PHASE_IDLE;
    progress_of(work, connection)->connections++;
}

/* Choose how the next request looks, and write it. Returns its length. */
static size_t compose(struct load_work *work, struct load_connection *connection, uint64_t left,
                      char *request)
{
    const struct load_target *target = target_of(work, connection);
    int length = 0;
    connection->count = 1;
    connection->json = false;
    if (target->sequence == NULL) {
        length = snprintf(request, REQUEST_SIZE, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    } else {
        uint64_t most = left < target->count_max ? left : target->count_max;
        connection->count = 1 + chance_below(&work->chance, most);
        connection->json = chance_below(&work->chance, 2) == 0;
        bool post = chance_below(&work->chance, 4) == 0;
        bool plain = connection->count == 1 && chance_below(&work->chance, 2) == 0;
        char query[32] = "";
        if (!plain) {
            (void)snprintf(query, sizeof(query), "?count=%" PRIu64, connection->count);
        }
        length = snprintf(request, REQUEST_SIZE,
                          "%s /v1/sequences/%s/next%s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                          post ? "POST" : "GET", target->sequence, query,
                          connection->json ? "Accept: application/json\r\n" : "",
                          post ? "Content-Length: 0\r\n" : "");
    }
    if (length < 0 || length >= REQUEST_SIZE) {
        load_die("the sequence's name is too long");
    }
    return (size_t)length;
}

static void send_request(struct load_work *work, struct load_connection *connection)
{
    const struct load_target *target = target_of(work, connection);
    uint64_t left =
        target->numbers == 0 ? UINT64_MAX : target->numbers - work->asked[connection->target];
    if (left == 0) {
        return;
    }
    char request[REQUEST_SIZE];
    size_t length = compose(work, connection, left, request);
    work->asked[connection->target] += connection->count;
    connection->length = 0;
    connection->phase = LOAD_PHASE_WAITING;
    connection->sent_after = oracle_send(target->oracle, connection->count);
    connection->sent = clock_now();
    /* An empty send buffer always has room for a request; less written is a connection that
     * ended. */
    if (send(connection->socket, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
        load_connection_close(work, connection);
    }
}

static void take_numbers(struct load_work *work, struct load_connection *connection,
                         const struct load_answer *answer)
{
    const struct load_target *target = target_of(work, connection);
    struct oracle_answer numbers = {
        .count = connection->count,
        .sent_after = connection->sent_after,
        .connection_after = &connection->connection_after,
    };
    const char *wrong = answer->json == connection->json ? NULL : "the wrong type of answer";
    if (wrong == NULL) {
        wrong =
            load_answer_block(answer, connection->count, oracle_options(target->oracle)->increment,
                              &numbers.first, &numbers.last);
    }
    if (wrong != NULL) {
        fail(work, connection, wrong);
        return;
    }
    oracle_acknowledge(target->oracle, &numbers);
    struct load_progress *progress = progress_of(work, connection);
    progress->requests++;
    progress->numbers += connection->count;
    histogram_add(&progress->latency_ns, clock_elapsed(connection->sent, clock_now()));
    connection->phase = LOAD_PHASE_IDLE;
}

static void take_refusal(struct load_work *work, struct load_connection *connection)
{
    oracle_refuse(target_of(work, connection)->oracle, connection->count);
    work->asked[connection->target] -= connection->count;
    progress_of(work, connection)->refused++;
    connection->not_before = clock_after(clock_now(), BACK_OFF_NS);
    connection->phase = LOAD_PHASE_IDLE;
}

static void take_bytes(struct load_work *work, struct load_connection *connection)
{
    struct load_answer answer;
    switch (load_answer_read(connection->buffer, connection->length, &answer)) {
    case LOAD_ANSWER_PARTIAL:
        if (connection->length == LOAD_BUFFER_SIZE) {
            fail(work, connection, "an answer that does not end");
        }
        return;
    case LOAD_ANSWER_MALFORMED:
        fail(work, connection, "no HTTP answer");
        return;
    case LOAD_ANSWER_WHOLE:
        break;
    }
    if (connection->phase != LOAD_PHASE_WAITING) {
        fail(work, connection, "an answer that nobody asked for");
        return;
    }
    if (answer.status == 200) {
        take_numbers(work, connection, &answer);
    } else if (answer.status == 503 || answer.status == 409) {
        take_refusal(work, connection);
    } else {
        fail(work, connection, "an unexpected status");
        return;
    }
    if (answer.close) {
        load_connection_close(work, connection);
    }
}

static void receive_some(struct load_work *work, struct load_connection *connection)
{
    if (connection->phase == LOAD_PHASE_IDLE) {
        connection->length = 0;
    }
    ssize_t got = recv(connection->socket, connection->buffer + connection->length,
                       LOAD_BUFFER_SIZE - connection->length, 0);
    if (got > 0) {
        connection->length += (size_t)got;
        take_bytes(work, connection);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        load_connection_close(work, connection);
    }
}

void load_connection_serve(struct load_work *work, struct load_connection *connection)
{
    if (connection->phase == LOAD_PHASE_CONNECTING) {
        finish_connecting(work, connection);
    } else if (connection->phase != LOAD_PHASE_CLOSED) {
        receive_some(work, connection);
    }
}

int load_connection_press(struct load_work *work, struct load_connection *connection,
                          struct instant now)
{
    const struct load_target *target = target_of(work, connection);
    bool finished = target->numbers != 0 && work->asked[connection->target] >= target->numbers;
    if (work->port == 0 || work->state == LOAD_FAILED || finished) {
        return -1;
    }
    if (!clock_reached(connection->not_before, now)) {
        return 1;
    }
    if (connection->phase == LOAD_PHASE_CLOSED && work->state != LOAD_REFUSED) {
        open_connection(work, connection);
        return connection->phase == LOAD_PHASE_CLOSED ? 1 : -1;
    }
    if (connection->phase == LOAD_PHASE_IDLE) {
        send_request(work, connection);
        return connection->phase == LOAD_PHASE_CLOSED ? 0 : -1;
    }
    return -1;
}
