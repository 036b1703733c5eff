/* What the metrics say of time. */
#include "http_metrics_time.h"

#include "core/timekeeper.h"

#include <inttypes.h>

/* Milliseconds as seconds, exactly. */
static void write_seconds(FILE *page, const char *name, const char *sequence, int64_t ms)
{
    uint64_t distance = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    fprintf(page, "%s{sequence=\"%s\"} %s%" PRIu64 ".%03" PRIu64 "\n", name, sequence,
            ms < 0 ? "-" : "", distance / 1000, distance % 1000);
}

void http_metrics_borrowed(FILE *page, const char *name, const struct sequence_status *status)
{
    if (status->definition.kind == SEQUENCE_TIMESTAMP) {
        write_seconds(page, "seqd_timestamp_borrowed_seconds", name,
                      (int64_t)status->times.borrowed_ms);
    }
}

void http_metrics_mark(FILE *page, const char *name, const struct sequence_status *status)
{
    if (status->definition.kind == SEQUENCE_TIMESTAMP) {
        write_seconds(page, "seqd_timestamp_mark_ahead_seconds", name,
                      status->times.mark_ms - status->times.clock_ms);
    }
}

void http_metrics_steps(FILE *page, struct timekeeper *timekeeper)
{
    struct timekeeper_steps steps;
    timekeeper_steps(timekeeper, &steps);
    fprintf(page,
            "# HELP seqd_clock_steps_total Steps of the wall clock that were seen, by direction.\n"
            "# TYPE seqd_clock_steps_total counter\n"
            "seqd_clock_steps_total{direction=\"forward\"} %" PRIu64 "\n"
            "seqd_clock_steps_total{direction=\"backward\"} %" PRIu64 "\n",
            steps.forward, steps.backward);
}
