#include "commands.h"
#include "figure.h"
#include "metrics.h"
#include "refusal.h"
#include "session.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REASON_SIZE 512

struct status {
    bool ready;
    char reason[REASON_SIZE]; /* why not; "" when ready */
    char version[64];
    uint64_t sequences;
    uint64_t issued;
    uint64_t waiters;
    uint64_t connections;
    uint64_t requests;
    uint64_t refusals;
    uint64_t commits;
    uint64_t store_errors;
};

static void note(void *context, const struct metric *metric)
{
    struct status *status = context;
    const struct {
        const char *name;
        uint64_t *sum;
    } sums[] = {
        {"seqd_sequences", &status->sequences},
        {"seqd_numbers_issued_total", &status->issued},
        {"seqd_lease_waiters", &status->waiters},
        {"seqd_http_connections", &status->connections},
        {"seqd_http_requests_total", &status->requests},
        {"seqd_http_refusals_total", &status->refusals},
        {"seqd_commits_total", &status->commits},
        {"seqd_store_errors_total", &status->store_errors},
    };
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        if (strcmp(metric->name, sums[i].name) == 0) {
            *sums[i].sum += metric->value;
        }
    }
    if (strcmp(metric->name, "seqd_build_info") == 0 &&
        !metrics_label(metric, "version", status->version, sizeof status->version)) {
        status->version[0] = '\0';
    }
}

/* 200, or the 503 that says why it is not ready; anything else is told. */
static enum outcome ask_ready(struct session *session, struct status *status)
{
    struct question question = {.method = "GET", .path = "/readyz"};
    struct error_detail detail = {.text = ""};
    struct answer answer = {.body = NULL};
    enum outcome outcome = server_ask(session->server, &question, &answer, &detail);
    if (outcome != OUTCOME_OK) {
        return outcome_fail(outcome, "%s", detail.text);
    }
    status->ready = answer.status == 200;
    if (answer.status == 503) {
        json_t *problem = json_loadb(answer.body, answer.length, 0, NULL);
        const char *reason = json_string_value(json_object_get(problem, "detail"));
        (void)snprintf(status->reason, sizeof status->reason, "%s",
                       reason != NULL ? reason : "it does not say why");
        json_decref(problem);
    } else if (answer.status != 200) {
        outcome = refusal_tell(&answer, address_name(&session->options.address), session->json);
    }
    answer_free(&answer);
    return outcome;
}

static enum outcome ask_metrics(struct session *session, struct status *status)
{
    struct question question = {.method = "GET", .path = "/metrics"};
    struct answer answer = {.body = NULL};
    enum outcome outcome = session_ask(session, &question, &answer);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (!metrics_each(answer.body, note, status) || status->version[0] == '\0') {
        outcome = session_garbage(session, "these are not the metrics of a seqd");
    }
    answer_free(&answer);
    return outcome;
}

static void print_json(const struct session *session, const struct status *status)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"sequences", status->sequences},     {"issued", status->issued},
                  {"connections", status->connections}, {"requests", status->requests},
                  {"refusals", status->refusals},       {"waiters", status->waiters},
                  {"commits", status->commits},         {"store_errors", status->store_errors}};
    json_t *object =
        json_pack("{s:s,s:s,s:b,s:s?}", "server", address_name(&session->options.address),
                  "version", status->version, "ready", status->ready ? 1 : 0, "reason",
                  status->ready ? NULL : status->reason);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[FIGURE_SIZE];
        (void)snprintf(text, sizeof text, "%" PRIu64, counts[i].value);
        (void)json_object_set_new(object, counts[i].name, json_string(text)); /* NULL is refused */
    }
    session_print_json(object);
    json_decref(object);
}

static void print_text(const struct session *session, const struct status *status)
{
    char text[FIGURE_SIZE];
    struct table *table = table_new("what\tvalue");
    table_add(table, "server");
    table_add(table, "%s", address_name(&session->options.address));
    table_add(table, "version");
    table_add(table, "%s", status->version);
    table_add(table, "ready");
    table_add(table, "%s%s", status->ready ? "yes" : "no: ", status->reason);
    table_add(table, "sequences");
    table_add(table, "%" PRIu64, status->sequences);
    table_add(table, "numbers issued");
    table_add(table, "%s since the start", figure_grouped(status->issued, text));
    table_add(table, "connections");
    table_add(table, "%s", figure_grouped(status->connections, text));
    table_add(table, "requests");
    table_add(table, "%s", figure_grouped(status->requests, text));
    table_add(table, "refusals");
    table_add(table, "%s", figure_grouped(status->refusals, text));
    table_add(table, "waiting requests");
    table_add(table, "%s", figure_grouped(status->waiters, text));
    table_add(table, "commits");
    table_add(table, "%s", figure_grouped(status->commits, text));
    table_add(table, "store errors");
    table_add(table, "%s", figure_grouped(status->store_errors, text));
    table_print_bare(table, stdout);
    table_free(table);
}

enum outcome status_run(const struct arguments *arguments)
{
    struct session session;
    struct status status = {.ready = false};
    enum outcome outcome = session_open(arguments, &session);
    if (outcome == OUTCOME_OK) {
        outcome = ask_ready(&session, &status);
    }
    if (outcome == OUTCOME_OK) {
        outcome = ask_metrics(&session, &status);
    }
    if (outcome == OUTCOME_OK) {
        if (session.json) {
            print_json(&session, &status);
        } else {
            print_text(&session, &status);
        }
        outcome = status.ready ? OUTCOME_OK : OUTCOME_UNAVAILABLE;
    }
    session_close(&session);
    return outcome;
}
