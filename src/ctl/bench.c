#include "base/histogram.h"
#include "check_crew.h"
#include "check_judge.h"
#include "check_way.h"
#include "commands.h"
#include "figure.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>

#define SECONDS_MAX 3600
#define COUNT_MAX 1000000

struct bench {
    struct session session;
    const char *name;
    struct check_way way;
    struct check_crew crew;
};

/* What came of it. */
struct result {
    struct check_verdict verdict;
    struct histogram latencies;
};

static enum outcome run(struct bench *bench, struct result *result)
{
    enum outcome outcome = check_crew_make(&bench->crew);
    if (outcome == OUTCOME_OK) {
        check_crew_begin(&bench->crew);
        outcome = check_crew_run(&bench->crew);
    }
    if (outcome == OUTCOME_OK) {
        outcome = check_crew_end(&bench->crew, bench->session.json);
    }
    if (outcome == OUTCOME_OK) {
        outcome = check_crew_judge(&bench->crew, &result->verdict);
    }
    for (size_t i = 0; outcome == OUTCOME_OK && i < bench->crew.connections; i++) {
        histogram_merge(&result->latencies, &bench->crew.workers[i].latencies);
    }
    return outcome;
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
    uint64_t requests = result->verdict.answered;
    uint64_t numbers = result->verdict.numbers;
    printf("%" PRIu64 " connections to %s, sequence %s, %s, %" PRIu64 " number%s a request\n",
           bench->crew.connections, address_name(&bench->session.options.address), bench->name,
           figure_ns(bench->crew.ns, text), bench->crew.load.count,
           bench->crew.load.count == 1 ? "" : "s");
    struct table *table = table_new("what\t>total\t>rate\tunit");
    table_add(table, "requests");
    table_add(table, "%s", figure_grouped(requests, text));
    table_add(table, "%s", figure_grouped(figure_rate(requests, bench->crew.ns), rate));
    table_add(table, "a second");
    table_add(table, "numbers");
    table_add(table, "%s", figure_grouped(numbers, text));
    table_add(table, "%s", figure_grouped(figure_rate(numbers, bench->crew.ns), rate));
    table_add(table, "a second");
    table_print_bare(table, stdout);
    table_free(table);
    fputs("latency ", stdout);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t ns = histogram_quantile(&result->latencies, quantiles[i].thousandths);
        printf("%s %s %s", i > 0 ? "," : "", quantiles[i].name, figure_ns(ns, text));
    }
    printf("\nrefused for a while: %s\n", figure_grouped(result->verdict.failed, text));
    if (check_verdict_is_good(&result->verdict)) {
        puts("every number came once, and in the order of real time");
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
    uint64_t requests = result->verdict.answered;
    uint64_t numbers = result->verdict.numbers;
    json_t *object = json_pack("{s:s}", "sequence", bench->name);
    json_t *latencies = json_object();
    set_count(object, "connections", bench->crew.connections);
    set_count(object, "count", bench->crew.load.count);
    set_count(object, "nanoseconds", bench->crew.ns);
    set_count(object, "requests", requests);
    set_count(object, "numbers", numbers);
    set_count(object, "requests_per_second", figure_rate(requests, bench->crew.ns));
    set_count(object, "numbers_per_second", figure_rate(numbers, bench->crew.ns));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        set_count(latencies, quantiles[i].member,
                  histogram_quantile(&result->latencies, quantiles[i].thousandths));
    }
    (void)json_object_set_new(object, "latency_ns", latencies); /* NULL is refused */
    set_count(object, "refused", result->verdict.failed);
    set_count(object, "repeated", result->verdict.repeats);
    set_count(object, "disordered", result->verdict.disordered);
    set_count(object, "inexact", result->verdict.wrong + result->verdict.strayed);
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
    const struct check_verdict *verdict = &result->verdict;
    if (!check_verdict_is_good(verdict)) {
        return outcome_fail(OUTCOME_FAILED,
                            "%" PRIu64 " blocks hold a number that came before, %" PRIu64
                            " are out of order, %" PRIu64 " not what was asked for: this server "
                            "breaks its promise; 'seqctl check' shows how",
                            verdict->repeats, verdict->disordered,
                            verdict->wrong + verdict->strayed);
    }
    if (verdict->answered == 0) {
        return outcome_fail(OUTCOME_UNAVAILABLE, "no request was answered with numbers");
    }
    return OUTCOME_OK;
}

/* ---- the command ---- */

static enum outcome understand(const struct arguments *arguments, struct bench *bench)
{
    struct check_crew *crew = &bench->crew;
    bench->name = arguments->word_count > 0 ? arguments->words[0] : "default";
    enum outcome outcome = session_check_name(bench->name);
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_CONNECTIONS, 1, CHECK_CONNECTIONS_MAX, 16,
                                   &crew->connections);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_SECONDS, 1, SECONDS_MAX, 10, &crew->seconds);
    }
    if (outcome == OUTCOME_OK) {
        outcome = arguments_number(arguments, OPTION_COUNT, 1, COUNT_MAX, 1, &crew->load.count);
    }
    if (outcome == OUTCOME_OK) {
        outcome = session_open(arguments, &bench->session);
    }
    bench->way = (struct check_way){.options = bench->session.options, .form = CHECK_JSON};
    if (outcome == OUTCOME_OK) {
        check_way_aim(&bench->way, bench->name, crew->load.count);
    }
    crew->ways = &bench->way;
    crew->way_count = 1;
    return outcome;
}

enum outcome bench_run(const struct arguments *arguments)
{
    static struct bench bench; /* large for a stack, as the next */
    static struct result result;
    enum outcome outcome = understand(arguments, &bench);
    if (outcome == OUTCOME_OK) {
        outcome = run(&bench, &result);
    }
    if (outcome == OUTCOME_OK) {
        outcome = tell(&bench, &result);
    }
    check_crew_fini(&bench.crew);
    session_close(&bench.session);
    return outcome;
}
