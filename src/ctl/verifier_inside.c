#include "verifier_inside.h"

#include <stdlib.h>

enum error verifier_rows_add(struct verifier_rows *rows, size_t row)
{
    if (rows->count == rows->room) {
        size_t room = 2 * rows->room + 64;
        size_t *items = reallocarray(rows->items, room, sizeof *items);
        if (items == NULL) {
            return ERR_NO_MEMORY;
        }
        rows->items = items;
        rows->room = room;
    }
    rows->items[rows->count++] = row;
    return ERR_OK;
}

enum error verifier_note(struct verifier *verifier, const struct finding *finding)
{
    struct verdict *verdict = verifier->verdict;
    if (verdict->counts[finding->kind]++ >= FINDINGS_MAX) {
        return ERR_OK;
    }
    struct finding *findings =
        reallocarray(verdict->findings, verdict->finding_count + 1, sizeof *findings);
    if (findings == NULL) {
        return ERR_NO_MEMORY;
    }
    findings[verdict->finding_count++] = *finding;
    verdict->findings = findings;
    return ERR_OK;
}

bool verifier_is_ancestor(const struct verifier *verifier, uint32_t ancestor, uint32_t life)
{
    while (life != LIFE_NONE && life != ancestor) {
        life = verifier->lives[life].parent;
    }
    return life == ancestor;
}

bool verifier_before(const struct verifier *verifier, const struct history_row *a,
                     const struct history_row *b)
{
    /* Where histories part, only an input that has both tells that they are of one. */
    bool together = (a->seen & b->seen) != 0;
    if (a->life != b->life) {
        return together && verifier_is_ancestor(verifier, a->life, b->life);
    }
    return (together || !verifier->lives[a->life].forked) && ledger_id_compare(a->id, b->id) < 0;
}
