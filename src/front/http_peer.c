#include "http_peer.h"

#include <stdio.h>
#include <sys/socket.h>

static void write_user(int fd, char to[PEER_SIZE])
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        (void)snprintf(to, PEER_SIZE, "user %u (process %d)", (unsigned)peer.uid, (int)peer.pid);
    }
}

void http_peer_write(struct MHD_Connection *connection, char to[PEER_SIZE])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    peer_write(NULL, to);
    if (info == NULL || info->client_addr == NULL) {
        return;
    }
    /* Taken out before anything else is asked: libmicrohttpd 1.0 answers every question in the same
     * place. */
    const struct sockaddr *address = info->client_addr;
    sa_family_t family = address->sa_family;
    if (family == AF_UNIX) {
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL) {
            write_user(info->connect_fd, to);
        }
        return;
    }
    peer_write(address, to);
}
