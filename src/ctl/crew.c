#include "crew.h"

#include "figure.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 40
#define LOOK_MS_BAR 200
#define LOOK_MS_LINES 1000

static void stop_all(const struct crew *crew)
{
    /* order: relaxed. It only says when to end; results are read after the joins. */
    atomic_store_explicit(crew->stop, true, memory_order_relaxed);
}

static bool is_over(const struct crew *crew)
{
    /* order: relaxed, as in stop_all(). */
    return atomic_load_explicit(crew->stop, memory_order_relaxed) ||
           clock_reached(crew->end, clock_now());
}

/* How much is done, of `parts`: by the requests where they are limited, else by the time. */
static uint64_t part_done(const struct crew *crew, uint64_t requests, uint64_t ns, uint64_t parts)
{
    uint64_t whole = crew->whole > 0 ? crew->whole : clock_elapsed(crew->start, crew->end);
    uint64_t done = crew->whole > 0 ? requests : ns;
    return done >= whole || whole < parts ? parts : done / (whole / parts);
}

static void show_progress(const struct crew *crew, bool bar)
{
    char rate[FIGURE_SIZE];
    char bars[BAR_WIDTH + 1];
    uint64_t ns = clock_elapsed(crew->start, clock_now());
    uint64_t requests = crew->done(crew->context);
    (void)figure_grouped(figure_rate(requests, ns), rate);
    if (!bar) {
        fprintf(stderr, "%" PRIu64 " s: %s requests a second\n", ns / CLOCK_NS_PER_S, rate);
        return;
    }
    size_t filled = (size_t)part_done(crew, requests, ns, BAR_WIDTH);
    memset(bars, ' ', BAR_WIDTH);
    memset(bars, '#', filled < BAR_WIDTH ? filled : BAR_WIDTH);
    bars[BAR_WIDTH] = '\0';
    uint64_t percent = part_done(crew, requests, ns, 100);
    fprintf(stderr, "\r[%s] %3" PRIu64 " %%  %s requests a second\033[K", bars,
            percent < 100 ? percent : 100, rate);
}

static void watch(const struct crew *crew, const sigset_t *signals)
{
    bool bar = isatty(STDERR_FILENO) == 1;
    uint64_t step_ns = (bar ? LOOK_MS_BAR : LOOK_MS_LINES) * CLOCK_NS_PER_MS;
    struct instant look = clock_after(crew->start, step_ns);
    while (!is_over(crew)) {
        /* Short waits, so that a load that ended by itself is not waited for. */
        uint64_t wait_ns = LOOK_MS_BAR * CLOCK_NS_PER_MS;
        uint64_t left_ns = clock_elapsed(clock_now(), crew->end);
        wait_ns = left_ns < wait_ns ? left_ns : wait_ns;
        struct timespec wait = {.tv_sec = (time_t)(wait_ns / CLOCK_NS_PER_S),
                                .tv_nsec = (long)(wait_ns % CLOCK_NS_PER_S)};
        if (sigtimedwait(signals, NULL, &wait) > 0) {
            stop_all(crew);
        } else if (clock_reached(look, clock_now())) {
            show_progress(crew, bar);
            look = clock_after(look, step_ns);
        }
    }
    if (bar) {
        fputs("\r\033[K", stderr);
    }
}

/* Signals are the main thread's, so that ^C ends the load and still tells what it found. */
enum outcome crew_run(const struct crew *crew, uint64_t *ret_ns)
{
    sigset_t signals;
    sigset_t before;
    size_t started = 0;
    enum outcome outcome = OUTCOME_OK;
    *ret_ns = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &signals, &before) != 0) {
        return outcome_fail(OUTCOME_FAILED, "signals cannot be taken");
    }
    while (started < crew->count && crew->begin(crew->context, started) == ERR_OK) {
        started++;
    }
    if (started == crew->count) {
        watch(crew, &signals);
    } else {
        stop_all(crew);
        outcome = outcome_fail(OUTCOME_FAILED, "only %zu of %zu threads can be started", started,
                               crew->count);
    }
    /* Only the time is measured in which there was load. */
    *ret_ns = clock_elapsed(crew->start, clock_now());
    for (size_t i = 0; i < started; i++) {
        crew->join(crew->context, i);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* it was right before */
    return outcome;
}
