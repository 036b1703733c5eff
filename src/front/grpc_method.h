/* grpc_method: the table of all methods.
 *
 * Threads: any; the table is constant. */
#ifndef SEQD_FRONT_GRPC_METHOD_H
#define SEQD_FRONT_GRPC_METHOD_H

#include "grpc_call.h"
#include "grpc_counters.h"

#include <stddef.h>

/* The method of `path`, `length` bytes; NULL when there is none. */
const struct grpc_method *grpc_method_find(const char *path, size_t length);

/* The method in place `index`; NULL for GRPC_METHOD_NONE. */
const struct grpc_method *grpc_method_at(enum grpc_method_index index);

#endif
