/* The store's contract over LMDB on a real directory. */
#include "contract.h"
#include "dir.h"
#include "faultio.h"

#include "store/store_lmdb.h"

#include <limits.h>
#include <stdlib.h>

static void *make(void)
{
    struct dir *dir = calloc(1, sizeof(*dir));

    assert_non_null(dir);
    *dir = dir_make();
    return dir;
}

static void destroy(void *durable)
{
    faultio_reset();
    dir_remove(durable);
    free(durable);
}

static enum error open_lmdb(void *durable, struct store **ret_store, struct error_detail *detail)
{
    struct dir *dir = durable;
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT};

    return store_lmdb_open(&options, ret_store, detail);
}

static void fail_once(void *durable, enum contract_fault fault)
{
    (void)durable;
    faultio_reset();
    switch (fault) {
    case CONTRACT_BEFORE:
        faultio_add((struct faultio_plan){.ending = "/data.mdb",
                                          .calls = FAULTIO_DATA_SYNCS,
                                          .first = 1,
                                          .times = 1,
                                          .kind = FAULTIO_EIO});
        break;
    case CONTRACT_AFTER:
        faultio_add((struct faultio_plan){.ending = "/data.mdb",
                                          .calls = FAULTIO_META,
                                          .first = 1,
                                          .times = 1,
                                          .kind = FAULTIO_STUCK});
        break;
    }
}

static void break_down(void *durable)
{
    (void)durable;
    faultio_reset();
    faultio_add((struct faultio_plan){.ending = "/data.mdb",
                                      .calls = FAULTIO_SYNCS,
                                      .first = 1,
                                      .times = UINT_MAX,
                                      .kind = FAULTIO_EIO});
}

static void heal(void *durable)
{
    (void)durable;
    faultio_reset();
}

int main(void)
{
    static const struct contract_backend lmdb = {
        .name = "contract over store_lmdb",
        .contiguous = true,
        .make = make,
        .destroy = destroy,
        .open = open_lmdb,
        .fail_once = fail_once,
        .break_down = break_down,
        .heal = heal,
    };

    return contract_run(&lmdb);
}
