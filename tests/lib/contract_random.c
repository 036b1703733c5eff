/* The contract as one law over a long random history: no position is leased twice, whatever
 * happens. */
#include "chance.h"
#include "contract.h"

#include <stdio.h>

#define SEQUENCES 5
#define STEPS 400

/* What the history has shown of one sequence. */
struct track {
    char name[8];
    struct definition definition;
    uint64_t issued_limit; /* above every position that an open lease may have issued */
    uint64_t floor;        /* as a caller keeps it while the store is open */
    struct store_request lease;
    bool leased; /* in this open store, so `lease` may be given back */
};

struct history {
    struct contract *contract;
    struct chance chance;
    struct track tracks[SEQUENCES];
    bool failed;
};

static void take(struct history *history, struct track *track)
{
    struct store_request request = {.name = track->name,
                                    .count = 1 + chance_below(&history->chance, 300),
                                    .floor = track->floor};
    uint64_t capacity = definition_capacity(&track->definition);
    enum error error =
        store_reserve(history->contract->store, &request, 1, &history->contract->detail);

    if (history->failed) {
        assert_int_equal(error, ERR_UNAVAILABLE);
        return;
    }
    assert_true(request.burnt_limit >= track->floor);
    track->floor = request.burnt_limit;
    track->leased = false;
    if (error != ERR_OK) {
        assert_int_equal(error, ERR_IO);
        history->failed = true;
        return;
    }
    assert_int_equal(request.error, ERR_OK);
    assert_true(request.lease.first >= track->issued_limit);
    assert_true(range_is_empty(request.lease) || request.lease.limit <= capacity);
    assert_true(range_count(request.lease) == request.count || request.lease.limit >= capacity);
    track->issued_limit = range_max(track->issued_limit, request.lease.limit);
    track->lease = request;
    track->leased = true;
}

/* Give back a part of the lease, and count only the rest as issued. */
static void give_back(struct history *history, struct track *track)
{
    struct range lease = track->lease.lease;
    uint64_t mark = lease.first + chance_below(&history->chance, range_count(lease) + 1);
    struct store_return giving = {.name = track->name,
                                  .generation = track->lease.generation,
                                  .lease_limit = lease.limit,
                                  .mark = mark};
    enum error error =
        store_give_back(history->contract->store, &giving, 1, &history->contract->detail);

    track->leased = false;
    if (history->failed) {
        assert_int_equal(error, ERR_UNAVAILABLE);
        return;
    }
    /* Nothing above the mark was issued, whether or not the disk heard of it. */
    track->issued_limit = mark;
    if (error != ERR_OK) {
        assert_int_equal(error, ERR_IO);
        history->failed = true;
        return;
    }
    assert_true(giving.accepted);
    track->floor = mark;
}

static void restart(struct history *history)
{
    history->contract->backend->heal(history->contract->durable);
    contract_restart(history->contract);
    history->failed = false;
    for (size_t i = 0; i < SEQUENCES; i++) {
        struct store_entry entry = contract_entry(history->contract, history->tracks[i].name);

        assert_true(entry.mark >= history->tracks[i].issued_limit);
        history->tracks[i].floor = 0;
        history->tracks[i].leased = false;
    }
}

static void recover(struct history *history)
{
    history->contract->backend->heal(history->contract->durable);
    assert_int_equal(store_recover(history->contract->store, &history->contract->detail), ERR_OK);
    history->failed = false;
}

static void step(struct history *history)
{
    struct track *track = &history->tracks[chance_below(&history->chance, SEQUENCES)];

    switch (chance_below(&history->chance, 12)) {
    case 0:
        restart(history);
        break;
    case 1:
        recover(history);
        break;
    case 2:
        if (!history->failed) {
            history->contract->backend->fail_once(history->contract->durable, CONTRACT_BEFORE);
        }
        break;
    case 3:
        if (!history->failed) {
            history->contract->backend->fail_once(history->contract->durable, CONTRACT_AFTER);
        }
        break;
    case 4:
    case 5:
        if (track->leased) {
            give_back(history, track);
        }
        break;
    default:
        take(history, track);
        break;
    }
}

static void test_store_leases_no_position_twice_in_a_random_history(struct contract *contract)
{
    struct history history = {.contract = contract, .chance = chance_from(chance_seed())};

    for (size_t i = 0; i < SEQUENCES; i++) {
        struct track *track = &history.tracks[i];

        snprintf(track->name, sizeof(track->name), "t%zu", i);
        /* One ends soon, one late, the rest not at all. */
        track->definition =
            i < 2 ? contract_short_definition(i == 0 ? 200 : 5000) : definition_default();
        contract_define_as(contract, track->name, &track->definition);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step(&history);
    }
    contract->backend->heal(contract->durable);
}

const struct contract_case contract_random_cases[] = {
    CONTRACT_CASE(test_store_leases_no_position_twice_in_a_random_history),
    {NULL, NULL},
};
