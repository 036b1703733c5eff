/* grpc_session: HTTP/2 as it is spoken here, on libnghttp2.
 *
 * The law: the library keeps to HTTP/2; this keeps to its limits. Frames that ask for nothing
 * (PING, SETTINGS, PRIORITY, RST_STREAM, empty DATA and such) are borne GRPC_PATIENCE_BURST at a
 * time and GRPC_PATIENCE_RATE a second; who sends more is sent away (CVE-2019-9512 and its kin,
 * CVE-2023-44487). A header block of more than GRPC_CONTINUATIONS_MAX frames ends the connection
 * (CVE-2024-28182).
 *
 * Threads: grpc_session_kind_*() the owner's; the rest its loop's. */
#ifndef SEQD_FRONT_GRPC_SESSION_H
#define SEQD_FRONT_GRPC_SESSION_H

#include "base/error.h"
#include "grpc_connection.h"

#include <stddef.h>
#include <stdint.h>

#define GRPC_PATIENCE_BURST 1000
#define GRPC_PATIENCE_RATE 100
#define GRPC_CONTINUATIONS_MAX 8
#define GRPC_WINDOW_BYTES (1 << 20) /* of a connection: what its client may send ahead */

/* What all sessions have in common. */
struct grpc_session_kind {
    nghttp2_session_callbacks *callbacks; /* owned, as is the next */
    nghttp2_option *option;
};

/* ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
grpc_session_kind_init(struct grpc_session_kind *kind);
void grpc_session_kind_fini(struct grpc_session_kind *kind);

/* Give `connection` its session. ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
grpc_session_open(struct grpc_connection *connection);

/* End every call and the session. */
void grpc_session_close(struct grpc_connection *connection);

/* Bytes have come. */
void grpc_session_read(struct grpc_connection *connection, const uint8_t *bytes, size_t length);

/* Write up to `room` (>= GRPC_CHUNK_SIZE) bytes of frames that are due at `to`. Returns how many.
 * */
size_t grpc_session_write(struct grpc_connection *connection, uint8_t *to, size_t room);

/* Ask the client to leave: calls that are on their way to us are served still. */
void grpc_session_leave(struct grpc_connection *connection);

/* Tell the client which call was the last one. */
void grpc_session_left(struct grpc_connection *connection);

#endif
