/* http_reaper: the thread that looks at the time of every connection, and of every change that is
 * waited for, some times a second.
 *
 * Threads: the owner. */
#ifndef SEQD_FRONT_HTTP_REAPER_H
#define SEQD_FRONT_HTTP_REAPER_H

#include "base/error.h"
#include "http_service.h"

#define HTTP_REAPER_TICK_MS 100 /* how late a connection may be shut down */

struct http_reaper;

/* Start the thread. `service` is borrowed until the stop. ERR_NO_MEMORY when none can be had. */
__attribute__((warn_unused_result)) enum error http_reaper_start(struct http_service *service,
                                                                 struct http_reaper **ret_reaper);

/* Stop at once, and free. NULL is accepted. */
void http_reaper_stop(struct http_reaper *reaper);

#endif
