#include "http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel's refusal means for the person who wrote the address. */
static enum error explain(int number, const char *address, unsigned port,
                          struct error_detail *detail)
{
    switch (number) {
    case EADDRINUSE:
        return error_fail(detail, ERR_CONFLICT,
                          "port %u on '%s' is in use: stop what listens there (ss -ltnp shows it) "
                          "or choose another port",
                          port, address);
    case EADDRNOTAVAIL:
        return error_fail(detail, ERR_INVALID, "'%s' is not an address of this machine", address);
    case EACCES:
        return error_fail(detail, ERR_INVALID,
                          "port %u on '%s' is not permitted: ports below 1024 need "
                          "CAP_NET_BIND_SERVICE",
                          port, address);
    case EAFNOSUPPORT:
        return error_fail(detail, ERR_INVALID,
                          "'%s' is of an address family that this machine does not speak", address);
    default:
        return error_fail(detail, ERR_IO, "cannot listen on '%s' port %u: %s", address, port,
                          strerror(number));
    }
}

/* The port that the kernel chose, where it had the choice. */
static uint16_t port_of(int fd, uint16_t wanted)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;

    if (wanted != 0 || getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        return wanted;
    }
    return bound.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&bound)->sin6_port)
                                       : ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

/* 0, or errno; `fd` is bound and listens. */
static int bind_and_listen(int fd, const struct addrinfo *where)
{
    int one = 1;
    int zero = 0;

    /* A port that an earlier life of ours has left in TIME_WAIT is free. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0) {
        return errno;
    }
    /* "::" takes IPv4, too, whatever the system's default. */
    if (where->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero) != 0) {
        return errno;
    }
    if (bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, HTTP_BACKLOG) != 0) {
        return errno;
    }
    return 0;
}

/* Four numbers with dots, nothing else; or IPv6, perhaps with a scope. getaddrinfo() alone would
 * also take "127.1" and " 127.0.0.1 rubbish". */
static bool resolve(const char *address, uint16_t port, struct addrinfo **ret_where)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct in_addr ipv4;
    char digits[8];

    if (strchr(address, ':') == NULL && inet_pton(AF_INET, address, &ipv4) != 1) {
        return false;
    }
    snprintf(digits, sizeof digits, "%u", (unsigned)port);
    return getaddrinfo(address, digits, &hints, ret_where) == 0;
}

enum error http_listen(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port,
                       struct error_detail *detail)
{
    struct addrinfo *where = NULL;

    if (!resolve(address, port, &where)) {
        return error_fail(detail, ERR_INVALID, "'%s' is not a numeric IPv4 or IPv6 address",
                          address);
    }
    int number = 0;
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        number = errno;
    } else {
        number = bind_and_listen(fd, where);
    }
    freeaddrinfo(where);
    if (number != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return explain(number, address, port, detail);
    }
    *ret_fd = fd;
    *ret_port = port_of(fd, port);
    return ERR_OK;
}
