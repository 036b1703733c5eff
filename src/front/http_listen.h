/* http_listen: a listening TCP socket, or words that say why there is none.
 *
 * Threads: any. */
#ifndef SEQD_FRONT_HTTP_LISTEN_H
#define SEQD_FRONT_HTTP_LISTEN_H

#include "base/error.h"

#include <stdint.h>

#define HTTP_BACKLOG \
    4096 /* connections that the kernel may hold for us; it has a limit of its own */

/* Listen on numeric `address` (IPv4, or IPv6 without brackets) and `port`, 0 for any that is free.
 * `ret_port` is the one it is. The caller closes `ret_fd`, which does not block.
 * ERR_CONFLICT  in use. ERR_INVALID  not an address of this machine, or not permitted. ERR_IO. */
__attribute__((warn_unused_result)) enum error http_listen(const char *address, uint16_t port,
                                                           int *ret_fd, uint16_t *ret_port,
                                                           struct error_detail *detail);

#endif
