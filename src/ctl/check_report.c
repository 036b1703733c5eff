#include "check_report.h"

#include "base/clock.h"
#include "figure.h"
#include "outcome.h"
#include "table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MOMENT_SIZE 40
#define VIOLATIONS_SHOWN(count) ((count) < CHECK_EXAMPLES ? (size_t)(count) : CHECK_EXAMPLES)

static int64_t number_of(const struct check_report *report, uint64_t rank)
{
    return check_number(rank, report->increment < 0);
}

/* The time is in the numbers, so there are many that nobody takes. */
static bool has_gaps(const struct check_report *report)
{
    return report->kind == NULL || strcmp(report->kind, "timestamp") != 0;
}

static const struct check_way *way_of(const struct check_report *report, uint32_t connection)
{
    return &report->ways[connection % report->way_count];
}

/* "1.234567890". */
static const char *moment(uint64_t ns, char to[MOMENT_SIZE])
{
    (void)snprintf(to, MOMENT_SIZE, "%" PRIu64 ".%09" PRIu64, ns / CLOCK_NS_PER_S,
                   ns % CLOCK_NS_PER_S);
    return to;
}

/* ---- for people ---- */

static void add_row(struct table *table, const char *what, uint64_t count, const char *meaning)
{
    char text[FIGURE_SIZE];
    table_add(table, "%s", what);
    table_add(table, "%s", figure_grouped(count, text));
    table_add(table, "%s", meaning);
}

static void print_head(const struct check_report *report)
{
    char text[FIGURE_SIZE];
    char name[ADDRESS_SIZE + 16];
    printf("sequence %s%s%s, increment %" PRId64 ", %s, %" PRIu64 " connection%s, %" PRIu64
           " number%s a request\n",
           report->name, report->kind != NULL ? ", " : "", report->kind != NULL ? report->kind : "",
           report->increment, figure_ns(report->ns, text), report->connections,
           report->connections == 1 ? "" : "s", report->count, report->count == 1 ? "" : "s");
    for (size_t i = 0; i < report->way_count; i++) {
        printf("  %s %s\n", i == 0 ? "over" : "    ", check_way_name(&report->ways[i], name));
    }
}

static void print_counts(const struct check_report *report)
{
    const struct check_verdict *verdict = report->verdict;
    struct table *table = table_new("what\t>count\tmeaning");
    add_row(table, "attempted", verdict->attempted, "requests");
    add_row(table, "  ok", verdict->answered, "acknowledged with the numbers that were asked for");
    add_row(table, "  fail", verdict->failed, "not sent, or refused: no number was taken");
    add_row(table, "  info", verdict->unknown, "sent, and its outcome is not known");
    add_row(table, "numbers", verdict->numbers, "acknowledged");
    add_row(table, "duplicated", verdict->duplicated, "numbers that had been answered before");
    add_row(table, "disordered", verdict->disordered,
            "answers below one that was received before their request was sent");
    add_row(table, "inexact", verdict->wrong + verdict->strayed,
            "answers of another count, or not spaced by the increment");
    if (has_gaps(report)) {
        const struct check_gaps *gaps = &verdict->gaps;
        add_row(table, "gaps", gaps->numbers, "numbers never seen between lowest and highest");
        add_row(table, "  unknown", gaps->unknown, "may belong to requests of unknown outcome");
        add_row(table, "  restarts", gaps->restarts, "fell between answers around an outage");
        add_row(table, "  others", gaps->others, "taken by others, or given up by the server");
    }
    add_row(table, "outages", verdict->outages, "times at which the server was away");
    table_print_bare(table, stdout);
    table_free(table);
    if (!has_gaps(report)) {
        puts("gaps are not counted: a timestamp leaves them with every moment that passes");
    }
    if (verdict->numbers > 0) {
        printf("range %" PRId64 " to %" PRId64 "\n", number_of(report, verdict->lowest),
               number_of(report, verdict->highest));
    }
}

static void print_take(const struct check_report *report, const struct check_take *take)
{
    char sent[MOMENT_SIZE];
    char ended[MOMENT_SIZE];
    char name[ADDRESS_SIZE + 16];
    uint64_t step = check_step(report->increment);
    uint64_t high = take->low + (take->count - 1) * step;
    printf("    %" PRId64, number_of(report, take->low));
    if (take->count > 1) {
        printf(" to %" PRId64, number_of(report, high));
    }
    printf("  sent %s s, received %s s, connection %" PRIu32 ", %s\n",
           moment(take->span.sent_ns, sent), moment(take->span.ended_ns, ended), take->connection,
           check_way_name(way_of(report, take->connection), name));
}

static void print_pairs(const struct check_report *report, const struct check_pair *pairs,
                        uint64_t count, const char *what)
{
    for (size_t i = 0; i < VIOLATIONS_SHOWN(count); i++) {
        printf("%s: %" PRId64 "\n", what, number_of(report, pairs[i].rank));
        print_take(report, &pairs[i].earlier);
        print_take(report, &pairs[i].later);
    }
}

static void print_wrong(const struct check_report *report)
{
    const struct check_wrong *wrong = &report->verdict->first_wrong;
    char sent[MOMENT_SIZE];
    char ended[MOMENT_SIZE];
    char name[ADDRESS_SIZE + 16];
    printf("inexact: ");
    outcome_print(stdout, wrong->what);
    printf("\n    sent %s s, received %s s, connection %" PRIu32 ", %s\n",
           moment(wrong->span.sent_ns, sent), moment(wrong->span.ended_ns, ended),
           wrong->connection, check_way_name(way_of(report, wrong->connection), name));
}

void check_report_text(const struct check_report *report)
{
    const struct check_verdict *verdict = report->verdict;
    print_head(report);
    print_counts(report);
    print_pairs(report, verdict->duplicates, verdict->repeats, "duplicated");
    print_pairs(report, verdict->disorders, verdict->disordered, "disordered");
    if (verdict->wrong > 0) {
        print_wrong(report);
    }
    for (size_t i = 0; i < VIOLATIONS_SHOWN(verdict->strayed); i++) {
        puts("inexact: not a whole number of increments from the others");
        print_take(report, &verdict->strays[i]);
    }
    if (check_verdict_is_good(verdict)) {
        puts("every number came once, in the order of real time, and as it was asked for");
    }
}

/* ---- for programs ---- */

static void set_number(json_t *object, const char *member, int64_t value)
{
    char text[FIGURE_SIZE];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    (void)json_object_set_new(object, member, json_string(text)); /* NULL is refused */
}

static void set_count(json_t *object, const char *member, uint64_t value)
{
    char text[FIGURE_SIZE];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    (void)json_object_set_new(object, member, json_string(text)); /* NULL is refused */
}

static void set_span(json_t *object, const struct check_report *report, struct check_span span,
                     uint32_t connection)
{
    char name[ADDRESS_SIZE + 16];
    const struct check_way *way = way_of(report, connection);
    set_count(object, "sent_ns", span.sent_ns);
    set_count(object, "received_ns", span.ended_ns);
    set_count(object, "connection", connection);
    (void)json_object_set_new(object, "way", json_string(check_way_name(way, name)));
}

static json_t *take_json(const struct check_report *report, const struct check_take *take)
{
    json_t *object = json_object();
    uint64_t high = take->low + (take->count - 1) * check_step(report->increment);
    set_number(object, "first", number_of(report, take->low));
    set_number(object, "last", number_of(report, high));
    set_span(object, report, take->span, take->connection);
    return object;
}

static void append_pairs(json_t *violations, const struct check_report *report,
                         const struct check_pair *pairs, uint64_t count, const char *kind)
{
    for (size_t i = 0; i < VIOLATIONS_SHOWN(count); i++) {
        json_t *object = json_pack("{s:s}", "kind", kind);
        set_number(object, "number", number_of(report, pairs[i].rank));
        (void)json_object_set_new(object, "earlier", take_json(report, &pairs[i].earlier));
        (void)json_object_set_new(object, "later", take_json(report, &pairs[i].later));
        (void)json_array_append_new(violations, object); /* NULL is refused, here and above */
    }
}

static json_t *violations_json(const struct check_report *report)
{
    const struct check_verdict *verdict = report->verdict;
    json_t *violations = json_array();
    append_pairs(violations, report, verdict->duplicates, verdict->repeats, "duplicated");
    append_pairs(violations, report, verdict->disorders, verdict->disordered, "disordered");
    if (verdict->wrong > 0) {
        const struct check_wrong *wrong = &verdict->first_wrong;
        json_t *object = json_pack("{s:s,s:s}", "kind", "inexact", "what", wrong->what);
        set_span(object, report, wrong->span, wrong->connection);
        (void)json_array_append_new(violations, object);
    }
    for (size_t i = 0; i < VIOLATIONS_SHOWN(verdict->strayed); i++) {
        json_t *object = take_json(report, &verdict->strays[i]);
        (void)json_object_set_new(object, "kind", json_string("inexact"));
        (void)json_array_append_new(violations, object);
    }
    return violations;
}

static json_t *gaps_json(const struct check_report *report)
{
    const struct check_gaps *gaps = &report->verdict->gaps;
    if (!has_gaps(report)) {
        return json_null();
    }
    json_t *object = json_object();
    set_count(object, "numbers", gaps->numbers);
    set_count(object, "unknown", gaps->unknown);
    set_count(object, "restarts", gaps->restarts);
    set_count(object, "others", gaps->others);
    return object;
}

static json_t *ways_json(const struct check_report *report)
{
    char name[ADDRESS_SIZE + 16];
    json_t *ways = json_array();
    for (size_t i = 0; i < report->way_count; i++) {
        (void)json_array_append_new(ways, json_string(check_way_name(&report->ways[i], name)));
    }
    return ways;
}

void check_report_json(const struct check_report *report)
{
    const struct check_verdict *verdict = report->verdict;
    json_t *object = json_pack("{s:s,s:s?}", "sequence", report->name, "kind", report->kind);
    set_number(object, "increment", report->increment);
    set_count(object, "connections", report->connections);
    (void)json_object_set_new(object, "ways", ways_json(report)); /* NULL is refused, as below */
    set_count(object, "count", report->count);
    set_count(object, "nanoseconds", report->ns);
    set_count(object, "attempted", verdict->attempted);
    set_count(object, "ok", verdict->answered);
    set_count(object, "fail", verdict->failed);
    set_count(object, "info", verdict->unknown);
    set_count(object, "numbers", verdict->numbers);
    if (verdict->numbers > 0) {
        set_number(object, "lowest", number_of(report, verdict->lowest));
        set_number(object, "highest", number_of(report, verdict->highest));
    }
    set_count(object, "duplicated", verdict->duplicated);
    set_count(object, "disordered", verdict->disordered);
    set_count(object, "inexact", verdict->wrong + verdict->strayed);
    (void)json_object_set_new(object, "gaps", gaps_json(report));
    set_count(object, "outages", verdict->outages);
    (void)json_object_set_new(object, "violations", violations_json(report));
    (void)json_object_set_new(object, "valid", json_boolean(check_verdict_is_good(verdict)));
    session_print_json(object);
    json_decref(object);
}
