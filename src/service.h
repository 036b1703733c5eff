/* service: what runs between the open store and the network: registry, keeper, expiry and the
 * fronts.
 *
 * The law: there is one list of what is stopped, in service_stop(), and it is the reverse of the
 * order of starting; a start that fails half-way goes through the same list. Numbers that were
 * taken are sent before anything is torn down, and what no one took is given back to the store.
 *
 * Threads: one, the owner. */
#ifndef SEQD_SERVICE_H
#define SEQD_SERVICE_H

#include "base/error.h"
#include "config.h"
#include "core/bell.h"
#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "front/access.h"
#include "front/grpc.h"
#include "front/http.h"
#include "front/tls.h"

#include <stdbool.h>
#include <stddef.h>

#define SERVICE_DRAIN_MS 5000     /* for requests that are on their way when the stop begins */
#define SERVICE_LAST_DRAIN_MS 500 /* for the refusals of those that were still waiting then */

struct service {
    struct store *store; /* borrowed */
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct registry *registry; /* this and the rest: NULL until it was started */
    struct keeper *keeper;
    struct expiry *expiry;
    struct access *access;
    struct tls *tls;   /* NULL also where no certificate is named */
    struct grpc *grpc; /* NULL also where it is not served */
    struct http *http;
};

/* How long a stop may take its time. */
struct service_patience {
    bool (*over)(void *context); /* asked several times a second: should it hurry? NULL: never */
    void *context;
};

/* Start everything over `store`, which is the service's own until service_stop(), and see to it
 * that the sequences of `config` exist as it says. On a failure nothing runs any more.
 * ERR_CONFLICT  a sequence is remembered with other numbers, or the port is in use.
 * Or what registry_open(), registry_declare(), keeper_start(), expiry_start(), access_open(),
 * tls_open(), grpc_start() and http_start() return. */
__attribute__((warn_unused_result)) enum error service_start(struct service *service,
                                                             struct store *store,
                                                             const struct config *config,
                                                             struct error_detail *detail);

/* Take over what a running service can change: limits, rights and certificates. What cannot be read
 * is logged, and stays as it was. Returns how many parts that are. */
unsigned service_alter(struct service *service, const struct config *config);

/* How many sequences are served. */
size_t service_sequences(struct service *service);

/* Stop everything, in the reverse order. Returns how many requests were cut off unanswered. */
unsigned service_stop(struct service *service, const struct service_patience *patience);

#endif
