#include "script_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME "reborn"
#define LIVES 2
#define MIDDLE 1000000 /* all its numbers are positive */

static struct definition upward(int64_t increment)
{
    struct definition definition = definition_default();

    definition.start = MIDDLE;
    definition.increment = increment;
    return definition;
}

/* One call, repeated after failures until it succeeds. */
enum call {
    DEFINE,
    RESERVE,
    BACKWARD,
    DROP
};

struct calling {
    enum call call;
    struct definition definition;
    struct store_request request;
    struct store_entry entry;
};

static enum error call_once(struct store *store, struct calling *calling,
                            struct error_detail *detail)
{
    struct store_move move = {.position = 0, .backward = true};
    enum error error = ERR_OK;

    switch (calling->call) {
    case DEFINE:
        return store_define(store, NAME, &calling->definition, &calling->entry, detail);
    case RESERVE:
        error = store_reserve(store, &calling->request, 1, detail);
        calling->request.floor = calling->request.burnt_limit;
        return error;
    case BACKWARD:
        return store_advance(store, NAME, &move, &calling->entry, detail);
    case DROP:
        return store_drop(store, NAME, &calling->entry, detail);
    }
    return error;
}

static bool call(struct script *script, struct store *store, struct calling *calling)
{
    struct error_detail detail = {.text = ""};

    for (unsigned i = 0; i < SCRIPT_TRIES_MAX; i++) {
        enum error error = call_once(store, calling, &detail);

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

/* Is `number` one of those that may not come again? */
static bool is_spent(const uint64_t facts[SCRIPT_FACTS], int64_t number)
{
    return facts[SCRIPT_HIGHEST] > 0 && (uint64_t)number <= facts[SCRIPT_HIGHEST] &&
           (uint64_t)number >= UINT64_MAX - facts[SCRIPT_LOWEST];
}

static void check_fresh(const uint64_t facts[SCRIPT_FACTS], const struct definition *definition,
                        struct range lease)
{
    for (uint64_t position = lease.first; position < lease.limit; position++) {
        int64_t number = definition_number_at(definition, position);

        if (is_spent(facts, number)) {
            fail_msg("%lld was granted again", (long long)number);
        }
    }
}

static void grant(struct script *script, const struct calling *calling, bool fresh)
{
    struct range lease = calling->request.lease;
    int64_t first = definition_number_at(&calling->definition, lease.first);
    int64_t last = definition_number_at(&calling->definition, lease.limit - 1);
    uint64_t high = (uint64_t)(first < last ? last : first);
    uint64_t low = UINT64_MAX - (uint64_t)(first < last ? first : last);

    assert_int_equal(calling->request.error, ERR_OK);
    assert_int_equal(range_count(lease), SCRIPT_COUNT);
    if (fresh) {
        check_fresh(script->facts, &calling->definition, lease);
    }
    /* The lower end first, for the two make sense only together. */
    script_tell(script, SCRIPT_LOWEST, range_max(script->facts[SCRIPT_LOWEST], low));
    script_tell(script, SCRIPT_HIGHEST, range_max(script->facts[SCRIPT_HIGHEST], high));
}

static bool draw(struct script *script, struct store *store, struct calling *calling, bool fresh)
{
    calling->call = RESERVE;
    calling->request.name = NAME;
    calling->request.count = SCRIPT_COUNT;
    if (!call(script, store, calling)) {
        return false;
    }
    grant(script, calling, fresh);
    return true;
}

static bool live_once(struct script *script, struct store *store, int64_t increment, bool backward)
{
    struct calling calling = {.call = DEFINE, .definition = upward(increment)};

    if (!call(script, store, &calling)) {
        return false;
    }
    calling.request.floor = calling.entry.mark;
    if (!draw(script, store, &calling, true)) {
        return false;
    }
    if (backward) {
        calling.call = BACKWARD;
        script_tell(script, SCRIPT_BACKWARD, 1);
        if (!call(script, store, &calling)) {
            return false;
        }
        calling.request.floor = 0;
        if (!draw(script, store, &calling, false)) {
            return false;
        }
    }
    calling.call = DROP;
    if (!call(script, store, &calling)) {
        return false;
    }
    assert_true((uint64_t)calling.entry.floor.high >= script->facts[SCRIPT_HIGHEST]);
    assert_true((uint64_t)calling.entry.floor.low <= UINT64_MAX - script->facts[SCRIPT_LOWEST]);
    script_tell(script, SCRIPT_BACKWARD, 0);
    return true;
}

bool script_live_again(struct script *script, struct store *store)
{
    static const int64_t increments[LIVES] = {3, -2};

    for (unsigned i = 0; i < LIVES; i++) {
        if (!live_once(script, store, increments[i], i == 1)) {
            return false;
        }
    }
    return true;
}

static enum error find(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    struct calling *calling = context;

    (void)detail;
    if (strcmp(entry->name, NAME) == 0) {
        calling->entry = *entry;
    }
    return ERR_OK;
}

static void check_next(struct store *store, const uint64_t facts[SCRIPT_FACTS],
                       struct calling *calling)
{
    calling->call = RESERVE;
    calling->request = (struct store_request){.name = NAME, .count = SCRIPT_COUNT};
    assert_int_equal(call_once(store, calling, NULL), ERR_OK);
    assert_int_equal(calling->request.error, ERR_OK);
    check_fresh(facts, &calling->definition, calling->request.lease);
}

void script_check_lives(struct store *store, const uint64_t facts[SCRIPT_FACTS])
{
    static const int64_t increments[] = {1, -1};
    struct calling calling = {.entry = {.name = ""}};

    assert_int_equal(store_each(store, find, &calling, NULL), ERR_OK);
    calling.definition = calling.entry.definition;
    if (calling.entry.name[0] != '\0' && facts[SCRIPT_BACKWARD] == 0) {
        check_next(store, facts, &calling);
    }
    for (unsigned i = 0; i < 2; i++) {
        enum error error;

        calling.call = DROP;
        error = call_once(store, &calling, NULL);
        assert_true(error == ERR_OK || (error == ERR_NOT_FOUND && facts[SCRIPT_HIGHEST] == 0));
        calling.call = DEFINE;
        calling.definition = upward(increments[i]);
        assert_int_equal(call_once(store, &calling, NULL), ERR_OK);
        check_next(store, facts, &calling);
    }
}
