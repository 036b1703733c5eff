/* grpc_look: whether a loop that has nothing to do looks for more for a moment before it sleeps.
 *
 * To sleep and be woken costs more than to answer, above all in a virtual machine, where the host
 * has a hand in both. Looking spares that, and takes the processor from whoever could use it.
 *
 * The law: looks are earned. A sleep that was short earns one; after GRPC_LOOK_PRICE_MIN of them
 * the loop looks, and goes on as long as it finds something each time. A look in vain has to be
 * earned anew, by twice as many short sleeps as the one before, GRPC_LOOK_PRICE_MAX at most; one
 * that found something takes an eighth off the price. So there is at most one look in vain for
 * GRPC_LOOK_PRICE_MIN requests, and where it never pays, as with a client on the same processor,
 * one for GRPC_LOOK_PRICE_MAX. A long sleep earns nothing: who waits for a slow client, or for
 * none, sleeps. And a look that ended late has kept others from the processor, for that is how they
 * took it back: then there is none for GRPC_LOOK_REST_NS.
 *
 * Threads: one at a time. It reads no clock; it is told what time it is. */
#ifndef SEQD_FRONT_GRPC_LOOK_H
#define SEQD_FRONT_GRPC_LOOK_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define GRPC_LOOK_SHORT 3           /* a sleep of up to so many looks is short: waking takes time */
#define GRPC_LOOK_PRICE_MIN 8       /* short sleeps for one look, … */
#define GRPC_LOOK_PRICE_MAX 512     /* … and at most */
#define GRPC_LOOK_LATE_NS 500000    /* somebody else had the processor, not only an interrupt */
#define GRPC_LOOK_REST_NS 100000000 /* without a look after that */

struct grpc_look {
    uint64_t limit_ns;    /* of one look; 0: there is none, ever */
    unsigned price;       /* short sleeps that a look in vain will have to be earned by */
    unsigned debt;        /* of them to come before the next look */
    struct instant rests; /* until then */
};

/* `limit_ns` 0 … CLOCK_NS_PER_MS. */
void grpc_look_init(struct grpc_look *look, uint64_t limit_ns);

/* For how long to look now, in nanoseconds; 0: sleep at once. */
uint64_t grpc_look_ns(const struct grpc_look *look, struct instant now);

/* It looked from `began` to `now`, and found something or not. */
void grpc_look_ended(struct grpc_look *look, struct instant began, struct instant now, bool found);

/* It slept from `began` to `now`, without a look before. */
void grpc_look_slept(struct grpc_look *look, struct instant began, struct instant now);

#endif
