#include "core/keeper.h"

#include "base/range.h"
#include "core/sequence.h"

#include <pthread.h>
#include <stdlib.h>

struct keeper {
    struct keeper_options options; /* constant */
    pthread_t thread;              /* the owner's */
    struct rope errands_rope;

    /* The keeper's thread alone. */
    struct store_request requests[STORE_REQUESTS_MAX];
    struct sequence *due[STORE_REQUESTS_MAX]; /* due[i] asks for requests[i] */
    uint64_t backoff_ms;

    pthread_mutex_t lock;
    struct keeper_health health; /* lock */
    struct instant busy_since;   /* lock; ns 0 while no call to the store runs */
    struct errand *errands;      /* lock; in the order in which they came */
    struct errand **errands_end; /* lock */
    bool stopped;                /* lock; no errand is taken any more */
};

static void tell(struct keeper *keeper, enum keeper_event event, enum error error, const char *text)
{
    if (keeper->options.event != NULL) {
        keeper->options.event(keeper->options.context, event, error, text);
    }
}

/* ---- what is known of the store's health ---- */

static struct instant store_call_begins(struct keeper *keeper)
{
    struct instant now = clock_now();
    pthread_mutex_lock(&keeper->lock);
    keeper->busy_since = now;
    pthread_mutex_unlock(&keeper->lock);
    return now;
}

/* A call to the store has returned. The time that commits take is a maximum that forgets an
 * eighth at each commit, so that one slow disk flush is remembered for some renewals and not for
 * ever. */
static void store_call_ended(struct keeper *keeper, struct instant began, bool commit,
                             enum error error, const struct error_detail *detail)
{
    uint64_t took_ns = clock_elapsed(began, clock_now());
    bool first_failure = false;
    bool recovered = false;
    pthread_mutex_lock(&keeper->lock);
    struct keeper_health *health = &keeper->health;
    keeper->busy_since = (struct instant){0};
    if (commit) {
        timing_add(&health->commit_times, took_ns);
    }
    if (error == ERR_OK) {
        recovered = health->failing;
        health->failing = false;
        health->failures = 0;
        if (commit) {
            uint64_t remembered_ns = health->commit_ns - health->commit_ns / 8;
            health->commit_ns = took_ns > remembered_ns ? took_ns : remembered_ns;
            health->commits++;
        }
    } else {
        first_failure = !health->failing;
        health->failing = true;
        health->failures++;
        health->failed_commits += commit ? 1 : 0;
        health->detail = *detail;
    }
    pthread_mutex_unlock(&keeper->lock);
    if (first_failure) {
        tell(keeper, KEEPER_STORE_FAILED, error, detail->text);
    }
    if (recovered) {
        tell(keeper, KEEPER_STORE_RECOVERED, ERR_OK, "");
    }
}

static bool is_failing(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool failing = keeper->health.failing;
    pthread_mutex_unlock(&keeper->lock);
    return failing;
}

void keeper_health(struct keeper *keeper, struct keeper_health *ret_health)
{
    struct instant now = clock_now();
    pthread_mutex_lock(&keeper->lock);
    *ret_health = keeper->health;
    ret_health->busy_ns = keeper->busy_since.ns == 0 ? 0 : clock_elapsed(keeper->busy_since, now);
    pthread_mutex_unlock(&keeper->lock);
}

/* ---- errands ---- */

void keeper_submit(struct keeper *keeper, struct errand *errand)
{
    pthread_mutex_lock(&keeper->lock);
    bool refused = keeper->stopped;
    if (!refused) {
        errand->next = NULL;
        *keeper->errands_end = errand;
        keeper->errands_end = &errand->next;
    }
    pthread_mutex_unlock(&keeper->lock);
    if (refused) {
        errand->done(errand, ERR_UNAVAILABLE);
    } else {
        bell_ring(keeper->options.renewals, &keeper->errands_rope);
    }
}

/* The first errand in the queue, or NULL. */
static struct errand *take_errand(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct errand *errand = keeper->errands;
    if (errand != NULL) {
        keeper->errands = errand->next;
        keeper->errands_end = errand->next == NULL ? &keeper->errands : keeper->errands_end;
    }
    pthread_mutex_unlock(&keeper->lock);
    return errand;
}

/* Run the first `count` of those that are queued; while the store is failing, and after the stop,
 * tell them that they cannot be run. */
static void run_errands(struct keeper *keeper, size_t count)
{
    struct errand *errand;
    for (size_t i = 0; i < count && (errand = take_errand(keeper)) != NULL; i++) {
        bool runs = !bell_stopped(keeper->options.renewals) && !is_failing(keeper);
        if (runs) {
            struct error_detail detail = {""};
            struct instant began = store_call_begins(keeper);
            enum error error = errand->run(errand, keeper->options.store, &detail);
            store_call_ended(keeper, began, false, error, &detail);
        }
        errand->done(errand, runs ? ERR_OK : ERR_UNAVAILABLE);
    }
}

/* Those that are still queued have their turn after the renewals that are due. */
static void call_for_errands(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool queued = keeper->errands != NULL;
    pthread_mutex_unlock(&keeper->lock);
    if (queued) {
        bell_ring(keeper->options.renewals, &keeper->errands_rope);
    }
}

/* ---- renewals ---- */

static void note_renewals(struct keeper *keeper, uint64_t published, struct instant answered)
{
    uint64_t took_ns = clock_elapsed(answered, clock_now());
    pthread_mutex_lock(&keeper->lock);
    keeper->health.renewals += published;
    if (published > 0) {
        timing_add(&keeper->health.renewal_times, took_ns);
    }
    pthread_mutex_unlock(&keeper->lock);
}

/* Commit what `count` sequences ask for, and hand each its result. */
static void renew(struct keeper *keeper, size_t count, struct instant answered)
{
    struct error_detail detail = {""};
    uint64_t published = 0;
    struct instant began = store_call_begins(keeper);
    enum error error = store_reserve(keeper->options.store, keeper->requests, count, &detail);
    store_call_ended(keeper, began, true, error, &detail);

    struct keeper_health health;
    keeper_health(keeper, &health);
    struct instant now = clock_now();
    for (size_t i = 0; i < count; i++) {
        struct store_request *request = &keeper->requests[i];
        if (error == ERR_OK && request->error == ERR_OK) {
            sequence_publish(keeper->due[i], request, health.commit_ns, now);
            published++;
            continue;
        }
        sequence_burn(keeper->due[i], request);
        if (error != ERR_OK) {
            bell_ring(keeper->options.renewals,
                      sequence_renewal_rope(keeper->due[i])); /* due after the recovery */
        } else if (request->error == ERR_NOT_FOUND && sequence_is_doubtful(keeper->due[i])) {
            sequence_retire(keeper->due[i], ERR_NOT_FOUND); /* so the drop has succeeded */
        } else {
            tell(keeper, KEEPER_SEQUENCE_FAILED, request->error, request->name);
        }
    }
    note_renewals(keeper, published, answered);
}

/* The store has failed: what was not looked after yet rings again, for after the recovery. */
static void put_back(struct keeper *keeper, struct rope *ropes)
{
    while (ropes != NULL) {
        struct rope *rope = ropes;
        ropes = rope->next;
        bell_release(rope);
        bell_ring(keeper->options.renewals, rope);
    }
}

/* Plan for what rang until a commit's worth has come together; returns the ropes that are left. */
static struct rope *gather(struct keeper *keeper, struct rope *ropes, size_t *ret_count)
{
    size_t count = 0;
    while (ropes != NULL && count < STORE_REQUESTS_MAX) {
        struct rope *rope = ropes;
        ropes = rope->next;
        struct sequence *sequence = sequence_of_rope(rope);
        if (sequence_plan(sequence, clock_now(), &keeper->requests[count])) {
            keeper->due[count++] = sequence;
        }
    }
    *ret_count = count;
    return ropes;
}

/* The ropes without that of the errands. `ret_rang`: was it among them? */
static struct rope *without_errands(struct keeper *keeper, struct rope *ropes, bool *ret_rang)
{
    struct rope **link = &ropes;
    while (*link != NULL && *link != &keeper->errands_rope) {
        link = &(*link)->next;
    }
    *ret_rang = *link != NULL;
    if (*ret_rang) {
        *link = keeper->errands_rope.next;
    }
    return ropes;
}

/* See to everything that rang, in commits of at most STORE_REQUESTS_MAX sequences. Errands come
 * first: what a sequence had planned before one drops it or moves its mark would reach for the
 * record as it was. */
static void answer(struct keeper *keeper, struct rope *ropes)
{
    bool errands;
    ropes = without_errands(keeper, ropes, &errands);
    if (errands) {
        bell_release(&keeper->errands_rope);
        run_errands(keeper, KEEPER_ERRANDS_AT_ONCE);
        call_for_errands(keeper);
    }
    while (ropes != NULL) {
        if (is_failing(keeper)) {
            put_back(keeper, ropes);
            return;
        }
        size_t count = 0;
        struct instant answered = clock_now();
        ropes = gather(keeper, ropes, &count);
        if (count > 0) {
            renew(keeper, count, answered);
        }
    }
}

/* Wait a little, then ask the store to recover. What rings meanwhile stays on the bell's list. */
static void recover(struct keeper *keeper)
{
    struct error_detail detail = {""};
    bell_sleep(keeper->options.renewals,
               clock_after(clock_now(), keeper->backoff_ms * CLOCK_NS_PER_MS));
    keeper->backoff_ms = range_min(keeper->backoff_ms * 2, KEEPER_BACKOFF_MAX_MS);
    struct instant began = store_call_begins(keeper);
    enum error error = store_recover(keeper->options.store, &detail);
    store_call_ended(keeper, began, false, error, &detail);
    if (error == ERR_OK) {
        keeper->backoff_ms = KEEPER_BACKOFF_MIN_MS;
    } else {
        run_errands(keeper, SIZE_MAX);
    }
}

static void *run(void *argument)
{
    struct keeper *keeper = argument;
    while (!bell_stopped(keeper->options.renewals)) {
        if (is_failing(keeper)) {
            recover(keeper);
        } else {
            answer(keeper, bell_answer(keeper->options.renewals, (struct instant){UINT64_MAX}));
        }
    }
    return NULL;
}

enum error keeper_start(const struct keeper_options *options, struct keeper **ret_keeper)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL) {
        return ERR_NO_MEMORY;
    }
    keeper->options = *options;
    keeper->backoff_ms = KEEPER_BACKOFF_MIN_MS;
    keeper->errands_end = &keeper->errands;
    rope_init(&keeper->errands_rope, keeper);
    if (pthread_mutex_init(&keeper->lock, NULL) != 0) {
        free(keeper);
        return ERR_NO_MEMORY;
    }
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        (void)pthread_mutex_destroy(&keeper->lock); /* nobody holds it */
        free(keeper);
        return ERR_NO_MEMORY;
    }
    *ret_keeper = keeper;
    return ERR_OK;
}

void keeper_stop(struct keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    bell_stop(keeper->options.renewals);
    (void)pthread_join(keeper->thread, NULL); /* fails only for our own bugs */
    pthread_mutex_lock(&keeper->lock);
    keeper->stopped = true;
    pthread_mutex_unlock(&keeper->lock);
    run_errands(keeper, SIZE_MAX);
    (void)pthread_mutex_destroy(&keeper->lock); /* nobody holds it */
    free(keeper);
}
