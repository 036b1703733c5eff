/* When a loop looks for more before it sleeps, by a clock that the test turns. */
#include "front/grpc_look.h"

#include "chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT_NS UINT64_C(50000)
#define SHORT_NS (GRPC_LOOK_SHORT * LIMIT_NS)

/* A loop with its clock. */
struct stage {
    struct grpc_look look;
    struct instant now;
};

static struct stage stage_of(uint64_t limit_ns)
{
    struct stage stage = {.now = {.ns = CLOCK_NS_PER_S}};

    grpc_look_init(&stage.look, limit_ns);
    return stage;
}

static uint64_t look_ns(const struct stage *stage)
{
    return grpc_look_ns(&stage->look, stage->now);
}

static void sleep_for(struct stage *stage, uint64_t ns)
{
    struct instant began = stage->now;

    stage->now = clock_after(began, ns);
    grpc_look_slept(&stage->look, began, stage->now);
}

static void look_for(struct stage *stage, uint64_t ns, bool found)
{
    struct instant began = stage->now;

    stage->now = clock_after(began, ns);
    grpc_look_ended(&stage->look, began, stage->now, found);
}

/* Sleep shortly until it would look. Returns how often, and gives up beyond the highest price. */
static unsigned earn(struct stage *stage)
{
    unsigned sleeps = 0;

    while (look_ns(stage) == 0 && sleeps <= GRPC_LOOK_PRICE_MAX) {
        sleep_for(stage, SHORT_NS);
        sleeps++;
    }
    return sleeps;
}

static void test_grpc_look_is_earned_by_short_sleeps(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    assert_int_equal(earn(&stage), GRPC_LOOK_PRICE_MIN);
    assert_int_equal(look_ns(&stage), LIMIT_NS);
}

/* Who waits for nobody, or for a slow client, sleeps. */
static void test_grpc_look_is_not_earned_by_long_sleeps(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        sleep_for(&stage, SHORT_NS + 1);
        assert_int_equal(look_ns(&stage), 0);
    }
    assert_int_equal(earn(&stage), GRPC_LOOK_PRICE_MIN);
}

static void test_grpc_look_goes_on_while_it_finds(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    (void)earn(&stage);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(look_ns(&stage), LIMIT_NS);
        look_for(&stage, i % LIMIT_NS, true);
    }
}

/* A client that goes leaves one look in vain behind, and then nothing. */
static void test_grpc_look_ends_with_the_first_in_vain(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    (void)earn(&stage);
    look_for(&stage, LIMIT_NS, false);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(look_ns(&stage), 0);
        sleep_for(&stage, CLOCK_NS_PER_MS);
    }
}

static void test_grpc_look_costs_twice_as_much_after_each_in_vain(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);
    unsigned price = GRPC_LOOK_PRICE_MIN;

    (void)state;
    (void)earn(&stage);
    for (unsigned i = 0; i < 10; i++) {
        look_for(&stage, LIMIT_NS, false);
        assert_int_equal(earn(&stage), price);
        price = price * 2 > GRPC_LOOK_PRICE_MAX ? GRPC_LOOK_PRICE_MAX : price * 2;
    }
    assert_int_equal(price, GRPC_LOOK_PRICE_MAX);
}

static void test_grpc_look_gets_cheaper_by_an_eighth_when_it_finds(void **state)
{
    static const unsigned prices[] = {448, 392, 343, 300, 262, 229, 200, 175, 153, 133,
                                      116, 101, 88,  77,  67,  58,  50,  43,  37,  32,
                                      28,  24,  21,  18,  15,  13,  11,  9,   8,   8};
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        (void)earn(&stage);
        look_for(&stage, LIMIT_NS, false);
    }
    (void)earn(&stage);
    for (unsigned i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        struct stage other = stage;

        look_for(&stage, 1, true);
        other = stage;
        look_for(&other, LIMIT_NS, false);
        assert_int_equal(earn(&other), prices[i]);
    }
}

/* The core was another's while we looked: whether we found something or not, it is wanted. */
static void test_grpc_look_rests_where_others_want_the_processor(void **state)
{
    (void)state;
    for (unsigned found = 0; found < 2; found++) {
        struct stage stage = stage_of(LIMIT_NS);

        (void)earn(&stage);
        look_for(&stage, LIMIT_NS + GRPC_LOOK_LATE_NS, found == 1);
        struct instant late = stage.now;
        (void)earn(&stage);
        assert_int_equal(look_ns(&stage), 0);
        stage.now = clock_after(late, GRPC_LOOK_REST_NS - 1);
        assert_int_equal(look_ns(&stage), 0);
        stage.now = clock_after(late, GRPC_LOOK_REST_NS);
        assert_int_equal(look_ns(&stage), LIMIT_NS);
    }
}

static void test_grpc_look_bears_an_interrupt(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);

    (void)state;
    (void)earn(&stage);
    look_for(&stage, LIMIT_NS + GRPC_LOOK_LATE_NS - 1, true);
    assert_int_equal(look_ns(&stage), LIMIT_NS);
}

static void test_grpc_look_is_never_made_when_it_is_off(void **state)
{
    struct stage stage = stage_of(0);

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        sleep_for(&stage, 1 + i % 3);
        assert_int_equal(look_ns(&stage), 0);
    }
}

/* Any client at all: most of what it costs in vain is one look for GRPC_LOOK_PRICE_MIN requests. */
static void test_grpc_look_is_seldom_in_vain(void **state)
{
    struct chance chance = chance_from(chance_seed());
    struct stage stage = stage_of(LIMIT_NS);
    uint64_t requests = 0;
    uint64_t vain = 0;

    (void)state;
    for (; requests < 100000; requests++) {
        uint64_t gap_ns = chance_below(&chance, requests % 1000 < 500 ? LIMIT_NS : 4 * LIMIT_NS);

        if (look_ns(&stage) == 0) {
            sleep_for(&stage, gap_ns);
        } else if (gap_ns <= LIMIT_NS) {
            look_for(&stage, gap_ns, true);
        } else {
            look_for(&stage, LIMIT_NS, false);
            vain++;
        }
        assert_true(vain * GRPC_LOOK_PRICE_MIN <= requests);
    }
}

/* A client on our own processor, which cannot send while we look. */
static void test_grpc_look_gives_up_where_it_never_pays(void **state)
{
    struct stage stage = stage_of(LIMIT_NS);
    unsigned vain = 0;

    (void)state;
    for (unsigned requests = 0; requests < 100 * GRPC_LOOK_PRICE_MAX; requests++) {
        if (look_ns(&stage) == 0) {
            sleep_for(&stage, SHORT_NS);
        } else {
            look_for(&stage, LIMIT_NS, false);
            vain++;
        }
    }
    assert_in_range(vain, 99, 106); /* the price has doubled six times before */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpc_look_is_earned_by_short_sleeps),
        cmocka_unit_test(test_grpc_look_is_not_earned_by_long_sleeps),
        cmocka_unit_test(test_grpc_look_goes_on_while_it_finds),
        cmocka_unit_test(test_grpc_look_ends_with_the_first_in_vain),
        cmocka_unit_test(test_grpc_look_costs_twice_as_much_after_each_in_vain),
        cmocka_unit_test(test_grpc_look_gets_cheaper_by_an_eighth_when_it_finds),
        cmocka_unit_test(test_grpc_look_rests_where_others_want_the_processor),
        cmocka_unit_test(test_grpc_look_bears_an_interrupt),
        cmocka_unit_test(test_grpc_look_is_never_made_when_it_is_off),
        cmocka_unit_test(test_grpc_look_is_seldom_in_vain),
        cmocka_unit_test(test_grpc_look_gives_up_where_it_never_pays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
