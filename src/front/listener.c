#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- where a socket listens ---- */

/* The path of a unix socket; '@' and the name of one that has no file. */
static void describe_unix(const struct sockaddr_un *bound, socklen_t size, struct place *place)
{
    size_t length = size > offsetof(struct sockaddr_un, sun_path)
                        ? size - offsetof(struct sockaddr_un, sun_path)
                        : 0;

    place->scheme = PLACE_UNIX;
    if (length > 0 && bound->sun_path[0] == '\0') {
        snprintf(place->address, sizeof place->address, "@%.*s", (int)length - 1,
                 bound->sun_path + 1);
    } else {
        snprintf(place->address, sizeof place->address, "%.*s", (int)length, bound->sun_path);
    }
}

/* What the kernel says that `fd` is bound to. False when that is nothing we can serve. */
static bool describe(int fd, struct place *ret_place)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage storage;
    } bound = {.storage = {0}};
    socklen_t size = sizeof bound;
    char port[8] = "";
    struct place place = {.scheme = PLACE_PLAIN};

    if (getsockname(fd, &bound.any, &size) != 0) {
        return false;
    }
    if (bound.any.sa_family == AF_UNIX) {
        describe_unix(&bound.local, size, &place);
    } else if ((bound.any.sa_family != AF_INET && bound.any.sa_family != AF_INET6) ||
               getnameinfo(&bound.any, size, place.address, sizeof place.address, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return false;
    } else {
        place.port = bound.any.sa_family == AF_INET6
                         ? ntohs(((struct sockaddr_in6 *)&bound)->sin6_port)
                         : ntohs(((struct sockaddr_in *)&bound)->sin_port);
        place.remote = access_peer_of(&bound.any) == ACCESS_PEER_REMOTE;
    }
    *ret_place = place;
    return true;
}

static enum error finish(int fd, struct listener *ret_listener, struct error_detail *detail)
{
    struct listener listener = {.fd = fd};

    if (!describe(fd, &listener.place)) {
        close(fd);
        return error_fail(detail, ERR_IO, "the kernel does not say where a socket listens");
    }
    *ret_listener = listener;
    return ERR_OK;
}

/* ---- TCP ---- */

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
    if (bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, LISTENER_BACKLOG) != 0) {
        return errno;
    }
    return 0;
}

enum error listener_open_tcp(const struct endpoint *endpoint, struct listener *ret_listener,
                             struct error_detail *detail)
{
    struct addrinfo *where = NULL;

    if (!endpoint_resolve(endpoint, &where)) {
        return error_fail(detail, ERR_INVALID, "'%s' is not a numeric IPv4 or IPv6 address",
                          endpoint->address);
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
        return explain(number, endpoint->address, endpoint->port, detail);
    }
    return finish(fd, ret_listener, detail);
}

/* ---- unix ---- */

/* Make way at `path`. A process that ended badly leaves its socket's file behind, and nobody
 * answers there any more. */
static enum error make_way(const struct sockaddr_un *where, struct error_detail *detail)
{
    const char *path = where->sun_path;
    struct stat status;

    if (lstat(path, &status) != 0) {
        return ERR_OK; /* nothing is there, or bind() will say what is wrong */
    }
    if (!S_ISSOCK(status.st_mode)) {
        return error_fail(detail, ERR_INVALID,
                          "'%s' is there and is no socket, so it is left alone: name another path",
                          path);
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool dead = probe >= 0 && connect(probe, (const struct sockaddr *)where, sizeof *where) != 0 &&
                errno == ECONNREFUSED;
    if (probe >= 0) {
        close(probe);
    }
    if (!dead) {
        return error_fail(detail, ERR_CONFLICT,
                          "somebody listens on '%s': stop what does (ss -lxp shows it) or name "
                          "another path",
                          path);
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_fail(detail, ERR_INVALID,
                          "'%s' was left by a dead process and cannot be "
                          "removed: %s",
                          path, strerror(errno));
    }
    return ERR_OK;
}

/* 0, or errno; `fd` is bound, and its file has its permissions before anybody can connect. */
static int bind_file(int fd, const struct sockaddr_un *where, unsigned mode,
                     struct stat *ret_status)
{
    if (bind(fd, (const struct sockaddr *)where, sizeof *where) != 0) {
        return errno;
    }
    if (chmod(where->sun_path, (mode_t)mode) != 0 || lstat(where->sun_path, ret_status) != 0 ||
        listen(fd, LISTENER_BACKLOG) != 0) {
        int number = errno;
        (void)unlink(where->sun_path); /* made a moment ago; what is told is the first failure */
        return number;
    }
    return 0;
}

enum error listener_open_unix(const char *path, unsigned mode, struct listener *ret_listener,
                              struct error_detail *detail)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    struct stat status = {0};

    if (strlen(path) >= sizeof where.sun_path) {
        return error_fail(detail, ERR_INVALID, "'%s' is too long for a socket, %zu bytes at most",
                          path, sizeof where.sun_path - 1);
    }
    memcpy(where.sun_path, path, strlen(path) + 1);
    enum error error = make_way(&where, detail);
    if (error != ERR_OK) {
        return error;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = fd < 0 ? errno : bind_file(fd, &where, mode, &status);
    if (number != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return error_fail(detail, number == EADDRINUSE ? ERR_CONFLICT : ERR_INVALID,
                          "cannot listen on '%s': %s", path, strerror(number));
    }
    error = finish(fd, ret_listener, detail);
    if (error == ERR_OK) {
        ret_listener->device = status.st_dev;
        ret_listener->inode = status.st_ino;
    }
    return error;
}

/* ---- inherited ---- */

static bool has_option(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

enum error listener_take(int fd, struct listener *ret_listener, struct error_detail *detail)
{
    struct listener listener = {.fd = fd, .inherited = true};
    int flags = fcntl(fd, F_GETFL);

    if (!has_option(fd, SO_TYPE, SOCK_STREAM) || !has_option(fd, SO_ACCEPTCONN, 1) ||
        !describe(fd, &listener.place)) {
        return error_fail(detail, ERR_INVALID,
                          "descriptor %d, which the service manager has passed, is no TCP or unix "
                          "socket that listens",
                          fd);
    }
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return error_fail(detail, ERR_IO, "descriptor %d: %s", fd, strerror(errno));
    }
    *ret_listener = listener;
    return ERR_OK;
}

void listener_close(struct listener *listener)
{
    struct stat status;

    if (listener->fd < 0) {
        return;
    }
    /* Not a file that somebody has put there since. */
    if (listener->inode != 0 && lstat(listener->place.address, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->inode) {
        (void)unlink(listener->place.address); /* left behind, it is replaced at the next start */
    }
    close(listener->fd);
    listener->fd = -1;
}

/* ---- what it is for ---- */

static bool speaks_tls(const struct place *place, enum place_tls tls)
{
    switch (tls) {
    case PLACE_TLS_REMOTE:
        return place->remote;
    case PLACE_TLS_ALL:
        return place->scheme != PLACE_UNIX;
    case PLACE_TLS_OFF:
        return false;
    }
    return false;
}

enum error listener_settle(struct listener *listener, enum place_tls tls,
                           const struct ground *ground, const char *front,
                           struct error_detail *detail)
{
    struct place *place = &listener->place;
    char text[PLACE_TEXT_SIZE];

    if (ground->tls != NULL && speaks_tls(place, tls)) {
        place->scheme = PLACE_TLS;
    }
    if (place->remote && !ground->remote_is_wanted) {
        place_format(place, text);
        return error_fail(
            detail, ERR_INVALID,
            "%s%s can be reached by other machines, and nobody there could do anything: "
            "name a token file (tokens), or say issue_without_token = everywhere",
            front, text);
    }
    return ERR_OK;
}
