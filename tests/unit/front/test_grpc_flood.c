/* What a hostile client may send: floods of frames that ask for nothing, resets, endless headers,
 * too many streams, rubbish. Bytes go out as a test writes them, without a library between; what
 * comes back is read frame by frame. After each, others are served as before. */
#include "grpc_stage.h"
#include "http_client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PUSH_PROMISE = 5,
    PING = 6,
    GOAWAY = 7,
    WINDOW_UPDATE = 8,
    CONTINUATION = 9,
    UNHEARD_OF = 0x42,

    ACK = 1,
    END_STREAM = 1,
    END_HEADERS = 4,

    PROTOCOL_ERROR = 1,
    FLOW_CONTROL_ERROR = 3,
    FRAME_SIZE_ERROR = 6,
    REFUSED_STREAM = 7,
    CANCEL = 8,
    COMPRESSION_ERROR = 9,
    ENHANCE_YOUR_CALM = 11,
};

#define MANY 5000 /* frames of a flood */

struct table {
    struct grpc_stage *stage;
    struct http_client *wire;
    uint8_t *out; /* what will be sent */
    size_t out_length;
    size_t out_room;
};

/* What the server has said until it closed. */
struct verdict {
    bool closed;
    bool goaway;
    uint32_t code; /* of the last GOAWAY */
    char words[64];
    unsigned acks;    /* of PING and SETTINGS */
    unsigned resets;  /* RST_STREAM … */
    uint32_t reset;   /* … and the code of the last */
    unsigned headers; /* HEADERS */
};

static int open_with(void **state, unsigned max_streams)
{
    struct table *table = calloc(1, sizeof *table);

    assert_non_null(table);
    table->stage = grpc_stage_new();
    table->stage->options.max_streams = max_streams;
    grpc_stage_open(table->stage);
    table->wire = http_client_open(table->stage->port);
    *state = table;
    return 0;
}

static int open_stage(void **state)
{
    return open_with(state, 1000);
}

static int open_narrow(void **state)
{
    return open_with(state, 10);
}

static int close_stage(void **state)
{
    struct table *table = *state;
    struct grpc_client *other = grpc_client_open(table->stage->port);

    assert_true(grpc_stage_next(other) >= 1);
    grpc_client_close(other);
    http_client_close(table->wire);
    grpc_stage_close(table->stage);
    free(table->out);
    free(table);
    return 0;
}

/* ---- what is sent ---- */

static void add(struct table *table, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    if (table->out_length + length > table->out_room) {
        table->out_room = 2 * (table->out_length + length);
        table->out = realloc(table->out, table->out_room);
        assert_non_null(table->out);
    }
    memcpy(table->out + table->out_length, bytes, length);
    table->out_length += length;
}

static void add_frame(struct table *table, uint8_t type, uint8_t flags, uint32_t stream,
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

    add(table, head, sizeof head);
    add(table, payload, length);
}

static void add_preface(struct table *table)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    add(table, magic, sizeof magic - 1);
    add_frame(table, SETTINGS, 0, 0, NULL, 0);
}

/* A field as a literal that is not indexed. */
static size_t put_field(uint8_t *to, const char *name, const char *value)
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
static size_t put_head(uint8_t *to)
{
    size_t length = put_field(to, ":method", "POST");

    length += put_field(to + length, ":scheme", "http");
    length += put_field(to + length, ":authority", "test");
    length += put_field(to + length, ":path", GRPC_NEXT_PATH);
    length += put_field(to + length, "content-type", "application/grpc");
    return length;
}

static void add_call(struct table *table, uint32_t stream, uint8_t flags)
{
    uint8_t head[256];

    add_frame(table, HEADERS, (uint8_t)(END_HEADERS | flags), stream, head, put_head(head));
}

static void add_number(struct table *table, uint8_t type, uint32_t stream, uint32_t value)
{
    const uint8_t payload[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};

    add_frame(table, type, 0, stream, payload, sizeof payload);
}

/* ---- what comes back ---- */

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void judge_frame(struct verdict *verdict, const uint8_t *frame, size_t length)
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
static size_t judge_frames(struct verdict *verdict, const uint8_t *bytes, size_t length)
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
static struct verdict exchange(struct table *table, unsigned timeout_ms)
{
    static uint8_t in[1 << 20];
    struct verdict verdict = {.closed = false};
    struct instant until = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);
    size_t sent = 0;
    size_t held = 0;
    int fd = http_client_socket(table->wire);

    while (!verdict.closed && !clock_reached(until, clock_now())) {
        bool more = sent < table->out_length;
        struct pollfd ready = {.fd = fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};

        (void)poll(&ready, 1, 20);
        if (more) {
            ssize_t step =
                send(fd, table->out + sent, table->out_length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
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
    table->out_length = 0;
    return verdict;
}

/* The server closes with this GOAWAY, and counts it so. */
static void expect_sent_away(struct table *table, uint32_t code, const char *reason)
{
    struct verdict verdict = exchange(table, 20000);

    assert_true(verdict.closed);
    assert_true(verdict.goaway);
    assert_int_equal(verdict.code, code);
    if (reason != NULL) {
        assert_int_equal(grpc_stage_refused(table->stage, reason), 1);
    }
}

static void expect_calm(struct table *table)
{
    struct verdict verdict = exchange(table, 20000);

    assert_true(verdict.closed && verdict.goaway);
    assert_int_equal(verdict.code, ENHANCE_YOUR_CALM);
    assert_string_equal(verdict.words, "too_many_pings");
    assert_true(verdict.acks <= 1300);
    assert_int_equal(grpc_stage_refused(table->stage, "flood"), 1);
}

/* ---- floods ---- */

static void test_grpc_flood_of_pings(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (int i = 0; i < MANY; i++) {
        add_frame(table, PING, 0, 0, "12345678", 8);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_settings(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (int i = 0; i < MANY; i++) {
        add_frame(table, SETTINGS, 0, 0, "\0\4\0\1\0\0", 6);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_priorities(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (int i = 0; i < MANY; i++) {
        add_frame(table, PRIORITY, 0, 1, "\0\0\0\0\1", 5);
    }
    expect_calm(table);
}

static void test_grpc_flood_of_empty_data(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_call(table, 1, 0);
    for (int i = 0; i < MANY; i++) {
        add_frame(table, DATA, 0, 1, NULL, 0);
    }
    expect_calm(table);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

/* HTTP/2 wants frames of later versions to be passed over; they cost no more than their bytes. */
static void test_grpc_passes_over_unknown_frames(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (int i = 0; i < MANY; i++) {
        add_frame(table, UNHEARD_OF, 0, 0, "x", 1);
    }
    add_frame(table, PING, 0, 0, "12345678", 8);
    struct verdict verdict = exchange(table, 500);
    assert_false(verdict.closed || verdict.goaway);
    assert_int_equal(verdict.acks, 2);
}

/* CVE-2023-44487: a call that is reset at once costs more than it is worth. */
static void test_grpc_flood_of_resets(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (uint32_t i = 0; i < MANY; i++) {
        add_call(table, 2 * i + 1, 0);
        add_number(table, RST_STREAM, 2 * i + 1, CANCEL);
    }
    struct verdict verdict = exchange(table, 20000);
    assert_true(verdict.closed && verdict.goaway);
    assert_true(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "CANCELLED") <= 1200);
    assert_int_equal(grpc_stage_issued(table->stage, "default"), 0);
}

/* The patience grows again, and no client that behaves comes near its end. */
static void test_grpc_flood_is_no_busy_client(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (int i = 0; i < 900; i++) {
        add_frame(table, PING, 0, 0, "12345678", 8);
    }
    struct verdict verdict = exchange(table, 300);
    assert_false(verdict.closed || verdict.goaway);
    assert_int_equal(verdict.acks, 901);
}

/* CVE-2024-28182: headers that never end. */
static void test_grpc_flood_of_continuations(void **state)
{
    struct table *table = *state;
    uint8_t head[256];

    add_preface(table);
    add_frame(table, HEADERS, 0, 1, head, put_head(head));
    for (int i = 0; i < MANY; i++) {
        add_frame(table, CONTINUATION, 0, 1, head, put_field(head, "x-more", "y"));
    }
    struct verdict verdict = exchange(table, 20000);
    assert_true(verdict.closed);
    assert_int_equal(grpc_stage_refused(table->stage, "protocol") +
                         grpc_stage_refused(table->stage, "flood"),
                     1);
}

/* A small block of headers that unpacks to a large one. */
static void test_grpc_flood_of_packed_headers(void **state)
{
    struct table *table = *state;
    static uint8_t block[16000];
    size_t length = put_head(block);
    char value[100];

    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    size_t at = length;
    length += put_field(block + length, "x-large", value);
    block[at] = 0x40; /* indexed from now on, as the newest entry: 62 */
    memset(block + length, 0x80 | 62, sizeof block - length);
    add_preface(table);
    add_frame(table, HEADERS, END_HEADERS | END_STREAM, 1, block, sizeof block);
    struct verdict verdict = exchange(table, 500);
    assert_int_equal(verdict.headers, 1); /* RESOURCE_EXHAUSTED */
    assert_int_equal(grpc_stage_counted(table->stage, GRPC_NEXT_PATH, "RESOURCE_EXHAUSTED"), 1);
}

/* ---- limits of HTTP/2 ---- */

static void test_grpc_streams_beyond_the_limit_are_refused(void **state)
{
    struct table *table = *state;

    add_preface(table);
    for (uint32_t i = 0; i < 15; i++) {
        add_call(table, 2 * i + 1, 0);
    }
    struct verdict verdict = exchange(table, 500);
    /* Before it has acknowledged the limit, a client is told; it may try again. */
    assert_int_equal(verdict.resets, 5);
    assert_int_equal(verdict.reset, REFUSED_STREAM);
    assert_false(verdict.closed);
}

static void test_grpc_frame_that_is_too_large_ends_the_connection(void **state)
{
    struct table *table = *state;
    static const uint8_t bytes[20000];

    add_preface(table);
    add_call(table, 1, 0);
    add_frame(table, DATA, 0, 1, bytes, sizeof bytes);
    expect_sent_away(table, FRAME_SIZE_ERROR, NULL);
}

static void test_grpc_window_that_overflows_ends_the_connection(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_number(table, WINDOW_UPDATE, 0, 0x7FFFFFFF);
    expect_sent_away(table, FLOW_CONTROL_ERROR, NULL);
}

static void test_grpc_headers_that_are_none_end_the_connection(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_frame(table, HEADERS, END_HEADERS | END_STREAM, 1, "\xff\xff\xff\xff\xff", 5);
    expect_sent_away(table, COMPRESSION_ERROR, NULL);
}

static void test_grpc_frames_out_of_place_end_the_connection(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_frame(table, DATA, 0, 3, "x", 1); /* of a stream that was never opened */
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_even_streams_end_the_connection(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_call(table, 2, END_STREAM);
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_client_may_not_push(void **state)
{
    struct table *table = *state;

    add_preface(table);
    add_frame(table, PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2", 4);
    expect_sent_away(table, PROTOCOL_ERROR, NULL);
}

static void test_grpc_does_not_speak_http_1(void **state)
{
    struct table *table = *state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    add(table, text, sizeof text - 1);
    struct verdict verdict = exchange(table, 20000);
    assert_true(verdict.closed);
    assert_int_equal(grpc_stage_refused(table->stage, "protocol"), 1);
}

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_grpc_flood_of_pings),
        STAGE_TEST(test_grpc_flood_of_settings),
        STAGE_TEST(test_grpc_flood_of_priorities),
        STAGE_TEST(test_grpc_flood_of_empty_data),
        STAGE_TEST(test_grpc_passes_over_unknown_frames),
        STAGE_TEST(test_grpc_flood_of_resets),
        STAGE_TEST(test_grpc_flood_is_no_busy_client),
        STAGE_TEST(test_grpc_flood_of_continuations),
        STAGE_TEST(test_grpc_flood_of_packed_headers),
        cmocka_unit_test_setup_teardown(test_grpc_streams_beyond_the_limit_are_refused, open_narrow,
                                        close_stage),
        STAGE_TEST(test_grpc_frame_that_is_too_large_ends_the_connection),
        STAGE_TEST(test_grpc_window_that_overflows_ends_the_connection),
        STAGE_TEST(test_grpc_headers_that_are_none_end_the_connection),
        STAGE_TEST(test_grpc_frames_out_of_place_end_the_connection),
        STAGE_TEST(test_grpc_even_streams_end_the_connection),
        STAGE_TEST(test_grpc_client_may_not_push),
        STAGE_TEST(test_grpc_does_not_speak_http_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
