#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct http_client {
    int fd;
    bool ended;   /* the server closed or reset */
    char *unread; /* with room for a NUL behind `length` */
    size_t length;
    size_t room;
};

__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("http_client: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

static void *take_memory(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (memory == NULL) {
        give_up("out of memory");
    }
    return memory;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for `events` until `deadline`; true when there is something to do. */
static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd poller = {.fd = fd, .events = events};
        int ready = poll(&poller, 1, left > 0 ? (int)left : 0);

        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

static bool finish_connecting(int fd, int64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;

    return wait_for(fd, POLLOUT, deadline) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

struct http_client *http_client_adopt(int fd)
{
    struct http_client *client = take_memory(NULL, sizeof *client);

    *client = (struct http_client){.fd = fd};
    return client;
}

struct http_client *http_client_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof address.sun_path) {
        give_up("no unix socket for '%s': %s", path, strerror(errno));
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return NULL;
    }
    return http_client_adopt(fd);
}

struct http_client *http_client_try(uint16_t port, unsigned timeout_ms)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        give_up("no socket: %s", strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 &&
        (errno != EINPROGRESS || !finish_connecting(fd, now_ms() + timeout_ms))) {
        close(fd);
        return NULL;
    }
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        give_up("TCP_NODELAY: %s", strerror(errno));
    }
    return http_client_adopt(fd);
}

struct http_client *http_client_open(uint16_t port)
{
    struct http_client *client = http_client_try(port, HTTP_CLIENT_TIMEOUT_MS);

    if (client == NULL) {
        give_up("cannot connect to 127.0.0.1:%u", (unsigned)port);
    }
    return client;
}

void http_client_close(struct http_client *client)
{
    if (client != NULL) {
        close(client->fd);
        free(client->unread);
        free(client);
    }
}

int http_client_socket(const struct http_client *client)
{
    return client->fd;
}

bool http_client_send(struct http_client *client, const void *bytes, size_t length)
{
    int64_t deadline = now_ms() + HTTP_CLIENT_TIMEOUT_MS;
    const char *next = bytes;

    while (length > 0) {
        ssize_t sent = send(client->fd, next, length, MSG_NOSIGNAL);

        if (sent >= 0) {
            next += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(client->fd, POLLOUT, deadline)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool http_client_print(struct http_client *client, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        give_up("out of memory");
    }
    bool sent = http_client_send(client, text, (size_t)length);
    free(text);
    return sent;
}

void http_client_shut(struct http_client *client)
{
    (void)shutdown(client->fd, SHUT_WR); /* a server that has gone already is as good */
}

/* Read more bytes until `deadline`. False when there are none: the time is over, or `ended`. */
static bool read_more(struct http_client *client, int64_t deadline)
{
    if (client->room - client->length < 4096) {
        client->room = client->room * 2 + 8192;
        client->unread = take_memory(client->unread, client->room + 1);
    }
    while (!client->ended) {
        ssize_t got =
            recv(client->fd, client->unread + client->length, client->room - client->length, 0);

        if (got > 0) {
            client->length += (size_t)got;
            client->unread[client->length] = '\0';
            return true;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            client->ended = true;
        } else if (errno != EINTR && !wait_for(client->fd, POLLIN, deadline)) {
            return false;
        }
    }
    return false;
}

/* Drop the first `length` bytes: they were read. */
static void consume(struct http_client *client, size_t length)
{
    client->length -= length;
    memmove(client->unread, client->unread + length, client->length);
    client->unread[client->length] = '\0';
}

/* How an answer's body ends. */
enum ending {
    ENDING_LENGTH,
    ENDING_CHUNKS,
    ENDING_CLOSE
};

/* Find a whole chunked body in the unread bytes from `from` on. Returns the bytes it takes, 0 when
 * some are missing, SIZE_MAX when it is malformed. Decodes into `answer` when that is given. */
static size_t read_chunks(const struct http_client *client, size_t from, struct http_answer *answer)
{
    size_t at = from;

    for (;;) {
        const char *end = memmem(client->unread + at, client->length - at, "\r\n", 2);
        char *digits_end = NULL;

        if (end == NULL) {
            return 0;
        }
        errno = 0;
        unsigned long long size = strtoull(client->unread + at, &digits_end, 16);
        if (errno != 0 || digits_end == client->unread + at || digits_end != end) {
            return SIZE_MAX;
        }
        at = (size_t)(end - client->unread) + 2;
        if (size > client->length - at || client->length - at - size < 2) {
            return 0;
        }
        if (memcmp(client->unread + at + size, "\r\n", 2) != 0) {
            return SIZE_MAX;
        }
        if (answer != NULL) {
            memcpy(answer->body + answer->body_length, client->unread + at, (size_t)size);
            answer->body_length += (size_t)size;
        }
        at += (size_t)size + 2;
        if (size == 0) {
            return at - from;
        }
    }
}

/* The head of an answer, parsed: how long it is and how the body ends. */
struct shape {
    size_t head_length;
    enum ending ending;
    unsigned long long body_length; /* ENDING_LENGTH */
};

static bool parse_head(struct http_answer *answer, bool bodyless, struct shape *shape)
{
    char value[64];
    char *end = NULL;

    if (strncmp(answer->head, "HTTP/1.", 7) != 0 || strlen(answer->head) < 14 ||
        answer->head[8] != ' ') {
        return false;
    }
    long status = strtol(answer->head + 9, &end, 10);
    if (end != answer->head + 12 || status < 100 || status > 599) {
        return false;
    }
    answer->status = (int)status;
    shape->ending = ENDING_CLOSE;
    if (http_answer_header(answer, "Transfer-Encoding", value, sizeof value)) {
        answer->chunked = strcasecmp(value, "chunked") == 0;
        shape->ending = ENDING_CHUNKS;
    }
    if (http_answer_header(answer, "Content-Length", value, sizeof value)) {
        errno = 0;
        shape->body_length = strtoull(value, &end, 10);
        if (answer->chunked || errno != 0 || end == value || *end != '\0' ||
            http_answer_count(answer, "Content-Length") != 1) {
            return false;
        }
        shape->ending = ENDING_LENGTH;
    }
    if (bodyless || status == 204 || status == 304 || status < 200) {
        shape->ending = ENDING_LENGTH;
        shape->body_length = 0;
    }
    return true;
}

/* The body, when it is whole. *ret_taken: the bytes it takes; SIZE_MAX when it is malformed. */
static bool take_body(struct http_client *client, const struct shape *shape,
                      struct http_answer *answer, size_t *ret_taken)
{
    size_t there = client->length - shape->head_length;
    size_t taken = 0;

    switch (shape->ending) {
    case ENDING_LENGTH:
        if (there < shape->body_length) {
            return false;
        }
        taken = (size_t)shape->body_length;
        break;
    case ENDING_CHUNKS:
        taken = read_chunks(client, shape->head_length, NULL);
        if (taken == 0 || taken == SIZE_MAX) {
            *ret_taken = taken;
            return taken != 0;
        }
        break;
    case ENDING_CLOSE:
        if (!client->ended) {
            return false;
        }
        taken = there;
        break;
    }
    answer->body = take_memory(NULL, taken + 1);
    if (shape->ending == ENDING_CHUNKS) {
        (void)read_chunks(client, shape->head_length, answer); /* it was whole a moment ago */
    } else {
        memcpy(answer->body, client->unread + shape->head_length, taken);
        answer->body_length = taken;
    }
    answer->body[answer->body_length] = '\0';
    *ret_taken = taken;
    return true;
}

/* Wait until the unread bytes hold a whole head. */
static enum http_client_result read_head(struct http_client *client, int64_t deadline,
                                         size_t *ret_length)
{
    for (;;) {
        const char *end =
            client->length == 0 ? NULL : memmem(client->unread, client->length, "\r\n\r\n", 4);

        if (end != NULL) {
            *ret_length = (size_t)(end - client->unread) + 4;
            return HTTP_CLIENT_ANSWERED;
        }
        if (!read_more(client, deadline)) {
            return client->ended ? HTTP_CLIENT_CLOSED : HTTP_CLIENT_SILENT;
        }
    }
}

enum http_client_result http_client_receive(struct http_client *client, unsigned timeout_ms,
                                            bool bodyless, struct http_answer *ret_answer)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct http_answer answer = {0};
    struct shape shape = {0};
    size_t taken = 0;
    enum http_client_result result = read_head(client, deadline, &shape.head_length);

    if (result != HTTP_CLIENT_ANSWERED) {
        return result;
    }
    answer.head = take_memory(NULL, shape.head_length - 1);
    memcpy(answer.head, client->unread, shape.head_length - 2);
    answer.head[shape.head_length - 2] = '\0';
    if (!parse_head(&answer, bodyless, &shape)) {
        http_answer_free(&answer);
        return HTTP_CLIENT_MALFORMED;
    }
    while (!take_body(client, &shape, &answer, &taken)) {
        if (!read_more(client, deadline) && !(client->ended && shape.ending == ENDING_CLOSE)) {
            http_answer_free(&answer);
            return client->ended ? HTTP_CLIENT_CLOSED : HTTP_CLIENT_SILENT;
        }
    }
    if (taken == SIZE_MAX) {
        http_answer_free(&answer);
        return HTTP_CLIENT_MALFORMED;
    }
    consume(client, shape.head_length + taken);
    *ret_answer = answer;
    return HTTP_CLIENT_ANSWERED;
}

bool http_client_closed(struct http_client *client, unsigned timeout_ms)
{
    return client->length == 0 && !read_more(client, now_ms() + timeout_ms) && client->ended;
}

static const char *bearer; /* what http_client_authorize() was given */

void http_client_authorize(const char *token)
{
    bearer = token;
}

struct http_answer http_client_ask(struct http_client *client, const char *method,
                                   const char *target, const char *headers)
{
    struct http_answer answer;

    if (!http_client_print(client, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s%s\r\n", method,
                           target, bearer != NULL ? "Authorization: Bearer " : "",
                           bearer != NULL ? bearer : "", bearer != NULL ? "\r\n" : "", headers)) {
        give_up("%s %s: the server closed before it read the request", method, target);
    }
    enum http_client_result result =
        http_client_receive(client, HTTP_CLIENT_TIMEOUT_MS, strcmp(method, "HEAD") == 0, &answer);
    if (result != HTTP_CLIENT_ANSWERED) {
        give_up("%s %s: %s", method, target,
                result == HTTP_CLIENT_CLOSED   ? "the server closed without an answer"
                : result == HTTP_CLIENT_SILENT ? "no answer within 10 s"
                                               : "the answer is not HTTP");
    }
    return answer;
}

struct http_answer http_ask(uint16_t port, const char *method, const char *target,
                            const char *headers)
{
    struct http_client *client = http_client_open(port);
    struct http_answer answer = http_client_ask(client, method, target, headers);

    http_client_close(client);
    return answer;
}

struct http_answer http_ask_json(uint16_t port, const char *method, const char *target,
                                 const char *body)
{
    struct http_client *client = http_client_open(port);
    struct http_answer answer;
    char *headers = NULL;

    if (asprintf(&headers, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body) < 0) {
        give_up("out of memory");
    }
    answer = http_client_ask(client, method, target, headers); /* and a line end too many */
    free(headers);
    http_client_close(client);
    return answer;
}
