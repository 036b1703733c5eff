#include "http_peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

static void write_user(int fd, char to[HTTP_PEER_SIZE])
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        (void)snprintf(to, HTTP_PEER_SIZE, "user %u (process %d)", (unsigned)peer.uid,
                       (int)peer.pid);
    }
}

void http_peer_write(struct MHD_Connection *connection, char to[HTTP_PEER_SIZE])
{
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    (void)snprintf(to, HTTP_PEER_SIZE, "an unknown client");
    if (address == NULL || address->client_addr == NULL || fd == NULL) {
        return;
    }
    sa_family_t family = address->client_addr->sa_family;
    if (family == AF_UNIX) {
        write_user(fd->connect_fd, to);
        return;
    }
    socklen_t size = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(address->client_addr, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool six = family == AF_INET6;
        (void)snprintf(to, HTTP_PEER_SIZE, "%s%.*s%s:%.8s", six ? "[" : "", HTTP_PEER_SIZE - 16,
                       host, six ? "]" : "", port);
    }
}
