/* The registry over the store in memory: what it loads, names, and declarations. */
#include "registry_stage.h"

#include "chance.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY 10000
#define LOOKERS 4

static enum error try_declare(struct house *house, const char *name, struct definition definition,
                              struct error_detail *detail)
{
    return registry_declare(house->registry, house->store, name, &definition, detail);
}

static void count_visit(void *context, struct sequence *sequence)
{
    (void)sequence;
    ++*(unsigned *)context;
}

static unsigned count_of(struct house *house)
{
    unsigned count = 0;
    registry_each(house->registry, count_visit, &count);
    return count;
}

/* ---- what the store remembers ---- */

static void test_registry_of_an_empty_store_is_empty(void **state)
{
    struct house *house = *state;
    assert_int_equal(count_of(house), 0);
    assert_null(registry_find(house->registry, "default", 7));
}

/* B3: one loop that forgets all sections but the first, and they start again at 1. */
static void test_registry_starts_each_sequence_at_its_own_mark(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 300
    };
    char name[STAGE_NAME_SIZE];
    registry_stage_declare_many(house, SEQUENCES);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_int_equal(store_memory_set_mark(house->disk, registry_stage_name(name, i), 13 * i),
                         ERR_OK);
    }
    registry_stage_restart(house);
    assert_int_equal(count_of(house), SEQUENCES);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        struct definition d = registry_stage_definition(i);
        assert_int_equal(house_must_take(registry_stage_find(house, i), 1),
                         d.start + 13 * (int64_t)i * d.increment);
    }
}

static void test_registry_after_a_crash_stays_above_what_was_issued(void **state)
{
    struct house *house = *state;
    enum {
        SEQUENCES = 100
    };
    int64_t issued[SEQUENCES];
    registry_stage_declare_many(house, SEQUENCES);
    house_start(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        issued[i] = house_must_take(registry_stage_find(house, i), 1 + i % 9);
        issued[i] += (int64_t)(i % 9) * registry_stage_definition(i).increment;
    }
    registry_stage_restart(house);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        assert_true(house_must_take(registry_stage_find(house, i), 1) > issued[i]);
    }
}

static void test_registry_opens_with_the_definitions_of_the_store(void **state)
{
    struct house *house = *state;
    struct definition d = registry_stage_definition(5);
    d.max = 7000000;
    d.max_gap = 77;
    d.lease = 7;
    d.durability = DURABILITY_EVERY;
    house_declare(house, "a", d);
    house_declare(house, "b", registry_stage_definition(6));
    registry_stage_restart(house);
    struct sequence_status status;
    sequence_describe(house_find(house, "a"), &status);
    assert_true(definition_equal(&status.definition, &d));
}

static void test_registry_does_not_open_over_a_damaged_record(void **state)
{
    struct house *house = *state;
    struct error_detail detail = {""};
    registry_stage_declare_many(house, 100);
    assert_int_equal(store_memory_damage(house->disk, "s50", true), ERR_OK);
    assert_int_equal(registry_stage_open_again(house, &detail), ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "s50"));
    assert_null(house->registry);
    assert_int_equal(store_memory_damage(house->disk, "s50", false), ERR_OK);
    assert_int_equal(registry_stage_open_again(house, &detail), ERR_OK);
}

/* ---- looking up ---- */

/* The name in a block of exactly its length, so that a sanitizer sees whoever reads beyond it. */
static struct sequence *find_exactly(struct house *house, const char *name, size_t length)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, name, length);
    struct sequence *sequence = registry_find(house->registry, exact, length);
    free(exact);
    return sequence;
}

static void test_registry_finds_the_exact_name_only(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", registry_stage_definition(1));
    house_declare(house, "orders.eu", registry_stage_definition(2));
    house_declare(house, "o", registry_stage_definition(3));
    struct sequence *orders = find_exactly(house, "orders", 6);
    struct sequence *orders_eu = find_exactly(house, "orders.eu", 9);
    assert_string_equal(sequence_name(orders), "orders");
    assert_string_equal(sequence_name(orders_eu), "orders.eu");
    assert_string_equal(sequence_name(find_exactly(house, "o", 1)), "o");
    assert_ptr_equal(find_exactly(house, "orders.eu", 6), orders);
    assert_null(find_exactly(house, "", 0));
    assert_null(find_exactly(house, "order", 5));
    assert_null(find_exactly(house, "orders.", 7));
    assert_null(find_exactly(house, "orders.e", 8));
    assert_null(find_exactly(house, "orders.eux", 10));
    assert_null(find_exactly(house, "Orders", 6));
    assert_null(find_exactly(house, "orders ", 7));
    assert_null(find_exactly(house, " orders", 7));
}

/* "a", "aaa", "aaaaa" …: each begins all longer ones, so that many stand in each other's way in the
 * table. */
static void test_registry_finds_no_name_by_one_that_it_begins(void **state)
{
    struct house *house = *state;
    char name[SEQUENCE_NAME_MAX + 1];
    for (size_t length = 1; length <= SEQUENCE_NAME_MAX; length += 2) {
        memset(name, 'a', length);
        name[length] = '\0';
        house_declare(house, name, registry_stage_definition(1));
    }
    assert_int_equal(count_of(house), SEQUENCE_NAME_MAX / 2);
    memset(name, 'a', sizeof name);
    for (size_t length = 1; length <= SEQUENCE_NAME_MAX; length++) {
        struct sequence *sequence = find_exactly(house, name, length);
        assert_int_equal(sequence != NULL ? strlen(sequence_name(sequence)) : 0,
                         length % 2 == 1 ? length : 0);
    }
}

static void test_registry_finds_no_name_by_what_stands_before_a_nul(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", registry_stage_definition(1));
    assert_null(find_exactly(house, "orders\0", 7));
    assert_null(find_exactly(house, "orders\0eu", 9));
    assert_null(find_exactly(house, "\0orders", 7));
    assert_null(find_exactly(house, "ord\0rs", 6));
}

/* A name of 128 bytes is found; longer ones that begin with it, of any length, are not. */
static void test_registry_finds_nothing_by_a_name_that_is_too_long(void **state)
{
    struct house *house = *state;
    char name[4096];
    memset(name, 'n', sizeof name);
    name[SEQUENCE_NAME_MAX] = '\0';
    house_declare(house, name, registry_stage_definition(1));
    name[SEQUENCE_NAME_MAX] = 'n';
    assert_non_null(find_exactly(house, name, SEQUENCE_NAME_MAX));
    assert_null(find_exactly(house, name, SEQUENCE_NAME_MAX - 1));
    assert_null(find_exactly(house, name, SEQUENCE_NAME_MAX + 1));
    assert_null(find_exactly(house, name, sizeof name));
}

/* Looks names up while others are declared: what was declared before the look is found, what never
 * will be is not. */
struct looker {
    struct registry *registry;
    _Atomic unsigned *declared; /* how many of many are there already */
    uint64_t seed;
    unsigned missed;
    unsigned wrong;
    pthread_t thread;
};

static void *look(void *argument)
{
    struct looker *looker = argument;
    struct chance chance = chance_from(looker->seed);
    unsigned declared = 0;
    while (declared < MANY) {
        char name[STAGE_NAME_SIZE];
        /* order: acquire pairs with the release in the test: a declaration that is counted has
         * returned. */
        declared = atomic_load_explicit(looker->declared, memory_order_acquire);
        unsigned index = (unsigned)chance_below(&chance, MANY);
        size_t length = strlen(registry_stage_name(name, index));
        struct sequence *sequence = registry_find(looker->registry, name, length);
        looker->missed += sequence == NULL && index < declared ? 1 : 0;
        looker->wrong += sequence != NULL && strcmp(sequence_name(sequence), name) != 0 ? 1 : 0;
        name[0] = 't';
        looker->wrong += registry_find(looker->registry, name, length) != NULL ? 1 : 0;
    }
    return NULL;
}

static void test_registry_grows_under_those_who_look_names_up(void **state)
{
    struct house *house = *state;
    struct looker lookers[LOOKERS];
    _Atomic unsigned declared = 0;
    uint64_t seed = chance_seed();
    for (unsigned i = 0; i < LOOKERS; i++) {
        lookers[i] =
            (struct looker){.registry = house->registry, .declared = &declared, .seed = seed + i};
        assert_int_equal(pthread_create(&lookers[i].thread, NULL, look, &lookers[i]), 0);
    }
    for (unsigned i = 0; i < MANY; i++) {
        char name[STAGE_NAME_SIZE];
        house_declare(house, registry_stage_name(name, i), registry_stage_definition(i));
        /* order: release pairs with the acquire in look(): the declaration has returned. */
        atomic_store_explicit(&declared, i + 1, memory_order_release);
    }
    for (unsigned i = 0; i < LOOKERS; i++) {
        assert_int_equal(pthread_join(lookers[i].thread, NULL), 0);
        assert_int_equal(lookers[i].missed, 0);
        assert_int_equal(lookers[i].wrong, 0);
    }
    assert_int_equal(count_of(house), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        (void)registry_stage_find(house, i); /* fails the test when it is not there */
    }
}

/* A pointer that a front holds stays good, however far the table grows. */
static void test_registry_moves_no_sequence_when_it_grows(void **state)
{
    struct house *house = *state;
    house_declare(house, "first", registry_stage_definition(1));
    struct sequence *first = house_find(house, "first");
    registry_stage_declare_many(house, 1000);
    assert_ptr_equal(house_find(house, "first"), first);
}

static void mark_visit(void *context, struct sequence *sequence)
{
    unsigned *visits = context;
    visits[strtoul(sequence_name(sequence) + 1, NULL, 10)]++;
}

static void test_registry_each_visits_every_sequence_once(void **state)
{
    struct house *house = *state;
    unsigned visits[1000] = {0};
    registry_stage_declare_many(house, 1000);
    registry_each(house->registry, mark_visit, visits);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(visits[i], 1);
    }
}

/* ---- declaring ---- */

static void test_registry_declare_creates_durably(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", registry_stage_definition(3));
    assert_int_equal(registry_stage_mark(house, "a"), 0);
    registry_stage_restart(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1),
                     registry_stage_definition(3).start);
}

static void test_registry_declare_does_nothing_when_all_is_as_it_should_be(void **state)
{
    struct house *house = *state;
    house_declare(house, "a", registry_stage_definition(3));
    struct sequence *a = house_find(house, "a");
    uint64_t commits = store_memory_commits(house->disk);
    house_declare(house, "a", registry_stage_definition(3));
    assert_int_equal(store_memory_commits(house->disk), commits);
    assert_ptr_equal(house_find(house, "a"), a);
    assert_int_equal(count_of(house), 1);
}

static void test_registry_declare_alters_what_may_be_altered(void **state)
{
    struct house *house = *state;
    struct sequence_status status;
    struct definition altered = registry_stage_definition(3);
    house_declare(house, "a", altered);
    house_start(house);
    int64_t first = house_must_take(house_find(house, "a"), 1);
    registry_stage_stop(house);
    assert_int_equal(registry_stage_open_again(house, NULL), ERR_OK);
    uint64_t mark = registry_stage_mark(house, "a");
    altered.max_gap = 5;
    altered.lease = 3;
    altered.durability = DURABILITY_EVERY;
    house_declare(house, "a", altered);
    sequence_describe(house_find(house, "a"), &status);
    assert_true(definition_equal(&status.definition, &altered));
    assert_int_equal(registry_stage_mark(house, "a"), mark);
    registry_stage_restart(house);
    sequence_describe(house_find(house, "a"), &status);
    assert_true(definition_equal(&status.definition, &altered));
    assert_true(house_must_take(house_find(house, "a"), 1) > first);
}

/* Each of the fields that are fixed, one at a time. */
static void test_registry_declare_refuses_other_numbers(void **state)
{
    struct house *house = *state;
    struct definition known = definition_default();
    known.start = 111;
    known.increment = 22;
    known.min = 33;
    known.max = 44444;
    house_declare(house, "a", known);
    uint64_t commits = store_memory_commits(house->disk);
    struct definition others[4] = {known, known, known, known};
    others[0].start = 555;
    others[1].increment = -66;
    others[2].min = 77;
    others[3].max = 88888;
    const char *const says[4] = {"start 555", "increment -66", "min 77", "max 88888"};
    for (unsigned i = 0; i < 4; i++) {
        struct error_detail detail = {""};
        struct sequence_status status;
        others[i].max_gap = 9; /* what could be altered is not altered either */
        assert_int_equal(try_declare(house, "a", others[i], &detail), ERR_CONFLICT);
        assert_non_null(strstr(detail.text, "'a'"));
        assert_non_null(strstr(detail.text, "start 111, increment 22, min 33, max 44444"));
        assert_non_null(strstr(detail.text, says[i]));
        sequence_describe(house_find(house, "a"), &status);
        assert_true(definition_equal(&status.definition, &known));
    }
    assert_int_equal(store_memory_commits(house->disk), commits);
}

static void test_registry_declare_refuses_other_numbers_than_the_store_remembers(void **state)
{
    struct house *house = *state;
    struct definition other = registry_stage_definition(3);
    house_declare(house, "a", registry_stage_definition(3));
    registry_stage_restart(house);
    registry_stage_stop(house);
    other.start++;
    assert_int_equal(try_declare(house, "a", other, NULL), ERR_CONFLICT);
}

static void test_registry_declare_refuses_a_bad_name(void **state)
{
    struct house *house = *state;
    char too_long[SEQUENCE_NAME_MAX + 2];
    memset(too_long, 'n', sizeof too_long);
    too_long[SEQUENCE_NAME_MAX + 1] = '\0';
    const char *const names[] = {"", "-a", "a b", "a/b", "\xc3\xa4", "a\n", too_long};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error_detail detail = {""};
        assert_int_equal(try_declare(house, names[i], definition_default(), &detail), ERR_INVALID);
        assert_non_null(strstr(detail.text, "name"));
    }
    assert_int_equal(store_memory_commits(house->disk), 0);
    assert_int_equal(count_of(house), 0);
}

static void test_registry_declare_refuses_a_bad_definition(void **state)
{
    struct house *house = *state;
    struct error_detail detail = {""};
    struct definition bad = definition_default();
    bad.increment = 0;
    assert_int_equal(try_declare(house, "a", bad, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "increment"));
    bad = definition_default();
    bad.lease = bad.max_gap + 1;
    house_declare(house, "b", definition_default());
    assert_int_equal(try_declare(house, "b", bad, &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "lease"));
    assert_int_equal(store_memory_commits(house->disk), 1);
    assert_null(registry_find(house->registry, "a", 1));
}

static void test_registry_declare_refuses_one_sequence_too_many(void **state)
{
    struct house *house = *state;
    struct error_detail detail = {""};
    registry_stage_declare_many(house, REGISTRY_SEQUENCES_MAX);
    assert_int_equal(try_declare(house, "more", definition_default(), &detail), ERR_INVALID);
    assert_non_null(strstr(detail.text, "100000"));
    assert_null(registry_find(house->registry, "more", 4));
    assert_int_equal(store_memory_commits(house->disk), REGISTRY_SEQUENCES_MAX);
    registry_stage_declare_many(house, 1); /* those that are there can still be declared */
}

/* Whether the define that failed took effect or not. */
static void declare_over_a_failure(struct house *house, enum store_memory_fault fault)
{
    struct error_detail detail = {""};
    store_memory_fail(house->disk, 1, fault, ERR_UNAVAILABLE);
    assert_int_equal(try_declare(house, "a", registry_stage_definition(1), &detail),
                     ERR_UNAVAILABLE);
    assert_true(strlen(detail.text) > 0);
    assert_null(registry_find(house->registry, "a", 1));
    assert_int_equal(count_of(house), 0);
    assert_int_equal(store_recover(house->store, NULL), ERR_OK);
    house_declare(house, "a", registry_stage_definition(1));
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "a"), 1),
                     registry_stage_definition(1).start);
}

static void test_registry_declare_that_failed_can_be_repeated(void **state)
{
    declare_over_a_failure(*state, STORE_MEMORY_BEFORE);
}

static void test_registry_declare_whose_answer_was_lost_can_be_repeated(void **state)
{
    declare_over_a_failure(*state, STORE_MEMORY_AFTER);
}

static void test_registry_declare_alters_nothing_when_the_store_fails(void **state)
{
    struct house *house = *state;
    struct sequence_status status;
    struct definition altered = registry_stage_definition(1);
    altered.max_gap = 5;
    house_declare(house, "a", registry_stage_definition(1));
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(try_declare(house, "a", altered, NULL), ERR_IO);
    sequence_describe(house_find(house, "a"), &status);
    assert_int_equal(status.definition.max_gap, SEQUENCE_MAX_GAP_DEFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_registry_of_an_empty_store_is_empty),
        house_test(test_registry_starts_each_sequence_at_its_own_mark),
        house_test(test_registry_after_a_crash_stays_above_what_was_issued),
        house_test(test_registry_opens_with_the_definitions_of_the_store),
        house_test(test_registry_does_not_open_over_a_damaged_record),
        house_test(test_registry_finds_the_exact_name_only),
        house_test(test_registry_finds_no_name_by_one_that_it_begins),
        house_test(test_registry_finds_no_name_by_what_stands_before_a_nul),
        house_test(test_registry_finds_nothing_by_a_name_that_is_too_long),
        house_test(test_registry_grows_under_those_who_look_names_up),
        house_test(test_registry_moves_no_sequence_when_it_grows),
        house_test(test_registry_each_visits_every_sequence_once),
        house_test(test_registry_declare_creates_durably),
        house_test(test_registry_declare_does_nothing_when_all_is_as_it_should_be),
        house_test(test_registry_declare_alters_what_may_be_altered),
        house_test(test_registry_declare_refuses_other_numbers),
        house_test(test_registry_declare_refuses_other_numbers_than_the_store_remembers),
        house_test(test_registry_declare_refuses_a_bad_name),
        house_test(test_registry_declare_refuses_a_bad_definition),
        house_test(test_registry_declare_refuses_one_sequence_too_many),
        house_test(test_registry_declare_that_failed_can_be_repeated),
        house_test(test_registry_declare_whose_answer_was_lost_can_be_repeated),
        house_test(test_registry_declare_alters_nothing_when_the_store_fails),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
