#include "http_change.h"

#include "change_log.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Those that somebody waits for, of all servers of the process. One lock for all, which no server
 * takes with it when it goes: the core may answer after that. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_change *first; /* lock */

struct http_change *http_change_new(struct http_request *request, enum admin_action action)
{
    struct http_change *change = calloc(1, sizeof *change);

    if (change != NULL) {
        assert(request->name_length <= SEQUENCE_NAME_MAX);
        change->admin.action = action;
        if (request->name != NULL) { /* a backup has none */
            memcpy(change->admin.name, request->name, request->name_length);
        }
    }
    return change;
}

void http_change_free(struct http_change *change)
{
    if (change != NULL) {
        free(change->admin.ledger.rows);
        free(change->admin.text);
        free(change);
    }
}

/* ---- waiting ---- */

/* The lock is held. */
static void unlink_change(struct http_change *change)
{
    if (change->previous != NULL) {
        change->previous->next = change->next;
    } else {
        first = change->next;
    }
    if (change->next != NULL) {
        change->next->previous = change->previous;
    }
}

/* Let the request go on. From the resumption on it belongs to its connection's thread. */
static void wake(struct http_request *request)
{
    struct http_service *service = request->service;

    MHD_resume_connection(request->connection);
    http_service_wait_ended(service);
}

/* The core has answered. Where nobody waits any more, this is the last that knows of the change. */
static void finish(struct admin_request *admin)
{
    struct http_change *change = (struct http_change *)admin; /* its first member */

    static_assert(offsetof(struct http_change, admin) == 0, "finish() relies on it");
    change_log(&change->admin, change->peer);
    pthread_mutex_lock(&lock);
    struct http_request *asker = change->asker;
    if (asker != NULL) {
        unlink_change(change);
    }
    pthread_mutex_unlock(&lock);
    if (asker == NULL) {
        http_change_free(change);
        return;
    }
    http_counters_change(&asker->service->counters, admin->action, admin->error);
    wake(asker);
}

bool http_change_submit(struct http_change *change, struct http_request *request)
{
    struct http_service *service = request->service;
    uint64_t timeout_ms = http_service_wait_timeout_ms(service);

    http_peer_write(request->connection, change->peer);
    change->admin.done = finish;
    change->deadline = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    change->asker = request;
    pthread_mutex_lock(&lock);
    bool closed = service->changes_closed;
    if (!closed) {
        change->next = first;
        if (first != NULL) {
            first->previous = change;
        }
        first = change;
        /* Suspended before anybody can resume it. */
        request->change = change;
        request->step = HTTP_STEP_CHANGE;
        http_timed_wait(&request->timed);
        http_service_wait_begins(service);
        MHD_suspend_connection(request->connection);
    }
    pthread_mutex_unlock(&lock);
    if (!closed) {
        admin_submit(service->registry, service->keeper, &change->admin);
    }
    return !closed;
}

/* One that has waited until `now` or longer, of this server; unlinked, and nobody's but the core's.
 * The lock is held. */
static struct http_request *give_up_one(struct http_service *service, struct instant now)
{
    for (struct http_change *change = first; change != NULL; change = change->next) {
        struct http_request *asker = change->asker;
        if (asker->service == service && clock_reached(change->deadline, now)) {
            unlink_change(change);
            change->asker = NULL;
            asker->change = NULL;
            http_counters_change(&service->counters, change->admin.action, ERR_PENDING);
            return asker;
        }
    }
    return NULL;
}

static void give_up(struct http_service *service, struct instant now)
{
    struct http_request *asker = NULL;

    do {
        pthread_mutex_lock(&lock);
        asker = give_up_one(service, now);
        pthread_mutex_unlock(&lock);
        if (asker != NULL) {
            wake(asker);
        }
    } while (asker != NULL);
}

void http_changes_expire(struct http_service *service)
{
    give_up(service, clock_now());
}

void http_changes_close(struct http_service *service)
{
    pthread_mutex_lock(&lock);
    service->changes_closed = true;
    pthread_mutex_unlock(&lock);
    give_up(service, (struct instant){UINT64_MAX});
}
