/* change_log: what became of an administrative change, in one line of the log.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_CHANGE_LOG_H
#define SEQD_FRONT_CHANGE_LOG_H

#include "core/admin.h"

/* `admin` is done; `peer` says who has asked for it. Who only reads leaves no line. */
void change_log(const struct admin_request *admin, const char *peer);

#endif
