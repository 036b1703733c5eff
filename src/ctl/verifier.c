#include "verifier.h"

#include "verifier_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(HISTORY_INPUTS_MAX <= 16, "a row's inputs are the bits of 16");

bool verdict_is_good(const struct verdict *verdict)
{
    for (enum finding_kind kind = 0; kind < FINDING_WRONG; kind++) {
        if (verdict->counts[kind] > 0) {
            return false;
        }
    }
    return true;
}

void verdict_free(struct verdict *verdict)
{
    free(verdict->findings);
    free(verdict->names);
    *verdict = (struct verdict){.findings = NULL};
}

/* ---- lives ---- */

/* A life goes on from the one whose rows stand before its own in the same input. */
static void find_parents(struct verifier *verifier)
{
    const struct history *history = verifier->history;
    for (size_t i = 1; i < history->count; i++) {
        const struct history_row *row = &history->rows[i];
        uint32_t previous = history->rows[i - 1].life;
        struct verifier_life *life = &verifier->lives[row->life];
        if (history->rows[i - 1].input == row->input && previous != row->life &&
            !verifier_is_ancestor(verifier, row->life, previous)) {
            life->parent = previous;
        }
    }
}

/* ---- one row in several inputs ---- */

/* By life, id and input. */
static int compare_identity(const void *a, const void *b, void *context)
{
    const struct history_row *rows = context;
    const struct history_row *x = &rows[*(const size_t *)a];
    const struct history_row *y = &rows[*(const size_t *)b];
    if (x->life != y->life) {
        return x->life < y->life ? -1 : 1;
    }
    int id = ledger_id_compare(x->id, y->id);
    return id != 0 ? id : (x->input > y->input) - (x->input < y->input);
}

/* By name, then as above. */
static int compare_name(const void *a, const void *b, void *context)
{
    const struct history_row *rows = context;
    const struct history_row *x = &rows[*(const size_t *)a];
    const struct history_row *y = &rows[*(const size_t *)b];
    if (x->name != y->name) {
        return x->name < y->name ? -1 : 1;
    }
    return compare_identity(a, b, context);
}

static bool is_same_row(const struct history_row *a, const struct history_row *b)
{
    return a->life == b->life && ledger_id_compare(a->id, b->id) == 0;
}

static bool says_the_same(const struct history_row *a, const struct history_row *b)
{
    return a->nonce == b->nonce && a->time_ms == b->time_ms && a->generation == b->generation &&
           a->positions.first == b->positions.first && a->positions.limit == b->positions.limit &&
           a->from == b->from && a->name == b->name && a->mapping == b->mapping && a->act == b->act;
}

/* Let the first of equal rows stand for all; `order` is by identity, and keeps those that count. */
static enum error merge(struct verifier *verifier)
{
    struct history_row *rows = verifier->history->rows;
    struct verifier_rows *order = &verifier->order;
    size_t kept = 0;
    enum error error = ERR_OK;
    for (size_t i = 0; i < order->count && error == ERR_OK; i++) {
        struct history_row *row = &rows[order->items[i]];
        size_t same = kept;
        size_t first = kept;
        while (first > 0 && is_same_row(&rows[order->items[first - 1]], row)) {
            first--;
            same = says_the_same(&rows[order->items[first]], row) ? first : same;
        }
        if (same < kept) {
            rows[order->items[same]].seen |= row->seen;
            row->seen = 0;
            continue;
        }
        if (first < kept) {
            verifier->lives[row->life].forked = true;
            error = verifier_note(verifier, &(struct finding){.kind = FINDING_FORK,
                                                              .a = order->items[first],
                                                              .b = order->items[i],
                                                              .input = row->input});
        }
        order->items[kept++] = order->items[i];
    }
    order->count = kept;
    return error;
}

/* ---- two inputs about one life ---- */

struct pair {
    uint8_t inputs[2];
    struct ledger_id first; /* of the span that both tell of */
    struct ledger_id last;
};

/* The span of a life that both inputs tell of, which both have rows of. */
static void find_span(const struct verifier *verifier, size_t begin, size_t end, struct pair *pair)
{
    const struct history_row *rows = verifier->history->rows;
    const size_t *order = verifier->order.items;
    struct ledger_id first[2] = {{0}};
    struct ledger_id last[2] = {{0}};
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = begin; i < end; i++) {
            const struct history_row *row = &rows[order[i]];
            if ((row->seen >> pair->inputs[side] & 1) != 0) {
                first[side] = first[side].commit == 0 ? row->id : first[side];
                last[side] = row->id;
            }
        }
    }
    pair->first = ledger_id_compare(first[0], first[1]) > 0 ? first[0] : first[1];
    pair->last = ledger_id_compare(last[0], last[1]) < 0 ? last[0] : last[1];
}

/* Rows that only one of both has are lost in the other, if both go on with the same rows; else the
 * two are different histories of one life. */
static enum error compare_pair(struct verifier *verifier, size_t begin, size_t end,
                               struct pair *pair)
{
    const struct history_row *rows = verifier->history->rows;
    const size_t *order = verifier->order.items;
    struct finding finding = {.kind = FINDING_LOST};
    bool open = false; /* `finding` waits for a row that both have */
    enum error error = ERR_OK;
    find_span(verifier, begin, end, pair);
    for (size_t i = begin; i < end && error == ERR_OK; i++) {
        const struct history_row *row = &rows[order[i]];
        bool here = (row->seen >> pair->inputs[0] & 1) != 0;
        bool there = (row->seen >> pair->inputs[1] & 1) != 0;
        if (ledger_id_compare(row->id, pair->first) < 0 ||
            ledger_id_compare(row->id, pair->last) > 0) {
            continue;
        }
        if (here && there && open) {
            error = verifier_note(verifier, &finding);
            open = false;
        } else if (here != there && !open) {
            finding.a = finding.b = order[i];
            finding.input = pair->inputs[here ? 1 : 0];
            open = true;
        }
    }
    if (open && error == ERR_OK && !verifier->lives[rows[finding.a].life].forked) {
        verifier->lives[rows[finding.a].life].forked = true;
        finding.kind = FINDING_FORK;
        error = verifier_note(verifier, &finding);
    }
    return error;
}

/* Compare all inputs that tell of one life, `order` being by identity. */
static enum error compare_inputs(struct verifier *verifier, size_t begin, size_t end)
{
    uint8_t inputs[HISTORY_INPUTS_MAX];
    size_t count = 0;
    unsigned seen = 0;
    enum error error = ERR_OK;
    for (size_t i = begin; i < end; i++) {
        seen |= verifier->history->rows[verifier->order.items[i]].seen;
    }
    for (uint8_t i = 0; i < verifier->history->input_count; i++) {
        if ((seen >> i & 1) != 0) {
            inputs[count++] = i;
        }
    }
    for (size_t i = 0; i + 1 < count; i++) {
        for (size_t j = i + 1; j < count && error == ERR_OK; j++) {
            struct pair pair = {.inputs = {inputs[i], inputs[j]}};
            error = compare_pair(verifier, begin, end, &pair);
        }
    }
    return error;
}

/* Rows of a commit are numbered from 0, so one without its forerunner tells that it is missing,
 * unless it is the oldest that its input keeps. */
static enum error look_for_partial(struct verifier *verifier, size_t begin, size_t end)
{
    const struct history *history = verifier->history;
    const size_t *order = verifier->order.items;
    enum error error = ERR_OK;
    for (size_t i = begin; i < end && error == ERR_OK; i++) {
        const struct history_row *row = &history->rows[order[i]];
        struct ledger_id wanted = {.commit = row->id.commit, .index = row->id.index - 1};
        bool alone = i == begin || ledger_id_compare(history->rows[order[i - 1]].id, wanted) < 0;
        if (row->id.index != 0 && alone && order[i] != history->inputs[row->input].first) {
            error = verifier_note(verifier, &(struct finding){.kind = FINDING_PARTIAL,
                                                              .a = order[i],
                                                              .b = order[i],
                                                              .input = row->input});
        }
    }
    return error;
}

static enum error look_at_lives(struct verifier *verifier)
{
    const struct history_row *rows = verifier->history->rows;
    const struct verifier_rows *order = &verifier->order;
    enum error error = ERR_OK;
    for (size_t begin = 0, end = 0; begin < order->count && error == ERR_OK; begin = end) {
        while (end < order->count &&
               rows[order->items[end]].life == rows[order->items[begin]].life) {
            end++;
        }
        error = look_for_partial(verifier, begin, end);
        if (error == ERR_OK) {
            error = compare_inputs(verifier, begin, end);
        }
    }
    return error;
}

/* ---- marks ---- */

static uint64_t mark_after(const struct history_row *row)
{
    bool down = row->act == LEDGER_RETURN || row->act == LEDGER_REWIND;
    return down ? row->positions.first : row->positions.limit;
}

/* Each row says where the mark was behind it; the last one of a name must not be above the mark
 * that the input itself states. */
static enum error compare_marks(struct verifier *verifier, uint8_t input, size_t *last)
{
    const struct history *history = verifier->history;
    const struct history_input *of = &history->inputs[input];
    enum error error = ERR_OK;
    memset(last, 0xff, history->names.count * sizeof *last);
    for (size_t i = of->first; i < of->first + of->count; i++) {
        last[history->rows[i].name] = i;
    }
    for (size_t i = 0; i < history->mark_count && error == ERR_OK; i++) {
        const struct history_mark *mark = &history->marks[i];
        if (mark->input != input || last[mark->name] == SIZE_MAX) {
            continue;
        }
        const struct history_row *row = &history->rows[last[mark->name]];
        struct mapping there = history_mapping(history, row->mapping);
        struct mapping here = history_mapping(history, mark->mapping);
        if (mapping_same_positions(&there, &here) && mark_after(row) > mark->mark) {
            error = verifier_note(verifier, &(struct finding){.kind = FINDING_ABOVE_MARK,
                                                              .a = last[mark->name],
                                                              .b = last[mark->name],
                                                              .input = input,
                                                              .value = mark->mark});
        }
    }
    return error;
}

static enum error look_at_marks(struct verifier *verifier)
{
    size_t *last = calloc(verifier->history->names.count + (size_t)1, sizeof *last);
    enum error error = last != NULL ? ERR_OK : ERR_NO_MEMORY;
    for (uint8_t i = 0; i < verifier->history->input_count && error == ERR_OK; i++) {
        error = compare_marks(verifier, i, last);
    }
    free(last);
    return error;
}

/* ---- names ---- */

static enum error look_at_name(struct verifier *verifier, size_t begin, size_t end)
{
    const struct history_row *rows = verifier->history->rows;
    const size_t *order = verifier->order.items;
    enum error error = ERR_OK;
    verifier->rewinds.count = 0;
    for (size_t first = begin, next = begin; first < end && error == ERR_OK; first = next) {
        while (next < end && rows[order[next]].life == rows[order[first]].life) {
            next++;
        }
        error = verifier_walk(verifier, first, next);
    }
    return error == ERR_OK ? verifier_compare(verifier, begin, end) : error;
}

static enum error look_at_names(struct verifier *verifier)
{
    const struct history_row *rows = verifier->history->rows;
    const struct verifier_rows *order = &verifier->order;
    enum error error = ERR_OK;
    for (size_t begin = 0, end = 0; begin < order->count && error == ERR_OK; begin = end) {
        while (end < order->count &&
               rows[order->items[end]].name == rows[order->items[begin]].name) {
            end++;
        }
        error = look_at_name(verifier, begin, end);
    }
    return error;
}

static enum error prepare(struct verifier *verifier)
{
    const struct history *history = verifier->history;
    struct verdict *verdict = verifier->verdict;
    enum error error = ERR_OK;
    verdict->names = calloc(history->names.count + (size_t)1, sizeof *verdict->names);
    verifier->lives = calloc(history->lives.count + (size_t)1, sizeof *verifier->lives);
    if (verdict->names == NULL || verifier->lives == NULL) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < history->lives.count; i++) {
        verifier->lives[i].parent = LIFE_NONE;
    }
    for (size_t i = 0; i < history->count && error == ERR_OK; i++) {
        error = verifier_rows_add(&verifier->order, i);
    }
    return error;
}

static void sort(struct verifier *verifier, int (*compare)(const void *, const void *, void *))
{
    struct verifier_rows *order = &verifier->order;
    if (order->count > 1) {
        qsort_r(order->items, order->count, sizeof *order->items, compare, verifier->history->rows);
    }
}

enum error verifier_run(struct history *history, struct verdict *ret_verdict)
{
    struct verifier verifier = {.history = history, .verdict = ret_verdict};
    *ret_verdict = (struct verdict){.lives = history->lives.count};
    enum error error = prepare(&verifier);
    if (error == ERR_OK) {
        find_parents(&verifier);
        sort(&verifier, compare_identity);
        error = merge(&verifier);
    }
    if (error == ERR_OK) {
        error = look_at_lives(&verifier);
    }
    if (error == ERR_OK) {
        error = look_at_marks(&verifier);
    }
    if (error == ERR_OK) {
        ret_verdict->rows = verifier.order.count;
        sort(&verifier, compare_name);
        error = look_at_names(&verifier);
    }
    free(verifier.lives);
    free(verifier.order.items);
    free(verifier.rewinds.items);
    free(verifier.stack.items);
    return error;
}
