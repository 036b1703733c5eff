/* grpc: the gRPC face, on libnghttp2 and protobuf-c; the service is include/seqd/v1/seqd.proto.
 *
 * The law: it serves the same registry as HTTP and keeps the same promises: a call that is refused
 * takes no number (P7), no thread waits for a lease (P6), and a call whose deadline has passed, or
 * whose client has gone, takes none. Everything that a client can press on has a limit with a name.
 * It sees the registry, sequences and the keeper's health; never a store or a lease.
 *
 * It is an optional part: built with GRPC=no, grpc_start() says so and grpc_built() is false.
 *
 * Threads: start, alter, drain and stop by the owner; grpc_metrics() and grpc_overdue_ns() any; the
 * rest is its own. */
#ifndef SEQD_FRONT_GRPC_H
#define SEQD_FRONT_GRPC_H

#include "base/clock.h"
#include "base/definition.h"
#include "base/error.h"
#include "front/ground.h"
#include "front/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GRPC_MESSAGE_MIN 1024          /* the least that max_message_bytes may be, … */
#define GRPC_MESSAGE_MAX (1024 * 1024) /* … and the most */
#define GRPC_THREADS_MAX 256
#define GRPC_STREAMS_MAX 10000
#define GRPC_AGE_UNLIMITED 0U
#define GRPC_BUSY_POLL_OFF 0U
#define GRPC_BUSY_POLL_MAX_US 1000U

struct grpc_options {
    struct endpoints listen;    /* TCP addresses; none: gRPC is not served */
    enum place_tls tls;         /* which of them speak TLS */
    unsigned threads;           /* 1 … GRPC_THREADS_MAX; 0: one a processor */
    unsigned max_connections;   /* 1 … 1,000,000, over all threads */
    unsigned max_streams;       /* calls at a time over one connection, 1 … GRPC_STREAMS_MAX */
    uint64_t max_message_bytes; /* of one request, GRPC_MESSAGE_MIN … GRPC_MESSAGE_MAX */
    unsigned busy_poll_us;      /* that a thread looks for more, where that pays, before it
                                 * sleeps: GRPC_BUSY_POLL_OFF, or 1 … GRPC_BUSY_POLL_MAX_US */
    char default_sequence[SEQUENCE_NAME_MAX + 1]; /* what a request without a name draws from */

    /* The rest may be altered while it runs. */
    unsigned max_connections_per_address; /* as http_options has it */
    uint64_t max_count;                   /* numbers in one block */
    unsigned wait_timeout_ms;    /* how long a call waits for a lease before it is UNAVAILABLE */
    unsigned request_timeout_ms; /* for a request to arrive whole, and for a client to read */
    unsigned idle_timeout_ms;    /* a connection without a call is asked to leave after it */
    unsigned max_age_ms;         /* so is one that is older; GRPC_AGE_UNLIMITED: never */
};

struct grpc;

/* Was it built in? */
bool grpc_built(void);

/* Start listening and serving. What `ground` holds is borrowed until grpc_stop().
 * ERR_CONFLICT  an address and port are in use. ERR_INVALID  an address cannot be used, or one can
 *               be reached by other machines and that was not wanted, or gRPC was not built in.
 *               ERR_NO_MEMORY, ERR_IO. */
__attribute__((warn_unused_result)) enum error grpc_start(const struct grpc_options *options,
                                                          const struct ground *ground,
                                                          struct grpc **ret_grpc,
                                                          struct error_detail *detail);

/* How many places it listens on, and each of them. NULL listens on none. */
size_t grpc_places(const struct grpc *grpc);
const struct place *grpc_place(const struct grpc *grpc, size_t index);

/* For how long, at `now`, the thread that is longest at one piece of work has been so, or has slept
 * past the moment at which it had something to do. 0, or a moment, unless one is stuck. In
 * nanoseconds. NULL is never stuck. Threads: any. */
uint64_t grpc_overdue_ns(const struct grpc *grpc, struct instant now);

/* Take over what may be altered from `options`, for calls that begin after. NULL is accepted. */
void grpc_alter(struct grpc *grpc, const struct grpc_options *options);

/* Serve no new connection, ask clients to leave (GOAWAY), end what would go on for ever (Stream,
 * Watch), and wait until no call is on its way, at most `timeout_ms`. Calls that come meanwhile
 * over open connections are served. Returns how many are still on their way. May be called again.
 * NULL is accepted. */
unsigned grpc_drain(struct grpc *grpc, unsigned timeout_ms);

/* Stop and free. NULL is accepted. The registry must be closed before, so that nobody waits any
 * more; what was taken until then is still sent. The rest of core must still run. */
void grpc_stop(struct grpc *grpc);

/* Write its metrics in the Prometheus text format. NULL writes none. */
void grpc_metrics(struct grpc *grpc, FILE *page);

#endif
