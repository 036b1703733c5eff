/* The verifier against worlds of a few numbers, in which every number that a lease may issue is
 * known one by one: nodes that lease, stop, are killed, forced back, adopted, restored, cloned. */
#include "chance.h"
#include "ctl/verifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WORLDS 20000
#define NUMBERS 256 /* from 0 on */
#define EVENTS_MAX 64
#define NODES_MAX 4
#define BACKUPS_MAX 3

struct event {
    struct ledger_entry entry;
    bool may_issue[NUMBERS]; /* of a lease: what was not given back */
};

/* A data set: its history, and the process that runs on it. */
struct node {
    const struct event *events[EVENTS_MAX];
    size_t count;
    uint64_t mark;
    uint64_t own;    /* positions from here up to the mark are the running process's … */
    size_t own_from; /* … by the events from this one on */
    uint64_t generation;
    uint64_t commit;
    uint8_t life;
    int64_t start;
    int64_t increment;
};

struct backup {
    size_t node;
    size_t count; /* of events it has */
};

struct world {
    struct event events[EVENTS_MAX];
    size_t event_count;
    struct node nodes[NODES_MAX];
    size_t node_count;
    struct backup backups[BACKUPS_MAX];
    size_t backup_count;
    uint8_t lives;
    bool cloned;
    bool planted; /* a lease below the mark, as no seqd makes one */
};

static struct chance chance;

static struct event *add_event(struct world *world, struct node *node, enum ledger_act act,
                               struct range positions)
{
    struct event *event = &world->events[world->event_count++];
    node->commit += 1 + chance_below(&chance, 2);
    *event = (struct event){.entry = {.id = {node->commit, 0},
                                      .act = act,
                                      .name = "s",
                                      .time_ms = world->event_count,
                                      .generation = ++node->generation,
                                      .positions = positions,
                                      .from = positions.first,
                                      .start = node->start,
                                      .increment = node->increment}};
    memset(event->entry.incarnation, node->life, sizeof event->entry.incarnation);
    node->events[node->count++] = event;
    return event;
}

static void lease_at(struct world *world, struct node *node, uint64_t first)
{
    uint64_t count = 1 + chance_below(&chance, 8);
    struct event *event =
        add_event(world, node, LEDGER_LEASE, (struct range){first, first + count});
    for (uint64_t p = first; p < first + count; p++) {
        event->may_issue[definition_number(node->start, node->increment, p)] = true;
    }
    node->mark = first + count;
}

static void begin_process(struct node *node)
{
    node->own = node->mark;
    node->own_from = node->count;
}

/* A clean stop: the process knows that it has issued nothing from a position of its own on. */
static void stop(struct world *world, struct node *node)
{
    if (node->own == node->mark) {
        return;
    }
    uint64_t next = node->own + chance_below(&chance, node->mark - node->own);
    size_t leases = node->count;
    add_event(world, node, LEDGER_RETURN, (struct range){next, node->mark});
    for (size_t i = node->own_from; i < leases; i++) {
        struct event *event = &world->events[node->events[i] - world->events];
        if (event->entry.act == LEDGER_LEASE) {
            for (uint64_t p = next; p < node->mark; p++) {
                event->may_issue[definition_number(node->start, node->increment, p)] = false;
            }
        }
    }
    node->mark = next;
    begin_process(node);
}

static void move(struct world *world, struct node *node, enum ledger_act act, uint64_t by)
{
    if (act == LEDGER_REWIND && node->mark > 0) {
        uint64_t back = 1 + chance_below(&chance, range_min(node->mark, 12));
        add_event(world, node, act, (struct range){node->mark - back, node->mark});
        node->mark -= back;
    } else if (act != LEDGER_REWIND && by > 0) {
        add_event(world, node, act, (struct range){node->mark, node->mark + by});
        node->mark += by;
    }
    begin_process(node);
}

/* Whoever starts from a copy has leased nothing yet. */
static void copy(struct world *world, const struct node *node, bool restored)
{
    if (world->node_count == NODES_MAX) {
        return;
    }
    struct node *fresh = &world->nodes[world->node_count++];
    *fresh = *node;
    begin_process(fresh);
    if (restored) {
        fresh->life = world->lives++;
        move(world, fresh, LEDGER_ADOPT, 1 + chance_below(&chance, 12)); /* or too little */
    } else {
        world->cloned = true;
    }
}

static void step(struct world *world)
{
    size_t index = chance_below(&chance, world->node_count);
    struct node *node = &world->nodes[index];
    switch (chance_below(&chance, 24)) {
    case 0:
    case 1:
    case 2:
    case 3:
        stop(world, node);
        break;
    case 4:
        begin_process(node); /* killed */
        break;
    case 5:
        move(world, node, LEDGER_REWIND, 0);
        break;
    case 6:
        move(world, node, LEDGER_ADVANCE, chance_below(&chance, 5));
        break;
    case 7:
        node->life = world->lives++;
        move(world, node, LEDGER_ADOPT, 1 + chance_below(&chance, 5));
        break;
    case 8:
        copy(world, node, true);
        break;
    case 9:
        /* Two that never had a row in common look like an old ledger and a trimmed one. */
        if (node->count > 0 && chance_below(&chance, 3) == 0) {
            copy(world, node, false);
        }
        break;
    case 10:
        if (world->backup_count < BACKUPS_MAX) {
            world->backups[world->backup_count++] = (struct backup){index, node->count};
        }
        break;
    case 11:
        if (node->mark > 0 && chance_below(&chance, 4) == 0) {
            uint64_t mark = node->mark;
            lease_at(world, node, chance_below(&chance, mark));
            node->mark = range_max(node->mark, mark);
            begin_process(node);
            world->planted = true;
        }
        break;
    default:
        lease_at(world, node, node->mark + (chance_below(&chance, 6) == 0 ? 2 : 0));
        break;
    }
}

static void make(struct world *world)
{
    static const int64_t ways[][2] = {{1, 1}, {0, 2}, {1, 2}, {3, 3}, {255, -1}, {254, -2}};
    *world = (struct world){.node_count = 1 + chance_below(&chance, 2)};
    for (size_t i = 0; i < world->node_count; i++) {
        const int64_t *way = ways[chance_below(&chance, sizeof ways / sizeof ways[0])];
        world->nodes[i] =
            (struct node){.life = world->lives++, .start = way[0], .increment = way[1]};
    }
    size_t steps = 5 + chance_below(&chance, 30);
    for (size_t i = 0; i < steps; i++) {
        bool room = world->event_count + 2 < EVENTS_MAX && world->lives < UINT8_MAX - 2;
        for (size_t j = 0; j < world->node_count; j++) {
            room = room && world->nodes[j].mark < 60;
        }
        if (room) {
            step(world);
        }
    }
}

/* ---- what is true ---- */

/* Was `b` allowed to issue what `a` may have issued, since some history has `a`, then the mark
 * forced back over `position`, then `b`? */
static bool was_forced(const struct world *world, const struct event *a, const struct event *b,
                       uint64_t position)
{
    for (size_t i = 0; i < world->node_count; i++) {
        const struct node *node = &world->nodes[i];
        bool behind_a = false;
        bool forced = false;
        for (size_t j = 0; j < node->count; j++) {
            const struct event *event = node->events[j];
            behind_a = behind_a || event == a;
            forced = forced || (behind_a && event->entry.act == LEDGER_REWIND &&
                                position >= event->entry.positions.first &&
                                position < event->entry.positions.limit);
            if (event == b && forced) {
                return true;
            }
        }
    }
    return false;
}

static bool share_a_number(const struct world *world, const struct event *a, const struct event *b)
{
    for (int64_t number = 0; number < NUMBERS; number++) {
        if (a->may_issue[number] && b->may_issue[number]) {
            uint64_t of_a = (uint64_t)((number - a->entry.start) / a->entry.increment);
            uint64_t of_b = (uint64_t)((number - b->entry.start) / b->entry.increment);
            if (!was_forced(world, a, b, of_b) && !was_forced(world, b, a, of_a)) {
                return true;
            }
        }
    }
    return false;
}

static bool has_overlap(const struct world *world)
{
    for (size_t i = 0; i < world->event_count; i++) {
        for (size_t j = i + 1; j < world->event_count; j++) {
            if (share_a_number(world, &world->events[i], &world->events[j])) {
                return true;
            }
        }
    }
    return false;
}

/* ---- what the verifier says ---- */

static void add_rows(struct history *history, const struct node *node, size_t count, bool whole)
{
    struct definition definition = definition_default();
    definition.start = node->start;
    definition.increment = node->increment;
    history_begin(history, "input");
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(history_add(history, &node->events[i]->entry), ERR_OK);
    }
    if (whole) {
        assert_int_equal(history_add_mark(history, "s", &definition, node->mark), ERR_OK);
    }
}

static struct verdict judge(const struct world *world)
{
    struct history history;
    struct verdict verdict;
    bool late = chance_below(&chance, 2) == 0;
    history_init(&history);
    for (size_t pass = 0; pass < 2; pass++) {
        if ((pass == 1) == late) {
            for (size_t i = 0; i < world->backup_count; i++) {
                const struct backup *backup = &world->backups[i];
                add_rows(&history, &world->nodes[backup->node], backup->count, false);
            }
        } else {
            for (size_t i = 0; i < world->node_count; i++) {
                add_rows(&history, &world->nodes[i], world->nodes[i].count, true);
            }
        }
    }
    assert_int_equal(verifier_run(&history, &verdict), ERR_OK);
    history_fini(&history);
    return verdict;
}

/* Did both copies of a data set go on after they were parted? */
static bool has_fork(const struct world *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        for (size_t j = i + 1; j < world->node_count; j++) {
            const struct node *a = &world->nodes[i];
            const struct node *b = &world->nodes[j];
            size_t common = 0;
            while (common < a->count && common < b->count &&
                   a->events[common] == b->events[common]) {
                common++;
            }
            if (common < a->count && common < b->count &&
                memcmp(a->events[common]->entry.incarnation, b->events[common]->entry.incarnation,
                       LEDGER_INSTANCE_SIZE) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void tell(const struct world *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        const struct node *node = &world->nodes[i];
        (void)printf("node %zu, %lld by %lld:\n", i, (long long)node->start,
                     (long long)node->increment);
        for (size_t j = 0; j < node->count; j++) {
            const struct ledger_entry *entry = &node->events[j]->entry;
            (void)printf("  %llu life %u %s %llu to %llu\n", (unsigned long long)entry->id.commit,
                         entry->incarnation[0], ledger_act_name(entry->act),
                         (unsigned long long)entry->positions.first,
                         (unsigned long long)entry->positions.limit);
        }
    }
}

static void test_verifier_knows_what_is_true(void **state)
{
    (void)state;
    static struct world world;
    unsigned overlaps = 0;
    unsigned forks = 0;
    unsigned forced = 0;
    for (unsigned i = 0; i < WORLDS; i++) {
        make(&world);
        struct verdict verdict = judge(&world);
        bool wanted = has_overlap(&world);
        bool fork = has_fork(&world);
        if ((verdict.counts[FINDING_OVERLAP] > 0) != wanted) {
            tell(&world);
            fail_msg("world %u: an overlap is %s, and %s", i, wanted ? "there" : "not there",
                     wanted ? "not found" : "found");
        }
        if ((verdict.counts[FINDING_FORK] > 0) != fork) {
            tell(&world);
            fail_msg("world %u: two histories are %s, and %s", i, fork ? "there" : "not there",
                     fork ? "not found" : "found");
        }
        if (verdict_is_good(&verdict) != (!wanted && !fork && !world.planted)) {
            fail_msg("world %u: it is %s", i, wanted || fork || world.planted ? "bad" : "good");
        }
        overlaps += wanted;
        forks += fork;
        forced += verdict.counts[FINDING_FORCED] > 0;
        verdict_free(&verdict);
    }
    (void)printf("%u worlds: %u with an overlap, %u with two histories, %u forced back\n", WORLDS,
                 overlaps, forks, forced);
    assert_true(overlaps > WORLDS / 20 && overlaps < WORLDS - WORLDS / 20);
    assert_true(forks > WORLDS / 50 && forced > WORLDS / 50);
}

static void add_million(struct history *history, const char *name)
{
    history_begin(history, name);
    for (uint64_t i = 0; i < 1000000; i++) {
        struct ledger_entry entry = {.id = {i + 1, 0},
                                     .act = LEDGER_LEASE,
                                     .generation = i + 1,
                                     .positions = {i * 1000, i * 1000 + 1000},
                                     .from = i * 1000,
                                     .start = (int64_t)(1 + i % 2),
                                     .increment = 2};
        (void)snprintf(entry.name, sizeof entry.name, "s%u", (unsigned)(i % 7));
        assert_int_equal(history_add(history, &entry), ERR_OK);
    }
}

/* Many rows are no matter of their square. */
static void test_verifier_takes_a_million_rows_twice(void **state)
{
    (void)state;
    struct history history;
    struct verdict verdict;
    history_init(&history);
    add_million(&history, "a");
    add_million(&history, "b");
    assert_int_equal(verifier_run(&history, &verdict), ERR_OK);
    assert_true(verdict_is_good(&verdict));
    assert_int_equal(verdict.rows, 1000000);
    verdict_free(&verdict);
    history_fini(&history);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifier_knows_what_is_true),
        cmocka_unit_test(test_verifier_takes_a_million_rows_twice),
    };
    chance = chance_from(chance_seed());
    return cmocka_run_group_tests_name("verifier_random", tests, NULL, NULL);
}
