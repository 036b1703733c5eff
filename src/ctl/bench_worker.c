#include "bench_worker.h"

#include "block_answer.h"
#include "refusal.h"

#include <poll.h>

#define PAUSE_MS 20 /* after a 503, before it is asked again */

static bool is_over(const struct bench_worker *worker)
{
    /* order: relaxed. It only says when to end; what the worker has found is read after the join.
     */
    return atomic_load_explicit(worker->load->stop, memory_order_relaxed) ||
           clock_reached(worker->load->end, clock_now()) ||
           worker->spans.count >= worker->load->spans_max;
}

/* One that cannot go on ends all: the others would meet the same. */
static void end_all(struct bench_worker *worker, enum outcome outcome)
{
    worker->outcome = outcome;
    /* order: relaxed, as in is_over(). */
    atomic_store_explicit(worker->load->stop, true, memory_order_relaxed);
}

static void take_block(struct bench_worker *worker, const struct answer *answer)
{
    struct block block;
    if (!block_answer_read(answer, &block) || !block_answer_is_exact(&block, worker->load->count)) {
        (void)error_fail(&worker->detail, ERR_CORRUPT,
                         "an answer is no block of the count that was asked for");
        end_all(worker, OUTCOME_FAILED);
        return;
    }
    bool up = block.increment > 0;
    struct span span = {.low = up ? block.first : block.last,
                        .high = up ? block.last : block.first};
    if (spans_add(&worker->spans, span) != ERR_OK) {
        (void)error_fail(&worker->detail, ERR_NO_MEMORY, "out of memory");
        end_all(worker, OUTCOME_FAILED);
        return;
    }
    if (worker->has_last && (up ? block.first <= worker->last : block.first >= worker->last)) {
        worker->disordered++;
    }
    worker->has_last = true;
    worker->last = block.last;
}

static void take_answer(struct bench_worker *worker, struct answer *answer, uint64_t ns)
{
    if (refusal_is_none(answer)) {
        histogram_add(&worker->latencies, ns);
        take_block(worker, answer);
        /* order: relaxed. A figure for the progress; nothing else rides on it. */
        (void)atomic_fetch_add_explicit(&worker->requests, 1, memory_order_relaxed);
    } else if (refusal_outcome(answer) == OUTCOME_UNAVAILABLE) {
        worker->refused++;
        (void)poll(NULL, 0, PAUSE_MS); /* an early return only means asking sooner */
    } else {
        worker->answer = *answer;
        *answer = (struct answer){.body = NULL};
        end_all(worker, refusal_outcome(&worker->answer));
    }
}

static void *work(void *context)
{
    struct bench_worker *worker = context;
    struct question question = {
        .method = "GET", .path = worker->load->path, .accept = SERVER_TYPE_JSON};
    struct server *server = server_open(worker->load->options);
    if (server == NULL) {
        (void)error_fail(&worker->detail, ERR_NO_MEMORY, "out of memory");
        end_all(worker, OUTCOME_FAILED);
    }
    while (!is_over(worker)) {
        struct answer answer = {.body = NULL};
        struct instant start = clock_now();
        enum outcome outcome = server_ask(server, &question, &answer, &worker->detail);
        if (outcome == OUTCOME_OK) {
            take_answer(worker, &answer, clock_elapsed(start, clock_now()));
            answer_free(&answer);
        } else {
            end_all(worker, outcome);
        }
    }
    server_close(server);
    return NULL;
}

enum error bench_worker_start(struct bench_worker *worker, const struct bench_load *load)
{
    worker->load = load;
    return pthread_create(&worker->thread, NULL, work, worker) == 0 ? ERR_OK : ERR_UNAVAILABLE;
}

void bench_worker_join(struct bench_worker *worker)
{
    (void)pthread_join(worker->thread, NULL); /* it was started, and is joined once */
}

void bench_worker_fini(struct bench_worker *worker)
{
    spans_free(&worker->spans);
    answer_free(&worker->answer);
}

uint64_t bench_worker_requests(struct bench_worker *worker)
{
    /* order: relaxed, as in take_answer(). */
    return atomic_load_explicit(&worker->requests, memory_order_relaxed);
}
