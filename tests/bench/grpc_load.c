/* grpc_load: what h2load cannot do for the benchmarks of gRPC.
 *
 *   grpc_load stream PORT COUNT IN-FLIGHT SECONDS   numbers a second over one call of Stream
 * grpc_load idle PORT CONNECTIONS PID             memory of the server with so many idle
 * connections / */
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 32
#define CHUNK (256 * 1024)

struct load {
    int fd;
    nghttp2_session *session;
    int32_t stream;
    uint8_t request[REQUEST_MAX]; /* with its head; all are alike */
    size_t request_length;
    uint64_t due;     /* requests that may be sent */
    size_t partial;   /* bytes of the one that is half sent */
    uint64_t answers; /* that have come */
    uint8_t head[5];  /* of the answer that is half here, … */
    size_t head_length;
    size_t offset; /* … how far it has come, … */
    size_t left;   /* … and what is left of it */
    bool deferred;
};

static void die(const char *what)
{
    fprintf(stderr, "grpc_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t length, int flags,
                       void *context)
{
    struct load *load = context;
    ssize_t sent = send(load->fd, bytes, length, MSG_NOSIGNAL);

    (void)session;
    (void)flags;
    return sent < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : sent;
}

/* Count the messages that end in these bytes. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *context)
{
    struct load *load = context;

    (void)session;
    (void)flags;
    (void)stream;
    while (length > 0) {
        if (load->head_length < 5) {
            load->head[load->head_length++] = *bytes++;
            length--;
            load->left = load->head_length == 5 ? (size_t)load->head[3] << 8 | load->head[4] : 0;
        }
        if (load->head_length == 5) {
            size_t step = load->left < length ? load->left : length;

            /* Behind the tag, in bytes 0 and 1, stands the block, or the failure. */
            if (load->offset <= 2 && load->offset + step > 2 && bytes[2 - load->offset] != 0x12) {
                fputs("grpc_load: a request was refused\n", stderr);
                exit(1);
            }
            load->offset += step;
            load->left -= step;
            bytes += step;
            length -= step;
            if (load->left == 0) {
                load->head_length = 0;
                load->offset = 0;
                load->answers++;
                load->due++;
            }
        }
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    (void)session;
    (void)stream;
    (void)code;
    (void)context;
    fputs("grpc_load: the call has ended\n", stderr);
    exit(1);
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct load *load = context;
    size_t length = 0;

    (void)session;
    (void)stream;
    (void)flags;
    (void)source;
    while (load->due > 0 && length < room) {
        size_t step = load->request_length - load->partial;

        step = step < room - length ? step : room - length;
        memcpy(to + length, load->request + load->partial, step);
        length += step;
        load->partial += step;
        if (load->partial == load->request_length) {
            load->partial = 0;
            load->due--;
        }
    }
    load->deferred = length == 0;
    return length == 0 ? NGHTTP2_ERR_DEFERRED : (ssize_t)length;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        die("connect");
    }
    return fd;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static void open_stream(struct load *load)
{
    nghttp2_session_callbacks *callbacks = NULL;
    const nghttp2_nv fields[] = {field(":method", "POST"),
                                 field(":scheme", "http"),
                                 field(":path", "/seqd.v1.SequenceService/Stream"),
                                 field(":authority", "bench"),
                                 field("te", "trailers"),
                                 field("content-type", "application/grpc")};
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    nghttp2_data_provider provider = {.read_callback = read_body};

    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        die("memory");
    }
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    if (nghttp2_session_client_new(&load->session, callbacks, load) != 0 ||
        nghttp2_submit_settings(load->session, NGHTTP2_FLAG_NONE, &window, 1) != 0) {
        die("session");
    }
    nghttp2_session_callbacks_del(callbacks);
    load->stream = nghttp2_submit_request(load->session, NULL, fields, 6, &provider, NULL);
}

/* tag 1, count `count`. */
static void write_request(struct load *load, uint64_t count)
{
    uint8_t *to = load->request + 5;

    *to++ = 1 << 3;
    *to++ = 1;
    *to++ = 3 << 3;
    while (count >= 0x80) {
        *to++ = (uint8_t)(count | 0x80);
        count >>= 7;
    }
    *to++ = (uint8_t)count;
    load->request_length = (size_t)(to - load->request);
    load->request[4] = (uint8_t)(load->request_length - 5);
}

static int run_stream(uint16_t port, uint64_t count, uint64_t in_flight, uint64_t seconds)
{
    static uint8_t bytes[CHUNK];
    struct load load = {.fd = connect_to(port), .due = in_flight};

    write_request(&load, count);
    open_stream(&load);
    struct instant begin = clock_now();
    struct instant until = clock_after(begin, seconds * CLOCK_NS_PER_S);
    while (!clock_reached(until, clock_now())) {
        if (load.deferred && load.due > 0) {
            (void)nghttp2_session_resume_data(load.session, load.stream); /* it is deferred */
        }
        if (nghttp2_session_send(load.session) != 0) {
            die("send");
        }
        ssize_t length = recv(load.fd, bytes, sizeof bytes, 0);
        if (length <= 0 || nghttp2_session_mem_recv(load.session, bytes, (size_t)length) < 0) {
            die("receive");
        }
    }
    double elapsed = (double)clock_elapsed(begin, clock_now()) / (double)CLOCK_NS_PER_S;
    printf("%.0f numbers/s (%.0f answers/s, count %llu, %llu in flight)\n",
           (double)(load.answers * count) / elapsed, (double)load.answers / elapsed,
           (unsigned long long)count, (unsigned long long)in_flight);
    return 0;
}

/* Resident memory of a process, in KiB. */
static unsigned long long resident(const char *pid)
{
    char path[64];
    char line[256];
    unsigned long long value = 0;

    snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            value = strtoull(line + 6, NULL, 10);
        }
    }
    if (file == NULL || fclose(file) != 0) {
        die(path);
    }
    return value;
}

/* Each connection has greeted and its settings were acknowledged. */
static int run_idle(uint16_t port, uint64_t connections, const char *pid)
{
    static const uint8_t hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    unsigned long long before = resident(pid);

    for (uint64_t i = 0; i < connections; i++) {
        uint8_t bytes[512];
        int fd = connect_to(port);
        size_t got = 0;

        if (send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL) != (ssize_t)sizeof hello - 1) {
            die("send");
        }
        while (got < 49) { /* SETTINGS, WINDOW_UPDATE, and the acknowledgement of ours */
            ssize_t length = recv(fd, bytes, sizeof bytes, 0);
            if (length <= 0) {
                die("receive");
            }
            got += (size_t)length;
        }
    }
    unsigned long long after = resident(pid);
    printf("%.1f KiB a connection, %llu KiB in all with %llu\n",
           (double)(after - before) / (double)connections, after, (unsigned long long)connections);
    return 0;
}

static uint64_t number(const char *text, uint64_t max)
{
    uint64_t value = 0;

    if (text_parse_uint64(text, max, &value) != ERR_OK) {
        fprintf(stderr, "grpc_load: '%s' is no number up to %llu\n", text, (unsigned long long)max);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "stream") == 0) {
        return run_stream((uint16_t)number(argv[2], UINT16_MAX), number(argv[3], 1000000),
                          number(argv[4], 100000), number(argv[5], 3600));
    }
    if (argc == 5 && strcmp(argv[1], "idle") == 0) {
        return run_idle((uint16_t)number(argv[2], UINT16_MAX), number(argv[3], 100000), argv[4]);
    }
    fputs("grpc_load stream PORT COUNT IN-FLIGHT SECONDS | idle PORT CONNECTIONS PID\n", stderr);
    return 2;
}
