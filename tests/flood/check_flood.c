/* check_flood: clients that mean no good, and one that only wants its numbers meanwhile.
 *
 *   CONNECTIONS=n  slow ones at a time (10,000, or as many as the limit of open files allows)
 *   ATTEMPTS=n     connections from one address, header bombs, and TLS handshakes of random bytes
 *                  (1,000 each)
 *   SEED=n         of the random bytes
 *
 * Each attack must end in a refusal or a closed connection, the server's memory must stay within
 * its bound, and every request of the witness must be answered with 200.
 *
 * Exit status 0 when all did, 1 when not, 2 for a bad knob. */
#include "base/clock.h"
#include "certificate.h"
#include "chance.h"
#include "daemon.h"
#include "dir.h"
#include "http_client.h"
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_DEFAULT 10000
#define ATTEMPTS_DEFAULT 1000
#define KNOB_MAX 100000
#define OTHER_FILES 256
#define PATIENCE_NS (120 * CLOCK_NS_PER_S)
#define DRIP_MS 500
#define PER_ADDRESS 100
#define BOMB_BYTES (256 * 1024)

/* What a connection may cost the server at most with buffer_size = 4KiB: docs/ACCESS.md. */
#define CONNECTION_KIB_MAX 8

struct flood {
    uint64_t connections;
    uint64_t attempts;
    uint64_t seed;
    struct dir data;
    struct dir folder;
    struct dir socket;
    struct daemon *daemon;
    bool good;
};

__attribute__((format(printf, 3, 4))) static void expect(struct flood *flood, bool good,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (!good) {
        (void)printf("  FAILED: ");
        (void)vprintf(format, arguments);
        (void)printf("\n");
        flood->good = false;
    }
    va_end(arguments);
}

/* ---- the server ---- */

static void configure(const struct flood *flood, const char *more)
{
    char text[2048];
    int length = snprintf(text, sizeof text,
                          "[http]\nlisten = 127.0.0.1:0\nsocket = %s\nmax_connections = %" PRIu64
                          "\nidle_timeout = 8s\nrequest_timeout = 8s\nwait_timeout = 2s\n%s",
                          flood->socket.path, flood->connections + OTHER_FILES, more);

    dir_write(&flood->folder, "seqd.conf", text, (size_t)length);
}

static void start(struct flood *flood)
{
    struct dir file = dir_entry(&flood->folder, "seqd.conf");

    flood->daemon =
        daemon_spawn((const char *const[]){"-c", file.path, "-d", flood->data.path, NULL}, NULL);
    if (!daemon_says(flood->daemon, "serves 1 sequence", 1, DAEMON_TIMEOUT_MS)) {
        (void)fprintf(stderr, "%s", daemon_stderr(flood->daemon));
        exit(1);
    }
}

static void stop(struct flood *flood)
{
    expect(flood, daemon_stop(flood->daemon) == 0, "the daemon did not stop cleanly");
    daemon_free(flood->daemon);
    flood->daemon = NULL;
}

/* The port of the TCP listener, whatever it speaks. */
static uint16_t port_of(struct flood *flood)
{
    const char *start = strstr(daemon_stdout(flood->daemon), "://127.0.0.1:");

    return start != NULL ? (uint16_t)strtoul(start + strlen("://127.0.0.1:"), NULL, 10) : 0;
}

static uint64_t metric(struct flood *flood, const char *name)
{
    struct http_client *client = http_client_unix(flood->socket.path);
    char start[96];

    if (client == NULL) {
        return 0;
    }
    struct http_answer answer = http_client_ask(client, "GET", "/metrics", "");
    (void)snprintf(start, sizeof start, "\n%s ", name);
    const char *line = strstr(answer.body, start);
    uint64_t value = line != NULL ? strtoull(line + strlen(start), NULL, 10) : 0;
    http_answer_free(&answer);
    http_client_close(client);
    return value;
}

static uint64_t refused(struct flood *flood, const char *reason)
{
    char name[96];

    (void)snprintf(name, sizeof name, "seqd_http_refusals_total{reason=\"%s\"}", reason);
    return metric(flood, name);
}

/* Wait until at least so many were refused. */
static void await_refused(struct flood *flood, const char *reason, uint64_t count)
{
    struct instant until = clock_after(clock_now(), PATIENCE_NS);

    while (refused(flood, reason) < count && !clock_reached(until, clock_now())) {
        (void)poll(NULL, 0, 50); /* between two looks */
    }
    uint64_t found = refused(flood, reason);
    expect(flood, found == count, "refused (%s): %" PRIu64 " instead of %" PRIu64, reason, found,
           count);
}

/* Wait until all have left but the one who asks. */
static void await_quiet(struct flood *flood)
{
    struct instant until = clock_after(clock_now(), PATIENCE_NS);

    while (metric(flood, "seqd_http_connections") > 1 && !clock_reached(until, clock_now())) {
        (void)poll(NULL, 0, 50); /* between two looks */
    }
}

/* Resident memory, in KiB. */
static uint64_t resident_kib(const struct flood *flood)
{
    char path[64];
    char line[128];
    uint64_t kib = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)daemon_pid(flood->daemon));
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

static void hear(struct flood *flood, struct witness *witness)
{
    struct testimony testimony;

    witness_stop(witness, &testimony);
    (void)printf("  meanwhile: %" PRIu64 " requests of another client, %" PRIu64
                 " failed; latency us p50 %" PRIu64 ", p99 %" PRIu64 ", max %" PRIu64 "\n",
                 testimony.requests, testimony.failures,
                 histogram_quantile(&testimony.latency_ns, 500) / 1000,
                 histogram_quantile(&testimony.latency_ns, 990) / 1000,
                 testimony.latency_ns.max / 1000);
    expect(flood, testimony.failures == 0, "the witness was not served");
    expect(flood, testimony.requests > 0, "the witness saw nothing");
}

/* ---- connections ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        perror("check_flood: connect");
        exit(1);
    }
    return fd;
}

/* Send what goes; a server that has closed does not take it, which is seen by reading. */
static void send_some(int fd, const void *bytes, size_t length)
{
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
}

enum ending {
    ENDING_NOT_YET,
    ENDING_CLOSED,
    ENDING_REFUSED, /* answered with 4xx */
    ENDING_SERVED,  /* answered otherwise: none may be */
};

/* What has become of the connection so far? */
static enum ending look_at(int fd)
{
    char text[64];
    ssize_t length = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    if (length > 0) {
        text[length] = '\0';
        return strncmp(text, "HTTP/1.1 4", 10) == 0 ? ENDING_REFUSED : ENDING_SERVED;
    }
    return length == 0 || errno != EAGAIN ? ENDING_CLOSED : ENDING_NOT_YET;
}

struct endings {
    uint64_t counts[ENDING_SERVED + 1];
};

/* Wait for the end of all `count`, dripping a byte to each now and then; close them. */
static struct endings await_endings(int *fds, uint64_t count, bool drip)
{
    struct endings endings = {.counts = {0}};
    struct instant until = clock_after(clock_now(), PATIENCE_NS);
    uint64_t left = count;

    while (left > 0 && !clock_reached(until, clock_now())) {
        for (uint64_t i = 0; i < count; i++) {
            enum ending ending = fds[i] >= 0 ? look_at(fds[i]) : ENDING_NOT_YET;
            if (ending != ENDING_NOT_YET) {
                endings.counts[ending]++;
                close(fds[i]);
                fds[i] = -1;
                left--;
            } else if (fds[i] >= 0 && drip) {
                send_some(fds[i], "x", 1);
            }
        }
        (void)poll(NULL, 0, drip ? DRIP_MS : 10); /* between two looks */
    }
    endings.counts[ENDING_NOT_YET] = left;
    for (uint64_t i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    return endings;
}

static void judge(struct flood *flood, const struct endings *endings)
{
    (void)printf("  closed %" PRIu64 ", refused %" PRIu64 "\n", endings->counts[ENDING_CLOSED],
                 endings->counts[ENDING_REFUSED]);
    expect(flood, endings->counts[ENDING_NOT_YET] == 0, "%" PRIu64 " were not closed",
           endings->counts[ENDING_NOT_YET]);
    expect(flood, endings->counts[ENDING_SERVED] == 0, "%" PRIu64 " were served",
           endings->counts[ENDING_SERVED]);
}

static int *places_for(uint64_t count)
{
    int *fds = calloc(count, sizeof *fds);

    if (fds == NULL) {
        abort();
    }
    return fds;
}

/* ---- the attacks ---- */

/* Half request lines, half headers, half bodies, and a byte now and then. */
static void be_slow(struct flood *flood)
{
    static const char *const beginnings[] = {
        "GE", "GET / HTTP/1.1\r\nHost: a\r\nX-a: ",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\nx"};
    int *fds = places_for(flood->connections);
    uint16_t port = port_of(flood);
    struct witness *witness = witness_start(port, NULL);

    (void)printf("%" PRIu64 " slow connections\n", flood->connections);
    uint64_t before_kib = resident_kib(flood);
    for (uint64_t i = 0; i < flood->connections; i++) {
        const char *beginning = beginnings[i % 3];
        fds[i] = connect_to(port);
        send_some(fds[i], beginning, strlen(beginning));
    }
    uint64_t open = metric(flood, "seqd_http_connections");
    uint64_t after_kib = resident_kib(flood);
    uint64_t grown_kib = after_kib > before_kib ? after_kib - before_kib : 0;
    (void)printf("  %" PRIu64 " open at once; resident memory %" PRIu64 " KiB, before %" PRIu64
                 " KiB: %.1f KiB a connection\n",
                 open, after_kib, before_kib, (double)grown_kib / (double)flood->connections);
    expect(flood, grown_kib <= flood->connections * CONNECTION_KIB_MAX + 1024,
           "a connection may cost %d KiB", CONNECTION_KIB_MAX);
    struct endings endings = await_endings(fds, flood->connections, true);
    judge(flood, &endings);
    hear(flood, witness);
    uint64_t idle = refused(flood, "idle");
    uint64_t slow = refused(flood, "slow");
    expect(flood, idle + slow >= endings.counts[ENDING_CLOSED],
           "counted as idle %" PRIu64 ", as slow %" PRIu64, idle, slow);
    free(fds);
}

/* More from one address than it may have. */
static void crowd_in(struct flood *flood)
{
    char more[64];
    int *fds = places_for(flood->attempts);
    uint16_t port = port_of(flood);

    (void)printf("%" PRIu64 " connections from one address, %d allowed\n", flood->attempts,
                 PER_ADDRESS);
    await_quiet(flood); /* whose places are free again */
    (void)snprintf(more, sizeof more, "max_connections_per_address = %d\n", PER_ADDRESS);
    configure(flood, more);
    daemon_signal(flood->daemon, SIGHUP);
    expect(flood, daemon_says(flood->daemon, "is reloaded", 1, DAEMON_TIMEOUT_MS), "no reload");
    struct witness *witness = witness_start(port, NULL);
    for (uint64_t i = 0; i < flood->attempts; i++) {
        fds[i] = connect_to(port);
    }
    await_refused(flood, "address-limit",
                  flood->attempts > PER_ADDRESS ? flood->attempts - PER_ADDRESS : 0);
    struct endings endings = await_endings(fds, flood->attempts, false); /* the rest: idle */
    judge(flood, &endings);
    hear(flood, witness);
    free(fds);
    configure(flood, "");
    daemon_signal(flood->daemon, SIGHUP);
    expect(flood, daemon_says(flood->daemon, "is reloaded", 2, DAEMON_TIMEOUT_MS), "no reload");
}

/* A head without an end. */
static void throw_bombs(struct flood *flood)
{
    static char bomb[BOMB_BYTES];
    int *fds = places_for(flood->attempts);
    uint16_t port = port_of(flood);
    struct witness *witness = witness_start(port, NULL);

    (void)printf("%" PRIu64 " header bombs of %d KiB\n", flood->attempts, BOMB_BYTES / 1024);
    for (size_t i = 0; i < sizeof bomb; i++) {
        bomb[i] = "X-bomb: boom\r\n"[i % 14];
    }
    uint64_t before_kib = resident_kib(flood);
    for (uint64_t i = 0; i < flood->attempts; i++) {
        fds[i] = connect_to(port);
        send_some(fds[i], "GET / HTTP/1.1\r\nHost: a\r\n", 25);
        send_some(fds[i], bomb, sizeof bomb);
    }
    struct endings endings = await_endings(fds, flood->attempts, false);
    judge(flood, &endings);
    (void)printf("  resident memory %" PRIu64 " KiB, before %" PRIu64 " KiB\n", resident_kib(flood),
                 before_kib);
    hear(flood, witness);
    free(fds);
}

/* Handshakes of random bytes. The witness asks over the unix socket of the same server. */
static void babble(struct flood *flood)
{
    char more[1536];
    unsigned char bytes[2048];
    struct chance chance = chance_from(flood->seed);
    int *fds = places_for(flood->attempts);

    (void)printf("%" PRIu64 " TLS handshakes of random bytes\n", flood->attempts);
    certificate_write(&flood->folder, "tls", NULL);
    (void)snprintf(more, sizeof more,
                   "tls = all\ntls_certificate = %.500s/tls.pem\ntls_key = %.500s/tls.key\n",
                   flood->folder.path, flood->folder.path);
    configure(flood, more);
    start(flood);
    struct witness *witness = witness_start(0, flood->socket.path);
    uint16_t port = port_of(flood);
    for (uint64_t i = 0; i < flood->attempts; i++) {
        size_t length = 1 + (size_t)chance_below(&chance, sizeof bytes);
        for (size_t j = 0; j < length; j++) {
            bytes[j] = (unsigned char)chance_below(&chance, 256);
        }
        if (i % 2 == 0) {
            memcpy(bytes, "\x16\x03\x01", length < 3 ? length : 3); /* as a handshake begins */
        }
        fds[i] = connect_to(port);
        send_some(fds[i], bytes, length);
        (void)shutdown(fds[i], SHUT_WR);
    }
    struct endings endings = await_endings(fds, flood->attempts, false);
    /* An alert is an answer of TLS, and none of HTTP. */
    endings.counts[ENDING_CLOSED] += endings.counts[ENDING_SERVED];
    endings.counts[ENDING_SERVED] = 0;
    judge(flood, &endings);
    await_refused(flood, "tls", flood->attempts);
    (void)printf("  resident memory %" PRIu64 " KiB\n", resident_kib(flood));
    hear(flood, witness);
    free(fds);
    stop(flood);
}

static uint64_t raise_file_limit(uint64_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* then what there was has to do */
    (void)getrlimit(RLIMIT_NOFILE, &limit); /* succeeded a moment ago */
    uint64_t room = limit.rlim_cur > 2 * OTHER_FILES ? limit.rlim_cur - 2 * OTHER_FILES : 1;
    if (room < wanted) {
        (void)printf("NOT TESTED: %" PRIu64 " connections; the limit of open files allows %" PRIu64
                     "\n",
                     wanted, room);
    }
    return room < wanted ? room : wanted;
}

int main(void)
{
    struct flood flood = {
        .connections = knob("CONNECTIONS", CONNECTIONS_DEFAULT, KNOB_MAX),
        .attempts = knob("ATTEMPTS", ATTEMPTS_DEFAULT, KNOB_MAX),
        .seed = chance_seed(),
        .good = true,
    };
    if (flood.connections == 0 || flood.attempts == 0) {
        (void)fprintf(stderr, "CONNECTIONS and ATTEMPTS are 1 at least\n");
        return 2;
    }
    flood.connections = raise_file_limit(flood.connections);
    flood.data = dir_make();
    flood.folder = dir_make();
    flood.socket = dir_entry(&flood.folder, "socket");
    configure(&flood, "");
    start(&flood);
    be_slow(&flood);
    crowd_in(&flood);
    throw_bombs(&flood);
    stop(&flood);
    babble(&flood);
    (void)printf("%s: the floods\n", flood.good ? "ok" : "FAILED");
    dir_remove(&flood.data);
    dir_remove(&flood.folder);
    return flood.good ? 0 : 1;
}
