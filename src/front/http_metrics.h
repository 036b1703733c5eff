/* http_metrics: /metrics, in the Prometheus text format 0.0.4.
 *
 * The law: names follow the Prometheus conventions (base units, `_total` for what only rises),
 * and labels come from known sequences only, never from a URL; at most HTTP_METRICS_SEQUENCES_MAX
 * of them are labelled, and how many are not is a metric of its own.
 *
 * Source: Prometheus, "Exposition formats" and "Metric and label naming".
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_METRICS_H
#define SEQD_FRONT_HTTP_METRICS_H

#include "http_request.h"

#include <microhttpd.h>

#define HTTP_METRICS_SEQUENCES_MAX 1000

/* Answer GET /metrics. */
enum MHD_Result http_metrics(struct http_request *request);

#endif
