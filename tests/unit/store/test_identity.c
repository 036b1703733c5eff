/* What is held against a copy, and how far it should be moved. */
#include "store/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum error check(struct sentinel_file data, struct sentinel_file self, uint8_t machine,
                        enum store_lmdb_identity counts)
{
    struct sentinel_slot slot = {.data = {12, 34}, .self = {56, 78}};
    uint8_t id[STORE_LMDB_MACHINE_SIZE];
    struct identity_found found = {.data = data, .sentinel = self, .machine = id};

    memset(slot.machine, 1, sizeof(slot.machine));
    memset(id, machine, sizeof(id));
    return identity_check(&slot, &found, counts, NULL);
}

static void test_identity_is_inode_and_birth_and_machine(void **state)
{
    const struct sentinel_file data = {12, 34};
    const struct sentinel_file self = {56, 78};
    const struct sentinel_file other = {13, 34};
    const struct sentinel_file reborn = {12, 35};
    const struct sentinel_file unborn = {12, 0};

    (void)state;
    assert_int_equal(check(data, self, 1, STORE_LMDB_IDENTITY_ALL), ERR_OK);
    assert_int_equal(check(unborn, self, 0, STORE_LMDB_IDENTITY_ALL), ERR_OK);
    assert_int_equal(check(other, self, 1, STORE_LMDB_IDENTITY_ALL), ERR_FENCED);
    assert_int_equal(check(reborn, self, 1, STORE_LMDB_IDENTITY_FILE), ERR_FENCED);
    assert_int_equal(check(data, data, 1, STORE_LMDB_IDENTITY_FILE), ERR_FENCED);
    assert_int_equal(check(data, self, 2, STORE_LMDB_IDENTITY_ALL), ERR_FENCED);
    assert_int_equal(check(data, self, 2, STORE_LMDB_IDENTITY_FILE), ERR_OK);
    assert_int_equal(check(other, data, 2, STORE_LMDB_IDENTITY_MACHINE), ERR_FENCED);
    assert_int_equal(check(other, data, 1, STORE_LMDB_IDENTITY_MACHINE), ERR_OK);
    assert_int_equal(check(other, data, 2, STORE_LMDB_IDENTITY_NONE), ERR_OK);
}

static void test_proposal_is_rate_times_age_or_ten_gaps(void **state)
{
    struct meta meta = {.created_ms = 1000, .window_ms = 1000, .committed_ms = 1000};

    (void)state;
    assert_int_equal(identity_propose_skip(&meta, 70, 1000000), 700);
    meta_count_leased(&meta, 6000, 31000);
    assert_int_equal(meta.rate, 0);
    meta_count_leased(&meta, 6000, 61000); /* a minute is over: 12000 in 60 s */
    assert_int_equal(meta.rate, 200);
    meta.committed_ms = 61000;
    assert_int_equal(identity_propose_skip(&meta, 70, 61000 + 100000), 200 * 100);
    meta_count_leased(&meta, 1, 121000); /* forgotten by and by */
    assert_int_equal(meta.rate, 200 - 12);
    meta_count_leased(&meta, 500, 121000); /* the running minute counts as well */
    meta.committed_ms = 121000;
    assert_int_equal(identity_propose_skip(&meta, 70, 121000 + 10000), 5000);
    assert_int_equal(identity_propose_skip(&meta, 70, 0), 700); /* a clock before the copy */
    assert_true(identity_propose_skip(&meta, UINT64_MAX, 0) == STORE_LMDB_SKIP_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_is_inode_and_birth_and_machine),
        cmocka_unit_test(test_proposal_is_rate_times_age_or_ten_gaps),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
