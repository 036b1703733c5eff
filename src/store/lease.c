#include "lease.h"

#include "base/range.h"
#include "copies.h"

#include <assert.h>

static enum error reserve_one(struct lease_reserving *reserving, struct environment *environment,
                              MDB_txn *txn, struct store_request *request,
                              struct lease_result *ret_result, struct error_detail *detail)
{
    struct record record = {0};
    struct ledger_move move;
    enum copies_state state;
    enum error error = copies_read(environment, txn, request->name, &state, &record, detail);

    if (error != ERR_OK) {
        return error;
    }
    assert(request->count >= 1);
    *ret_result = (struct lease_result){.lease = {request->floor, request->floor}};
    if (state == COPIES_DAMAGED) {
        ret_result->error = ERR_CORRUPT;
        return ERR_OK;
    }
    if (state == COPIES_ABSENT || record.dropped) {
        ret_result->error = ERR_NOT_FOUND;
        return ERR_OK;
    }
    ret_result->lease = range_clamped(range_max(record.mark, request->floor), request->count,
                                      definition_capacity(&record.definition));
    assert(ret_result->lease.first >= request->floor);
    assert(ret_result->lease.limit >= record.mark);
    record.mark = ret_result->lease.limit;
    record.generation++;
    ret_result->generation = record.generation;
    request->burnt_limit = record.mark;
    if (record.definition.kind == SEQUENCE_COUNTER) {
        reserving->positions =
            range_add_capped(reserving->positions, range_count(ret_result->lease));
    }
    move = (struct ledger_move){LEDGER_LEASE, ret_result->lease, request->from};
    error = copies_write(environment, txn, request->name, &record, detail);
    return error != ERR_OK ? error
                           : ledger_note(reserving->ledger, environment, txn, request->name,
                                         &record, &move, detail);
}

enum error lease_reserve(struct environment *environment, MDB_txn *txn, void *context,
                         struct error_detail *detail)
{
    struct lease_reserving *reserving = context;
    enum error error = ERR_OK;

    reserving->positions = 0; /* what an attempt before this one counted did not happen */
    for (size_t i = 0; error == ERR_OK && i < reserving->count; i++) {
        error = reserve_one(reserving, environment, txn, &reserving->requests[i],
                            &reserving->results[i], detail);
    }
    return error;
}

static enum error return_one(struct ledger *ledger, struct environment *environment, MDB_txn *txn,
                             const struct store_return *giving, struct lease_result *ret_result,
                             struct error_detail *detail)
{
    const struct ledger_move move = {.act = LEDGER_RETURN,
                                     .positions = {giving->mark, giving->lease_limit}};
    struct record record = {0};
    enum copies_state state;
    enum error error = copies_read(environment, txn, giving->name, &state, &record, detail);

    if (error != ERR_OK) {
        return error;
    }
    *ret_result = (struct lease_result){.accepted = state == COPIES_WHOLE && !record.dropped &&
                                                    record.generation == giving->generation &&
                                                    record.mark == giving->lease_limit};
    if (!ret_result->accepted) {
        return ERR_OK;
    }
    record.mark = giving->mark;
    record.generation++;
    error = copies_write(environment, txn, giving->name, &record, detail);
    return error != ERR_OK
               ? error
               : ledger_note(ledger, environment, txn, giving->name, &record, &move, detail);
}

enum error lease_give_back(struct environment *environment, MDB_txn *txn, void *context,
                           struct error_detail *detail)
{
    struct lease_giving *giving = context;
    enum error error = ERR_OK;

    for (size_t i = 0; error == ERR_OK && i < giving->count; i++) {
        error = return_one(giving->ledger, environment, txn, &giving->returns[i],
                           &giving->results[i], detail);
    }
    return error;
}
