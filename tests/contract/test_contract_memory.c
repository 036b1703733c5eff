/* The store's contract over the store in memory: alone on its disk, and sharing it with another
 * node. */
#include "contract.h"
#include "store_memory.h"

static void *make(void)
{
    return store_memory_disk_new();
}

static void *make_shared(void)
{
    struct store_memory_disk *disk = store_memory_disk_new();

    store_memory_share(disk, 5, 20261);
    return disk;
}

static void destroy(void *durable)
{
    store_memory_disk_free(durable);
}

static enum error open_memory(void *durable, struct store **ret_store, struct error_detail *detail)
{
    struct store_memory_options options = {.disk = durable, .tolerant = true};

    (void)detail;
    return store_memory_open(&options, ret_store);
}

static void fail_once(void *durable, enum contract_fault fault)
{
    store_memory_fail(durable, 1,
                      fault == CONTRACT_BEFORE ? STORE_MEMORY_BEFORE : STORE_MEMORY_AFTER, ERR_IO);
}

static void break_down(void *durable)
{
    store_memory_fail(durable, UINT64_MAX, STORE_MEMORY_BEFORE, ERR_IO);
}

static void heal(void *durable)
{
    store_memory_fail(durable, 0, STORE_MEMORY_BEFORE, ERR_IO);
}

int main(void)
{
    struct contract_backend memory = {
        .name = "contract over store_memory",
        .contiguous = true,
        .make = make,
        .destroy = destroy,
        .open = open_memory,
        .fail_once = fail_once,
        .break_down = break_down,
        .heal = heal,
    };
    int failed = contract_run(&memory);

    memory.name = "contract over store_memory, shared";
    memory.contiguous = false;
    memory.make = make_shared;
    return failed + contract_run(&memory);
}
