#include "verifier_inside.h"

#include <assert.h>

/* Where a name is, on the way through the rows of one life. */
struct walk {
    struct verifier *verifier;
    struct verdict_name *name;
    size_t previous; /* row; SIZE_MAX: none yet */
    uint32_t mapping;
    bool known;    /* `mark` is */
    uint64_t mark; /* of what the rows so far say */
};

static enum error note(const struct walk *walk, enum finding_kind kind, size_t row, size_t other)
{
    return verifier_note(walk->verifier,
                         &(struct finding){.kind = kind,
                                           .a = row,
                                           .b = other,
                                           .input = walk->verifier->history->rows[row].input,
                                           .value = walk->mark});
}

/* A stretch of the record begins at `first`. What was passed over is on no row. To go back without
 * a row that says so is wrong, and whatever is given back from then on may not be taken from the
 * leases before: whose it is cannot be told. */
static enum error pass_over(struct walk *walk, size_t row, uint64_t first)
{
    if (!walk->known) {
        return ERR_OK;
    }
    if (first < walk->mark) {
        walk->verifier->stack.count = 0;
        return note(walk, FINDING_WENT_BACK, row, row);
    }
    walk->name->unrecorded = range_add_capped(walk->name->unrecorded, first - walk->mark);
    return ERR_OK;
}

static enum error walk_lease(struct walk *walk, size_t row)
{
    enum error error = pass_over(walk, row, walk->verifier->history->rows[row].positions.first);
    return error == ERR_OK ? verifier_rows_add(&walk->verifier->stack, row) : error;
}

/* Leases that end within what was given back hold no more of it. One that reaches beyond is not the
 * giver's, and keeps all. */
static enum error walk_return(struct walk *walk, size_t row)
{
    struct history_row *rows = walk->verifier->history->rows;
    struct verifier_rows *stack = &walk->verifier->stack;
    struct range given = rows[row].positions;
    enum error error = ERR_OK;
    if (walk->known && given.limit < walk->mark) {
        error = note(walk, FINDING_BLIND_RETURN, row, row);
    } else if (walk->known) {
        walk->name->unrecorded = range_add_capped(walk->name->unrecorded, given.limit - walk->mark);
    }
    while (stack->count > 0) {
        struct history_row *lease = &rows[stack->items[stack->count - 1]];
        if (lease->positions.limit > given.limit || lease->held <= given.first) {
            break;
        }
        lease->held = range_max(given.first, lease->positions.first);
        if (lease->held > lease->positions.first) {
            break;
        }
        stack->count--;
    }
    return error;
}

static enum error walk_rewind(struct walk *walk, size_t row)
{
    const struct history_row *rows = walk->verifier->history->rows;
    enum error error = ERR_OK;
    if (walk->known && rows[row].positions.limit < walk->mark) {
        error = note(walk, FINDING_WENT_BACK, row, row);
    }
    walk->verifier->stack.count = 0;
    return error;
}

/* Of another definition: dropped, and made anew. There is no mark to compare with. */
static void begin_anew(struct walk *walk, const struct history_row *row)
{
    const struct history *history = walk->verifier->history;
    struct mapping before = history_mapping(history, walk->mapping);
    struct mapping now = history_mapping(history, row->mapping);
    if (!mapping_same_positions(&before, &now)) {
        walk->known = false;
        walk->verifier->stack.count = 0;
    }
    walk->mapping = row->mapping;
}

static enum error walk_row(struct walk *walk, size_t index)
{
    const struct history_row *rows = walk->verifier->history->rows;
    const struct history_row *row = &rows[index];
    enum error error = ERR_OK;
    begin_anew(walk, row);
    if (walk->previous != SIZE_MAX && row->generation <= rows[walk->previous].generation) {
        error = note(walk, FINDING_GENERATION, walk->previous, index);
    }
    if (error != ERR_OK) {
        return error;
    }
    walk->previous = index;
    switch ((enum ledger_act)row->act) {
    case LEDGER_LEASE:
        error = walk_lease(walk, index);
        break;
    case LEDGER_RETURN:
        error = walk_return(walk, index);
        break;
    case LEDGER_REWIND:
        error = walk_rewind(walk, index);
        break;
    case LEDGER_ADVANCE:
    case LEDGER_ADOPT:
        error = pass_over(walk, index, row->positions.first);
        break;
    }
    bool down = row->act == LEDGER_RETURN || row->act == LEDGER_REWIND;
    walk->mark = down ? row->positions.first : row->positions.limit;
    walk->known = true;
    return error;
}

/* The rows that the inputs of `mask` have. */
static enum error walk_history(struct verifier *verifier, size_t begin, size_t end, unsigned mask)
{
    const struct history_row *rows = verifier->history->rows;
    const size_t *order = verifier->order.items;
    const struct history_row *first = &rows[order[begin]];
    struct walk walk = {.verifier = verifier,
                        .name = &verifier->verdict->names[first->name],
                        .previous = SIZE_MAX,
                        .mapping = first->mapping};
    enum error error = ERR_OK;
    verifier->stack.count = 0;
    for (size_t i = begin; i < end && error == ERR_OK; i++) {
        if ((rows[order[i]].seen & mask) != 0) {
            error = walk_row(&walk, order[i]);
        }
    }
    return error;
}

enum error verifier_walk(struct verifier *verifier, size_t begin, size_t end)
{
    const struct history_row *rows = verifier->history->rows;
    const size_t *order = verifier->order.items;
    enum error error = ERR_OK;
    if (!verifier->lives[rows[order[begin]].life].forked) {
        error = walk_history(verifier, begin, end, UINT16_MAX);
    } else {
        for (size_t i = 0; i < verifier->history->input_count && error == ERR_OK; i++) {
            error = walk_history(verifier, begin, end, 1U << i);
        }
    }
    for (size_t i = begin; i < end && error == ERR_OK; i++) {
        if (rows[order[i]].act == LEDGER_REWIND) {
            error = verifier_rows_add(&verifier->rewinds, order[i]);
            if (error == ERR_OK) {
                error = verifier_note(verifier, &(struct finding){.kind = FINDING_FORCED,
                                                                  .a = order[i],
                                                                  .b = order[i],
                                                                  .input = rows[order[i]].input});
            }
        }
    }
    return error;
}
