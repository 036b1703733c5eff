/* http_process: what the kernel says of this process, for /metrics, under the names that every
 * Prometheus client library uses.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_PROCESS_H
#define SEQD_FRONT_HTTP_PROCESS_H

#include <stdio.h>

/* Write the metrics process_*. Those that cannot be had are left out. */
void http_process_write(FILE *page);

#endif
