#include "grpc_method.h"

#include "grpc_admin.h"
#include "grpc_decode.h"
#include "grpc_health.h"
#include "grpc_next.h"
#include "grpc_reflection.h"
#include "grpc_show.h"

#include <assert.h>
#include <string.h>

/* The most wanted first. */
static const struct grpc_method *const table[GRPC_METHODS] = {
    [GRPC_METHOD_NEXT] = &grpc_next_method,
    [GRPC_METHOD_STREAM] = &grpc_stream_method,
    [GRPC_METHOD_GET] = &grpc_get_method,
    [GRPC_METHOD_LIST] = &grpc_list_method,
    [GRPC_METHOD_DECODE] = &grpc_decode_method,
    [GRPC_METHOD_RANGE] = &grpc_range_method,
    [GRPC_METHOD_CREATE] = &grpc_create_method,
    [GRPC_METHOD_ALTER] = &grpc_alter_method,
    [GRPC_METHOD_ADVANCE] = &grpc_advance_method,
    [GRPC_METHOD_DROP] = &grpc_drop_method,
    [GRPC_METHOD_CHECK] = &grpc_check_method,
    [GRPC_METHOD_WATCH] = &grpc_watch_method,
    [GRPC_METHOD_REFLECTION] = &grpc_reflection_method,
    [GRPC_METHOD_REFLECTION_ALPHA] = &grpc_reflection_alpha_method,
    [GRPC_METHOD_NONE] = NULL,
};

const struct grpc_method *grpc_method_find(const char *path, size_t length)
{
    for (size_t i = 0; i < GRPC_METHOD_NONE; i++) {
        if (strncmp(table[i]->path, path, length) == 0 && table[i]->path[length] == '\0') {
            return table[i];
        }
    }
    return NULL;
}

const struct grpc_method *grpc_method_at(enum grpc_method_index index)
{
    assert(index < GRPC_METHODS);
    return table[index];
}
