#include "inherit.h"

#include <string.h>
#include <systemd/sd-daemon.h>

enum error inherit_sockets(struct http_options *http, struct error_detail *detail)
{
    int count = sd_listen_fds(1);
    if (count < 0) {
        return error_fail(detail, ERR_IO, "cannot tell which sockets were passed: %s",
                          strerror(-count));
    }
    if (count > HTTP_INHERITED_MAX) {
        return error_fail(detail, ERR_INVALID, "%d sockets were passed, %d at most", count,
                          HTTP_INHERITED_MAX);
    }
    for (int i = 0; i < count; i++) {
        http->inherited[i] = SD_LISTEN_FDS_START + i;
    }
    http->inherited_count = (unsigned)count;
    return ERR_OK;
}
