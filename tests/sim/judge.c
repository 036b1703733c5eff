#include "judge.h"

#include "base/floor.h"
#include "store_memory_disk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLES_MAX 64
#define NUMBERS (2 * JUDGE_NUMBER_MAX + 1)

#define STAMPED_MAX 4096

const char *const judge_names[JUDGE_NAMES] = {"a", "b", "t"};

/* Timestamps that were answered together. */
struct stamped {
    int64_t first;
    int64_t last;
};

/* The latest answer of one sequence object. */
struct handle {
    const struct sequence *sequence;
    uint64_t life;
    int64_t latest;
};

struct named {
    struct definition definition;
    bool changed;
    bool rewound;
    bool answered_any;
    int64_t latest;
    uint64_t received;
    uint64_t unanswered; /* numbers asked for by those who died without an answer, at most */
    uint8_t answered[NUMBERS];
};

static struct judge_totals totals;
static struct store_memory_disk *world;
static uint64_t seed_now;
static bool losses_are_exact;
static uint64_t crashes;
static uint64_t life_now;
static struct named names[JUDGE_NAMES];
static struct stamped stamped[STAMPED_MAX];
static unsigned stamped_count;
static struct handle handles[HANDLES_MAX];
static unsigned handle_count;

struct judge_totals *judge_totals(void)
{
    return &totals;
}

void judge_fails(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "*** ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n*** again with: SEED=%" PRIu64 " SEEDS=1\n", seed_now);
    exit(1);
}

void judge_begin(uint64_t seed, struct store_memory_disk *disk)
{
    seed_now = seed;
    world = disk;
    losses_are_exact = true;
    crashes = 0;
    memset(names, 0, sizeof names);
    stamped_count = 0;
}

void judge_define(unsigned name, const struct definition *definition)
{
    names[name].definition = *definition;
}

void judge_expects_losses(void)
{
    losses_are_exact = false;
}

void judge_changes(unsigned name)
{
    names[name].changed = true;
}

void judge_rewinds(unsigned name)
{
    names[name].changed = true;
    names[name].rewound = true;
}

void judge_life_begins(void)
{
    life_now++;
    handle_count = 0;
    totals.lives++;
}

void judge_life_ends(bool killed)
{
    crashes += killed ? 1 : 0;
    totals.kills += killed ? 1 : 0;
}

static struct handle *find_handle(const struct sequence *sequence)
{
    for (unsigned i = 0; i < handle_count; i++) {
        if (handles[i].sequence == sequence) {
            return &handles[i];
        }
    }
    return NULL;
}

void judge_sends(struct judge_request *request, unsigned name, const struct sequence *sequence,
                 uint64_t count)
{
    struct named *named = &names[name];
    const struct handle *handle = find_handle(sequence);
    *request = (struct judge_request){.name = name, .sequence = sequence, .count = count};
    if (handle != NULL) {
        request->seen_any = true;
        request->seen = handle->latest;
    }
    request->seen_any_ever = named->answered_any && !named->changed;
    request->seen_ever = named->latest;
    named->unanswered += count;
}

/* P2: the durable record covers it: below its mark, or within its floor. */
static void check_durable(unsigned name, int64_t number)
{
    const struct memory_record *record = memory_disk_find(world, judge_names[name]);
    if (record == NULL) {
        judge_fails("'%s' answered %" PRId64 " and is not remembered", judge_names[name], number);
    }
    const struct store_entry *entry = &record->entry;
    struct floor covered = floor_grown(entry->floor, &entry->definition, entry->mark);
    if (!covered.some || number < covered.low || number > covered.high) {
        judge_fails("'%s' answered %" PRId64 ", which is not durable: %" PRId64 " to %" PRId64
                    " are",
                    judge_names[name], number, covered.low, covered.high);
    }
}

static uint64_t position_of(const struct ledger_entry *row, int64_t number)
{
    if (row->kind == SEQUENCE_COUNTER) {
        return (uint64_t)((number - row->start) / row->increment);
    }
    struct layout_parts parts = layout_decode(&row->layout, number);
    return parts.tick << row->layout.counter_bits | parts.counter;
}

/* P9: the newest lease on record that has it says that it may be issued. */
static void check_recorded(unsigned name, int64_t number)
{
    size_t i = world->row_count;
    while (i > 0 && !(world->rows[i - 1].act == LEDGER_LEASE &&
                      strcmp(world->rows[i - 1].name, judge_names[name]) == 0 &&
                      ledger_entry_covers(&world->rows[i - 1], number))) {
        i--;
    }
    if (i == 0) {
        judge_fails("'%s' answered %" PRId64 ", and no lease of it is on record", judge_names[name],
                    number);
    }
    const struct ledger_entry *row = &world->rows[i - 1];
    if (position_of(row, number) < row->from) {
        judge_fails("'%s' answered %" PRId64 ", which its lease on record leaves out: it is issued "
                    "from %" PRId64 " on",
                    judge_names[name], number, ledger_entry_number(row, row->from));
    }
}

static bool is_behind(int64_t number, int64_t earlier, int64_t increment)
{
    return increment > 0 ? number > earlier : number < earlier;
}

/* P3: behind all that had been answered when the request began. */
static void check_order(const struct judge_request *request, const struct block *block)
{
    const struct named *named = &names[request->name];
    if (request->seen_any && !is_behind(block->first, request->seen, block->increment)) {
        judge_fails("'%s' answered %" PRId64 " to a request that began after %" PRId64,
                    judge_names[request->name], block->first, request->seen);
    }
    if (request->seen_any_ever && !named->changed &&
        !is_behind(block->first, request->seen_ever, block->increment)) {
        judge_fails("'%s' answered %" PRId64 " after %" PRId64 " of an earlier life",
                    judge_names[request->name], block->first, request->seen_ever);
    }
}

static void note_latest(const struct judge_request *request, const struct block *block)
{
    struct named *named = &names[request->name];
    struct handle *handle = find_handle(request->sequence);
    if (handle == NULL) {
        if (handle_count == HANDLES_MAX) {
            judge_fails("more than %d sequence objects in a life", HANDLES_MAX);
        }
        handles[handle_count] =
            (struct handle){.sequence = request->sequence, .latest = block->last};
        handle_count++;
    } else if (is_behind(block->last, handle->latest, block->increment)) {
        handle->latest = block->last;
    }
    if (!named->answered_any || is_behind(block->last, named->latest, block->increment)) {
        named->latest = block->last;
    }
    named->answered_any = true;
}

/* P1: nobody has answered it before. */
static void note_number(unsigned name, int64_t number)
{
    if (number < -JUDGE_NUMBER_MAX || number > JUDGE_NUMBER_MAX) {
        judge_fails("'%s' answered %" PRId64 ", far outside", judge_names[name], number);
    }
    uint8_t *answered = &names[name].answered[number + JUDGE_NUMBER_MAX];
    if (*answered != 0 && !names[name].rewound) {
        judge_fails("'%s' answered %" PRId64 " twice", judge_names[name], number);
    }
    *answered = 1;
}

static void note_stamps(int64_t first, int64_t last)
{
    for (unsigned i = 0; i < stamped_count && !names[JUDGE_STAMPS].rewound; i++) {
        if (first <= stamped[i].last && last >= stamped[i].first) {
            judge_fails("'%s' answered %" PRId64 " to %" PRId64 ", and %" PRId64 " to %" PRId64
                        " before",
                        judge_names[JUDGE_STAMPS], first, last, stamped[i].first, stamped[i].last);
        }
    }
    if (stamped_count == STAMPED_MAX) {
        judge_fails("more than %d blocks of timestamps in a world", STAMPED_MAX);
    }
    stamped[stamped_count] = (struct stamped){first, last};
    stamped_count++;
}

/* P1, of numbers that were answered together. */
static void note_numbers(unsigned name, const struct block *block)
{
    if (name == JUDGE_STAMPS) {
        note_stamps(block->first, block->last);
        return;
    }
    for (uint64_t i = 0; i < block->count; i++) {
        note_number(name, block->first + (int64_t)i * block->increment);
    }
}

void judge_elsewhere(unsigned name, const struct definition *definition, struct range range)
{
    for (uint64_t position = range.first; position < range.limit; position++) {
        int64_t number = definition_number_at(definition, position);
        note_numbers(name, &(struct block){number, number, 1, 1});
    }
}

void judge_receives(struct judge_request *request, const struct block *block)
{
    struct named *named = &names[request->name];
    if (block->count != request->count ||
        block->last != block->first + (int64_t)(block->count - 1) * block->increment) {
        judge_fails("'%s' was asked for %" PRIu64 " numbers and answered %" PRId64 " to %" PRId64,
                    judge_names[request->name], request->count, block->first, block->last);
    }
    check_order(request, block);
    note_numbers(request->name, block);
    for (uint64_t i = 0; i < block->count; i++) {
        check_durable(request->name, block->first + (int64_t)i * block->increment);
    }
    if (!named->rewound) { /* then one that is on its way may be of a lease that is over */
        check_recorded(request->name, block->first);
        check_recorded(request->name, block->last);
    }
    note_latest(request, block);
    named->unanswered -= request->count;
    named->received += block->count;
    totals.numbers += block->count;
    totals.stamps += request->name == JUDGE_STAMPS ? block->count : 0;
}

void judge_refused(struct judge_request *request, enum error error)
{
    if (error != ERR_EXHAUSTED && error != ERR_UNAVAILABLE && error != ERR_NOT_FOUND) {
        judge_fails("'%s' refused with '%s'", judge_names[request->name], error_name(error));
    }
    /* What was committed for somebody who left meanwhile waits for the next to come, beyond
     * max_gap, and a crash may come first. */
    names[request->name].unanswered -= error == ERR_UNAVAILABLE ? 0 : request->count;
    totals.refused++;
}

/* P4: what a name has lost, where nothing but crashes can have made it lose any. */
static void check_losses(unsigned name)
{
    const struct named *named = &names[name];
    const struct definition *definition = &named->definition;
    if (!losses_are_exact || named->changed || !named->answered_any ||
        definition->kind == SEQUENCE_TIMESTAMP) { /* whose positions pass as time does */
        return;
    }
    int64_t distance = (named->latest - definition->start) / definition->increment;
    uint64_t lost = (uint64_t)distance + 1 - named->received;
    uint64_t gap = definition->durability == DURABILITY_EVERY ? 0 : definition->max_gap;
    if (lost > crashes * gap + named->unanswered) {
        judge_fails("'%s' lost %" PRIu64 " numbers in %" PRIu64 " crashes of at most %" PRIu64
                    ", and %" PRIu64 " may have been taken by the dead",
                    judge_names[name], lost, crashes, gap, named->unanswered);
    }
}

void judge_end(void)
{
    for (unsigned name = 0; name < JUDGE_NAMES; name++) {
        check_losses(name);
    }
    totals.commits += store_memory_commits(world);
}
