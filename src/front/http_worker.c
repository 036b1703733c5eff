#include "http_worker.h"

#include "base/log.h"
#include "http_admin.h"
#include "http_fields.h"
#include "http_next.h"
#include "http_reply.h"
#include "http_request.h"
#include "http_route.h"

#include <gnutls/abstract.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the library gets of memory for a connection, in buffer_bytes. Half of it may be full of what
 * waits in the pipeline; without as much again, a request with many headers leaves no room for its
 * answer, and the library closes the connection over numbers that were taken. */
#define POOL_BUFFERS 2

/* ---- connections ---- */

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments)
{
    char line[LOG_LINE_SIZE];

    (void)context;
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    log_debug("http: %s", line); /* clients cause these; none needs an administrator */
}

static const struct sockaddr *address_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

/* Give the session its certificate, for as long as the connection is open. */
static void begin_tls(struct http_worker *worker, struct http_request *request)
{
    gnutls_session_t session =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
            ->tls_session;

    request->identity = tls_hold(worker->tls);
    /* On a failure it has libmicrohttpd's, which are none, and the handshake fails. */
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                 tls_credentials(request->identity));
}

static void *open_connection(struct http_worker *worker, struct MHD_Connection *connection)
{
    struct http_service *service = worker->service;
    struct http_request *request = calloc(1, sizeof *request);

    if (request == NULL) {
        http_deadline_unexpect(&service->deadline);
        return NULL; /* without it, the first request ends the connection */
    }
    request->service = service;
    request->connection = connection;
    request->client.peer = access_peer_of(address_of(connection));
    if (worker->tls != NULL) {
        begin_tls(worker, request);
    }
    http_deadline_add(
        &service->deadline, &request->timed,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    return request;
}

static void close_connection(struct http_worker *worker, struct MHD_Connection *connection,
                             struct http_request *request)
{
    struct http_service *service = worker->service;

    if (request != NULL) {
        bool over = http_deadline_remove(&service->deadline, &request->timed);
        if (worker->tls != NULL && !request->asked && !over && !http_service_draining(service)) {
            refusals_note(&service->refusals, REFUSAL_TLS, request->timed.fd);
        }
        tls_release(request->identity);
        http_body_reset(&request->body, &service->bodies);
        free(request);
    }
    guests_leave(&service->guests, guest_of(address_of(connection)));
    /* order: relaxed; the door only wants to know who has less to do. */
    atomic_fetch_sub_explicit(&worker->connections, 1, memory_order_relaxed);
}

/* A connection was opened, or is about to be closed; its TLS session, if any, lives from before the
 * one until before the other. */
static void on_connection(void *context, struct MHD_Connection *connection, void **connection_data,
                          enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *connection_data = open_connection(context, connection);
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        close_connection(context, connection, *connection_data);
        break;
    }
}

/* ---- requests ---- */

/* A request line is here. What this returns comes back as the request's data. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct http_request *request =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)context;
    if (request != NULL) {
        http_timed_begin(&request->timed);
        request->asked = true;
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

    return distance > 1 && distance < POOL_BUFFERS * request->service->buffer_bytes;
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
    case HTTP_STEP_CHANGE:
        return http_admin_go_on(request);
    }
    return MHD_NO;
}

/* The answer was sent, or the request was given up. */
static void on_completed(void *context, struct MHD_Connection *connection, void **request_data,
                         enum MHD_RequestTerminationCode code)
{
    struct http_worker *worker = context;
    struct http_request *request = *request_data;

    (void)connection;
    (void)code;
    if (request != NULL) {
        if (request->body.length > 0) {
            http_body_reset(&request->body, &worker->service->bodies);
        }
        request->answered = true;
        http_timed_end(&request->timed, &worker->service->deadline);
    }
}

/* ---- start and stop ---- */

/* libmicrohttpd wants to be told of a certificate before it speaks TLS. Each session is given its
 * own before its handshake, so this is never asked. */
static int no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certificates, unsigned *count,
                          gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count, gnutls_privkey_t *key,
                          unsigned *flags)
{
    (void)session;
    (void)info;
    (void)certificates;
    (void)count;
    (void)ocsp;
    (void)ocsp_count;
    (void)key;
    (void)flags;
    return -1;
}

enum error http_worker_start(struct http_worker *worker, struct http_service *service,
                             struct tls *tls)
{
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)no_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    static struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

    *worker = (struct http_worker){.service = service, .tls = tls};
    /* It has no limit of connections of its own: the door counts them. */
    worker->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET | (tls != NULL ? MHD_USE_TLS : 0U),
        0, NULL, NULL, on_request, worker, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        POOL_BUFFERS * service->buffer_bytes, MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        worker, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, worker, MHD_OPTION_ARRAY, tls != NULL ? secure : plain, MHD_OPTION_END);
    return worker->daemon != NULL ? ERR_OK : ERR_NO_MEMORY;
}

void http_worker_stop(struct http_worker *worker)
{
    MHD_stop_daemon(worker->daemon);
    worker->daemon = NULL;
}

void http_worker_admit(struct http_worker *worker, int fd, const struct sockaddr *address,
                       socklen_t size)
{
    struct http_service *service = worker->service;

    /* order: relaxed; see close_connection(). */
    atomic_fetch_add_explicit(&worker->connections, 1, memory_order_relaxed);
    http_deadline_expect(&service->deadline);
    if (MHD_add_connection(worker->daemon, fd, address, size) != MHD_YES) {
        http_deadline_unexpect(&service->deadline);
        guests_leave(&service->guests, guest_of(address));
        /* order: relaxed; see close_connection(). */
        atomic_fetch_sub_explicit(&worker->connections, 1, memory_order_relaxed);
    }
}

unsigned http_worker_load(struct http_worker *worker)
{
    /* order: relaxed; see close_connection(). */
    return atomic_load_explicit(&worker->connections, memory_order_relaxed);
}
