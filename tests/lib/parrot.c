#include "parrot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEARD_SIZE ((size_t)1 << 16)
#define CLIENTS_MAX 16

struct parrot {
    int listener;
    int stop_fd;
    uint16_t port;
    const char *answer; /* the next, and those behind it; the thread's while it runs */
    pthread_t thread;
    char heard[HEARD_SIZE]; /* the thread's, until it was joined */
    size_t length;
    int kept[CLIENTS_MAX]; /* connections that wait for an answer that never comes */
    size_t kept_count;
};

static void die(const char *what)
{
    fprintf(stderr, "parrot: %s: %s\n", what, strerror(errno));
    abort();
}

/* Wait until there is something to read; false when it is time to stop. */
static bool wait_for(struct parrot *parrot, int fd)
{
    struct pollfd watched[] = {{.fd = fd, .events = POLLIN},
                               {.fd = parrot->stop_fd, .events = POLLIN}};
    while (poll(watched, 2, -1) < 0) {
        if (errno != EINTR) {
            die("poll");
        }
    }
    return (watched[1].revents & POLLIN) == 0;
}

/* Is what was heard since `start` one request with all of its body? */
static bool is_whole(const char *start)
{
    const char *end = strstr(start, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    const char *field = strcasestr(start, "\r\ncontent-length:");
    size_t body = field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0;
    return strlen(end + 4) >= body;
}

static void hear(struct parrot *parrot, int client)
{
    const char *start = parrot->heard + parrot->length;
    while (!is_whole(start) && wait_for(parrot, client)) {
        ssize_t got = recv(client, parrot->heard + parrot->length,
                           sizeof parrot->heard - parrot->length - 1, 0);
        if (got <= 0) {
            return;
        }
        parrot->length += (size_t)got;
        parrot->heard[parrot->length] = '\0';
    }
}

static void answer(struct parrot *parrot, int client)
{
    if (parrot->answer == NULL) {
        if (parrot->kept_count == CLIENTS_MAX) {
            die("too many clients");
        }
        parrot->kept[parrot->kept_count++] = client;
        return;
    }
    size_t length = strcspn(parrot->answer, PARROT_THEN);
    for (size_t sent = 0; sent < length;) {
        ssize_t written = send(client, parrot->answer + sent, length - sent, MSG_NOSIGNAL);
        if (written <= 0) {
            break; /* the client has heard enough */
        }
        sent += (size_t)written;
    }
    parrot->answer += parrot->answer[length] != '\0' ? length + 1 : 0;
    (void)shutdown(client, SHUT_WR); /* it may be gone */
    close(client);
}

static void *serve(void *context)
{
    struct parrot *parrot = context;
    while (wait_for(parrot, parrot->listener)) {
        int client = accept4(parrot->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) {
            continue;
        }
        hear(parrot, client);
        answer(parrot, client);
    }
    return NULL;
}

static void listen_on_socket(struct parrot *parrot, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    parrot->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (parrot->listener < 0 ||
        bind(parrot->listener, (const struct sockaddr *)&address, sizeof address) != 0) {
        die(path);
    }
}

static void listen_on_port(struct parrot *parrot)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    parrot->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (parrot->listener < 0 ||
        bind(parrot->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(parrot->listener, (struct sockaddr *)&address, &length) != 0) {
        die("no port");
    }
    parrot->port = ntohs(address.sin_port);
}

struct parrot *parrot_start(const char *path, const char *text)
{
    struct parrot *parrot = calloc(1, sizeof *parrot);
    if (parrot == NULL) {
        die("no memory");
    }
    parrot->answer = text;
    parrot->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (path != NULL) {
        listen_on_socket(parrot, path);
    } else {
        listen_on_port(parrot);
    }
    if (parrot->stop_fd < 0 || listen(parrot->listener, CLIENTS_MAX) != 0 ||
        pthread_create(&parrot->thread, NULL, serve, parrot) != 0) {
        die("cannot start");
    }
    return parrot;
}

uint16_t parrot_port(const struct parrot *parrot)
{
    return parrot->port;
}

char *parrot_stop(struct parrot *parrot)
{
    if (eventfd_write(parrot->stop_fd, 1) != 0 || pthread_join(parrot->thread, NULL) != 0) {
        die("cannot stop");
    }
    for (size_t i = 0; i < parrot->kept_count; i++) {
        close(parrot->kept[i]);
    }
    close(parrot->listener);
    close(parrot->stop_fd);
    char *heard = strdup(parrot->heard);
    if (heard == NULL) {
        die("no memory");
    }
    free(parrot);
    return heard;
}
