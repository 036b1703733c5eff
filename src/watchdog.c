#include "watchdog.h"

#include "base/log.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define NS_PER_US UINT64_C(1000)
#define PATIENCE_NS (WATCHDOG_PATIENCE_MS * CLOCK_NS_PER_MS)

/* ---- the keeper ---- */

static enum error do_nothing(struct errand *errand, struct store *store,
                             struct error_detail *detail)
{
    (void)errand;
    (void)store;
    (void)detail;
    return ERR_OK;
}

/* On the keeper's thread. ERR_UNAVAILABLE is an answer like any other. */
static void note_answer(struct errand *errand, enum error error)
{
    struct watchdog *watchdog =
        (struct watchdog *)((char *)errand - offsetof(struct watchdog, question));
    (void)error;
    /* order: release pairs with the acquire in keeper_lives(): who sees the answer may use the
     * errand again. */
    atomic_store_explicit(&watchdog->answered, true, memory_order_release);
}

static void ask_keeper(struct watchdog *watchdog)
{
    /* order: relaxed; the keeper's lock, which the errand passes through, orders it before the
     * answer. */
    atomic_store_explicit(&watchdog->answered, false, memory_order_relaxed);
    keeper_submit(watchdog->service->keeper, &watchdog->question);
}

static bool keeper_lives(struct watchdog *watchdog, const struct keeper_health *health,
                         struct instant now)
{
    /* order: acquire pairs with the release in note_answer(). */
    if (atomic_load_explicit(&watchdog->answered, memory_order_acquire)) {
        watchdog->alive_from = now;
        ask_keeper(watchdog);
    } else if (health->busy_ns > 0) {
        watchdog->alive_from = now; /* it is the disk that does not answer */
    }
    return clock_elapsed(watchdog->alive_from, now) < PATIENCE_NS;
}

/* ---- telling ---- */

/* One line when it gets stuck, one when it goes on. */
static void tell_change(const char *who, bool stuck, bool *was_stuck)
{
    if (stuck && !*was_stuck) {
        log_error("%s, no longer telling the service manager that all is well", who);
    } else if (!stuck && *was_stuck) {
        log_notice("what was stuck goes on, telling the service manager so");
    }
    *was_stuck = stuck;
}

static void tell_store(struct watchdog *watchdog, const struct keeper_health *health)
{
    if (health->failing == watchdog->store_failing) {
        return;
    }
    watchdog->store_failing = health->failing;
    if (health->failing) {
        (void)sd_notifyf(0, "STATUS=The store takes no commits (%s), serving what is leased",
                         health->detail.text);
    } else {
        (void)sd_notifyf(0, "STATUS=%s", watchdog->status);
    }
}

void watchdog_init(struct watchdog *watchdog, struct service *service, const char *status)
{
    uint64_t limit_us = 0;
    *watchdog = (struct watchdog){.service = NULL};
    if (sd_watchdog_enabled(0, &limit_us) <= 0) {
        return;
    }
    watchdog->service = service;
    watchdog->period_ns = limit_us / 2 * NS_PER_US;
    watchdog->question = (struct errand){.run = do_nothing, .done = note_answer};
    watchdog->alive_from = clock_now();
    watchdog->due = watchdog->alive_from;
    (void)snprintf(watchdog->status, sizeof watchdog->status, "%s",
                   status); /* cut, it still says */
    ask_keeper(watchdog);
}

int watchdog_wait_ms(const struct watchdog *watchdog, struct instant now)
{
    if (watchdog->service == NULL) {
        return -1;
    }
    uint64_t left_ms = clock_elapsed(now, watchdog->due) / CLOCK_NS_PER_MS;
    return left_ms < INT_MAX ? (int)left_ms + 1 : INT_MAX;
}

void watchdog_tick(struct watchdog *watchdog, struct instant now)
{
    if (watchdog->service == NULL || !clock_reached(watchdog->due, now)) {
        return;
    }
    watchdog->due = clock_after(now, watchdog->period_ns);
    struct keeper_health health;
    keeper_health(watchdog->service->keeper, &health);
    bool keeper_stuck = !keeper_lives(watchdog, &health, now);
    bool front_stuck = http_overdue_ns(watchdog->service->http, now) >= PATIENCE_NS;
    bool grpc_stuck = grpc_overdue_ns(watchdog->service->grpc, now) >= PATIENCE_NS;
    tell_change("the keeper answers nobody and is in no call to the store", keeper_stuck,
                &watchdog->keeper_stuck);
    tell_change("a connection is served on long after its time was up", front_stuck,
                &watchdog->front_stuck);
    tell_change("a gRPC thread does not come back from its work", grpc_stuck,
                &watchdog->grpc_stuck);
    tell_store(watchdog, &health);
    if (!keeper_stuck && !front_stuck && !grpc_stuck) {
        (void)sd_notify(0, "WATCHDOG=1"); /* without systemd: does nothing */
    }
}
