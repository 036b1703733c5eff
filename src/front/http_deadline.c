#include "http_deadline.h"

#include <assert.h>
#include <sys/socket.h>
#include <time.h>

#define QUIET_TICK_MS 20 /* how late the end of the last request may be noticed */

/* The lowest bits of a mark; the others are nanoseconds. */
enum phase {
    PHASE_IDLE = 0,
    PHASE_BUSY = 1,
    PHASE_WAITING = 2,
    PHASE_FRESH = 3, /* idle, and no request has come at all */
};
#define PHASE_MASK UINT64_C(3)

static uint64_t mark_now(enum phase phase)
{
    return (clock_now_coarse().ns & ~PHASE_MASK) | (uint64_t)phase;
}

enum error http_deadline_init(struct http_deadline *deadline)
{
    pthread_condattr_t attributes;

    *deadline = (struct http_deadline){.first = NULL};
    if (pthread_mutex_init(&deadline->lock, NULL) != 0) {
        return ERR_NO_MEMORY;
    }
    if (pthread_condattr_init(&attributes) != 0) {
        goto no_attributes;
    }
    if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&deadline->ended, &attributes) != 0) {
        goto no_condition;
    }
    (void)pthread_condattr_destroy(&attributes); /* frees nothing on Linux */
    return ERR_OK;

no_condition:
    (void)pthread_condattr_destroy(&attributes);
no_attributes:
    (void)pthread_mutex_destroy(&deadline->lock); /* nobody holds it */
    return ERR_NO_MEMORY;
}

void http_deadline_fini(struct http_deadline *deadline)
{
    assert(deadline->first == NULL);
    (void)pthread_cond_destroy(&deadline->ended); /* nobody waits */
    (void)pthread_mutex_destroy(&deadline->lock); /* nobody holds it */
}

void http_deadline_limit(struct http_deadline *deadline, unsigned idle_ms, unsigned request_ms)
{
    /* order: relaxed, both; a limit stands alone, and a tick later is soon enough. */
    atomic_store_explicit(&deadline->idle_ns, idle_ms * CLOCK_NS_PER_MS, memory_order_relaxed);
    atomic_store_explicit(&deadline->request_ns, request_ms * CLOCK_NS_PER_MS,
                          memory_order_relaxed);
    uint64_t longest_ns = (idle_ms > request_ms ? idle_ms : request_ms) * CLOCK_NS_PER_MS;
    /* order: relaxed, both; only the owner writes, and it stands alone, too. */
    if (longest_ns > atomic_load_explicit(&deadline->longest_ns, memory_order_relaxed)) {
        atomic_store_explicit(&deadline->longest_ns, longest_ns, memory_order_relaxed);
    }
}

void http_deadline_expect(struct http_deadline *deadline)
{
    pthread_mutex_lock(&deadline->lock);
    deadline->expected++;
    pthread_mutex_unlock(&deadline->lock);
}

void http_deadline_unexpect(struct http_deadline *deadline)
{
    pthread_mutex_lock(&deadline->lock);
    assert(deadline->expected > 0);
    deadline->expected--;
    pthread_mutex_unlock(&deadline->lock);
}

void http_deadline_add(struct http_deadline *deadline, struct http_timed *timed, int fd)
{
    atomic_init(&timed->mark, mark_now(PHASE_FRESH));
    timed->fd = fd;
    timed->over = false;
    timed->ended = false;
    timed->looked = 0;
    timed->previous = NULL;
    pthread_mutex_lock(&deadline->lock);
    assert(deadline->expected > 0);
    deadline->expected--;
    timed->next = deadline->first;
    if (timed->next != NULL) {
        timed->next->previous = timed;
    }
    deadline->first = timed;
    pthread_mutex_unlock(&deadline->lock);
}

bool http_deadline_remove(struct http_deadline *deadline, struct http_timed *timed)
{
    pthread_mutex_lock(&deadline->lock);
    assert(timed->previous != NULL || deadline->first == timed);
    if (timed->previous != NULL) {
        timed->previous->next = timed->next;
    } else {
        deadline->first = timed->next;
    }
    if (timed->next != NULL) {
        timed->next->previous = timed->previous;
    }
    bool over = timed->over;
    pthread_mutex_unlock(&deadline->lock);
    return over;
}

/* Has a connection that bears `mark` used up its time at `now`? */
static bool is_over(uint64_t mark, struct instant now, uint64_t idle_ns, uint64_t request_ns)
{
    uint64_t elapsed_ns = clock_elapsed((struct instant){mark & ~PHASE_MASK}, now);

    switch ((enum phase)(mark & PHASE_MASK)) {
    case PHASE_IDLE:
    case PHASE_FRESH:
        return elapsed_ns > idle_ns;
    case PHASE_BUSY:
        return elapsed_ns > request_ns;
    case PHASE_WAITING:
        return false;
    }
    return false;
}

/* Has its client left it for good, as far as can be told at `now`? The end is looked for once in
 * each idle time, for one that comes later wakes the thread that serves it; and that thread has as
 * long again to begin with what came before the end. The lock is held. */
static bool is_left(struct http_timed *timed, uint64_t mark, struct instant now)
{
    enum phase phase = (enum phase)(mark & PHASE_MASK);
    uint64_t elapsed_ns = clock_elapsed((struct instant){mark & ~PHASE_MASK}, now);

    if ((phase != PHASE_IDLE && phase != PHASE_FRESH) ||
        elapsed_ns < HTTP_LOOK_MS * CLOCK_NS_PER_MS) {
        return false;
    }
    if (timed->looked != mark) {
        char next;

        timed->looked = mark;
        timed->ended = recv(timed->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }
    return timed->ended && elapsed_ns >= 2 * HTTP_LOOK_MS * CLOCK_NS_PER_MS;
}

void http_deadline_reap(struct http_deadline *deadline,
                        void (*over)(void *context, int fd, bool idle), void *context)
{
    struct instant now = clock_now_coarse();
    /* order: relaxed, both; see http_deadline_limit(). */
    uint64_t idle_ns = atomic_load_explicit(&deadline->idle_ns, memory_order_relaxed);
    uint64_t request_ns = atomic_load_explicit(&deadline->request_ns, memory_order_relaxed);

    pthread_mutex_lock(&deadline->lock);
    for (struct http_timed *timed = deadline->first; timed != NULL; timed = timed->next) {
        /* order: relaxed. A mark that is missed now is seen at the next tick. One that is a moment
         * old can only end a connection that was over its limit a moment ago. */
        uint64_t mark = atomic_load_explicit(&timed->mark, memory_order_relaxed);

        if (!timed->over && is_over(mark, now, idle_ns, request_ns)) {
            timed->over = true;
            over(context, timed->fd, (mark & PHASE_MASK) != PHASE_BUSY);
            /* The thread that serves it sees the end of input and closes. Failing means that the
             * client was quicker. */
            (void)shutdown(timed->fd, SHUT_RDWR);
        } else if (!timed->over && is_left(timed, mark, now)) {
            (void)shutdown(timed->fd, SHUT_RDWR); /* as above; nobody was refused */
        }
    }
    pthread_mutex_unlock(&deadline->lock);
}

uint64_t http_deadline_overdue_ns(struct http_deadline *deadline, struct instant now)
{
    uint64_t longest_ns = 0;
    /* order: relaxed; see http_deadline_limit(). */
    uint64_t limit_ns = atomic_load_explicit(&deadline->longest_ns, memory_order_relaxed);

    pthread_mutex_lock(&deadline->lock);
    for (struct http_timed *timed = deadline->first; timed != NULL; timed = timed->next) {
        /* order: relaxed, as in http_deadline_reap(). */
        uint64_t mark = atomic_load_explicit(&timed->mark, memory_order_relaxed);
        uint64_t elapsed_ns = clock_elapsed((struct instant){mark & ~PHASE_MASK}, now);

        longest_ns = elapsed_ns > longest_ns ? elapsed_ns : longest_ns;
    }
    pthread_mutex_unlock(&deadline->lock);
    return longest_ns > limit_ns ? longest_ns - limit_ns : 0;
}

/* Is a request on its way over a connection that bears `mark`, or may one be at `now`? */
static bool is_busy(uint64_t mark, struct instant now)
{
    switch ((enum phase)(mark & PHASE_MASK)) {
    case PHASE_IDLE:
        return false;
    case PHASE_BUSY:
    case PHASE_WAITING:
        return true;
    case PHASE_FRESH:
        return clock_elapsed((struct instant){mark & ~PHASE_MASK}, now) <
               HTTP_FRESH_MS * CLOCK_NS_PER_MS;
    }
    return false;
}

/* The lock is held. */
static unsigned count_busy(struct http_deadline *deadline)
{
    struct instant now = clock_now_coarse();
    unsigned busy = deadline->expected;

    for (struct http_timed *timed = deadline->first; timed != NULL; timed = timed->next) {
        /* order: acq_rel pairs with the exchange in http_timed_begin(): either that one comes first
         * and the request is counted here, or this one does and all that the request does
         * afterwards happens after what this thread did before. */
        uint64_t mark = atomic_fetch_add_explicit(&timed->mark, 0, memory_order_acq_rel);

        busy += is_busy(mark, now) ? 1 : 0;
    }
    return busy;
}

unsigned http_deadline_wait_quiet(struct http_deadline *deadline, struct instant until)
{
    /* order: relaxed. A request that ends before it sees this is noticed a tick later. */
    atomic_store_explicit(&deadline->watched, true, memory_order_relaxed);
    pthread_mutex_lock(&deadline->lock);
    unsigned busy = count_busy(deadline);
    for (struct instant now = clock_now(); busy > 0 && !clock_reached(until, now);
         now = clock_now()) {
        struct instant tick = clock_after(now, QUIET_TICK_MS * CLOCK_NS_PER_MS);
        uint64_t wake_ns = until.ns < tick.ns ? until.ns : tick.ns;
        struct timespec wake = {.tv_sec = (time_t)(wake_ns / CLOCK_NS_PER_S),
                                .tv_nsec = (long)(wake_ns % CLOCK_NS_PER_S)};

        (void)pthread_cond_timedwait(&deadline->ended, &deadline->lock, &wake); /* or ETIMEDOUT */
        busy = count_busy(deadline);
    }
    pthread_mutex_unlock(&deadline->lock);
    return busy;
}

void http_timed_begin(struct http_timed *timed)
{
    /* order: acq_rel pairs with the read in count_busy(), which says why. */
    (void)atomic_exchange_explicit(&timed->mark, mark_now(PHASE_BUSY), memory_order_acq_rel);
}

void http_timed_wait(struct http_timed *timed)
{
    /* order: relaxed. The phase after it is written by the same thread. */
    atomic_store_explicit(&timed->mark, mark_now(PHASE_WAITING), memory_order_relaxed);
}

void http_timed_go_on(struct http_timed *timed)
{
    /* order: relaxed, as in http_timed_wait(). */
    atomic_store_explicit(&timed->mark, mark_now(PHASE_BUSY), memory_order_relaxed);
}

void http_timed_end(struct http_timed *timed, struct http_deadline *deadline)
{
    /* order: release pairs with the acquire in count_busy(): who counts this request as ended sees
     * all that it did. */
    atomic_store_explicit(&timed->mark, mark_now(PHASE_IDLE), memory_order_release);
    /* order: relaxed; see http_deadline_wait_quiet(). */
    if (atomic_load_explicit(&deadline->watched, memory_order_relaxed)) {
        pthread_mutex_lock(&deadline->lock);
        (void)pthread_cond_signal(&deadline->ended); /* fails only for our own bugs */
        pthread_mutex_unlock(&deadline->lock);
    }
}
