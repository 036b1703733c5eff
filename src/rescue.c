#include "rescue.h"

#include "base/log.h"

#include <inttypes.h>

static void log_moved(const struct store_lmdb_moved *moved)
{
    if (moved->exhausted > 0) {
        log_warning("%" PRIu64 " of the counters have no number left, serving 409 for them",
                    moved->exhausted);
    }
}

bool rescue_adopt(const struct store_lmdb_options *options, uint64_t skip)
{
    struct store_lmdb_moved moved = {0};
    struct error_detail detail = {.text = ""};
    enum error error = store_lmdb_adopt(options, skip, &moved, &detail);
    if (error != ERR_OK) {
        log_error("cannot adopt '%s': %s (%s)", options->directory, detail.text, error_name(error));
        return false;
    }
    log_notice("'%s' is adopted: %" PRIu64 " counters moved forward by %" PRIu64
               " numbers, %" PRIu64 " timestamp sequences to beyond now",
               options->directory, moved.counters, skip, moved.timestamps);
    log_moved(&moved);
    return true;
}
