/* grpc_status: the canonical status codes, and text that can stand in a header.
 *
 * The law: what a client wrote comes back only percent-encoded, so no byte of it can end a header,
 * and an escape is never cut in two.
 *
 * Source: gRPC over HTTP2, "Responses"; gRPC, "Status codes and their use".
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_GRPC_STATUS_H
#define SEQD_FRONT_GRPC_STATUS_H

#include <stddef.h>

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};

#define GRPC_CODES 17

/* "OK", "CANCELLED", … Static. */
const char *grpc_code_name(enum grpc_code code);

/* "0" … "16", as the header wants it. Static. */
const char *grpc_code_digits(enum grpc_code code);

/* Write `text` to `to` with every byte outside 0x20 … 0x7E, and '%', as %XX. Text that does not fit
 * `size` (>= 1) bytes with a NUL is cut between two characters. Returns the length. */
size_t grpc_percent_encode(char *to, size_t size, const char *text);

#endif
