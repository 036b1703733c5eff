#include "guests.h"

#include <assert.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IPV4_PREFIX (UINT64_C(0xFFFF) << 32) /* as in ::ffff:a.b.c.d, which is the same address */

struct crowd {
    uint64_t address;
    unsigned count;
};

enum error guests_init(struct guests *guests, unsigned max)
{
    *guests = (struct guests){.max = max, .left_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (guests->left_fd < 0) {
        return ERR_NO_MEMORY;
    }
    if (pthread_mutex_init(&guests->lock, NULL) != 0) {
        close(guests->left_fd);
        return ERR_NO_MEMORY;
    }
    guests_limit(guests, 0);
    return ERR_OK;
}

void guests_fini(struct guests *guests)
{
    tdestroy(guests->addresses, free);
    (void)pthread_mutex_destroy(&guests->lock); /* nobody holds it */
    close(guests->left_fd);
}

void guests_limit(struct guests *guests, unsigned max_per_address)
{
    pthread_mutex_lock(&guests->lock);
    guests->max_loopback = max_per_address;
    guests->max_remote = max_per_address != 0 ? max_per_address : (guests->max + 1) / 2;
    pthread_mutex_unlock(&guests->lock);
}

bool guests_has_room(struct guests *guests)
{
    pthread_mutex_lock(&guests->lock);
    bool room = guests->count < guests->max;
    guests->missed = !room;
    pthread_mutex_unlock(&guests->lock);
    return room;
}

void guests_heard(struct guests *guests)
{
    uint64_t count = 0;
    ssize_t length = read(guests->left_fd, &count, sizeof count);
    (void)length; /* nothing was there to be read, or now nothing is */
}

struct guest guest_of(const struct sockaddr *address)
{
    struct guest guest = {.peer = access_peer_of(address)};
    unsigned char bytes[8] = {0};

    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4); /* whatever the alignment */
        guest.address = IPV4_PREFIX | ntohl(ipv4.sin_addr.s_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr);
        memcpy(bytes, &ipv6.sin6_addr.s6_addr[mapped ? 8 : 0], sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            guest.address = guest.address << 8 | bytes[i];
        }
    }
    return guest;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct crowd *)a)->address;
    uint64_t y = ((const struct crowd *)b)->address;

    return (x > y) - (x < y);
}

/* The lock is held. */
static enum welcome join_crowd(struct guests *guests, uint64_t address, unsigned limit)
{
    struct crowd wanted = {.address = address};
    struct crowd *const *found = tfind(&wanted, &guests->addresses, compare);

    if (found != NULL) {
        struct crowd *crowd = *found;
        if (limit != 0 && crowd->count >= limit) {
            return WELCOME_CROWDED;
        }
        crowd->count++;
        return WELCOME;
    }
    struct crowd *crowd = malloc(sizeof *crowd);
    if (crowd == NULL) {
        return WELCOME_NO_MEMORY;
    }
    *crowd = (struct crowd){.address = address, .count = 1};
    if (tsearch(crowd, &guests->addresses, compare) == NULL) {
        free(crowd);
        return WELCOME_NO_MEMORY;
    }
    return WELCOME;
}

/* The lock is held. */
static void leave_crowd(struct guests *guests, uint64_t address)
{
    struct crowd wanted = {.address = address};
    struct crowd *const *found = tfind(&wanted, &guests->addresses, compare);

    assert(found != NULL);
    struct crowd *crowd = *found;
    assert(crowd->count > 0);
    if (--crowd->count == 0) {
        (void)tdelete(&wanted, &guests->addresses, compare); /* it was found a moment ago */
        free(crowd);
    }
}

enum welcome guests_come(struct guests *guests, struct guest guest)
{
    enum welcome welcome = WELCOME;

    pthread_mutex_lock(&guests->lock);
    assert(guests->count < guests->max);
    if (guest.peer != ACCESS_PEER_UNIX) {
        welcome = join_crowd(guests, guest.address,
                             guest.peer == ACCESS_PEER_LOOPBACK ? guests->max_loopback
                                                                : guests->max_remote);
    }
    if (welcome == WELCOME) {
        guests->count++;
    }
    pthread_mutex_unlock(&guests->lock);
    return welcome;
}

void guests_leave(struct guests *guests, struct guest guest)
{
    uint64_t one = 1;

    pthread_mutex_lock(&guests->lock);
    assert(guests->count > 0);
    guests->count--;
    if (guest.peer != ACCESS_PEER_UNIX) {
        leave_crowd(guests, guest.address);
    }
    bool missed = guests->missed;
    guests->missed = false;
    pthread_mutex_unlock(&guests->lock);
    if (missed) {
        ssize_t written = write(guests->left_fd, &one, sizeof one);
        (void)written; /* an eventfd takes it, or is readable already */
    }
}

unsigned guests_count(struct guests *guests)
{
    pthread_mutex_lock(&guests->lock);
    unsigned count = guests->count;
    pthread_mutex_unlock(&guests->lock);
    return count;
}
