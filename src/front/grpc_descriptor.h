/* grpc_descriptor: the descriptors of the files that describe the services, as protoc made them at
 * build time.
 *
 * The law: a file is given out byte for byte. It is found by its name, or by the full name of
 * anything that it declares: a service, a method, a message, a field, an enum.
 *
 * Threads: any; constant. */
#ifndef SEQD_FRONT_GRPC_DESCRIPTOR_H
#define SEQD_FRONT_GRPC_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A FileDescriptorSet; the build generates it. */
extern const uint8_t grpc_descriptor_set[];
extern const uint8_t grpc_descriptor_set_end[]; /* behind its last byte */

struct grpc_file {
    const uint8_t *bytes; /* a FileDescriptorProto, in the set */
    size_t length;
};

/* The file named `name`, or the one that declares `symbol`. False when there is none. */
bool grpc_descriptor_by_name(const char *name, struct grpc_file *ret_file);
bool grpc_descriptor_by_symbol(const char *symbol, struct grpc_file *ret_file);

/* Call `visit` with the full name of each service, which is good for that call only. */
void grpc_descriptor_services(void (*visit)(void *context, const char *name), void *context);

#endif
