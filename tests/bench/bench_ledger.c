/* What the ledger costs a commit: two stores in one process, one with a ledger and one without,
 * take turns, so that whatever else the machine does falls on both.
 *
 *   bench_ledger [COMMITS] [SEQUENCES]
 *
 * Each commit leases of SEQUENCES sequences. Prints the median time of a commit of both, how they
 * compare, and how often the one with the ledger was the slower of a pair. */
#include "base/clock.h"
#include "base/error.h"
#include "dir.h"
#include "store/store_lmdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WARM_UP 200

enum {
    WITH,
    WITHOUT,
    SIDES,
};

static char names[STORE_REQUESTS_MAX][16];
static struct store_request requests[SIDES][STORE_REQUESTS_MAX];

static struct store *begin(const struct dir *dir, bool ledger, size_t sequences)
{
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT,
                                         .any_filesystem = true,
                                         .no_ledger = !ledger};
    struct definition definition = definition_default();
    struct store_entry entry;
    struct store *store = NULL;
    struct error_detail detail = {""};
    enum error error = store_lmdb_open(&options, &store, &detail);

    for (size_t i = 0; error == ERR_OK && i < sequences; i++) {
        error = store_define(store, names[i], &definition, &entry, &detail);
    }
    if (error != ERR_OK) {
        fprintf(stderr, "bench_ledger: %s\n", detail.text);
        exit(1);
    }
    return store;
}

static uint64_t commit(struct store *store, struct store_request *of, size_t sequences)
{
    struct error_detail detail = {""};
    struct instant began = clock_now();

    if (store_reserve(store, of, sequences, &detail) != ERR_OK) {
        fprintf(stderr, "bench_ledger: %s\n", detail.text);
        exit(1);
    }
    return clock_now().ns - began.ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    size_t commits = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    size_t sequences = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    struct dir dirs[SIDES] = {dir_make(), dir_make()};
    struct store *stores[SIDES];
    uint64_t *times[SIDES];
    size_t slower = 0;

    if (commits == 0 || sequences == 0 || sequences > STORE_REQUESTS_MAX) {
        fprintf(stderr, "Usage: bench_ledger [COMMITS] [SEQUENCES]\n");
        return 2;
    }
    for (size_t i = 0; i < sequences; i++) {
        (void)snprintf(names[i], sizeof names[i], "sequence-%zu", i);
        requests[WITH][i] = requests[WITHOUT][i] =
            (struct store_request){.name = names[i], .count = 1};
    }
    for (int side = 0; side < SIDES; side++) {
        stores[side] = begin(&dirs[side], side == WITH, sequences);
        times[side] = calloc(commits, sizeof *times[side]);
    }
    for (size_t i = 0; i < commits + WARM_UP; i++) {
        uint64_t took[SIDES];
        for (int turn = 0; turn < SIDES; turn++) {
            int side = (int)(i + (size_t)turn) % SIDES; /* neither is always the first */
            took[side] = commit(stores[side], requests[side], sequences);
        }
        if (i >= WARM_UP) {
            times[WITH][i - WARM_UP] = took[WITH];
            times[WITHOUT][i - WARM_UP] = took[WITHOUT];
            slower += took[WITH] > took[WITHOUT] ? 1 : 0;
        }
    }
    for (int side = 0; side < SIDES; side++) {
        qsort(times[side], commits, sizeof *times[side], compare);
        store_close(stores[side]);
        dir_remove(&dirs[side]);
    }
    printf("%zu commits of %zu sequences, median: %" PRIu64 " us with a ledger, %" PRIu64
           " us without: %.2f times; slower in %zu of 100 pairs\n",
           commits, sequences, times[WITH][commits / 2] / 1000, times[WITHOUT][commits / 2] / 1000,
           (double)times[WITH][commits / 2] / (double)times[WITHOUT][commits / 2],
           100 * slower / commits);
    free(times[WITH]);
    free(times[WITHOUT]);
    return 0;
}
