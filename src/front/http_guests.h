/* http_guests: how many connections there are, in all and from each address.
 *
 * The law: never more than the limit in all, and never more from one address than the limit of one:
 * an IPv6 address counts by its first 64 bits, for who has one has all that begin so. The unix
 * socket counts in all only.
 *
 * Threads: come() and has_room() by the one that lets guests in, leave() by any, init and fini by
 * the owner. */
#ifndef SEQD_FRONT_HTTP_GUESTS_H
#define SEQD_FRONT_HTTP_GUESTS_H

#include "base/error.h"
#include "front/access.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where one connection comes from. */
struct http_guest {
    enum access_peer peer;
    uint64_t address; /* IPv4, or the first half of IPv6 */
};

enum http_welcome {
    HTTP_WELCOME,
    HTTP_WELCOME_CROWDED, /* its address has as many as it may */
    HTTP_WELCOME_NO_MEMORY,
};

struct http_guests {
    int left_fd; /* an eventfd: readable once a place is free again; constant */
    pthread_mutex_t lock;
    unsigned max;          /* constant */
    unsigned max_loopback; /* lock, as all below; from one address of the loopback interface, … */
    unsigned max_remote;   /* … and from any other; 0: no limit */
    unsigned count;
    bool missed;     /* somebody found no room and wants to hear of it */
    void *addresses; /* a tree of tsearch(3): the addresses, and how many come from each */
};

/* Use the caller's memory. ERR_NO_MEMORY when the system has no more locks or descriptors. */
__attribute__((warn_unused_result)) enum error http_guests_init(struct http_guests *guests,
                                                                unsigned max);
void http_guests_fini(struct http_guests *guests);

/* From one address, at most; 0: half of all, and no limit for the loopback interface. Who is there
 * stays. */
void http_guests_limit(struct http_guests *guests, unsigned max_per_address);

/* Is there room for one more? Where not, `left_fd` becomes readable when there is. */
bool http_guests_has_room(struct http_guests *guests);

/* Clear `left_fd`. */
void http_guests_heard(struct http_guests *guests);

struct http_guest http_guest_of(const struct sockaddr *address);

/* One comes in, if its answer is HTTP_WELCOME; and one leaves. */
enum http_welcome http_guests_come(struct http_guests *guests, struct http_guest guest);
void http_guests_leave(struct http_guests *guests, struct http_guest guest);

/* How many there are. */
unsigned http_guests_count(struct http_guests *guests);

#endif
