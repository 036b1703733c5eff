/* store_look: open the real store in a directory, as the daemon would after a crash, and print each
 * sequence's high-water mark as "NAME MARK". The ledger is held against the marks, too.
 *
 *   store_look DIRECTORY
 *
 * Exit status 1, with the reason, when the store refuses to open, or when its ledger and its marks
 * do not agree. */
#include "ledger_agrees.h"

#include "store/store_lmdb.h"

#include <inttypes.h>
#include <stdio.h>

static enum error show(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    (void)context;
    (void)detail;
    printf("%s %" PRIu64 "\n", entry->name, entry->mark);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    struct error_detail detail = {""};
    struct store *store = NULL;
    if (argc != 2) {
        fputs("Usage: store_look DIRECTORY\n", stderr);
        return 2;
    }
    struct store_lmdb_options options = {.directory = argv[1],
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_DEFAULT};
    enum error error = store_lmdb_open(&options, &store, &detail);
    if (error == ERR_OK) {
        error = store_each(store, show, NULL, &detail);
    }
    if (error == ERR_OK) {
        bool whole = false; /* where rows are missing, less is to be said */

        error = ledger_agrees(store, &whole, &detail);
    }
    store_close(store);
    if (error != ERR_OK) {
        fprintf(stderr, "%s: %s\n", error_name(error), detail.text);
        return 1;
    }
    return 0;
}
