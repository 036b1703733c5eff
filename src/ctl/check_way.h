/* check_way: one way to ask for a block (an address and a form), and what its answer proves.
 *
 * The law: each question ends in one of five, and never in a better one than is certain. That it
 * failed, so that no number was taken, is said only where it was not sent, or where a seqd itself
 * said so. An error that somebody else may have put in its place (a proxy) proves nothing.
 *
 * Threads: check_way_ask() any, each with a server of its own; the rest is pure. */
#ifndef SEQD_CTL_CHECK_WAY_H
#define SEQD_CTL_CHECK_WAY_H

#include "base/definition.h"
#include "base/error.h"
#include "grpc_next.h"
#include "outcome.h"
#include "server.h"
#include "session.h"

#include <stdbool.h>
#include <stdint.h>

enum check_form {
    CHECK_JSON,
    CHECK_TEXT,
    CHECK_GRPC,
};

struct check_way {
    struct server_options options;
    enum check_form form;
    char path[SESSION_PATH_SIZE];
    char message[GRPC_NEXT_SIZE]; /* what gRPC is asked */
    size_t message_length;        /* 0: it is not gRPC */
};

enum check_event {
    CHECK_BLOCK,   /* the numbers that were asked for */
    CHECK_WRONG,   /* an answer with success, and not these numbers: `detail` says what */
    CHECK_FAILED,  /* no number was taken; asking again may help */
    CHECK_LOST,    /* it was sent; whether numbers were taken is not known */
    CHECK_REFUSED, /* no number was taken, and asking again does not help */
};

/* Owns its answer: answer_free(). */
struct check_reply {
    enum check_event event;
    bool unreached;       /* FAILED, LOST: there was no server, or the connection broke */
    bool has_block;       /* BLOCK: always; WRONG: first and last can be read */
    enum outcome outcome; /* FAILED, LOST, REFUSED: what it would mean alone */
    struct block block;
    struct answer answer; /* body NULL: none came */
    struct error_detail detail;
};

/* Fill what depends on the sequence and the count; options and form are there already. */
void check_way_aim(struct check_way *way, const char *name, uint64_t count);

/* "http://127.0.0.1:8080 (json)". */
const char *check_way_name(const struct check_way *way, char to[ADDRESS_SIZE + 16]);

/* What `answer` proves, for `count` numbers that are `increment` apart (0: not known yet, and only
 * what names its increment can be understood). Writes all of `reply` but its answer. */
void check_way_judge(enum check_form form, const struct answer *answer, uint64_t count,
                     int64_t increment, struct check_reply *reply);

/* Ask once. */
void check_way_ask(const struct check_way *way, struct server *server, uint64_t count,
                   int64_t increment, struct check_reply *ret_reply);

#endif
