/* When the log says that a sequence nears its end: once at each level, never twice. */
#include "base/log.h"
#include "core_house.h"
#include "exhaustion.h"
#include "registry_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sequences 'orders' of `max` numbers, leased one by one, and 'default' of all there are. */
static void declare(struct house *house, const char *name, int64_t max)
{
    struct definition definition = house_fixed_lease(1);
    definition.max = max;
    house_declare(house, name, definition);
}

/* The lines that the next look says, long after the last. */
static size_t look(struct exhaustion *exhaustion)
{
    size_t before = exhaustion->lines;
    exhaustion_tick(exhaustion, exhaustion->due);
    return exhaustion->lines - before;
}

static void take(struct house *house, const char *name, uint64_t count)
{
    (void)house_must_take(house_find(house, name), count);
}

static void test_exhaustion_is_said_once_at_each_level(void **state)
{
    struct house *house = *state;
    struct exhaustion exhaustion;

    declare(house, "orders", 100);
    house_start(house);
    exhaustion_init(&exhaustion, house->registry);
    assert_int_equal(look(&exhaustion), 0);
    take(house, "orders", 79);
    assert_int_equal(look(&exhaustion), 0);
    take(house, "orders", 1);
    assert_int_equal(look(&exhaustion), 1);
    assert_int_equal(look(&exhaustion), 0);
    take(house, "orders", 14);
    assert_int_equal(look(&exhaustion), 0);
    take(house, "orders", 1);
    assert_int_equal(look(&exhaustion), 1);
    take(house, "orders", 4);
    assert_int_equal(look(&exhaustion), 0);
    take(house, "orders", 1);
    assert_int_equal(look(&exhaustion), 1);
    assert_int_equal(look(&exhaustion), 0);
    exhaustion_fini(&exhaustion);
}

/* Of levels that were passed at once only the highest is said, at the start, too. */
static void test_exhaustion_says_the_highest_level_only(void **state)
{
    struct house *house = *state;
    struct exhaustion exhaustion;

    declare(house, "orders", 100);
    house_start(house);
    take(house, "orders", 97);
    exhaustion_init(&exhaustion, house->registry);
    assert_int_equal(look(&exhaustion), 1);
    assert_int_equal(look(&exhaustion), 0);
    exhaustion_fini(&exhaustion);
    exhaustion_init(&exhaustion, house->registry); /* as after a restart */
    assert_int_equal(look(&exhaustion), 1);
    exhaustion_fini(&exhaustion);
}

static void test_exhaustion_is_said_of_each_sequence(void **state)
{
    enum {
        MANY = 100
    };
    struct house *house = *state;
    struct exhaustion exhaustion;
    char name[STAGE_NAME_SIZE];

    for (unsigned i = 0; i < MANY; i++) {
        declare(house, registry_stage_name(name, i), 10);
    }
    house_start(house);
    exhaustion_init(&exhaustion, house->registry);
    for (unsigned i = 0; i < MANY; i++) {
        take(house, registry_stage_name(name, i), i % 2 == 0 ? 8 : 7);
    }
    assert_int_equal(look(&exhaustion), MANY / 2);
    for (unsigned i = 0; i < MANY; i++) {
        take(house, registry_stage_name(name, i), 1);
    }
    assert_int_equal(look(&exhaustion), MANY / 2); /* the others, now at 80 % */
    assert_int_equal(look(&exhaustion), 0);
    exhaustion_fini(&exhaustion);
}

static void test_exhaustion_looks_only_when_it_is_time(void **state)
{
    struct house *house = *state;
    struct exhaustion exhaustion;

    declare(house, "orders", 10);
    house_start(house);
    exhaustion_init(&exhaustion, house->registry);
    struct instant began = exhaustion.due;
    assert_int_equal(exhaustion_wait_ms(&exhaustion, began), 0);
    exhaustion_tick(&exhaustion, began);
    take(house, "orders", 9);
    assert_int_equal(exhaustion_wait_ms(&exhaustion, began), EXHAUSTION_PERIOD_MS);
    struct instant early = clock_after(began, EXHAUSTION_PERIOD_MS * CLOCK_NS_PER_MS - 1);
    exhaustion_tick(&exhaustion, early);
    assert_int_equal(exhaustion.lines, 0);
    assert_int_equal(exhaustion_wait_ms(&exhaustion, early), 1); /* never too early */
    exhaustion_tick(&exhaustion, exhaustion.due);
    assert_int_equal(exhaustion.lines, 1);
    exhaustion_fini(&exhaustion);
    exhaustion_fini(&exhaustion); /* twice does no harm */
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR); /* the lines are counted; what they say, the daemon shows */
    const struct CMUnitTest tests[] = {
        house_test(test_exhaustion_is_said_once_at_each_level),
        house_test(test_exhaustion_says_the_highest_level_only),
        house_test(test_exhaustion_is_said_of_each_sequence),
        house_test(test_exhaustion_looks_only_when_it_is_time),
    };
    return cmocka_run_group_tests_name("exhaustion", tests, NULL, NULL);
}
