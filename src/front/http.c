#include "front/http.h"

#include "base/clock.h"
#include "http_change.h"
#include "http_door.h"
#include "http_reaper.h"
#include "http_service.h"
#include "http_worker.h"
#include "listener.h"
#include "threads.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 256
#define FAREWELL_MS 1000 /* for the last answers to be sent, once nothing is issued any more */
#define LISTENERS_MAX HTTP_INHERITED_MAX

static_assert(ENDPOINTS_MAX + 1 <= LISTENERS_MAX, "all addresses and the unix socket have room");

struct http {
    struct http_service service;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct http_crew plain;
    struct http_crew secure;
    struct http_reaper *reaper;
    struct http_door *door; /* NULL once it was shut */
};

/* ---- listeners ---- */

static enum error take_inherited(struct http *http, const struct http_options *options,
                                 struct error_detail *detail)
{
    enum error error = ERR_OK;

    assert(options->inherited_count <= HTTP_INHERITED_MAX);
    for (unsigned i = 0; i < options->inherited_count; i++) {
        int fd = options->inherited[i];
        if (error == ERR_OK) {
            error = listener_take(fd, &http->listeners[http->listener_count], detail);
        }
        if (error == ERR_OK) {
            http->listener_count++;
        } else {
            close(fd);
        }
    }
    return error;
}

static enum error open_own(struct http *http, const struct http_options *options,
                           struct error_detail *detail)
{
    enum error error = ERR_OK;

    for (unsigned i = 0; error == ERR_OK && i < options->listen.count; i++) {
        error = listener_open_tcp(&options->listen.items[i], &http->listeners[http->listener_count],
                                  detail);
        http->listener_count += error == ERR_OK ? 1 : 0;
    }
    if (error == ERR_OK && options->socket[0] != '\0') {
        error = listener_open_unix(options->socket, options->socket_mode,
                                   &http->listeners[http->listener_count], detail);
        http->listener_count += error == ERR_OK ? 1 : 0;
    }
    return error;
}

static enum error open_listeners(struct http *http, const struct http_options *options,
                                 const struct ground *ground, struct error_detail *detail)
{
    enum error error = options->inherited_count > 0 ? take_inherited(http, options, detail)
                                                    : open_own(http, options, detail);

    for (size_t i = 0; error == ERR_OK && i < http->listener_count; i++) {
        error = listener_settle(&http->listeners[i], options->tls, ground, "", detail);
    }
    if (error == ERR_OK && http->listener_count == 0) {
        error = error_fail(detail, ERR_INVALID,
                           "there is no address and no socket to listen on: set listen or socket");
    }
    return error;
}

static void close_listeners(struct http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        listener_close(&http->listeners[i]);
    }
}

/* ---- threads ---- */

static void stop_crew(struct http_crew *crew)
{
    while (crew->count > 0) {
        http_worker_stop(&crew->workers[--crew->count]);
    }
    free(crew->workers);
    crew->workers = NULL;
}

/* Start `threads` workers. On a failure some may run. */
static enum error start_crew(struct http *http, struct http_crew *crew, unsigned threads,
                             struct tls *tls)
{
    enum error error = ERR_OK;

    crew->workers = calloc(threads, sizeof *crew->workers);
    if (crew->workers == NULL) {
        return ERR_NO_MEMORY;
    }
    while (error == ERR_OK && crew->count < threads) {
        error = http_worker_start(&crew->workers[crew->count], &http->service, tls);
        crew->count += error == ERR_OK ? 1 : 0;
    }
    return error;
}

/* Both crews, as far as a listener brings work for them. */
static enum error start_crews(struct http *http, const struct http_options *options,
                              struct tls *tls)
{
    unsigned threads = threads_choose(options->threads, THREADS_MAX);
    bool plain = false;
    bool secure = false;

    for (size_t i = 0; i < http->listener_count; i++) {
        plain = plain || http->listeners[i].place.scheme != PLACE_TLS;
        secure = secure || http->listeners[i].place.scheme == PLACE_TLS;
    }
    enum error error = plain ? start_crew(http, &http->plain, threads, NULL) : ERR_OK;
    if (error == ERR_OK && secure) {
        error = start_crew(http, &http->secure, threads, tls);
    }
    return error;
}

/* Start the threads, none of which may be the one that a signal to the process reaches. */
static enum error start_threads(struct http *http, const struct http_options *options,
                                struct tls *tls, struct error_detail *detail)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for our own bugs */
    enum error error = start_crews(http, options, tls);
    if (error == ERR_OK) {
        error = http_reaper_start(&http->service, &http->reaper);
    }
    if (error == ERR_OK) {
        error = http_door_open(&http->service, http->listeners, http->listener_count, http->plain,
                               http->secure, &http->door);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
    return error == ERR_OK ? ERR_OK
                           : error_fail(detail, error, "the HTTP threads could not be started");
}

/* ---- start and stop ---- */

/* Everything, in the reverse order, whatever was started of it. */
static void take_down(struct http *http)
{
    http_door_shut(http->door);
    close_listeners(http);
    http_reaper_stop(http->reaper);
    stop_crew(&http->secure);
    stop_crew(&http->plain);
    http_service_fini(&http->service);
    free(http);
}

enum error http_start(const struct http_options *options, const struct ground *ground,
                      struct http **ret_http, struct error_detail *detail)
{
    assert(options->max_connections >= 1);
    assert(options->buffer_bytes >= HTTP_BUFFER_MIN && options->buffer_bytes <= HTTP_BUFFER_MAX);
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL || http_service_init(&http->service, ground, (size_t)options->buffer_bytes,
                                          options->max_connections) != ERR_OK) {
        free(http);
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    http_alter(http, options);
    enum error error = open_listeners(http, options, ground, detail);
    if (error == ERR_OK) {
        error = start_threads(http, options, ground->tls, detail);
    }
    if (error != ERR_OK) {
        take_down(http);
        return error;
    }
    *ret_http = http;
    return ERR_OK;
}

size_t http_places(const struct http *http)
{
    return http->listener_count;
}

const struct place *http_place(const struct http *http, size_t index)
{
    assert(index < http->listener_count);
    return &http->listeners[index].place;
}

uint64_t http_overdue_ns(struct http *http, struct instant now)
{
    return http_deadline_overdue_ns(&http->service.deadline, now);
}

void http_alter(struct http *http, const struct http_options *options)
{
    assert(options->max_count >= 1 && options->max_count <= HTTP_COUNT_LIMIT);
    http_deadline_limit(&http->service.deadline, options->idle_timeout_ms,
                        options->request_timeout_ms);
    guests_limit(&http->service.guests, options->max_connections_per_address);
    http_cors_alter(&http->service.cors, options->cors_origins);
    /* order: relaxed; it stands alone, for requests that begin after. */
    atomic_store_explicit(&http->service.clock_warning_ms, options->clock_warning_ms,
                          memory_order_relaxed);
    http_service_alter(&http->service, options->max_count, options->wait_timeout_ms,
                       options->default_sequence);
}

unsigned http_drain(struct http *http, unsigned timeout_ms)
{
    http_service_drain(&http->service);
    http_door_shut(http->door);
    http->door = NULL;
    close_listeners(http);
    return http_deadline_wait_quiet(&http->service.deadline,
                                    clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS));
}

void http_stop(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http_changes_close(&http->service);
    http_service_wait_settled(&http->service);
    (void)http_drain(http, FAREWELL_MS); /* who is not done by then is cut off */
    take_down(http);
}
