#include "grpc_reply.h"

#include "grpc_change.h"
#include "grpc_counters.h"
#include "grpc_frame.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 512    /* of a status, for people */
#define ENCODED_SIZE 768 /* the same for the header; longer is cut */

/* A field of two constant texts, which the library need not copy. */
#define FIELD(field_name, field_value) \
    { \
        .name = (uint8_t *)(uintptr_t)(field_name), .value = (uint8_t *)(uintptr_t)(field_value), \
        .namelen = sizeof(field_name) - 1, .valuelen = sizeof(field_value) - 1, \
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE \
    }

/* A field with a value that will not last. */
static nghttp2_nv field_of(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value),
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

/* Fill in the fields of the status. Returns how many. */
static size_t status_fields(const struct grpc_call *call, nghttp2_nv fields[3])
{
    static const nghttp2_nv ok = FIELD("grpc-status", "0");
    static const nghttp2_nv retry = FIELD("grpc-retry-pushback-ms", GRPC_RETRY_TEXT);
    size_t count = 0;

    if (call->code == GRPC_OK) {
        fields[count++] = ok;
        return count;
    }
    fields[count++] = field_of("grpc-status", grpc_code_digits(call->code));
    if (call->text != NULL) {
        fields[count++] = field_of("grpc-message", call->text);
    }
    if (call->retry) {
        fields[count++] = retry;
    }
    return count;
}

/* The library has no memory for a frame: nothing sensible can be sent over this connection. */
static void give_up(struct grpc_call *call)
{
    call->connection->farewell = GRPC_DEAD;
}

/* Let a paused call go on once its client has read enough; at the end of the round. */
static void moisten(struct grpc_call *call)
{
    struct grpc_connection *connection = call->connection;

    if (call->paused && !call->parched && grpc_buffer_length(&call->output) <= GRPC_OUTPUT_LOW) {
        call->parched = true;
        call->next_parched = connection->parched;
        connection->parched = call;
    }
}

/* Called by the library when it may send more of this call. */
static ssize_t read_output(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct grpc_call *call = source->ptr;
    size_t length = grpc_buffer_length(&call->output);

    (void)context;
    if (length > room) {
        length = room;
    }
    if (length > 0) {
        memcpy(to, grpc_buffer_bytes(&call->output), length);
        grpc_buffer_take(&call->output, length);
    }
    if (call->step == GRPC_CALL_ENDED) {
        if (grpc_buffer_length(&call->output) == 0) {
            nghttp2_nv fields[3];
            size_t count = status_fields(call, fields);

            *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, stream, fields, count) != 0) {
                give_up(call);
            }
        }
        return (ssize_t)length;
    }
    moisten(call);
    if (length == 0) {
        call->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)length;
}

/* Begin the answer, or tell the library that there is more of it. */
static void go_on(struct grpc_call *call)
{
    static const nghttp2_nv fields[] = {FIELD(":status", "200"),
                                        FIELD("content-type", "application/grpc"),
                                        FIELD("grpc-accept-encoding", "identity")};
    /* Each field takes a tenth of the time of a call, and the last one concerns only a client that
     * may compress. */
    size_t count = call->head.foreign_encoding ? 3 : 2;
    nghttp2_session *session = call->connection->session;
    nghttp2_data_provider provider = {.source = {.ptr = call}, .read_callback = read_output};
    int result = 0;

    if (!call->responded) {
        call->responded = true;
        result = nghttp2_submit_response(session, call->stream, fields, count, &provider);
    } else if (call->deferred) {
        call->deferred = false;
        result = nghttp2_session_resume_data(session, call->stream);
    }
    if (result != 0) {
        give_up(call);
    }
    grpc_connection_touch(call->connection);
}

void grpc_reply(struct grpc_call *call, const ProtobufCMessage *message)
{
    size_t length = protobuf_c_message_get_packed_size(message);

    if (call->step == GRPC_CALL_ENDED) {
        return;
    }
    uint8_t *to = grpc_buffer_extend(&call->output, GRPC_FRAME_HEAD + length);
    if (to == NULL) {
        give_up(call);
        return;
    }
    grpc_frame_head(to, (uint32_t)length);
    size_t packed = protobuf_c_message_pack(message, to + GRPC_FRAME_HEAD);
    assert(packed == length);
    go_on(call);
}

/* A status and nothing before it. */
static void send_trailers_only(struct grpc_call *call)
{
    nghttp2_nv fields[6] = {FIELD(":status", "200"), FIELD("content-type", "application/grpc"),
                            FIELD("grpc-accept-encoding", "identity")};
    size_t count = 3 + status_fields(call, fields + 3);

    call->responded = true;
    if (nghttp2_submit_response(call->connection->session, call->stream, fields, count, NULL) !=
        0) {
        give_up(call);
    }
    grpc_connection_touch(call->connection);
}

/* Nothing of it is read and nobody waits for it any more. */
static void stop_asking(struct grpc_call *call, enum grpc_code code)
{
    struct grpc_loop *loop = call->connection->loop;

    call->step = GRPC_CALL_ENDED;
    call->code = code;
    /* From here on the timer is for the client to read the rest. */
    struct instant due = clock_after(loop->now, grpc_service_request_ns(loop->service));
    if (call->timer.place == 0 && grpc_timer_set(&loop->timers, &call->timer, due) != ERR_OK) {
        give_up(call);
    }
    grpc_timer_clear(&loop->timers, &call->ticker);
    grpc_tickets_abandon(&call->tickets);
    if (call->change != NULL) {
        call->change->call = NULL;
        call->change = NULL;
    }
    call->ticket_count = 0;
    grpc_count_call(&loop->counters, call->method != NULL ? call->method->index : GRPC_METHOD_NONE,
                    code);
}

void grpc_reply_end(struct grpc_call *call, enum grpc_code code, const char *format, ...)
{
    char text[TEXT_SIZE];
    char encoded[ENCODED_SIZE];
    va_list arguments;

    if (call->step == GRPC_CALL_ENDED) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments); /* cut, it is still a text */
    va_end(arguments);
    (void)grpc_percent_encode(encoded, sizeof encoded, text);
    call->text = strdup(encoded); /* without memory there is no text */
    call->retry = code == GRPC_UNAVAILABLE;
    stop_asking(call, code);
    if (!call->responded) {
        send_trailers_only(call);
    } else {
        go_on(call);
    }
}

void grpc_reply_ok(struct grpc_call *call)
{
    if (call->step != GRPC_CALL_ENDED) {
        stop_asking(call, GRPC_OK);
        go_on(call);
    }
}

void grpc_reply_only(struct grpc_call *call, const ProtobufCMessage *message)
{
    grpc_reply(call, message);
    grpc_reply_ok(call);
}

void grpc_reply_http(struct grpc_call *call, unsigned status)
{
    nghttp2_nv not_post[] = {FIELD(":status", "405"), FIELD("allow", "POST")};
    nghttp2_nv not_grpc[] = {FIELD(":status", "415"), FIELD("accept", "application/grpc")};

    assert(status == 405 || status == 415);
    stop_asking(call, GRPC_UNKNOWN);
    call->responded = true;
    if (nghttp2_submit_response(call->connection->session, call->stream,
                                status == 405 ? not_post : not_grpc, 2, NULL) != 0) {
        give_up(call);
    }
    grpc_connection_touch(call->connection);
}
