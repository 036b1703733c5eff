#include "liar.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 128
#define REQUEST_SIZE 1024
#define ANSWER_SIZE 16384
#define HEAD_SIZE 256

struct client {
    size_t length;
    char request[REQUEST_SIZE];
};

struct liar {
    struct liar_options options;
    pthread_t thread;
    int bell; /* an eventfd: die */
    uint16_t port;

    /* The thread's own; the caller's once it was joined. */
    struct pollfd polls[2 + CLIENTS_MAX]; /* the bell, the listener, then the clients */
    struct client clients[CLIENTS_MAX];
    size_t client_count;
    int64_t next;
    int64_t held;     /* a number kept back; 0 is none */
    uint64_t held_at; /* `requests` then */
    uint64_t requests;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static bool send_all(int socket, const char *bytes, size_t length)
{
    return send(socket, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* The first number of an answer, bent by the fault. */
static int64_t choose_first(struct liar *liar, uint64_t count, bool wrong)
{
    if (wrong && liar->options.fault == LIAR_REPEATS && liar->next > liar->options.first) {
        return liar->next - 1;
    }
    if (wrong && liar->options.fault == LIAR_SKIPS) {
        liar->next++;
    }
    if (wrong && liar->options.fault == LIAR_HOLDS) {
        liar->held = liar->next++;
        liar->held_at = liar->requests;
    } else if (liar->held != 0 && count == 1 && liar->requests - liar->held_at > LIAR_HOLD) {
        int64_t held = liar->held;
        liar->held = 0;
        return held;
    }
    int64_t first = liar->next;
    liar->next += (int64_t)count;
    return first;
}

static size_t write_body(int64_t first, uint64_t count, int64_t step, bool json,
                         char to[ANSWER_SIZE])
{
    if (json) {
        return (size_t)snprintf(to, ANSWER_SIZE,
                                "{\"first\":\"%" PRId64 "\",\"last\":\"%" PRId64
                                "\",\"count\":%" PRIu64 ",\"increment\":\"1\"}",
                                first, first + ((int64_t)count - 1) * step, count);
    }
    size_t length = 0;
    for (uint64_t i = 0; i < count; i++) {
        length += (size_t)snprintf(to + length, ANSWER_SIZE - length, "%" PRId64 "\n",
                                   first + (int64_t)i * step);
    }
    return length;
}

/* Answer one whole request. False: close the connection. */
static bool answer(struct liar *liar, int socket, const char *request)
{
    enum liar_fault fault = liar->options.fault;
    bool wrong = fault != LIAR_NONE && ++liar->requests % liar->options.every == 0;
    const char *query = strstr(request, "?count=");
    uint64_t count = query == NULL ? 1 : strtoull(query + strlen("?count="), NULL, 10);
    bool json = strstr(request, "Accept: application/json") != NULL;

    if (wrong && fault == LIAR_FALLS_SILENT) {
        return true;
    }
    if (wrong && fault == LIAR_REFUSES) {
        static const char refusal[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
        return send_all(socket, refusal, strlen(refusal));
    }
    if (wrong && fault == LIAR_STAMMERS) {
        return send_all(socket, "um, er\r\n\r\n", 10);
    }
    int64_t first = choose_first(liar, count, wrong);
    uint64_t given = wrong && fault == LIAR_SHORTENS && count > 1 ? count - 1 : count;
    if (wrong && fault == LIAR_HANGS_UP) {
        return false;
    }
    int64_t step = wrong && fault == LIAR_SPREADS ? 2 : 1;
    liar->next += wrong && fault == LIAR_SPREADS ? (int64_t)count : 0;
    char body[ANSWER_SIZE];
    size_t body_length = write_body(first, given, step, json, body);
    char all[HEAD_SIZE + ANSWER_SIZE];
    int head_length = snprintf(all, HEAD_SIZE,
                               "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                               json ? "application/json" : "text/plain", body_length);
    memcpy(all + head_length, body, body_length);
    if (wrong && fault == LIAR_CUTS) {
        (void)send_all(socket, all, (size_t)head_length + body_length / 2);
        return false;
    }
    return send_all(socket, all, (size_t)head_length + body_length);
}

/* Read what came, and answer it when it is a whole request. False: close the connection. */
static bool serve(struct liar *liar, size_t index)
{
    struct client *client = &liar->clients[index];
    int socket = liar->polls[2 + index].fd;
    ssize_t got = recv(socket, client->request + client->length,
                       sizeof(client->request) - 1 - client->length, 0);
    if (got <= 0) {
        return false;
    }
    client->length += (size_t)got;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") == NULL) {
        return client->length < sizeof(client->request) - 1;
    }
    client->length = 0;
    return answer(liar, socket, client->request);
}

static void admit(struct liar *liar)
{
    int socket = accept4(liar->polls[1].fd, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0 || liar->client_count == CLIENTS_MAX) {
        die("liar: accept");
    }
    liar->clients[liar->client_count].length = 0;
    liar->polls[2 + liar->client_count++] = (struct pollfd){.fd = socket, .events = POLLIN};
}

static void dismiss(struct liar *liar, size_t index)
{
    (void)close(liar->polls[2 + index].fd);
    size_t last = --liar->client_count;
    liar->polls[2 + index] = liar->polls[2 + last];
    liar->clients[index] = liar->clients[last];
}

static void *run(void *context)
{
    struct liar *liar = context;
    while (poll(liar->polls, 2 + liar->client_count, -1) >= 0 && liar->polls[0].revents == 0) {
        /* Downwards, because the last takes the place of one that goes. */
        for (size_t i = liar->client_count; i > 0; i--) {
            if (liar->polls[1 + i].revents != 0 && !serve(liar, i - 1)) {
                dismiss(liar, i - 1);
            }
        }
        if (liar->polls[1].revents != 0) {
            admit(liar);
        }
    }
    while (liar->client_count > 0) {
        dismiss(liar, liar->client_count - 1);
    }
    (void)close(liar->polls[1].fd);
    return NULL;
}

struct liar *liar_start(const struct liar_options *options)
{
    struct liar *liar = calloc(1, sizeof(*liar));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (liar == NULL || listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, CLIENTS_MAX) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        die("liar: listen");
    }
    liar->options = *options;
    liar->next = options->first;
    liar->port = ntohs(address.sin_port);
    liar->bell = eventfd(0, EFD_CLOEXEC);
    liar->polls[0] = (struct pollfd){.fd = liar->bell, .events = POLLIN};
    liar->polls[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    if (liar->bell < 0 || pthread_create(&liar->thread, NULL, run, liar) != 0) {
        die("liar: thread");
    }
    return liar;
}

uint16_t liar_port(const struct liar *liar)
{
    return liar->port;
}

int64_t liar_kill(struct liar *liar)
{
    uint64_t one = 1;
    if (write(liar->bell, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        die("liar: eventfd");
    }
    (void)pthread_join(liar->thread, NULL);
    int64_t next = liar->next;
    (void)close(liar->bell);
    free(liar);
    return next;
}
