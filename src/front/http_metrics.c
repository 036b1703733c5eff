#include "http_metrics.h"

#include "base/version.h"
#include "core/keeper.h"
#include "front/grpc.h"
#include "http_metrics_time.h"
#include "http_process.h"
#include "http_reply.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define NS_PER_S 1e9

/* What one sequence says at one moment. */
struct sample {
    const char *name; /* the sequence's own */
    struct sequence_status status;
};

struct samples {
    struct sample *items; /* HTTP_METRICS_SEQUENCES_MAX of them */
    size_t count;
    size_t sequences; /* all, also those beyond the bound */
};

static void head(FILE *page, const char *name, const char *type, const char *help)
{
    fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void plain(FILE *page, const char *name, const char *type, const char *help, uint64_t value)
{
    head(page, name, type, help);
    fprintf(page, "%s %" PRIu64 "\n", name, value);
}

/* ---- of each sequence ---- */

static uint64_t issued(const struct sequence_status *status)
{
    return status->issued;
}

static uint64_t burnt(const struct sequence_status *status)
{
    return status->burnt;
}

static uint64_t waited(const struct sequence_status *status)
{
    return status->waited;
}

static uint64_t waiters(const struct sequence_status *status)
{
    return status->waiters;
}

static uint64_t unissued(const struct sequence_status *status)
{
    return status->unissued;
}

static uint64_t lease_size(const struct sequence_status *status)
{
    return status->lease_size;
}

static uint64_t rate(const struct sequence_status *status)
{
    return status->rate;
}

static uint64_t left(const struct sequence_status *status)
{
    return status->next < status->capacity ? status->capacity - status->next : 0;
}

static const struct {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const struct sequence_status *status);
} of_each[] = {
    {"seqd_numbers_issued_total", "counter", "Numbers taken, since the start.", issued},
    {"seqd_numbers_burnt_total", "counter", "Numbers leased and given up, since the start.", burnt},
    {"seqd_lease_waits_total", "counter", "Requests that had to wait for a lease.", waited},
    {"seqd_lease_waiters", "gauge", "Requests that wait for a lease now.", waiters},
    {"seqd_lease_unissued", "gauge", "Numbers leased and not issued: what a crash would lose now.",
     unissued},
    {"seqd_lease_size", "gauge", "Numbers that the next renewal asks for.", lease_size},
    {"seqd_sequence_rate", "gauge", "Numbers a second, as of the last renewal.", rate},
    {"seqd_sequence_left", "gauge", "Numbers that are left.", left},
};

static void write_sequences(FILE *page, const struct samples *samples)
{
    for (size_t i = 0; i < sizeof of_each / sizeof of_each[0]; i++) {
        head(page, of_each[i].name, of_each[i].type, of_each[i].help);
        for (size_t j = 0; j < samples->count; j++) {
            fprintf(page, "%s{sequence=\"%s\"} %" PRIu64 "\n", of_each[i].name,
                    samples->items[j].name, of_each[i].value(&samples->items[j].status));
        }
    }
}

/* What is a share or an estimate, and so a floating-point number: no number of a sequence is. */
static void write_forecasts(FILE *page, const struct samples *samples)
{
    head(page, "seqd_sequence_used_ratio", "gauge", "Share of all numbers that is used up.");
    for (size_t i = 0; i < samples->count; i++) {
        const struct sequence_status *status = &samples->items[i].status;
        fprintf(page, "seqd_sequence_used_ratio{sequence=\"%s\"} %.6g\n", samples->items[i].name,
                1.0 - (double)left(status) / (double)status->capacity);
    }
    head(page, "seqd_sequence_exhaustion_seconds", "gauge",
         "Seconds until the numbers end at the present rate.");
    for (size_t i = 0; i < samples->count; i++) {
        const struct sequence_status *status = &samples->items[i].status;
        fprintf(page, "seqd_sequence_exhaustion_seconds{sequence=\"%s\"} ", samples->items[i].name);
        uint64_t pace = sequence_pace(status);
        if (pace > 0) {
            fprintf(page, "%" PRIu64 "\n", left(status) / pace);
        } else {
            fputs("+Inf\n", page);
        }
    }
}

static void write_times(FILE *page, const struct samples *samples)
{
    head(page, "seqd_timestamp_borrowed_seconds", "gauge",
         "How far the time of the last number runs ahead of the clock.");
    for (size_t i = 0; i < samples->count; i++) {
        http_metrics_borrowed(page, samples->items[i].name, &samples->items[i].status);
    }
    head(page, "seqd_timestamp_mark_ahead_seconds", "gauge",
         "How far the durable mark stands ahead of the clock; below 0 once time has passed it.");
    for (size_t i = 0; i < samples->count; i++) {
        http_metrics_mark(page, samples->items[i].name, &samples->items[i].status);
    }
}

static void sample_one(void *context, struct sequence *sequence)
{
    struct samples *samples = context;
    samples->sequences++;
    if (samples->count < HTTP_METRICS_SEQUENCES_MAX) {
        struct sample *sample = &samples->items[samples->count++];
        sample->name = sequence_name(sequence);
        sequence_describe(sequence, &sample->status);
    }
}

/* ---- of the service ---- */

static void write_timing(FILE *page, const char *name, const char *help,
                         const struct timing *timing)
{
    uint64_t below = 0;
    head(page, name, "histogram", help);
    for (unsigned i = 0; i < TIMING_BOUNDS; i++) {
        below += timing->buckets[i];
        fprintf(page, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                (double)timing_bound_ns(i) / NS_PER_S, below);
    }
    fprintf(page, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, timing->count);
    fprintf(page, "%s_sum %.9g\n%s_count %" PRIu64 "\n", name, (double)timing->sum_ns / NS_PER_S,
            name, timing->count);
}

static void write_store(FILE *page, const struct keeper_health *health)
{
    plain(page, "seqd_store_up", "gauge", "1 while the store takes commits, 0 after it has failed.",
          health->failing ? 0 : 1);
    plain(page, "seqd_store_errors_total", "counter", "Commits that failed.",
          health->failed_commits);
    plain(page, "seqd_store_failures", "gauge", "Failures of the store in a row.",
          health->failures);
    plain(page, "seqd_commits_total", "counter", "Durable commits that reserved numbers.",
          health->commits);
    plain(page, "seqd_lease_renewals_total", "counter", "Leases published.", health->renewals);
    write_timing(page, "seqd_commit_duration_seconds", "How long the store took for a commit.",
                 &health->commit_times);
    write_timing(page, "seqd_renewal_duration_seconds",
                 "From the keeper's answer to a call until its leases were published.",
                 &health->renewal_times);
}

static void write_requests(FILE *page, struct http_counters *counters)
{
    head(page, "seqd_http_requests_total", "counter", "Requests answered, by status.");
    for (unsigned i = 0; i < HTTP_COUNTER_STATUSES; i++) {
        uint64_t count = http_counters_sum(counters, i);
        unsigned status = http_counters_status(i);
        if (status == 0 && count == 0) {
            continue;
        }
        if (status == 0) {
            fprintf(page, "seqd_http_requests_total{code=\"other\"} %" PRIu64 "\n", count);
        } else {
            fprintf(page, "seqd_http_requests_total{code=\"%u\"} %" PRIu64 "\n", status, count);
        }
    }
}

static void write_refusals(FILE *page, struct refusals *refusals)
{
    head(page, "seqd_http_refusals_total", "counter",
         "Requests and connections refused for want of a right, time or room, by reason.");
    for (unsigned i = 0; i < REFUSALS_HTTP; i++) {
        enum refusal kind = (enum refusal)i;
        fprintf(page, "seqd_http_refusals_total{reason=\"%s\"} %" PRIu64 "\n", refusal_name(kind),
                refusals_count(refusals, kind));
    }
}

static void write_changes(FILE *page, struct http_counters *counters)
{
    head(page, "seqd_admin_changes_total", "counter",
         "Administrative changes that were asked for, by action and by what became of them.");
    for (unsigned action = 0; action < HTTP_COUNTER_ACTIONS; action++) {
        for (unsigned result = 0; result < HTTP_COUNTER_RESULTS; result++) {
            fprintf(page, "seqd_admin_changes_total{action=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                    http_counters_action(action), http_counters_result(result),
                    http_counters_changes(counters, action, result));
        }
    }
}

static void write_page(FILE *page, struct http_request *request, struct samples *samples)
{
    struct keeper_health health;
    keeper_health(request->service->keeper, &health);
    registry_each(request->service->registry, sample_one, samples);

    head(page, "seqd_build_info", "gauge", "Always 1; the label says what runs.");
    fprintf(page, "seqd_build_info{version=\"%s\"} 1\n", SEQD_VERSION);
    http_process_write(page);
    write_requests(page, &request->service->counters);
    write_refusals(page, &request->service->refusals);
    write_changes(page, &request->service->counters);
    plain(page, "seqd_http_connections", "gauge", "Connections that are open.",
          guests_count(&request->service->guests));
    grpc_metrics(request->service->grpc, page);
    write_store(page, &health);
    plain(page, "seqd_sequences", "gauge", "Sequences that are served.", samples->sequences);
    plain(page, "seqd_sequences_unlabelled", "gauge",
          "Sequences that are left out below, because there are too many.",
          samples->sequences - samples->count);
    write_sequences(page, samples);
    write_forecasts(page, samples);
    write_times(page, samples);
    http_metrics_steps(page, registry_timekeeper(request->service->registry));
}

enum MHD_Result http_metrics(struct http_request *request)
{
    char *text = NULL;
    size_t length = 0;
    enum MHD_Result result = MHD_NO;
    struct samples samples = {.items = calloc(HTTP_METRICS_SEQUENCES_MAX, sizeof *samples.items)};
    FILE *page = samples.items != NULL ? open_memstream(&text, &length) : NULL;

    if (page != NULL) {
        write_page(page, request, &samples);
        bool complete = ferror(page) == 0;
        /* A page that was cut is worse than none. Where the last of it finds no memory, glibc says
         * that all is well, and leaves no text. */
        complete = fclose(page) == 0 && text != NULL && complete;
        if (complete) {
            result = http_reply_page(request, TYPE_METRICS, text, length);
        }
    }
    free(text);
    free(samples.items);
    return result;
}
