/* What must be found in ledgers, and what must not: each case planted alone. */
#include "ctl/verifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* One row, with what the tests do not vary filled in. */
struct row {
    uint64_t commit;
    enum ledger_act act;
    uint64_t first;
    uint64_t limit;
    uint64_t generation;
    uint8_t life;
    const char *name;  /* NULL: "orders" */
    int64_t start;     /* 0: 1 */
    int64_t increment; /* 0: 1 */
    uint32_t node;     /* not 0: of a timestamp sequence */
    uint32_t index;
    uint64_t time_ms;
    uint64_t nonce;
    uint64_t from; /* 0: first */
};

#define ROW(commit_, act_, first_, limit_, generation_, ...) \
    { \
        .commit = commit_, .act = act_, .first = first_, .limit = limit_, \
        .generation = generation_, __VA_ARGS__ \
    }

static struct ledger_entry entry_of(const struct row *row)
{
    struct ledger_entry entry = {.id = {row->commit, row->index},
                                 .act = row->act,
                                 .time_ms = row->time_ms != 0 ? row->time_ms : row->commit,
                                 .nonce = row->nonce,
                                 .generation = row->generation,
                                 .positions = {row->first, row->limit},
                                 .from = row->from != 0 ? row->from : row->first,
                                 .kind = SEQUENCE_COUNTER,
                                 .start = row->start != 0 ? row->start : 1,
                                 .increment = row->increment != 0 ? row->increment : 1};
    if (row->node != 0) {
        entry.kind = SEQUENCE_TIMESTAMP;
        entry.start = entry.increment = 0;
        entry.layout = layout_default();
        entry.layout.max_borrow_ms = 0;
        entry.layout.node_id = row->node;
    }
    (void)snprintf(entry.name, sizeof entry.name, "%s", row->name != NULL ? row->name : "orders");
    memset(entry.instance, 1, sizeof entry.instance);
    memset(entry.incarnation, row->life, sizeof entry.incarnation);
    return entry;
}

#define ROWS_MAX 12

struct input {
    struct row rows[ROWS_MAX]; /* ended by one without an act */
    uint64_t mark;             /* of "orders" at the end; 0: not told */
};

static struct verdict judge(struct history *history, const struct input *inputs, size_t count)
{
    static const char *const names[] = {"a", "b", "c"};
    struct definition definition = definition_default();
    struct verdict verdict;
    history_init(history);
    for (size_t i = 0; i < count; i++) {
        history_begin(history, names[i]);
        for (size_t j = 0; j < ROWS_MAX && inputs[i].rows[j].act != 0; j++) {
            struct ledger_entry entry = entry_of(&inputs[i].rows[j]);
            assert_int_equal(ledger_entry_check(&entry, NULL), ERR_OK);
            assert_int_equal(history_add(history, &entry), ERR_OK);
        }
        if (inputs[i].mark != 0) {
            assert_int_equal(history_add_mark(history, "orders", &definition, inputs[i].mark),
                             ERR_OK);
        }
    }
    assert_int_equal(verifier_run(history, &verdict), ERR_OK);
    return verdict;
}

/* The findings of `inputs` are exactly one of each kind in `wanted`, which ends in -1. */
static void expect(const char *what, const struct input *inputs, size_t count, const int *wanted)
{
    struct history history;
    struct verdict verdict = judge(&history, inputs, count);
    uint64_t counts[FINDING_KINDS] = {0};
    bool good = true;
    for (; *wanted >= 0; wanted++) {
        counts[*wanted]++;
        good = good && *wanted >= FINDING_WRONG;
    }
    for (int kind = 0; kind < FINDING_KINDS; kind++) {
        if (counts[kind] != verdict.counts[kind]) {
            fail_msg("%s: kind %d is found %llu times, not %llu", what, kind,
                     (unsigned long long)verdict.counts[kind], (unsigned long long)counts[kind]);
        }
    }
    assert_int_equal(verdict_is_good(&verdict), good);
    verdict_free(&verdict);
    history_fini(&history);
}

#define NOTHING ((const int[]){-1})
#define KINDS(...) ((const int[]){__VA_ARGS__, -1})
#define LEASE LEDGER_LEASE
#define RETURN LEDGER_RETURN

/* ---- what is right ---- */

static void test_verifier_accepts_an_ordinary_life(void **state)
{
    (void)state;
    const struct input one = {
        .rows = {ROW(1, LEASE, 0, 100, 1), /* killed: a gap */
                 ROW(3, LEASE, 100, 200, 2), ROW(4, LEASE, 200, 400, 3),
                 ROW(5, RETURN, 150, 400, 4), /* over two leases */
                 ROW(7, LEASE, 150, 250, 5), ROW(9, LEDGER_ADVANCE, 250, 1000, 6),
                 ROW(10, LEASE, 1000, 1100, 7), ROW(11, LEDGER_ADOPT, 1100, 5000, 8, .life = 1),
                 ROW(12, LEASE, 5000, 5100, 9, .life = 1)},
        .mark = 5100};
    expect("one ledger", &one, 1, NOTHING);
    struct history history;
    struct verdict verdict = judge(&history, &one, 1);
    assert_int_equal(verdict.names[0].leases, 5); /* one was given back whole */
    assert_int_equal(verdict.names[0].leased, 450);
    assert_int_equal(verdict.names[0].low, 1);
    assert_int_equal(verdict.names[0].high, 5100);
    assert_int_equal(verdict.lives, 2);
    verdict_free(&verdict);
    history_fini(&history);
}

static void test_verifier_counts_a_row_of_two_inputs_once(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2)}, .mark = 200},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2), ROW(3, LEASE, 200, 300, 3)},
         .mark = 300}};
    expect("a backup and its server", inputs, 2, NOTHING);
    expect("a backup twice", (const struct input[]){inputs[0], inputs[0]}, 2, NOTHING);
}

/* Who takes over a machine's id begins anew; its first lease reaches from the epoch, and holds
 * nothing that had passed by then. */
static void test_verifier_accepts_the_heir_of_an_id(void **state)
{
    (void)state;
    const uint64_t old = UINT64_C(3600000) << 12;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 1 << 12, old, 1, .node = 3)}},
        {.rows = {ROW(1, LEASE, 0, 2 * old, 1, .life = 2, .node = 3, .from = old)}}};
    expect("an heir", inputs, 2, NOTHING);
    const struct input twins[] = {
        inputs[0], {.rows = {ROW(1, LEASE, 0, 2 * old, 1, .life = 2, .node = 3, .from = old - 1)}}};
    expect("twins", twins, 2, KINDS(FINDING_OVERLAP));
}

/* The server has trimmed the lease that the old backup knows, but not where it was given back. */
static void test_verifier_joins_an_old_backup_and_a_trimmed_ledger(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2)}},
        {.rows = {ROW(5, RETURN, 150, 200, 3), ROW(6, LEASE, 150, 250, 4)}, .mark = 250}};
    expect("old and new", inputs, 2, NOTHING);
    expect("new and old", (const struct input[]){inputs[1], inputs[0]}, 2, NOTHING);
}

static void test_verifier_accepts_nodes_that_cannot_meet(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 1000, 1, .increment = 2),
                  ROW(2, LEASE, 4096, 99999, 1, .name = "t", .node = 3)}},
        {.rows = {ROW(1, LEASE, 0, 1000, 1, .life = 2, .start = 2, .increment = 2),
                  ROW(2, LEASE, 4096, 99999, 1, .life = 2, .name = "t", .node = 4)}},
        {.rows = {ROW(1, LEASE, 0, 1000, 1, .life = 3, .name = "other")}}};
    expect("odd and even, node and node", inputs, 3, NOTHING);
}

static void test_verifier_tells_of_force_and_accepts_what_it_allowed(void **state)
{
    (void)state;
    const struct input forced = {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2),
                                          ROW(3, LEDGER_REWIND, 50, 200, 3),
                                          ROW(4, LEASE, 50, 150, 4), ROW(5, LEASE, 150, 300, 5)},
                                 .mark = 300};
    expect("forced", &forced, 1, KINDS(FINDING_FORCED));
    struct history history;
    struct verdict verdict = judge(&history, &forced, 1);
    assert_int_equal(verdict.names[0].again, 150);
    verdict_free(&verdict);
    history_fini(&history);
}

static void test_verifier_accepts_force_in_a_later_life(void **state)
{
    (void)state;
    const struct input forced = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEDGER_ADOPT, 100, 200, 2, .life = 1),
                 ROW(3, LEDGER_REWIND, 0, 200, 3, .life = 1), ROW(4, LEASE, 0, 100, 4, .life = 1)}};
    expect("forced in the next life", &forced, 1, KINDS(FINDING_FORCED));
}

static void test_verifier_accepts_numbers_that_no_row_tells_of(void **state)
{
    (void)state;
    const struct input burnt = {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 300, 400, 2)},
                                .mark = 600};
    expect("burnt", &burnt, 1, NOTHING);
    struct history history;
    struct verdict verdict = judge(&history, &burnt, 1);
    assert_int_equal(verdict.names[0].unrecorded, 200);
    verdict_free(&verdict);
    history_fini(&history);
}

/* ---- what is wrong ---- */

static void test_verifier_finds_overlaps(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct input inputs[2];
        uint64_t count;
        int64_t number;
    } cases[] = {
        {"two nodes with one definition",
         {{.rows = {ROW(1, LEASE, 0, 100, 1)}}, {.rows = {ROW(1, LEASE, 99, 200, 1, .life = 2)}}},
         1,
         100},
        {"a restore that skipped too little",
         {{.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2)}},
          {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEDGER_ADOPT, 100, 150, 2, .life = 2),
                    ROW(3, LEASE, 150, 250, 3, .life = 2)}}},
         50,
         151},
        {"both within one ledger, after a life in between",
         {{.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEDGER_ADOPT, 40, 50, 2, .life = 2),
                    ROW(3, LEASE, 50, 60, 3, .life = 2)}}},
         10,
         51},
        {"a descending one meets a rising one",
         {{.rows = {ROW(1, LEASE, 0, 10, 1)}},
          {.rows = {ROW(1, LEASE, 90, 91, 1, .life = 2, .start = 100, .increment = -1)}}},
         0,
         10},
        {"steps of 4 meet steps of 6",
         {{.rows = {ROW(1, LEASE, 0, 10, 1, .increment = 4)}},
          {.rows = {ROW(1, LEASE, 0, 10, 1, .life = 2, .start = 3, .increment = 6)}}},
         0,
         9},
        {"two nodes with one id",
         {{.rows = {ROW(1, LEASE, 4096, 5000, 1, .node = 3)}},
          {.rows = {ROW(1, LEASE, 4999, 6000, 1, .life = 2, .node = 3)}}},
         1,
         (INT64_C(1) << 22) + (3 << 12) + 903},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history history;
        expect(cases[i].what, cases[i].inputs, 2, KINDS(FINDING_OVERLAP));
        struct verdict verdict = judge(&history, cases[i].inputs, 2);
        assert_int_equal(verdict.findings[0].kind, FINDING_OVERLAP);
        assert_int_equal(verdict.findings[0].count, cases[i].count);
        assert_int_equal(verdict.findings[0].number, cases[i].number);
        verdict_free(&verdict);
        history_fini(&history);
    }
}

static void test_verifier_finds_a_lease_that_nobody_gave_back(void **state)
{
    (void)state;
    const struct input again = {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 50, 150, 2)}};
    expect("no return at all", &again, 1, KINDS(FINDING_WENT_BACK, FINDING_OVERLAP));
    const struct input less = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, RETURN, 60, 100, 2), ROW(3, LEASE, 50, 150, 3)}};
    expect("less than is taken", &less, 1, KINDS(FINDING_WENT_BACK, FINDING_OVERLAP));
    const struct input late = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 50, 100, 2), ROW(3, RETURN, 50, 100, 3)}};
    expect("given back by one of two", &late, 1, KINDS(FINDING_WENT_BACK));
    const struct input again_later = {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 50, 150, 2),
                                               ROW(3, RETURN, 50, 150, 3),
                                               ROW(4, LEASE, 50, 60, 4)}};
    expect("the other one may still have issued it", &again_later, 1,
           KINDS(FINDING_WENT_BACK, FINDING_OVERLAP));
}

/* Of another data set: what it gave back says nothing about ours. */
static void test_verifier_takes_no_return_of_others(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1, .life = 2), ROW(2, RETURN, 0, 100, 2, .life = 2),
                  ROW(3, LEASE, 0, 10, 3, .life = 2)}}};
    expect("a return of others", inputs, 2, KINDS(FINDING_OVERLAP));
}

static void test_verifier_takes_no_force_on_others(void **state)
{
    (void)state;
    const struct input inputs[] = {{.rows = {ROW(1, LEASE, 0, 100, 1)}},
                                   {.rows = {ROW(1, LEDGER_REWIND, 0, 100, 1, .life = 2),
                                             ROW(2, LEASE, 0, 10, 2, .life = 2)}}};
    expect("force on others", inputs, 2, KINDS(FINDING_FORCED, FINDING_OVERLAP));
    const struct input before = {.rows = {ROW(1, LEASE, 0, 100, 1),
                                          ROW(2, LEDGER_REWIND, 0, 100, 2), ROW(3, LEASE, 0, 50, 3),
                                          ROW(4, LEASE, 40, 60, 4)}};
    expect("twice after one rewind", &before, 1,
           KINDS(FINDING_FORCED, FINDING_WENT_BACK, FINDING_OVERLAP));
    const struct input around = {.rows = {ROW(1, LEASE, 0, 100, 1),
                                          ROW(2, LEDGER_REWIND, 40, 60, 2),
                                          ROW(3, LEASE, 20, 80, 3)}};
    struct history history;
    struct verdict verdict = judge(&history, &around, 1);
    assert_int_equal(verdict.counts[FINDING_OVERLAP], 1);
    for (size_t i = 0; i < verdict.finding_count; i++) {
        if (verdict.findings[i].kind == FINDING_OVERLAP) { /* on both sides of what was forced */
            assert_true(verdict.findings[i].count == 40 && verdict.findings[i].number == 21);
        }
    }
    verdict_free(&verdict);
    history_fini(&history);
    const struct input beyond = {.rows = {ROW(1, LEASE, 0, 100, 1),
                                          ROW(2, LEDGER_REWIND, 50, 70, 2),
                                          ROW(3, LEASE, 50, 80, 3)}};
    expect("more than was forced", &beyond, 1,
           KINDS(FINDING_WENT_BACK, FINDING_FORCED, FINDING_OVERLAP));
}

static void test_verifier_finds_two_histories(void **state)
{
    (void)state;
    const struct input same_id[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .time_ms = 7)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .time_ms = 8)}}};
    expect("a clone", same_id, 2, KINDS(FINDING_FORK, FINDING_OVERLAP));
    const struct input later[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .from = 120)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .from = 121)}}};
    expect("a clone that goes on from elsewhere", later, 2, KINDS(FINDING_FORK, FINDING_OVERLAP));
    const struct input at_once[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .nonce = 1)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .nonce = 2)}}};
    expect("a clone that leased in the same millisecond", at_once, 2,
           KINDS(FINDING_FORK, FINDING_OVERLAP));
    const struct input other_ids[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2),
                  ROW(4, RETURN, 100, 200, 3)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(3, LEASE, 100, 200, 2)}}};
    expect("a clone whose rows have other ids", other_ids, 2, KINDS(FINDING_FORK));
    const struct input both[] = {{.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2),
                                           ROW(4, RETURN, 150, 200, 3)}},
                                 {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(3, LEASE, 100, 200, 2),
                                           ROW(5, RETURN, 120, 200, 3)}}};
    expect("both gave back the rest", both, 2, KINDS(FINDING_FORK, FINDING_OVERLAP));
}

/* A clone that gives back must not hide what the other one issued. */
static void test_verifier_takes_no_return_of_the_other_history(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(3, LEASE, 100, 200, 2, .time_ms = 1),
                  ROW(4, RETURN, 100, 200, 3), ROW(5, LEASE, 100, 110, 4)}}};
    expect("a clone that gave back", inputs, 2, KINDS(FINDING_FORK, FINDING_OVERLAP));
    expect("the other way round", (const struct input[]){inputs[1], inputs[0]}, 2,
           KINDS(FINDING_FORK, FINDING_OVERLAP));
}

static void test_verifier_finds_marks_that_are_wrong(void **state)
{
    (void)state;
    const struct input above = {.rows = {ROW(1, LEASE, 0, 100, 1)}, .mark = 99};
    expect("above the mark", &above, 1, KINDS(FINDING_ABOVE_MARK));
    const struct input other = {.rows = {ROW(1, LEASE, 0, 100, 1, .start = 101)}, .mark = 20};
    expect("of another definition", &other, 1, NOTHING);
    const struct input back = {.rows = {ROW(1, LEASE, 100, 200, 1), ROW(2, LEASE, 50, 60, 2)}};
    expect("below the mark", &back, 1, KINDS(FINDING_WENT_BACK));
    const struct input advance = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEDGER_ADVANCE, 50, 60, 2)}};
    expect("advanced below the mark", &advance, 1, KINDS(FINDING_WENT_BACK));
    const struct input blind = {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2),
                                         ROW(3, RETURN, 50, 100, 3), ROW(4, LEASE, 50, 150, 4)}};
    /* Nothing of it is believed, so the last lease meets both before it. */
    expect("a blind return", &blind, 1,
           KINDS(FINDING_BLIND_RETURN, FINDING_OVERLAP, FINDING_OVERLAP));
    const struct input generation = {
        .rows = {ROW(1, LEASE, 0, 100, 5), ROW(2, LEASE, 100, 200, 5)}};
    expect("a generation twice", &generation, 1, KINDS(FINDING_GENERATION));
}

static void test_verifier_tells_of_missing_rows(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2),
                  ROW(3, LEASE, 200, 300, 3)}},
        {.rows = {ROW(1, LEASE, 0, 100, 1), ROW(3, LEASE, 200, 300, 3)}}};
    expect("one is lost", inputs, 2, KINDS(FINDING_LOST));
    const struct input partial = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 100, 200, 2, .index = 1)}};
    expect("the first of a commit is lost", &partial, 1, KINDS(FINDING_PARTIAL));
    const struct input trimmed = {.rows = {ROW(2, LEASE, 100, 200, 2, .index = 1),
                                           ROW(2, LEASE, 0, 200, 2, .index = 2, .name = "x")}};
    expect("the first of a commit is forgotten", &trimmed, 1, NOTHING);
}

/* A dropped sequence that is made anew counts its positions otherwise. */
static void test_verifier_follows_a_name_through_its_definitions(void **state)
{
    (void)state;
    const struct input anew = {
        .rows = {ROW(1, LEASE, 0, 100, 1), ROW(2, LEASE, 0, 50, 4, .start = 101),
                 ROW(3, RETURN, 20, 50, 5, .start = 101), ROW(4, LEASE, 20, 40, 6, .start = 101),
                 ROW(5, LEASE, 0, 5, 8, .start = 1000, .increment = -10)}};
    expect("made anew", &anew, 1, NOTHING);
}

static void test_verifier_of_nothing_is_good(void **state)
{
    (void)state;
    const struct input none = {.mark = 0};
    expect("nothing", &none, 1, NOTHING);
    expect("nothing twice", (const struct input[]){none, none}, 2, NOTHING);
}

/* Beyond FINDINGS_MAX they are counted, not kept; the search for overlaps ends. */
static void test_verifier_keeps_a_bounded_number_of_findings(void **state)
{
    (void)state;
    struct history history;
    struct verdict verdict;
    history_init(&history);
    history_begin(&history, "a");
    for (uint64_t i = 1; i <= 5000; i++) {
        struct row row = ROW(i, LEASE, 0, 100, 1, .start = 1);
        struct ledger_entry entry = entry_of(&row);
        assert_int_equal(history_add(&history, &entry), ERR_OK);
    }
    assert_int_equal(verifier_run(&history, &verdict), ERR_OK);
    assert_true(verdict.counts[FINDING_OVERLAP] >= FINDINGS_MAX);
    assert_int_equal(verdict.counts[FINDING_GENERATION], 4999);
    assert_int_equal(verdict.counts[FINDING_WENT_BACK], 4999);
    assert_int_equal(verdict.finding_count, 3 * FINDINGS_MAX);
    verdict_free(&verdict);
    history_fini(&history);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifier_accepts_an_ordinary_life),
        cmocka_unit_test(test_verifier_counts_a_row_of_two_inputs_once),
        cmocka_unit_test(test_verifier_accepts_the_heir_of_an_id),
        cmocka_unit_test(test_verifier_joins_an_old_backup_and_a_trimmed_ledger),
        cmocka_unit_test(test_verifier_accepts_nodes_that_cannot_meet),
        cmocka_unit_test(test_verifier_tells_of_force_and_accepts_what_it_allowed),
        cmocka_unit_test(test_verifier_accepts_force_in_a_later_life),
        cmocka_unit_test(test_verifier_accepts_numbers_that_no_row_tells_of),
        cmocka_unit_test(test_verifier_finds_overlaps),
        cmocka_unit_test(test_verifier_finds_a_lease_that_nobody_gave_back),
        cmocka_unit_test(test_verifier_takes_no_return_of_others),
        cmocka_unit_test(test_verifier_takes_no_force_on_others),
        cmocka_unit_test(test_verifier_finds_two_histories),
        cmocka_unit_test(test_verifier_takes_no_return_of_the_other_history),
        cmocka_unit_test(test_verifier_finds_marks_that_are_wrong),
        cmocka_unit_test(test_verifier_tells_of_missing_rows),
        cmocka_unit_test(test_verifier_follows_a_name_through_its_definitions),
        cmocka_unit_test(test_verifier_of_nothing_is_good),
        cmocka_unit_test(test_verifier_keeps_a_bounded_number_of_findings),
    };
    return cmocka_run_group_tests_name("verifier", tests, NULL, NULL);
}
