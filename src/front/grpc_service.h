/* grpc_service: what every call rests on: the registry, the keeper, the limits, and how far the
 * service has come in its life.
 *
 * The law: the phase only rises, and each loop reports having seen it together with how much is
 * still on its way there, so who waits for quiet is never told of it too early.
 *
 * Threads: init, fini and alter by the owner; the rest any. */
#ifndef SEQD_FRONT_GRPC_SERVICE_H
#define SEQD_FRONT_GRPC_SERVICE_H

#include "base/clock.h"
#include "base/error.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "front/grpc.h"
#include "guests.h"
#include "refusals.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum grpc_phase {
    GRPC_SERVES,
    GRPC_DRAINS, /* no new connections; clients are asked to leave; loops report calls */
    GRPC_CLOSES, /* nothing new at all; loops report connections */
    GRPC_ENDS,   /* loops close what is left, and end */
};

/* What one loop has reported. */
struct grpc_report {
    enum grpc_phase phase; /* that it has seen */
    unsigned busy;         /* calls or connections, as the phase says */
};

struct grpc_service {
    struct registry *registry; /* constant, as are the rest down to look_ns */
    struct keeper *keeper;
    struct access *access;
    struct tls *tls;              /* NULL: there is no certificate */
    gnutls_priority_t priorities; /* owned; where there is one */
    const char *default_name;
    size_t default_length;
    unsigned max_streams;
    size_t max_message;
    uint64_t look_ns; /* of grpc_look */

    _Atomic uint64_t max_count;
    _Atomic unsigned wait_timeout_ms;
    _Atomic unsigned request_timeout_ms;
    _Atomic unsigned idle_timeout_ms;
    _Atomic unsigned max_age_ms;

    _Atomic enum grpc_phase phase;

    struct guests guests;
    struct refusals refusals;

    pthread_mutex_t lock;
    pthread_cond_t reported;
    struct grpc_report *reports; /* lock; one a loop, owned */
    unsigned report_count;       /* constant */
};

/* Use the caller's memory, for `loops` loops. `options` is borrowed for its life. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error grpc_service_init(struct grpc_service *service,
                                                                 const struct grpc_options *options,
                                                                 const struct ground *ground,
                                                                 unsigned loops);
void grpc_service_fini(struct grpc_service *service);

void grpc_service_alter(struct grpc_service *service, const struct grpc_options *options);

uint64_t grpc_service_max_count(struct grpc_service *service);
uint64_t grpc_service_wait_ns(struct grpc_service *service);
uint64_t grpc_service_request_ns(struct grpc_service *service);
uint64_t grpc_service_idle_ns(struct grpc_service *service);

/* 0: unlimited. */
uint64_t grpc_service_age_ns(struct grpc_service *service);

/* Go on to `phase`, unless it is there already. The loops have to be woken. */
void grpc_service_enter(struct grpc_service *service, enum grpc_phase phase);
enum grpc_phase grpc_service_phase(struct grpc_service *service);

/* Loop `index` has seen `phase`, and so much is on its way there. */
void grpc_service_report(struct grpc_service *service, unsigned index, enum grpc_phase phase,
                         unsigned busy);

/* Wait until every loop has seen the phase and nothing is on its way, or until `until`. Returns
 * what still is. */
unsigned grpc_service_wait_quiet(struct grpc_service *service, struct instant until);

#endif
