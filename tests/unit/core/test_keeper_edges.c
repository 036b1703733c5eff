/* The keeper and the administrator's changes where somebody else was quicker: another node that
 * dropped the sequence, the stop, and a store that fails again while a doubt is being resolved. */
#include "admin_stage.h"
#include "registry_stage.h"

#include "core/sequence.h"

#include <stdlib.h>
#include <string.h>

static enum error nothing(struct errand *errand, struct store *store, struct error_detail *detail)
{
    (void)errand;
    (void)store;
    (void)detail;
    return ERR_OK;
}

/* An errand that submits another one when it is done. */
struct chain {
    struct errand errand;
    struct chain *next;
    struct keeper *keeper;
    enum error error;
    unsigned times_done;
};

static void chain_done(struct errand *errand, enum error error)
{
    struct chain *chain = (struct chain *)errand;
    chain->error = error;
    chain->times_done++;
    if (chain->next != NULL) {
        keeper_submit(chain->keeper, &chain->next->errand);
    }
}

/* The bell has stopped before the first is looked at, so all are answered by the stop itself. */
static void test_keeper_answers_what_is_submitted_while_it_stops(void **state)
{
    struct house *house = *state;
    struct caller caller;
    struct chain last = {.errand = {.run = nothing, .done = chain_done}, .error = ERR_OK};
    struct chain first = {.errand = {.run = nothing, .done = chain_done}, .next = &last};
    house_declare(house, "a", house_every());
    house_start(house);
    first.keeper = house->keeper;
    store_memory_hold(house->disk);
    house_ask(&caller, house_find(house, "a"), 1, HOUSE_PATIENCE_MS);
    assert_true(store_memory_wait_held(house->disk, HOUSE_PATIENCE_MS));
    keeper_submit(house->keeper, &first.errand);
    bell_stop(&house->renewals);
    store_memory_release(house->disk);
    keeper_stop(house->keeper);
    house->keeper = NULL;
    assert_int_equal(house_answer_to(&caller), ERR_OK);
    assert_int_equal(first.error, ERR_UNAVAILABLE);
    assert_int_equal(first.times_done, 1);
    assert_int_equal(last.error, ERR_UNAVAILABLE);
    assert_int_equal(last.times_done, 1);
}

static void test_keeper_with_nobody_to_tell_recovers_all_the_same(void **state)
{
    struct house *house = *state;
    struct keeper_options options = {.store = house->store, .renewals = &house->renewals};
    house_declare(house, "a", definition_default());
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(keeper_start(&options, &house->keeper), ERR_OK);
    assert_int_equal(expiry_start(&house->waits, &house->expiry), ERR_OK);
    assert_true(house_must_take(house_find(house, "a"), 1) > 1); /* the first lease is burnt */
    assert_int_equal(store_memory_recoveries(house->disk), 1);
}

/* Another node, which shares the disk, drops `name`. */
static void drop_elsewhere(struct house *house, const char *name)
{
    struct store_memory_options options = {.disk = house->disk};
    struct store *store = NULL;
    struct store_entry entry;
    assert_int_equal(store_memory_open(&options, &store), ERR_OK);
    assert_int_equal(store_drop(store, name, &entry, NULL), ERR_OK);
    store_close(store);
}

/* Nobody here has asked for it, so it is a fault to be told, of this sequence alone. */
static void test_keeper_tells_of_a_sequence_that_went_and_serves_the_others(void **state)
{
    struct house *house = *state;
    struct caller caller;
    house_declare(house, "gone", house_every());
    house_declare(house, "there", house_every());
    drop_elsewhere(house, "gone");
    house_start(house);
    struct sequence *gone = house_find(house, "gone");
    house_ask(&caller, gone, 1, HOUSE_PATIENCE_MS);
    house_wait_until(house_events(house, KEEPER_SEQUENCE_FAILED) > 0);
    assert_int_equal(house_must_take(house_find(house, "there"), 1), 1);
    assert_false(sequence_is_retired(gone));
    assert_int_equal(store_memory_recoveries(house->disk), 0);
    registry_close(house->registry);
    assert_int_equal(house_answer_to(&caller), ERR_UNAVAILABLE);
}

/* There is nothing to move; to drop it again is to drop it, with the floor that the other left. */
static void test_admin_moves_nothing_of_a_sequence_that_went(void **state)
{
    struct house *house = *state;
    house_declare(house, "gone", definition_default());
    house_start(house);
    assert_int_equal(house_must_take(house_find(house, "gone"), 1), 1);
    drop_elsewhere(house, "gone");
    struct sequence *gone = house_find(house, "gone");
    struct admin_request answer = admin_stage_ask(house, admin_stage_advance("gone", 5000, false));
    assert_int_equal(answer.error, ERR_NOT_FOUND);
    assert_false(house_health_of(house).failing);
    assert_false(sequence_is_doubtful(gone));
    answer = admin_stage_must(house, admin_stage_drop("gone"));
    assert_true(answer.has_floor && answer.floor_low == 1);
    assert_true(sequence_is_retired(gone));
}

/* A fixed lease of 10, 1 to 5 issued, and a drop whose outcome is unknown: it was done. */
static struct sequence *drop_in_doubt(struct house *house)
{
    house_declare(house, "orders", house_fixed_lease(10));
    house_start(house);
    struct sequence *sequence = house_find(house, "orders");
    assert_int_equal(house_must_take(sequence, 5), 1);
    store_memory_fail(house->disk, 1, STORE_MEMORY_AFTER, ERR_IO);
    assert_int_equal(admin_stage_ask(house, admin_stage_drop("orders")).error, ERR_UNAVAILABLE);
    house_wait_until(store_memory_recoveries(house->disk) == 1 && !house_health_of(house).failing);
    return sequence;
}

/* A store that fails again tells nothing: the doubt stays, until it answers. */
static void test_admin_stays_in_doubt_while_the_store_fails_again(void **state)
{
    struct house *house = *state;
    struct sequence *sequence = drop_in_doubt(house);
    struct admin_request create = admin_stage_create("orders", house_fixed_lease(10));
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(admin_stage_ask(house, create).error, ERR_UNAVAILABLE);
    house_wait_until(store_memory_recoveries(house->disk) == 2 && !house_health_of(house).failing);
    assert_true(sequence_is_doubtful(sequence));
    assert_false(sequence_is_retired(sequence));
    assert_true(admin_stage_must(house, create).created);
    assert_true(sequence_is_retired(sequence));
    assert_true(house_must_take(house_find(house, "orders"), 1) > 10);
}

/* The same where the configuration asks. */
static void test_registry_declare_creates_nothing_while_it_is_in_doubt(void **state)
{
    struct house *house = *state;
    struct definition definition = house_fixed_lease(10);
    struct sequence *sequence = drop_in_doubt(house);
    registry_stage_stop(house);
    store_memory_fail(house->disk, 1, STORE_MEMORY_BEFORE, ERR_IO);
    assert_int_equal(registry_declare(house->registry, house->store, "orders", &definition, NULL),
                     ERR_IO);
    assert_ptr_equal(house_find(house, "orders"), sequence);
    assert_int_equal(store_recover(house->store, NULL), ERR_OK);
    house_declare(house, "orders", definition);
    assert_ptr_not_equal(house_find(house, "orders"), sequence);
}

/* What cannot be read is not left out of a backup: there is none then. */
static void test_admin_backup_of_a_damaged_store_is_refused(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", definition_default());
    house_start(house);
    assert_int_equal(store_memory_damage(house->disk, "orders", true), ERR_OK);
    struct admin_request answer =
        admin_stage_ask(house, (struct admin_request){.action = ADMIN_BACKUP});
    assert_int_equal(answer.error, ERR_UNAVAILABLE);
    assert_null(strstr(answer.detail.text, "memory"));
    free(answer.text);
}

/* Equal values are no change, and cost no commit. */
static void test_admin_alters_to_what_is_there_without_a_commit(void **state)
{
    struct house *house = *state;
    house_declare(house, "orders", house_fixed_lease(10));
    house_start(house);
    uint64_t commits = store_memory_commits(house->disk);
    struct admin_request request = admin_stage_create("orders", house_fixed_lease(10));
    request.action = ADMIN_ALTER;
    request.fields = ADMIN_FIELD_LEASE | ADMIN_FIELD_MAX_GAP;
    assert_int_equal(admin_stage_must(house, request).status.definition.lease, 10);
    assert_int_equal(store_memory_commits(house->disk), commits);
}

/* What the keeper has to recover from, and what is an answer. */
static void test_store_has_failed_where_it_has_to_recover(void **state)
{
    (void)state;
    static const enum error failures[] = {ERR_UNAVAILABLE, ERR_IO, ERR_CORRUPT, ERR_FENCED,
                                          ERR_NO_MEMORY};
    static const enum error answers[] = {ERR_OK,        ERR_PENDING,  ERR_INVALID,
                                         ERR_NOT_FOUND, ERR_CONFLICT, ERR_EXHAUSTED};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        assert_true(store_has_failed(failures[i]));
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_false(store_has_failed(answers[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        house_test(test_keeper_answers_what_is_submitted_while_it_stops),
        house_test(test_keeper_with_nobody_to_tell_recovers_all_the_same),
        house_test(test_keeper_tells_of_a_sequence_that_went_and_serves_the_others),
        house_test(test_admin_moves_nothing_of_a_sequence_that_went),
        house_test(test_admin_stays_in_doubt_while_the_store_fails_again),
        house_test(test_registry_declare_creates_nothing_while_it_is_in_doubt),
        house_test(test_admin_backup_of_a_damaged_store_is_refused),
        house_test(test_admin_alters_to_what_is_there_without_a_commit),
        cmocka_unit_test(test_store_has_failed_where_it_has_to_recover),
    };
    return cmocka_run_group_tests_name("keeper_edges", tests, NULL, NULL);
}
