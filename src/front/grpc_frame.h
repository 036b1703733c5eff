/* grpc_frame: messages in a run of bytes, each behind a flag and a length.
 *
 * The law: a length is compared with the limit before a byte of its message is waited for, so a
 * client cannot make anybody hold more than the limit.
 *
 * Source: gRPC over HTTP2, "Length-Prefixed-Message".
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_GRPC_FRAME_H
#define SEQD_FRONT_GRPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define GRPC_FRAME_HEAD 5 /* bytes before each message */

enum grpc_frame_result {
    GRPC_FRAME_WHOLE,      /* a message, in *ret_message */
    GRPC_FRAME_MORE,       /* more bytes are needed */
    GRPC_FRAME_COMPRESSED, /* its flag says so */
    GRPC_FRAME_BAD_FLAG,   /* its flag is neither 0 nor 1 */
    GRPC_FRAME_TOO_LONG,   /* its length is above the limit */
};

struct grpc_message {
    const uint8_t *bytes; /* borrowed from what was read */
    size_t length;
};

/* Read the message at the beginning of `bytes`, which takes GRPC_FRAME_HEAD + its length. */
enum grpc_frame_result grpc_frame_read(const uint8_t *bytes, size_t length, size_t max_message,
                                       struct grpc_message *ret_message);

/* Write the head of a message of `length` bytes, not compressed, at `to`. */
void grpc_frame_head(uint8_t to[GRPC_FRAME_HEAD], uint32_t length);

#endif
