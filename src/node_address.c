#include "node_address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIX "ip"

static_assert(sizeof PREFIX + IFNAMSIZ <= NODE_ADDRESS_SOURCE_SIZE, "'ip:' and a name fit");

/* The interface in "ip:INTERFACE", or NULL. */
static const char *interface_of(const char *source)
{
    return source[sizeof PREFIX - 1] == ':' ? source + sizeof PREFIX : NULL;
}

bool node_address_is_source(const char *text)
{
    size_t prefix = sizeof PREFIX - 1;
    if (strncmp(text, PREFIX, prefix) != 0 || (text[prefix] != '\0' && text[prefix] != ':')) {
        return false;
    }
    const char *name = interface_of(text);
    return name == NULL ||
           (name[0] != '\0' && strlen(name) < IFNAMSIZ && strcspn(name, "/ \t") == strlen(name));
}

/* Networks whose addresses do not tell hosts apart. */
static const char *fault_of(uint32_t address)
{
    static const struct {
        uint32_t network;
        uint32_t mask;
        const char *what;
    } networks[] = {
        {0x00000000, 0xFF000000, "no host's"},
        {0x7F000000, 0xFF000000, "a loopback address"},
        {0x64400000, 0xFFC00000, "shared by a carrier's customers (100.64.0.0/10)"},
        {0xA9FE0000, 0xFFFF0000, "a link-local address (169.254.0.0/16)"},
        {0xE0000000, 0xE0000000, "no host's"},
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        if ((address & networks[i].mask) == networks[i].network) {
            return networks[i].what;
        }
    }
    return NULL;
}

static void write_address(char to[INET_ADDRSTRLEN], uint32_t address)
{
    struct in_addr binary = {.s_addr = htonl(address)};
    (void)inet_ntop(AF_INET, &binary, to, INET_ADDRSTRLEN); /* the buffer is large enough */
}

enum error node_address_choose(uint32_t address, uint32_t mask, unsigned bits, uint32_t *ret_id,
                               struct error_detail *detail)
{
    char text[INET_ADDRSTRLEN];
    uint32_t low = (UINT32_C(1) << bits) - 1;
    const char *fault = fault_of(address);
    write_address(text, address);
    assert(bits < 32);
    if (fault != NULL) {
        return error_fail(detail, ERR_INVALID, "%s is %s, and tells no two nodes apart", text,
                          fault);
    }
    if ((~mask & ~low) != 0) {
        return error_fail(detail, ERR_INVALID,
                          "the network of %s has room for more hosts than %u bits can tell apart: "
                          "give the id as a number, or more bits",
                          text, bits);
    }
    *ret_id = address & low;
    return ERR_OK;
}

/* The address from which a packet to the world outside would go. None is sent: 192.0.2.1 is kept
 * for documents (RFC 5737), and connecting a datagram socket only looks at the routes. */
static enum error route_source(uint32_t *ret_address, struct error_detail *detail)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t length = sizeof here;
    there.sin_addr.s_addr = htonl(0xC0000201);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_fail(detail, ERR_IO, "no socket to look at the routes: %s", strerror(errno));
    }
    enum error error = ERR_OK;
    if (connect(fd, (struct sockaddr *)&there, sizeof there) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &length) != 0) {
        error =
            error_fail(detail, ERR_NOT_FOUND,
                       "no way leads out of this machine (%s), so it has no address of its own: "
                       "name an interface, as ip:eth0, or a number",
                       strerror(errno));
    }
    close(fd);
    *ret_address = ntohl(here.sin_addr.s_addr);
    return error;
}

static uint32_t address_in(const struct sockaddr *address)
{
    struct sockaddr_in copy;
    memcpy(&copy, address, sizeof copy);
    return ntohl(copy.sin_addr.s_addr);
}

/* The first IPv4 address in the list that is of the interface `name`, or, where that is NULL, equal
 * to `address`. */
static const struct ifaddrs *find_entry(const struct ifaddrs *list, const char *name,
                                        uint32_t address)
{
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr == NULL || entry->ifa_netmask == NULL ||
            entry->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        if (name != NULL ? strcmp(entry->ifa_name, name) == 0
                         : address_in(entry->ifa_addr) == address) {
            return entry;
        }
    }
    return NULL;
}

enum error node_address_find(const char *source, unsigned bits, uint32_t *ret_id,
                             char ret_text[NODE_ADDRESS_TEXT_SIZE], struct error_detail *detail)
{
    struct ifaddrs *list = NULL;
    const char *name = interface_of(source);
    uint32_t address = 0;
    enum error error = name == NULL ? route_source(&address, detail) : ERR_OK;
    if (error != ERR_OK) {
        return error;
    }
    if (getifaddrs(&list) != 0) {
        return error_fail(detail, ERR_IO, "cannot list the interfaces: %s", strerror(errno));
    }
    const struct ifaddrs *entry = find_entry(list, name, address);
    if (entry == NULL) {
        error = error_fail(detail, ERR_NOT_FOUND, "interface '%s' has no IPv4 address",
                           name != NULL ? name : "of the way out");
    } else {
        char text[INET_ADDRSTRLEN];
        address = address_in(entry->ifa_addr);
        write_address(text, address);
        error = node_address_choose(address, address_in(entry->ifa_netmask), bits, ret_id, detail);
        (void)snprintf(ret_text, NODE_ADDRESS_TEXT_SIZE, "%s of %s", text, entry->ifa_name);
    }
    freeifaddrs(list);
    return error;
}
