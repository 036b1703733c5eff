/* grpc_call: one stream of a connection, from its first header to its end.
 *
 * The law: a method sees only whole messages of a well-formed call, one after another, and none
 * after the call has ended; a call with one request sees exactly one, after everything of it has
 * come. A call holds at most one message that is not whole yet, what its stream's window lets in
 * while it is paused, and GRPC_OUTPUT_HIGH bytes of answers and one more; it pauses rather than
 * hold more.
 *
 * Threads: its loop's. */
#ifndef SEQD_FRONT_GRPC_CALL_H
#define SEQD_FRONT_GRPC_CALL_H

#include "base/clock.h"
#include "grpc_buffer.h"
#include "grpc_connection.h"
#include "grpc_head.h"
#include "grpc_ticket.h"
#include "grpc_timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRPC_OUTPUT_HIGH ((size_t)64 * 1024) /* bytes of answers at which a call pauses … */
#define GRPC_OUTPUT_LOW ((size_t)16 * 1024)  /* … and at which it goes on */
#define GRPC_TICKETS_MAX 1024                /* requests of one call that wait for a lease */

/* What a method does. Each is called on the loop's thread; those marked so may be NULL. */
struct grpc_method {
    const char *path; /* "/package.Service/Method" */
    unsigned index;   /* for the counters */
    bool streams;     /* the client may send any number of messages */

    /* A request is here. */
    void (*message)(struct grpc_call *call, const uint8_t *bytes, size_t length);

    /* A wait is over: ticket->waiter has the answer. The ticket is freed after. May be NULL. */
    void (*granted)(struct grpc_call *call, struct grpc_ticket *ticket);

    /* The service stops, and this call would go on: end it, now or after what is on its way. NULL:
     * it ends by itself. */
    void (*leave)(struct grpc_call *call);

    /* The call's own timer has come. May be NULL. */
    void (*tick)(struct grpc_call *call);
};

enum grpc_call_step {
    GRPC_CALL_HEADERS, /* not all of them are here */
    GRPC_CALL_OPEN,    /* messages may come */
    GRPC_CALL_HALF,    /* the client has sent everything */
    GRPC_CALL_ENDED,   /* its status is fixed; what was answered is still sent */
};

struct grpc_change;

struct grpc_call {
    struct grpc_connection *connection;
    const struct grpc_method *method; /* NULL where there is none of that path */
    int32_t stream;
    enum grpc_call_step step;
    struct grpc_call *next; /* in the connection's list */
    struct grpc_call **link;
    struct grpc_call *next_parched; /* in the connection's other list, while `parched` */

    struct grpc_head head;
    struct grpc_timer timer;  /* until the deadline, or until the request has to be whole */
    struct grpc_timer ticker; /* the method's own */
    struct instant deadline;  /* the client's; the far end of time where it gave none */
    struct instant whole_by;  /* when the request has to be whole */

    struct grpc_buffer input; /* what no message was made of yet */
    size_t owed;              /* bytes of it that the client's window was not given back */
    struct grpc_buffer output;
    struct grpc_change *change;  /* an administrative change that is on its way; NULL: none */
    struct grpc_ticket *tickets; /* waits that are on their way, and how many */
    unsigned ticket_count;

    bool responded;   /* the headers of the answer are on their way */
    bool deferred;    /* the library waits to be told that there is output */
    bool paused;      /* it reads no more for now */
    bool parched;     /* it may go on reading at the end of the round */
    bool hurried;     /* its client was given time once to read the rest */
    bool half_closed; /* the client has sent everything, though perhaps not all was read */
    bool leaving;     /* it ends when nothing is on its way any more */
    bool retry;       /* the status says when to try again */
    enum grpc_code code;
    char *text; /* of the status, encoded, owned; NULL: none */
    int memory; /* what a method remembers from one message to the next */
};

/* Begin a call. NULL when memory is out. */
__attribute__((warn_unused_result)) struct grpc_call *
grpc_call_open(struct grpc_connection *connection, int32_t stream);

/* All headers are here, and call->method is set. */
void grpc_call_begin(struct grpc_call *call);

/* Bytes of messages have come. */
void grpc_call_data(struct grpc_call *call, const uint8_t *bytes, size_t length);

/* The client has sent everything. */
void grpc_call_half_close(struct grpc_call *call);

/* Go on after a pause. */
void grpc_call_resume(struct grpc_call *call);

/* Wait for `count` numbers of `sequence` (sequence_take() has said ERR_PENDING). ERR_PENDING: the
 * method's granted() will be called, unless the call ends before. Else the answer, as of
 * sequence_wait(). ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error grpc_call_wait(struct grpc_call *call,
                                                              struct sequence *sequence,
                                                              uint64_t count, uint64_t tag,
                                                              struct block *ret_block);

/* Has the client's deadline passed? */
bool grpc_call_is_late(const struct grpc_call *call);

/* The stream has gone; free the call. */
void grpc_call_close(struct grpc_call *call);

#endif
