/* http_metrics_time: the lines of /metrics that tell of clocks, and of timestamp sequences.
 *
 * Threads: any; each function writes to a page of the caller's. */
#ifndef SEQD_FRONT_HTTP_METRICS_TIME_H
#define SEQD_FRONT_HTTP_METRICS_TIME_H

#include "core/sequence.h"

#include <stdio.h>

/* One line for a timestamp sequence, none for a counter: how far its last number runs ahead of the
 * clock, and how far its mark does, below 0 when the clock has passed it. */
void http_metrics_borrowed(FILE *page, const char *name, const struct sequence_status *status);
void http_metrics_mark(FILE *page, const char *name, const struct sequence_status *status);

void http_metrics_steps(FILE *page, struct timekeeper *timekeeper);

#endif
