#include "edit.h"

#include "base/range.h"
#include "copies.h"

#include <assert.h>

/* Read the record that is to be changed. ERR_CORRUPT  no copy is whole: a new one in its place
 * would begin again at 0. */
static enum error read_to_edit(struct environment *environment, MDB_txn *txn, struct edit *edit,
                               bool *ret_there, struct error_detail *detail)
{
    enum copies_state state;
    enum error error = copies_read(environment, txn, edit->name, &state, &edit->record, detail);

    if (error == ERR_OK && state == COPIES_DAMAGED) {
        error = ERR_CORRUPT;
    }
    if (error == ERR_OK) {
        *ret_there = state != COPIES_ABSENT;
    }
    return error;
}

static enum error write_edited(struct environment *environment, MDB_txn *txn, struct edit *edit,
                               struct error_detail *detail)
{
    edit->record.generation++;
    return copies_write(environment, txn, edit->name, &edit->record, detail);
}

enum error edit_define(struct environment *environment, MDB_txn *txn, void *context,
                       struct error_detail *detail)
{
    struct edit *edit = context;
    struct record *record = &edit->record;
    bool there;
    enum error error = read_to_edit(environment, txn, edit, &there, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (!there) {
        *record = (struct record){0};
        edit->outcome = environment_check_headroom(environment, txn, &edit->why);
    } else if (record->dropped || !definition_same_numbers(&record->definition, edit->definition)) {
        record->floor = floor_grown(record->floor, &record->definition, record->mark);
        edit->outcome = floor_first(&record->floor, edit->definition, &record->mark, &edit->why);
    }
    if (edit->outcome != ERR_OK) {
        return ERR_OK;
    }
    record->dropped = false;
    record->definition = *edit->definition;
    return write_edited(environment, txn, edit, detail);
}

enum error edit_drop(struct environment *environment, MDB_txn *txn, void *context,
                     struct error_detail *detail)
{
    struct edit *edit = context;
    struct record *record = &edit->record;
    bool there;
    enum error error = read_to_edit(environment, txn, edit, &there, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (!there) {
        edit->outcome = ERR_NOT_FOUND;
        return ERR_OK;
    }
    record->dropped = true;
    record->floor = floor_grown(record->floor, &record->definition, record->mark);
    return write_edited(environment, txn, edit, detail);
}

/* Over which positions the mark went, and in which direction. */
static enum error note_move(struct environment *environment, MDB_txn *txn, const struct edit *edit,
                            struct error_detail *detail)
{
    const struct record *record = &edit->record;
    const struct ledger_move move = {.act = record->mark < edit->mark_before ? LEDGER_REWIND
                                                                             : LEDGER_ADVANCE,
                                     .positions = {range_min(record->mark, edit->mark_before),
                                                   range_max(record->mark, edit->mark_before)}};

    return ledger_note(edit->ledger, environment, txn, edit->name, record, &move, detail);
}

enum error edit_advance(struct environment *environment, MDB_txn *txn, void *context,
                        struct error_detail *detail)
{
    struct edit *edit = context;
    struct record *record = &edit->record;
    bool there;
    enum error error = read_to_edit(environment, txn, edit, &there, detail);

    if (error != ERR_OK) {
        return error;
    }
    if (!there || record->dropped) {
        edit->outcome = ERR_NOT_FOUND;
        return ERR_OK;
    }
    assert(edit->move->position <= definition_capacity(&record->definition));
    edit->mark_before = record->mark;
    if (edit->move->backward) {
        record->floor = floor_grown(record->floor, &record->definition, record->mark);
        record->mark = edit->move->position;
    } else {
        record->mark = range_max(record->mark, edit->move->position);
    }
    error = write_edited(environment, txn, edit, detail);
    return error == ERR_OK ? note_move(environment, txn, edit, detail) : error;
}
