#include "core/admin.h"

#include "base/floor.h"
#include "change.h"
#include "registry_place.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error create(struct change *change, struct admin_request *request)
{
    struct sequence *sequence = NULL;
    enum error error = definition_check(&request->definition, change->detail);
    if (error == ERR_OK) {
        error = registry_check_clock(change->registry, &request->definition, change->detail);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = change_find(change, request->name, &sequence);
    if (error == ERR_NOT_FOUND) {
        error = change_create(change, request->name, &request->definition, &sequence);
        request->created = error == ERR_OK;
    }
    if (error != ERR_OK) {
        return error;
    }
    sequence_describe(sequence, &request->status);
    if (!definition_equal(&request->status.definition, &request->definition)) {
        return error_fail(change->detail, ERR_CONFLICT,
                          "sequence '%s' exists with another definition", request->name);
    }
    return ERR_OK;
}

/* Take over what `fields` names. */
static enum error merge(struct definition *definition, const struct admin_request *request,
                        struct error_detail *detail)
{
    if (request->fields == 0 || (request->fields & ~(unsigned)ADMIN_FIELDS_ALL) != 0) {
        return error_fail(detail, ERR_INVALID, "no field that can be altered is named");
    }
    if ((request->fields & ADMIN_FIELD_MAX_BORROW) != 0) {
        if (definition->kind != SEQUENCE_TIMESTAMP) {
            return error_fail(detail, ERR_INVALID, "max_borrow belongs to timestamp sequences");
        }
        definition->layout.max_borrow_ms = request->definition.layout.max_borrow_ms;
    }
    if ((request->fields & ADMIN_FIELD_MAX_GAP) != 0) {
        definition->max_gap = request->definition.max_gap;
    }
    if ((request->fields & ADMIN_FIELD_LEASE) != 0) {
        definition->lease = request->definition.lease;
    }
    if ((request->fields & ADMIN_FIELD_DURABILITY) != 0) {
        definition->durability = request->definition.durability;
    }
    return definition_check(definition, detail);
}

static enum error alter(struct change *change, struct admin_request *request)
{
    struct sequence *sequence = NULL;
    enum error error = change_find(change, request->name, &sequence);
    if (error != ERR_OK) {
        return error;
    }
    sequence_describe(sequence, &request->status);
    struct definition definition = request->status.definition;
    error = merge(&definition, request, change->detail);
    if (error == ERR_OK && !definition_equal(&request->status.definition, &definition)) {
        error = change_alter(change, sequence, &definition);
    }
    sequence_describe(sequence, &request->status);
    return error;
}

static enum error refuse_rewind(const struct admin_request *request, struct error_detail *detail)
{
    const struct sequence_status *status = &request->status;
    const struct definition *definition = &status->definition;
    if (status->next >= status->capacity) {
        return error_fail(detail, ERR_CONFLICT,
                          "the last number of '%s' is issued or leased: to go on after %" PRId64
                          " would be a way backward, on which numbers come again",
                          request->name, request->past);
    }
    return error_fail(detail, ERR_CONFLICT,
                      "the next number of '%s' is %" PRId64 ": to go on after %" PRId64
                      " would be a way backward, on which numbers come again",
                      request->name, definition_number_at(definition, status->next), request->past);
}

static enum error rewind_to(struct change *change, struct admin_request *request,
                            struct sequence **sequence, uint64_t position)
{
    struct floor repeat = {.some = false};
    enum error error = change_backward(change, *sequence, position, sequence, &repeat);
    request->rewound = error == ERR_OK;
    request->repeat_first = repeat.low;
    request->repeat_last = repeat.high;
    if (change->failure != ERR_OK) {
        return error_wrap(change->detail, error,
                          "whether '%s' goes back after a restart is not known, so that numbers "
                          "from %" PRId64 " to %" PRId64 " may come again",
                          request->name, repeat.low, repeat.high);
    }
    return error;
}

static enum error advance(struct change *change, struct admin_request *request)
{
    struct sequence *sequence = NULL;
    enum error error = change_find(change, request->name, &sequence);
    if (error != ERR_OK) {
        return error;
    }
    struct sequence_status *status = &request->status;
    sequence_describe(sequence, status);
    uint64_t position = definition_position_after(&status->definition, request->past);
    if (position == status->capacity) {
        return error_fail(change->detail, ERR_EXHAUSTED, "no number of '%s' comes after %" PRId64,
                          request->name, request->past);
    }
    if (position >= status->next) {
        error = change_forward(change, sequence, position);
    } else if (request->force) {
        error = rewind_to(change, request, &sequence, position);
    } else {
        error = refuse_rewind(request, change->detail);
    }
    sequence_describe(sequence, status);
    return error;
}

/* A drop is not held up by a doubt: where an earlier one has succeeded, this one does as well. */
static enum error drop(struct change *change, struct admin_request *request)
{
    struct floor floor;
    struct sequence *sequence =
        registry_find(change->registry, request->name, strlen(request->name));
    if (sequence == NULL) {
        return error_fail(change->detail, ERR_NOT_FOUND, "there is no sequence '%s'",
                          request->name);
    }
    enum error error = change_drop(change, sequence, &floor);
    if (error == ERR_OK) {
        request->has_floor = floor.some;
        request->floor_low = floor.low;
        request->floor_high = floor.high;
    }
    return error;
}

/* Between two commits, so it is as consistent as the store. */
static enum error back_up(struct change *change, struct admin_request *request)
{
    FILE *stream = open_memstream(&request->text, &request->text_length);
    if (stream == NULL) {
        return error_fail(change->detail, ERR_UNAVAILABLE, "no memory for a backup");
    }
    enum error error = store_backup(change->store, stream, change->detail);
    bool whole = ferror(stream) == 0;
    /* Where the last of it finds no memory, glibc says that all is well, and leaves no text. */
    whole = fclose(stream) == 0 && request->text != NULL && whole;
    if (error == ERR_OK && !whole) {
        error = error_fail(change->detail, ERR_UNAVAILABLE, "no memory for a backup");
    }
    return error;
}

static enum error keep_row(void *context, const struct ledger_entry *entry,
                           struct error_detail *detail)
{
    struct admin_ledger *ledger = context;
    (void)detail;
    ledger->rows[ledger->count++] = *entry;
    return ERR_OK;
}

static enum error read_ledger(struct change *change, struct admin_request *request)
{
    struct admin_ledger *ledger = &request->ledger;
    struct store_ledger_query query = {
        .name = ledger->name[0] != '\0' ? ledger->name : NULL,
        .has_number = ledger->has_number,
        .number = ledger->number,
        .after = ledger->after,
        .limit = ledger->limit,
    };
    ledger->rows = calloc(ledger->limit, sizeof ledger->rows[0]);
    if (ledger->rows == NULL) {
        return error_fail(change->detail, ERR_UNAVAILABLE, "no memory for a page of the ledger");
    }
    enum error error = store_ledger(change->store, &query, keep_row, ledger, change->detail);
    if (error == ERR_OK) {
        ledger->more = query.more;
        ledger->last = query.last;
        ledger->oldest = query.oldest;
        ledger->damaged = query.damaged;
        ledger->missing = query.missing;
    }
    return error;
}

static enum error act(struct change *change, struct admin_request *request)
{
    static enum error (*const acts[])(struct change * change, struct admin_request * request) = {
        [ADMIN_CREATE] = create, [ADMIN_ALTER] = alter,    [ADMIN_ADVANCE] = advance,
        [ADMIN_DROP] = drop,     [ADMIN_BACKUP] = back_up, [ADMIN_LEDGER] = read_ledger,
    };
    assert((size_t)request->action < sizeof acts / sizeof acts[0]);
    enum error error = ERR_OK;
    /* Those two are of all sequences. */
    if (request->action != ADMIN_BACKUP && request->action != ADMIN_LEDGER) {
        error = definition_check_name(request->name, strnlen(request->name, sizeof request->name),
                                      change->detail);
    }
    return error == ERR_OK ? acts[request->action](change, request) : error;
}

static struct admin_request *request_of(struct errand *errand)
{
    return (struct admin_request *)((char *)errand - offsetof(struct admin_request, errand));
}

/* On the keeper's thread. What the store says of itself is for the keeper to act on; whoever asked
 * learns only that it cannot be written. */
static enum error run(struct errand *errand, struct store *store, struct error_detail *detail)
{
    struct admin_request *request = request_of(errand);
    struct change change = {
        .registry = request->registry, .store = store, .detail = &request->detail};
    request->error = act(&change, request);
    if (change.failure != ERR_OK) {
        *detail = request->detail;
    }
    if (request->error == ERR_OK) {
        request->detail.text[0] = '\0';
    } else if (store_has_failed(request->error)) {
        request->error = ERR_UNAVAILABLE;
    }
    return change.failure;
}

/* On the keeper's thread, or after it has stopped on whose it may be. */
static void finish(struct errand *errand, enum error error)
{
    struct admin_request *request = request_of(errand);
    if (error != ERR_OK) {
        request->error = error_fail(&request->detail, ERR_UNAVAILABLE,
                                    "the store cannot be written now; nothing was changed");
    }
    request->done(request);
}

void admin_submit(struct registry *registry, struct keeper *keeper, struct admin_request *request)
{
    request->registry = registry;
    request->errand = (struct errand){.run = run, .done = finish};
    request->detail.text[0] = '\0';
    request->created = false;
    request->rewound = false;
    request->has_floor = false;
    request->text = NULL;
    request->ledger.rows = NULL;
    request->ledger.count = 0;
    keeper_submit(keeper, &request->errand);
}
