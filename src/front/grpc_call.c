#include "grpc_call.h"

#include "grpc_change.h"
#include "grpc_frame.h"
#include "grpc_reply.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

static struct grpc_call *call_of_timer(struct grpc_timer *timer)
{
    return (struct grpc_call *)((char *)timer - offsetof(struct grpc_call, timer));
}

static struct grpc_call *call_of_ticker(struct grpc_timer *timer)
{
    return (struct grpc_call *)((char *)timer - offsetof(struct grpc_call, ticker));
}

static struct grpc_service *service_of(const struct grpc_call *call)
{
    return call->connection->loop->service;
}

/* ---- time ---- */

/* Watch the nearer of the two ends that it may come to. False when memory is out. */
static bool watch_time(struct grpc_call *call)
{
    struct grpc_timers *timers = &call->connection->loop->timers;
    struct instant due = call->deadline;

    if (!call->half_closed && call->whole_by.ns < due.ns) {
        due = call->whole_by;
    }
    if (due.ns == UINT64_MAX) {
        grpc_timer_clear(timers, &call->timer);
        return true;
    }
    return grpc_timer_set(timers, &call->timer, due) == ERR_OK;
}

/* The call has ended and its client has not read all of it: once more, and then no more. */
static void hurry(struct grpc_call *call)
{
    struct grpc_loop *loop = call->connection->loop;
    struct instant due = clock_after(loop->now, grpc_service_request_ns(loop->service));

    if (!call->hurried && grpc_timer_set(&loop->timers, &call->timer, due) == ERR_OK) {
        call->hurried = true;
        return;
    }
    refusals_note(&loop->service->refusals, REFUSAL_SLOW, call->connection->wire.fd);
    if (nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream,
                                  NGHTTP2_CANCEL) != 0) {
        call->connection->farewell = GRPC_DEAD; /* memory is out */
    }
    grpc_connection_touch(call->connection);
}

static void on_timer(struct grpc_timer *timer)
{
    struct grpc_call *call = call_of_timer(timer);

    if (call->step == GRPC_CALL_ENDED) {
        hurry(call);
    } else if (call->step == GRPC_CALL_HEADERS) {
        grpc_connection_refuse(call->connection, REFUSAL_SLOW); /* no answer fits in here */
    } else if (call->change != NULL) {
        grpc_reply_end(call, GRPC_DEADLINE_EXCEEDED,
                       "the store has not answered in time; whether the change was made is "
                       "unknown, asking again finds out");
    } else if (grpc_call_is_late(call)) {
        grpc_reply_end(call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed; none were taken");
    } else {
        grpc_reply_end(
            call, GRPC_DEADLINE_EXCEEDED, "the request was not whole within %llu ms",
            (unsigned long long)(grpc_service_request_ns(service_of(call)) / CLOCK_NS_PER_MS));
    }
}

static void on_ticker(struct grpc_timer *timer)
{
    struct grpc_call *call = call_of_ticker(timer);

    call->method->tick(call);
}

bool grpc_call_is_late(const struct grpc_call *call)
{
    return call->deadline.ns != UINT64_MAX && clock_reached(call->deadline, clock_now());
}

/* ---- begin and end ---- */

struct grpc_call *grpc_call_open(struct grpc_connection *connection, int32_t stream)
{
    struct grpc_call *call = grpc_pool_take(&connection->loop->pool, sizeof *call);

    if (call == NULL) {
        return NULL;
    }
    call->connection = connection;
    call->stream = stream;
    grpc_head_init(&call->head);
    call->timer.fire = on_timer;
    call->ticker.fire = on_ticker;
    call->deadline.ns = UINT64_MAX;
    call->whole_by =
        clock_after(connection->loop->now, grpc_service_request_ns(connection->loop->service));
    call->next = connection->calls;
    call->link = &connection->calls;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    connection->calls = call;
    connection->loop->calls++;
    if (!watch_time(call)) {
        grpc_call_close(call);
        return NULL;
    }
    return call;
}

void grpc_call_begin(struct grpc_call *call)
{
    struct grpc_objection objection;

    assert(call->step == GRPC_CALL_HEADERS);
    call->step = GRPC_CALL_OPEN;
    if (!grpc_head_check(&call->head, &objection)) {
        if (objection.http_status != 0) {
            grpc_reply_http(call, objection.http_status);
        } else {
            grpc_reply_end(call, objection.code, "%s", objection.text);
        }
        return;
    }
    if (call->method == NULL) {
        size_t length = 0;
        grpc_reply_end(call, GRPC_UNIMPLEMENTED, "there is no method '%.64s'",
                       grpc_head_path(&call->head, &length));
        return;
    }
    if (call->head.timeout_ns != UINT64_MAX) {
        call->deadline = clock_after(clock_now(), call->head.timeout_ns);
    }
    if (call->method->streams) {
        call->whole_by.ns = UINT64_MAX; /* it may go on as long as it likes */
    }
    (void)watch_time(call); /* its timer is set, and moving it takes no memory */
}

void grpc_call_close(struct grpc_call *call)
{
    struct grpc_loop *loop = call->connection->loop;

    if (call->step != GRPC_CALL_ENDED) {
        grpc_count_call(&loop->counters,
                        call->method != NULL ? call->method->index : GRPC_METHOD_NONE,
                        GRPC_CANCELLED);
    }
    if (call->parched) {
        struct grpc_call **place = &call->connection->parched;

        while (*place != call) {
            place = &(*place)->next_parched;
        }
        *place = call->next_parched;
    }
    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
    grpc_timer_clear(&loop->timers, &call->timer);
    grpc_timer_clear(&loop->timers, &call->ticker);
    grpc_tickets_abandon(&call->tickets);
    if (call->change != NULL) {
        call->change->call = NULL;
    }
    grpc_head_fini(&call->head);
    grpc_buffer_clear(&call->input);
    grpc_buffer_clear(&call->output);
    loop->calls--;
    free(call->text);
    grpc_pool_give(&call->connection->loop->pool, call);
}

/* ---- what comes in ---- */

/* Say what is wrong with the message that begins here. */
static void object_to(struct grpc_call *call, enum grpc_frame_result result)
{
    switch (result) {
    case GRPC_FRAME_COMPRESSED:
        if (call->head.foreign_encoding) {
            grpc_reply_end(call, GRPC_UNIMPLEMENTED,
                           "the message is compressed; no compression is known here");
        } else {
            grpc_reply_end(call, GRPC_INTERNAL,
                           "the message is marked as compressed, and grpc-encoding says it is not");
        }
        return;
    case GRPC_FRAME_TOO_LONG:
        grpc_reply_end(call, GRPC_RESOURCE_EXHAUSTED, "the message has more than %zu bytes",
                       service_of(call)->max_message);
        return;
    case GRPC_FRAME_BAD_FLAG:
        grpc_reply_end(call, GRPC_INTERNAL, "the flag before the message is neither 0 nor 1");
        return;
    case GRPC_FRAME_MORE:
        grpc_reply_end(call, GRPC_INTERNAL, "the last message is cut");
        return;
    case GRPC_FRAME_WHOLE:
        break;
    }
    grpc_reply_end(call, GRPC_UNIMPLEMENTED, "the method takes exactly one message");
}

static bool is_paused(const struct grpc_call *call)
{
    return grpc_buffer_length(&call->output) >= GRPC_OUTPUT_HIGH ||
           call->ticket_count >= GRPC_TICKETS_MAX;
}

/* Hand every whole message to the method, until it has enough. Returns how many bytes were used;
 * all of them when the call has ended. */
static size_t read_messages(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    size_t used = 0;

    while (!is_paused(call)) {
        struct grpc_message message;
        enum grpc_frame_result result =
            grpc_frame_read(bytes + used, length - used, service_of(call)->max_message, &message);

        if (result == GRPC_FRAME_MORE) {
            break;
        }
        if (result != GRPC_FRAME_WHOLE) {
            object_to(call, result);
        } else {
            call->method->message(call, message.bytes, message.length);
            used += GRPC_FRAME_HEAD + message.length;
        }
        if (call->step == GRPC_CALL_ENDED) {
            return length;
        }
    }
    return used;
}

/* Give the client's window back. */
static void consume(struct grpc_call *call, size_t length)
{
    if (length > 0 &&
        nghttp2_session_consume(call->connection->session, call->stream, length) != 0) {
        call->connection->farewell = GRPC_DEAD; /* memory is out */
    }
    grpc_connection_touch(call->connection);
}

/* All that can be read was read: is this the end? */
static void settle(struct grpc_call *call)
{
    call->paused = is_paused(call);
    if (call->step == GRPC_CALL_ENDED || call->paused) {
        return;
    }
    if (call->half_closed && grpc_buffer_length(&call->input) > 0) {
        object_to(call, GRPC_FRAME_MORE);
    } else if (call->half_closed && call->tickets == NULL) {
        grpc_reply_ok(call);
    } else if (call->leaving && call->tickets == NULL) {
        grpc_reply_end(call, GRPC_UNAVAILABLE, "the service is stopping");
    }
}

/* The messages of a call that has any number of them. */
static void take_stream(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    size_t before = call->owed + length;
    size_t used = 0;

    if (grpc_buffer_length(&call->input) == 0) {
        used = read_messages(call, bytes, length);
        bytes += used;
        length -= used;
    }
    if (grpc_buffer_put(&call->input, bytes, length) != ERR_OK) {
        grpc_reply_end(call, GRPC_RESOURCE_EXHAUSTED, "memory is out");
    }
    if (used == 0 && grpc_buffer_length(&call->input) > 0) {
        used =
            read_messages(call, grpc_buffer_bytes(&call->input), grpc_buffer_length(&call->input));
        grpc_buffer_take(&call->input, used);
    }
    if (call->step == GRPC_CALL_ENDED) {
        grpc_buffer_clear(&call->input);
    }
    /* While it is paused, what lies here keeps its share of the window. */
    call->owed = is_paused(call) ? grpc_buffer_length(&call->input) : 0;
    consume(call, before > call->owed ? before - call->owed : 0);
}

/* The message of a call that has one: it is looked at when all has come. */
static void take_only(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    struct grpc_message message;

    consume(call, length);
    if (grpc_buffer_put(&call->input, bytes, length) != ERR_OK) {
        grpc_reply_end(call, GRPC_RESOURCE_EXHAUSTED, "memory is out");
        return;
    }
    length = grpc_buffer_length(&call->input);
    enum grpc_frame_result result = grpc_frame_read(grpc_buffer_bytes(&call->input), length,
                                                    service_of(call)->max_message, &message);
    if (result == GRPC_FRAME_MORE ||
        (result == GRPC_FRAME_WHOLE && length == GRPC_FRAME_HEAD + message.length)) {
        return;
    }
    object_to(call, result);
}

void grpc_call_data(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
    if (call->step == GRPC_CALL_ENDED) {
        consume(call, length);
    } else if (call->method->streams) {
        take_stream(call, bytes, length);
        settle(call);
    } else {
        take_only(call, bytes, length);
    }
}

void grpc_call_resume(struct grpc_call *call)
{
    if (call->step == GRPC_CALL_OPEN || call->step == GRPC_CALL_HALF) {
        take_stream(call, NULL, 0);
        settle(call);
    }
}

void grpc_call_half_close(struct grpc_call *call)
{
    struct grpc_message message;

    call->half_closed = true;
    if (call->step != GRPC_CALL_OPEN) {
        return;
    }
    call->step = GRPC_CALL_HALF;
    if (call->method->streams) {
        settle(call);
        return;
    }
    (void)watch_time(call); /* as above */
    size_t length = grpc_buffer_length(&call->input);
    if (length == 0) {
        object_to(call, GRPC_FRAME_WHOLE); /* none is not one */
    } else if (grpc_frame_read(grpc_buffer_bytes(&call->input), length,
                               service_of(call)->max_message, &message) != GRPC_FRAME_WHOLE) {
        object_to(call, GRPC_FRAME_MORE);
    } else if (call->step != GRPC_CALL_ENDED) {
        call->method->message(call, message.bytes, message.length);
    }
}

/* ---- waits ---- */

/* The ticket's way is over; the call may have gone. */
static void on_arrival(struct grpc_loop *loop, struct grpc_post *post)
{
    struct grpc_ticket *ticket = grpc_ticket_of_post(post);
    struct grpc_call *call = ticket->call;

    assert(loop->tickets > 0);
    loop->tickets--;
    if (call != NULL) {
        call->ticket_count--;
        call->method->granted(call, ticket);
        grpc_ticket_free(ticket);
        if (call->paused) {
            grpc_call_resume(call);
        } else if (call->method->streams) {
            settle(call);
        }
        return;
    }
    grpc_ticket_free(ticket);
}

enum error grpc_call_wait(struct grpc_call *call, struct sequence *sequence, uint64_t count,
                          uint64_t tag, struct block *ret_block)
{
    struct grpc_loop *loop = call->connection->loop;
    struct instant deadline = clock_after(clock_now(), grpc_service_wait_ns(loop->service));

    if (call->deadline.ns < deadline.ns) {
        deadline = call->deadline;
    }
    struct grpc_ticket *ticket = grpc_ticket_new(call, &call->tickets, sequence, count, deadline);
    if (ticket == NULL) {
        return ERR_NO_MEMORY;
    }
    ticket->tag = tag;
    enum error error = grpc_ticket_wait(ticket, &loop->mailbox, on_arrival);
    if (error == ERR_PENDING) {
        loop->tickets++;
        call->ticket_count++;
        return error;
    }
    if (error == ERR_OK) {
        *ret_block = ticket->waiter.block;
    }
    grpc_ticket_free(ticket);
    return error;
}
