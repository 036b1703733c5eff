/* fuzz_grpc_frames: any bytes over a connection to the gRPC front, which runs whole, with its
 * threads and sockets, over the store in memory.
 *
 * The first byte says whether the preface of HTTP/2 and empty SETTINGS come before the others, as
 * nearly always (even).
 *
 * The law: once the client has ended its side, the server ends its own. What it says until then is
 * frames of HTTP/2, whole ones if it ended in peace, none larger than the least limit. And a client
 * that behaves is served meanwhile, with a number above all before. */
#include "law.h"

#include "base/clock.h"
#include "base/log.h"
#include "grpc_client.h"
#include "grpc_raw.h"
#include "grpc_stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define QUIET_MS 3           /* after which no answer to the PING is expected any more */
#define PING_TEXT "fuzzing!" /* as long as that of a PING is */
#define SERVED_EVERY 64      /* inputs */
#define FRAME_HEAD 9         /* bytes */
#define FRAME_MAX 16384      /* bytes, without the head */
#define HEARD_MAX 1048576    /* bytes of what the server says that are looked at */

static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

static struct grpc_stage *stage; /* built with the first input */

static void build(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    stage = grpc_stage_new();
    stage->options.threads = 1;
    stage->options.max_streams = 10;
    grpc_stage_open(stage);
}

static int connect_to_it(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(stage->port)};
    struct linger at_once = {.l_onoff = 1, .l_linger = 0}; /* leaves no port behind that waits */
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    law_holds(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    law_holds(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* What the server has said so far. */
struct heard {
    uint8_t bytes[HEARD_MAX];
    size_t length;
    bool ended;     /* it ended its side … */
    bool broke_off; /* … by breaking off */
};

/* Read once, if something comes within `timeout_ms`. */
static bool hear(int fd, struct heard *heard, int timeout_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    if (poll(&ready, 1, timeout_ms) <= 0) {
        return false;
    }
    law_holds(heard->length < HEARD_MAX);
    ssize_t got = recv(fd, heard->bytes + heard->length, HEARD_MAX - heard->length, 0);
    law_holds(got >= 0 || errno == ECONNRESET);
    heard->ended = got <= 0;
    heard->broke_off = got < 0;
    heard->length += got > 0 ? (size_t)got : 0;
    return true;
}

/* Speak, and hear the answers: those before that to a PING. Where it is taken for a part of
 * something else, none comes, and the wait for it is short. */
static void speak(int fd, const uint8_t *data, size_t size, struct heard *heard)
{
    static const uint8_t ping[] = "\0\0\x08\x06\0\0\0\0\0" PING_TEXT;

    if (data[0] % 2 == 0) {
        (void)send(fd, preface, sizeof preface - 1, MSG_NOSIGNAL);
    }
    (void)send(fd, data + 1, size - 1, MSG_NOSIGNAL); /* it may have closed already */
    (void)send(fd, ping, sizeof ping - 1, MSG_NOSIGNAL);
    while (!heard->ended && hear(fd, heard, QUIET_MS) &&
           memmem(heard->bytes, heard->length, PING_TEXT, sizeof PING_TEXT - 1) == NULL) {
    }
    (void)shutdown(fd, SHUT_WR);
}

static void check_frames(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        law_holds(length >= FRAME_HEAD);
        size_t payload = (size_t)bytes[0] << 16 | (size_t)bytes[1] << 8 | bytes[2];
        law_holds(payload <= FRAME_MAX && payload <= length - FRAME_HEAD);
        law_holds(bytes[3] <= CONTINUATION && bytes[3] != PRIORITY && bytes[3] != PUSH_PROMISE);
        law_holds((bytes[5] & 0x80) == 0);
        bytes += FRAME_HEAD + payload;
        length -= FRAME_HEAD + payload;
    }
}

static void check_service(void)
{
    static unsigned inputs;
    static int64_t last;

    if (inputs++ % SERVED_EVERY == 0) {
        struct grpc_client *client = grpc_client_open(stage->port);
        int64_t number = grpc_stage_next(client);
        law_holds(number > last);
        last = number;
        grpc_client_close(client);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct heard heard;

    if (size == 0) {
        return 0;
    }
    if (stage == NULL) {
        build();
    }
    heard.length = 0;
    heard.ended = false;
    int fd = connect_to_it();
    speak(fd, data, size, &heard);
    while (!heard.ended) {
        law_holds(hear(fd, &heard, PATIENCE_MS)); /* it ends its side */
    }
    if (!heard.broke_off) {
        check_frames(heard.bytes, heard.length);
    }
    close(fd);
    check_service();
    return 0;
}
