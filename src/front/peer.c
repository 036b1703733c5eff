#include "peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>

void peer_write(const struct sockaddr *address, char to[PEER_SIZE])
{
    bool six = address != NULL && address->sa_family == AF_INET6;
    socklen_t size = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];

    (void)snprintf(to, PEER_SIZE, "an unknown client");
    if (address != NULL && (six || address->sa_family == AF_INET) &&
        getnameinfo(address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        (void)snprintf(to, PEER_SIZE, "%s%.*s%s:%.8s", six ? "[" : "", PEER_SIZE - 16, host,
                       six ? "]" : "", port);
    }
}
