/* http_stage: the HTTP front in this process, over a registry, a keeper and a store in memory, on a
 * port that the kernel chose.
 *
 * The law: what a test sees went through real sockets and the real core; only the disk is played.
 * Opening and closing run the same order as the daemon's. A step that fails ends the test.
 *
 * Threads: one. */
#ifndef SEQD_TESTS_LIB_HTTP_STAGE_H
#define SEQD_TESTS_LIB_HTTP_STAGE_H

#include "base/definition.h"
#include "core/expiry.h"
#include "core/keeper.h"
#include "core/registry.h"
#include "dir.h"
#include "front/http.h"
#include "http_client.h"
#include "store_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_STAGE_SEQUENCES 8

struct http_stage {
    struct http_options options; /* set before http_stage_open(), as are the next two */
    struct access_options access_options;
    struct tls_options tls_options; /* without a certificate: no TLS */
    struct {
        char name[SEQUENCE_NAME_MAX + 1];
        struct definition definition;
    } sequences[HTTP_STAGE_SEQUENCES];
    size_t sequence_count;
    struct store_memory_disk *disk;
    struct store *store;
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    const struct wall_clock *clock; /* NULL: the system's */
    struct registry *registry;
    struct keeper *keeper;
    struct expiry *expiry;
    struct dir tokens; /* where the token file is; an empty path: there is none */
    struct access *access;
    struct tls *tls;
    struct http *http;
    uint16_t port;
};

/* Two threads, 127.0.0.1, max_count 10,000, times of which no test comes near, and a sequence
 * 'default' of the default definition. */
struct http_stage http_stage_options(void);

/* Have one more sequence; before http_stage_open(). */
void http_stage_add(struct http_stage *stage, const char *name, struct definition definition);

/* Have the clients of this test send a token that may administer; before http_stage_open(), until
 * http_stage_close(). */
void http_stage_administer(struct http_stage *stage);

/* Start everything. */
void http_stage_open(struct http_stage *stage);

/* What a front of this stage stands on. */
struct ground http_stage_ground(struct http_stage *stage);

/* Drain, close and free everything, in the daemon's order. A test that has stopped the front itself
 * sets `http` to NULL. */
void http_stage_close(struct http_stage *stage);

/* What the registry says of `name` now. */
struct sequence_status http_stage_status(struct http_stage *stage, const char *name);

/* Wait until `name` has exactly `waiters` waiting; false after 10 s. */
bool http_stage_await_waiters(struct http_stage *stage, const char *name, uint64_t waiters);

/* Draw once, so that a lease is there. Returns the number. */
int64_t http_stage_warm(struct http_stage *stage, const char *name);

/* One request over a connection of its own, whose answer must have `status`; its body is compared
 * with `body` unless that is NULL. */
#define http_stage_expect(stage, method, target, headers, status, body) \
    http_stage_expect_at(stage, method, target, headers, status, body, __FILE__, __LINE__)
void http_stage_expect_at(struct http_stage *stage, const char *method, const char *target,
                          const char *headers, int status, const char *body, const char *file,
                          int line);

/* As above, for a problem: its type must end in `type`, and its detail contain `text`. */
#define http_stage_expect_problem(stage, method, target, headers, status, type, text) \
    http_stage_expect_problem_at(stage, method, target, headers, status, type, text, __FILE__, \
                                 __LINE__)
void http_stage_expect_problem_at(struct http_stage *stage, const char *method, const char *target,
                                  const char *headers, int status, const char *type,
                                  const char *text, const char *file, int line);

/* As http_stage_expect(), with the JSON text `sent` as the request's body; the answer's body must
 * contain `text`. */
#define http_stage_expect_json(stage, method, target, sent, status, text) \
    http_stage_expect_json_at(stage, method, target, sent, status, text, __FILE__, __LINE__)
void http_stage_expect_json_at(struct http_stage *stage, const char *method, const char *target,
                               const char *sent, int status, const char *text, const char *file,
                               int line);

/* As http_stage_expect_problem(), with the JSON text `sent` as the request's body. */
#define http_stage_refuse_json(stage, method, target, sent, status, type, text) \
    http_stage_refuse_json_at(stage, method, target, sent, status, type, text, __FILE__, __LINE__)
void http_stage_refuse_json_at(struct http_stage *stage, const char *method, const char *target,
                               const char *sent, int status, const char *type, const char *text,
                               const char *file, int line);

/* Is `answer` a problem of this status and type whose body contains `text`? Prints it where not. */
bool http_answer_is_problem(const struct http_answer *answer, int status, const char *type,
                            const char *text);

#endif
