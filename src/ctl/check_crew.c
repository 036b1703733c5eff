#include "check_crew.h"

#include "crew.h"
#include "refusal.h"

#include <stdlib.h>

enum outcome check_crew_make(struct check_crew *crew)
{
    struct check_load *load = &crew->load;
    load->takes_max = CHECK_TAKES_MAX / (size_t)crew->connections;
    load->start = clock_now();
    load->end = clock_after(load->start, crew->seconds * CLOCK_NS_PER_S);
    crew->workers = calloc(crew->connections, sizeof *crew->workers);
    if (crew->workers == NULL) {
        return outcome_fail(OUTCOME_UNAVAILABLE, "out of memory");
    }
    for (uint32_t i = 0; i < crew->connections; i++) {
        crew->workers[i].load = load;
        crew->workers[i].way = &crew->ways[i % crew->way_count];
        crew->workers[i].connection = i;
    }
    return OUTCOME_OK;
}

void check_crew_begin(struct check_crew *crew)
{
    bool through = crew->load.through;
    crew->load.through = false;
    check_worker_begin(&crew->workers[0]);
    crew->load.through = through;
}

static uint64_t answered(void *context)
{
    struct check_crew *crew = context;
    uint64_t requests = 0;
    for (size_t i = 0; i < crew->connections; i++) {
        requests += check_worker_answered(&crew->workers[i]);
    }
    return requests;
}

static enum error begin(void *context, size_t index)
{
    struct check_crew *crew = context;
    return check_worker_start(&crew->workers[index]);
}

static void join(void *context, size_t index)
{
    struct check_crew *crew = context;
    check_worker_join(&crew->workers[index]);
}

enum outcome check_crew_run(struct check_crew *crew)
{
    struct crew threads = {.count = (size_t)crew->connections,
                           .start = crew->load.start,
                           .end = crew->load.end,
                           .whole = crew->load.requests,
                           .stop = &crew->load.stop,
                           .begin = begin,
                           .join = join,
                           .done = answered,
                           .context = crew};
    return crew_run(&threads, &crew->ns);
}

enum outcome check_crew_end(const struct check_crew *crew, bool json)
{
    for (size_t i = 0; i < crew->connections; i++) {
        const struct check_worker *worker = &crew->workers[i];
        if (worker->full) {
            outcome_say("no more than %zu answers of a connection are kept: it ended early",
                        crew->load.takes_max);
        }
        if (worker->outcome == OUTCOME_OK) {
            continue;
        }
        const struct answer *answer = &worker->end.answer;
        if (answer->body != NULL && worker->way->form != CHECK_GRPC) {
            return refusal_tell(answer, address_name(&worker->way->options.address), json);
        }
        return outcome_fail(worker->outcome, "%s", worker->end.detail.text);
    }
    return OUTCOME_OK;
}

enum outcome check_crew_judge(struct check_crew *crew, struct check_verdict *ret_verdict)
{
    int64_t increment = crew->load.increment;
    uint64_t step = increment == 0 ? 1 : check_step(increment); /* 0: no block came */
    struct check_history *histories = calloc(crew->connections, sizeof *histories);
    enum error error = histories == NULL ? ERR_NO_MEMORY : ERR_OK;
    for (size_t i = 0; histories != NULL && i < crew->connections; i++) {
        histories[i] = crew->workers[i].history; /* lent: the takes stay the worker's */
    }
    if (error == ERR_OK) {
        error = check_judge(histories, (size_t)crew->connections, step, ret_verdict);
    }
    free(histories);
    if (error != ERR_OK) {
        return outcome_fail(OUTCOME_UNAVAILABLE, "out of memory: the numbers cannot be judged");
    }
    return OUTCOME_OK;
}

void check_crew_fini(struct check_crew *crew)
{
    for (size_t i = 0; crew->workers != NULL && i < crew->connections; i++) {
        check_worker_fini(&crew->workers[i]);
    }
    free(crew->workers);
    crew->workers = NULL;
}
