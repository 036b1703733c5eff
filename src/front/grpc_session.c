#include "grpc_session.h"

#include "grpc_call.h"
#include "grpc_method.h"

#include <assert.h>
#include <string.h>

#define FRAME_MAX (16 * 1024 + 9) /* bytes of one frame with its head */

#define PIECE_BYTES 4096                   /* of what was read, looked at at a time */
#define ACKS_MAX (2 * GRPC_PATIENCE_BURST) /* that may wait to be sent; patience ends before */

static const uint8_t leave_mark[8] = "leaving";

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

/* ---- patience ---- */

/* Does a frame of this type ask for something? Others cost more than they are worth. DATA is looked
 * at when it is here, and CONTINUATION has a limit of its own. */
static bool asks_for_something(uint8_t type)
{
    return type == NGHTTP2_DATA || type == NGHTTP2_HEADERS || type == NGHTTP2_WINDOW_UPDATE ||
           type == NGHTTP2_CONTINUATION;
}

/* Bear one more; false when patience is over. */
static bool bear(struct grpc_connection *connection)
{
    struct instant now = connection->loop->now;
    uint64_t grown =
        clock_elapsed(connection->patience_at, now) / (CLOCK_NS_PER_S / GRPC_PATIENCE_RATE);

    if (grown > 0) {
        connection->patience_at = now;
        connection->patience += grown;
        if (connection->patience > GRPC_PATIENCE_BURST) {
            connection->patience = GRPC_PATIENCE_BURST;
        }
    }
    if (connection->patience == 0) {
        return false;
    }
    connection->patience--;
    return true;
}

/* Count a frame that asks for nothing. Returns what a callback returns. */
static int suffer(struct grpc_connection *connection)
{
    static const char words[] = "too_many_pings"; /* by which gRPC clients know to ping less */
    nghttp2_session *session = connection->session;

    if (connection->condemned || bear(connection)) {
        return 0;
    }
    refusals_note(&connection->loop->service->refusals, REFUSAL_FLOOD, connection->wire.fd);
    connection->condemned = true;
    int result = nghttp2_submit_goaway(
        session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session),
        NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)words, sizeof words - 1);
    return result == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *context)
{
    (void)session;
    return asks_for_something(head->type) ? 0 : suffer(context);
}

/* ---- what the client sends ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    struct grpc_call *call = grpc_call_open(context, frame->hd.stream_id);
    if (call == NULL || nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call)) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *context)
{
    (void)flags;
    (void)context;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct grpc_call *call = call_of(session, frame->hd.stream_id);

        if (call != NULL) {
            grpc_head_add(&call->head, name, value);
        }
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *context)
{
    struct grpc_call *call = call_of(session, stream);

    (void)flags;
    (void)context;
    if (call != NULL) {
        grpc_call_data(call, bytes, length);
    } else if (nghttp2_session_consume(session, stream, length) != 0) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static void begin_call(struct grpc_call *call)
{
    size_t length = 0;
    const char *path = grpc_head_path(&call->head, &length);

    call->method = grpc_method_find(path, length);
    grpc_call_begin(call);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct grpc_connection *connection = context;
    struct grpc_call *call = NULL;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        call = call_of(session, frame->hd.stream_id);
        if (call != NULL && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            begin_call(call);
        }
        break;
    case NGHTTP2_DATA:
        call = call_of(session, frame->hd.stream_id);
        if (frame->hd.length == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
            return suffer(connection);
        }
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
            memcmp(frame->ping.opaque_data, leave_mark, sizeof leave_mark) == 0) {
            grpc_session_left(connection);
        }
        break;
    default:
        break;
    }
    if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        grpc_call_half_close(call);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    struct grpc_call *call = call_of(session, stream);

    (void)code;
    (void)context;
    if (call != NULL) {
        (void)nghttp2_session_set_stream_user_data(session, stream, NULL); /* the stream is there */
        grpc_call_close(call);
    }
    return 0;
}

/* ---- what is sent ---- */

/* The status is out and the client goes on sending: ask it to stop, as HTTP/2 says. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    int32_t stream = frame->hd.stream_id;

    (void)context;
    if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
        nghttp2_session_get_stream_remote_close(session, stream) != 0) {
        return 0;
    }
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- a session ---- */

enum error grpc_session_kind_init(struct grpc_session_kind *kind)
{
    *kind = (struct grpc_session_kind){.callbacks = NULL};
    if (nghttp2_session_callbacks_new(&kind->callbacks) != 0 ||
        nghttp2_option_new(&kind->option) != 0) {
        grpc_session_kind_fini(kind);
        return ERR_NO_MEMORY;
    }
    nghttp2_session_callbacks_set_on_begin_frame_callback(kind->callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(kind->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(kind->callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(kind->callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(kind->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(kind->callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(kind->callbacks, on_frame_sent);
    nghttp2_option_set_no_auto_window_update(kind->option, 1);
    nghttp2_option_set_no_closed_streams(kind->option, 1);
    nghttp2_option_set_max_outbound_ack(kind->option, ACKS_MAX);
    nghttp2_option_set_max_continuations(kind->option, GRPC_CONTINUATIONS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(kind->option, GRPC_PATIENCE_BURST,
                                               GRPC_PATIENCE_RATE);
    return ERR_OK;
}

void grpc_session_kind_fini(struct grpc_session_kind *kind)
{
    nghttp2_option_del(kind->option);
    nghttp2_session_callbacks_del(kind->callbacks);
    *kind = (struct grpc_session_kind){.callbacks = NULL};
}

enum error grpc_session_open(struct grpc_connection *connection)
{
    const struct grpc_session_kind *kind = connection->loop->kind;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, connection->loop->service->max_streams},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADERS_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    if (nghttp2_session_server_new3(&connection->session, kind->callbacks, connection, kind->option,
                                    &connection->loop->pool.memory) != 0) {
        connection->session = NULL;
        return ERR_NO_MEMORY;
    }
    if (nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof settings[0]) != 0 ||
        nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0,
                                              GRPC_WINDOW_BYTES) != 0) {
        grpc_session_close(connection);
        return ERR_NO_MEMORY;
    }
    connection->patience = GRPC_PATIENCE_BURST;
    connection->patience_at = connection->loop->now;
    return ERR_OK;
}

void grpc_session_close(struct grpc_connection *connection)
{
    while (connection->calls != NULL) {
        grpc_call_close(connection->calls);
    }
    /* nghttp2 (1.52, 1.64) leaves what it was sending half made when memory is out, and ends the
     * process over it here: some kilobytes stay behind instead. */
    if (!connection->broken) {
        nghttp2_session_del(connection->session);
    }
    connection->session = NULL;
}

/* In small pieces, so that no flood gets far after it was noticed. */
void grpc_session_read(struct grpc_connection *connection, const uint8_t *bytes, size_t length)
{
    while (length > 0 && !connection->condemned) {
        size_t piece = length < PIECE_BYTES ? length : PIECE_BYTES;
        ssize_t used = nghttp2_session_mem_recv(connection->session, bytes, piece);

        if (used < 0) {
            grpc_connection_refuse(connection,
                                   used == NGHTTP2_ERR_FLOODED ? REFUSAL_FLOOD : REFUSAL_PROTOCOL);
            return;
        }
        bytes += piece;
        length -= piece;
    }
}

/* Paused calls whose clients have read: their answers may follow at once. */
static bool water(struct grpc_connection *connection)
{
    bool any = connection->parched != NULL;

    while (connection->parched != NULL) {
        struct grpc_call *call = connection->parched;

        connection->parched = call->next_parched;
        call->parched = false;
        grpc_call_resume(call);
    }
    return any;
}

size_t grpc_session_write(struct grpc_connection *connection, uint8_t *to, size_t room)
{
    size_t length = 0;

    assert(room >= GRPC_CHUNK_SIZE);
    do {
        while (room - length >= FRAME_MAX) {
            const uint8_t *frame = NULL;
            ssize_t size = nghttp2_session_mem_send(connection->session, &frame);

            if (size < 0) {
                connection->farewell = GRPC_DEAD; /* memory is out */
                connection->broken = true;
                return 0;
            }
            if (size == 0) {
                break;
            }
            memcpy(to + length, frame, (size_t)size);
            length += (size_t)size;
        }
    } while (room - length >= FRAME_MAX && water(connection));
    return length;
}

void grpc_session_leave(struct grpc_connection *connection)
{
    assert(connection->farewell == GRPC_STAYS);
    connection->farewell = GRPC_LEAVES;
    if (nghttp2_submit_shutdown_notice(connection->session) != 0 ||
        nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, leave_mark) != 0) {
        connection->farewell = GRPC_DEAD; /* memory is out */
    }
    grpc_connection_touch(connection);
}

void grpc_session_left(struct grpc_connection *connection)
{
    if (connection->farewell > GRPC_LEAVES) {
        return;
    }
    connection->farewell = GRPC_LEFT;
    if (nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(connection->session),
                              NGHTTP2_NO_ERROR, NULL, 0) != 0) {
        connection->farewell = GRPC_DEAD; /* memory is out */
    }
    grpc_connection_touch(connection);
}
