#include "dataset.h"

#include "base/range.h"

#include <inttypes.h>

static enum error check_map_size(const char *what, uint64_t bytes, struct error_detail *detail)
{
    if (bytes < STORE_LMDB_MAP_SIZE_MIN || bytes > STORE_LMDB_MAP_SIZE_MAX) {
        return error_fail(detail, ERR_INVALID,
                          "the %s size of the map is %" PRIu64 " bytes, it must be %" PRIu64
                          " to %" PRIu64,
                          what, bytes, STORE_LMDB_MAP_SIZE_MIN, STORE_LMDB_MAP_SIZE_MAX);
    }
    return ERR_OK;
}

static enum error check_ledger_size(uint64_t bytes, struct error_detail *detail)
{
    if (bytes < STORE_LMDB_LEDGER_SIZE_MIN || bytes > STORE_LMDB_LEDGER_SIZE_MAX) {
        return error_fail(detail, ERR_INVALID,
                          "the size of the ledger is %" PRIu64 " bytes, it must be %" PRIu64
                          " to %" PRIu64,
                          bytes, STORE_LMDB_LEDGER_SIZE_MIN, STORE_LMDB_LEDGER_SIZE_MAX);
    }
    return ERR_OK;
}

enum error dataset_complete_options(const struct store_lmdb_options *options,
                                    struct store_lmdb_options *ret_whole,
                                    struct error_detail *detail)
{
    enum error error = check_map_size("first", options->map_size_bytes, detail);

    *ret_whole = *options;
    if (ret_whole->ledger_age_ms == 0) {
        ret_whole->ledger_age_ms = STORE_LMDB_LEDGER_AGE_DEFAULT_MS;
    }
    if (ret_whole->ledger_size_bytes == 0) {
        ret_whole->ledger_size_bytes = STORE_LMDB_LEDGER_SIZE_DEFAULT;
    }
    if (ret_whole->map_size_max_bytes == 0) {
        ret_whole->map_size_max_bytes = STORE_LMDB_MAP_SIZE_MAX;
    }
    ret_whole->map_size_bytes = range_min(ret_whole->map_size_bytes, ret_whole->map_size_max_bytes);
    if (error == ERR_OK) {
        error = check_map_size("largest", ret_whole->map_size_max_bytes, detail);
    }
    return error == ERR_OK ? check_ledger_size(ret_whole->ledger_size_bytes, detail) : error;
}
