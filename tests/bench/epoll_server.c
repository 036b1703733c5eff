/* epoll_server: the least an HTTP/1.1 server can do for the same bytes as seqd's: one thread, one
 * epoll set, no routing and no lookup of headers. What seqd costs above this is what seqd and
 * libmicrohttpd do.
 *
 *   epoll_server PORT [HEADER...]    answers every request with the next number of a counter
 *
 * Each HEADER ('Cache-Control: no-store') is put into every answer, beside Date and Content-Length.
 * Listens on 127.0.0.1; knows no bodies and no HTTP/1.0; ends by SIGTERM. */
#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 128
#define REQUEST_MAX_BYTES 4096
#define HEADERS_MAX_BYTES 1024

struct connection {
    int fd;
    size_t used;
    char bytes[REQUEST_MAX_BYTES];
};

struct server {
    int epoll;
    int listener;
    uint64_t last;
    time_t date_of; /* the second that `date` stands for */
    char date[64];
    char headers[HEADERS_MAX_BYTES];
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(const struct server *server, int fd, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void listen_on(struct server *server, uint16_t port)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->epoll < 0 || server->listener < 0 ||
        setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, SOMAXCONN) != 0) {
        die("listen");
    }
    watch(server, server->listener, NULL);
}

static void accept_one(const struct server *server)
{
    int on = 1;
    int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return; /* the client has gone, or there is no descriptor left: the others are served on */
    }
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        die("accept");
    }
    connection->fd = fd;
    connection->used = 0;
    watch(server, fd, connection);
}

static const char *date_now(struct server *server)
{
    time_t now = time(NULL);
    if (now != server->date_of) {
        struct tm utc;
        (void)gmtime_r(&now, &utc);
        (void)strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        server->date_of = now;
    }
    return server->date;
}

/* Whether the whole answer went out. */
static bool answer(struct server *server, int fd)
{
    char body[TEXT_INT64_SIZE + 1];
    size_t body_length = text_format_int64(body, (int64_t)++server->last);
    body[body_length++] = '\n';
    char bytes[HEADERS_MAX_BYTES + 256];
    int length = snprintf(bytes, sizeof bytes,
                          "HTTP/1.1 200 OK\r\nDate: %s\r\n%sContent-Length: %zu\r\n\r\n%.*s",
                          date_now(server), server->headers, body_length, (int)body_length, body);
    return send(fd, bytes, (size_t)length, MSG_NOSIGNAL) == length;
}

/* Read what has come and answer each whole request in it. False at the end of the connection. */
static bool serve(struct server *server, struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->bytes + connection->used,
                       sizeof connection->bytes - connection->used, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    connection->used += (size_t)got;
    const char *from = connection->bytes;
    const char *to = connection->bytes + connection->used;
    const char *end;
    while ((end = memmem(from, (size_t)(to - from), "\r\n\r\n", 4)) != NULL) {
        from = end + 4;
        if (!answer(server, connection->fd)) {
            return false;
        }
    }
    connection->used = (size_t)(to - from);
    memmove(connection->bytes, from, connection->used);
    return connection->used < sizeof connection->bytes;
}

static void run(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                accept_one(server);
            } else if (!serve(server, connection)) {
                (void)close(connection->fd);
                free(connection);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static struct server server;
    uint64_t port;
    size_t used = 0;
    if (argc < 2 || text_parse_uint64(argv[1], UINT16_MAX, &port) != ERR_OK) {
        (void)fprintf(stderr, "usage: epoll_server PORT [HEADER...]\n");
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++) {
        size_t room = sizeof server.headers - used;
        int length = snprintf(server.headers + used, room, "%s\r\n", argv[i]);
        if (length < 0 || (size_t)length >= room) {
            (void)fprintf(stderr, "epoll_server: more than %d bytes of headers\n",
                          HEADERS_MAX_BYTES);
            return EXIT_FAILURE;
        }
        used += (size_t)length;
    }
    listen_on(&server, (uint16_t)port);
    run(&server);
}
