/* grpc_admin: the methods that change sequences: SequenceService.Create, Alter, Advance and Drop.
 *
 * The law: as with HTTP: a change is durable before it is answered; nobody blocks for it; who asks
 * needs the right to administer.
 *
 * Threads: the call's loop's. */
#ifndef SEQD_FRONT_GRPC_ADMIN_H
#define SEQD_FRONT_GRPC_ADMIN_H

#include "grpc_call.h"

extern const struct grpc_method grpc_create_method;
extern const struct grpc_method grpc_alter_method;
extern const struct grpc_method grpc_advance_method;
extern const struct grpc_method grpc_drop_method;

#endif
