#include "script.h"

#include "store/store_lmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TRIES_MAX 4 /* a fault that comes once is gone by the second */

static const char *const names[SCRIPT_SEQUENCES] = {"orders", "invoices", "shipments"};

static enum error open_store(const struct dir *dir, struct store **ret_store,
                             struct error_detail *detail)
{
    struct store_lmdb_options options = {.directory = dir->path,
                                         .map_size_bytes = STORE_LMDB_MAP_SIZE_MIN};

    return store_lmdb_open(&options, ret_store, detail);
}

/* What a failing disk may make of a call; anything else is a false accusation. */
static void check_code(struct script *script, enum error error, const struct error_detail *detail)
{
    script->failures++;
    if (error != ERR_IO && error != ERR_UNAVAILABLE) {
        fail_msg("a failing disk gave '%s': %s", error_name(error), detail->text);
    }
}

static bool recover(struct script *script, struct store *store)
{
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        enum error error = store_recover(store, &detail);

        if (error == ERR_OK) {
            return true;
        }
        check_code(script, error, &detail);
    }
    return false;
}

static bool open_at_last(struct script *script, struct store **ret_store)
{
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        enum error error = open_store(script->dir, ret_store, &detail);

        if (error == ERR_OK) {
            return true;
        }
        check_code(script, error, &detail);
    }
    return false;
}

static bool define(struct script *script, struct store *store, size_t sequence)
{
    struct definition definition = definition_default();
    struct store_entry entry;
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < TRIES_MAX; i++) {
        enum error error = store_define(store, names[sequence], &definition, &entry, &detail);

        if (error == ERR_OK) {
            return true;
        }
        check_code(script, error, &detail);
        if (!recover(script, store)) {
            return false;
        }
    }
    return false;
}

static void grant(struct script *script, size_t sequence, const struct store_request *request)
{
    struct script_track *track = &script->tracks[sequence];

    assert_int_equal(request->error, ERR_OK);
    assert_int_equal(range_count(request->lease), SCRIPT_COUNT);
    if (request->lease.first < track->granted_limit) {
        fail_msg("'%s': %llu was granted again", names[sequence],
                 (unsigned long long)request->lease.first);
    }
    track->granted_limit = request->lease.limit;
    track->lease = *request;
    script->grants++;
    if (script->on_grant != NULL) {
        script->on_grant(script->context, sequence, request->lease.limit);
    }
}

/* All three sequences in one commit. */
static bool reserve(struct script *script, struct store *store)
{
    struct store_request requests[SCRIPT_SEQUENCES] = {0};
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < TRIES_MAX; i++) {
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
        check_code(script, error, &detail);
        if (!recover(script, store)) {
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

    track->granted_limit = giving.mark;
    if (script->on_grant != NULL) {
        script->on_grant(script->context, sequence, giving.mark);
    }
    error = store_give_back(store, &giving, 1, &detail);
    if (error != ERR_OK) {
        check_code(script, error, &detail);
    } else {
        assert_true(giving.accepted);
    }
}

static bool live(struct script *script, struct store *store)
{
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        if (!define(script, store, s)) {
            return false;
        }
    }
    for (unsigned i = 0; i < SCRIPT_ROUNDS; i++) {
        if (!reserve(script, store)) {
            return false;
        }
    }
    give_back(script, store, 0);
    return true;
}

bool script_run(struct script *script)
{
    struct store *store = NULL;
    bool done;

    if (!open_at_last(script, &store)) {
        return false;
    }
    done = live(script, store);
    store_close(store);
    return done;
}

static enum error check_mark(void *context, const struct store_entry *entry,
                             struct error_detail *detail)
{
    const uint64_t *granted_limits = context;

    (void)detail;
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        if (strcmp(entry->name, names[s]) == 0 && entry->mark < granted_limits[s]) {
            fail_msg("the mark of '%s' is %llu, and all below %llu was granted", names[s],
                     (unsigned long long)entry->mark, (unsigned long long)granted_limits[s]);
        }
    }
    return ERR_OK;
}

void script_check(const struct dir *dir, const uint64_t granted_limits[SCRIPT_SEQUENCES])
{
    uint64_t limits[SCRIPT_SEQUENCES];
    struct error_detail detail = {.text = ""};
    struct store *store = NULL;
    enum error error = open_store(dir, &store, &detail);

    if (error != ERR_OK) {
        fail_msg("a disk that is well again gave '%s': %s", error_name(error), detail.text);
    }
    memcpy(limits, granted_limits, sizeof(limits));
    assert_int_equal(store_each(store, check_mark, limits, &detail), ERR_OK);
    for (size_t s = 0; s < SCRIPT_SEQUENCES; s++) {
        struct store_request request = {.name = names[s], .count = SCRIPT_COUNT};

        assert_int_equal(store_reserve(store, &request, 1, &detail), ERR_OK);
        if (limits[s] > 0) {
            assert_int_equal(request.error, ERR_OK);
        }
        if (request.error == ERR_OK && request.lease.first < limits[s]) {
            fail_msg("'%s': %llu was granted again after a restart", names[s],
                     (unsigned long long)request.lease.first);
        }
    }
    store_close(store);
}
