#include "http_counters.h"

#include <assert.h>

static const unsigned statuses[HTTP_COUNTER_STATUSES] = {
    200, 201, 204, 304, 400, 401, 403, 404, 405, 406,
    409, 411, 413, 414, 415, 429, 431, 500, 503, 0,
};

static_assert(sizeof(struct http_counter_slab) % 64 == 0, "a slab ends where a cache line ends");

/* Which slab is this thread's? Given out in turn, for all servers of the process alike. */
static unsigned own_slab(void)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned mine;
    if (mine == 0) {
        /* order: relaxed; the number pairs with nothing, because two threads that met in one slab
         * would still count right. */
        mine =
            1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % HTTP_COUNTER_SLABS;
    }
    return mine - 1;
}

static unsigned place_of(unsigned status)
{
    unsigned index = 0;
    while (statuses[index] != status && statuses[index] != 0) {
        index++;
    }
    return index;
}

void http_counters_add(struct http_counters *counters, unsigned status)
{
    _Atomic uint64_t *count = &counters->slabs[own_slab()].requests[place_of(status)];
    /* order: relaxed; pairs with nothing, because a count stands alone. */
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

unsigned http_counters_status(unsigned index)
{
    assert(index < HTTP_COUNTER_STATUSES);
    return statuses[index];
}

uint64_t http_counters_sum(struct http_counters *counters, unsigned index)
{
    uint64_t sum = 0;
    assert(index < HTTP_COUNTER_STATUSES);
    for (unsigned i = 0; i < HTTP_COUNTER_SLABS; i++) {
        /* order: relaxed, as in http_counters_add(); pairs with nothing. */
        sum += atomic_load_explicit(&counters->slabs[i].requests[index], memory_order_relaxed);
    }
    return sum;
}

static const char *const actions[HTTP_COUNTER_ACTIONS] = {
    [ADMIN_CREATE] = "create", [ADMIN_ALTER] = "alter",   [ADMIN_ADVANCE] = "advance",
    [ADMIN_DROP] = "drop",     [ADMIN_BACKUP] = "backup", [ADMIN_LEDGER] = "ledger",
};

static const struct {
    enum error error;
    const char *name;
} results[HTTP_COUNTER_RESULTS] = {
    {ERR_OK, "ok"},
    {ERR_INVALID, "invalid"},
    {ERR_NOT_FOUND, "not_found"},
    {ERR_CONFLICT, "conflict"},
    {ERR_EXHAUSTED, "exhausted"},
    {ERR_PENDING, "unknown"},
    {ERR_UNAVAILABLE, "unavailable"}, /* and whatever is none of these */
};

void http_counters_change(struct http_counters *counters, enum admin_action action,
                          enum error error)
{
    unsigned result = 0;
    while (result < HTTP_COUNTER_RESULTS - 1 && results[result].error != error) {
        result++;
    }
    /* order: relaxed; pairs with nothing, because a count stands alone. */
    atomic_fetch_add_explicit(&counters->changes[action][result], 1, memory_order_relaxed);
}

const char *http_counters_action(unsigned action)
{
    assert(action < HTTP_COUNTER_ACTIONS);
    return actions[action];
}

const char *http_counters_result(unsigned result)
{
    assert(result < HTTP_COUNTER_RESULTS);
    return results[result].name;
}

uint64_t http_counters_changes(struct http_counters *counters, unsigned action, unsigned result)
{
    assert(action < HTTP_COUNTER_ACTIONS);
    assert(result < HTTP_COUNTER_RESULTS);
    /* order: relaxed; pairs with nothing, as in http_counters_change(). */
    return atomic_load_explicit(&counters->changes[action][result], memory_order_relaxed);
}
