#include "script_inside.h"

#include "ledger_agrees.h"

#include "store/store_lmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[SCRIPT_SEQUENCES] = {"orders", "invoices", "shipments"};

static enum store_lmdb_identity identity = STORE_LMDB_IDENTITY_ALL;

void script_take_copies(void)
{
    identity = STORE_LMDB_IDENTITY_NONE;
}

static bool may_lack_memory;

void script_may_lack_memory(void)
{
    may_lack_memory = true;
}

struct store_lmdb_options script_options(const struct script *script)
{
    return (struct store_lmdb_options){
        .directory = script->dir->path,
        .map_size_bytes = STORE_LMDB_MAP_SIZE_MIN,
        .witness = script->witness,
        .any_filesystem = true, /* in memory, hundreds of lives take a second */
        .identity = identity,
    };
}

static enum error open_store(const struct script *script, struct store **ret_store,
                             struct error_detail *detail)
{
    struct store_lmdb_options options = script_options(script);

    return store_lmdb_open(&options, ret_store, detail);
}

/* What a failing disk may make of a call; anything else is a false accusation. */
void script_check_code(struct script *script, enum error error, const struct error_detail *detail)
{
    script->failures++;
    if (error != ERR_IO && error != ERR_UNAVAILABLE &&
        !(may_lack_memory && error == ERR_NO_MEMORY)) {
        fail_msg("a failing disk gave '%s': %s", error_name(error), detail->text);
    }
}

bool script_recover(struct script *script, struct store *store)
{
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = store_recover(store, &detail);

        if (error == ERR_OK) {
            return true;
        }
        script_check_code(script, error, &detail);
    }
    return false;
}

bool script_open(struct script *script, struct store **ret_store)
{
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = open_store(script, ret_store, &detail);

        if (error == ERR_OK) {
            return true;
        }
        script_check_code(script, error, &detail);
    }
    return false;
}

static bool define(struct script *script, struct store *store, size_t sequence)
{
    struct definition definition = definition_default();
    struct store_entry entry;
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = store_define(store, names[sequence], &definition, &entry, &detail);

        if (error == ERR_OK) {
            return true;
        }
        script_check_code(script, error, &detail);
        if (!script_recover(script, store)) {
            return false;
        }
    }
    return false;
}

void script_tell(struct script *script, size_t fact, uint64_t value)
{
    script->facts[fact] = value;
    if (script->on_fact != NULL) {
        script->on_fact(script->context, fact, value);
    }
}

static void grant(struct script *script, size_t sequence, const struct store_request *request)
{
    struct script_track *track = &script->tracks[sequence];

    assert_int_equal(request->error, ERR_OK);
    assert_int_equal(range_count(request->lease), SCRIPT_COUNT);
    if (request->lease.first < script->facts[sequence]) {
        fail_msg("'%s': %llu was granted again", names[sequence],
                 (unsigned long long)request->lease.first);
    }
    track->lease = *request;
    script->grants++;
    script_tell(script, sequence, request->lease.limit);
}

/* All three sequences in one commit. */
bool script_reserve(struct script *script, struct store *store)
{
    struct store_request requests[SCRIPT_SEQUENCES] = {0};
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error;

        for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
            requests[s].name = names[s];
            requests[s].count = SCRIPT_COUNT;
            requests[s].floor = script->tracks[s].floor;
        }
        error = store_reserve(store, requests, SCRIPT_SEQUENCES, &detail);
        for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
            script->tracks[s].floor = requests[s].burnt_limit;
        }
        if (error == ERR_OK) {
            for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
                grant(script, s, &requests[s]);
            }
            return true;
        }
        script_check_code(script, error, &detail);
        if (!script_recover(script, store)) {
            return false;
        }
    }
    return false;
}

/* The clean stop of one sequence: 3 of its last lease were issued. */
static void give_back(struct script *script, struct store *store, size_t sequence)
{
    struct script_track *track = &script->tracks[sequence];
    struct error_detail detail = {.text = ""};
    struct store_return giving = {.name = names[sequence],
                                  .generation = track->lease.generation,
                                  .lease_limit = track->lease.lease.limit,
                                  .mark = track->lease.lease.first + 3};
    enum error error;

    script_tell(script, sequence, giving.mark);
    error = store_give_back(store, &giving, 1, &detail);
    if (error != ERR_OK) {
        script_check_code(script, error, &detail);
    } else {
        assert_true(giving.accepted);
    }
}

/* Past 25 positions. As far as the caller knows, nothing below is issued from the call on. */
static bool advance(struct script *script, struct store *store, size_t sequence)
{
    struct script_track *track = &script->tracks[sequence];
    struct store_move move = {.position = track->floor + 25};
    struct error_detail detail = {.text = ""};
    struct store_entry entry;

    track->floor = move.position;
    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = store_advance(store, names[sequence], &move, &entry, &detail);

        if (error == ERR_OK) {
            assert_true(entry.mark >= move.position);
            script_tell(script, sequence, move.position);
            return true;
        }
        script_check_code(script, error, &detail);
        if (!script_recover(script, store)) {
            return false;
        }
    }
    return false;
}

static bool live(struct script *script, struct store *store)
{
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        if (!define(script, store, s)) {
            return false;
        }
    }
    for (unsigned i = 0; i < SCRIPT_ROUNDS; i++) {
        if (!script_reserve(script, store)) {
            return false;
        }
    }
    give_back(script, store, 0);
    return advance(script, store, 1) && script_live_again(script, store) &&
           (script->at_last == NULL || script->at_last(script, store));
}

bool script_run(struct script *script)
{
    struct store *store = NULL;
    bool done;

    if (!script_open(script, &store)) {
        return false;
    }
    done = live(script, store);
    store_close(store);
    return done;
}

static enum error check_mark(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    const uint64_t *facts = context;

    (void)detail;
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        if (strcmp(entry->name, names[s]) == 0 && entry->mark < facts[s]) {
            fail_msg("the mark of '%s' is %llu, and all below %llu was granted", names[s],
                     (unsigned long long)entry->mark, (unsigned long long)facts[s]);
        }
    }
    return ERR_OK;
}

bool script_check(const struct script *script)
{
    uint64_t known[SCRIPT_FACTS];
    struct error_detail detail = {.text = ""};
    struct store *store = NULL;
    bool whole = false;
    enum error error = open_store(script, &store, &detail);

    if (error != ERR_OK) {
        fail_msg("a disk that is well again gave '%s': %s", error_name(error), detail.text);
    }
    memcpy(known, script->facts, sizeof(known));
    assert_int_equal(store_each(store, check_mark, known, &detail), ERR_OK);
    if (ledger_agrees(store, &whole, &detail) != ERR_OK && !script->rows_lost) {
        fail_msg("%s", detail.text);
    }
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        struct store_request request = {.name = names[s], .count = SCRIPT_COUNT};

        assert_int_equal(store_reserve(store, &request, 1, &detail), ERR_OK);
        if (known[s] > 0) {
            assert_int_equal(request.error, ERR_OK);
        }
        if (request.error == ERR_OK && request.lease.first < known[s]) {
            fail_msg("'%s': %llu was granted again after a restart", names[s],
                     (unsigned long long)request.lease.first);
        }
    }
    script_check_lives(store, known);
    store_close(store);
    return whole;
}
