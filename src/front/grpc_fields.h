/* grpc_fields: the header fields of a call that need understanding.
 *
 * The law: a value is understood whole or refused; nothing is guessed.
 *
 * Source: gRPC over HTTP2, "Requests".
 *
 * Threads: any; pure functions. */
#ifndef SEQD_FRONT_GRPC_FIELDS_H
#define SEQD_FRONT_GRPC_FIELDS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "grpc-timeout": one to eight digits and a unit (H M S m u n). UINT64_MAX where the time is longer
 * than 64 bits of nanoseconds hold. ERR_INVALID; *ret_ns is untouched then. */
__attribute__((warn_unused_result)) enum error grpc_timeout_parse(const uint8_t *text,
                                                                  size_t length, uint64_t *ret_ns);

/* Does "content-type" say gRPC with Protocol Buffers: "application/grpc", perhaps with "+proto",
 * and perhaps parameters behind ';'? */
bool grpc_content_type_fits(const uint8_t *text, size_t length);

#endif
