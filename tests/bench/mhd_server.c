/* mhd_server: bare libmicrohttpd, with its default memory pool, answering an atomic counter: what
 * the library costs before seqd does anything.
 *
 *   mhd_server PORT    listens on 127.0.0.1; ends by SIGTERM */
#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic uint64_t last;

/* libmicrohttpd calls once when the headers are here and again when the request is whole; an answer
 * in the first call would close the connection. */
static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    (void)closure, (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    if (*request == NULL) {
        *request = &last;
        return MHD_YES;
    }
    /* order: relaxed. The number is all that is shared; nothing rides on it. */
    uint64_t number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    char body[TEXT_INT64_SIZE + 1];
    size_t length = text_format_int64(body, (int64_t)number);
    body[length++] = '\n';
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_NO;
    if (MHD_add_response_header(response, "Content-Type", "text/plain") == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES) {
        result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    }
    MHD_destroy_response(response);
    return result;
}

int main(int argc, char **argv)
{
    uint64_t port;
    if (argc != 2 || text_parse_uint64(argv[1], UINT16_MAX, &port) != ERR_OK) {
        (void)fprintf(stderr, "usage: mhd_server PORT\n");
        return EXIT_FAILURE;
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
                         NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL) {
        (void)fprintf(stderr, "mhd_server: cannot listen on port %s\n", argv[1]);
        return EXIT_FAILURE;
    }
    (void)pause();
    MHD_stop_daemon(daemon);
    return EXIT_SUCCESS;
}
