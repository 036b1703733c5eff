/* server: one connection to a seqd, over TCP, TLS or a unix socket.
 *
 * The law: an answer counts only when it is whole, came from the address that was asked for (no
 * redirect is followed, no proxy used), and within the time. Nothing that allocates numbers is sent
 * twice by us; libcurl sends again on a kept connection that was closed before one byte was
 * answered, which costs numbers at most, and which `once` forbids.
 *
 * Threads: a server is used by one thread at a time; server_setup() before any thread. */
#ifndef SEQD_CTL_SERVER_H
#define SEQD_CTL_SERVER_H

#include "address.h"
#include "arguments.h"
#include "base/error.h"
#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>

#define SERVER_ANSWER_MAX ((size_t)512 << 20) /* bytes; a backup with the largest ledger: 400 MiB */
#define SERVER_TOKEN_MAX 1024                 /* bytes */
#define SERVER_TYPE_TEXT "text/plain"
#define SERVER_TYPE_JSON "application/json"
#define SERVER_TYPE_GRPC "application/grpc"
#define SERVER_TYPE_PROBLEM "application/problem+json"

struct server;

/* What names a server and how it is asked; filled by server_options(). */
struct server_options {
    struct address address;
    char token[SERVER_TOKEN_MAX + 1]; /* "": none */
    const char *ca;                   /* NULL: the system's */
    long timeout_ms;
    bool once; /* send no question twice, whatever becomes of the connection */
    bool grpc; /* speak HTTP/2, and look for the status of gRPC */
};

struct question {
    const char *method;
    const char *path;   /* with its query, already escaped */
    const char *accept; /* NULL: any */
    const char *body;   /* JSON, or a message of gRPC; NULL: none */
    size_t length;      /* of the body; 0: it ends with its NUL */
};

/* Owns its memory: answer_free(). */
struct answer {
    long status;
    char *body; /* with a NUL that is not counted */
    size_t length;
    char type[64];          /* without parameters; "" when there is none */
    unsigned retry_after_s; /* 0: not said */
    int grpc_status;        /* -1: not said */
};

/* Once, before any thread. */
__attribute__((warn_unused_result)) enum outcome server_setup(void);

/* Understand the common options, $SEQD_URL and $SEQD_TOKEN. Says what is wrong otherwise. */
__attribute__((warn_unused_result)) enum outcome server_options(const struct arguments *arguments,
                                                                struct server_options *ret_options);

/* Nothing is connected yet. NULL when memory is out. `options` must outlive it. */
struct server *server_open(const struct server_options *options);

/* NULL is accepted. */
void server_close(struct server *server);

/* Ask, and wait for the answer, whatever its status. OUTCOME_UNREACHABLE, or OUTCOME_FAILED when
 * what answers is no HTTP server, with what to do in `detail`. */
__attribute__((warn_unused_result)) enum outcome server_ask(struct server *server,
                                                            const struct question *question,
                                                            struct answer *ret_answer,
                                                            struct error_detail *detail);

/* May the server have seen the last question? False: not a byte of it was sent. */
bool server_has_sent(const struct server *server);

/* Free what the answer owns, and empty it. */
void answer_free(struct answer *answer);

#endif
