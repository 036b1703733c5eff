/* watchdog: tells the service manager that the service works, for as long as it can prove that.
 *
 * The law: what a restart would cure is not vouched for, and what it would not cure is no reason to
 * ask for one.
 *
 *   the keeper  is asked by an errand, which every round of it answers, also while the store
 *               refuses commits. While it sits in a call to the store it is taken to live, however
 *               long that lasts: a disk that hangs hangs after a restart, too, and the numbers that
 *               are leased, and the 503s of those who wait, would be lost meanwhile.
 *   HTTP        proves itself by its connections: one that is still there long after its time was
 *               up shows that the thread that serves it, the one that keeps the time, or the one
 *               that ends waits, is stuck. No request of our own is sent: who fills every
 *               connection would otherwise have the service restarted.
 *   gRPC        proves itself by its loops, which wait for nothing but their sockets and timers:
 *               one that has not come back from its work, or from its sleep when a timer was due,
 *               is stuck.
 *   main        asks, so it lives.
 *
 * Threads: one, the owner's; the errand's answer comes from the keeper's. */
#ifndef SEQD_WATCHDOG_H
#define SEQD_WATCHDOG_H

#include "base/clock.h"
#include "core/keeper.h"
#include "service.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_PATIENCE_MS 10000 /* beyond its time, before something is taken to be stuck */

struct watchdog {
    struct service *service; /* borrowed; NULL while nobody watches */
    uint64_t period_ns;      /* between two proofs */
    struct instant due;      /* the next one */

    struct errand question;
    _Atomic bool answered;     /* the keeper has, since it was asked */
    struct instant alive_from; /* when the keeper was last known to live */
    bool keeper_stuck;         /* as of the last proof, so that it is logged once */
    bool front_stuck;
    bool grpc_stuck;
    bool store_failing;
    char status[128]; /* what the manager shows while the store works */
};

/* Begin, if the service manager wants it (sd_watchdog_enabled(3)): twice in each of its periods.
 * `service` has started, and stops before the watchdog's memory goes. `status` is what the manager
 * shows ("Listening on ..."). */
void watchdog_init(struct watchdog *watchdog, struct service *service, const char *status);

/* Milliseconds from `now` to the next proof, for poll(2); -1 while nobody watches. */
int watchdog_wait_ms(const struct watchdog *watchdog, struct instant now);

/* When a proof is due at `now`: ask for it, and pass it on. What is stuck is logged. */
void watchdog_tick(struct watchdog *watchdog, struct instant now);

#endif
