#include "address.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_SIZE 64

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum error take_socket(const char *path, struct address *address,
                              struct error_detail *detail)
{
    /* sun_path is that long; curl would say less clearly what is wrong. */
    size_t length = strlen(path);
    if (length == 0) {
        return error_fail(detail, ERR_INVALID, "the path of the socket is empty");
    }
    if (length > 107) {
        return error_fail(detail, ERR_INVALID, "the path of the socket has %zu bytes, 107 at most",
                          length);
    }
    memcpy(address->socket, path, length);
    (void)snprintf(address->url, sizeof address->url, "http://localhost");
    return ERR_OK;
}

static enum error take_url(const char *url, struct address *address, struct error_detail *detail)
{
    if (strncmp(url, "unix:", 5) == 0) {
        return take_socket(url + 5, address, detail);
    }
    size_t length = strlen(url);
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : NULL;
    if (host == NULL || host[0] == '\0' || strpbrk(url, " \t\r\n?#") != NULL) {
        return error_fail(detail, ERR_INVALID,
                          "the URL is '%s', it must be like http://127.0.0.1:8080, "
                          "https://HOST:PORT or unix:/PATH",
                          url);
    }
    while (url[length - 1] == '/') {
        length--;
    }
    if (length >= sizeof address->url) {
        return error_fail(detail, ERR_INVALID, "the URL has %zu bytes, %zu at most", length,
                          sizeof address->url - 1);
    }
    memcpy(address->url, url, length);
    return ERR_OK;
}

/* Something that we are not allowed to see counts as there: the error will tell by what group. */
static bool is_there(const char *path)
{
    struct stat status;
    return is_given(path) && (stat(path, &status) == 0 || errno == EACCES);
}

enum error address_choose(const struct address_sources *sources, struct address *ret_address,
                          struct error_detail *detail)
{
    struct address address = {.url = ""};
    enum error error = ERR_OK;
    if (is_given(sources->socket)) {
        error = take_socket(sources->socket, &address, detail);
    } else if (is_given(sources->url)) {
        error = take_url(sources->url, &address, detail);
    } else if (is_given(sources->environment)) {
        error = take_url(sources->environment, &address, detail);
        if (error != ERR_OK) {
            return error_wrap(detail, error, "$SEQD_URL");
        }
    } else if (is_there(sources->default_socket)) {
        error = take_socket(sources->default_socket, &address, detail);
    } else {
        error = take_url(ADDRESS_URL, &address, detail);
    }
    if (error == ERR_OK) {
        *ret_address = address;
    }
    return error;
}

const char *address_name(const struct address *address)
{
    return address->socket[0] != '\0' ? address->socket : address->url;
}

/* The group that may use the socket: that of the socket, or of its folder when that hides it. */
static void group_of(const char *path, char to[GROUP_SIZE])
{
    struct stat status;
    char folder[ADDRESS_SIZE];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    (void)snprintf(to, GROUP_SIZE, "that of the socket");
    if (stat(path, &status) == 0 || (slash != NULL && stat(folder, &status) == 0)) {
        const struct group *group = getgrgid(status.st_gid);
        if (group != NULL) {
            (void)snprintf(to, GROUP_SIZE, "%s", group->gr_name);
        } else {
            (void)snprintf(to, GROUP_SIZE, "%u", (unsigned)status.st_gid);
        }
    }
}

void address_explain(const struct address *address, int system_error, struct error_detail *detail)
{
    const char *name = address_name(address);
    char group[GROUP_SIZE];
    bool local = address->socket[0] != '\0';
    if (local && (system_error == EACCES || system_error == EPERM)) {
        group_of(address->socket, group);
        (void)error_fail(detail, ERR_UNAVAILABLE,
                         "you may not use the socket %s: its group is '%s'; run this by sudo, or "
                         "'sudo adduser $USER %s' and log in anew",
                         name, group, group);
        return;
    }
    (void)error_fail(detail, ERR_UNAVAILABLE,
                     "no server answers at %s%s%s; start one ('systemctl start seqd', or 'seqd -d "
                     "DIRECTORY'), or say where it is with -u URL or -s SOCKET",
                     name, system_error != 0 ? ": " : "",
                     system_error != 0 ? strerror(system_error) : "");
}
