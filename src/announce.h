/* announce: says where the service listens: to the person at the terminal, to the log, and to the
 * service manager.
 *
 * Threads: one, the owner's. */
#ifndef SEQD_ANNOUNCE_H
#define SEQD_ANNOUNCE_H

#include "service.h"

#include <stdbool.h>

#define ANNOUNCE_PLACES (HTTP_INHERITED_MAX + ENDPOINTS_MAX)
#define ANNOUNCE_SIZE ((PLACE_TEXT_SIZE + 2) * ANNOUNCE_PLACES + 32)

/* Tell of every place, and that the service is ready. `tokens`: there are some, which somebody
 * could see where there is no TLS. `ret_status` is what the manager shows: "Listening on ...". */
void announce(struct service *service, bool tokens, const char *directory,
              char ret_status[ANNOUNCE_SIZE]);

#endif
