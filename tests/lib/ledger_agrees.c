#include "ledger_agrees.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One sequence, and what its rows come to so far. */
struct followed {
    struct store_entry entry;
    bool plain; /* its mark moves in no way that leaves no row */
    bool known; /* there was a row */
    uint64_t mark;
    uint64_t generation;
    uint64_t back_at;   /* a row that begins there … */
    uint64_t back_from; /* … when all below here was leased; 0: there is none */
};

struct following {
    struct followed sequences[LEDGER_AGREES_MAX];
    size_t count;
};

static enum error add(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    struct following *following = context;

    if (following->count == LEDGER_AGREES_MAX) {
        return error_fail(detail, ERR_INVALID, "more than %d sequences", LEDGER_AGREES_MAX);
    }
    following->sequences[following->count++] =
        (struct followed){.entry = *entry, .plain = !entry->floor.some};
    return ERR_OK;
}

static struct followed *find(struct following *following, const char *name)
{
    for (size_t i = 0; i < following->count; i++) {
        if (strcmp(following->sequences[i].entry.name, name) == 0) {
            return &following->sequences[i];
        }
    }
    return NULL;
}

/* Where the row leaves the mark. */
static uint64_t mark_after(const struct ledger_entry *row)
{
    bool back = row->act == LEDGER_RETURN || row->act == LEDGER_REWIND;

    return back ? row->positions.first : row->positions.limit;
}

static enum error follow(void *context, const struct ledger_entry *row, struct error_detail *detail)
{
    struct followed *followed = find(context, row->name);

    if (followed == NULL) {
        return ERR_OK; /* dropped */
    }
    if (row->generation > followed->entry.generation ||
        (followed->known && row->generation <= followed->generation)) {
        return error_fail(detail, ERR_CORRUPT,
                          "a row of '%s' has generation %" PRIu64 ", the one before it %" PRIu64
                          ", the record %" PRIu64,
                          row->name, row->generation, followed->generation,
                          followed->entry.generation);
    }
    if (followed->plain && followed->known && row->act != LEDGER_RETURN &&
        row->positions.first < followed->mark) {
        followed->back_at = row->positions.first;
        followed->back_from = followed->mark;
    }
    followed->known = true;
    followed->mark = mark_after(row);
    followed->generation = row->generation;
    return ERR_OK;
}

/* What holds where no row is missing: one that returned something may be among them. */
static enum error judge(const struct following *following, struct error_detail *detail)
{
    for (size_t i = 0; i < following->count; i++) {
        const struct followed *followed = &following->sequences[i];

        if (followed->back_from > 0) {
            return error_fail(detail, ERR_CORRUPT,
                              "a row of '%s' begins at %" PRIu64 ", and all below %" PRIu64
                              " was leased",
                              followed->entry.name, followed->back_at, followed->back_from);
        }
        if (followed->plain && followed->entry.mark != followed->mark) {
            return error_fail(detail, ERR_CORRUPT,
                              "the mark of '%s' is %" PRIu64 ", by its newest row it is %" PRIu64,
                              followed->entry.name, followed->entry.mark, followed->mark);
        }
    }
    return ERR_OK;
}

enum error ledger_agrees(struct store *store, bool *ret_whole, struct error_detail *detail)
{
    struct following *following = calloc(1, sizeof(*following));
    struct store_ledger_query query = {.limit = STORE_LEDGER_PAGE_MAX, .more = true};
    uint64_t damaged = 0;
    enum error error = following == NULL ? ERR_NO_MEMORY : ERR_OK;

    if (error == ERR_OK) {
        error = store_each(store, add, following, detail);
    }
    while (error == ERR_OK && query.more) {
        error = store_ledger(store, &query, follow, following, detail);
        query.after = query.last;
        damaged += query.damaged;
    }
    bool whole = damaged == 0 && query.missing == 0;
    if (error == ERR_OK && whole) {
        error = judge(following, detail);
    }
    if (error == ERR_OK) {
        *ret_whole = whole;
    }
    free(following);
    return error;
}
