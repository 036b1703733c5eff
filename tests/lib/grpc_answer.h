/* grpc_answer: what a server has sent over one stream, as grpc_client gathers it.
 *
 * Threads: the client's. */
#ifndef SEQD_TESTS_LIB_GRPC_ANSWER_H
#define SEQD_TESTS_LIB_GRPC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What came back over one stream. */
struct grpc_answer {
    bool begun;         /* the head of the call has gone out; all else came back */
    bool headers;       /* any came */
    bool trailers_only; /* the first headers were the last thing */
    bool closed;        /* the stream has ended, one way or the other */
    uint32_t reset;     /* the code of a reset by the server; 0: none, or NO_ERROR */
    int http_status;    /* 0: none came */
    int code;           /* of gRPC; -1: none came */
    char message[1024]; /* as it came, percent-encoded */
    char content_type[64];
    char retry_ms[32];        /* "grpc-retry-pushback-ms"; "" */
    char accept_encoding[32]; /* "grpc-accept-encoding"; "" */
    char allow[32];           /* "allow"; "" */
    uint8_t *body;            /* all DATA; owned by the client */
    size_t length;
    unsigned frames; /* of DATA */
};

/* One field of its headers or trailers. */
void grpc_answer_add(struct grpc_answer *answer, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t length);

/* Its headers or trailers are whole; `last`: nothing follows them. */
void grpc_answer_head(struct grpc_answer *answer, bool last);

/* More of its body. */
void grpc_answer_put(struct grpc_answer *answer, const uint8_t *bytes, size_t length);

/* Copy `length` bytes as a text, cut to `size`. */
void grpc_answer_keep(char *to, size_t size, const uint8_t *value, size_t length);

#endif
