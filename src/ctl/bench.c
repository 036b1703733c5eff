#include "base/clock.h"
#include "base/histogram.h"
#include "bench_worker.h"
#include "commands.h"
#include "crew.h"
#include "figure.h"
#include "refusal.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS_MAX 1024
#define SECONDS_MAX 3600
#define COUNT_MAX 1000000
#define SPANS_MAX ((size_t)1 << 25) /* blocks of a whole load: 512 MiB */

struct bench {
    struct session session;
    const char *name;
    char path[SESSION_PATH_SIZE];
    uint64_t connections;
    uint64_t seconds;
    struct bench_load load;
    atomic_bool stop;
    struct bench_worker *workers; /* `connections` of them; NULL before the load */
};

/* What came of it. */
struct result {
    uint64_t ns;
    uint64_t requests;
    uint64_t refused;
    uint64_t disordered;
    uint64_t repeated; /* blocks that share a number with another */
    struct histogram latencies;
};

/* ---- running ---- */

static uint64_t requests_of(void *context)
{
    struct bench *bench = context;
    uint64_t requests = 0;
    for (size_t i = 0; i < bench->connections; i++) {
        requests += bench_worker_requests(&bench->workers[i]);
    }
    return requests;
}

static enum error begin(void *context, size_t index)
{
    struct bench *bench = context;
    return bench_worker_start(&bench->workers[index], &bench->load);
}

static void join(void *context, size_t index)
{
    struct bench *bench = context;
    bench_worker_join(&bench->workers[index]);
}

/* What the first worker met that could not go on. */
static enum outcome tell_end(const struct bench *bench)
{
    for (size_t i = 0; i < bench->connections; i++) {
        const struct bench_worker *worker = &bench->workers[i];
        if (worker->outcome != OUTCOME_OK && worker->answer.body != NULL) {
            return refusal_tell(&worker->answer, address_name(&bench->session.options.address),
                                bench->session.json);
        }
        if (worker->outcome != OUTCOME_OK) {
            return outcome_fail(worker->outcome, "%s", worker->detail.text);
        }
    }
    return OUTCOME_OK;
}

static enum outcome collect(struct bench *bench, struct result *result)
{
    struct spans all = {.items = NULL};
    enum error error = ERR_OK;
    for (size_t i = 0; i < bench->connections && error == ERR_OK; i++) {
        struct bench_worker *worker = &bench->workers[i];
        histogram_merge(&result->latencies, &worker->latencies);
        result->requests += bench_worker_requests(worker);
        result->refused += worker->refused;
        result->disordered += worker->disordered;
        error = spans_add_all(&all, &worker->spans);
        spans_free(&worker->spans); /* they are in `all`, and may be many */
    }
    if (all.count >= SPANS_MAX / 2 && all.count >= bench->load.spans_max) {
        outcome_say("more blocks than are kept for the check: some connections ended early");
    }
    result->repeated = spans_overlaps(&all);
    spans_free(&all);
    if (error != ERR_OK) {
        return outcome_fail(OUTCOME_FAILED, "out of memory: the numbers cannot be checked");
    }
    return OUTCOME_OK;
}

static enum outcome run(struct bench *bench, struct result *result)
{
    bench->workers = calloc(bench->connections, sizeof *bench->workers);
    if (bench->workers == NULL) {
        return outcome_fail(OUTCOME_FAILED, "out of memory");
    }
    struct instant start = clock_now();
    bench->load.end = clock_after(start, bench->seconds * CLOCK_NS_PER_S);
    struct crew crew = {.count = (size_t)bench->connections,
                        .start = start,
                        .end = bench->load.end,
                        .stop = &bench->stop,
                        .begin = begin,
                        .join = join,
                        .done = requests_of,
                        .context = bench};
    enum outcome outcome = crew_run(&crew, &result->ns);
    if (outcome == OUTCOME_OK) {
        outcome = tell_end(bench);
    }
    return outcome != OUTCOME_OK ? outcome : collect(bench, result);
}

/* ---- telling ---- */

static const struct {
    const char *name, *member;
    unsigned thousandths;
} quantiles[] = {{"p50", "p50", 500},
                 {"p90", "p90", 900},
                 {"p99", "p99", 990},
                 {"p99.9", "p99_9", 999},
                 {"max", "max", 1000}};

static void print_text(const struct bench *bench, const struct result *result)
{
    char text[FIGURE_SIZE];
    char rate[FIGURE_SIZE];
    uint64_t numbers = result->requests * bench->load.count;
    printf("%" PRIu64 " connections to %s, sequence %s, %s, %" PRIu64 " number%s a request\n",
           bench->connections, address_name(&bench->session.options.address), bench->name,
           figure_ns(result->ns, text), bench->load.count, bench->load.count == 1 ? "" : "s");
    struct table *table = table_new("what\t>total\t>rate\tunit");
    table_add(table, "requests");
    table_add(table, "%s", figure_grouped(result->requests, text));
    table_add(table, "%s", figure_grouped(figure_rate(result->requests, result->ns), rate));
    table_add(table, "a second");
    table_add(table, "numbers");
    table_add(table, "%s", figure_grouped(numbers, text));
    table_add(table, "%s", figure_grouped(figure_rate(numbers, result->ns), rate));
    table_add(table, "a second");
    table_print_bare(table, stdout);
    table_free(table);
    fputs("latency ", stdout);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t ns = histogram_quantile(&result->latencies, quantiles[i].thousandths);
        printf("%s %s %s", i > 0 ? "," : "", quantiles[i].name, figure_ns(ns, text));
    }
    printf("\nrefused for a while: %s\n", figure_grouped(result->refused, text));
    if (result->repeated == 0 && result->disordered == 0) {
        puts("every number came once, and in order on each connection");
    }
}

static void set_count(json_t *object, const char *member, uint64_t value)
{
    char text[FIGURE_SIZE];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    (void)json_object_set_new(object, member, json_string(text)); /* NULL is refused */
}

static void print_json(const struct bench *bench, const struct result *result)
{
    uint64_t numbers = result->requests * bench->load.count;
    json_t *object = json_pack("{s:s}", "sequence", bench->name);
    json_t *latencies = json_object();
    set_count(object, "connections", bench->connections);
    set_count(object, "count", bench->load.count);
    set_count(object, "nanoseconds", result->ns);
    set_count(object, "requests", result->requests);
    set_count(object, "numbers", numbers);
    set_count(object, "requests_per_second", figure_rate(result->requests, result->ns));
    set_count(object, "numbers_per_second", figure_rate(numbers, result->ns));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        set_count(latencies, quantiles[i].member,
                  histogram_quantile(&result->latencies, quantiles[i].thousandths));
    }
    (void)json_object_set_new(object, "latency_ns", latencies); /* NULL is refused */
    set_count(object, "refused", result->refused);
    set_count(object, "repeated", result->repeated);
    set_count(object, "disordered", result->disordered);
    session_print_json(object);
    json_decref(object);
}

static enum outcome tell(const struct bench *bench, const struct result *result)
{
    if (bench->session.json) {
        print_json(bench, result);
    } else {
        print_text(bench, result);
    }
    if (result->repeated > 0 || result->disordered > 0) {
        return outcome_fail(OUTCOME_FAILED,
                            "%" PRIu64 " blocks hold a number that came before, %" PRIu64
                            " are out of order on their connection: this server breaks its promise",
                            result->repeated, result->disordered);
    }
    if (result->requests == 0) {
        return outcome_fail(OUTCOME_UNAVAILABLE, "no request was answered with numbers");
    }
    return OUTCOME_OK;
}

/* ---- the command ---- */

static enum outcome understand(const struct arguments *arguments, struct bench *bench)
{
    char rest[64];
    bench->name = arguments->word_count > 0 ? arguments->words[0] : "default";
    enum outcome outcome = session_check_name(bench->name);
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_CONNECTIONS, 1, CONNECTIONS_MAX, 16,
                                   &bench->connections);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_SECONDS, 1, SECONDS_MAX, 10, &bench->seconds);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_COUNT, 1, COUNT_MAX, 1, &bench->load.count);
    }
    if (outcome == OUTCOME_OK) {
        outcome = session_open(arguments, &bench->session);
    }
    (void)snprintf(rest, sizeof rest, "/next?count=%" PRIu64, bench->load.count);
    session_path(bench->path, bench->name, rest);
    bench->load.options = &bench->session.options;
    bench->load.path = bench->path;
    bench->load.stop = &bench->stop;
    bench->load.spans_max = SPANS_MAX / (bench->connections > 0 ? (size_t)bench->connections : 1);
    return outcome;
}

enum outcome bench_run(const struct arguments *arguments)
{
    struct bench bench = {.name = NULL};
    static struct result result; /* large for a stack */
    enum outcome outcome = understand(arguments, &bench);
    if (outcome == OUTCOME_OK) {
        outcome = run(&bench, &result);
    }
    if (outcome == OUTCOME_OK) {
        outcome = tell(&bench, &result);
    }
    for (size_t i = 0; bench.workers != NULL && i < bench.connections; i++) {
        bench_worker_fini(&bench.workers[i]);
    }
    free(bench.workers);
    session_close(&bench.session);
    return outcome;
}
