#include "grpc_client.h"

#include "base/clock.h"
#include "grpc_line.h"
#include "http_client.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define STREAMS_MAX 4096
#define FIELDS_MAX 256

struct stream {
    int32_t id;
    struct grpc_answer answer;
    uint8_t *unsent;
    size_t unsent_length;
    bool end;
    bool deferred;
};

struct grpc_client {
    struct grpc_line line;
    nghttp2_session *session;
    bool slow;
    bool mute; /* the server takes nothing any more */
    struct stream *streams[STREAMS_MAX];
    size_t stream_count;
    unsigned pongs;
    struct grpc_goodbye goodbye;
};

static struct stream *find(struct grpc_client *client, int32_t id)
{
    for (size_t i = client->stream_count; i > 0; i--) {
        if (client->streams[i - 1]->id == id) {
            return client->streams[i - 1];
        }
    }
    return NULL;
}

/* ---- what the library calls ---- */

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t length, int flags,
                       void *context)
{
    struct grpc_client *client = context;

    (void)session;
    (void)flags;
    ssize_t sent = grpc_line_put(&client->line, bytes, length);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    client->mute = sent < 0; /* what the server has said before may still be here */
    return sent < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : sent;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                     void *context)
{
    struct stream *stream = find(context, frame->hd.stream_id);

    (void)session;
    (void)flags;
    if (stream != NULL) {
        grpc_answer_add(&stream->answer, name, name_length, value, length);
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct grpc_client *client = context;
    struct stream *stream = find(client, frame->hd.stream_id);

    (void)session;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        client->pongs++;
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->goodbye.goaways++;
        client->goodbye.last_stream = frame->goaway.last_stream_id;
        client->goodbye.code = frame->goaway.error_code;
        grpc_answer_keep(client->goodbye.words, sizeof client->goodbye.words,
                         frame->goaway.opaque_data, frame->goaway.opaque_data_len);
    } else if (stream != NULL && frame->hd.type == NGHTTP2_HEADERS) {
        grpc_answer_head(&stream->answer, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
    } else if (stream != NULL && frame->hd.type == NGHTTP2_RST_STREAM) {
        stream->answer.reset = frame->rst_stream.error_code;
    } else if (stream != NULL && frame->hd.type == NGHTTP2_DATA) {
        stream->answer.frames++;
    }
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct stream *stream = find(context, frame->hd.stream_id);

    (void)session;
    if (stream != NULL && frame->hd.type == NGHTTP2_HEADERS) {
        stream->answer.begun = true;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t length, void *context)
{
    struct grpc_client *client = context;
    struct stream *stream = find(client, id);

    (void)flags;
    if (stream != NULL) {
        grpc_answer_put(&stream->answer, bytes, length);
    }
    if (client->slow) { /* the connection's window is wide; a test plays with the stream's */
        assert_int_equal(nghttp2_session_consume_connection(session, length), 0);
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct stream *stream = find(context, id);

    (void)session;
    if (stream != NULL) {
        stream->answer.closed = true;
        stream->answer.reset = stream->answer.reset == 0 ? code : stream->answer.reset;
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct stream *stream = source->ptr;
    size_t length = stream->unsent_length < room ? stream->unsent_length : room;

    (void)session;
    (void)id;
    (void)context;
    if (length == 0 && !stream->end) {
        stream->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (length > 0) {
        memcpy(to, stream->unsent, length);
        memmove(stream->unsent, stream->unsent + length, stream->unsent_length - length);
        stream->unsent_length -= length;
    }
    if (stream->unsent_length == 0 && stream->end) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)length;
}

/* ---- open and close ---- */

static nghttp2_session *new_session(struct grpc_client *client, bool slow)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *session = NULL;

    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_auto_window_update(option, slow ? 1 : 0);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    assert_int_equal(nghttp2_session_client_new2(&session, callbacks, client, option), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
}

static struct grpc_client *open_with(uint16_t port, uint32_t window)
{
    struct grpc_client *client = calloc(1, sizeof *client);
    nghttp2_settings_entry settings = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};

    assert_non_null(client);
    client->line.wire = http_client_open(port);
    client->slow = window != 0;
    client->session = new_session(client, client->slow);
    assert_int_equal(nghttp2_submit_settings(client->session, 0, &settings, client->slow), 0);
    return client;
}

struct grpc_client *grpc_client_open(uint16_t port)
{
    return open_with(port, 0);
}

struct grpc_client *grpc_client_open_slow(uint16_t port, uint32_t window)
{
    struct grpc_client *client = open_with(port, window);

    assert_int_equal(nghttp2_session_set_local_window_size(client->session, 0, 0, INT32_MAX), 0);
    return client;
}

struct grpc_client *grpc_client_try_tls(uint16_t port, const char *protocol)
{
    struct grpc_client *client = open_with(port, 0);

    if (!grpc_line_shake(&client->line, protocol, GRPC_CLIENT_TIMEOUT_MS)) {
        grpc_client_close(client);
        return NULL;
    }
    return client;
}

struct grpc_client *grpc_client_open_tls(uint16_t port)
{
    struct grpc_client *client = grpc_client_try_tls(port, "h2");

    assert_non_null(client);
    return client;
}

const char *grpc_client_peer(const struct grpc_client *client)
{
    return client->line.peer;
}

void grpc_client_close(struct grpc_client *client)
{
    if (client == NULL) {
        return;
    }
    nghttp2_session_del(client->session);
    for (size_t i = 0; i < client->stream_count; i++) {
        free(client->streams[i]->answer.body);
        free(client->streams[i]->unsent);
        free(client->streams[i]);
    }
    grpc_line_close(&client->line);
    free(client);
}

int grpc_client_socket(const struct grpc_client *client)
{
    return http_client_socket(client->line.wire);
}

/* ---- what it says ---- */

static void add_field(nghttp2_nv *fields, size_t *count, const char *name, const char *value,
                      const char *usual)
{
    const char *text = value != NULL ? value : usual;

    assert_true(*count < FIELDS_MAX);
    if (text != NULL && text[0] != '\0') {
        fields[(*count)++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                                          .value = (uint8_t *)(uintptr_t)text,
                                          .namelen = strlen(name),
                                          .valuelen = strlen(text)};
    }
}

static void append(struct stream *stream, const void *bytes, size_t length, bool end)
{
    if (length > 0) {
        stream->unsent = realloc(stream->unsent, stream->unsent_length + length);
        assert_non_null(stream->unsent);
        memcpy(stream->unsent + stream->unsent_length, bytes, length);
        stream->unsent_length += length;
    }
    stream->end = end;
}

int32_t grpc_client_begin(struct grpc_client *client, const struct grpc_ask *ask, const void *bytes,
                          size_t length, bool end)
{
    nghttp2_nv fields[FIELDS_MAX];
    size_t count = 0;
    struct stream *stream = calloc(1, sizeof *stream);

    assert_non_null(stream);
    assert_true(client->stream_count < STREAMS_MAX);
    add_field(fields, &count, ":method", ask->method, "POST");
    add_field(fields, &count, ":scheme", NULL, "http");
    add_field(fields, &count, ":path", ask->path, NULL);
    add_field(fields, &count, ":authority", NULL, "test");
    add_field(fields, &count, "te", NULL, "trailers");
    add_field(fields, &count, "content-type", ask->content_type, "application/grpc");
    add_field(fields, &count, "grpc-timeout", ask->timeout, NULL);
    add_field(fields, &count, "grpc-encoding", ask->encoding, NULL);
    add_field(fields, &count, "authorization", ask->authorization, NULL);
    for (unsigned i = 0; ask->more[0] != NULL && (i == 0 || i < ask->more_times); i++) {
        add_field(fields, &count, ask->more[0], ask->more[1], NULL);
    }
    append(stream, bytes, length, end);
    stream->answer.code = -1;
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_body};
    stream->id = nghttp2_submit_request(client->session, NULL, fields, count,
                                        end && length == 0 ? NULL : &provider, NULL);
    assert_true(stream->id > 0);
    client->streams[client->stream_count++] = stream;
    return stream->id;
}

void grpc_client_send(struct grpc_client *client, int32_t id, const void *bytes, size_t length,
                      bool end)
{
    struct stream *stream = find(client, id);

    append(stream, bytes, length, end);
    if (stream->deferred) {
        stream->deferred = false;
        (void)nghttp2_session_resume_data(client->session, id); /* a stream that ended has none */
    }
}

void grpc_client_reset(struct grpc_client *client, int32_t stream, uint32_t code)
{
    assert_int_equal(nghttp2_submit_rst_stream(client->session, 0, stream, code), 0);
    grpc_client_turn(client);
}

void grpc_client_ping(struct grpc_client *client)
{
    assert_int_equal(nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, NULL), 0);
}

unsigned grpc_client_pongs(const struct grpc_client *client)
{
    return client->pongs;
}

void grpc_client_read(struct grpc_client *client, int32_t stream, size_t length)
{
    assert_int_equal(nghttp2_session_consume_stream(client->session, stream, length), 0);
}

/* ---- what comes back ---- */

const struct grpc_answer *grpc_client_answer(struct grpc_client *client, int32_t stream)
{
    struct stream *found = find(client, stream);

    assert_non_null(found);
    return &found->answer;
}

const struct grpc_goodbye *grpc_client_goodbye(const struct grpc_client *client)
{
    return &client->goodbye;
}

uint32_t grpc_client_setting(struct grpc_client *client, int32_t id)
{
    return nghttp2_session_get_remote_settings(client->session, (nghttp2_settings_id)id);
}

static void receive(struct grpc_client *client)
{
    uint8_t bytes[16384];

    for (;;) {
        ssize_t length = grpc_line_get(&client->line, bytes, sizeof bytes);

        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (length <= 0 || nghttp2_session_mem_recv(client->session, bytes, (size_t)length) < 0) {
            client->goodbye.closed = true;
            return;
        }
    }
}

void grpc_client_turn(struct grpc_client *client)
{
    if (!client->goodbye.closed && !client->mute) {
        (void)nghttp2_session_send(client->session); /* a failure is seen as a closed connection */
    }
    if (!client->goodbye.closed) {
        receive(client);
    }
}

/* What is waited for, of which only what is named counts. */
struct aim {
    int32_t end_of;  /* stream, or 0 */
    int32_t body_of; /* stream, or 0 */
    size_t bytes;
    unsigned pongs;   /* or 0 */
    unsigned goaways; /* or 0 */
    bool close;
};

static bool reached(struct grpc_client *client, const struct aim *aim)
{
    if (aim->end_of != 0) {
        return grpc_client_answer(client, aim->end_of)->closed;
    }
    if (aim->body_of != 0) {
        return grpc_client_answer(client, aim->body_of)->length >= aim->bytes;
    }
    if (aim->pongs != 0) {
        return client->pongs >= aim->pongs;
    }
    if (aim->goaways != 0) {
        return client->goodbye.goaways >= aim->goaways;
    }
    return client->goodbye.closed;
}

static bool await(struct grpc_client *client, struct aim aim, unsigned timeout_ms)
{
    struct instant until = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);

    for (;;) {
        grpc_client_turn(client);
        if (reached(client, &aim)) {
            return true;
        }
        if (client->goodbye.closed || clock_reached(until, clock_now())) {
            return false;
        }
        bool more = nghttp2_session_want_write(client->session) != 0;
        struct pollfd wire = {.fd = grpc_client_socket(client),
                              .events = (short)(POLLIN | (more ? POLLOUT : 0))};
        (void)poll(&wire, 1, 20); /* what was missed is seen in the next turn */
    }
}

bool grpc_client_await_end(struct grpc_client *client, int32_t stream, unsigned timeout_ms)
{
    return await(client, (struct aim){.end_of = stream}, timeout_ms);
}

bool grpc_client_await_body(struct grpc_client *client, int32_t stream, size_t bytes,
                            unsigned timeout_ms)
{
    return await(client, (struct aim){.body_of = stream, .bytes = bytes}, timeout_ms);
}

bool grpc_client_await_pongs(struct grpc_client *client, unsigned pongs, unsigned timeout_ms)
{
    return await(client, (struct aim){.pongs = pongs}, timeout_ms);
}

bool grpc_client_await_goaway(struct grpc_client *client, unsigned goaways, unsigned timeout_ms)
{
    return await(client, (struct aim){.goaways = goaways}, timeout_ms);
}

bool grpc_client_await_close(struct grpc_client *client, unsigned timeout_ms)
{
    return await(client, (struct aim){.close = true}, timeout_ms);
}

bool grpc_client_stuff(struct grpc_client *client, const struct grpc_ask *ask, const void *bytes,
                       size_t length, unsigned calls, unsigned timeout_ms)
{
    struct instant until = clock_after(clock_now(), timeout_ms * CLOCK_NS_PER_MS);

    for (unsigned i = 0; i < calls; i++) {
        (void)grpc_client_begin(client, ask, bytes, length, true);
    }
    while (nghttp2_session_want_write(client->session) != 0) {
        struct pollfd wire = {.fd = grpc_client_socket(client), .events = POLLOUT};

        if (clock_reached(until, clock_now()) || client->mute) {
            return false;
        }
        (void)nghttp2_session_send(client->session); /* a failure makes it mute */
        (void)poll(&wire, 1, 20);
    }
    return true;
}

const struct grpc_answer *grpc_client_call(struct grpc_client *client, const struct grpc_ask *ask,
                                           const void *bytes, size_t length)
{
    int32_t stream = grpc_client_begin(client, ask, bytes, length, true);
    if (!grpc_client_await_end(client, stream, GRPC_CLIENT_TIMEOUT_MS)) {
        fail_msg("%s: no end of the call within %d ms", ask->path, GRPC_CLIENT_TIMEOUT_MS);
    }
    return grpc_client_answer(client, stream);
}
