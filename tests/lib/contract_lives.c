/* The contract over many lives of one name, as one law over a long random history: no number is
 * leased twice, whatever is dropped, defined anew or advanced, and whatever fails on the way. */
#include "chance.h"
#include "contract.h"

#include <string.h>

#define STEPS 600
#define NUMBERS 40000 /* from -NUMBERS / 2 on */

struct lives {
    struct contract *contract;
    struct chance chance;
    bool failed;
    bool alive; /* as far as the caller knows */
    bool doubt; /* the outcome of a drop is unknown */
    struct definition definition;
    uint64_t floor; /* as a caller keeps it */
    unsigned leases;
    unsigned births;
    unsigned char issued[NUMBERS];
};

static void note(struct lives *lives, enum error error)
{
    if (lives->failed) {
        assert_int_equal(error, ERR_UNAVAILABLE);
    } else {
        assert_int_equal(error, ERR_IO);
    }
    lives->failed = true;
}

static void die(struct lives *lives)
{
    lives->alive = false;
    lives->doubt = false;
}

static struct definition any_definition(struct lives *lives)
{
    struct definition definition = definition_default();

    definition.min = -NUMBERS / 2;
    definition.max = NUMBERS / 2 - 1;
    definition.start = (int64_t)chance_below(&lives->chance, 2000) - 1000;
    definition.increment = 1 + (int64_t)chance_below(&lives->chance, 3);
    if (chance_below(&lives->chance, 2) == 0) {
        definition.increment = -definition.increment;
    }
    return definition;
}

static void define(struct lives *lives)
{
    struct definition definition = any_definition(lives);
    struct store_entry entry;
    enum error error = store_define(lives->contract->store, "orders", &definition, &entry, NULL);

    if (error == ERR_EXHAUSTED) {
        assert_true(lives->births > 1);
        return;
    }
    if (error != ERR_OK) {
        note(lives, error);
        return;
    }
    lives->alive = true;
    lives->definition = definition;
    lives->floor = entry.mark;
    lives->births++;
}

static void take(struct lives *lives)
{
    struct store_request request = {
        .name = "orders", .count = 1 + chance_below(&lives->chance, 40), .floor = lives->floor};
    enum error error = store_reserve(lives->contract->store, &request, 1, NULL);

    lives->floor = request.burnt_limit;
    if (error != ERR_OK) {
        note(lives, error);
        return;
    }
    if (request.error == ERR_NOT_FOUND) {
        assert_true(lives->doubt);
        die(lives);
        return;
    }
    assert_int_equal(request.error, ERR_OK);
    lives->doubt = false;
    lives->leases++;
    for (uint64_t p = request.lease.first; p < request.lease.limit; p++) {
        int64_t number = definition_number_at(&lives->definition, p);

        assert_in_range(number + NUMBERS / 2, 0, NUMBERS - 1);
        assert_int_equal(lives->issued[number + NUMBERS / 2], 0);
        lives->issued[number + NUMBERS / 2] = 1;
    }
}

static void advance(struct lives *lives)
{
    uint64_t capacity = definition_capacity(&lives->definition);
    struct store_move move = {
        .position = range_min(lives->floor + chance_below(&lives->chance, 30), capacity)};
    struct store_entry entry;
    enum error error = store_advance(lives->contract->store, "orders", &move, &entry, NULL);

    if (error == ERR_NOT_FOUND) {
        assert_true(lives->doubt);
        die(lives);
        return;
    }
    lives->floor = range_max(lives->floor, move.position);
    if (error != ERR_OK) {
        note(lives, error);
        return;
    }
    lives->doubt = false;
    assert_true(entry.mark >= move.position);
    lives->floor = range_max(lives->floor, entry.mark);
}

static void drop(struct lives *lives)
{
    struct store_entry entry;
    enum error error = store_drop(lives->contract->store, "orders", &entry, NULL);

    if (error == ERR_OK) {
        die(lives);
        return;
    }
    lives->doubt = lives->doubt || !lives->failed;
    note(lives, error);
}

static enum error look(void *context, const struct store_entry *entry, struct error_detail *detail)
{
    struct lives *lives = context;

    (void)detail;
    lives->alive = true;
    lives->definition = entry->definition;
    lives->floor = entry->mark;
    return ERR_OK;
}

/* The disk says what there is. */
static void restart(struct lives *lives)
{
    lives->contract->backend->heal(lives->contract->durable);
    contract_restart(lives->contract);
    lives->failed = false;
    die(lives);
    assert_int_equal(store_each(lives->contract->store, look, lives, NULL), ERR_OK);
}

static void recover(struct lives *lives)
{
    lives->contract->backend->heal(lives->contract->durable);
    assert_int_equal(store_recover(lives->contract->store, NULL), ERR_OK);
    lives->failed = false;
}

static void step(struct lives *lives)
{
    uint64_t what = chance_below(&lives->chance, 24);

    if (what == 0) {
        restart(lives);
    } else if (what <= 3) {
        recover(lives);
    } else if (what <= 5) {
        if (!lives->failed) {
            lives->contract->backend->fail_once(lives->contract->durable,
                                                what == 4 ? CONTRACT_BEFORE : CONTRACT_AFTER);
        }
    } else if (!lives->alive) {
        define(lives);
    } else if (what <= 8) {
        drop(lives);
    } else if (what <= 11) {
        advance(lives);
    } else {
        take(lives);
    }
}

static void test_store_leases_no_number_twice_over_random_lives(struct contract *contract)
{
    static struct lives lives;

    memset(&lives, 0, sizeof(lives));
    lives.contract = contract;
    lives.chance = chance_from(chance_seed());
    for (unsigned i = 0; i < STEPS; i++) {
        step(&lives);
    }
    assert_true(lives.leases > 20 && lives.births > 5);
    contract->backend->heal(contract->durable);
}

const struct contract_case contract_lives_cases[] = {
    CONTRACT_CASE(test_store_leases_no_number_twice_over_random_lives),
    {NULL, NULL},
};
