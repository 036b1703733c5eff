#include "front/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "http_listen.h"
#include "http_next.h"
#include "http_reaper.h"
#include "http_reply.h"
#include "http_request.h"
#include "http_route.h"
#include "http_service.h"

#include <assert.h>
#include <microhttpd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define THREADS_MAX 256
#define FAREWELL_MS 1000 /* for the last answers to be sent, once nothing is issued any more */

struct http {
    struct http_service service;
    struct MHD_Daemon *daemon;
    struct http_reaper *reaper;
    uint16_t port;
};

/* ---- what libmicrohttpd calls ---- */

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments)
{
    char line[LOG_LINE_SIZE];

    (void)context;
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    log_debug("http: %s", line); /* clients cause these; none needs an administrator */
}

/* Somebody knocks. The library's own way to let nobody in while its threads run
 * (MHD_quiesce_daemon) takes the socket from under them, and aborts the process when one of them
 * was quicker. So those who come during a drain are let in and out again. */
static enum MHD_Result on_knock(void *context, const struct sockaddr *address, socklen_t size)
{
    struct http_service *service = context;

    (void)address;
    (void)size;
    return http_service_draining(service) ? MHD_NO : MHD_YES;
}

/* A connection was opened, or is about to be closed. */
static void on_connection(void *context, struct MHD_Connection *connection, void **connection_data,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_service *service = context;
    struct http_request *request = *connection_data;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (request != NULL) {
            http_deadline_remove(&service->deadline, &request->timed);
            http_body_reset(&request->body, &service->bodies);
            free(request);
        }
        return;
    }
    request = calloc(1, sizeof *request);
    *connection_data = request; /* without it, the first request ends the connection */
    if (request != NULL) {
        request->service = service;
        request->connection = connection;
        http_deadline_add(
            &service->deadline, &request->timed,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    }
}

/* A request line is here. What this returns comes back as the request's data. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_request *request =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)context;
    if (request != NULL) {
        http_timed_begin(&request->timed);
        request->step = HTTP_STEP_HEADERS;
        request->target_length = target != NULL ? strlen(target) : 0;
        request->target_end = target != NULL ? target + request->target_length : NULL;
    }
    return request;
}

/* Leave escapes as they are: no name and no path has any, so none is read in two ways. */
static size_t on_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* The version stands behind the target, one byte apart. More between them is a NUL in the target,
 * with something hidden behind it. (libmicrohttpd 1.0 refuses that by itself.) */
static bool hides_something(const struct http_request *request, const char *version)
{
    uintptr_t distance = (uintptr_t)version - (uintptr_t)request->target_end;

    return distance > 1 && distance < request->service->buffer_bytes;
}

/* The headers are here. What is answered now closes the connection, so only what has to is. */
static enum MHD_Result read_headers(struct http_request *request, const char *version)
{
    request->step = HTTP_STEP_BODY;
    http_fields_read(request->connection, &request->fields);
    if (hides_something(request, version)) {
        return http_reply_problem(request, HTTP_PROBLEM_MALFORMED,
                                  "the path or query contains a NUL byte");
    }
    if (request->fields.large_body) {
        return http_reply_problem(request, HTTP_PROBLEM_BODY_TOO_LARGE,
                                  "a body may have %d bytes at most", HTTP_BODY_MAX);
    }
    return MHD_YES;
}

/* A part of the body is here. */
static enum MHD_Result read_body(struct http_request *request, const char *path, const char *method,
                                 const char *upload, size_t *upload_size)
{
    struct http_body *body = &request->body;

    if (body->length == 0) {
        body->wanted = http_route_takes_body(request, path, method);
    }
    bool bounded = http_body_add(body, &request->service->bodies, upload, *upload_size);
    *upload_size = 0;
    return bounded ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **request_data)
{
    struct http_request *request = *request_data;

    (void)context;
    (void)connection;
    if (request == NULL) {
        return MHD_NO; /* memory was out when the connection was opened */
    }
    switch (request->step) {
    case HTTP_STEP_HEADERS:
        return read_headers(request, version);
    case HTTP_STEP_BODY:
        if (*upload_size > 0) {
            return read_body(request, path, method, upload, upload_size);
        }
        return http_route(request, path, method);
    case HTTP_STEP_LEASE:
        return http_next_go_on(request);
    }
    return MHD_NO;
}

/* The answer was sent, or the request was given up. */
static void on_completed(void *context, struct MHD_Connection *connection, void **request_data,
                         enum MHD_RequestTerminationCode code)
{
    struct http_service *service = context;
    struct http_request *request = *request_data;

    (void)connection;
    (void)code;
    if (request != NULL) {
        if (request->body.length > 0) {
            http_body_reset(&request->body, &service->bodies);
        }
        http_timed_end(&request->timed, &service->deadline);
    }
}

/* ---- start and stop ---- */

static unsigned choose_threads(const struct http_options *options)
{
    cpu_set_t processors;
    int threads = (int)options->threads;

    /* Those that we may run on: with more threads than that, each request costs more. */
    if (threads == 0) {
        threads =
            sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    }
    return threads > THREADS_MAX ? THREADS_MAX : (unsigned)threads;
}

/* `fd` listens, and is given away: the library closes it. */
static struct MHD_Daemon *start_daemon(struct http_service *service,
                                       const struct http_options *options, int fd)
{
    unsigned threads = choose_threads(options);
    struct MHD_OptionItem pool[] = {
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG,
        0, on_knock, service, on_request, service, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)options->buffer_bytes,
        MHD_OPTION_CONNECTION_LIMIT, options->max_connections, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, service, MHD_OPTION_URI_LOG_CALLBACK, on_target, service,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        service, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
}

/* Start the threads, none of which may be the one that a signal to the process reaches. `fd` is
 * given away. */
static enum error start_threads(struct http *http, const struct http_options *options, int fd,
                                struct error_detail *detail)
{
    enum error error = ERR_OK;
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for our own bugs */
    http->daemon = start_daemon(&http->service, options, fd);
    if (http->daemon == NULL) {
        error = error_fail(detail, ERR_NO_MEMORY, "the HTTP threads could not be started");
    } else if (http_reaper_start(&http->service.deadline, &http->reaper) != ERR_OK) {
        error = error_fail(detail, ERR_NO_MEMORY,
                           "the thread that keeps the time of requests could not be started");
        MHD_stop_daemon(http->daemon);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
    return error;
}

enum error http_start(const struct http_options *options, struct registry *registry,
                      struct keeper *keeper, struct http **ret_http, struct error_detail *detail)
{
    assert(options->max_connections >= 1);
    assert(options->buffer_bytes >= HTTP_BUFFER_MIN && options->buffer_bytes <= HTTP_BUFFER_MAX);
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL || http_service_init(&http->service, registry, keeper,
                                          (size_t)options->buffer_bytes) != ERR_OK) {
        free(http);
        return error_fail(detail, ERR_NO_MEMORY, "memory is out");
    }
    http_alter(http, options);
    int fd = -1;
    enum error error = http_listen(options->address, options->port, &fd, &http->port, detail);
    if (error == ERR_OK) {
        error = start_threads(http, options, fd, detail);
    }
    if (error != ERR_OK) {
        http_service_fini(&http->service);
        free(http);
        return error;
    }
    *ret_http = http;
    return ERR_OK;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
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
    http_service_alter(&http->service, options->max_count, options->wait_timeout_ms,
                       options->default_sequence);
}

unsigned http_drain(struct http *http, unsigned timeout_ms)
{
    http_service_drain(&http->service);
    return http_deadline_wait_quiet(&http->service.deadline,
                                    clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS));
}

void http_stop(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http_service_wait_settled(&http->service);
    (void)http_drain(http, FAREWELL_MS); /* who is not done by then is cut off */
    http_reaper_stop(http->reaper);
    MHD_stop_daemon(http->daemon);
    http_service_fini(&http->service);
    free(http);
}
