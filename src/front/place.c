#include "front/place.h"

#include "front/access.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

bool endpoint_resolve(const struct endpoint *endpoint, struct addrinfo **ret_where)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct in_addr ipv4;
    char digits[8];

    /* getaddrinfo() alone would also take "127.1" and " 127.0.0.1 rubbish". */
    if (strchr(endpoint->address, ':') == NULL &&
        inet_pton(AF_INET, endpoint->address, &ipv4) != 1) {
        return false;
    }
    snprintf(digits, sizeof digits, "%u", (unsigned)endpoint->port);
    return getaddrinfo(endpoint->address, digits, &hints, ret_where) == 0;
}

bool endpoint_is_remote(const struct endpoint *endpoint)
{
    struct addrinfo *where = NULL;

    if (!endpoint_resolve(endpoint, &where)) {
        return false;
    }
    bool remote = access_peer_of(where->ai_addr) == ACCESS_PEER_REMOTE;
    freeaddrinfo(where);
    return remote;
}

void place_format(const struct place *place, char to[PLACE_TEXT_SIZE])
{
    bool six = strchr(place->address, ':') != NULL;

    if (place->scheme == PLACE_UNIX) {
        (void)snprintf(to, PLACE_TEXT_SIZE, "unix:%s", place->address); /* it fits */
        return;
    }
    (void)snprintf(to, PLACE_TEXT_SIZE, "%s://%s%s%s:%u", /* it fits */
                   place->scheme == PLACE_TLS ? "https" : "http", six ? "[" : "", place->address,
                   six ? "]" : "", (unsigned)place->port);
}
