#include "bench_worker.h"

#include "base/text.h"
#include "refusal.h"

#include <jansson.h>
#include <poll.h>
#include <string.h>

#define PAUSE_MS 20 /* after a 503, before it is asked again */

/* ---- a block ---- */

static bool read_number(const json_t *block, const char *member, int64_t *ret_number)
{
    const char *text = json_string_value(json_object_get(block, member));
    return text != NULL && text_parse_int64(text, ret_number) == ERR_OK;
}

bool bench_worker_read(const struct answer *answer, uint64_t count, struct block *ret_block)
{
    struct block block = {.count = count};
    json_t *object = json_loadb(answer->body, answer->length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *said = json_object_get(object, "count");
    bool good = read_number(object, "first", &block.first) &&
                read_number(object, "last", &block.last) &&
                read_number(object, "increment", &block.increment) && json_is_integer(said) &&
                (uint64_t)json_integer_value(said) == count;
    json_decref(object);
    /* Unsigned, so that what is wrong may wrap; then its direction is wrong as well. */
    good =
        good && block.increment != 0 &&
        (uint64_t)block.last - (uint64_t)block.first == (count - 1) * (uint64_t)block.increment &&
        (count == 1 || (block.last > block.first) == (block.increment > 0));
    if (good) {
        *ret_block = block;
    }
    return good;
}

/* ---- a worker ---- */

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
    if (!bench_worker_read(answer, worker->load->count, &block)) {
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
