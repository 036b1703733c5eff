#include "crowd.h"

#include "chance.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct crowd;

/* A block, or that somebody stood in line for none; and of which sequence. */
struct record {
    struct ledger_take take;
    uint64_t left; /* 0: the block was received */
    unsigned sequence;
};

struct member {
    struct crowd *crowd;
    pthread_t thread;
    struct chance chance;
    struct waiter waiter;
    bool spins;
    bool present; /* when its turn comes */
    sem_t over;

    struct record *records; /* owned */
    size_t record_count;
    size_t record_room;
    uint64_t refused[CROWD_SEQUENCES_MAX]; /* positions */
    uint64_t wrong;
    _Atomic uint64_t requests;
    _Atomic uint64_t refusals;
};

/* What is known of a sequence. */
struct target {
    struct sequence *sequence;
    int64_t start;
    int64_t increment;
    _Atomic uint64_t received; /* above every position that anybody has received */
};

struct crowd {
    struct crowd_options options;
    struct target targets[CROWD_SEQUENCES_MAX];
    unsigned target_count;
    _Atomic bool leaving;
    struct member members[];
};

__attribute__((noreturn)) static void die(const char *what)
{
    (void)fprintf(stderr, "crowd: %s\n", what);
    abort();
}

static struct member *member_of(struct waiter *waiter)
{
    return (struct member *)((char *)waiter - offsetof(struct member, waiter));
}

static void done(struct waiter *waiter)
{
    if (sem_post(&member_of(waiter)->over) != 0) {
        die("no semaphore");
    }
}

static bool wanted(struct waiter *waiter)
{
    return member_of(waiter)->present;
}

/* Wait until core is done with the member's waiter. */
static void await(struct member *member, struct target *target)
{
    struct timespec until;
    /* Not sem_clockwait(), which ThreadSanitizer of gcc 12 does not know. */
    (void)clock_gettime(CLOCK_REALTIME, &until); /* exists on every Linux */
    until.tv_sec += (member->crowd->options.wait_max_ms + CROWD_LOST_MS) / 1000;
    if (sem_timedwait(&member->over, &until) != 0) {
        (void)fprintf(stderr, "crowd: a wait for '%s' never ended\n",
                      sequence_name(target->sequence));
        abort();
    }
}

/* Take `count` numbers, waiting where it must. */
static enum error take(struct member *member, struct target *target, uint64_t count,
                       struct block *ret_block, uint64_t *ret_queued)
{
    const struct crowd_options *options = &member->crowd->options;
    enum error error = sequence_take(target->sequence, count, ret_block);
    if (error != ERR_PENDING || member->spins) {
        return error;
    }
    struct waiter *waiter = &member->waiter;
    *waiter = (struct waiter){.count = count, .wanted = wanted, .done = done};
    waiter->deadline = (struct instant){UINT64_MAX};
    if (options->wait_max_ms > 0) {
        uint64_t wait_ms = 1 + chance_below(&member->chance, options->wait_max_ms);
        waiter->deadline = clock_after(clock_now(), wait_ms * CLOCK_NS_PER_MS);
    }
    member->present =
        options->gone_one_in == 0 || chance_below(&member->chance, options->gone_one_in) != 0;
    error = sequence_wait(target->sequence, waiter);
    if (error == ERR_PENDING) {
        *ret_queued = ledger_moment();
        await(member, target);
        error = waiter->error;
    }
    *ret_block = waiter->block;
    return error;
}

/* The positions of `block`, which must be what was asked for. */
static bool positions_of(const struct target *target, const struct block *block, uint64_t count,
                         struct range *ret_positions)
{
    int64_t way = block->first - target->start;
    if (block->count != count || block->increment != target->increment ||
        block->last != block->first + (int64_t)(count - 1) * target->increment ||
        way % target->increment != 0 || way / target->increment < 0) {
        return false;
    }
    uint64_t first = (uint64_t)(way / target->increment);
    *ret_positions = (struct range){first, first + count};
    return true;
}

static void write_down(struct member *member, const struct record *record)
{
    if (member->record_count == member->record_room) {
        member->record_room = member->record_room == 0 ? 4096 : 2 * member->record_room;
        member->records =
            reallocarray(member->records, member->record_room, sizeof member->records[0]);
        if (member->records == NULL) {
            die("no memory");
        }
    }
    member->records[member->record_count++] = *record;
}

static void raise_received(struct target *target, uint64_t limit)
{
    /* order: relaxed. The compare-and-swap checks it again. */
    uint64_t received = atomic_load_explicit(&target->received, memory_order_relaxed);
    while (received < limit) {
        /* order: release pairs with the acquire in request(): whoever asks with this floor asks
         * after this answer. */
        if (atomic_compare_exchange_weak_explicit(&target->received, &received, limit,
                                                  memory_order_release, memory_order_relaxed)) {
            return;
        }
    }
}

static enum error request(struct member *member)
{
    unsigned sequence = (unsigned)chance_below(&member->chance, member->crowd->target_count);
    struct target *target = &member->crowd->targets[sequence];
    uint64_t count = 1 + chance_below(&member->chance, member->crowd->options.count_max);
    struct record record = {.sequence = sequence};
    struct ledger_take *taken = &record.take;
    struct block block;
    /* order: acquire pairs with the release in raise_received(): the answer had come before this
     * request is made. */
    taken->floor = atomic_load_explicit(&target->received, memory_order_acquire);
    taken->asked = ledger_moment();
    enum error error = take(member, target, count, &block, &taken->queued);
    if (error == ERR_PENDING) {
        (void)sched_yield(); /* cannot fail on Linux */
        return error;
    }
    if (error != ERR_OK) {
        member->refused[sequence] += count;
        member->wrong += error != ERR_UNAVAILABLE ? 1 : 0;
        if (taken->queued != 0) {
            record.left = ledger_moment();
            write_down(member, &record);
        }
        return error;
    }
    if (positions_of(target, &block, count, &taken->positions)) {
        raise_received(target, taken->positions.limit);
        write_down(member, &record);
    } else {
        member->wrong++;
    }
    return ERR_OK;
}

static void *run(void *argument)
{
    struct member *member = argument;
    for (;;) {
        enum error error = request(member);
        if (error == ERR_PENDING) {
            continue;
        }
        /* order: relaxed. Counts for who watches. */
        atomic_fetch_add_explicit(&member->requests, 1, memory_order_relaxed);
        if (error == ERR_OK) {
            continue;
        }
        /* order: relaxed. As above. */
        atomic_fetch_add_explicit(&member->refusals, 1, memory_order_relaxed);
        /* order: relaxed. Seen a refusal later it does as well: what is closed stays closed. */
        if (atomic_load_explicit(&member->crowd->leaving, memory_order_relaxed)) {
            return NULL;
        }
    }
}

struct crowd *crowd_start(const struct crowd_options *options, struct sequence *const sequences[],
                          unsigned count)
{
    struct crowd *crowd = calloc(1, sizeof *crowd + options->threads * sizeof crowd->members[0]);
    if (crowd == NULL || count > CROWD_SEQUENCES_MAX) {
        die("no memory");
    }
    crowd->options = *options;
    crowd->target_count = count;
    for (unsigned i = 0; i < count; i++) {
        struct sequence_status status;
        sequence_describe(sequences[i], &status);
        crowd->targets[i].sequence = sequences[i];
        crowd->targets[i].start = status.definition.start;
        crowd->targets[i].increment = status.definition.increment;
    }
    for (unsigned i = 0; i < options->threads; i++) {
        struct member *member = &crowd->members[i];
        member->crowd = crowd;
        member->spins = i < options->spinners;
        member->chance = chance_from(options->seed + i * UINT64_C(1000003));
        if (sem_init(&member->over, 0, 0) != 0 ||
            pthread_create(&member->thread, NULL, run, member) != 0) {
            die("no thread");
        }
    }
    return crowd;
}

uint64_t crowd_requests(struct crowd *crowd)
{
    uint64_t requests = 0;
    for (unsigned i = 0; i < crowd->options.threads; i++) {
        /* order: relaxed. A count. */
        requests += atomic_load_explicit(&crowd->members[i].requests, memory_order_relaxed);
    }
    return requests;
}

uint64_t crowd_refusals_least(struct crowd *crowd)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < crowd->options.threads; i++) {
        /* order: relaxed. A count. */
        uint64_t refusals = atomic_load_explicit(&crowd->members[i].refusals, memory_order_relaxed);
        least = refusals < least ? refusals : least;
    }
    return least;
}

void crowd_leave(struct crowd *crowd)
{
    /* order: relaxed. The close that follows makes it visible, by the sequence's lock. */
    atomic_store_explicit(&crowd->leaving, true, memory_order_relaxed);
}

static void tell(struct ledger *ledger, const struct record *record)
{
    if (record->left != 0) {
        ledger_leave(ledger, (struct ledger_leave){record->take.asked, record->left});
    } else {
        ledger_take(ledger, &record->take);
    }
}

uint64_t crowd_join(struct crowd *crowd, struct ledger *const ledgers[], uint64_t ret_refused[])
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < crowd->target_count; i++) {
        ret_refused[i] = 0;
    }
    for (unsigned i = 0; i < crowd->options.threads; i++) {
        struct member *member = &crowd->members[i];
        (void)pthread_join(member->thread, NULL); /* fails only for our own bugs */
        (void)sem_destroy(&member->over);         /* nobody waits on it */
        for (size_t j = 0; j < member->record_count; j++) {
            tell(ledgers[member->records[j].sequence], &member->records[j]);
        }
        for (unsigned j = 0; j < crowd->target_count; j++) {
            ret_refused[j] += member->refused[j];
        }
        wrong += member->wrong;
        free(member->records);
    }
    free(crowd);
    return wrong;
}
