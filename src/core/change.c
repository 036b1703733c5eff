#include "change.h"

#include "base/range.h"
#include "registry_place.h"

#include <string.h>

/* Keep in mind that the store has failed; `error` is what it said. */
static enum error heed(struct change *change, enum error error)
{
    if (store_has_failed(error)) {
        change->failure = error;
    }
    return error;
}

static void retire(struct change *change, struct sequence *sequence)
{
    sequence_retire(sequence, ERR_NOT_FOUND);
    registry_remove(change->registry, sequence);
}

/* The store decides: a move to where the mark is known to be changes nothing, and fails where there
 * is no sequence any more. */
static enum error resolve(struct change *change, struct sequence *sequence)
{
    struct sequence_status status;
    struct store_entry entry;
    sequence_describe(sequence, &status);
    struct store_move move = {.position = range_min(status.mark, status.capacity)};
    enum error error = heed(change, store_advance(change->store, sequence_name(sequence), &move,
                                                  &entry, change->detail));
    if (error == ERR_OK) {
        sequence_alter(sequence, &entry);
        sequence_set_doubtful(sequence, false);
    } else if (error == ERR_NOT_FOUND) {
        retire(change, sequence);
    }
    return error;
}

enum error change_find(struct change *change, const char *name, struct sequence **ret_sequence)
{
    struct sequence *sequence = registry_find(change->registry, name, strlen(name));
    enum error error = sequence == NULL ? ERR_NOT_FOUND : ERR_OK;
    if (sequence != NULL && sequence_is_doubtful(sequence)) {
        error = resolve(change, sequence);
    }
    if (error == ERR_NOT_FOUND) {
        return error_fail(change->detail, error, "there is no sequence '%s'", name);
    }
    if (error == ERR_OK) {
        *ret_sequence = sequence;
    }
    return error;
}

enum error change_create(struct change *change, const char *name,
                         const struct definition *definition, struct sequence **ret_sequence)
{
    struct store_entry entry;
    struct sequence *sequence = NULL;
    enum error error = registry_make_room(change->registry, true, change->detail);
    if (error == ERR_OK) {
        error = heed(change, store_define(change->store, name, definition, &entry, change->detail));
    }
    if (error == ERR_OK) {
        error = registry_build(change->registry, &entry, &sequence, change->detail);
    }
    if (error == ERR_OK) {
        registry_place(change->registry, sequence);
        *ret_sequence = sequence;
    }
    return error;
}

enum error change_alter(struct change *change, struct sequence *sequence,
                        const struct definition *definition)
{
    struct store_entry entry;
    enum error error = heed(change, store_define(change->store, sequence_name(sequence), definition,
                                                 &entry, change->detail));
    if (error == ERR_OK) {
        sequence_alter(sequence, &entry);
    }
    return error;
}

enum error change_forward(struct change *change, struct sequence *sequence, uint64_t position)
{
    struct store_move move = {.position = position};
    struct store_entry entry;
    enum error error = heed(change, store_advance(change->store, sequence_name(sequence), &move,
                                                  &entry, change->detail));
    if (error == ERR_OK) {
        sequence_advance(sequence, position, &entry);
    } else if (store_has_failed(error)) {
        sequence_advance(sequence, position, NULL);
    }
    return error;
}

/* Build the new one before the commit, for afterwards there is no way back. */
enum error change_backward(struct change *change, struct sequence *sequence, uint64_t position,
                           struct sequence **ret_sequence, struct floor *ret_repeat)
{
    struct sequence_status status;
    struct sequence *fresh = NULL;
    sequence_describe(sequence, &status);
    struct store_move move = {.position = position, .backward = true};
    struct store_entry entry = {.definition = status.definition, .mark = position};
    memcpy(entry.name, sequence_name(sequence), strlen(sequence_name(sequence)));
    *ret_repeat = floor_between(&status.definition, (struct range){position, status.mark});
    enum error error = registry_make_room(change->registry, false, change->detail);
    if (error == ERR_OK) {
        error = registry_build(change->registry, &entry, &fresh, change->detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = heed(change, store_advance(change->store, entry.name, &move, &entry, change->detail));
    if (error != ERR_OK) {
        sequence_free(fresh);
        /* Renewals go on above the old mark, and bring the mark back there. */
        sequence_set_doubtful(sequence, store_has_failed(error));
        return error;
    }
    *ret_repeat = floor_between(&status.definition, (struct range){position, move.mark_before});
    registry_place(change->registry, fresh); /* first, so that the name is never missing */
    sequence_retire(sequence, ERR_UNAVAILABLE);
    *ret_sequence = fresh;
    return ERR_OK;
}

enum error change_drop(struct change *change, struct sequence *sequence, struct floor *ret_floor)
{
    struct store_entry entry;
    enum error error =
        heed(change, store_drop(change->store, sequence_name(sequence), &entry, change->detail));
    if (error == ERR_OK) {
        retire(change, sequence);
        *ret_floor = entry.floor;
    } else if (store_has_failed(error)) {
        sequence_set_doubtful(sequence, true);
    }
    return error;
}
