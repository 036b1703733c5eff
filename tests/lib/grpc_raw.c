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

#define AWAIT_MS 20000

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

static void send_some(struct grpc_raw *raw, size_t *sent)
{
    ssize_t step = send(http_client_socket(raw->wire), raw->out + *sent, raw->out_length - *sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

    *sent += step > 0 ? (size_t)step : 0;
}

static void receive_some(struct grpc_raw *raw, struct grpc_verdict *verdict)
{
    ssize_t length = recv(http_client_socket(raw->wire), raw->in + raw->in_length,
                          sizeof raw->in - raw->in_length, MSG_DONTWAIT);

    if (length > 0) {
        raw->in_length += (size_t)length;
        size_t used = judge_frames(verdict, raw->in, raw->in_length);
        memmove(raw->in, raw->in + used, raw->in_length - used);
        raw->in_length -= used;
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        verdict->closed = true;
    }
}

static bool has_come(const struct grpc_verdict *verdict, const struct grpc_verdict *least)
{
    return verdict->acks >= least->acks && verdict->resets >= least->resets &&
           verdict->headers >= least->headers && (verdict->goaway || !least->goaway);
}

/* Until `least` has come, where there is one. False when the time is over first. */
static bool exchange(struct grpc_raw *raw, const struct grpc_verdict *least, unsigned timeout_ms,
                     struct grpc_verdict *ret_verdict)
{
    struct instant until = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    size_t sent = 0;
    bool done = false;

    *ret_verdict = (struct grpc_verdict){.closed = false};
    while (!done && !clock_reached(until, clock_now())) {
        bool more = sent < raw->out_length;
        struct pollfd ready = {.fd = http_client_socket(raw->wire),
                               .events = (short)(POLLIN | (more ? POLLOUT : 0))};

        (void)poll(&ready, 1, 20); /* what was missed is seen in the next turn */
        if (more) {
            send_some(raw, &sent);
        }
        receive_some(raw, ret_verdict);
        done = ret_verdict->closed ||
               (least != NULL && sent == raw->out_length && has_come(ret_verdict, least));
    }
    raw->out_length = 0;
    return done;
}

struct grpc_verdict grpc_raw_exchange(struct grpc_raw *raw, unsigned timeout_ms)
{
    struct grpc_verdict verdict;

    (void)exchange(raw, NULL, timeout_ms, &verdict); /* the time may well be over */
    return verdict;
}

struct grpc_verdict grpc_raw_await(struct grpc_raw *raw, struct grpc_verdict least)
{
    struct grpc_verdict verdict;

    if (!exchange(raw, &least, AWAIT_MS, &verdict)) {
        fail_msg("not within %d ms: %u acks, %u resets, %u headers, goaway %d", AWAIT_MS,
                 verdict.acks, verdict.resets, verdict.headers, (int)verdict.goaway);
    }
    return verdict;
}
