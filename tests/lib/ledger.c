#include "ledger.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fault {
    FAULT_DUPLICATED,
    FAULT_OUTSIDE,
    FAULT_UNORDERED,
    FAULT_OVERTAKEN,
    FAULTS,
};

static const char *const fault_names[FAULTS] = {"duplicated", "outside", "unordered", "overtaken"};

struct ledger {
    uint8_t *received; /* by position, over all lives */
    uint64_t received_room;

    /* This life. */
    struct ledger_take *takes;
    size_t take_count;
    size_t take_room;
    struct range *leases;
    size_t lease_count;
    size_t lease_room;
    struct ledger_leave *leaves;
    size_t leave_count;
    size_t leave_room;

    /* The lives that have ended. */
    uint64_t taken;
    uint64_t limit;
    uint64_t counts[FAULTS];
    struct ledger_take examples[FAULTS]; /* the first of each */
};

static void *grow(void *items, size_t *room, size_t count, size_t size)
{
    if (count <= *room) {
        return items;
    }
    size_t wanted = *room < 1024 ? 1024 : *room * 2;
    while (wanted < count) {
        wanted *= 2;
    }
    items = reallocarray(items, wanted, size);
    if (items == NULL) {
        perror("ledger");
        abort();
    }
    memset((char *)items + *room * size, 0, (wanted - *room) * size);
    *room = wanted;
    return items;
}

struct ledger *ledger_new(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        perror("ledger");
        abort();
    }
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger != NULL) {
        free(ledger->received);
        free(ledger->takes);
        free(ledger->leases);
        free(ledger->leaves);
        free(ledger);
    }
}

uint64_t ledger_moment(void)
{
    static _Atomic uint64_t moments;
    /* order: acq_rel; pairs with itself in the other threads: a later moment means that what was
     * done before the earlier one is seen. */
    return atomic_fetch_add_explicit(&moments, 1, memory_order_acq_rel) + 1;
}

void ledger_lease(struct ledger *ledger, struct range lease)
{
    ledger->leases = grow(ledger->leases, &ledger->lease_room, ledger->lease_count + 1,
                          sizeof ledger->leases[0]);
    ledger->leases[ledger->lease_count++] = lease;
}

void ledger_take(struct ledger *ledger, const struct ledger_take *take)
{
    ledger->takes =
        grow(ledger->takes, &ledger->take_room, ledger->take_count + 1, sizeof ledger->takes[0]);
    ledger->takes[ledger->take_count++] = *take;
}

void ledger_leave(struct ledger *ledger, struct ledger_leave leave)
{
    ledger->leaves = grow(ledger->leaves, &ledger->leave_room, ledger->leave_count + 1,
                          sizeof ledger->leaves[0]);
    ledger->leaves[ledger->leave_count++] = leave;
}

static void note(struct ledger *ledger, enum fault fault, uint64_t count,
                 const struct ledger_take *take)
{
    if (count > 0 && ledger->counts[fault] == 0) {
        ledger->examples[fault] = *take;
    }
    ledger->counts[fault] += count;
}

/* Mark what `take` received; how much of it had been received before. */
static uint64_t receive(struct ledger *ledger, const struct ledger_take *take)
{
    if (take->positions.limit > LEDGER_POSITIONS_MAX) {
        (void)fprintf(stderr, "ledger: a position beyond %" PRIu64 "\n", LEDGER_POSITIONS_MAX);
        abort();
    }
    uint64_t duplicated = 0;
    ledger->received =
        grow(ledger->received, &ledger->received_room, take->positions.limit, sizeof(uint8_t));
    for (uint64_t i = take->positions.first; i < take->positions.limit; i++) {
        duplicated += ledger->received[i] != 0 ? 1 : 0;
        ledger->received[i] = 1;
    }
    return duplicated;
}

static int by_first(const void *a, const void *b)
{
    uint64_t left = ((const struct range *)a)->first;
    uint64_t right = ((const struct range *)b)->first;
    return (left > right) - (left < right);
}

static int takes_by_first(const void *a, const void *b)
{
    return by_first(&((const struct ledger_take *)a)->positions,
                    &((const struct ledger_take *)b)->positions);
}

static int leaves_by_asked(const void *a, const void *b)
{
    uint64_t left = ((const struct ledger_leave *)a)->asked;
    uint64_t right = ((const struct ledger_leave *)b)->asked;
    return (left > right) - (left < right);
}

/* By the moment of asking; each then knows the last to leave of all who had asked by then. */
static void sort_leaves(struct ledger *ledger)
{
    uint64_t last = 0;
    if (ledger->leave_count > 0) {
        qsort(ledger->leaves, ledger->leave_count, sizeof ledger->leaves[0], leaves_by_asked);
    }
    for (size_t i = 0; i < ledger->leave_count; i++) {
        last = range_max(last, ledger->leaves[i].left);
        ledger->leaves[i].left = last;
    }
}

/* May somebody who gave up have stood, at `moment`, in front of who was in line at `queued`? */
static bool stood_behind_another(const struct ledger *ledger, uint64_t queued, uint64_t moment)
{
    size_t low = 0;
    size_t high = ledger->leave_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ledger->leaves[middle].asked < queued) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && ledger->leaves[low - 1].left > moment;
}

/* Did the latest of those who got less come when this one stood in line, and first? */
static bool is_overtaken(const struct ledger *ledger, const struct ledger_take *take,
                         uint64_t latest)
{
    return take->queued != 0 && latest > take->queued &&
           !stood_behind_another(ledger, take->queued, latest);
}

/* Does a lease, or several that touch, cover `positions`? Both are walked by rising position:
 * `*lease` is where to go on, and is left at the lease that holds the last of `positions`. */
static bool covered(const struct ledger *ledger, struct range positions, size_t *lease)
{
    while (*lease < ledger->lease_count && ledger->leases[*lease].limit <= positions.first) {
        ++*lease;
    }
    if (*lease == ledger->lease_count || ledger->leases[*lease].first > positions.first) {
        return false;
    }
    while (ledger->leases[*lease].limit < positions.limit) {
        if (*lease + 1 == ledger->lease_count ||
            ledger->leases[*lease + 1].first != ledger->leases[*lease].limit) {
            return false;
        }
        ++*lease;
    }
    return true;
}

/* Look at the blocks of this life by rising position. Of those that begin in one lease the latest
 * request is remembered: who stood in line before it was made, and got more, was overtaken. */
static void judge(struct ledger *ledger, struct ledger_life *life)
{
    size_t lease = 0;
    uint64_t latest = 0;
    for (size_t i = 0; i < ledger->take_count; i++) {
        const struct ledger_take *take = &ledger->takes[i];
        size_t lease_before = lease;
        note(ledger, FAULT_DUPLICATED, receive(ledger, take), take);
        note(ledger, FAULT_UNORDERED, take->positions.first < take->floor ? 1 : 0, take);
        note(ledger, FAULT_OUTSIDE, covered(ledger, take->positions, &lease) ? 0 : 1, take);
        latest = lease == lease_before ? latest : 0;
        bool begins_there =
            lease < ledger->lease_count && take->positions.first >= ledger->leases[lease].first;
        note(ledger, FAULT_OVERTAKEN, is_overtaken(ledger, take, latest) ? 1 : 0, take);
        latest = begins_there ? range_max(latest, take->asked) : latest;
        life->taken += range_count(take->positions);
        life->waited += take->queued != 0 ? 1 : 0;
        ledger->limit = range_max(ledger->limit, take->positions.limit);
    }
}

struct ledger_life ledger_end_life(struct ledger *ledger)
{
    struct ledger_life life = {0};
    if (ledger->lease_count > 0) {
        qsort(ledger->leases, ledger->lease_count, sizeof ledger->leases[0], by_first);
    }
    if (ledger->take_count > 0) {
        qsort(ledger->takes, ledger->take_count, sizeof ledger->takes[0], takes_by_first);
    }
    sort_leaves(ledger);
    for (size_t i = 0; i < ledger->lease_count; i++) {
        life.leased += range_count(ledger->leases[i]);
    }
    judge(ledger, &life);
    ledger->taken += life.taken;
    life.limit = ledger->limit;
    ledger->lease_count = 0;
    ledger->take_count = 0;
    ledger->leave_count = 0;
    return life;
}

struct ledger_verdict ledger_verdict(const struct ledger *ledger)
{
    return (struct ledger_verdict){
        .taken = ledger->taken,
        .duplicated = ledger->counts[FAULT_DUPLICATED],
        .outside = ledger->counts[FAULT_OUTSIDE],
        .unordered = ledger->counts[FAULT_UNORDERED],
        .overtaken = ledger->counts[FAULT_OVERTAKEN],
    };
}

bool ledger_is_good(const struct ledger *ledger, const char *name)
{
    bool good = true;
    for (int fault = 0; fault < FAULTS; fault++) {
        const struct ledger_take *take = &ledger->examples[fault];
        if (ledger->counts[fault] == 0) {
            continue;
        }
        good = false;
        (void)fprintf(
            stderr,
            "%s: %" PRIu64 " %s of %" PRIu64 " taken; first: positions %" PRIu64 " to %" PRIu64
            ", floor %" PRIu64 ", asked at %" PRIu64 ", in line at %" PRIu64 "\n",
            name, ledger->counts[fault], fault_names[fault], ledger->taken, take->positions.first,
            take->positions.limit - 1, take->floor, take->asked, take->queued);
    }
    return good;
}
