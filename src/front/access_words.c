#include "front/access.h"

#include <netinet/in.h>
#include <string.h>

static enum access_peer peer_of_ipv4(uint32_t address)
{
    return address >> 24 == IN_LOOPBACKNET ? ACCESS_PEER_LOOPBACK : ACCESS_PEER_REMOTE;
}

enum access_peer access_peer_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_UNIX) {
        return ACCESS_PEER_UNIX;
    }
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4); /* whatever the alignment */
        return peer_of_ipv4(ntohl(ipv4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
            uint32_t mapped;
            memcpy(&mapped, &ipv6.sin6_addr.s6_addr[12], sizeof mapped);
            return peer_of_ipv4(ntohl(mapped));
        }
        return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) ? ACCESS_PEER_LOOPBACK : ACCESS_PEER_REMOTE;
    }
    return ACCESS_PEER_REMOTE;
}

const char *access_scope_name(enum access_scope scope)
{
    switch (scope) {
    case ACCESS_PUBLIC:
        return "public";
    case ACCESS_ISSUE:
        return "issue";
    case ACCESS_READ:
        return "read";
    case ACCESS_ADMIN:
        return "admin";
    }
    return "unknown";
}
