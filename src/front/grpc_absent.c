#include "front/grpc.h"

#include <assert.h>
#include <stddef.h>

/* What a build with GRPC=no has in the place of grpc.c. Nothing was started, so there is nothing
 * to alter, drain, stop or count. */

bool grpc_built(void)
{
    return false;
}

enum error grpc_start(const struct grpc_options *options, const struct ground *ground,
                      struct grpc **ret_grpc, struct error_detail *detail)
{
    (void)options;
    (void)ground;
    (void)ret_grpc;
    return error_fail(detail, ERR_INVALID,
                      "this seqd was built without gRPC (GRPC=no): leave out listen in section "
                      "[grpc], or use one that was built with it");
}

size_t grpc_places(const struct grpc *grpc)
{
    assert(grpc == NULL);
    return 0;
}

const struct place *grpc_place(const struct grpc *grpc, size_t index)
{
    (void)index;
    assert(grpc != NULL && "there is no place");
    return NULL;
}

void grpc_alter(struct grpc *grpc, const struct grpc_options *options)
{
    (void)options;
    assert(grpc == NULL);
}

unsigned grpc_drain(struct grpc *grpc, unsigned timeout_ms)
{
    (void)timeout_ms;
    assert(grpc == NULL);
    return 0;
}

void grpc_stop(struct grpc *grpc)
{
    assert(grpc == NULL);
}

uint64_t grpc_overdue_ns(const struct grpc *grpc, struct instant now)
{
    (void)now;
    assert(grpc == NULL);
    return 0;
}

void grpc_metrics(struct grpc *grpc, FILE *page)
{
    (void)page;
    assert(grpc == NULL);
}
