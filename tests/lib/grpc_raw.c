#include "grpc_raw.h"

#include "base/clock.h"
#include "http_client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct grpc_raw *grpc_raw_open(uint16_t port)
{
    struct grpc_raw *raw = calloc(1, sizeof *raw);

    assert_non_null(raw);
    raw->wire = http_client_open(port);
    return raw;
}

void grpc_raw_close(struct grpc_raw *raw)
{
    http_client_close(raw->wire);
    free(raw->out);
    free(raw);
}

/* ---- what is sent ---- */

void grpc_raw_add(struct grpc_raw *raw, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    if (raw->out_length + length > raw->out_room) {
        raw->out_room = 2 * (raw->out_length + length);
        raw->out = realloc(raw->out, raw->out_room);
        assert_non_null(raw->out);
    }
    memcpy(raw->out + raw->out_length, bytes, length);
    raw->out_length += length;
}

void grpc_raw_frame(struct grpc_raw *raw, uint8_t type, uint8_t flags, uint32_t stream,
                    const void *payload, size_t length)
{
    const uint8_t head[] = {(uint8_t)(length >> 16),
                            (uint8_t)(length >> 8),
                            (uint8_t)length,
                            type,
                            flags,
                            (uint8_t)(stream >> 24),
                            (uint8_t)(stream >> 16),
                            (uint8_t)(stream >> 8),
                            (uint8_t)stream};

    grpc_raw_add(raw, head, sizeof head);
    grpc_raw_add(raw, payload, length);
}

void grpc_raw_preface(struct grpc_raw *raw)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    grpc_raw_add(raw, magic, sizeof magic - 1);
    grpc_raw_frame(raw, SETTINGS, 0, 0, NULL, 0);
}

/* A field as a literal that is not indexed. */
size_t grpc_raw_put_field(uint8_t *to, const char *name, const char *value)
{
    size_t name_length = strlen(name);
    size_t value_length = strlen(value);

    assert_true(name_length < 127 && value_length < 127);
    to[0] = 0;
    to[1] = (uint8_t)name_length;
    memcpy(to + 2, name, name_length);
    to[2 + name_length] = (uint8_t)value_length;
    memcpy(to + 3 + name_length, value, value_length);
    return 3 + name_length + value_length;
}

/* The header block of a call of Next. */
size_t grpc_raw_put_head(uint8_t *to)
{
    size_t length = grpc_raw_put_field(to, ":method", "POST");

    length += grpc_raw_put_field(to + length, ":scheme", "http");
    length += grpc_raw_put_field(to + length, ":authority", "test");
    length += grpc_raw_put_field(to + length, ":path", "/seqd.v1.SequenceService/Next");
    length += grpc_raw_put_field(to + length, "content-type", "application/grpc");
    return length;
}

void grpc_raw_call(struct grpc_raw *raw, uint32_t stream, uint8_t flags)
{
    uint8_t head[256];

    grpc_raw_frame(raw, HEADERS, (uint8_t)(END_HEADERS | flags), stream, head,
                   grpc_raw_put_head(head));
}

void grpc_raw_number(struct grpc_raw *raw, uint8_t type, uint32_t stream, uint32_t value)
{
    const uint8_t payload[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};

    grpc_raw_frame(raw, type, 0, stream, payload, sizeof payload);
}

/* ---- what comes back ---- */

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void judge_frame(struct grpc_verdict *verdict, const uint8_t *frame, size_t length)
{
    switch (frame[3]) {
    case GOAWAY:
        verdict->goaway = true;
        verdict->code = number_at(frame + 13);
        size_t words = length - 8 < sizeof verdict->words ? length - 8 : sizeof verdict->words - 1;
        memcpy(verdict->words, frame + 17, words);
        verdict->words[words] = '\0';
        break;
    case RST_STREAM:
        verdict->resets++;
        verdict->reset = number_at(frame + 9);
        break;
    case PING:
    case SETTINGS:
        verdict->acks += (frame[4] & ACK) != 0 ? 1 : 0;
        break;
    case HEADERS:
        verdict->headers++;
        break;
    default:
        break;
    }
}

/* Frames that are whole; returns how many bytes they take. */
static size_t judge_frames(struct grpc_verdict *verdict, const uint8_t *bytes, size_t length)
{
    size_t at = 0;

    while (length - at >= 9) {
        size_t size = (size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2];

        if (length - at - 9 < size) {
            break;
        }
        judge_frame(verdict, bytes + at, size);
        at += 9 + size;
    }
    return at;
}

/* Send everything and read meanwhile, until the server closes, or for `timeout_ms`. */
struct grpc_verdict grpc_raw_exchange(struct grpc_raw *raw, unsigned timeout_ms)
{
    static uint8_t in[1 << 20];
    struct grpc_verdict verdict = {.closed = false};
    struct instant until = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    size_t sent = 0;
    size_t held = 0;
    int fd = http_client_socket(raw->wire);

    while (!verdict.closed && !clock_reached(until, clock_now())) {
        bool more = sent < raw->out_length;
        struct pollfd ready = {.fd = fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};

        (void)poll(&ready, 1, 20);
        if (more) {
            ssize_t step =
                send(fd, raw->out + sent, raw->out_length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += step > 0 ? (size_t)step : 0;
        }
        ssize_t length = recv(fd, in + held, sizeof in - held, MSG_DONTWAIT);
        if (length > 0) {
            held += (size_t)length;
            size_t used = judge_frames(&verdict, in, held);
            memmove(in, in + used, held - used);
            held -= used;
        } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
            verdict.closed = true;
        }
    }
    raw->out_length = 0;
    return verdict;
}
