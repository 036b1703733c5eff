#include "fate.h"

#include "comb.h"
#include "history.h"

#include <assert.h>
#include <string.h>

static struct mapping mapping_of_mark(const struct ledger_mark *mark)
{
    return (struct mapping){mark->definition.kind, mark->definition.start,
                            mark->definition.increment, mark->definition.layout};
}

bool fate_is_passed(const struct ledger_mark *mark, int64_t number)
{
    struct mapping mapping = mapping_of_mark(mark);
    uint64_t position = 0;
    return mapping_position(&mapping, number, &position) && position < mark->mark;
}

/* Has the running server leased it, and not come to it? */
static bool is_ahead(const struct fate_rows *rows, const struct ledger_entry *lease)
{
    uint64_t position = 0;
    if (rows->mark == NULL || !rows->mark->running || !fate_is_passed(rows->mark, rows->number)) {
        return false;
    }
    struct mapping now = mapping_of_mark(rows->mark);
    struct mapping then = mapping_of_entry(lease);
    return mapping_same_positions(&now, &then) && mapping_position(&now, rows->number, &position) &&
           position >= rows->mark->next;
}

static bool is_of_one_life(const struct ledger_entry *a, const struct ledger_entry *b)
{
    return memcmp(a->instance, b->instance, sizeof a->instance) == 0 &&
           memcmp(a->incarnation, b->incarnation, sizeof a->incarnation) == 0;
}

static enum fate fate_of_lease(const struct fate_rows *rows, size_t index)
{
    const struct ledger_entry *lease = &rows->items[index];
    struct mapping mapping = mapping_of_entry(lease);
    size_t next = index + 1;
    uint64_t position = 0;
    if (!mapping_position(&mapping, rows->number, &position) || position < lease->from) {
        return FATE_SKIPPED; /* its time had passed */
    }
    while (next < rows->count &&
           (rows->items[next].act == LEDGER_ADVANCE || rows->items[next].act == LEDGER_ADOPT)) {
        next++;
    }
    if (next == rows->count) {
        return next == index + 1 && is_ahead(rows, lease) ? FATE_HELD : FATE_MAYBE;
    }
    const struct ledger_entry *then = &rows->items[next];
    return then->act == LEDGER_RETURN && is_of_one_life(lease, then) ? FATE_GIVEN_BACK : FATE_MAYBE;
}

enum fate fate_of_row(const struct fate_rows *rows, size_t index)
{
    switch (rows->items[index].act) {
    case LEDGER_LEASE:
        return fate_of_lease(rows, index);
    case LEDGER_RETURN:
        return FATE_GIVEN_BACK;
    case LEDGER_REWIND:
        return FATE_FORCED;
    case LEDGER_ADVANCE:
    case LEDGER_ADOPT:
        break;
    }
    return FATE_SKIPPED;
}

enum fate fate_of_number(const struct fate_rows *rows)
{
    enum fate fate = FATE_SKIPPED;
    unsigned maybe = 0;
    assert(rows->count > 0);
    for (size_t i = 0; i < rows->count; i++) {
        fate = fate_of_row(rows, i);
        maybe += rows->items[i].act == LEDGER_LEASE && (fate == FATE_MAYBE || fate == FATE_HELD);
    }
    if (maybe > 1) {
        return FATE_SEVERAL;
    }
    return maybe == 1 && fate != FATE_HELD ? FATE_MAYBE : fate;
}

const char *fate_word(enum fate fate)
{
    switch (fate) {
    case FATE_MAYBE:
        return "issued_or_lost";
    case FATE_SEVERAL:
        return "several";
    case FATE_GIVEN_BACK:
        return "given_back";
    case FATE_HELD:
        return "not_issued_yet";
    case FATE_SKIPPED:
        return "skipped";
    case FATE_FORCED:
        break;
    }
    return "forced_back";
}

const char *fate_row_text(enum fate fate)
{
    switch (fate) {
    case FATE_MAYBE:
    case FATE_SEVERAL:
        return "it issued it, or nobody did";
    case FATE_GIVEN_BACK:
        return "not issued: given back";
    case FATE_HELD:
        return "not issued yet";
    case FATE_SKIPPED:
        return "passed over";
    case FATE_FORCED:
        break;
    }
    return "may come again from here on, by force";
}

const char *fate_number_text(enum fate fate)
{
    switch (fate) {
    case FATE_MAYBE:
        return "issued by one lease, or lost";
    case FATE_SEVERAL:
        return "leased more than once: each of these leases may have issued it";
    case FATE_GIVEN_BACK:
        return "leased, and given back without being issued";
    case FATE_HELD:
        return "leased, and not issued yet";
    case FATE_SKIPPED:
        return "passed over: no lease on record has it";
    case FATE_FORCED:
        break;
    }
    return "forced to come again, and not leased since";
}
