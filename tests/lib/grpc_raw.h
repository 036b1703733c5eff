/* grpc_raw: HTTP/2 written by hand and read frame by frame, for what no library would send.
 *
 * Threads: one at a time. */
#ifndef SEQD_TESTS_LIB_GRPC_RAW_H
#define SEQD_TESTS_LIB_GRPC_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of HTTP/2: types of frames, flags, and codes of errors. */
enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PUSH_PROMISE = 5,
    PING = 6,
    GOAWAY = 7,
    WINDOW_UPDATE = 8,
    CONTINUATION = 9,
    UNHEARD_OF = 0x42,

    ACK = 1,
    END_STREAM = 1,
    END_HEADERS = 4,
    PADDED = 8,

    PROTOCOL_ERROR = 1,
    FLOW_CONTROL_ERROR = 3,
    FRAME_SIZE_ERROR = 6,
    REFUSED_STREAM = 7,
    CANCEL = 8,
    COMPRESSION_ERROR = 9,
    ENHANCE_YOUR_CALM = 11,
};

struct grpc_raw {
    struct http_client *wire; /* owned */
    uint8_t *out;             /* what will be sent; owned */
    size_t out_length;
    size_t out_room;
    uint8_t in[1 << 16]; /* what came and is no whole frame yet */
    size_t in_length;
};

/* What the server has said until it closed. */
struct grpc_verdict {
    bool closed;
    bool goaway;
    uint32_t code; /* of the last GOAWAY */
    char words[64];
    unsigned acks;    /* of PING and SETTINGS */
    unsigned resets;  /* RST_STREAM … */
    uint32_t reset;   /* … and the code of the last */
    unsigned headers; /* HEADERS */
};

/* Connect to 127.0.0.1:`port`. */
struct grpc_raw *grpc_raw_open(uint16_t port);
void grpc_raw_close(struct grpc_raw *raw);

/* What is to be sent: any bytes; a frame; the preface with empty SETTINGS; the head of a call of
 * Next; a frame of one number. */
void grpc_raw_add(struct grpc_raw *raw, const void *bytes, size_t length);
void grpc_raw_frame(struct grpc_raw *raw, uint8_t type, uint8_t flags, uint32_t stream,
                    const void *payload, size_t length);
void grpc_raw_preface(struct grpc_raw *raw);
void grpc_raw_call(struct grpc_raw *raw, uint32_t stream, uint8_t flags);
void grpc_raw_number(struct grpc_raw *raw, uint8_t type, uint32_t stream, uint32_t value);

/* Write a field as a literal that is not indexed, or the header block of a call of Next, at `to`.
 * Returns the length. */
size_t grpc_raw_put_field(uint8_t *to, const char *name, const char *value);
size_t grpc_raw_put_head(uint8_t *to);

/* Send everything and read meanwhile, until the server closes, or for `timeout_ms`: for what ends
 * the connection, or must not come. */
struct grpc_verdict grpc_raw_exchange(struct grpc_raw *raw, unsigned timeout_ms);

/* The same, but no longer than until all is sent and at least this has come: the counts of `least`,
 * and a GOAWAY where it has one. Ends the test when that takes more than 20 s; a server that closes
 * is for the caller to judge. */
struct grpc_verdict grpc_raw_await(struct grpc_raw *raw, struct grpc_verdict least);

#endif
