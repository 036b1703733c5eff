#include "check_worker.h"

#include "block_answer.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS 20 /* after a failure, before it is asked again */

static void end_all(struct check_worker *worker, enum outcome outcome)
{
    if (worker->outcome == OUTCOME_OK) {
        worker->outcome = outcome;
    }
    /* order: relaxed. It only says when to end; what workers found is read after the joins. */
    atomic_store_explicit(&worker->load->stop, true, memory_order_relaxed);
}

static void need(struct check_worker *worker, enum error error)
{
    if (error != ERR_OK && worker->outcome == OUTCOME_OK) {
        (void)error_fail(&worker->end.detail, ERR_NO_MEMORY, "out of memory");
        end_all(worker, OUTCOME_UNAVAILABLE);
    }
}

/* ---- writing down ---- */

static void take(struct check_worker *worker, int64_t first, uint64_t count, struct check_span span)
{
    struct check_take taken = {.low = check_rank(first, worker->load->increment < 0),
                               .span = span,
                               .count = (uint32_t)count, /* COUNT_MAX */
                               .connection = worker->connection};
    need(worker, check_history_take(&worker->history, &taken));
}

/* Each number of a wrong answer is one that was issued all the same. */
static void take_wrong(struct check_worker *worker, const struct check_reply *reply,
                       struct check_span span)
{
    struct check_history *history = &worker->history;
    if (history->wrong_count++ == 0) {
        history->wrong = (struct check_wrong){.span = span, .connection = worker->connection};
        (void)snprintf(history->wrong.what, sizeof history->wrong.what, "%.*s",
                       (int)sizeof history->wrong.what - 1, reply->detail.text);
    }
    if (worker->way->form == CHECK_TEXT) {
        const char *at = reply->answer.body;
        int64_t number = 0;
        while (history->take_count < worker->load->takes_max && block_answer_line(&at, &number)) {
            take(worker, number, 1, span);
        }
    } else if (reply->has_block) {
        take(worker, reply->block.first, 1, span);
        if (reply->block.last != reply->block.first) {
            take(worker, reply->block.last, 1, span);
        }
    }
}

static void note_presence(struct check_worker *worker, bool away, struct check_span span)
{
    if (away && !worker->away) {
        worker->away_ns = span.sent_ns;
    } else if (!away && worker->away) {
        struct check_span outage = {.sent_ns = worker->away_ns, .ended_ns = span.ended_ns};
        need(worker, check_history_miss(&worker->history, &outage));
    }
    worker->away = away;
}

/* An answer with success. */
static void count_answer(struct check_worker *worker, struct check_span span)
{
    histogram_add(&worker->latencies, span.ended_ns - span.sent_ns);
    /* order: relaxed. A figure for the progress; nothing else rides on it. */
    (void)atomic_fetch_add_explicit(&worker->answered, 1, memory_order_relaxed);
}

static void write_down(struct check_worker *worker, const struct check_reply *reply,
                       struct check_span span)
{
    struct check_history *history = &worker->history;
    struct check_loss loss = {.span = span, .count = worker->load->count};
    history->attempted++;
    note_presence(worker, reply->unreached, span);
    switch (reply->event) {
    case CHECK_BLOCK:
        history->answered++;
        take(worker, reply->block.first, reply->block.count, span);
        count_answer(worker, span);
        break;
    case CHECK_WRONG:
        take_wrong(worker, reply, span);
        count_answer(worker, span);
        break;
    case CHECK_FAILED:
    case CHECK_REFUSED:
        history->failed++;
        break;
    case CHECK_LOST:
        need(worker, check_history_lose(history, &loss));
        break;
    }
}

/* ---- asking ---- */

static void go_on(struct check_worker *worker, struct check_reply *reply)
{
    bool over = reply->event == CHECK_REFUSED;
    if (reply->event == CHECK_LOST || reply->event == CHECK_FAILED) {
        over = reply->outcome == OUTCOME_FAILED || (reply->unreached && !worker->load->through);
        (void)poll(NULL, 0, over ? 0 : PAUSE_MS); /* an early return only means asking sooner */
    }
    if (over && worker->outcome == OUTCOME_OK) {
        worker->end = *reply;
        reply->answer = (struct answer){.body = NULL};
        end_all(worker, worker->end.outcome);
    }
}

static void ask(struct check_worker *worker, struct server *server, bool first)
{
    struct check_load *load = worker->load;
    struct check_reply reply;
    struct check_span span = {.sent_ns = clock_elapsed(load->start, clock_now())};
    check_way_ask(worker->way, server, load->count, load->increment, &reply);
    span.ended_ns = clock_elapsed(load->start, clock_now());
    if (first && reply.has_block) {
        load->increment = reply.block.increment; /* before any thread reads it */
    }
    write_down(worker, &reply, span);
    go_on(worker, &reply);
    answer_free(&reply.answer);
}

/* Is there no request left of those that all workers may make? If there is, it is taken. */
static bool is_enough(struct check_load *load)
{
    /* order: relaxed. It only counts. */
    return load->requests > 0 &&
           atomic_fetch_add_explicit(&load->begun, 1, memory_order_relaxed) >= load->requests;
}

static bool is_over(struct check_worker *worker)
{
    struct check_load *load = worker->load;
    /* order: relaxed. It only says when to end. */
    if (atomic_load_explicit(&load->stop, memory_order_relaxed) ||
        clock_reached(load->end, clock_now())) {
        return true;
    }
    worker->full = worker->history.take_count >= load->takes_max ||
                   worker->history.loss_count >= load->takes_max;
    if (worker->full || is_enough(load)) {
        end_all(worker, OUTCOME_OK); /* what is on its way is waited for */
        return true;
    }
    return false;
}

/* Ask until it is over; with `first` until it is known whether there are blocks. */
static void work_for(struct check_worker *worker, bool first)
{
    struct server *server = server_open(&worker->way->options);
    bool known = false;
    if (server == NULL) {
        need(worker, ERR_NO_MEMORY);
    }
    while (server != NULL && !known && !is_over(worker)) {
        ask(worker, server, first);
        known = first && (worker->load->increment != 0 || worker->history.wrong_count > 0);
    }
    server_close(server);
}

void check_worker_begin(struct check_worker *worker)
{
    work_for(worker, true);
}

static void *work(void *context)
{
    struct check_worker *worker = context;
    work_for(worker, false);
    if (worker->away) {
        struct instant now = clock_now();
        struct check_span last = {.sent_ns = worker->away_ns,
                                  .ended_ns = clock_elapsed(worker->load->start, now)};
        note_presence(worker, false, last);
    }
    return NULL;
}

enum error check_worker_start(struct check_worker *worker)
{
    return pthread_create(&worker->thread, NULL, work, worker) == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

void check_worker_join(struct check_worker *worker)
{
    (void)pthread_join(worker->thread, NULL); /* it was started, and is joined once */
}

void check_worker_fini(struct check_worker *worker)
{
    check_history_free(&worker->history);
    answer_free(&worker->end.answer);
}

uint64_t check_worker_answered(struct check_worker *worker)
{
    /* order: relaxed, as in count_answer(). */
    return atomic_load_explicit(&worker->answered, memory_order_relaxed);
}
