#include "http_service.h"

#include <assert.h>
#include <string.h>

enum error http_service_init(struct http_service *service, const struct ground *ground,
                             size_t buffer_bytes, unsigned max_connections)
{
    *service = (struct http_service){.registry = ground->registry,
                                     .keeper = ground->keeper,
                                     .access = ground->access,
                                     .grpc = ground->grpc,
                                     .buffer_bytes = buffer_bytes};
    if (http_deadline_init(&service->deadline) != ERR_OK) {
        return ERR_NO_MEMORY;
    }
    if (guests_init(&service->guests, max_connections) != ERR_OK) {
        goto no_guests;
    }
    if (pthread_mutex_init(&service->lock, NULL) != 0) {
        goto no_lock;
    }
    if (http_cors_init(&service->cors) != ERR_OK) {
        goto no_cors;
    }
    if (pthread_cond_init(&service->settled, NULL) != 0) {
        goto no_condition;
    }
    return ERR_OK;

no_condition:
    http_cors_fini(&service->cors);
no_cors:
    (void)pthread_mutex_destroy(&service->lock); /* nobody holds it */
no_lock:
    guests_fini(&service->guests);
no_guests:
    http_deadline_fini(&service->deadline);
    return ERR_NO_MEMORY;
}

void http_service_fini(struct http_service *service)
{
    assert(service->waits == 0);
    (void)pthread_cond_destroy(&service->settled); /* nobody waits */
    http_cors_fini(&service->cors);
    (void)pthread_mutex_destroy(&service->lock); /* nobody holds it */
    guests_fini(&service->guests);
    http_deadline_fini(&service->deadline);
}

/* Find the default sequence again; the lock is held. */
static struct sequence *find_root(struct http_service *service)
{
    struct sequence *root =
        registry_find(service->registry, service->default_name, strlen(service->default_name));

    /* order: release pairs with the acquire in http_service_root(): who sees the pointer sees the
     * sequence behind it. */
    atomic_store_explicit(&service->root, root, memory_order_release);
    return root;
}

void http_service_alter(struct http_service *service, uint64_t max_count, unsigned wait_timeout_ms,
                        const char *default_name)
{
    size_t length = strlen(default_name);

    assert(length <= SEQUENCE_NAME_MAX);
    /* order: relaxed, both; each stands alone, for requests that begin after. */
    atomic_store_explicit(&service->max_count, max_count, memory_order_relaxed);
    atomic_store_explicit(&service->wait_timeout_ms, wait_timeout_ms, memory_order_relaxed);
    pthread_mutex_lock(&service->lock);
    memcpy(service->default_name, default_name, length + 1);
    (void)find_root(service); /* not there yet: the request that needs it looks again */
    pthread_mutex_unlock(&service->lock);
}

uint64_t http_service_max_count(struct http_service *service)
{
    /* order: relaxed; see http_service_alter(). */
    return atomic_load_explicit(&service->max_count, memory_order_relaxed);
}

uint64_t http_service_wait_timeout_ms(struct http_service *service)
{
    /* order: relaxed; see http_service_alter(). */
    return atomic_load_explicit(&service->wait_timeout_ms, memory_order_relaxed);
}

struct sequence *http_service_root(struct http_service *service,
                                   char ret_name[SEQUENCE_NAME_MAX + 1])
{
    /* order: acquire pairs with the release in find_root(), which says why. */
    struct sequence *root = atomic_load_explicit(&service->root, memory_order_acquire);

    if (root == NULL || sequence_is_retired(root)) {
        pthread_mutex_lock(&service->lock);
        root = find_root(service);
        memcpy(ret_name, service->default_name, sizeof service->default_name);
        pthread_mutex_unlock(&service->lock);
    }
    return root;
}

void http_service_drain(struct http_service *service)
{
    /* order: relaxed; the answers that miss it keep their connections open, which a stop closes. */
    atomic_store_explicit(&service->draining, true, memory_order_relaxed);
}

bool http_service_draining(struct http_service *service)
{
    /* order: relaxed; see http_service_drain(). */
    return atomic_load_explicit(&service->draining, memory_order_relaxed);
}

void http_service_wait_begins(struct http_service *service)
{
    pthread_mutex_lock(&service->lock);
    service->waits++;
    pthread_mutex_unlock(&service->lock);
}

void http_service_wait_ended(struct http_service *service)
{
    pthread_mutex_lock(&service->lock);
    assert(service->waits > 0);
    if (--service->waits == 0) {
        /* Inside the lock: once it is open, the service may be freed. */
        (void)pthread_cond_signal(&service->settled); /* fails only for our own bugs */
    }
    pthread_mutex_unlock(&service->lock);
}

void http_service_wait_settled(struct http_service *service)
{
    pthread_mutex_lock(&service->lock);
    while (service->waits > 0) {
        (void)pthread_cond_wait(&service->settled, &service->lock); /* as above */
    }
    pthread_mutex_unlock(&service->lock);
}
