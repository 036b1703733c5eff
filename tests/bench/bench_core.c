/* The fast path in this process: numbers a second from sequence_take() against a bare
 * compare-and-swap loop, in turn, in several rounds; medians and their ratio. `make bench-core`,
 * with ROUNDS and NUMBERS from the environment.
 *
 * The store is the one in memory, so that no disk is measured. Time is the processor time of the
 * threads, each on a processor of its own where the system lets it be: what else the machine does
 * is not measured either. */
#include "core_house.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 101
#define THREADS_MAX 2

struct work {
    struct house *house;
    struct sequence *sequence;
    uint64_t numbers; /* to take, by each thread */
    uint64_t count;   /* at once */
    _Atomic uint64_t bare;
};

/* One thread of a measurement. */
struct worker {
    void (*run)(struct work *work);
    struct work *work;
    unsigned processor;
    double millions; /* of numbers a second */
    pthread_t thread;
};

static uint64_t knob(const char *name, uint64_t otherwise, uint64_t max)
{
    const char *text = getenv(name);
    char *end = NULL;
    uint64_t value = text != NULL ? strtoull(text, &end, 10) : otherwise;
    if (value < 1 || value > max || (end != NULL && *end != '\0')) {
        fprintf(stderr, "%s must be 1 to %" PRIu64 "\n", name, max);
        exit(2);
    }
    return value;
}

/* What any lock-free counter costs: one compare-and-swap for a number, and nothing else. */
static void take_bare(struct work *work)
{
    for (uint64_t taken = 0; taken < work->numbers; taken += work->count) {
        /* order: relaxed; pairs with nothing, it is the yardstick. */
        uint64_t next = atomic_load_explicit(&work->bare, memory_order_relaxed);
        /* order: relaxed; pairs with nothing, as above. */
        while (!atomic_compare_exchange_weak_explicit(&work->bare, &next, next + work->count,
                                                      memory_order_relaxed, memory_order_relaxed)) {
        }
    }
}

static void take_once(struct sequence *sequence, uint64_t count)
{
    struct block block;
    if (sequence_take(sequence, count, &block) == ERR_OK) {
        return;
    }
    struct caller caller;
    house_ask(&caller, sequence, count, HOUSE_PATIENCE_MS);
    if (house_answer_to(&caller) != ERR_OK) {
        fprintf(stderr, "a wait for numbers ended without any\n");
        exit(1);
    }
}

static void take_from_sequence(struct work *work)
{
    for (uint64_t taken = 0; taken < work->numbers; taken += work->count) {
        take_once(work->sequence, work->count);
    }
}

/* As a front does it: by name, each time. */
static void take_by_name(struct work *work)
{
    for (uint64_t taken = 0; taken < work->numbers; taken += work->count) {
        take_once(registry_find(work->house->registry, "default", 7), work->count);
    }
}

static double thread_seconds(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); /* exists on every Linux */
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void *work_on(void *argument)
{
    struct worker *worker = argument;
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(worker->processor, &processors);
    /* Where it may not choose, the figures jump a little more. */
    (void)pthread_setaffinity_np(pthread_self(), sizeof processors, &processors);
    double began = thread_seconds();
    worker->run(worker->work);
    worker->millions = (double)worker->work->numbers / (thread_seconds() - began) / 1e6;
    return NULL;
}

/* Millions of numbers a second, of all threads together. */
static double measure(void (*run)(struct work *work), struct work *work, unsigned threads)
{
    struct worker workers[THREADS_MAX];
    double millions = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.run = run, .work = work, .processor = i};
        if (pthread_create(&workers[i].thread, NULL, work_on, &workers[i]) != 0) {
            fprintf(stderr, "no thread\n");
            exit(1);
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        millions += workers[i].millions;
    }
    return millions;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof values[0], by_size);
    return values[count / 2];
}

/* One line of the table; returns the ratio of the sequence to the bare loop. */
static double compare(struct work *work, unsigned threads, unsigned rounds)
{
    static double bare[ROUNDS_MAX];
    static double taken[ROUNDS_MAX];
    static double named[ROUNDS_MAX];
    for (unsigned i = 0; i < rounds; i++) {
        bare[i] = measure(take_bare, work, threads);
        taken[i] = measure(take_from_sequence, work, threads);
        named[i] = measure(take_by_name, work, threads);
    }
    double bare_median = median(bare, rounds);
    double taken_median = median(taken, rounds);
    double named_median = median(named, rounds);
    printf("%7u %6" PRIu64 " %16.1f %16.1f %7.2f %16.1f %7.2f\n", threads, work->count, bare_median,
           taken_median, taken_median / bare_median, named_median, named_median / bare_median);
    return taken_median / bare_median;
}

int main(void)
{
    unsigned rounds = (unsigned)knob("ROUNDS", 11, ROUNDS_MAX);
    uint64_t numbers = knob("NUMBERS", 20000000, UINT64_C(1) << 40);
    void *state = NULL;
    if (house_build(&state) != 0) {
        return 1;
    }
    struct house *house = state;
    struct definition definition = definition_default();
    definition.max_gap = UINT64_C(1) << 32;
    house_declare(house, "default", definition);
    house_start(house);
    static struct work work;
    work.house = house;
    work.sequence = house_find(house, "default");

    printf("millions of numbers a second, medians of %u rounds\n", rounds);
    printf("threads  count  compare-and-swap    sequence_take   ratio     find and take   ratio\n");
    work.count = 1;
    work.numbers = numbers;
    double ratio = compare(&work, 1, rounds);
    work.numbers = numbers / 2;
    (void)compare(&work, 2, rounds);
    work.count = 100;
    work.numbers = numbers * 10;
    (void)compare(&work, 1, rounds);
    (void)house_tear_down(&state);
    printf("one thread, one number at a time, against the bare loop: %.2f (wanted: 0.70): %s\n",
           ratio, ratio >= 0.7 ? "reached" : "MISSED");
    return 0;
}
