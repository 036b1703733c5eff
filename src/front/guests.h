/* guests: how many connections there are, in all and from each address.
 *
 * The law: never more than the limit in all, and never more from one address than the limit of one:
 * an IPv6 address counts by its first 64 bits, for who has one has all that begin so. The unix
 * socket counts in all only.
 *
 * Threads: come() and has_room() by the one that lets guests in, leave() by any, init and fini by
 * the owner. */
#ifndef SEQD_FRONT_GUESTS_H
#define SEQD_FRONT_GUESTS_H

#include "base/error.h"
#include "front/access.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where one connection comes from. */
struct guest {
    enum access_peer peer;
    uint64_t address; /* IPv4, or the first half of IPv6 */
};

enum welcome {
    WELCOME,
    WELCOME_CROWDED, /* its address has as many as it may */
    WELCOME_NO_MEMORY,
};

struct guests {
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
__attribute__((warn_unused_result)) enum error guests_init(struct guests *guests, unsigned max);
void guests_fini(struct guests *guests);

/* From one address, at most; 0: half of all, and no limit for the loopback interface. Who is there
 * stays. */
void guests_limit(struct guests *guests, unsigned max_per_address);

/* Is there room for one more? Where not, `left_fd` becomes readable when there is. */
bool guests_has_room(struct guests *guests);

/* Clear `left_fd`. */
void guests_heard(struct guests *guests);

struct guest guest_of(const struct sockaddr *address);

/* One comes in, if its answer is WELCOME; and one leaves. */
enum welcome guests_come(struct guests *guests, struct guest guest);
void guests_leave(struct guests *guests, struct guest guest);

/* How many there are. */
unsigned guests_count(struct guests *guests);

#endif
