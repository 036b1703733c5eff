#include "identity.h"

#include "base/range.h"
#include "bytes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S UINT64_C(1000000000)
#define MS_PER_S 1000
#define GAPS 10 /* what a copy may lack at least, in max_gaps */

enum error identity_of_file(int fd, struct sentinel_file *ret_file)
{
    struct statx status;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0) {
        return ERR_IO;
    }
    *ret_file = (struct sentinel_file){.inode = status.stx_ino};
    if ((status.stx_mask & STATX_BTIME) != 0) {
        ret_file->born_ns = (uint64_t)status.stx_btime.tv_sec * NS_PER_S + status.stx_btime.tv_nsec;
    }
    return ERR_OK;
}

static bool same_file(const struct sentinel_file *a, const struct sentinel_file *b)
{
    return a->inode == b->inode && (a->born_ns == b->born_ns || a->born_ns == 0 || b->born_ns == 0);
}

static enum error refuse_file(const char *name, const struct sentinel_file *found,
                              const struct sentinel_file *remembered, struct error_detail *detail)
{
    return error_fail(detail, ERR_FENCED,
                      "is a copy, or was put back: %s is inode %" PRIu64 ", made at %" PRIu64
                      ".%09" PRIu64 ", and was inode %" PRIu64 ", made at %" PRIu64 ".%09" PRIu64,
                      name, found->inode, found->born_ns / NS_PER_S, found->born_ns % NS_PER_S,
                      remembered->inode, remembered->born_ns / NS_PER_S,
                      remembered->born_ns % NS_PER_S);
}

enum error identity_check(const struct sentinel_slot *slot, const struct identity_found *found,
                          enum store_lmdb_identity counts, struct error_detail *detail)
{
    bool files = counts == STORE_LMDB_IDENTITY_ALL || counts == STORE_LMDB_IDENTITY_FILE;
    bool machine = counts == STORE_LMDB_IDENTITY_ALL || counts == STORE_LMDB_IDENTITY_MACHINE;

    if (files && !same_file(&slot->data, &found->data)) {
        return refuse_file(DIRECTORY_DATA, &found->data, &slot->data, detail);
    }
    if (files && !same_file(&slot->self, &found->sentinel)) {
        return refuse_file(DIRECTORY_SENTINEL, &found->sentinel, &slot->self, detail);
    }
    if (machine && !bytes_are_zero(slot->machine, sizeof(slot->machine)) &&
        !bytes_are_zero(found->machine, sizeof(slot->machine)) &&
        memcmp(slot->machine, found->machine, sizeof(slot->machine)) != 0) {
        return error_fail(detail, ERR_FENCED,
                          "was last used on another machine: it is another machine id");
    }
    return ERR_OK;
}

uint64_t identity_propose_skip(const struct meta *meta, uint64_t max_gap, int64_t now_ms)
{
    uint64_t now = now_ms > 0 ? (uint64_t)now_ms : 0;
    uint64_t age_s =
        now > meta->committed_ms ? (now - meta->committed_ms + MS_PER_S - 1) / MS_PER_S : 0;
    uint64_t rate = range_max(meta->rate, meta_window_rate(meta, meta->committed_ms));

    return range_min(
        range_max(range_multiply_capped(GAPS, max_gap), range_multiply_capped(rate, age_s)),
        STORE_LMDB_SKIP_MAX);
}
