#include "grpc_service.h"

#include "base/range.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)

enum error grpc_service_init(struct grpc_service *service, const struct grpc_options *options,
                             const struct ground *ground, unsigned loops)
{
    pthread_condattr_t monotonic;

    *service = (struct grpc_service){
        .registry = ground->registry,
        .keeper = ground->keeper,
        .access = ground->access,
        .tls = ground->tls,
        .default_name = options->default_sequence,
        .default_length = strlen(options->default_sequence),
        .max_streams = options->max_streams,
        .max_message = (size_t)options->max_message_bytes,
        .look_ns = options->busy_poll_us * NS_PER_US,
        .reports = calloc(loops, sizeof(struct grpc_report)),
        .report_count = loops,
    };
    if (service->reports == NULL ||
        guests_init(&service->guests, options->max_connections) != ERR_OK) {
        goto no_guests;
    }
    if (service->tls != NULL && gnutls_priority_init(&service->priorities, TLS_PRIORITIES, NULL)) {
        goto no_priorities;
    }
    if (pthread_condattr_init(&monotonic) != 0) {
        goto no_attribute;
    }
    if (pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&service->reported, &monotonic) != 0) {
        goto no_condition;
    }
    if (pthread_mutex_init(&service->lock, NULL) != 0) {
        goto no_lock;
    }
    (void)pthread_condattr_destroy(&monotonic); /* cannot fail: it was initialised */
    grpc_service_alter(service, options);
    return ERR_OK;

no_lock:
    (void)pthread_cond_destroy(&service->reported); /* nobody waits */
no_condition:
    (void)pthread_condattr_destroy(&monotonic); /* as above */
no_attribute:
    if (service->tls != NULL) {
        gnutls_priority_deinit(service->priorities);
    }
no_priorities:
    guests_fini(&service->guests);
no_guests:
    free(service->reports);
    return ERR_NO_MEMORY;
}

void grpc_service_fini(struct grpc_service *service)
{
    (void)pthread_mutex_destroy(&service->lock);    /* nobody holds it */
    (void)pthread_cond_destroy(&service->reported); /* nobody waits */
    if (service->tls != NULL) {
        gnutls_priority_deinit(service->priorities);
    }
    guests_fini(&service->guests);
    free(service->reports);
}

void grpc_service_alter(struct grpc_service *service, const struct grpc_options *options)
{
    guests_limit(&service->guests, options->max_connections_per_address);
    /* order: relaxed, all; each stands alone, for calls that begin after. */
    atomic_store_explicit(&service->max_count, options->max_count, memory_order_relaxed);
    atomic_store_explicit(&service->wait_timeout_ms, options->wait_timeout_ms,
                          memory_order_relaxed);
    /* order: relaxed; as above. */
    atomic_store_explicit(&service->request_timeout_ms, options->request_timeout_ms,
                          memory_order_relaxed);
    atomic_store_explicit(&service->idle_timeout_ms, options->idle_timeout_ms,
                          memory_order_relaxed);
    /* order: relaxed; as above. */
    atomic_store_explicit(&service->max_age_ms, options->max_age_ms, memory_order_relaxed);
}

static uint64_t read_ns(_Atomic unsigned *ms)
{
    /* order: relaxed; see grpc_service_alter(). */
    return atomic_load_explicit(ms, memory_order_relaxed) * CLOCK_NS_PER_MS;
}

uint64_t grpc_service_max_count(struct grpc_service *service)
{
    /* order: relaxed; see grpc_service_alter(). */
    return atomic_load_explicit(&service->max_count, memory_order_relaxed);
}

uint64_t grpc_service_wait_ns(struct grpc_service *service)
{
    return read_ns(&service->wait_timeout_ms);
}

uint64_t grpc_service_request_ns(struct grpc_service *service)
{
    return read_ns(&service->request_timeout_ms);
}

uint64_t grpc_service_idle_ns(struct grpc_service *service)
{
    return read_ns(&service->idle_timeout_ms);
}

uint64_t grpc_service_age_ns(struct grpc_service *service)
{
    return read_ns(&service->max_age_ms);
}

void grpc_service_enter(struct grpc_service *service, enum grpc_phase phase)
{
    if (grpc_service_phase(service) < phase) {
        /* order: relaxed; the wake of each loop, by the kernel, comes after it. */
        atomic_store_explicit(&service->phase, phase, memory_order_relaxed);
    }
}

enum grpc_phase grpc_service_phase(struct grpc_service *service)
{
    /* order: relaxed; see grpc_service_enter(). */
    return atomic_load_explicit(&service->phase, memory_order_relaxed);
}

void grpc_service_report(struct grpc_service *service, unsigned index, enum grpc_phase phase,
                         unsigned busy)
{
    assert(index < service->report_count);
    pthread_mutex_lock(&service->lock);
    service->reports[index] = (struct grpc_report){.phase = phase, .busy = busy};
    (void)pthread_cond_signal(&service->reported); /* fails only for our own bugs */
    pthread_mutex_unlock(&service->lock);
}

/* What is on its way; false when a loop has not seen the phase yet. The lock is held. */
static bool count_busy(const struct grpc_service *service, enum grpc_phase phase,
                       unsigned *ret_busy)
{
    bool all = true;

    *ret_busy = 0;
    for (unsigned i = 0; i < service->report_count; i++) {
        all = all && service->reports[i].phase >= phase;
        *ret_busy += service->reports[i].busy;
    }
    return all;
}

unsigned grpc_service_wait_quiet(struct grpc_service *service, struct instant until)
{
    enum grpc_phase phase = grpc_service_phase(service);
    struct timespec end = {.tv_sec = (time_t)(until.ns / CLOCK_NS_PER_S),
                           .tv_nsec = (long)(until.ns % CLOCK_NS_PER_S)};
    unsigned busy = 0;
    bool all = false;

    pthread_mutex_lock(&service->lock);
    for (;;) {
        all = count_busy(service, phase, &busy);
        if (all && busy == 0) {
            break;
        }
        if (pthread_cond_timedwait(&service->reported, &service->lock, &end) == ETIMEDOUT) {
            break;
        }
    }
    pthread_mutex_unlock(&service->lock);
    return all ? busy : (unsigned)range_max(busy, 1);
}
