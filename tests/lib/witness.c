#include "witness.h"

#include "base/clock.h"
#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_OF_A_CONNECTION 10
#define PAUSE_MS 1 /* between two requests: it watches, and is no load */
#define PATIENCE_MS 30000
#define REQUESTS_MIN 50 /* however short what happens is */

struct witness {
    uint16_t port;
    const char *path;
    pthread_t thread;
    _Atomic bool stop;
    struct testimony testimony; /* the thread's, until it has ended */
};

static struct http_client *come_in(const struct witness *witness)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000002)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(witness->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (witness->path != NULL) {
        return http_client_unix(witness->path);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("witness");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    return http_client_adopt(fd);
}

/* Draw once. False when that failed. */
static bool draw(struct http_client *client)
{
    struct http_answer answer;

    if (client == NULL || !http_client_print(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") ||
        http_client_receive(client, PATIENCE_MS, false, &answer) != HTTP_CLIENT_ANSWERED) {
        return false;
    }
    bool good = answer.status == 200;
    http_answer_free(&answer);
    return good;
}

static void *watch(void *argument)
{
    struct witness *witness = argument;
    struct testimony *testimony = &witness->testimony;
    struct http_client *client = NULL;

    /* order: relaxed; a request more or less does not matter. */
    while (testimony->requests < REQUESTS_MIN ||
           !atomic_load_explicit(&witness->stop, memory_order_relaxed)) {
        struct instant began = clock_now();
        if (testimony->requests % REQUESTS_OF_A_CONNECTION == 0) {
            http_client_close(client);
            client = come_in(witness);
        }
        bool good = draw(client);
        histogram_add(&testimony->latency_ns, clock_elapsed(began, clock_now()));
        testimony->requests++;
        if (!good) {
            testimony->failures++;
            http_client_close(client);
            client = come_in(witness);
        }
        (void)poll(NULL, 0, PAUSE_MS);
    }
    http_client_close(client);
    return NULL;
}

struct witness *witness_start(uint16_t port, const char *path)
{
    struct witness *witness = calloc(1, sizeof *witness);

    if (witness == NULL) {
        abort();
    }
    witness->port = port;
    witness->path = path;
    if (pthread_create(&witness->thread, NULL, watch, witness) != 0) {
        abort();
    }
    return witness;
}

void witness_stop(struct witness *witness, struct testimony *ret_testimony)
{
    /* order: relaxed; what the thread wrote is read after its end. */
    atomic_store_explicit(&witness->stop, true, memory_order_relaxed);
    if (pthread_join(witness->thread, NULL) != 0) {
        abort();
    }
    *ret_testimony = witness->testimony;
    free(witness);
}
