#include "verifier_inside.h"

#include <stdlib.h>

/* What a lease holds in the end. */
struct holding {
    uint32_t mapping;
    size_t row;
    struct range positions; /* not empty */
    struct comb_hull hull;
};

/* Holdings of one mapping, by their least number. */
struct family {
    const struct holding *items;
    size_t count;
    struct mapping mapping;
};

struct comparison {
    struct verifier *verifier;
    struct verdict_name *name;
    struct holding *holdings;
    size_t count;
    const struct holding **active; /* those that may reach to where the sweep is */
    size_t active_count;
};

/* ---- a pair ---- */

/* Was the mark forced back over positions of `later` between the two? */
static bool is_between(const struct verifier *verifier, const struct history_row *earlier,
                       const struct history_row *rewind, const struct history_row *later)
{
    struct mapping of_rewind = history_mapping(verifier->history, rewind->mapping);
    struct mapping of_later = history_mapping(verifier->history, later->mapping);
    return mapping_same_positions(&of_rewind, &of_later) &&
           verifier_before(verifier, earlier, rewind) && verifier_before(verifier, rewind, later);
}

/* The next of the positions from `from` on, below `limit`, that nobody allowed `later` to take
 * again while `earlier` has them: those that the mark was not forced back over between the two.
 * Empty: no more. */
static struct range next_unforced(const struct verifier *verifier,
                                  const struct history_row *earlier,
                                  const struct history_row *later, struct range all)
{
    const struct history *history = verifier->history;
    struct range piece = all;
    bool moved = true;
    while (moved && !range_is_empty(piece)) {
        moved = false;
        piece.limit = all.limit;
        for (size_t i = 0; i < verifier->rewinds.count; i++) {
            const struct history_row *rewind = &history->rows[verifier->rewinds.items[i]];
            struct range forced = rewind->positions;
            if (forced.limit <= piece.first || !is_between(verifier, earlier, rewind, later)) {
                continue;
            }
            if (forced.first <= piece.first) {
                piece.first = range_min(forced.limit, all.limit);
                moved = true;
            } else {
                piece.limit = range_min(piece.limit, forced.first);
            }
        }
    }
    return piece;
}

/* Do both have a number in common? One of them is `number` then, and of one mapping `count` tells
 * how many there are. */
static bool meet(const struct comparison *comparison, const struct holding *a,
                 const struct holding *b, struct finding *finding)
{
    const struct history *history = comparison->verifier->history;
    struct mapping a_mapping = history_mapping(history, a->mapping);
    struct mapping b_mapping = history_mapping(history, b->mapping);
    if (range_is_empty(a->positions) || range_is_empty(b->positions)) {
        return false;
    }
    if (a->mapping != b->mapping) {
        return comb_runs_meet(&a_mapping, a->positions, &b_mapping, b->positions, &finding->number);
    }
    uint64_t first = range_max(a->positions.first, b->positions.first);
    uint64_t limit = range_min(a->positions.limit, b->positions.limit);
    if (first >= limit) {
        return false;
    }
    finding->number = mapping_number(&a_mapping, first);
    finding->count = limit - first;
    return true;
}

/* What `later` holds and nobody forced, piece by piece. */
static bool meet_unforced(const struct comparison *comparison, const struct holding *earlier,
                          const struct holding *later, struct finding *finding)
{
    const struct history_row *rows = comparison->verifier->history->rows;
    struct range left = later->positions;
    bool met = false;
    while (!range_is_empty(left)) {
        struct holding piece = *later;
        struct finding part = *finding;
        piece.positions =
            next_unforced(comparison->verifier, &rows[earlier->row], &rows[later->row], left);
        if (meet(comparison, earlier, &piece, &part)) {
            part.count += met ? finding->count : 0;
            part.number = met ? finding->number : part.number;
            *finding = part;
            met = true;
        }
        left.first = piece.positions.limit;
    }
    return met;
}

static enum error judge(struct comparison *comparison, const struct holding *a,
                        const struct holding *b)
{
    struct verifier *verifier = comparison->verifier;
    const struct history_row *rows = verifier->history->rows;
    bool turned = verifier_before(verifier, &rows[b->row], &rows[a->row]);
    const struct holding *earlier = turned ? b : a;
    const struct holding *later = turned ? a : b;
    struct finding finding = {.kind = FINDING_OVERLAP,
                              .a = earlier->row,
                              .b = later->row,
                              .input = rows[later->row].input};
    if (!meet(comparison, earlier, later, &finding)) {
        return ERR_OK;
    }
    uint64_t forced = finding.count;
    if (!meet_unforced(comparison, earlier, later, &finding)) {
        comparison->name->again = range_add_capped(comparison->name->again, forced);
        return ERR_OK;
    }
    comparison->name->overlaps++;
    return verifier_note(verifier, &finding);
}

/* ---- families ---- */

/* Meet those that the sweep has not left behind. `alone`: all are of one family. */
static enum error meet_active(struct comparison *comparison, const struct holding *holding,
                              bool alone)
{
    size_t kept = 0;
    enum error error = ERR_OK;
    for (size_t i = 0; i < comparison->active_count; i++) {
        const struct holding *other = comparison->active[i];
        if (other->hull.high < holding->hull.low) {
            continue;
        }
        comparison->active[kept++] = other;
        if (error == ERR_OK && (alone || other->mapping != holding->mapping)) {
            error = judge(comparison, other, holding);
        }
    }
    comparison->active_count = kept;
    comparison->active[comparison->active_count++] = holding;
    return error;
}

/* From the least number up, through one family or through two side by side. */
static enum error sweep(struct comparison *comparison, const struct family *a,
                        const struct family *b)
{
    size_t i = 0;
    size_t j = 0;
    size_t b_count = b != NULL ? b->count : 0;
    enum error error = ERR_OK;
    comparison->active_count = 0;
    while (error == ERR_OK && (i < a->count || j < b_count) &&
           comparison->verifier->verdict->counts[FINDING_OVERLAP] < FINDINGS_MAX) {
        bool of_a = j == b_count || (i < a->count && a->items[i].hull.low <= b->items[j].hull.low);
        error = meet_active(comparison, of_a ? &a->items[i++] : &b->items[j++], b == NULL);
    }
    return error;
}

static size_t split(const struct comparison *comparison, struct family *families)
{
    const struct history *history = comparison->verifier->history;
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct holding *holding = &comparison->holdings[i];
        if (i == 0 || holding->mapping != holding[-1].mapping) {
            families[count++] = (struct family){
                .items = holding, .mapping = history_mapping(history, holding->mapping)};
        }
        families[count - 1].count++;
    }
    return count;
}

static enum error compare_families(struct comparison *comparison, const struct family *families,
                                   size_t count)
{
    enum error error = ERR_OK;
    for (size_t i = 0; i < count && error == ERR_OK; i++) {
        error = sweep(comparison, &families[i], NULL);
        for (size_t j = i + 1; j < count && error == ERR_OK; j++) {
            if (!mapping_never_meet(&families[i].mapping, &families[j].mapping)) {
                error = sweep(comparison, &families[i], &families[j]);
            }
        }
    }
    return error;
}

/* ---- a name ---- */

static int compare_holdings(const void *a, const void *b)
{
    const struct holding *x = a;
    const struct holding *y = b;
    if (x->mapping != y->mapping) {
        return x->mapping < y->mapping ? -1 : 1;
    }
    return (x->hull.low > y->hull.low) - (x->hull.low < y->hull.low);
}

static void count_holding(struct verdict_name *name, const struct holding *holding)
{
    bool first = name->leases == 0;
    name->leases++;
    name->leased = range_add_capped(name->leased, range_count(holding->positions));
    name->low = first || holding->hull.low < name->low ? holding->hull.low : name->low;
    name->high = first || holding->hull.high > name->high ? holding->hull.high : name->high;
}

static void collect(struct comparison *comparison, size_t begin, size_t end)
{
    const struct history *history = comparison->verifier->history;
    for (size_t i = begin; i < end; i++) {
        size_t index = comparison->verifier->order.items[i];
        const struct history_row *row = &history->rows[index];
        struct mapping mapping = history_mapping(history, row->mapping);
        struct range positions = {.first = row->from, .limit = row->held};
        if (row->act != LEDGER_LEASE || positions.first >= positions.limit) {
            continue;
        }
        comparison->holdings[comparison->count++] =
            (struct holding){.mapping = row->mapping,
                             .row = index,
                             .positions = positions,
                             .hull = comb_hull(&mapping, positions)};
        count_holding(comparison->name, &comparison->holdings[comparison->count - 1]);
    }
}

enum error verifier_compare(struct verifier *verifier, size_t begin, size_t end)
{
    uint32_t name = verifier->history->rows[verifier->order.items[begin]].name;
    struct comparison comparison = {.verifier = verifier,
                                    .name = &verifier->verdict->names[name],
                                    .holdings = calloc(end - begin, sizeof(struct holding)),
                                    .active = calloc(end - begin, sizeof(struct holding *))};
    struct family *families = calloc(end - begin, sizeof *families);
    enum error error = ERR_NO_MEMORY;
    comparison.name->rows = end - begin;
    if (comparison.holdings != NULL && comparison.active != NULL && families != NULL) {
        collect(&comparison, begin, end);
        if (comparison.count > 1) {
            qsort(comparison.holdings, comparison.count, sizeof(struct holding), compare_holdings);
        }
        error = compare_families(&comparison, families, split(&comparison, families));
    }
    free(comparison.holdings);
    free(comparison.active);
    free(families);
    return error;
}
