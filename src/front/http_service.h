/* http_service: what the answer to every request rests on: the registry, the keeper, what may be
 * altered while it runs, and how many requests wait for a lease.
 *
 * The law: nothing that a waiting request or the thread that wakes it may touch is freed before
 * http_service_wait_settled() has returned.
 *
 * Threads: init and fini by the owner; the rest any. */
#ifndef SEQD_FRONT_HTTP_SERVICE_H
#define SEQD_FRONT_HTTP_SERVICE_H

#include "base/definition.h"
#include "base/error.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "core/sequence.h"
#include "front/http.h"
#include "guests.h"
#include "http_body.h"
#include "http_cors.h"
#include "http_counters.h"
#include "http_deadline.h"
#include "refusals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_service {
    struct registry *registry; /* constant, as are the next three */
    struct keeper *keeper;
    struct grpc *grpc; /* for its metrics; NULL: there is none */
    struct access *access;
    size_t buffer_bytes; /* of one connection */

    _Atomic uint64_t max_count;
    _Atomic uint64_t wait_timeout_ms;
    _Atomic uint64_t clock_warning_ms;
    _Atomic bool draining;
    _Atomic(struct sequence *) root; /* what `default_name` names, once that is known */

    struct http_deadline deadline;
    struct guests guests;
    struct http_counters counters;
    struct http_bodies bodies;
    struct http_cors cors;
    struct refusals refusals;

    bool changes_closed; /* the lock of http_change */

    pthread_mutex_t lock;
    pthread_cond_t settled;                   /* `waits` has become 0 */
    unsigned waits;                           /* lock; requests between the two calls below */
    char default_name[SEQUENCE_NAME_MAX + 1]; /* lock */
};

/* Use the caller's memory. ERR_NO_MEMORY when the system has no more locks or descriptors. */
__attribute__((warn_unused_result)) enum error http_service_init(struct http_service *service,
                                                                 const struct ground *ground,
                                                                 size_t buffer_bytes,
                                                                 unsigned max_connections);
void http_service_fini(struct http_service *service);

/* Take over what may be altered. */
void http_service_alter(struct http_service *service, uint64_t max_count, unsigned wait_timeout_ms,
                        const char *default_name);

uint64_t http_service_max_count(struct http_service *service);
uint64_t http_service_wait_timeout_ms(struct http_service *service);

/* The sequence that `GET /` draws from. NULL when there is none of that name, which is then copied
 * to `ret_name`. */
struct sequence *http_service_root(struct http_service *service,
                                   char ret_name[SEQUENCE_NAME_MAX + 1]);

/* Clients are asked to leave from now on. */
void http_service_drain(struct http_service *service);
bool http_service_draining(struct http_service *service);

/* A request begins to wait for a lease; it has been woken, and whoever woke it touches nothing of
 * it any more. */
void http_service_wait_begins(struct http_service *service);
void http_service_wait_ended(struct http_service *service);

/* Block until none waits. The registry must be closed before. */
void http_service_wait_settled(struct http_service *service);

#endif
