/* grpc_stage: the gRPC front in this process, over a registry, a keeper and a store in memory, on a
 * port that the kernel chose.
 *
 * The law: what a test sees went through real sockets and the real core; only the disk is played.
 * Opening and closing run the same order as the daemon's. A step that fails ends the test.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_GRPC_STAGE_H
#define SEQD_TESTS_LIB_GRPC_STAGE_H

#include "core_house.h"
#include "grpc_client.h"
#include "grpc_words.h"

#include "front/grpc.h"

#include <stdint.h>

#define GRPC_NEXT_PATH "/seqd.v1.SequenceService/Next"
#define GRPC_STREAM_PATH "/seqd.v1.SequenceService/Stream"

struct grpc_stage {
    struct grpc_options options; /* set before grpc_stage_open(), as the next two */
    struct access_options access_options;
    struct tls_options tls_options;
    struct house *house;
    struct access *access;
    struct tls *tls; /* NULL where no certificate was named */
    struct grpc *grpc;
    uint16_t port;
};

/* Two threads, 127.0.0.1, max_count 10,000, times of which no test comes near, and a sequence
 * 'default' of the default definition. */
struct grpc_stage *grpc_stage_new(void);

/* Start everything. */
void grpc_stage_open(struct grpc_stage *stage);

/* Close and free everything, in the daemon's order. A test that has stopped the front itself sets
 * `grpc` to NULL. */
void grpc_stage_close(struct grpc_stage *stage);

/* The number of one call of Next without a name; anything else ends the test. */
int64_t grpc_stage_next(struct grpc_client *client);

/* Wait until `name` has exactly `waiters` waiting; ends the test after a while. */
void grpc_stage_await_waiters(struct grpc_stage *stage, const char *name, uint64_t waiters);

/* Numbers issued of `name` since the start. */
uint64_t grpc_stage_issued(struct grpc_stage *stage, const char *name);

/* How many calls of `path` ended with the code named `code`, as the metrics say. */
uint64_t grpc_stage_counted(struct grpc_stage *stage, const char *path, const char *code);

/* ... and how many refusals for this reason. */
uint64_t grpc_stage_refused(struct grpc_stage *stage, const char *reason);

/* ... and how often a loop looked for more before it slept, with `result` "found" or "vain". */
uint64_t grpc_stage_looked(struct grpc_stage *stage, const char *result);

/* Connections that are open, as the metrics say. */
uint64_t grpc_stage_connections(struct grpc_stage *stage);

/* The answer must have this code and its message contain `text`. */
#define grpc_expect_status(answer, code, text) \
    grpc_expect_status_at(answer, code, text, __FILE__, __LINE__)
void grpc_expect_status_at(const struct grpc_answer *answer, int code, const char *text,
                           const char *file, int line);

/* The answer must be OK with one block. */
struct grpc_block grpc_expect_block(const struct grpc_answer *answer);

#endif
