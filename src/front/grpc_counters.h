/* grpc_counters: how many calls of each method ended with which code, and how often the loop looked
 * for more before it slept.
 *
 * The law: each loop adds to counters of its own, so the way of a call shares none with another
 * thread's; they are summed when somebody asks.
 *
 * Threads: grpc_count_*() the loop's; reading any. */
#ifndef SEQD_FRONT_GRPC_COUNTERS_H
#define SEQD_FRONT_GRPC_COUNTERS_H

#include "grpc_status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum grpc_method_index {
    GRPC_METHOD_NEXT,
    GRPC_METHOD_STREAM,
    GRPC_METHOD_GET,
    GRPC_METHOD_LIST,
    GRPC_METHOD_DECODE,
    GRPC_METHOD_RANGE,
    GRPC_METHOD_CREATE,
    GRPC_METHOD_ALTER,
    GRPC_METHOD_ADVANCE,
    GRPC_METHOD_DROP,
    GRPC_METHOD_CHECK,
    GRPC_METHOD_WATCH,
    GRPC_METHOD_REFLECTION,
    GRPC_METHOD_REFLECTION_ALPHA,
    GRPC_METHOD_NONE, /* what was asked for is no method */
    GRPC_METHODS,     /* how many there are */
};

struct grpc_counters {
    _Alignas(64) _Atomic uint64_t calls[GRPC_METHODS][GRPC_CODES];
    _Atomic uint64_t looks[2]; /* in vain, and not */
};

void grpc_count_call(struct grpc_counters *counters, unsigned method, enum grpc_code code);

uint64_t grpc_counted_calls(const struct grpc_counters *counters, unsigned method,
                            enum grpc_code code);

void grpc_count_look(struct grpc_counters *counters, bool found);

uint64_t grpc_counted_looks(const struct grpc_counters *counters, bool found);

#endif
