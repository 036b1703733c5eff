/* The seam between two leases, as often and as narrow as it gets: this thread plays the keeper and
 * a store whose commits take no time, while others take without a pause; the ledger judges.
 *
 * The amount of work is fixed: SCALE= multiplies it, SEED= brings a run back (its random choices,
 * not its timing). */
#include "base/range.h"
#include "core/sequence.h"

#include "chance.h"
#include "crowd.h"
#include "ledger.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define REQUESTS 400000
#define SEAM_S 60 /* a run that takes longer has come to a stop */

struct seam {
    struct bell renewals;
    struct bell waits;
    struct timekeeper timekeeper;
    struct sequence *sequence;
    struct ledger *ledger;
    struct chance chance;
    uint64_t hole_max; /* positions between two leases, at most */
    uint64_t cursor;   /* where the next lease may begin */
    uint64_t leases;
};

static void open_seam(struct seam *seam, uint64_t max_gap, uint64_t hole_max)
{
    struct store_entry entry = {.name = "seam", .definition = definition_default()};
    entry.definition.max_gap = max_gap;
    *seam = (struct seam){.hole_max = hole_max, .ledger = ledger_new()};
    seam->chance = chance_from(chance_seed());
    assert_int_equal(bell_init(&seam->renewals), ERR_OK);
    assert_int_equal(bell_init(&seam->waits), ERR_OK);
    assert_int_equal(timekeeper_init(&seam->timekeeper, wall_clock_system()), ERR_OK);
    assert_int_equal(
        sequence_create(&entry, &seam->renewals, &seam->waits, &seam->timekeeper, &seam->sequence),
        ERR_OK);
}

static void close_seam(struct seam *seam)
{
    sequence_free(seam->sequence);
    ledger_free(seam->ledger);
    timekeeper_fini(&seam->timekeeper);
    bell_fini(&seam->renewals);
    bell_fini(&seam->waits);
}

/* Answer a call, if there is one, with the lease that was asked for. */
static void renew(struct seam *seam)
{
    struct store_request request;
    struct rope *rope = bell_answer(&seam->renewals, (struct instant){0});
    if (rope == NULL) {
        (void)sched_yield(); /* cannot fail on Linux */
        return;
    }
    if (!sequence_plan(seam->sequence, clock_now(), &request)) {
        return;
    }
    uint64_t hole = seam->hole_max > 0 ? chance_below(&seam->chance, seam->hole_max + 1) : 0;
    seam->cursor = range_max(seam->cursor, request.floor) + hole;
    request.error = ERR_OK;
    request.lease = (struct range){seam->cursor, seam->cursor + request.count};
    request.generation = ++seam->leases;
    request.burnt_limit = request.lease.limit;
    ledger_lease(seam->ledger, request.lease);
    seam->cursor = request.lease.limit;
    sequence_publish(seam->sequence, &request, 0, clock_now());
}

static void run(uint64_t max_gap, uint64_t hole_max, unsigned waiters)
{
    struct seam seam;
    uint64_t refused;
    uint64_t requests = REQUESTS * knob("SCALE", 1, 1000000);
    open_seam(&seam, max_gap, hole_max);
    struct crowd_options options = {
        .threads = 3 + waiters, .spinners = 3, .seed = chance_next(&seam.chance), .count_max = 3};
    struct instant give_up = clock_after(clock_now(), SEAM_S * CLOCK_NS_PER_S);
    struct crowd *crowd = crowd_start(&options, &seam.sequence, 1);
    while (crowd_requests(crowd) < requests && !clock_reached(give_up, clock_now())) {
        renew(&seam);
    }
    bool done = crowd_requests(crowd) >= requests;
    crowd_leave(crowd);
    sequence_close(seam.sequence);
    uint64_t wrong = crowd_join(crowd, &seam.ledger, &refused);
    struct ledger_life life = ledger_end_life(seam.ledger);
    struct sequence_status status;
    sequence_describe(seam.sequence, &status);
    bool good = ledger_is_good(seam.ledger, "seam");
    uint64_t leases = seam.leases;
    close_seam(&seam);

    assert_true(done);
    assert_true(good);
    assert_int_equal(wrong, 0);
    assert_int_equal(status.issued, life.taken);
    assert_int_equal(life.leased, status.issued + status.burnt + status.unissued);
    assert_true(leases > requests / 100); /* else there were too few seams to see anything */
    print_message("%u leases\n", (unsigned)leases);
}

static void test_seam_between_leases_that_do_not_touch(void **state)
{
    (void)state;
    run(16, 9, 1);
}

static void test_seam_between_leases_that_do_not_touch_while_many_wait(void **state)
{
    (void)state;
    run(6, 9, 3);
}

static void test_seam_between_leases_that_continue_each_other(void **state)
{
    (void)state;
    run(16, 0, 1);
}

static void test_seam_between_leases_that_continue_each_other_while_many_wait(void **state)
{
    (void)state;
    run(6, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seam_between_leases_that_do_not_touch),
        cmocka_unit_test(test_seam_between_leases_that_do_not_touch_while_many_wait),
        cmocka_unit_test(test_seam_between_leases_that_continue_each_other),
        cmocka_unit_test(test_seam_between_leases_that_continue_each_other_while_many_wait),
    };
    return cmocka_run_group_tests_name("seam", tests, NULL, NULL);
}
